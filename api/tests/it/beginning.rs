//! Where an answer begins: `rlimit`, `leftOff` and `--after`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, has_recorder};

fn capture(name: &str) -> String {
    format!("{}/../fixtures/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A data directory with the shop's traffic; `None` where nothing can be imported.
fn shop() -> Option<Bench> {
    if !has_recorder() {
        return None;
    }
    let bench = Bench::new();
    bench.run(&["import", &capture("shop.pcapng")]).ok();
    Some(bench)
}

fn answer(bench: &Bench, kfl: &str, line: &[&str]) -> Value {
    bench.run(&[&["query", kfl, "--json"], line].concat()).ok().json()
}

fn ids(bench: &Bench, kfl: &str, line: &[&str]) -> Vec<String> {
    let answer = answer(bench, kfl, line);
    let entries = answer["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rlimit_gives_the_latest_in_the_order_that_is_asked_for() {
    let Some(bench) = shop() else { return };
    let all = ids(&bench, "http", &[]);
    assert!(all.len() > 20, "{}", all.len());
    assert_eq!(ids(&bench, "http and rlimit(7)", &[]), all[all.len() - 7..]);
    let backward: Vec<_> = all.iter().rev().take(7).cloned().collect();
    assert_eq!(ids(&bench, "http and rlimit(7)", &["--order", "desc"]), backward);
    assert_eq!(ids(&bench, "http and rlimit(1)", &[]), all[all.len() - 1..]);
    // As many as there are, more, and no number at all.
    for text in [
        format!("http and rlimit({})", all.len()),
        "http and rlimit(99999)".into(),
        "http and rlimit(0)".into(),
    ] {
        assert_eq!(ids(&bench, &text, &[]), all, "{text}");
    }
    let middle = answer(&bench, "http", &[])["entries"][10]["startTime"].as_str().unwrap().to_owned();
    let early = ids(&bench, "http", &["--to", &middle]);
    assert_eq!(ids(&bench, "http and rlimit(3)", &["--to", &middle]), early[early.len() - 3..]);
}

#[test]
fn leftoff_goes_on_behind_an_entry_a_cursor_or_the_latest() {
    let Some(bench) = shop() else { return };
    let all = ids(&bench, "http", &[]);
    let left_off = |at: &str| format!("http and leftOff(\"{at}\")");
    assert_eq!(ids(&bench, &left_off(&all[12]), &[]), all[13..]);
    let earlier: Vec<_> = all[..12].iter().rev().cloned().collect();
    assert_eq!(ids(&bench, &left_off(&all[12]), &["--order", "desc"]), earlier);
    assert_eq!(ids(&bench, &left_off(&all[12]), &["--limit", "2"]), all[13..15]);
    let page = answer(&bench, "http", &["--limit", "5"]);
    let cursor = page["coverage"]["next"].as_str().unwrap();
    assert_eq!(ids(&bench, &left_off(cursor), &[]), all[5..]);
    assert_eq!(ids(&bench, "http", &["--after", cursor]), all[5..]);
    for latest in ["http and leftOff(\"latest\")", "http and leftOff(\"-1\")", "http and leftOff(-1)"] {
        assert_eq!(ids(&bench, latest, &[]), Vec::<String>::new(), "{latest}");
    }
}

#[test]
fn what_cannot_be_heeded_is_2_and_says_what_to_do() {
    let Some(bench) = shop() else { return };
    let id = &ids(&bench, "http", &["--limit", "1"])[0];
    let left_off = format!("leftOff(\"{id}\")");
    let both = format!("rlimit(3) and {left_off}");
    let cursor = format!("0@{id}");
    for (line, told) in [
        (&["query", "rlimit(3) and limit(3)"][..], "without limit() and --limit"),
        (&["query", "rlimit(3)", "--limit", "3"], "without limit() and --limit"),
        (&["query", &both], "use only one of them"),
        (&["query", "rlimit(3)", "--after", &cursor], "use only one of them"),
        (&["query", &left_off, "--after", &cursor], "use only one of them"),
        (&["query", "leftOff(\"import-000000000000-0000000007.1.2\")"], "begin at a time instead: --from"),
        (&["query", "leftOff(\"000000000000000000000007\")"], "as `remora query` prints it"),
        (&["query", "leftOff(7)"], "takes a text"),
        (&["query", "record(\"monday\")"], "recordings have no names"),
        (&["count", "rlimit(3)"], "everything is counted"),
        (&["top", "protocol.name", "leftOff(\"latest\")"], "everything is counted"),
        (&["map", "rlimit(3)"], "everything is counted"),
        (&["export", "--filter", "rlimit(3)", "-o", "-"], "--from says from when on"),
        (&["hunt", "x", "--filter", "leftOff(-1)"], "--from says from when on"),
    ] {
        let answer = bench.run(line);
        assert_eq!(answer.status(), 2, "{line:?}: {}", answer.stderr());
        assert!(answer.stderr().contains(told), "{line:?}: {}", answer.stderr());
    }
}

#[test]
fn an_answer_whose_beginning_costs_too_much_is_empty_and_says_so() {
    let Some(bench) = shop() else { return };
    let answer = answer(&bench, "http and rlimit(3)", &["--read-bytes-max", "1"]);
    assert_eq!(answer["entries"], serde_json::json!([]));
    assert_eq!(answer["coverage"]["truncated"], true);
}

/// A query that goes on, and its answers as they come.
struct Following {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Following {
    fn begin(bench: &Bench, kfl: &str) -> Self {
        let mut command = bench.remora();
        command.args(["query", kfl, "--follow", "--format", "jsonl"]).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        let line = self.lines.next().expect("it goes on").unwrap();
        serde_json::from_str::<Value>(&line).unwrap()["id"].as_str().unwrap().to_owned()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn followed_answers_begin_there_and_go_on() {
    let Some(bench) = shop() else { return };
    let all = ids(&bench, "http", &[]);
    let mut latest = Following::begin(&bench, "http and rlimit(2)");
    let mut behind = Following::begin(&bench, &format!("http and leftOff(\"{}\")", all[all.len() - 2]));
    assert_eq!([latest.next(), latest.next()], all[all.len() - 2..]);
    assert_eq!(behind.next(), all[all.len() - 1]);
    // What comes later is told, though it began before all of that.
    bench.run(&["import", &capture("http-nginx.pcapng")]).ok();
    let came: Vec<_> = ids(&bench, "http", &[]).into_iter().filter(|id| !all.contains(id)).collect();
    assert!(!came.is_empty());
    for _ in 0..came.len() {
        assert!(came.contains(&latest.next()));
        assert!(came.contains(&behind.next()));
    }
}

#[test]
fn a_followed_answer_ends_at_its_limit() {
    let Some(bench) = shop() else { return };
    let all = ids(&bench, "http", &[]);
    // More than there is now: the rest has to come.
    let mut command: Command = bench.remora();
    let kfl = format!("http and limit({})", all.len() + 1);
    command
        .args(["query", &kfl, "--follow", "--format", "jsonl"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    bench.run(&["import", &capture("http-nginx.pcapng")]).ok();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), all.len() + 1);
}
