//! Starts `remora-recorder` and listens to it.
//!
//! The recorder is the only program that holds privileges, so it must be started before this process gives
//! up its own: with `no_new_privs` set, file capabilities of a child would have no effect. It says what it does
//! in lines of JSON on its standard output ([`Event`]) and shares the terminal's standard error.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::{Context, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

pub use self::event::Event;

mod event;

/// The program's name.
const PROGRAM: &str = "remora-recorder";

/// Names the program when it lies neither beside this one nor in the PATH.
const PROGRAM_VARIABLE: &str = "REMORA_RECORDER";

/// Events and signals that may wait: the recorder reports a few times per second, and blocks rather than
/// losing a line when nobody listens for long.
const HAPPENINGS_WAITING_MAX: usize = 256;

/// A longer line is no event of ours.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// What the one who supervises has to react to.
#[derive(Debug)]
pub enum Happening {
    /// The recorder said something.
    Event(Event),
    /// The recorder closed its output: it is ending.
    Closed,
    /// Somebody asks this process to stop.
    Signal(i32),
}

/// What the recorder reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// Nothing: it has a group of its own too, so that Ctrl-C reaches it only through us.
    Nothing,
    /// Our standard input.
    Ours,
}

/// A running recorder.
pub struct Recorder {
    child: Child,
    /// Caught since before the recorder was started, so that a signal never leaves it without supervision;
    /// taken when somebody listens.
    signals: Option<Signals>,
}

impl Recorder {
    /// Starts the recorder with `arguments`.
    ///
    /// # Errors
    ///
    /// If it can't be found or started.
    pub fn start(arguments: &[std::ffi::OsString], input: Input) -> anyhow::Result<Self> {
        let program = find()?;
        let mut command = Command::new(&program);
        command.args(arguments).stdout(Stdio::piped());
        if input == Input::Nothing {
            command.stdin(Stdio::null()).process_group(0);
        }
        let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot catch signals")?;
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, signals: Some(signals) })
    }

    /// What happens from now on: the recorder's events, and signals to this process.
    ///
    /// # Errors
    ///
    /// If no thread can be started or no signal be caught.
    pub fn happenings(&mut self) -> anyhow::Result<Receiver<Happening>> {
        let output =
            self.child.stdout.take().ok_or_else(|| anyhow!("the recorder is listened to already"))?;
        let (sender, receiver) = sync_channel(HAPPENINGS_WAITING_MAX);
        if let Some(signals) = self.signals.take() {
            listen_for_signals(signals, sender.clone())?;
        }
        thread::Builder::new().name("recorder".to_owned()).spawn(move || listen(output, &sender))?;
        Ok(receiver)
    }

    /// Passes a signal on; a recorder that has ended already does not need it.
    pub fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let signal = Signal::from_named_raw(signal).unwrap_or(Signal::TERM);
        if let Some(pid) = pid {
            let _ = kill_process(pid, signal);
        }
    }

    /// Waits until the recorder has ended.
    ///
    /// # Errors
    ///
    /// If the system can't say how it ended.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

/// A recorder that nobody supervises any more is asked to seal and end.
impl Drop for Recorder {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(SIGTERM);
            let _ = self.child.wait();
        }
    }
}

fn listen_for_signals(mut signals: Signals, sender: SyncSender<Happening>) -> io::Result<()> {
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut interrupted = false;
        for signal in signals.forever() {
            // Ctrl-C for the second time ends at once; the recorder, in a group of its own, still seals.
            if signal == SIGINT && std::mem::replace(&mut interrupted, true) {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            if sender.send(Happening::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

fn listen(output: ChildStdout, sender: &SyncSender<Happening>) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(1..) => {
                let Some(event) = Event::parse(&line) else {
                    tracing::debug!(bytes = line.len(), "not an event");
                    continue;
                };
                if sender.send(Happening::Event(event)).is_err() {
                    return;
                }
            }
            Ok(0) | Err(_) => {
                let _ = sender.send(Happening::Closed);
                return;
            }
        }
    }
}

/// Beside the running program, so that what was built or installed together works together; else in the PATH.
fn find() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os(PROGRAM_VARIABLE) {
        return Ok(PathBuf::from(named));
    }
    let own = std::env::current_exe().ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    find_in(own.as_deref().and_then(Path::parent), std::env::split_paths(&path)).ok_or_else(|| {
        anyhow!("{PROGRAM} is neither beside this program nor in the PATH: install it there, or name it with ${PROGRAM_VARIABLE}")
    })
}

fn find_in(beside: Option<&Path>, path: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    // An empty or relative element of the PATH means the working directory: not a place to run privileged
    // programs from.
    let path = path.filter(|directory| directory.is_absolute());
    beside
        .map(Path::to_owned)
        .into_iter()
        .chain(path)
        .map(|directory| directory.join(PROGRAM))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorder_beside_comes_first() {
        let (beside, path) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let search =
            || find_in(Some(beside.path()), [PathBuf::from("."), path.path().to_owned()].into_iter());
        assert_eq!(search(), None);
        std::fs::write(path.path().join(PROGRAM), "").unwrap();
        assert_eq!(search(), Some(path.path().join(PROGRAM)));
        std::fs::write(beside.path().join(PROGRAM), "").unwrap();
        assert_eq!(search(), Some(beside.path().join(PROGRAM)));
    }
}
