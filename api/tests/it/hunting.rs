//! `remora hunt` on an imported capture.

use std::path::Path;

use serde_json::Value;

use crate::command::{Answer, Bench, has_recorder};

/// The demo's shop, imported; `None` where that can't be done.
fn shop() -> Option<Bench> {
    if !has_recorder() {
        return None;
    }
    let bench = Bench::new();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures/shop.pcapng");
    bench.run(&["import", capture.to_str().unwrap()]).ok();
    Some(bench)
}

/// The hits, and the line behind them.
fn lines(answer: &Answer) -> (Vec<Value>, Value) {
    let mut lines: Vec<Value> =
        answer.stdout().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    (lines, last)
}

#[test]
fn hits_are_told_with_what_is_around_them_and_how_much_was_looked_at() {
    let Some(bench) = shop() else { return };
    let answer = bench.run(&["hunt", "POST /checkout", "--json"]).ok();
    let (hits, end) = lines(&answer);
    assert!(!hits.is_empty());
    assert!(end["scannedBytes"].as_u64() > Some(1000) && end["resume"].is_null(), "{end}");
    assert_eq!(end["coverage"]["entries"], hits.len());
    let first = &hits[0];
    assert_eq!((&first["match"], &first["direction"]), (&"POST /checkout".into(), &"toServer".into()));
    assert!(first["after"].as_str().unwrap().starts_with(" HTTP/1.1\\r\\n"), "{first}");
    assert!(first["offset"].is_u64() && first["entry"].is_null());
    let filtered = bench.run(&[
        "hunt",
        "--ignore-case",
        "post /CHECKOUT",
        "--json",
        "--filter",
        "http and response.status >= 500",
    ]);
    let (some, _) = lines(&filtered.ok());
    assert!(!some.is_empty() && some.len() < hits.len(), "{} of {}", some.len(), hits.len());
    assert!(some.iter().all(|hit| hit["entry"].is_string()));
    let table = bench.run(&["hunt", "--hex", "0d 0a ?? 0a", "--limit", "3"]).ok();
    assert_eq!(table.stdout().lines().count(), 4, "{}", table.stdout());
    assert!(table.stderr().starts_with("3 hits from 1 segment; cut at the limit"), "{}", table.stderr());
}

#[test]
fn a_hunt_goes_on_where_it_was_stopped() {
    let Some(bench) = shop() else { return };
    let hunt = ["hunt", "--regex", "(GET|POST) /[a-z]*", "--json"];
    let (whole, _) = lines(&bench.run(&hunt).ok());
    let (first, end) = lines(&bench.run(&[&hunt[..], &["--limit", "5"]].concat()).ok());
    assert_eq!(first, whole[..5]);
    let token = end["resume"].as_str().unwrap();
    let (rest, _) = lines(&bench.run(&[&hunt[..], &["--resume", token]].concat()).ok());
    assert_eq!(rest, whole[5..]);
    let other = bench.run(&["hunt", "other", "--resume", token]);
    assert_eq!(other.status(), 2, "{}", other.stderr());
    let none = bench.run(&[&hunt[..], &["--time-max", "0s"]].concat()).ok();
    let (hits, end) = lines(&none);
    assert!(hits.is_empty() && end["resume"].is_string(), "{end}");
}
