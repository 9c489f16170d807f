//! What `remora` may still do once it runs, seen from outside through /proc.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, skip};

/// A started `remora` that is asked to end when the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn status(pid: u32, name: &str) -> Vec<String> {
    // Every thread, for capabilities belong to threads.
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let lines = tasks.map(|task| {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().to_owned()
    });
    lines.collect()
}

fn confined_event(remora: &mut Running) -> Value {
    let mut lines = BufReader::new(remora.0.stdout.take().unwrap()).lines();
    lines
        .find_map(|line| {
            let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
            (event["event"] == "confined").then_some(event)
        })
        .unwrap()
}

/// Starts a recording with a recorder that waits, and gives it once it says that it is confined.
fn record(bench: &Bench) -> (Running, Value) {
    let recorder = bench.fake_recorder("trap 'exit 0' TERM INT; read -r line; while :; do sleep 0.1; done");
    let child = bench
        .remora()
        .env("REMORA_RECORDER", recorder)
        .args(["--json", "record", "-i", "lo"])
        .stdout(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut running = Running(child);
    let event = confined_event(&mut running);
    (running, event)
}

#[test]
fn a_recording_remora_holds_no_capability_in_any_thread() {
    let bench = Bench::new();
    let (remora, event) = record(&bench);
    assert_eq!(event["capabilities"], "none");
    for set in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        for held in status(remora.0.id(), set) {
            assert_eq!(held, "0000000000000000", "{set}");
        }
    }
    for set in status(remora.0.id(), "NoNewPrivs:") {
        assert_eq!(set, "1");
    }
    if event["writes"] != "confined" {
        skip(&format!("this kernel's Landlock leaves writes {}", event["writes"]));
    }
}

#[test]
fn the_recorder_keeps_what_remora_gave_up() {
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find(|line| line.starts_with("CapEff:")).unwrap().to_owned();
    if own.ends_with("0000000000000000") {
        skip("the test itself has no capability to pass on");
        return;
    }
    let bench = Bench::new();
    let seen = bench.directory.path().join("seen");
    let recorder = bench.fake_recorder(&format!(
        "echo '{{\"event\":\"started\"}}'; grep CapEff: /proc/$$/status > '{}'; exit 1",
        seen.display()
    ));
    let answer = bench.remora().env("REMORA_RECORDER", recorder).arg("record").output().unwrap();
    assert_eq!(answer.status.code(), Some(1));
    assert_eq!(fs::read_to_string(seen).unwrap().trim(), own);
    let told = String::from_utf8(answer.stderr).unwrap();
    assert!(told.contains("exited with status 1"), "{told}");
}

#[test]
fn a_write_outside_of_the_data_directory_is_refused() {
    let bench = Bench::new();
    let outside = bench.directory.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    // The indexes would go where this link leads.
    fs::create_dir_all(bench.data()).unwrap();
    std::os::unix::fs::symlink(&outside, bench.data().join("catalog")).unwrap();
    let recorder = bench.fake_recorder("exit 0");
    let answer =
        bench.remora().env("REMORA_RECORDER", recorder).args(["--json", "import", "x"]).output().unwrap();
    let first = String::from_utf8(answer.stdout).unwrap();
    let event: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    if event["writes"] == "unconfined" {
        skip("this kernel has no Landlock of version 2 or later");
        return;
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn signals_are_passed_on_and_end_a_recording_well() {
    let bench = Bench::new();
    let told = bench.directory.path().join("told");
    let recorder = bench.fake_recorder(&format!(
        "trap 'echo TERM > \"{}\"; echo \"{{\\\"event\\\":\\\"finished\\\"}}\"; exit 0' TERM\n\
         echo '{{\"event\":\"started\"}}'; while :; do sleep 0.1; done",
        told.display()
    ));
    let mut child = bench
        .remora()
        .env("REMORA_RECORDER", recorder)
        .args(["--json", "record"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| {
        let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
        event["event"].as_str().unwrap().to_owned()
    });
    assert!(events.any(|event| event == "started"));
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(events.any(|event| event == "finished"));
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_to_string(told).unwrap(), "TERM\n");
}
