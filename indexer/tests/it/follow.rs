//! Live: what is appended to an open segment is soon an answer.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use indexer::{Begin, Budget, Cancel, Data, Indexing, Order, QueryOptions};

use crate::recording::{self, Recorder};

fn count(data: &Data) -> u64 {
    let options = QueryOptions::default();
    let query = kfl::parse("", 0).unwrap();
    data.query(&query, options, &mut |_| ControlFlow::Continue(())).unwrap().entries
}

#[test]
fn entries_are_found_while_their_segment_is_open_and_after_it_is_sealed() {
    let dir = recording::data_dir();
    let data = Data::open(dir.path()).unwrap();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "live");
    recorder.record("http-nginx.pcapng", u64::MAX);
    recorder.writer().sync().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while indexing.entries() == 0 || count(&data) < indexing.entries() {
        assert!(Instant::now() < deadline, "{} indexed, {} found", indexing.entries(), count(&data));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let open = count(&data);
    assert_eq!(data.stats().unwrap().entries, open, "the growing index is counted too");
    recorder.seal();
    indexing.drain();
    let stats = data.stats().unwrap();
    assert_eq!((stats.segments_open, stats.segments_indexed), (0, 1));
    assert!(count(&data) >= open && open > 0);
    assert_eq!(count(&data), stats.entries);
    assert_eq!(std::fs::read_dir(dir.path().join("open")).unwrap().count(), 0, "nothing is left behind");
}

/// Each commit makes a piece, and tantivy merges pieces in the background: the last merge must not meet another.
#[test]
fn a_segment_of_many_commits_is_indexed_whole() {
    let dir = recording::data_dir();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "live");
    let data = Data::open(dir.path()).unwrap();
    for _ in 0..12 {
        let before = indexing.entries();
        recorder.record("shop.pcapng", u64::MAX);
        recorder.writer().sync().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while indexing.entries() == before || count(&data) < indexing.entries() {
            assert!(Instant::now() < deadline, "{} indexed, {} found", indexing.entries(), count(&data));
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
    recorder.seal();
    indexing.drain();
    let stats = data.stats().unwrap();
    assert_eq!((stats.segments_open, stats.segments_indexed), (0, 1));
    assert_eq!(count(&data), stats.entries);
}

/// Follows from another thread while segments grow, are sealed, indexed and merged.
#[test]
fn following_gives_every_entry_once_from_the_past_into_the_present() {
    let dir = recording::data_dir();
    let mut recorder = Recorder::new(dir.path(), "live");
    recorder.record("dns-dnsmasq.pcapng", 40);
    indexer::reindex(dir.path(), segment::TimeRange::ALL, &mut |_, _| ()).unwrap();
    indexer::merge(dir.path(), &mut || ()).unwrap();
    let cancel = indexer::Cancel::default();
    let budget = indexer::Budget { cancel: cancel.clone(), ..indexer::Budget::default() };
    let options = QueryOptions { budget, ..QueryOptions::default() };
    let path = dir.path().to_owned();
    let follower = std::thread::spawn(move || {
        let data = Data::open(&path).unwrap();
        let mut ids = Vec::new();
        let query = kfl::parse("", 0).unwrap();
        data.follow(&query, &options, &mut |entry| {
            ids.push(entry["id"].as_str().unwrap().to_owned());
            ControlFlow::Continue(())
        })
        .unwrap();
        ids
    });
    let indexing = Indexing::start(dir.path()).unwrap();
    for packets in [30, 200, 7] {
        recorder.record("http-nginx.pcapng", packets);
        recorder.writer().sync().unwrap();
        std::thread::park_timeout(Duration::from_millis(400));
    }
    recorder.seal();
    indexing.drain();
    indexer::merge(dir.path(), &mut || ()).unwrap();
    std::thread::park_timeout(Duration::from_millis(500));
    cancel.cancel();
    let mut followed = follower.join().unwrap();
    let data = Data::open(dir.path()).unwrap();
    let mut all = Vec::new();
    let query = kfl::parse("", 0).unwrap();
    data.query(&query, QueryOptions::default(), &mut |entry| {
        all.push(entry["id"].as_str().unwrap().to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    followed.sort();
    all.sort();
    assert!(all.len() > 40, "only {} entries", all.len());
    let missing: Vec<_> = all.iter().filter(|id| !followed.contains(id)).collect();
    assert!(
        missing.is_empty() && followed.len() == all.len(),
        "{missing:?} {} {}",
        followed.len(),
        all.len()
    );
}

fn ids_of(data: &Data, options: QueryOptions) -> Vec<String> {
    let mut ids = Vec::new();
    let query = kfl::parse("", 0).unwrap();
    data.query(&query, options, &mut |entry| {
        ids.push(entry["id"].as_str().unwrap().to_owned());
        ControlFlow::Continue(())
    })
    .unwrap();
    ids
}

/// Follows from a place that was found while the only segment grows, until so many entries came.
fn followed_from(dir: &std::path::Path, begin: Begin, until: usize) -> std::thread::JoinHandle<Vec<String>> {
    let data = Data::open(dir).unwrap();
    let query = kfl::parse("", 0).unwrap();
    let budget = Budget { cancel: Cancel::default(), ..Budget::default() };
    let asked = QueryOptions { budget, order: Order::Ascending, ..QueryOptions::default() };
    let ControlFlow::Continue(options) = data.beginning(&query, asked, begin).unwrap() else {
        panic!("nothing limits it")
    };
    std::thread::spawn(move || {
        let mut ids = Vec::new();
        data.follow(&query, &options, &mut |entry| {
            ids.push(entry["id"].as_str().unwrap().to_owned());
            if ids.len() < until { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .unwrap();
        ids
    })
}

#[test]
fn following_begins_in_a_segment_that_grows() {
    let dir = recording::data_dir();
    let data = Data::open(dir.path()).unwrap();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "live");
    // Earlier than what comes then, which is therefore behind it, whenever the followers begin to look.
    recorder.record("http-nginx.pcapng", u64::MAX);
    recorder.writer().sync().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while indexing.entries() == 0 || count(&data) < indexing.entries() {
        assert!(Instant::now() < deadline, "{} indexed, {} found", indexing.entries(), count(&data));
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let options = QueryOptions { order: Order::Ascending, ..QueryOptions::default() };
    let before = ids_of(&data, options);
    let fourth: indexer::EntryId = before[before.len() - 4].parse().unwrap();
    let followers = [
        (0, followed_from(dir.path(), Begin::AfterLatest, 5)),
        (3, followed_from(dir.path(), Begin::AfterEntry(fourth), 8)),
        (2, followed_from(dir.path(), Begin::Latest(2), 7)),
    ];
    recorder.record("shop.pcapng", u64::MAX);
    recorder.writer().sync().unwrap();
    for (past, follower) in followers {
        let followed = follower.join().unwrap();
        assert_eq!(followed[..past], before[before.len() - past..]);
        assert!(followed[past..].iter().all(|id| !before.contains(id)), "{followed:?}");
    }
    recorder.seal();
    indexing.drain();
}

/// A server may index what is imported beside it: neither removes what the other is at.
#[test]
fn two_that_index_keep_apart_and_one_waits_for_the_other() {
    let dir = recording::data_dir();
    let first = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "live");
    recorder.record("shop.pcapng", u64::MAX);
    recorder.seal();
    let deadline = Instant::now() + Duration::from_secs(60);
    while first.entries() == 0 {
        assert!(Instant::now() < deadline, "nothing is indexed");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let second = Indexing::start(dir.path()).unwrap();
    let indexed = second.entries();
    second.drain();
    assert_eq!(indexed, 0);
    let data = Data::open(dir.path()).unwrap();
    assert_eq!(data.stats().unwrap().segments_indexed, 1, "what the other was at is waited for");
    drop(first);
    recorder.record("http-nginx.pcapng", u64::MAX);
    recorder.seal();
    Indexing::start(dir.path()).unwrap().drain();
    assert_eq!(data.stats().unwrap().segments_indexed, 2, "the next one's turn comes");
}
