//! `remora kfl`: what it says of texts, and the vectors of the original engine through it.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::command::{Answer, Bench, has_recorder};
use crate::expectations::{self, Given, NOW_MS};

/// `remora` with something to read on standard input.
fn fed(bench: &Bench, arguments: &[&str], input: &str) -> Answer {
    let mut command = bench.remora();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Whoever only writes waits for ever once both pipes are full.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    Answer(output)
}

#[test]
fn every_vector_gives_through_the_command_what_it_gives_in_the_library() {
    let names = ["kfl_vectors.json", "kubeshark_entries.json"];
    let [Some(vectors), Some(entries)] = names.map(expectations::read) else { return };
    let vectors = vectors["vectors"].as_array().unwrap();
    let asked: String = vectors
        .iter()
        .map(|vector| {
            let record = expectations::record(vector, &entries);
            json!({ "query": vector["query"], "record": record }).to_string() + "\n"
        })
        .collect();
    let arguments = ["kfl", "eval", "--now", &NOW_MS.to_string(), "--jsonl"];
    let answered = fed(&Bench::new(), &arguments, &asked).ok().stdout();
    let answers: Vec<Value> =
        answered.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect();
    assert_eq!(answers.len(), vectors.len());
    let mut found = Vec::new();
    for (vector, answer) in vectors.iter().zip(answers) {
        let given = match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => {
                Ok(Given { matches: answer["truth"].as_bool().unwrap(), record: answer["record"].clone() })
            }
        };
        found.extend(expectations::difference(vector, given).map(|one| expectations::line(&one, vector)));
    }
    let known: Vec<_> = expectations::known().collect();
    let new: Vec<_> = found.iter().filter(|line| !known.contains(&line.as_str())).collect();
    assert!(new.is_empty(), "{new:#?}");
    // What a query says of the answer as a whole isn't asked here.
    let gone: Vec<_> = known
        .iter()
        .filter(|line| !line.starts_with("limit") && !line.starts_with("a macro"))
        .filter(|line| !found.iter().any(|one| one == *line))
        .collect();
    assert!(gone.is_empty(), "{gone:#?}");
    eprintln!("{} vectors, {} answered otherwise, as known", vectors.len(), found.len());
}

#[test]
fn a_bad_line_is_answered_and_reading_goes_on() {
    let lines = "no json\n\n{\"query\": 7, \"record\": {}}\n{\"query\": \"a ==\", \"record\": {}}\n\
                 {\"query\": \"a == 1\", \"record\": {\"a\": 1}}";
    let answered = fed(&Bench::new(), &["kfl", "eval", "--jsonl"], lines).ok().stdout();
    let answers: Vec<Value> = answered.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), 5, "{answered}");
    assert!(answers[..4].iter().all(|answer| answer["error"].is_string()), "{answered}");
    assert_eq!(answers[4], json!({ "truth": true, "record": { "a": 1 } }));
}

#[test]
fn records_are_printed_when_they_match() {
    let bench = Bench::new();
    let records = "{\"a\":1,\"b\":2}\n\n{\"a\":2}\n{\"a\":1}\n";
    let answer = fed(&bench, &["kfl", "eval", "a == 1 and redact(\"b\")"], records).ok();
    assert_eq!(answer.stdout(), "{\"a\":1,\"b\":\"[REDACTED]\"}\n{\"a\":1}\n");
    assert_eq!(answer.stderr(), "2 of 3 records\n");
    let file = bench.directory.path().join("records.jsonl");
    std::fs::write(&file, format!("{records}oops\n")).unwrap();
    let answer = bench.run(&["kfl", "eval", "a == 2", file.to_str().unwrap()]);
    assert_eq!((answer.status(), answer.stdout()), (1, "{\"a\":2}\n".to_owned()));
    assert!(answer.stderr().contains("line 5: no JSON"), "{}", answer.stderr());
    let limited = fed(&bench, &["kfl", "eval", "a == 1 and limit(1)"], records).ok();
    assert_eq!(limited.stdout().lines().count(), 1);
    assert_eq!(fed(&bench, &["kfl", "eval", "leftOff(\"x\")"], records).status(), 2);
}

#[test]
fn check_says_what_is_read_and_marks_what_is_wrong() {
    let bench = Bench::new();
    let right = bench.run(&["kfl", "check", "http and response.status >= 400"]).ok();
    assert!(right.stdout().contains("protocol.abbr, response.status"), "{}", right.stdout());
    assert_eq!(right.stderr(), "");
    let doubtful = bench.run(&["kfl", "check", "response.statsu >= 400"]).ok();
    assert!(doubtful.stderr().contains("did you mean `response.status`?"), "{}", doubtful.stderr());
    let wrong = bench.run(&["kfl", "check", "request.path.startWith(\"/a\")"]);
    assert_eq!(wrong.status(), 2);
    assert!(wrong.stderr().contains("^^^^") && wrong.stderr().contains("`startsWith`"), "{}", wrong.stderr());
    let wrong = bench.run(&["kfl", "check", "--json", "a ="]);
    assert_eq!((wrong.status(), &wrong.json()["ok"]), (2, &json!(false)));
    assert!(wrong.json()["error"]["span"]["start"].is_u64());
}

#[test]
fn format_reads_the_argument_or_standard_input() {
    let bench = Bench::new();
    let formatted = "http and (a >= 1 or !tls)\n";
    assert_eq!(bench.run(&["kfl", "format", "http&&( a>=1||!tls )"]).ok().stdout(), formatted);
    assert_eq!(fed(&bench, &["kfl", "format", "-"], "http&&( a>=1||!tls )\n").ok().stdout(), formatted);
    assert_eq!(bench.run(&["kfl", "format", "http and"]).status(), 2);
}

#[test]
fn completions_need_no_recording_and_have_its_values_where_there_is_one() {
    let bench = Bench::new();
    let complete = |text: &str| {
        let mut command = bench.remora();
        command.args(["kfl", "complete", "--json", text]);
        Answer(command.output().unwrap())
    };
    assert_eq!(complete("resp").status(), 1, "the data directory that was named isn't there");
    let mut command = std::process::Command::new(crate::command::REMORA);
    command.env_clear().args(["kfl", "complete", "http and response.st", "--json"]);
    let known = Answer(command.output().unwrap()).ok().json();
    assert_eq!(known["items"][0]["text"], "response.status");
    assert_eq!(known["replaces"], json!({ "start": 9, "end": 20 }));
    if !has_recorder() {
        return;
    }
    let shop = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/captures/shop.pcapng");
    bench.run(&["import", shop]).ok();
    let values = complete("request.method == ").ok().json();
    let first = &values["items"][0];
    assert_eq!((&first["text"], &first["kind"]), (&json!("\"GET\""), &json!("value")));
    let warned = bench.run(&["query", "http and response.statsu == 200"]).ok();
    let warning = "remora: warning: no field is called `response.statsu`; did you mean `response.status`?";
    assert_eq!(warned.stderr().lines().next(), Some(warning));
}
