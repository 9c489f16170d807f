//! `kill -9` at any instant costs at most the last second, and the next start says what it saved.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use crate::harness::{
    Recorder, Traffic, can_capture, content, number, sealed, send_signal, status, wait_until,
};

/// How often the recorder is killed.
const KILLS: usize = 100;
/// Longest life before a kill.
const LIFE_MS_MAX: u64 = 2_000;
/// What a crash may cost.
const COST_MAX: Duration = Duration::from_secs(1);

/// A small generator; the seed is printed, so that a failure can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn killed_a_hundred_times_nothing_sealed_is_lost_and_at_most_a_second_is_missing() {
    if !can_capture("kill -9") {
        return;
    }
    let seed = std::env::var("REMORA_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| u64::from(std::process::id()) * 0x9e37_79b9 + 1);
    eprintln!("REMORA_SEED={seed}");
    let mut chance = Chance(seed);
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(1000);
    let filter = traffic.filter();
    let arguments = ["-i", "lo", "--rotate-after", "1s", "--bpf", &filter];

    let mut lives: Vec<(Instant, Instant)> = Vec::new();
    let mut said_sealed: BTreeSet<String> = BTreeSet::new();
    let mut said_repaired: HashSet<String> = HashSet::new();
    let mut left_open = 0;
    for _ in 0..=KILLS {
        let mut recorder = Recorder::start(data.path(), &arguments);
        recorder.wait_for("interface", Duration::from_secs(20));
        let began = Instant::now();
        let last = lives.len() == KILLS;
        let life = if last { 1500 } else { chance.below(LIFE_MS_MAX) };
        std::thread::park_timeout(Duration::from_millis(life));
        lives.push((began, Instant::now()));
        if last {
            assert!(recorder.stop().1);
        } else {
            recorder.kill();
            left_open += std::fs::read_dir(data.path().join("open")).unwrap().count();
        }
        let ids = |name| {
            recorder
                .events(name)
                .into_iter()
                .map(|e| e["id"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        said_sealed.extend(ids("sealed"));
        said_repaired.extend(ids("repaired"));
    }
    let sent = traffic.stop();

    let mut there: HashSet<u64> = HashSet::new();
    let mut ids = BTreeSet::new();
    for path in sealed(data.path()) {
        let content = content(&path);
        ids.insert(content.manifest.id.to_string());
        there.extend(content.packets.iter().map(|(_, data)| number(data)));
    }
    assert!(said_sealed.is_subset(&ids), "sealed segments are missing");
    assert_eq!(std::fs::read_dir(data.path().join("open")).unwrap().count(), 0);
    assert!(!said_repaired.is_empty());
    let sequences: Vec<u64> = ids.iter().map(|id| id.rsplit_once('-').unwrap().1.parse().unwrap()).collect();
    assert_eq!(sequences, (0..sequences.len() as u64).collect::<Vec<_>>(), "the chain has no hole");

    let mut worst = Duration::ZERO;
    for (began, killed) in &lives {
        let lived = sent.iter().enumerate().filter(|(_, at)| began <= at && *at < killed);
        for (number, at) in lived {
            if !there.contains(&(number as u64)) {
                worst = worst.max(*killed - *at);
            }
        }
    }
    eprintln!(
        "{KILLS} kills: {} segments, {} repaired of {left_open} left open, at most {worst:?} missing",
        ids.len(),
        said_repaired.len()
    );
    assert!(worst <= COST_MAX, "{worst:?} are missing");
}

#[test]
fn a_worker_that_hangs_is_replaced_and_the_ledger_says_so() {
    if !can_capture("watchdog") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(500);
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo", "--bpf", &traffic.filter()]);
    let first = recorder.worker();
    wait_until(Duration::from_secs(10), || status(data.path())["report"]["appended"].as_u64() > Some(100));
    send_signal(first, "STOP");
    let restarted = recorder.wait_for("restarted", Duration::from_secs(15));
    assert!(restarted["reason"].as_str().unwrap().contains("said nothing"));
    recorder.wait_for("repaired", Duration::from_secs(10));
    recorder.wait_for("loss", Duration::from_secs(10));
    assert_ne!(recorder.worker(), first);
    assert_eq!(status(data.path())["restarts"], 1);
    assert!(recorder.stop().1);
    let contents: Vec<_> = sealed(data.path()).iter().map(|path| content(path)).collect();
    let restart = segment::LossCause::Restart;
    assert!(
        contents[1].losses.iter().any(|loss| loss.cause == restart && loss.note.contains("said nothing"))
    );
    assert!(!contents[1].packets.is_empty());
}

#[test]
fn a_worker_that_dies_is_replaced_at_once() {
    if !can_capture("restart") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo"]);
    send_signal(recorder.worker(), "KILL");
    recorder.wait_for("restarted", Duration::from_secs(5));
    recorder.wait_for("repaired", Duration::from_secs(5));
    assert!(recorder.stop().1);
    assert_eq!(sealed(data.path()).len(), 2);
}

#[test]
fn without_its_supervisor_a_worker_seals_and_ends() {
    if !can_capture("orphan") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo"]);
    send_signal(recorder.child.id(), "KILL");
    wait_until(Duration::from_secs(6), || sealed(data.path()).len() == 1);
    recorder.child.wait().unwrap();
    // The lock is free again.
    wait_until(Duration::from_secs(6), || {
        !std::path::Path::new(&format!("/proc/{}/exe", recorder.worker())).exists()
    });
    assert!(Recorder::recording(data.path(), &["-i", "lo"]).stop().1);
}
