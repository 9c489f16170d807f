//! Live capture: what passes is recorded, what is lost is counted, and privileges are given up.

use std::time::Duration;

use crate::harness::{
    BINARY, Recorder, Traffic, can_capture, content, number, sealed, status, status_value, wait_until,
};

#[test]
fn what_passes_is_recorded_and_sealed_at_a_stop() {
    if !can_capture("capture on lo") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::prepare();
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo", "--bpf", &traffic.filter()]);
    let traffic = traffic.begin(1000);
    wait_until(Duration::from_secs(20), || status(data.path())["report"]["appended"].as_u64() > Some(1000));
    let sent = traffic.stop().len() as u64;
    let (took, ok) = recorder.stop();
    assert!(ok && took < Duration::from_secs(5), "stopped after {took:?}, ok: {ok}");

    let segments = sealed(data.path());
    assert_eq!(segments.len(), 1);
    let content = content(&segments[0]);
    let numbers: Vec<u64> = content.packets.iter().map(|(_, data)| number(data)).collect();
    let lost: u64 = content.losses.iter().filter_map(|loss| loss.packets).sum();
    // The law: everything that was sent is there or in the ledger.
    assert_eq!(numbers.len() as u64 + lost, sent);
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(content.packets.iter().all(|(interface, _)| interface == "lo"));
    assert!(content.statistics >= 1);
    let at = content.manifest.range.unwrap();
    let nanoseconds = at.start().nanos() % 1000 != 0 || (at.end().nanos() - 1) % 1000 != 0;
    assert!(nanoseconds, "time stamps are cut to microseconds");
    let report = &status(data.path())["report"];
    assert_eq!(report["appended"], numbers.len() as u64);
    assert_eq!(report["synced"], report["appended"]);
    assert_eq!(report["sealed"], report["appended"]);
    let source = &report["sources"][0];
    // On a loopback interface the kernel counts each packet twice, going out and coming in.
    let count = |name: &str| source[name].as_u64().unwrap();
    assert_eq!(count("kernel_received"), 2 * count("captured") + count("kernel_dropped"));
    assert_eq!(recorder.events("sealed").len(), 1);
    assert_eq!(recorder.events("finished")[0]["ok"], true);
}

#[test]
fn any_tells_interfaces_apart() {
    if !can_capture("capture on any") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(500);
    let mut recorder = Recorder::recording(data.path(), &["-i", "any", "--bpf", &traffic.filter()]);
    wait_until(Duration::from_secs(20), || status(data.path())["report"]["appended"].as_u64() > Some(100));
    drop(traffic);
    recorder.stop();
    let content = content(&sealed(data.path())[0]);
    let names: Vec<&str> =
        content.manifest.interfaces.iter().map(|count| count.interface.name.as_str()).collect();
    assert_eq!(names, ["any", "lo"]);
    assert_eq!(content.manifest.interfaces[0].interface.link_type, segment::LinkType::LINUX_SLL2);
    assert!(content.packets.iter().all(|(interface, _)| interface == "lo"));
}

#[test]
fn segments_rotate_by_age_and_form_a_chain() {
    if !can_capture("rotation") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(500);
    let mut recorder =
        Recorder::recording(data.path(), &["-i", "lo", "--rotate-after", "1s", "--bpf", &traffic.filter()]);
    for _ in 0..3 {
        recorder.wait_for("sealed", Duration::from_secs(10));
    }
    recorder.stop();
    drop(traffic);
    let contents: Vec<_> = sealed(data.path()).iter().map(|path| content(path)).collect();
    assert!(contents.len() >= 4);
    for (number, pair) in contents.windows(2).enumerate() {
        assert_eq!(pair[0].manifest.id.sequence, number as u64);
        assert_eq!(pair[1].manifest.previous, Some(pair[0].manifest.blake3_root));
    }
    // Nothing is missing between two segments.
    let numbers: Vec<u64> =
        contents.iter().flat_map(|content| content.packets.iter().map(|(_, data)| number(data))).collect();
    let lost: u64 = contents.iter().flat_map(|content| &content.losses).filter_map(|loss| loss.packets).sum();
    assert_eq!(numbers.len() as u64 + lost, numbers.last().unwrap() - numbers[0] + 1);
}

#[test]
fn a_snap_length_cuts_and_the_ledger_says_how_much() {
    if !can_capture("snap length") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let traffic = Traffic::start(500);
    let arguments = ["-i", "lo", "--snap-length-bytes", "60", "--bpf", &traffic.filter()];
    let mut recorder = Recorder::recording(data.path(), &arguments);
    wait_until(Duration::from_secs(20), || status(data.path())["report"]["appended"].as_u64() > Some(100));
    drop(traffic);
    recorder.stop();
    let content = content(&sealed(data.path())[0]);
    assert!(content.packets.iter().all(|(_, data)| data.len() == 60));
    let cut: u64 = content.losses.iter().filter_map(|loss| loss.bytes).sum();
    assert_eq!(content.manifest.original_bytes, content.manifest.bytes + cut);
}

#[test]
fn the_worker_holds_one_capability_and_the_supervisor_passes_it_on() {
    if !can_capture("privileges") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo"]);
    let net_raw = 1 << 13;
    for (pid, passed) in [(recorder.worker(), 0), (recorder.child.id(), net_raw)] {
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            assert_eq!(status_value(&status, "CapEff"), net_raw);
            assert_eq!(status_value(&status, "CapPrm"), net_raw);
            assert_eq!(status_value(&status, "CapInh"), passed);
            assert_eq!(status_value(&status, "CapAmb"), passed);
            assert_eq!(status_value(&status, "NoNewPrivs"), 1);
            assert_eq!(status_value(&status, "CapBnd") & !net_raw, 0);
        }
    }
    recorder.stop();
}

#[test]
fn without_the_capability_one_line_says_which_and_how_to_give_it() {
    if !can_capture("giving up the capability") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("setpriv")
        .args([
            "--bounding-set",
            "-net_raw",
            "--inh-caps",
            "-net_raw",
            BINARY,
            "capture",
            "-i",
            "lo",
            "--data",
        ])
        .arg(data.path())
        .output();
    let Ok(output) = output else {
        eprintln!("SKIPPED: setpriv is not installed");
        return;
    };
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("CAP_NET_RAW") && said.contains("setcap cap_net_raw+ep"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn an_interface_or_a_filter_that_is_wrong_is_named_and_ends_the_recorder() {
    if !can_capture("wrong interface") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    for (arguments, word) in
        [(vec!["-i", "no-such-if"], "no-such-if"), (vec!["-i", "lo", "--bpf", "portt 80"], "portt 80")]
    {
        let output = std::process::Command::new(BINARY)
            .args(["capture", "--data"])
            .arg(data.path())
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(word) && said.lines().count() == 1, "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_second_recorder_for_the_same_directory_is_refused() {
    if !can_capture("lock") {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let mut recorder = Recorder::recording(data.path(), &["-i", "lo"]);
    let output = std::process::Command::new(BINARY)
        .args(["capture", "-i", "lo", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("in use by another recorder") && said.lines().count() == 1, "{said}");
    recorder.stop();
}
