//! What a DNS message says.

use serde::{Deserialize, Serialize};

use crate::protocol::dns::code::{Class, Opcode, Rcode, RecordType};
use crate::protocol::dns::data::RecordData;
use crate::protocol::dns::frame::Malformed;
use crate::protocol::dns::name::Name;

/// A query or a response (RFC 1035 §4.1).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Chosen by the asker; 0 in most mDNS messages.
    pub id: u16,
    /// The second header word as it was, opcode and the lower bits of the response code included.
    pub flags: Flags,
    /// The upper bits of an OPT record included, if that was read: see [`Message::is_rcode_whole`].
    pub rcode: Rcode,
    /// How many entries the header promises: questions, answers, authorities, additionals.
    pub counts: [u16; 4],
    /// What is asked; in a dynamic update the zone (RFC 2136 §2.3).
    pub questions: Vec<Question>,
    /// The answers; in a dynamic update the prerequisites.
    pub answers: Vec<Record>,
    /// Who is responsible; in a dynamic update the updates.
    pub authorities: Vec<Record>,
    /// What may be of use, OPT and TSIG included.
    pub additionals: Vec<Record>,
    /// Why reading ended before all that the header promises was read.
    pub damage: Option<Malformed>,
    /// Bytes behind the last record.
    pub trailing_bytes: usize,
}

impl Message {
    /// What kind of query this is, or answers.
    #[must_use]
    pub fn opcode(&self) -> Opcode {
        Opcode(self.flags.opcode())
    }

    /// Whether `rcode` is all there is of it: its upper bits stand in an OPT record (RFC 6891 §6.1.3), which may be
    /// among the records that could not be read.
    #[must_use]
    pub fn is_rcode_whole(&self) -> bool {
        let [.., promised] = self.counts;
        let has_opt = self.additionals.iter().any(|record| matches!(record.data, RecordData::Opt(_)));
        has_opt || self.additionals.len() >= usize::from(promised)
    }

    /// All records, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers.iter().chain(&self.authorities).chain(&self.additionals)
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let questions: usize =
            self.questions.iter().map(|question| size_of::<Question>() + question.name.len()).sum();
        let records: usize = self
            .records()
            .map(|record| size_of::<Record>() + record.name.len() + record.data.memory_bytes())
            .sum();
        size_of::<Self>() + questions + records
    }
}

/// The second word of the header (RFC 1035 §4.1.1, RFC 2535 §6.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Flags(pub u16);

impl Flags {
    /// QR: this is a response.
    #[must_use]
    pub const fn response(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// What kind of query.
    #[must_use]
    pub const fn opcode(self) -> u8 {
        let [high, _] = self.0.to_be_bytes();
        (high >> 3) & 0x0f
    }

    /// AA: the answer comes from one who is responsible.
    #[must_use]
    pub const fn authoritative(self) -> bool {
        self.0 & 0x0400 != 0
    }

    /// TC: the answer was cut to fit; ask again over TCP.
    #[must_use]
    pub const fn truncated(self) -> bool {
        self.0 & 0x0200 != 0
    }

    /// RD: the asker wants the server to ask others.
    #[must_use]
    pub const fn recursion_desired(self) -> bool {
        self.0 & 0x0100 != 0
    }

    /// RA: the server would ask others.
    #[must_use]
    pub const fn recursion_available(self) -> bool {
        self.0 & 0x0080 != 0
    }

    /// AD: the answer was validated (RFC 4035 §3.2.3).
    #[must_use]
    pub const fn authentic_data(self) -> bool {
        self.0 & 0x0020 != 0
    }

    /// CD: the asker validates (RFC 4035 §3.2.2).
    #[must_use]
    pub const fn checking_disabled(self) -> bool {
        self.0 & 0x0010 != 0
    }

    /// The lower four bits of the response code.
    #[must_use]
    pub const fn rcode(self) -> u16 {
        self.0 & 0x000f
    }
}

/// What is asked (RFC 1035 §4.1.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Question {
    /// The name asked about.
    pub name: Name,
    /// The type asked for.
    pub kind: RecordType,
    /// The class asked for, without the top bit of mDNS.
    pub class: Class,
    /// The top bit of the class: mDNS asks for an answer by unicast (RFC 6762 §5.4).
    pub unicast_wanted: bool,
}

/// A resource record (RFC 1035 §4.1.3).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Whose record.
    pub name: Name,
    /// Its type.
    pub kind: RecordType,
    /// Its class, without the top bit of mDNS; in OPT the largest UDP payload its sender takes.
    pub class: Class,
    /// The top bit of the class: mDNS replaces what is cached (RFC 6762 §10.2).
    pub cache_flush: bool,
    /// Seconds to keep it; in OPT more flags.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}
