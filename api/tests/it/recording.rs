//! From a capture file to an answer, with the real recorder.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::command::{Bench, corpus, has_recorder};

/// A capture of the corpus, imported; `None` where that can't be done.
fn imported(name: &str) -> Option<(Bench, PathBuf)> {
    if !has_recorder() {
        return None;
    }
    let capture = corpus()?.join(name);
    let bench = Bench::new();
    let answer = bench.run(&["import", capture.to_str().unwrap()]).ok();
    assert!(answer.stdout().contains(name), "{}", answer.stdout());
    Some((bench, capture))
}

const SHOP: &str = "http1-akita-simple_http_two_with_noise.pcap";

#[test]
fn an_imported_capture_answers_in_every_format() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let answer = bench.run(&["query", "http", "--json"]).ok().json();
    let entries = answer["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(answer["coverage"]["entries"], 2);
    assert_eq!(answer["coverage"]["segmentsSearched"], 1);
    assert_eq!(entries[1]["response"]["status"], 404);

    let table = bench.run(&["query", "http and response.status == 404"]).ok();
    assert!(table.stdout().contains("GET /favicon.ico"), "{}", table.stdout());
    assert_eq!(table.stderr(), "1 exchange from 1 segment\n");
    assert!(!table.stdout().contains('\x1b'), "no colour into a pipe");

    assert_eq!(bench.run(&["query", "http", "--format", "jsonl"]).ok().stdout().lines().count(), 2);
    assert_eq!(bench.run(&["query", "http", "--format", "csv"]).ok().stdout().lines().count(), 3);
    let archive: Value =
        serde_json::from_str(&bench.run(&["query", "", "--format", "har"]).ok().stdout()).unwrap();
    let archived = archive["log"]["entries"].as_array().unwrap();
    assert_eq!(archived.len(), 2);
    assert!(archived[0]["response"]["content"]["text"].as_str().unwrap().contains("Welcome to nginx"));
}

#[test]
fn ranges_are_half_open_and_orders_and_limits_hold() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let ids = |line: &[&str]| -> Vec<String> {
        let answer = bench.run(&[&["query", "http", "--json"], line].concat()).ok().json();
        let entries = answer["entries"].as_array().unwrap();
        entries.iter().map(|entry| entry["startTime"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids(&[]);
    assert_eq!(ids(&["--from", &all[1]]), all[1..]);
    assert_eq!(ids(&["--to", &all[1]]), all[..1]);
    assert_eq!(ids(&["--order", "desc", "--limit", "1"]), all[1..]);
    assert_eq!(ids(&["--from", "-1m"]), Vec::<String>::new());
}

#[test]
fn an_exchange_is_opened_with_its_packets() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let answer = bench.run(&["query", "http", "--json", "--limit", "1"]).ok().json();
    let id = answer["entries"][0]["id"].as_str().unwrap();
    let shown = bench.run(&["show", id, "--packets"]).ok().stdout();
    for part in ["Request: GET / HTTP/1.1", "Response: HTTP/1.1 200 OK", "Welcome to nginx", "PSH ACK"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let whole = bench.run(&["show", id, "--packets", "--json"]).ok().json();
    assert!(whole["packets"].as_array().unwrap().len() >= 2);
    assert_eq!(bench.run(&["show", "no id"]).status(), 2);
}

#[test]
fn importing_again_does_nothing_unless_asked() {
    let Some((bench, capture)) = imported(SHOP) else { return };
    let capture = capture.to_str().unwrap();
    assert!(bench.run(&["import", capture]).ok().stdout().contains("imported before"));
    assert_eq!(bench.run(&["segments", "--json"]).ok().json()["segments"].as_array().unwrap().len(), 1);
    bench.run(&["import", "--again", capture]).ok();
    assert_eq!(bench.run(&["segments", "--json"]).ok().json()["segments"].as_array().unwrap().len(), 2);
}

#[test]
fn an_export_is_written_outside_and_a_flipped_bit_is_found() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let file = bench.directory.path().join("out.pcapng");
    let told = bench.run(&["export", "-o", file.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!(told["packets"], 35);
    assert_eq!(std::fs::read(&file).unwrap()[..4], [0x0a, 0x0d, 0x0d, 0x0a]);
    assert_eq!(bench.run(&["export", "-o", "/nowhere/x.pcapng"]).status(), 1);
    assert_eq!(bench.run(&["export", "--bpf", "no such filter (", "-o", file.to_str().unwrap()]).status(), 2);

    assert!(bench.run(&["verify"]).ok().stdout().starts_with("1 segment verified, no problem\n"));
    let id = bench.run(&["segments", "--json"]).ok().json()["segments"][0]["id"].as_str().unwrap().to_owned();
    let segment = bench.data().join("sealed").join(format!("{id}.pcapng.zst"));
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&segment).unwrap();
    std::fs::write(&segment, bytes).unwrap();
    let verified = bench.run(&["verify", &id]);
    assert_eq!(verified.status(), 1);
    assert!(verified.stderr().contains(&id), "{}", verified.stderr());
}

#[test]
fn indexes_are_made_anew_and_a_reader_may_go() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let before = bench.run(&["query", "", "--json"]).ok().json();
    bench.run(&["reindex"]).ok();
    assert_eq!(bench.run(&["query", "", "--json"]).ok().json(), before);
    let mut child =
        bench.remora().args(["query", ""]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("remora:"));
}

#[test]
fn a_file_that_is_no_capture_is_1_and_said_once() {
    let Some((bench, _)) = imported(SHOP) else { return };
    let text = bench.directory.path().join("notes.txt");
    std::fs::write(&text, "no packets here").unwrap();
    let answer = bench.run(&["import", text.to_str().unwrap()]);
    assert_eq!(answer.status(), 1);
    assert_eq!(answer.stderr().lines().count(), 1, "{}", answer.stderr());
    assert!(answer.stderr().contains("notes.txt"));
}
