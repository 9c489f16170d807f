//! A capture that is cut anywhere, and dissected part by part with what the part before had learned, gives the
//! exchanges of the continuous run.

use std::fs;
use std::path::{Path, PathBuf};

use dissect::{Dissector, Exchange, Limits};

use crate::corpus::{self, Owned, place};

/// Saving takes time for each flow that is open: captures with more packets are cut at every few packets only.
const CUTS_MAX: usize = 2000;

fn continuous(packets: &[Owned]) -> Vec<Exchange> {
    let (mut dissector, mut exchanges) = (Dissector::new(Limits::default()), Vec::new());
    for (number, packet) in packets.iter().enumerate() {
        dissector.packet(&packet.packet(), place(number), &mut |exchange| exchanges.push(exchange));
    }
    dissector.finish(&mut |exchange| exchanges.push(exchange));
    exchanges
}

/// A new dissector every `every` packets.
fn cut(packets: &[Owned], every: usize) -> Vec<Exchange> {
    let (mut dissector, mut exchanges) = (Dissector::new(Limits::default()), Vec::new());
    for (number, packet) in packets.iter().enumerate() {
        dissector.packet(&packet.packet(), place(number), &mut |exchange| exchanges.push(exchange));
        if number % every == 0 {
            let state = dissector.save();
            dissector = Dissector::restore(Limits::default(), &state).expect("a saved state");
        }
    }
    dissector.finish(&mut |exchange| exchanges.push(exchange));
    exchanges
}

/// What identifies an exchange in a failure, without its bodies. The flow's number is that of the run.
fn told(exchange: &Exchange) -> String {
    let Exchange { client, server, request, response, .. } = exchange;
    let text = format!("{client:?} {server:?} {request:?} {response:?}");
    text.chars().take(2000).collect()
}

fn check(capture: &Path) -> usize {
    let packets = corpus::packets(capture);
    if packets.len() < 2 {
        return 0;
    }
    let every = packets.len().div_ceil(CUTS_MAX);
    let (mut expected, mut found) = (continuous(&packets), cut(&packets, every));
    for exchange in expected.iter_mut().chain(&mut found) {
        exchange.flow = 0;
    }
    for (index, (expected, found)) in expected.iter().zip(&found).enumerate() {
        assert!(
            expected == found,
            "{}, exchange {index}, cut every {every}\nwhole: {}\n  cut: {}",
            capture.display(),
            told(expected),
            told(found)
        );
    }
    assert_eq!(expected.len(), found.len(), "{}", capture.display());
    packets.len() / every
}

/// The captures in a folder, by their names.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    let known = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["pcap", "pcapng", "cap"].iter().any(|e| extension == *e))
    };
    files.retain(known);
    files.sort();
    files
}

#[test]
fn a_fixture_cut_anywhere_gives_what_the_continuous_run_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/captures");
    let cuts: usize = captures(&folder).iter().map(|capture| check(capture)).sum();
    eprintln!("{cuts} cuts");
    assert!(cuts > 1000);
}

#[test]
fn a_capture_cut_anywhere_gives_what_the_continuous_run_gives() {
    let Some(folder) = corpus::corpus() else { return };
    let captures = captures(&folder);
    let cuts: usize = captures.iter().map(|capture| check(capture)).sum();
    eprintln!("{} captures, {cuts} cuts", captures.len());
}

#[test]
fn bytes_that_tell_no_state_give_none() {
    let state = Dissector::new(Limits::default()).save();
    assert!(Dissector::restore(Limits::default(), &state).is_some());
    for end in 0..state.len() {
        assert!(Dissector::restore(Limits::default(), &state[..end]).is_none());
    }
    assert!(Dissector::restore(Limits::default(), b"\xc0nonsense").is_none());
}
