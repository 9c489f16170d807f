//! Entry points for fuzzers: one per protocol, any bytes at all, and what must hold whatever they are.
//!
//! The bytes are a script: each step says a direction, a length, and whether so many bytes follow or are
//! missing. A fuzzer so finds splits, gaps and turns of speech as well as contents.

use segment::{PacketRef, Timestamp};

use crate::protocol::http1::frame::HEAD_BYTES_MAX;
use crate::protocol::{
    Chunk, Content, DatagramDissector, Direction, Mark, Pair, StreamDissector, dns, http1,
};

/// What a fuzzer calls with any bytes at all.
pub type Entry = fn(&[u8]);

/// Every entry point, by the name of its protocol.
pub const ALL: &[(&str, Entry)] = &[("http1", fuzz_http1), ("dns", fuzz_dns)];

/// Small, so that fuzzers reach it.
const BODY_BYTES_MAX: usize = 512;
/// Small, so that bombs are found by their effect.
const DECODED_BYTES_MAX: usize = 4096;
/// What one flow may hold while its input is shorter than this: heads and bodies under way, in two directions.
const MEMORY_BYTES_MAX: usize = 8 * HEAD_BYTES_MAX;

/// Plays `script` to an HTTP/1 dissector.
///
/// # Panics
/// If the dissector does, or holds or decodes more than it may.
pub fn fuzz_http1(script: &[u8]) {
    let mut dissector = http1::Dissector::new(BODY_BYTES_MAX);
    for pair in play_stream(&mut dissector, script) {
        for message in pair.request.iter().chain(&pair.response) {
            let (body, decoded) = match &message.content {
                Content::Http1Request(request) => (&request.body, request.decoded(DECODED_BYTES_MAX)),
                Content::Http1Response(response) => (&response.body, response.decoded(DECODED_BYTES_MAX)),
                _ => continue,
            };
            assert!(body.bytes.len() <= BODY_BYTES_MAX && decoded.bytes.len() <= DECODED_BYTES_MAX);
            assert!(message.gap_bytes <= message.wire_bytes, "more is missing than there was");
        }
    }
}

/// Plays `script` to a DNS dissector: once as a stream, once each step as a datagram.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_dns(script: &[u8]) {
    play_stream(&mut dns::Dissector::new(), script);
    let mut dissector = dns::Dissector::new();
    let mut pairs = Vec::new();
    for (direction, step) in (Steps { rest: script }) {
        if let Step::Bytes(bytes) = step {
            DatagramDissector::datagram(&mut dissector, direction, bytes, MARK, &mut pairs);
        }
    }
    assert!(DatagramDissector::memory_bytes(&dissector) <= MEMORY_BYTES_MAX.max(2 * script.len()));
    DatagramDissector::expire(&mut dissector, Timestamp::MAX, &mut pairs);
    DatagramDissector::finish(&mut dissector, &mut pairs);
    for pair in &pairs {
        assert!(pair.request.is_some() || pair.response.is_some(), "a pair of nothing");
        for message in pair.request.iter().chain(&pair.response) {
            let Content::Dns(message) = &message.content else { continue };
            message.records().for_each(|record| drop(record.data.to_string()));
        }
    }
}

const MARK: Mark =
    Mark { timestamp: Timestamp::from_nanos(0), packet: PacketRef { sequence: 0, frame: 0, index: 0 } };

fn play_stream(dissector: &mut dyn StreamDissector, script: &[u8]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (direction, step) in (Steps { rest: script }) {
        let chunk = match step {
            Step::Bytes(bytes) => Chunk::Data { bytes, mark: MARK },
            Step::Gap(length_bytes) => Chunk::Gap { length_bytes, mark: MARK },
        };
        dissector.feed(direction, chunk, &mut pairs);
        assert!(dissector.memory_bytes() <= MEMORY_BYTES_MAX.max(16 * script.len()));
    }
    dissector.close(Direction::ToClient, &mut pairs);
    dissector.finish(&mut pairs);
    for pair in &pairs {
        assert!(pair.request.is_some() || pair.response.is_some(), "a pair of nothing");
    }
    pairs
}

enum Step<'a> {
    Bytes(&'a [u8]),
    Gap(u64),
}

/// A step is a byte of flags, two of length, and the bytes: bit 0 turns to the client, bits 1 to 3, all set,
/// make a gap. What is left at the end is one step to the client.
struct Steps<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Steps<'a> {
    type Item = (Direction, Step<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some(([flags, high, low], rest)) = self.rest.split_first_chunk::<3>() else {
            return Some((Direction::ToClient, Step::Bytes(std::mem::take(&mut self.rest))));
        };
        let direction = if flags & 1 == 0 { Direction::ToServer } else { Direction::ToClient };
        let length = u16::from_be_bytes([*high, *low]);
        if flags & 0b1110 == 0b1110 {
            self.rest = rest;
            return Some((direction, Step::Gap(u64::from(length))));
        }
        let (bytes, rest) = rest.split_at_checked(usize::from(length)).unwrap_or((rest, &[]));
        self.rest = rest;
        // A chunk is never empty.
        if bytes.is_empty() { self.next() } else { Some((direction, Step::Bytes(bytes))) }
    }
}
