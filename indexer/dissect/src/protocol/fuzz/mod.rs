//! Entry points for fuzzers: one per protocol, any bytes at all, and what must hold whatever they are.
//!
//! The bytes are a script: each step says a direction, a length, and whether so many bytes follow or are
//! missing. A fuzzer so finds splits, gaps and turns of speech as well as contents.

mod packets;

use segment::{PacketRef, Timestamp};

use crate::limits::Limits;
use crate::protocol::http_view::{BodyView, Fields, RequestView, ResponseView};
use crate::protocol::http1::frame::HEAD_BYTES_MAX;
use crate::protocol::http1::message::{BodyGap, Headers};
use crate::protocol::{
    Chunk, Content, DatagramDissector, Direction, Mark, Pair, StreamDissector, amqp, dns, graphql, grpc,
    http1, http2, icmp, kafka, mongodb, mysql, postgres, redis, tls, websocket,
};

pub use packets::{fuzz_packets, fuzz_segments};

/// What a fuzzer calls with any bytes at all.
pub type Entry = fn(&[u8]);

/// Every entry point, by the name of its protocol.
pub const ALL: &[(&str, Entry)] = &[
    ("packets", fuzz_packets),
    ("segments", fuzz_segments),
    ("icmp", fuzz_icmp),
    ("http1", fuzz_http1),
    ("http2", fuzz_http2),
    ("dns", fuzz_dns),
    ("redis", fuzz_redis),
    ("grpc", fuzz_grpc),
    ("protobuf", fuzz_protobuf),
    ("graphql", fuzz_graphql),
    ("tls", fuzz_tls),
    ("websocket", fuzz_websocket),
    ("kafka", fuzz_kafka),
    ("postgres", fuzz_postgres),
    ("mysql", fuzz_mysql),
    ("amqp", fuzz_amqp),
    ("mongodb", fuzz_mongodb),
];

/// Small, so that fuzzers reach it.
const BODY_BYTES_MAX: usize = 512;
/// Small, so that bombs are found by their effect.
const DECODED_BYTES_MAX: usize = 4096;
/// What one flow may hold while its input is shorter than this: heads and bodies under way, in two directions.
const MEMORY_BYTES_MAX: usize = 16 * HEAD_BYTES_MAX;

/// Plays each step of `script` to an ICMP dissector as a message.
///
/// # Panics
/// If the dissector does.
pub fn fuzz_icmp(script: &[u8]) {
    for is_v6 in [false, true] {
        let (mut dissector, mut pairs) = (icmp::Dissector::new(is_v6), Vec::new());
        for (direction, step) in (Steps { rest: script }) {
            if let Step::Bytes(bytes) = step {
                dissector.datagram(direction, bytes, MARK, &mut pairs);
            }
        }
        dissector.finish(&mut pairs);
    }
}

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

/// Plays `script` to an HTTP/2 dissector.
///
/// # Panics
/// If the dissector does, or holds or decodes more than it may.
pub fn fuzz_http2(script: &[u8]) {
    let mut dissector = http2::Dissector::new(BODY_BYTES_MAX);
    for pair in play_stream(&mut dissector, script) {
        for message in pair.request.iter().chain(&pair.response) {
            let (body, decoded) = match &message.content {
                Content::Http2Request(request) => (&request.body, request.decoded(DECODED_BYTES_MAX)),
                Content::Http2Response(response) => (&response.body, response.decoded(DECODED_BYTES_MAX)),
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
    for pair in play_datagrams(&mut dns::Dissector::new(), script) {
        for message in pair.request.iter().chain(&pair.response) {
            let Content::Dns(message) = &message.content else { continue };
            message.records().for_each(|record| drop(record.data.to_string()));
        }
    }
}

/// Reads bytes, with a hole somewhere, as both messages of a gRPC call.
///
/// # Panics
/// If reading does, or decodes more than it may.
pub fn fuzz_grpc(script: &[u8]) {
    const HEADS: [&str; 8] = [
        "application/grpc",
        "application/grpc\r\ngrpc-encoding: gzip",
        "application/grpc\r\ngrpc-encoding: snappy",
        "application/grpc+json\r\ngrpc-encoding: zstd",
        "application/grpc-web",
        "application/grpc-web\r\ncontent-encoding: deflate",
        "application/grpc-web-text",
        "application/grpc\r\ngrpc-status: 3\r\ngrpc-message: %41\r\ngrpc-status-details-bin: CAUSBGdvbmUaCQoDdC9BEgJoaQ",
    ];
    let ([offset, length], script) = script.split_first_chunk().unwrap_or((&[0, 0], script));
    let gap = BodyGap { offset_bytes: (*offset).into(), length_bytes: (*length).into() };
    with_message(script, &HEADS, &[gap], |view| {
        let asked = grpc::request(&view, DECODED_BYTES_MAX).map(|request| (request.body, request.encoding));
        let response = ResponseView { headers: view.headers, body: view.body };
        let answered =
            grpc::response(&response, DECODED_BYTES_MAX).map(|response| (response.body, response.encoding));
        for (body, encoding) in asked.into_iter().chain(answered) {
            assert!(body.messages.len() <= grpc::Body::MESSAGES_MAX && body.cut <= body.count);
            for message in &body.messages {
                let decoded = body.decoded(message, encoding, DECODED_BYTES_MAX);
                assert!(decoded.bytes.len() <= DECODED_BYTES_MAX);
                assert!(
                    message.missing_bytes <= message.length_bytes.into(),
                    "more is missing than there was"
                );
            }
        }
    });
    drop(grpc::metadata::items(Fields::Http1(&Headers::parse(script))));
    drop(grpc::Status::of(Fields::Http1(&Headers::parse(script))));
}

/// Reads bytes as a message of an unknown schema.
///
/// # Panics
/// If reading does, or makes more of it than it may.
pub fn fuzz_protobuf(script: &[u8]) {
    fn count(fields: &[grpc::protobuf::Field<'_>]) -> usize {
        fields.iter().fold(fields.len(), |total, field| match &field.value {
            grpc::protobuf::Value::Message(fields) | grpc::protobuf::Value::Group(fields) => {
                total + count(fields)
            }
            _ => total,
        })
    }
    let bounds = grpc::protobuf::Bounds { fields_max: 100, depth_max: 5, packed_max: 20 };
    let tree = grpc::protobuf::read(script, bounds);
    assert!(count(&tree.fields) <= bounds.fields_max && script.ends_with(tree.rest));
    grpc::protobuf::delimited(script).for_each(drop);
}

/// Reads bytes as both messages of a GraphQL exchange, as its URL, and as a document.
///
/// # Panics
/// If reading does.
pub fn fuzz_graphql(script: &[u8]) {
    const HEADS: [&str; 5] = [
        "application/json",
        "application/json\r\ncontent-encoding: gzip",
        "application/graphql",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ];
    with_message(script, &HEADS, &[], |view| {
        drop(graphql::request::read(&view, DECODED_BYTES_MAX));
        drop(graphql::request::read(&RequestView { target: view.body.bytes, ..view }, DECODED_BYTES_MAX));
        let response = ResponseView { headers: view.headers, body: view.body };
        drop(graphql::response::read(&response, DECODED_BYTES_MAX));
        drop(graphql::refusal(&view, &response, DECODED_BYTES_MAX));
        drop(graphql::subscription::read(None, view.body.bytes, view.body.complete));
        let document = graphql::Document::parse(&String::from_utf8_lossy(view.body.bytes));
        assert_ne!(document.problem.as_deref(), Some(graphql::document::GAVE_UP));
    });
}

/// Plays `script` to a TLS dissector, and each step of it to a DTLS one.
///
/// # Panics
/// If one of them does, or holds more than it may.
pub fn fuzz_tls(script: &[u8]) {
    play_stream(&mut tls::Dissector::new(), script);
    play_datagrams(&mut tls::dtls::Dissector::new(), script);
}

/// Plays `script` to WebSocket dissectors: with every kind of compression, and joined in the middle.
///
/// # Panics
/// If one of them does, or holds or decompresses more than it may.
pub fn fuzz_websocket(script: &[u8]) {
    let limits = Limits {
        body_bytes_max: BODY_BYTES_MAX,
        interpreted_bytes_max: BODY_BYTES_MAX,
        decoded_bytes_max: DECODED_BYTES_MAX,
        ..Limits::default()
    };
    let extension = b"permessage-deflate; server_no_context_takeover; client_max_window_bits=9".as_slice();
    let agreed = websocket::Negotiated::of(None, [extension].into_iter(), None);
    for negotiated in [agreed, websocket::Negotiated::unknown(), websocket::Negotiated::default()] {
        for pair in play_stream(&mut websocket::Dissector::new(&negotiated, &limits), script) {
            for message in pair.request.iter().chain(&pair.response) {
                let Content::WebSocket(said) = &message.content else { continue };
                assert!(
                    said.payload.len() <= BODY_BYTES_MAX && said.payload_bytes >= count(said.payload.len())
                );
                assert!(message.gap_bytes <= message.wire_bytes, "more is missing than there was");
            }
        }
    }
}

/// Lends `script` as the body of a message; its first byte chooses the rest of it.
fn with_message(script: &[u8], heads: &[&str], gaps: &[BodyGap], read: impl FnOnce(RequestView<'_>)) {
    let (choice, bytes) = script.split_first().unwrap_or((&0, script));
    let head = heads.get(usize::from(*choice) % heads.len()).copied().unwrap_or_default();
    let headers = Headers::parse(format!("content-type: {head}\r\n").as_bytes());
    let missing: u64 = gaps.iter().map(|gap| gap.length_bytes).sum();
    let length_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX).saturating_add(missing);
    let headers = Fields::Http1(&headers);
    let body = BodyView { bytes, length_bytes, gaps, complete: choice & 0x80 == 0, trailers: headers };
    read(RequestView { method: b"POST", target: b"/graphql", headers, body });
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Plays `script` to a Redis dissector.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_redis(script: &[u8]) {
    play_stream(&mut redis::Dissector::new(BODY_BYTES_MAX), script);
}

/// Plays `script` to a Kafka dissector, and reads everything that its messages hold.
///
/// # Panics
/// If the dissector does, or holds or decompresses more than it may.
pub fn fuzz_kafka(script: &[u8]) {
    let mut dissector = kafka::Dissector::new(BODY_BYTES_MAX);
    for pair in play_stream(&mut dissector, script) {
        for message in pair.request.iter().chain(&pair.response) {
            let (body, payload) = match &message.content {
                Content::KafkaRequest(request) => (&request.body, request.payload()),
                Content::KafkaResponse(response) => (&response.body, response.payload()),
                _ => continue,
            };
            assert!(body.len() <= BODY_BYTES_MAX, "more of a body than may be kept");
            assert!(message.gap_bytes <= message.wire_bytes, "more is missing than there was");
            drop(payload);
        }
    }
    let mut reader = kafka::record::Reader::new(DECODED_BYTES_MAX);
    let records = reader.read(script);
    let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
    let plain = |batch: &&kafka::record::Batch| batch.codec != kafka::record::Codec::None;
    let values = records.batches.iter().filter(plain).flat_map(|batch| &batch.records);
    assert!(
        values.map(|record| length(&record.key) + length(&record.value)).sum::<usize>() <= DECODED_BYTES_MAX
    );
    assert!(kafka::record::count(script) < u64::MAX, "no script is that long");
}

/// Plays `script` to a PostgreSQL dissector.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_postgres(script: &[u8]) {
    play_stream(&mut postgres::Dissector::new(BODY_BYTES_MAX), script);
}

/// Plays `script` to a MongoDB dissector, and reads it as a document.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_mongodb(script: &[u8]) {
    play_stream(&mut mongodb::Dissector::new(BODY_BYTES_MAX, DECODED_BYTES_MAX), script);
    if let Some(document) = mongodb::bson::Document::of(script) {
        let _ = document.is_sound();
        let (text, _) = mongodb::bson::json(&document, DECODED_BYTES_MAX);
        assert!(text.len() <= 16 * DECODED_BYTES_MAX, "{} bytes of JSON", text.len());
    }
}

/// Plays `script` to a MySQL dissector.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_mysql(script: &[u8]) {
    play_stream(&mut mysql::Dissector::new(BODY_BYTES_MAX, DECODED_BYTES_MAX), script);
}

/// Plays `script` to an AMQP dissector.
///
/// # Panics
/// If the dissector does, or holds more than it may.
pub fn fuzz_amqp(script: &[u8]) {
    play_stream(&mut amqp::Dissector::new(BODY_BYTES_MAX), script);
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

fn play_datagrams(dissector: &mut dyn DatagramDissector, script: &[u8]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (direction, step) in (Steps { rest: script }) {
        if let Step::Bytes(bytes) = step {
            dissector.datagram(direction, bytes, MARK, &mut pairs);
        }
    }
    assert!(dissector.memory_bytes() <= MEMORY_BYTES_MAX.max(2 * script.len()));
    dissector.expire(Timestamp::MAX, &mut pairs);
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
