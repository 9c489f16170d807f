//! Cuts DNS messages out of bytes.
//!
//! ```text
//! +----+-------+---------+---------+---------+---------+-----------+---------+-------------+-------------+
//! | id | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | questions | answers | authorities | additionals |
//! +----+-------+---------+---------+---------+---------+-----------+---------+-------------+-------------+
//!   2      2        2         2         2         2      (RFC 1035 §4.1.1)
//! ```
//! Over TCP two bytes with the message's length stand before each (RFC 1035 §4.2.2).

use serde::{Deserialize, Serialize};

use crate::protocol::dns::code::{Class, Rcode, RecordType};
use crate::protocol::dns::data::RecordData;
use crate::protocol::dns::message::{Flags, Message, Question, Record};
use crate::protocol::dns::name::{self, Name};
use crate::protocol::dns::record;

/// Bytes of the header.
pub const HEADER_BYTES: usize = 12;

/// Most bytes of names, as text, in one message. Pointers let a message of 64 KiB spell ten megabytes of
/// names; honest ones stay below a tenth of this.
const NAMES_BYTES_MAX: usize = 1024 * 1024;

/// The top bit of a class in mDNS (RFC 6762 §18.12, §18.13).
const MDNS_CLASS_BIT: u16 = 0x8000;

/// Why reading a message ended early.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum Malformed {
    /// The bytes end before the message does.
    #[error("message is cut")]
    Cut,
    /// A name of more than 255 bytes.
    #[error("name is too long")]
    NameTooLong,
    /// A pointer that does not lead back.
    #[error("name pointer does not lead back")]
    PointerForward,
    /// A label that is neither text nor pointer.
    #[error("label is of an unknown kind")]
    LabelKind,
    /// More bytes of names than a message may spell.
    #[error("names are too long together")]
    NamesTooLong,
}

/// Reads one message; what comes before damage is kept.
///
/// # Errors
/// [`Malformed`] if not even the header is there.
pub fn message(bytes: &[u8]) -> Result<Message, Malformed> {
    let mut cursor = Cursor { message: bytes, at: 0, end: bytes.len(), names_left: NAMES_BYTES_MAX };
    let id = cursor.u16()?;
    let flags = Flags(cursor.u16()?);
    let counts = [cursor.u16()?, cursor.u16()?, cursor.u16()?, cursor.u16()?];
    let mut message = Message {
        id,
        flags,
        rcode: Rcode(flags.rcode()),
        counts,
        questions: Vec::new(),
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
        damage: None,
        trailing_bytes: 0,
    };
    message.damage = sections(&mut cursor, &mut message).err();
    if message.damage.is_none() {
        message.trailing_bytes = bytes.len().saturating_sub(cursor.at);
    }
    if let Some(RecordData::Opt(opt)) =
        message.additionals.iter().map(|record| &record.data).find(|data| matches!(data, RecordData::Opt(_)))
    {
        message.rcode = Rcode(u16::from(opt.extended_rcode) << 4 | flags.rcode());
    }
    Ok(message)
}

fn sections(cursor: &mut Cursor<'_>, message: &mut Message) -> Result<(), Malformed> {
    let [questions, answers, authorities, additionals] = message.counts;
    for _ in 0..questions {
        message.questions.push(question(cursor)?);
    }
    for (count, section) in [
        (answers, &mut message.answers),
        (authorities, &mut message.authorities),
        (additionals, &mut message.additionals),
    ] {
        for _ in 0..count {
            section.push(resource_record(cursor)?);
        }
    }
    Ok(())
}

/// RFC 1035 §4.1.2.
fn question(cursor: &mut Cursor<'_>) -> Result<Question, Malformed> {
    let name = cursor.name()?;
    let kind = RecordType(cursor.u16()?);
    let (class, unicast_wanted) = class(cursor.u16()?);
    Ok(Question { name, kind, class, unicast_wanted })
}

/// RFC 1035 §4.1.3.
fn resource_record(cursor: &mut Cursor<'_>) -> Result<Record, Malformed> {
    let name = cursor.name()?;
    let kind = RecordType(cursor.u16()?);
    let raw_class = cursor.u16()?;
    let ttl = cursor.u32()?;
    let length = usize::from(cursor.u16()?);
    let mut inner = cursor.part(length)?;
    let data = if kind == RecordType::OPT {
        record::opt(raw_class, ttl, &mut inner)
    } else {
        record::data(kind, &mut inner)
    };
    cursor.names_left = inner.names_left;
    // OPT says something else with its class (RFC 6891 §6.1.2).
    let (class, cache_flush) =
        if kind == RecordType::OPT { (Class(raw_class), false) } else { class(raw_class) };
    Ok(Record { name, kind, class, cache_flush, ttl, data })
}

/// Takes mDNS's top bit off, which means something only with a class that exists.
fn class(raw: u16) -> (Class, bool) {
    let low = Class(raw & !MDNS_CLASS_BIT);
    if raw & MDNS_CLASS_BIT != 0 && low.name().is_some() { (low, true) } else { (Class(raw), false) }
}

/// The first message of a TCP stream and the length of its frame; `None` asks for more.
#[must_use]
pub fn stream_frame(input: &[u8]) -> Option<(&[u8], usize)> {
    let (length, rest) = input.split_first_chunk::<2>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    Some((rest.get(..length)?, length + 2))
}

/// Whether `bytes` begin with the header of a response, or of a query; `None` without a whole header.
#[must_use]
pub fn is_response(bytes: &[u8]) -> Option<bool> {
    let [_, _, high, low, ..] = bytes.first_chunk::<HEADER_BYTES>()?;
    Some(Flags(u16::from_be_bytes([*high, *low])).response())
}

/// Whether `bytes` are a whole message that looks sound: what is promised is there, and nothing else.
#[must_use]
pub fn is_plausible(bytes: &[u8]) -> bool {
    header_is_plausible(bytes, bytes.len())
        && message(bytes).is_ok_and(|message| {
            message.damage.is_none() && message.trailing_bytes == 0 && !is_netbios(&message)
        })
}

/// NetBIOS names are asked for in the same format (RFC 1002 §4.2), but say something else: the first label
/// is 32 letters from A to P, each half a byte.
fn is_netbios(message: &Message) -> bool {
    let asked = message.questions.iter().map(|question| &question.name);
    let told = message.records().map(|record| &record.name);
    let first_label = |name: &Name| name.as_str().split('.').next().map(str::to_owned).unwrap_or_default();
    asked.chain(told).next().is_some_and(|name| {
        let label = first_label(name);
        label.len() == 32 && label.bytes().all(|byte| (b'A'..=b'P').contains(&byte))
    })
}

/// Whether the first bytes of a TCP stream, however few, could be a length and a plausible message.
#[must_use]
pub fn may_be_plausible(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return true };
    let length = usize::from(u16::from_be_bytes(*length));
    if rest.len() < HEADER_BYTES {
        return length >= HEADER_BYTES;
    }
    let seen = rest.get(..length).unwrap_or(rest);
    header_is_plausible(seen, length) && first_question_may_be(seen)
}

/// Whether what is there of the first question could be one.
fn first_question_may_be(bytes: &[u8]) -> bool {
    let mut cursor = Cursor { message: bytes, at: 0, end: bytes.len(), names_left: NAMES_BYTES_MAX };
    let questions = cursor.bytes(4).and_then(|_| cursor.u16()).unwrap_or_default();
    if questions == 0 || cursor.bytes(6).is_err() {
        return true;
    }
    match question(&mut cursor) {
        Ok(question) => question.class.name().is_some(),
        Err(malformed) => malformed == Malformed::Cut,
    }
}

/// Known opcode and code, few questions, no response parts in a plain query, and no more than fits in
/// `length` bytes: a question takes 5 at least, a record 11.
fn header_is_plausible(bytes: &[u8], length: usize) -> bool {
    let Some(&[_, _, high, low, q1, q0, a1, a0, n1, n0, r1, r0]) = bytes.first_chunk::<HEADER_BYTES>() else {
        return false;
    };
    let flags = Flags(u16::from_be_bytes([high, low]));
    let [questions, answers, authorities, additionals] =
        [[q1, q0], [a1, a0], [n1, n0], [r1, r0]].map(u16::from_be_bytes);
    let records = [answers, authorities, additionals].map(usize::from).iter().sum::<usize>();
    let least = HEADER_BYTES + usize::from(questions) * 5 + records * 11;
    // RFC 1035 §4.1.1: the bit between RA and AD is reserved and 0.
    let reserved = low & 0x40 != 0;
    let known = matches!(flags.opcode(), 0..=2 | 4..=6) && flags.rcode() <= 11;
    let update = flags.opcode() == 5;
    // An inverse query has answers and wants the question (RFC 1035 §6.4).
    let inverse = flags.opcode() == 1;
    let sound = flags.response() || update || inverse || (flags.rcode() == 0 && questions > 0);
    known && !reserved && sound && least > HEADER_BYTES && least <= length
}

/// A position in a message.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
    end: usize,
    names_left: usize,
}

impl<'a> Cursor<'a> {
    /// The next `length` bytes as a cursor of their own; names in them may point outside.
    fn part(&mut self, length: usize) -> Result<Cursor<'a>, Malformed> {
        let start = self.at;
        self.bytes(length)?;
        Ok(Cursor { message: self.message, at: start, end: self.at, names_left: self.names_left })
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there are fewer.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let to = self.at.checked_add(length).filter(|to| *to <= self.end).ok_or(Malformed::Cut)?;
        let bytes = self.message.get(self.at..to).ok_or(Malformed::Cut)?;
        self.at = to;
        Ok(bytes)
    }

    /// All bytes to the end.
    #[must_use]
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.message.get(self.at..self.end).unwrap_or_default();
        self.at = self.end;
        rest
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at >= self.end
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there is none.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.bytes(1)?.first().copied().ok_or(Malformed::Cut)
    }

    /// The next two bytes, most significant first.
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there are fewer.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, most significant first.
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there are fewer.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.first_chunk().copied().ok_or(Malformed::Cut)
    }

    /// The next bytes behind a length byte: a character-string (RFC 1035 §3.3).
    ///
    /// # Errors
    /// [`Malformed::Cut`] if there are fewer than it says.
    pub fn string(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u8()?;
        self.bytes(usize::from(length))
    }

    /// The next name.
    ///
    /// # Errors
    /// [`Malformed`] if it can't be read.
    pub fn name(&mut self) -> Result<Name, Malformed> {
        let (name, end) = name::read(self.message, self.at, self.end)?;
        self.names_left = self.names_left.checked_sub(name.len()).ok_or(Malformed::NamesTooLong)?;
        self.at = end;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A query for `a.b A IN` with an OPT record.
    const QUERY: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x01a\x01b\x00\x00\x01\x00\x01\
        \x00\x00\x29\x04\xd0\x00\x00\x80\x00\x00\x00";

    #[test]
    fn a_query_is_read_whole() {
        let message = message(QUERY).unwrap();
        assert_eq!((message.id, message.damage, message.trailing_bytes), (0x1234, None, 0));
        let question = message.questions.first().unwrap();
        assert_eq!(
            (question.name.as_str(), question.kind, question.class),
            ("a.b", RecordType::A, Class::IN)
        );
        let opt = message.additionals.first().unwrap();
        assert_eq!(opt.data.to_string(), "version 0 udp 1232 do");
        assert!(message.is_rcode_whole());
        assert!(is_plausible(QUERY) && !message.flags.response() && message.flags.recursion_desired());
    }

    #[test]
    fn a_cut_message_keeps_what_came_before() {
        for length in 0..QUERY.len() {
            let cut = QUERY.get(..length).unwrap();
            match message(cut) {
                Err(malformed) => assert!(length < HEADER_BYTES && malformed == Malformed::Cut),
                Ok(message) => {
                    assert_eq!(message.damage, Some(Malformed::Cut));
                    assert!(!message.is_rcode_whole(), "OPT is not there");
                    assert_eq!(message.questions.len(), usize::from(length >= 21));
                }
            }
            assert!(!is_plausible(cut));
        }
    }

    #[test]
    fn pointers_can_not_spell_without_end() {
        // One name of 255 bytes, and as many records that point to it as fit.
        let mut bytes = b"\x00\x00\x80\x00\x00\x01\xff\xff\x00\x00\x00\x00".to_vec();
        for _ in 0..3 {
            bytes.push(63);
            bytes.extend([0xff; 63]);
        }
        bytes.extend(b"\x00\x00\x01\x00\x01");
        while bytes.len() < 65_500 {
            bytes.extend(b"\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x00\x00\x02\xc0\x0c");
        }
        let message = message(&bytes).unwrap();
        assert_eq!(message.damage, Some(Malformed::NamesTooLong));
        assert!(message.memory_bytes() < 2 * NAMES_BYTES_MAX);
    }
}
