//! A segment dissected alone gives the entries that the continuous run gave.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use indexer::{Data, Indexing, Order, QueryOptions, reindex};
use serde_json::Value;

use crate::recording::{self, Recorder};

/// Every entry by its id.
fn entries(dir: &Path) -> BTreeMap<String, Value> {
    let options = QueryOptions { order: Order::Ascending, ..QueryOptions::default() };
    let (data, mut entries) = (Data::open(dir).unwrap(), BTreeMap::new());
    let query = kfl::parse("", 0).unwrap();
    data.query(&query, options, &mut |entry| {
        let known = entries.insert(entry["id"].as_str().unwrap().to_owned(), entry);
        assert!(known.is_none(), "two entries of one id: {known:?}");
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

#[test]
fn every_segment_alone_gives_what_all_in_a_row_gave() {
    let dir = recording::data_dir();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "cut");
    for name in
        ["http-nginx.pcapng", "http2-nghttpd.pcapng", "grpc.pcapng", "redis.pcapng", "dns-dnsmasq.pcapng"]
    {
        recorder.record(name, 40);
    }
    recorder.seal();
    indexing.drain();
    let expected = entries(dir.path());
    assert!(expected.len() > 60, "{} entries", expected.len());
    let sealed = dir.path().join("sealed");
    let files: Vec<_> = fs::read_dir(&sealed).unwrap().map(|file| file.unwrap().path()).collect();
    let states = files.iter().filter(|path| path.extension().is_some_and(|e| e == "state")).count();
    assert!(states > 5, "{states} states");
    // Each segment's index is made anew while every other segment is away: only its state can tell of them.
    let away = tempfile::tempdir().unwrap();
    let segments: Vec<_> =
        files.iter().filter(|path| path.extension().is_some_and(|e| e == "index")).collect();
    for index in &segments {
        fs::remove_file(index).unwrap();
    }
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".pcapng.zst") || name.ends_with(".manifest.json") {
            fs::rename(path, away.path().join(name)).unwrap();
        }
    }
    for index in segments.iter().rev() {
        let name = index.file_stem().unwrap().to_str().unwrap();
        let move_all = |from: &Path, to: &Path| {
            for extension in ["pcapng.zst", "manifest.json"] {
                let file = format!("{name}.{extension}");
                fs::rename(from.join(&file), to.join(&file)).unwrap();
            }
        };
        move_all(away.path(), &sealed);
        reindex(dir.path(), segment::TimeRange::ALL, &mut |_, _| ()).unwrap();
        move_all(&sealed, away.path());
    }
    for file in fs::read_dir(away.path()).unwrap() {
        let file = file.unwrap();
        fs::rename(file.path(), sealed.join(file.file_name())).unwrap();
    }
    let found = entries(dir.path());
    for (id, entry) in &expected {
        assert_eq!(found.get(id), Some(entry), "{id}");
    }
    assert_eq!(found.len(), expected.len());
}
