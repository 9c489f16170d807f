//! What was said on a connection around an exchange: the bytes of both directions, each in order.

use std::collections::VecDeque;

use dissect::protocol::Chunk;
use dissect::streams::{Event, Piece, Streams};
use dissect::{Endpoint, Limits};
use segment::{SegmentId, Timestamp};
use serde_json::Value;

use crate::Error;
use crate::data::Data;
use crate::evidence::{Frames, Span, flow_in, frames_of, is_of};

/// Frames of the connection that are read before and behind those of the exchange.
const FRAMES_AROUND: usize = 8;
/// The share of the bytes that what came before the exchange may take.
const BEFORE_SHARE: usize = 4;

/// What was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Conversation {
    /// In the order it came out of reassembly.
    pub parts: Vec<Part>,
    /// Whether there is more, before or behind, than is given here.
    pub is_truncated: bool,
}

/// Bytes that came together, or a hole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Whether who asks sent it.
    pub is_to_server: bool,
    /// When the packet was captured that brought it.
    pub time: Timestamp,
    /// The bytes; none where they were never seen.
    pub bytes: Vec<u8>,
    /// How many were never seen; 0 where that is unknown.
    pub gap_bytes: Option<u64>,
}

/// See [`Data::conversation`].
pub fn conversation(data: &Data, entry: &Value, bytes_max: usize) -> Result<Conversation, Error> {
    let (Some(span), Some(flow)) = (Span::of(entry), flow_in(entry)) else {
        return Ok(Conversation::default());
    };
    let mut listening = Listening {
        client: client_in(entry),
        span: span.clone(),
        parts: VecDeque::new(),
        held_bytes: 0,
        bytes_max,
        is_truncated: false,
        is_full: false,
    };
    let mut streams = Streams::new(Limits::default());
    for sequence in span.first.sequence..=span.last.sequence {
        let segment = SegmentId { chain: span.segment.chain.clone(), sequence };
        data.readers().with(data.layout(), &segment, |reader| {
            let mut frames = frames_of(reader, flow);
            if let Some(all) = &mut frames {
                let is_first = sequence == span.first.sequence;
                let near = all.iter().rev().filter(|frame| is_first && **frame < span.first.frame);
                if let Some(from) = near.copied().nth(FRAMES_AROUND - 1) {
                    listening.is_truncated |= all.range(..from).next().is_some();
                    *all = all.split_off(&from);
                }
            }
            let mut frames = Frames::new(reader, frames);
            let mut behind = 0;
            while let Some(frame) = frames.next()? {
                for (at, packet) in frame.packets().filter(|(_, packet)| is_of(flow, packet)) {
                    streams.packet(&packet, at, &mut |event| listening.hear(event));
                }
                let is_behind = sequence == span.last.sequence && frame.number() > span.last.frame;
                behind += usize::from(is_behind);
                if listening.is_full || behind > FRAMES_AROUND {
                    listening.is_truncated = true;
                    break;
                }
            }
            Ok(())
        })?;
    }
    streams.finish(&mut |event| listening.hear(event));
    Ok(Conversation { parts: listening.parts.into(), is_truncated: listening.is_truncated })
}

/// Who asks.
fn client_in(entry: &Value) -> Option<Endpoint> {
    let end = entry.get("src")?;
    Some(Endpoint {
        ip: end.get("ip")?.as_str()?.parse().ok()?,
        port: end.get("port")?.as_str()?.parse().ok()?,
    })
}

/// Keeps what is said, up to a limit.
struct Listening {
    client: Option<Endpoint>,
    span: Span,
    parts: VecDeque<Part>,
    held_bytes: usize,
    bytes_max: usize,
    is_truncated: bool,
    is_full: bool,
}

impl Listening {
    fn hear(&mut self, event: Event<'_>) {
        let Event::Piece(Piece { source, chunk, .. }) = event else { return };
        if self.is_full {
            return;
        }
        let (mark, bytes, gap_bytes) = match chunk {
            Chunk::Data { bytes, mark } => (mark, bytes, None),
            Chunk::Gap { length_bytes, mark } => (mark, &[][..], Some(length_bytes)),
        };
        let cost = bytes.len().saturating_add(PART_BYTES);
        self.held_bytes = self.held_bytes.saturating_add(cost);
        self.parts.push_back(Part {
            is_to_server: self.client == Some(source),
            time: mark.timestamp,
            bytes: bytes.to_vec(),
            gap_bytes,
        });
        if mark.packet < self.span.first {
            while self.held_bytes > self.bytes_max / BEFORE_SHARE {
                let Some(oldest) = self.parts.pop_front() else { break };
                self.held_bytes =
                    self.held_bytes.saturating_sub(oldest.bytes.len().saturating_add(PART_BYTES));
                self.is_truncated = true;
            }
        } else if self.held_bytes > self.bytes_max {
            // The last one may have to be cut.
            let over = self.held_bytes - self.bytes_max;
            if let Some(last) = self.parts.back_mut() {
                last.bytes.truncate(last.bytes.len().saturating_sub(over));
            }
            self.is_full = true;
            self.is_truncated = true;
        }
    }
}

/// What a part takes beside its bytes.
const PART_BYTES: usize = 64;
