//! Starts recorders, listens to them, makes traffic for them, and reads what they recorded.

use std::io::{BufRead, BufReader};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use segment::{Loss, Manifest, Reading, Record, SegmentReader};
use serde_json::Value;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_remora-recorder");

/// Whether this process may capture; says so if not.
pub fn can_capture(test: &str) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status_value(&status, "CapEff");
    let may = effective & (1 << 13) != 0;
    if !may {
        eprintln!("SKIPPED: {test} needs CAP_NET_RAW; run it with sudo");
    }
    may
}

/// Whether this process is root with the right to change interfaces and mounts; says so if not.
pub fn is_root(test: &str) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let needed = (1 << 12) | (1 << 13) | (1 << 21);
    let may = status_value(&status, "CapEff") & needed == needed;
    if !may {
        eprintln!("SKIPPED: {test} needs root");
    }
    may
}

/// A hexadecimal value of /proc/PID/status.
pub fn status_value(status: &str, name: &str) -> u64 {
    let line = status.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap()
}

/// A recorder that runs.
pub struct Recorder {
    pub child: Child,
    events: Receiver<Value>,
    pub seen: Vec<Value>,
}

impl Recorder {
    /// Starts `capture` with these arguments.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["capture", "--free-percent-min", "0", "--data"])
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (tell, events) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if tell.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, events, seen: Vec::new() }
    }

    /// Starts it and waits until it records.
    pub fn recording(data: &Path, arguments: &[&str]) -> Self {
        let mut recorder = Self::start(data, arguments);
        recorder.wait_for("interface", Duration::from_secs(10));
        wait_until(Duration::from_secs(10), || has_open_segment(data));
        recorder
    }

    /// Waits for an event of that name, and returns it.
    pub fn wait_for(&mut self, name: &str, patience: Duration) -> Value {
        let by = Instant::now() + patience;
        loop {
            let left = by.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if event["event"] == name {
                        return event;
                    }
                }
                Err(_) => panic!("no event {name:?} within {patience:?}; seen: {:#?}", self.seen),
            }
        }
    }

    /// Process id of the worker.
    pub fn worker(&self) -> u32 {
        let started = self.seen.iter().rev().find(|event| event["event"] == "started").unwrap();
        u32::try_from(started["pid"].as_u64().unwrap()).unwrap()
    }

    /// Asks it to stop; says how long that took and how it ended.
    pub fn stop(&mut self) -> (Duration, bool) {
        let asked = Instant::now();
        send_signal(self.child.id(), "TERM");
        let status = self.child.wait().unwrap();
        let took = asked.elapsed();
        self.seen.extend(self.events.iter());
        (took, status.success())
    }

    /// Kills supervisor and worker at once, as a power cut would.
    pub fn kill(&mut self) {
        let worker = self.worker();
        Command::new("kill")
            .args(["-KILL", &self.child.id().to_string(), &worker.to_string()])
            .status()
            .unwrap();
        self.child.wait().unwrap();
        self.seen.extend(self.events.iter());
    }

    /// The events of that name so far.
    pub fn events(&self, name: &str) -> Vec<&Value> {
        self.seen.iter().filter(|event| event["event"] == name).collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub fn send_signal(pid: u32, signal: &str) {
    Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).status().unwrap();
}

/// Whether a segment is being written.
pub fn has_open_segment(data: &Path) -> bool {
    std::fs::read_dir(data.join("open"))
        .is_ok_and(|folder| folder.flatten().any(|file| file.file_name().to_string_lossy().ends_with(".zst")))
}

/// Waits until `condition` holds.
pub fn wait_until(patience: Duration, mut condition: impl FnMut() -> bool) {
    let by = Instant::now() + patience;
    while !condition() {
        assert!(Instant::now() < by, "not within {patience:?}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// What status.json says.
pub fn status(data: &Path) -> Value {
    let text = std::fs::read_to_string(data.join("status.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// UDP datagrams on loopback, each with its number, until it is dropped.
pub struct Traffic {
    pub port: u16,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Instant>>>,
}

impl Traffic {
    /// So many datagrams a second.
    pub fn start(per_second: u32) -> Self {
        Self::prepare().begin(per_second)
    }

    /// Knows its port already, but sends nothing yet.
    pub fn prepare() -> PreparedTraffic {
        PreparedTraffic(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    fn begin(sink: UdpSocket, per_second: u32) -> Self {
        let port = sink.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let source = UdpSocket::bind("127.0.0.1:0").unwrap();
            let pause = Duration::from_secs(1) / per_second;
            let mut sent = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let mut payload = [0x2a_u8; 120];
                payload[..8].copy_from_slice(&(sent.len() as u64).to_be_bytes());
                sent.push(Instant::now());
                source.send_to(&payload, sink.local_addr().unwrap()).unwrap();
                std::thread::park_timeout(pause);
            }
            sent
        });
        Self { port, stop, thread: Some(thread) }
    }

    /// Ends it; says when each datagram was sent.
    pub fn stop(mut self) -> Vec<Instant> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }

    pub fn filter(&self) -> String {
        format!("udp dst port {}", self.port)
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Traffic that has not begun.
pub struct PreparedTraffic(UdpSocket);

impl PreparedTraffic {
    /// So many datagrams a second, from now on.
    pub fn begin(self, per_second: u32) -> Traffic {
        Traffic::begin(self.0, per_second)
    }

    pub fn filter(&self) -> String {
        format!("udp dst port {}", self.0.local_addr().unwrap().port())
    }
}

/// The sealed segments, in order.
pub fn sealed(data: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(data.join("sealed"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".pcapng.zst"))
        .collect();
    paths.sort();
    paths
}

/// What a sealed segment holds: the numbers of our datagrams, and the losses.
pub struct Content {
    pub manifest: Manifest,
    pub packets: Vec<(String, Vec<u8>)>,
    pub losses: Vec<Loss>,
    pub statistics: usize,
}

/// Reads a sealed segment and checks it against its manifest and digests.
pub fn content(path: &Path) -> Content {
    let found = segment::verify(path).unwrap();
    assert!(found.is_sound(), "{}: {:?}", path.display(), found.problems);
    let manifest =
        Manifest::read(&PathBuf::from(path.to_string_lossy().replace(".pcapng.zst", ".manifest.json")));
    let mut content =
        Content { manifest: manifest.unwrap(), packets: Vec::new(), losses: Vec::new(), statistics: 0 };
    let mut reader = SegmentReader::open(path, Reading::Strict).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        for record in frame.records() {
            match record.unwrap().1 {
                Record::Packet(packet) => {
                    let interface = &frame.interfaces()[packet.interface.0 as usize];
                    content.packets.push((interface.name.clone(), packet.data.to_vec()));
                }
                Record::Loss(loss) => content.losses.push(loss),
                Record::InterfaceStatistics(_) => content.statistics += 1,
                _ => {}
            }
        }
    }
    assert_eq!(content.manifest.packets, content.packets.len() as u64);
    content
}

/// The number in one of our datagrams, captured on an Ethernet-like link.
pub fn number(packet: &[u8]) -> u64 {
    u64::from_be_bytes(packet[42..50].try_into().unwrap())
}
