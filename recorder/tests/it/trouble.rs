//! The disk and the interface fail and come back; recording goes on, and the ledger knows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use segment::LossCause;

use crate::harness::{Recorder, Traffic, can_capture, content, is_root, number, sealed, status, wait_until};

/// A small file system of its own, until it is dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(bytes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        run(
            "mount",
            &["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs", folder.path().to_str().unwrap()],
        );
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn run(program: &str, arguments: &[&str]) {
    let ok = Command::new(program).args(arguments).status().is_ok_and(|status| status.success());
    assert!(ok, "{program} {arguments:?}");
}

/// From the first packet in any segment on: what was sent is there, or the ledger counts it.
fn assert_law(data: &Path, sent: u64) -> Vec<segment::Loss> {
    let contents: Vec<_> = sealed(data).iter().map(|path| content(path)).collect();
    let numbers: Vec<u64> =
        contents.iter().flat_map(|content| content.packets.iter().map(|(_, data)| number(data))).collect();
    let losses: Vec<_> = contents.into_iter().flat_map(|content| content.losses).collect();
    let lost: u64 = losses.iter().filter_map(|loss| loss.packets).sum();
    assert_eq!(numbers.len() as u64 + lost, sent - numbers[0], "{losses:#?}");
    losses
}

#[test]
fn a_full_disk_costs_only_what_comes_while_it_is_full() {
    if !can_capture("full disk") || !is_root("full disk") {
        return;
    }
    let disk = SmallDisk::new("8m");
    let data = disk.path();
    let traffic = Traffic::start(2000);
    let mut recorder = Recorder::recording(&data, &["-i", "lo", "--bpf", &traffic.filter()]);
    wait_until(Duration::from_secs(10), || status(&data)["report"]["appended"].as_u64() > Some(500));
    let ballast = disk.0.path().join("ballast");
    drop(std::fs::write(&ballast, vec![1_u8; 9 << 20]));
    let waiting = recorder.wait_for("disk", Duration::from_secs(20));
    assert_eq!(waiting["state"], "waiting");
    std::thread::park_timeout(Duration::from_secs(2));
    std::fs::remove_file(&ballast).unwrap();
    while recorder.wait_for("disk", Duration::from_secs(20))["state"] != "writing" {}
    let before = status(&data)["report"]["appended"].as_u64();
    wait_until(Duration::from_secs(10), || status(&data)["report"]["appended"].as_u64() > before);
    let sent = traffic.stop().len() as u64;
    assert!(recorder.stop().1);
    assert_law(&data, sent);
    assert_eq!(status(&data)["restarts"], 0);
}

#[test]
fn a_directory_that_vanishes_is_made_again() {
    if !can_capture("vanished directory") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let traffic = Traffic::start(500);
    let mut recorder = Recorder::recording(&data, &["-i", "lo", "--bpf", &traffic.filter()]);
    wait_until(Duration::from_secs(10), || status(&data)["report"]["appended"].as_u64() > Some(100));
    std::fs::remove_dir_all(data.join("open")).unwrap();
    while recorder.wait_for("disk", Duration::from_secs(20))["state"] != "writing" {}
    recorder.wait_for("loss", Duration::from_secs(10));
    drop(traffic);
    assert!(recorder.stop().1);
    let segments = sealed(&data);
    let losses = content(&segments[0]).losses;
    assert!(
        losses.iter().any(|loss| loss.cause == LossCause::DiskFull && loss.packets > Some(100)),
        "{losses:?}"
    );
}

/// A pair of interfaces, until it is dropped.
struct Pair(String);

impl Pair {
    fn new() -> Self {
        let name = format!("rt{}", std::process::id() % 100_000);
        run("ip", &["link", "add", &name, "type", "veth", "peer", "name", &format!("{name}p")]);
        run("ip", &["link", "set", &name, "up"]);
        run("ip", &["link", "set", &format!("{name}p"), "up"]);
        Self(name)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "del", &self.0]).status();
    }
}

#[test]
fn an_interface_that_goes_away_is_recorded_again_when_it_is_back() {
    if !can_capture("interface down") || !is_root("interface down") {
        return;
    }
    let pair = Pair::new();
    let data = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::recording(data.path(), &["-i", &pair.0]);
    run("ip", &["link", "set", &pair.0, "down"]);
    let down = recorder.wait_for("interface", Duration::from_secs(10));
    assert_eq!(down["state"], "down", "{down}");
    std::thread::park_timeout(Duration::from_millis(500));
    run("ip", &["link", "set", &pair.0, "up"]);
    let up = recorder.wait_for("interface", Duration::from_secs(10));
    assert_eq!(up["state"], "up");
    recorder.wait_for("loss", Duration::from_secs(5));
    assert!(recorder.stop().1);
    let losses = content(&sealed(data.path())[0]).losses;
    let lost = losses.iter().find(|loss| loss.cause == LossCause::InterfaceDown).unwrap();
    assert_eq!(lost.interface.as_deref(), Some(pair.0.as_str()));
    assert!(lost.range.end().since(lost.range.start()) > 400_000_000);
}

#[test]
fn the_budget_expires_the_oldest_and_says_so() {
    if !can_capture("budget") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(500);
    let arguments =
        ["-i", "lo", "--rotate-after", "1s", "--budget-bytes", "30KiB", "--bpf", &traffic.filter()];
    let mut recorder = Recorder::recording(data.path(), &arguments);
    let expired = recorder.wait_for("expired", Duration::from_secs(60));
    let id = expired["id"].as_str().unwrap();
    assert!(id.ends_with("-0000000000"), "{id}");
    assert!(!data.path().join(format!("sealed/{id}.pcapng.zst")).exists());
    assert!(!data.path().join(format!("sealed/{id}.manifest.json")).exists());
    recorder.stop();
    // The chain goes on where it was, whatever expired.
    let identity = std::fs::read_to_string(data.path().join("recorder.json")).unwrap();
    assert!(identity.contains("\"sequence\""), "{identity}");
}
