//! What every protocol must hold: any split of its input gives the same messages, saved and restored or not;
//! a gap anywhere never panics and never makes a message that was not sent; no input makes it hold more than
//! its cap. Each protocol has a file here with its turns of speech.

mod amqp;
mod dns;
mod graphql;
mod grpc;
mod http1;
mod http2;
mod kafka;
mod mongodb;
mod mysql;
mod postgres;
mod redis;
mod tls;
mod websocket;
mod websocket_http2;

use std::fs;
use std::path::Path;

use dissect::Message;
use dissect::protocol::http2::message::End;
use dissect::protocol::{Chunk, Content, Direction, Mark, Pair, StreamDissector, content_encoding, fuzz};
use proptest::prelude::*;
use segment::{PacketRef, Timestamp};
use serde::de::DeserializeOwned;

use crate::corpus;

const MARK: Mark =
    Mark { timestamp: Timestamp::from_nanos(0), packet: PacketRef { sequence: 0, frame: 0, index: 0 } };

#[derive(Clone, Debug)]
enum Step {
    Data(Direction, Vec<u8>),
    Gap(Direction, u64),
    Close(Direction),
}

/// Whether a dissector lives through a test, or is saved and restored between any two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeping {
    InMemory,
    Saved,
}

/// The messages of a flow; one mark for all bytes, so that messages can be compared whole.
fn play<T>(mut dissector: T, steps: &[Step], parts: &[usize], keeping: Keeping) -> Vec<Pair>
where
    T: StreamDissector + DeserializeOwned,
{
    let mut pairs = Vec::new();
    let mut parts = parts.iter().cycle();
    for step in steps {
        match step {
            Step::Data(direction, bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (part, after) = rest.split_at((*parts.next().unwrap()).clamp(1, rest.len()));
                    dissector.feed(*direction, Chunk::Data { bytes: part, mark: MARK }, &mut pairs);
                    rest = after;
                    if keeping == Keeping::Saved {
                        dissector = rmp_serde::from_slice(&dissector.save()).expect("a saved state");
                    }
                }
            }
            Step::Gap(direction, length_bytes) => {
                dissector.feed(
                    *direction,
                    Chunk::Gap { length_bytes: *length_bytes, mark: MARK },
                    &mut pairs,
                );
            }
            Step::Close(direction) => dissector.close(*direction, &mut pairs),
        }
    }
    dissector.finish(&mut pairs);
    pairs
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::ToServer), Just(Direction::ToClient)]
}

fn steps(data: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (direction(), data).prop_map(|(direction, bytes)| Step::Data(direction, bytes)),
        1 => (direction(), 0_u64..40).prop_map(|(direction, length)| Step::Gap(direction, length)),
        1 => direction().prop_map(Step::Close),
    ];
    prop::collection::vec(step, 1..12)
}

fn parts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..40, 1..8)
}

/// How much work one property is: enough to find what matters, little enough for every run.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

/// Any split of the same steps gives the same messages, and so does a dissector that was put away and taken
/// up again between any two parts.
fn splits_alike<T>(make: impl Fn() -> T, steps: &[Step], parts: &[usize]) -> Result<(), TestCaseError>
where
    T: StreamDissector + DeserializeOwned,
{
    let whole = play(make(), steps, &[usize::MAX], Keeping::InMemory);
    prop_assert_eq!(&play(make(), steps, parts, Keeping::InMemory), &whole);
    prop_assert_eq!(&play(make(), steps, parts, Keeping::Saved), &whole);
    Ok(())
}

/// `messages` are whole ones, sent one after the other each in its direction. Where a part of the bytes is
/// missing, every message that is told whole is one of those that are told without the gap.
fn gaps_tell_nothing_new<T>(
    make: impl Fn() -> T,
    messages: &[(Direction, Vec<u8>)],
    gap: (prop::sample::Index, usize, usize),
) -> Result<(), TestCaseError>
where
    T: StreamDissector + DeserializeOwned,
{
    let steps: Vec<_> = messages.iter().map(|(way, bytes)| Step::Data(*way, bytes.clone())).collect();
    let truth = play(make(), &steps, &[usize::MAX], Keeping::InMemory);
    let (index, at, length) = gap;
    let index = index.index(messages.len());
    let mut holed = steps;
    let Step::Data(way, bytes) = holed[index].clone() else { unreachable!("only data") };
    let at = at % bytes.len();
    let end = bytes.len().min(at + length.max(1));
    let mut around = Vec::new();
    if at > 0 {
        around.push(Step::Data(way, bytes[..at].to_vec()));
    }
    around.push(Step::Gap(way, (end - at) as u64));
    if end < bytes.len() {
        around.push(Step::Data(way, bytes[end..].to_vec()));
    }
    holed.splice(index..=index, around);
    let told = play(make(), &holed, &[usize::MAX], Keeping::InMemory);
    let whole = |message: &Message| message.gap_bytes == 0 && !message.truncated;
    let contents = |pairs: &[Pair]| -> Vec<Content> {
        let messages = pairs.iter().flat_map(|pair| pair.request.iter().chain(&pair.response));
        messages.filter(|message| whole(message)).map(|message| message.content.clone()).collect()
    };
    let mut known = contents(&truth);
    for content in contents(&told) {
        let at = known.iter().position(|known| *known == content);
        prop_assert!(at.is_some() || is_cut_off(&content), "told only with the gap: {:?}", content);
        at.map(|at| known.swap_remove(at));
    }
    for pair in &told {
        let (Some(request), Some(response)) = (&pair.request, &pair.response) else { continue };
        let same = |pair: &&Pair| {
            pair.request.as_ref().is_some_and(|known| known.content == request.content)
                && pair.response.as_ref().is_some_and(|known| known.content == response.content)
        };
        let uncertain = !whole(request) || !whole(response);
        prop_assert!(
            uncertain
                || truth.iter().any(|pair| same(&pair))
                || is_cut_off(&request.content)
                || is_cut_off(&response.content),
            "paired only with the gap: {:?} with {:?}",
            request.content,
            response.content
        );
    }
    Ok(())
}

/// Whether a message says of itself that its beginning or its end was not seen.
fn is_cut_off(content: &Content) -> bool {
    match content {
        Content::Http1Request(request) => !request.body.complete || request.oddities.head_cut,
        Content::Http1Response(response) => !response.body.complete || response.oddities.head_cut,
        Content::Http2Request(request) => {
            let lists = [&request.headers, &request.trailers];
            request.end != End::Complete
                || !request.body.is_whole()
                || lists.iter().any(|list| !list.is_whole())
        }
        Content::Http2Response(response) => {
            let lists = [&response.headers, &response.trailers];
            response.end != End::Complete
                || !response.body.is_whole()
                || lists.iter().any(|list| !list.is_whole())
        }
        Content::WebSocket(message) => !message.is_complete || message.error.is_some(),
        Content::RedisCommand(command) => command.is_cut,
        Content::RedisReply(reply) => reply.is_cut,
        Content::PostgresResponse(response) => !response.complete,
        Content::MysqlResponse(response) => !response.complete,
        Content::Amqp(amqp) => amqp.is_cut,
        Content::TlsServerFlight(flight) => flight.hello.is_none(),
        // Only that there was one is told.
        Content::KafkaResponse(response) => response.api.is_none(),
        _ => false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_at_all(script in prop::collection::vec(any::<u8>(), 0..2000)) {
        for (_, fuzz) in fuzz::ALL {
            fuzz(&script);
        }
    }
}

/// What is fuzzed beside the protocols: it is not of this crate.
const OTHER_TARGETS: [&str; 1] = ["capture_file"];

#[test]
fn every_protocol_is_fuzzed_and_every_target_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut targets: Vec<_> =
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    targets.sort();
    let mut listed: Vec<_> = fuzz::ALL.iter().map(|(name, _)| *name).chain(OTHER_TARGETS).collect();
    listed.sort_unstable();
    assert_eq!(targets, listed);
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    for target in targets {
        let path = format!("path = \"fuzz_targets/{target}.rs\"");
        assert!(manifest.contains(&path), "{target} is no [[bin]] of fuzz/Cargo.toml");
    }
}

/// What encoders make of `text`, and of that again: the start of something that decoders believe.
fn encoded() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x65\x00\x00\x30hello \x01\x00\xa9\x4b\x11\x87\x4e\x20\x0a";
    const BROTLI: &[u8] = b"\x0b\x02\x80hello\x03";
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x00";
    prop::sample::select(vec![("zstd", ZSTD), ("br", BROTLI), ("gzip", GZIP), ("deflate", &GZIP[10..])])
        .prop_map(|(coding, bytes)| (coding, bytes.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoders_stop(
        (coding, mut bytes) in encoded(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        bytes.extend(tail);
        for (at, value) in bends {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let decoded = content_encoding::decode(&[coding.as_bytes()], &bytes, 1000);
        prop_assert!(decoded.bytes.len() <= 1000);
    }
}

/// Floods one direction and returns the most that was held.
fn flood(mut dissector: impl StreamDissector, direction: Direction, start: &[u8], again: &[u8]) -> usize {
    let (mut pairs, mut most) = (Vec::new(), 0);
    dissector.feed(direction, Chunk::Data { bytes: start, mark: MARK }, &mut pairs);
    let block = again.repeat(1 + 1400 / again.len());
    for _ in 0..20_000 {
        dissector.feed(direction, Chunk::Data { bytes: &block, mark: MARK }, &mut pairs);
        most = most.max(dissector.memory_bytes());
        pairs.clear();
    }
    most
}

/// Real messages with a few bytes changed: nearer to sense than random bytes, so they get further.
#[test]
fn bent_captures_do_no_harm() {
    let Some(folder) = corpus::corpus() else { return };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap()
    };
    let mut runs = 0;
    for capture in corpus::with_oracle(&folder, ".oracle.jsonl") {
        for packet in corpus::packets(&capture).iter().filter(|packet| packet.data.len() > 60).take(12) {
            // Behind Ethernet, IPv4 and TCP, or behind Ethernet, IPv4 and UDP.
            for start in [54, 42] {
                let payload = &packet.data[start..packet.data.len().min(start + 2000)];
                let mut script = vec![u8::try_from(random() & 1).unwrap()];
                script.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
                script.extend(payload);
                for _ in 0..random() % 4 {
                    let at = random() % script.len();
                    script[at] = random().to_le_bytes()[0];
                }
                script.extend_from_within(..);
                for (_, fuzz) in fuzz::ALL {
                    fuzz(&script);
                }
                runs += 1;
            }
        }
    }
    assert!(runs > 1000, "{runs} runs");
}
