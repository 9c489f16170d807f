//! Keeps a worker recording: starts it, listens to it, replaces it.
//!
//! It is a process of its own so that a worker can be replaced although whoever started the recorder
//! has dropped its capabilities. It reads no packet and writes one file, status.json.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select, tick};
use rustix::process::{Pid, Signal, kill_process};
use serde::Serialize;

use crate::cli::{CaptureArgs, CaptureConfig};
use crate::clock;
use crate::data::{DataDir, replace};
use crate::error::Error;
use crate::event::Event;
use crate::privileges::{Passing, keep_only_net_raw};
use crate::report::Report;
use crate::source::ANY;
use crate::watchdog::{Verdict, Watchdog};
use crate::worker::stops;

/// How often the supervisor looks at its worker.
const TICK: Duration = Duration::from_millis(200);
/// The priority of supervisor and worker, by nice(2): ahead of ordinary work, behind what keeps the
/// machine alive.
const NICENESS: i32 = -10;
/// Lines of a worker that wait to be read; it prints a few a second.
const LINES: usize = 256;
/// Longest time from a stop to the end of the worker.
const STOP_WITHIN: Duration = Duration::from_millis(4_800);
/// How long a worker that hangs may take to end by itself.
const GRACE: Duration = Duration::from_secs(1);
/// First and last pause before a worker that ended is replaced.
const RESTART_PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(10)];
/// A worker that lived this long was healthy: the next pause is the first one again.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// What status.json says. Times are nanoseconds, as text.
#[derive(Serialize)]
struct Status<'a> {
    format_version: u32,
    at: String,
    supervisor_pid: u32,
    worker_pid: Option<u32>,
    restarts: u64,
    last_restart: Option<&'a str>,
    /// Packets that the kernel counted on the recorded interfaces since the recorder's start.
    kernel_packets: Option<u64>,
    report: Option<&'a Report>,
    retention: Retention,
}

/// What may stay on the disk, of [`crate::budget::Budget`].
#[derive(Serialize)]
struct Retention {
    bytes_max: Option<u64>,
    age_max_s: Option<u64>,
    free_percent_min: u8,
}

/// A worker that runs.
struct Worker {
    child: Child,
    lines: Receiver<Event>,
    started: Instant,
    /// Whether it got as far as recording.
    recording: bool,
    finished: Option<bool>,
}

/// The supervisor's state.
struct Supervisor {
    config: CaptureConfig,
    data: DataDir,
    lock: File,
    watchdog: Watchdog,
    restarts: u64,
    last_restart: Option<String>,
    pause: Duration,
    report: Option<Report>,
    kernel_at_start: Option<u64>,
}

/// What happened.
enum Action {
    Said(Event),
    Hung,
    Tick,
    Stop,
}

/// Records until SIGINT or SIGTERM; says whether everything was sealed.
///
/// # Errors
/// Where recording can't begin; the worker has said why, then.
pub fn run(args: &CaptureArgs) -> Result<bool, Error> {
    let config = CaptureConfig::new(args).map_err(Error::Config)?;
    come_first();
    keep_only_net_raw(Passing::ToWorker)?;
    let stops = stops()?;
    let data = DataDir::prepare(&config.data)?;
    let lock = data.lock()?;
    let mut supervisor = Supervisor {
        kernel_at_start: kernel_packets(&config.interfaces),
        config,
        data,
        lock,
        watchdog: Watchdog::new(clock::monotonic()),
        restarts: 0,
        last_restart: None,
        pause: RESTART_PAUSES[0],
        report: None,
    };
    let mut worker = supervisor.start(None)?;
    let ticks = tick(TICK);
    loop {
        match select(&worker, &stops, &ticks) {
            Action::Said(event) => supervisor.hear(event, &mut worker),
            Action::Stop => return Ok(supervisor.stop(worker)),
            action @ (Action::Tick | Action::Hung) => {
                if let Some(ended) = ended(&mut worker, matches!(action, Action::Hung)) {
                    if !worker.recording && supervisor.restarts == 0 {
                        // It has said why on standard error.
                        return Ok(false);
                    }
                    if worker.finished == Some(true) {
                        // Somebody told the worker itself to stop.
                        Event::Finished { ok: true }.print();
                        return Ok(true);
                    }
                    match supervisor.succeed(worker, ended, &stops)? {
                        Some(next) => worker = next,
                        None => return Ok(true),
                    }
                } else if worker.lines.is_empty()
                    && let Verdict::Restart(reason) = supervisor.watchdog.verdict(clock::monotonic())
                {
                    // What it said already counts first, should this process itself have been held up.
                    end(&mut worker.child, GRACE);
                    match supervisor.succeed(worker, reason, &stops)? {
                        Some(next) => worker = next,
                        None => return Ok(true),
                    }
                }
            }
        }
    }
}

/// Recording goes before whatever else this machine does. Needs CAP_SYS_NICE, which is dropped next;
/// without it, everybody's share is what there is.
fn come_first() {
    if let Err(refused) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%refused, "priority stays");
    }
}

fn select(worker: &Worker, stops: &Receiver<()>, ticks: &Receiver<Instant>) -> Action {
    select! {
        recv(stops) -> _ => Action::Stop,
        recv(worker.lines) -> line => line.map_or(Action::Hung, Action::Said),
        recv(ticks) -> _ => Action::Tick,
    }
}

/// Why the worker ended, if it did. One that closed its output is at its end: wait for it.
fn ended(worker: &mut Worker, closed: bool) -> Option<String> {
    if closed {
        end(&mut worker.child, GRACE);
    }
    let status = worker.child.try_wait().ok()??;
    Some(format!("the worker ended: {status}"))
}

impl Supervisor {
    /// Starts a worker with the command line of this process.
    fn start(&mut self, lost: Option<(i64, &str)>) -> Result<Worker, Error> {
        // The same file even if the program on disk was replaced meanwhile.
        let program = std::path::Path::new("/proc/self/exe");
        let lock = self.lock.try_clone().map_err(Error::io("share the lock of", self.data.root()))?;
        let mut command = Command::new(program);
        command.arg0("remora-recorder").arg("capture-worker").args(std::env::args_os().skip(2));
        if let Some((since, why)) = lost {
            command.arg(format!("--lost-since={since}")).arg(format!("--lost-why={why}"));
        }
        // A process group of its own: Ctrl-C reaches the supervisor, which tells the worker.
        command.stdin(Stdio::from(lock)).stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(Error::io("start", program))?;
        let output = child.stdout.take().expect("it was piped");
        let (tell, lines) = bounded(LINES);
        std::thread::Builder::new()
            .name("listener".to_owned())
            .spawn(move || listen(BufReader::new(output), &tell))
            .map_err(Error::io("start a thread for", program))?;
        let now = clock::monotonic();
        self.watchdog.restarted(now);
        Ok(Worker { child, lines, started: now, recording: false, finished: None })
    }

    fn hear(&mut self, event: Event, worker: &mut Worker) {
        match event {
            Event::Report(report) => {
                let kernel = self.kernel_count(&report);
                self.watchdog.hear(&report, kernel, clock::monotonic());
                self.report = Some(report);
                self.write_status(Some(worker.child.id()));
            }
            event => {
                match event {
                    Event::Started { .. } => worker.recording = true,
                    Event::Finished { ok } => {
                        worker.finished = Some(ok);
                        return;
                    }
                    _ => {}
                }
                event.print();
            }
        }
    }

    /// What the kernel counted, for the watchdog. A filter, a network namespace, or `lo` and friends
    /// make the interfaces' counters useless; then the capture's own count is taken.
    fn kernel_count(&self, report: &Report) -> Option<u64> {
        match self.config.filter {
            None => kernel_packets(&self.config.interfaces),
            Some(_) => Some(report.sources.iter().map(|source| source.counters.kernel_received).sum()),
        }
    }

    /// Replaces a worker that ended. `None` if a stop came meanwhile.
    fn succeed(
        &mut self,
        worker: Worker,
        reason: String,
        stops: &Receiver<()>,
    ) -> Result<Option<Worker>, Error> {
        if worker.started.elapsed() >= HEALTHY_AFTER {
            self.pause = RESTART_PAUSES[0];
        }
        let since = self.report.as_ref().and_then(|report| report.at.parse().ok());
        let since = since.unwrap_or_else(|| clock::now().nanos());
        drop(worker);
        if stops.recv_timeout(self.pause).is_ok() {
            Event::Finished { ok: false }.print();
            return Ok(None);
        }
        self.pause = (self.pause * 2).min(RESTART_PAUSES[1]);
        self.restarts += 1;
        tracing::error!(reason, restarts = self.restarts, "worker replaced");
        Event::Restarted { reason: reason.clone(), restarts: self.restarts }.print();
        let worker = self.start(Some((since, &reason)))?;
        self.last_restart = Some(reason);
        self.write_status(Some(worker.child.id()));
        Ok(Some(worker))
    }

    /// Tells the worker to stop and hears it out; kills it when it takes too long.
    fn stop(&mut self, mut worker: Worker) -> bool {
        let by = clock::monotonic() + STOP_WITHIN;
        signal(&worker.child, Signal::TERM);
        while let Ok(event) = worker.lines.recv_deadline(by) {
            self.hear(event, &mut worker);
        }
        end(&mut worker.child, by.saturating_duration_since(clock::monotonic()));
        self.write_status(None);
        let ok = worker.finished == Some(true);
        Event::Finished { ok }.print();
        ok
    }

    fn write_status(&self, worker_pid: Option<u32>) {
        let kernel = kernel_packets(&self.config.interfaces);
        let status = Status {
            format_version: 1,
            at: clock::now().nanos().to_string(),
            supervisor_pid: std::process::id(),
            worker_pid,
            restarts: self.restarts,
            last_restart: self.last_restart.as_deref(),
            kernel_packets: kernel.zip(self.kernel_at_start).map(|(now, then)| now.saturating_sub(then)),
            report: self.report.as_ref(),
            retention: Retention {
                bytes_max: self.config.budget.bytes_max,
                age_max_s: self.config.budget.age_max.map(|age| age.as_secs()),
                free_percent_min: self.config.budget.free_percent_min,
            },
        };
        let text = serde_json::to_vec_pretty(&status).expect("a status is text and numbers");
        // A full disk must not stop the supervisor; the file is then as old as its `at` says.
        if let Err(error) = replace(&self.data.status(), &text) {
            tracing::debug!(%error, "status not written");
        }
    }
}

/// Reads a worker's lines until it closes its output.
fn listen(output: impl BufRead, tell: &Sender<Event>) {
    for line in output.lines() {
        let Ok(line) = line else { return };
        if let Some(event) = Event::parse(&line)
            && tell.send(event).is_err()
        {
            return;
        }
    }
}

fn signal(child: &Child, signal: Signal) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // It may be gone already.
        let _ = kill_process(pid, signal);
    }
}

/// Waits for the child to end; asks after nothing else, and kills it after `grace`.
fn end(child: &mut Child, grace: Duration) {
    signal(child, Signal::TERM);
    let ticks = tick(Duration::from_millis(20));
    let by = clock::monotonic() + grace;
    while clock::monotonic() < by {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        let _ = ticks.recv();
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Packets that the kernel counted as received on `interfaces`; `None` if it doesn't say.
fn kernel_packets(interfaces: &[String]) -> Option<u64> {
    let folder = std::path::Path::new("/sys/class/net");
    let count = |name: &std::ffi::OsStr| -> Option<u64> {
        let text = std::fs::read_to_string(folder.join(name).join("statistics/rx_packets")).ok()?;
        text.trim().parse().ok()
    };
    if interfaces.iter().any(|name| name == ANY) {
        let all = std::fs::read_dir(folder).ok()?.flatten();
        return Some(all.filter_map(|entry| count(&entry.file_name())).sum());
    }
    interfaces.iter().map(|name| count(name.as_ref())).sum()
}
