//! DTLS (RFC 6347, RFC 9147): the same handshake in datagrams, with numbers where TCP gave order.
//!
//! ```text
//! | type | version | epoch | sequence | length | content …
//! |  1   |    2    |   2   |    6     |   2    |
//! handshake: | type | length | message number | fragment offset | fragment length | …
//!            |  1   |   3    |       2        |        3        |        3        |
//! ```
//!
//! Only the hellos and what follows them in the clear (epoch 0) are read. A message in fragments is put
//! together when they come in order, as they do but for losses; a repeated message is told once.

use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};

use super::bytes::Bytes;
use super::conversation::{Conversation, Place, Unit};
use super::handshake::{self, BODY_BYTES_MAX, kind};
use super::message::{Alert, Carrier};
use super::record::{CONTENT_BYTES_MAX, Kind};
use crate::protocol::{DatagramDissector, Direction, Mark, Pair, Probe, state};

/// Bytes of a record's header.
const HEADER_BYTES: usize = 13;

/// How long a ClientHello waits: clients repeat it after 1, 3, 7 … seconds (RFC 6347 §4.2.4.1).
const PATIENCE_NS: i64 = 60 * NANOS_PER_SECOND;

/// The protocol state of one UDP flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    conversation: Conversation,
    to_server: Side,
    to_client: Side,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    /// The number of the message that comes next.
    next: u16,
    /// The message whose fragments are put together.
    partial: Option<Partial>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Partial {
    kind: u8,
    number: u16,
    length: usize,
    taken: usize,
    body: Vec<u8>,
    first: Mark,
    wire_bytes: u64,
}

/// A record of a datagram.
#[derive(Clone, Copy, Debug)]
struct Record<'a> {
    kind: Kind,
    epoch: u16,
    content: &'a [u8],
}

/// One fragment of a handshake message.
#[derive(Clone, Copy, Debug)]
struct Fragment<'a> {
    kind: u8,
    length: usize,
    number: u16,
    offset: usize,
    body: &'a [u8],
}

/// Whether `payload` is a datagram of DTLS that goes in `direction`: records from its start to its end.
#[must_use]
pub fn probe(direction: Direction, payload: &[u8]) -> Probe {
    let mut rest = payload;
    let mut records = 0;
    while !rest.is_empty() {
        let Some((record, length)) = record(rest) else { return Probe::No("no DTLS record") };
        if records == 0 && !may_go(record, direction) {
            return Probe::No("a hello that goes the other way");
        }
        records += 1;
        rest = rest.get(length..).unwrap_or_default();
    }
    if records > 0 { Probe::Yes } else { Probe::No("nothing") }
}

/// A hello tells who is the client.
fn may_go(record: Record<'_>, direction: Direction) -> bool {
    if record.kind != Kind::Handshake || record.epoch != 0 {
        return true;
    }
    match record.content.first() {
        Some(&kind::CLIENT_HELLO) => direction == Direction::ToServer,
        Some(&(kind::SERVER_HELLO | kind::HELLO_VERIFY_REQUEST)) => direction == Direction::ToClient,
        _ => true,
    }
}

fn record(input: &[u8]) -> Option<(Record<'_>, usize)> {
    let mut rest = Bytes(input);
    let kind = Kind::of(rest.u8()?)?;
    let version = rest.u16()?;
    if !matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100) {
        return None;
    }
    let epoch = rest.u16()?;
    rest.take(6)?;
    let content = rest.vector16()?.0;
    let is_sound = content.len() <= CONTENT_BYTES_MAX && !content.is_empty();
    is_sound.then_some((Record { kind, epoch, content }, HEADER_BYTES + content.len()))
}

fn fragment<'a>(rest: &mut Bytes<'a>) -> Option<Fragment<'a>> {
    let kind = rest.u8()?;
    let length = rest.u24()?;
    let number = rest.u16()?;
    let offset = rest.u24()?;
    let body = rest.vector24()?.0;
    let fits = offset.checked_add(body.len()).is_some_and(|end| end <= length);
    fits.then_some(Fragment { kind, length, number, offset, body })
}

impl Default for Dissector {
    fn default() -> Self {
        Self {
            conversation: Conversation::new(Carrier::Datagram),
            to_server: Side::default(),
            to_client: Side::default(),
        }
    }
}

impl Dissector {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn record(&mut self, direction: Direction, record: Record<'_>, mark: Mark, pairs: &mut Vec<Pair>) {
        match record.kind {
            Kind::Handshake if record.epoch == 0 => {
                let mut rest = Bytes(record.content);
                while let Some(fragment) = fragment(&mut rest) {
                    self.fragment(direction, fragment, mark, pairs);
                }
            }
            Kind::Alert if record.epoch == 0 => {
                if let [level @ (1 | 2), description] = *record.content {
                    let wire_bytes = count(HEADER_BYTES + record.content.len());
                    let place = Place { first: mark, last: mark, wire_bytes };
                    let alert = Alert { carrier: Carrier::Datagram, level, description };
                    self.conversation.alert(direction, alert, place, pairs);
                }
            }
            _ => {
                if record.kind == Kind::ChangeCipherSpec || record.epoch > 0 {
                    self.conversation.hidden(direction, pairs);
                }
            }
        }
    }

    fn fragment(&mut self, direction: Direction, fragment: Fragment<'_>, mark: Mark, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        let Fragment { kind, length, number, offset, body } = fragment;
        // A hello of number 0 begins anew; what is older than the next message was told already.
        let is_anew = kind == kind::CLIENT_HELLO && number == 0 && side.next > 2;
        if number < side.next && !is_anew {
            return;
        }
        if !handshake::is_known(kind, length) {
            return;
        }
        let is_next = side.partial.as_ref().is_some_and(|partial| {
            partial.number == number && partial.length == length && partial.taken == offset
        });
        if !is_next {
            if offset != 0 {
                return;
            }
            side.partial = Some(Partial {
                kind,
                number,
                length,
                taken: 0,
                body: Vec::new(),
                first: mark,
                wire_bytes: 0,
            });
        }
        let Some(partial) = &mut side.partial else { return };
        let room = BODY_BYTES_MAX.saturating_sub(partial.body.len());
        partial.body.extend_from_slice(body.get(..room).unwrap_or(body));
        partial.taken = partial.taken.saturating_add(body.len());
        partial.wire_bytes = partial.wire_bytes.saturating_add(count(12 + body.len()));
        if partial.taken < partial.length {
            return;
        }
        let Some(partial) = side.partial.take() else { return };
        side.next = number.saturating_add(1);
        let place = Place { first: partial.first, last: mark, wire_bytes: partial.wire_bytes };
        let is_cut = partial.taken > partial.body.len();
        let unit = Unit { kind: partial.kind, body: &partial.body, is_cut, place };
        self.conversation.unit(direction, &unit, pairs);
    }
}

impl DatagramDissector for Dissector {
    fn datagram(&mut self, direction: Direction, payload: &[u8], mark: Mark, pairs: &mut Vec<Pair>) {
        let mut rest = payload;
        while let Some((record, length)) = record(rest) {
            self.record(direction, record, mark, pairs);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn expire(&mut self, now: Timestamp, pairs: &mut Vec<Pair>) {
        if self.conversation.waits_since().is_some_and(|since| now.since(since) > PATIENCE_NS) {
            self.conversation.leave(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.conversation.leave(pairs);
    }

    fn memory_bytes(&self) -> usize {
        let partial = |side: &Side| side.partial.as_ref().map_or(0, |partial| partial.body.capacity());
        self.conversation.memory_bytes() + partial(&self.to_server) + partial(&self.to_client)
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
