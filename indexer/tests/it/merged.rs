//! Indexes that were merged answer as those they were made of.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use indexer::{Cursor, Data, Order, QueryOptions, Stop};
use serde_json::Value;

use crate::answers::ask;
use crate::recording;

const TEXTS: [&str; 7] = [
    "",
    "http",
    "http and response.status >= 400",
    "dns and request.questions.*.name == r\"shop\"",
    "text(\"nginx\")",
    "src.port > 40000 and elapsedTime < 5",
    "text(\"text html\") and response.status != 200",
];

fn files(data: &Data) -> BTreeSet<u64> {
    let ids = data.layout().list_sealed().unwrap();
    ids.iter().map(|id| fs::metadata(data.layout().index(id)).unwrap().ino()).collect()
}

#[test]
fn merging_changes_no_answer() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let before: Vec<_> = TEXTS.iter().map(|text| ask(&data, text, QueryOptions::default()).0).collect();
    let entries = data.stats().unwrap().entries;
    let many = files(&data).len();
    indexer::merge(dir.path(), &mut || ()).unwrap();
    assert!(files(&data).len() < many, "{many} files before, {} after", files(&data).len());
    assert_eq!(data.stats().unwrap().entries, entries);
    for (text, before) in TEXTS.iter().zip(before) {
        let (after, coverage) = ask(&data, text, QueryOptions::default());
        assert!(after == before, "{text}");
        assert!(coverage.segments_missing.is_empty());
    }
    assert!(!dir.path().join("merging").exists());
}

#[test]
fn a_segment_of_a_merged_index_may_expire_or_be_indexed_anew() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    indexer::merge(dir.path(), &mut || ()).unwrap();
    let (all, _) = ask(&data, "", QueryOptions::default());
    let ids = data.layout().list_sealed().unwrap();
    // Its entries are those that ended there: one began there or before.
    let anew = &ids[1];
    fs::remove_file(data.layout().index(anew)).unwrap();
    assert!(ask(&data, "", QueryOptions::default()).0 == all, "dissected where the index is missing");
    indexer::reindex(dir.path(), segment::TimeRange::ALL, &mut |_, _| ()).unwrap();
    assert!(ask(&data, "", QueryOptions::default()).0 == all, "indexed anew");
    indexer::merge(dir.path(), &mut || ()).unwrap();
    assert!(ask(&data, "", QueryOptions::default()).0 == all, "merged again");
    let gone = ids.last().unwrap();
    let of_gone = data.entries_of(gone);
    for path in [data.layout().sealed_segment(gone), data.layout().index(gone), data.layout().manifest(gone)]
    {
        fs::remove_file(path).unwrap();
    }
    let left = ask(&data, "", QueryOptions::default()).0.len() as u64;
    assert_eq!(left, all.len() as u64 - of_gone);
}

#[test]
fn pages_make_up_the_whole_in_both_orders() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    for order in [Order::Ascending, Order::Descending] {
        let (all, _) = ask(&data, "http or dns", QueryOptions { order, ..QueryOptions::default() });
        let (mut pages, mut after): (Vec<Value>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let options = QueryOptions { order, limit: Some(7), after, ..QueryOptions::default() };
            let (page, coverage) = ask(&data, "http or dns", options);
            pages.extend(page);
            if coverage.stopped != Some(Stop::Limit) {
                break;
            }
            after = coverage.next;
            // The next page doesn't depend on how the index lies.
            indexer::merge(dir.path(), &mut || ()).unwrap();
        }
        assert!(pages == all);
    }
}

#[test]
fn a_question_stops_when_it_costs_too_much() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let stopped = |budget| {
        let (entries, coverage) = ask(&data, "http", QueryOptions { budget, ..QueryOptions::default() });
        assert!(coverage.truncated);
        (entries.len(), coverage.stopped.unwrap())
    };
    let budget = indexer::Budget::default;
    assert_eq!(stopped(indexer::Budget { read_bytes_max: Some(0), ..budget() }), (0, Stop::Read));
    assert_eq!(stopped(indexer::Budget { memory_bytes_max: 16, ..budget() }), (0, Stop::Memory));
    let time = indexer::Budget { time_max: Some(std::time::Duration::ZERO), ..budget() };
    assert_eq!(stopped(time), (0, Stop::Time));
    let cancelled = budget();
    cancelled.cancel.cancel();
    assert_eq!(stopped(cancelled), (0, Stop::Cancelled));
}

#[test]
fn what_an_index_knows_keeps_it_closed() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let opened = |text: &str| {
        let (entries, coverage) = ask(&data, text, QueryOptions::default());
        (entries.len(), coverage.plan.opened)
    };
    for text in [
        "response.status == 799",
        "protocol.abbr == \"KAFKA\"",
        "src.ip == \"203.0.113.77\"",
        "trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")",
        "request.noSuchField == 1",
        "timestamp > 99999999999999",
    ] {
        assert_eq!(opened(text), (0, 0), "{text}");
    }
    assert!(
        opened("http").1 < data.layout().list_sealed().unwrap().len(),
        "DNS is not looked through for HTTP"
    );
}
