//! What is the same for all entries of a protocol: its names, its fields, and how a list shows an entry.

use serde_json::Value;

/// A protocol as entries, lists and people see it.
#[derive(Debug)]
pub struct Description {
    /// `protocol.name`: what carries it, in the words of Kubeshark (`http` for gRPC).
    pub name: &'static str,
    /// `protocol.abbr`: tells protocols apart, and stands in lists.
    pub abbr: &'static str,
    /// `protocol.version` of entries that say none of their own.
    pub version: &'static str,
    /// `protocol.longName`.
    pub long_name: &'static str,
    /// The word of KFL that stands for it.
    pub macro_name: &'static str,
    /// `protocol.ports`: where its servers usually are.
    pub ports: &'static [&'static str],
    /// `protocol.priority`: the lower, the earlier in lists of protocols.
    pub priority: u8,
    /// `protocol.backgroundColor` of its badge.
    pub background: &'static str,
    /// `protocol.foregroundColor` of its badge.
    pub foreground: &'static str,
    /// `protocol.referenceLink`.
    pub reference: &'static str,
    /// Paths of what rows leave out: it lies in the segment. `*` stands for every element and every key.
    pub bodies: &'static [&'static [&'static str]],
    /// Every field that its entries may have besides those of all entries.
    pub fields: &'static [Field],
    /// How a list shows an entry, from its row.
    pub summary: fn(&Value) -> Summary,
}

/// A field of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// From the entry's root, with dots; `*` stands for every element of a list and for keys that are not ours.
    pub path: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// One line for people, with the unit.
    pub meaning: &'static str,
}

impl Field {
    /// A field that holds text.
    #[must_use]
    pub const fn text(path: &'static str, meaning: &'static str) -> Self {
        Self { path, kind: Kind::Text, meaning }
    }

    /// A field that holds a number.
    #[must_use]
    pub const fn number(path: &'static str, meaning: &'static str) -> Self {
        Self { path, kind: Kind::Number, meaning }
    }

    /// A field that holds true or false.
    #[must_use]
    pub const fn boolean(path: &'static str, meaning: &'static str) -> Self {
        Self { path, kind: Kind::Boolean, meaning }
    }

    /// A field that holds a list of scalars, or several kinds of values.
    #[must_use]
    pub const fn any(path: &'static str, meaning: &'static str) -> Self {
        Self { path, kind: Kind::Any, meaning }
    }
}

/// The fields of a protocol that lies in another one, behind that one's. `N` is how many there are.
#[must_use]
pub const fn joined<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let mut all = [Field::any("", ""); N];
    let (mut part, mut taken) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[taken] = parts[part][index];
            (index, taken) = (index + 1, taken + 1);
        }
        part += 1;
    }
    all
}

/// As [`joined`], for the paths of bodies.
#[must_use]
pub const fn joined_paths<const N: usize>(
    parts: &[&[&'static [&'static str]]],
) -> [&'static [&'static str]; N] {
    let mut all: [&'static [&'static str]; N] = [&[]; N];
    let (mut part, mut taken) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[taken] = parts[part][index];
            (index, taken) = (index + 1, taken + 1);
        }
        part += 1;
    }
    all
}

/// The fields that entries of every protocol have.
pub const COMMON: &[Field] = &[
    Field::text("id", "name of the entry: segment, frame and packet of its first byte"),
    Field::text("segment", "segment that holds its first packet"),
    Field::number("index", "number among the entries that begin in the same packet"),
    Field::text("stream", "both ends of the flow"),
    Field::text("node.name", "node that recorded it"),
    Field::number("dissectorVersion", "version of the rules that made the entry; see remora reindex"),
    Field::number("timestamp", "start, milliseconds since 1970"),
    Field::text("startTime", "start, RFC 3339 with nanoseconds, UTC"),
    Field::number(
        "elapsedTime",
        "milliseconds from the first byte of the request to the last of the response",
    ),
    Field::text("protocol.name", "what carries it: http, dns, redis"),
    Field::text("protocol.abbr", "protocol as lists show it: HTTP, gRPC, DNS"),
    Field::text("protocol.version", "version of the protocol"),
    Field::text("protocol.layer4", "tcp or udp"),
    Field::text("protocol.longName", "name of the protocol in full"),
    Field::text("protocol.macro", "word of KFL that stands for the protocol"),
    Field::text("protocol.layer3", "ip"),
    Field::any("protocol.ports.*", "usual ports of its servers"),
    Field::number("protocol.priority", "place among the protocols"),
    Field::text("protocol.backgroundColor", "colour of its badge"),
    Field::text("protocol.foregroundColor", "colour of the text in its badge"),
    Field::number("protocol.fontSize", "size of the text in its badge"),
    Field::text("protocol.referenceLink", "where the protocol is specified"),
    Field::text("src.ip", "address of the sender of the request"),
    Field::text("src.port", "port of the sender of the request"),
    Field::text("src.name", "name it had at that moment"),
    Field::text("dst.ip", "address of the receiver of the request"),
    Field::text("dst.port", "port of the receiver of the request"),
    Field::text("dst.name", "name it had at that moment"),
    Field::boolean("outgoing", "whether the request left the node that recorded it"),
    Field::boolean("tls", "whether it was decrypted"),
    Field::boolean("passed", "whether it passed a check"),
    Field::boolean("failed", "whether it failed a check"),
    Field::number("requestSize", "bytes of the request on the wire"),
    Field::number("responseSize", "bytes of the response on the wire"),
    Field::number("gaps", "bytes of both messages that were never seen"),
    Field::boolean("truncated", "whether a limit cut what is kept of it"),
    Field::text("error.type", "pair-not-found where one message is missing"),
    Field::text("error.msg", "what is missing"),
    Field::text("packets.first.segment", "segment of the first packet"),
    Field::number("packets.first.frame", "frame of the first packet in its segment"),
    Field::number("packets.first.packet", "number of the first packet in its frame"),
    Field::text("packets.last.segment", "segment of the last packet"),
    Field::number("packets.last.frame", "frame of the last packet in its segment"),
    Field::number("packets.last.packet", "number of the last packet in its frame"),
];

/// What a field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// An integer or a fraction.
    Number,
    /// True or false.
    Boolean,
    /// A list of scalars, or values of several kinds, or whatever the sender put there.
    Any,
}

/// A line of a list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// The verb: `GET`, `HSET`, `Produce`, `SELECT`; may be empty.
    pub method: String,
    /// What the verb is about: a path, a key, a topic, a statement.
    pub text: String,
    /// How it went, in the protocol's words: `200`, `OK`, `NXDOMAIN`; empty where there is nothing to say.
    pub status: String,
    /// How it went, for the colour.
    pub outcome: Outcome,
}

/// How an exchange went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Outcome {
    /// As asked.
    Good,
    /// Neither good nor bad: redirections, messages that nobody answers.
    #[default]
    Neutral,
    /// The answer is an error.
    Bad,
    /// There should be an answer, and none was seen.
    Unanswered,
}
