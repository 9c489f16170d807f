//! Entries as the API describes them, and what is told of one besides: how a list shows it, its packets, its connection.
//!
//! Entries themselves are made by the indexer and may hold anything: what all have in common is described here, `remora
//! fields` (and `GET /api/v1/fields`) lists the rest.

use base64::Engine;
use indexer::packet::headers;
use indexer::{EntryPacket, Facts, Part, entry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Coverage, Packet, value};
use crate::format::body::BASE64;
use crate::instant::rfc3339;

/// One exchange, or a flow as a whole. `GET /api/v1/fields` lists what `request` and `response` hold, by protocol.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct Entry {
    /// Segment, frame and packet of its first byte.
    id: String,
    /// Segment that holds its first packet.
    segment: String,
    /// Number among the entries that begin in the same packet.
    index: Option<u64>,
    /// Both ends of the flow.
    stream: String,
    /// Who recorded it.
    node: EntryNode,
    /// Its start, milliseconds since 1970.
    timestamp: i64,
    /// Its start, RFC 3339 with nanoseconds, UTC.
    start_time: String,
    /// Milliseconds from the first byte of the request to the last of the response.
    elapsed_time: Option<u64>,
    protocol: Protocol,
    /// Who sent the request.
    src: End,
    /// Who received it.
    dst: End,
    /// Whether it was decrypted.
    tls: Option<bool>,
    /// Bytes of the request on the wire.
    request_size: Option<u64>,
    /// Bytes of the response on the wire.
    response_size: Option<u64>,
    /// Bytes of both messages that were never seen.
    gaps: Option<u64>,
    /// Whether a limit cut what is kept of it.
    truncated: Option<bool>,
    /// What is missing of it.
    error: Option<EntryError>,
    /// What was asked; null where it was not seen.
    #[schema(value_type = Option<Object>)]
    request: Value,
    /// What was answered; null where it was not seen.
    #[schema(value_type = Option<Object>)]
    response: Value,
    /// Where its packets lie.
    packets: Option<Evidence>,
    /// How a list shows it.
    summary: Summary,
}

/// Who recorded an entry.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct EntryNode {
    /// Its chain of segments.
    name: String,
}

/// A protocol, and how lists show it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct Protocol {
    /// What carries it: `http`, `dns`, `redis`.
    name: String,
    /// As lists show it: `HTTP`, `gRPC`, `DNS`.
    abbr: String,
    version: String,
    long_name: String,
    /// The word of KFL that stands for it.
    r#macro: String,
    background_color: String,
    foreground_color: String,
    /// `tcp`, `udp` or `icmp`.
    layer4: Option<String>,
}

/// One end of an exchange, with what is known of it at that instant.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct End {
    ip: String,
    port: String,
    /// The name it had then; empty where none is known.
    name: String,
}

/// What is missing of an entry.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct EntryError {
    r#type: String,
    msg: String,
}

/// Where the packets of an entry lie.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct Evidence {
    first: Option<PacketPlace>,
    last: Option<PacketPlace>,
}

/// Where a packet lies.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub struct PacketPlace {
    segment: String,
    frame: u32,
    packet: u32,
}

/// How a list shows an entry.
#[derive(Serialize, ToSchema)]
pub struct Summary {
    /// The verb: `GET`, `HSET`, `SELECT`; may be empty.
    method: String,
    /// What it is about: a path, a key, a statement.
    text: String,
    /// How it went, in the protocol's words.
    status: String,
    /// How it went, for the colour.
    outcome: Outcome,
    /// How it went, as counts call it: `ok`, `4xx`, `5xx`, `unanswered`.
    class: &'static str,
}

/// How an exchange went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Good,
    Neutral,
    Bad,
    Unanswered,
}

/// A page of entries.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written entry by entry")]
pub struct EntriesPage {
    /// Without bodies.
    entries: Vec<Entry>,
    /// `next` is the cursor of the page behind.
    coverage: Coverage,
}

/// What a stream of entries tells.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written line by line")]
pub struct StreamEvent {
    /// Where to go on behind it.
    id: Option<String>,
    event: StreamEventName,
    /// JSON: an entry of `entry`, `{"count"}` of `skipped`, `{"time"}` of `caughtUp`, a coverage, a problem.
    data: String,
}

/// What an event is about.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes what is written line by line")]
pub enum StreamEventName {
    Entry,
    Skipped,
    CaughtUp,
    Coverage,
    Problem,
}

/// A text, a number, true or false.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes what is made elsewhere")]
pub enum Scalar {
    Text(String),
    Number(f64),
    Truth(bool),
}

/// Adds to an entry how a list shows it.
pub fn summarise(entry: &mut Value) {
    let entry::Summary { method, text, status, outcome } = entry::summary(entry);
    let outcome = match outcome {
        entry::Outcome::Good => Outcome::Good,
        entry::Outcome::Neutral => Outcome::Neutral,
        entry::Outcome::Bad => Outcome::Bad,
        entry::Outcome::Unanswered => Outcome::Unanswered,
    };
    let class = Facts::of(entry, None).class.name();
    if let Value::Object(fields) = entry {
        fields.insert("summary".to_owned(), value(&Summary { method, text, status, outcome, class }));
    }
}

/// The packets of an entry.
#[derive(Serialize, ToSchema)]
pub struct Packets {
    /// From the first to the last one.
    pub packets: Vec<ExplainedPacket>,
    /// Whether there are more than have room here.
    pub truncated: bool,
}

/// A packet, header by header.
#[derive(Serialize, ToSchema)]
pub struct ExplainedPacket {
    #[serde(flatten)]
    packet: Packet,
    /// Its headers, and what is behind them.
    fields: Vec<PacketField>,
}

/// A header or one of its fields.
#[derive(Serialize, ToSchema)]
pub struct PacketField {
    /// In the words of its specification.
    name: &'static str,
    /// As people write it; empty for a header.
    value: String,
    /// The first of its bytes in the packet's `data`.
    start: usize,
    /// How many bytes it takes there.
    length: usize,
    /// What it is made of.
    #[schema(no_recursion)]
    fields: Vec<PacketField>,
}

impl ExplainedPacket {
    /// Of an entry's packet.
    pub fn of(packet: &EntryPacket) -> Self {
        let headers = headers(packet).into_iter().map(|header| PacketField {
            name: header.name,
            value: String::new(),
            start: header.bytes.start,
            length: header.bytes.len(),
            fields: header
                .fields
                .into_iter()
                .map(|field| PacketField {
                    name: field.name,
                    value: field.value,
                    start: field.bytes.start,
                    length: field.bytes.len(),
                    fields: Vec::new(),
                })
                .collect(),
        });
        Self { packet: Packet::of(packet), fields: headers.collect() }
    }
}

/// What was said on a connection around an entry.
#[derive(Serialize, ToSchema)]
pub struct Conversation {
    /// In the order it came out of reassembly.
    pub chunks: Vec<Chunk>,
    /// Whether there is more, before or behind.
    pub truncated: bool,
}

/// Bytes that came together, or a hole.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chunk {
    /// `toServer` or `toClient`.
    direction: Direction,
    /// When the packet was captured that brought it.
    time: String,
    /// The bytes, in base64; none where they were never seen.
    data: String,
    /// Bytes that were never seen (0: nobody knows how many); null where these were.
    gap_bytes: Option<u64>,
}

/// Which way bytes went.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    ToServer,
    ToClient,
}

impl Chunk {
    /// Of a connection.
    pub fn of(part: &Part) -> Self {
        Self {
            direction: if part.is_to_server { Direction::ToServer } else { Direction::ToClient },
            time: rfc3339(part.time),
            data: BASE64.encode(&part.bytes),
            gap_bytes: part.gap_bytes,
        }
    }
}
