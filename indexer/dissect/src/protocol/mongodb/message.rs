//! What MongoDB's messages say.
//!
//! Documents stay the bytes that were sent; [`bson`](super::bson) reads them.

use serde::{Deserialize, Serialize};

/// What the client asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Its number, which the response repeats.
    pub request_id: u32,
    /// How it is written.
    pub opcode: Opcode,
    /// How it was compressed.
    pub compressor: Option<Compressor>,
    /// The command, such as `find`; of an old opcode its name.
    pub command: String,
    /// Which database.
    pub database: Option<String>,
    /// Which collection.
    pub collection: Option<String>,
    /// OP_MSG: its flags.
    pub flags: u32,
    /// The command's document, or the query of an old opcode; up to the limit.
    pub document: Vec<u8>,
    /// Documents that are sent beside it.
    pub sequences: Vec<Sequence>,
    /// GetMore and KillCursors: which cursor.
    pub cursor_id: Option<i64>,
}

impl Request {
    /// OP_MSG: another message follows without an answer to this one.
    pub const MORE_TO_COME: u32 = 1 << 1;

    /// Whether the server says nothing to it.
    #[must_use]
    pub fn is_never_answered(&self) -> bool {
        self.opcode.is_never_answered()
            || (self.opcode == Opcode::MSG && self.flags & Self::MORE_TO_COME != 0)
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let sequences: usize =
            self.sequences.iter().map(|one| 64 + one.name.len() + one.documents.len()).sum();
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        size_of::<Self>()
            + self.command.len()
            + text(&self.database)
            + text(&self.collection)
            + self.document.capacity()
            + sequences
    }
}

/// Documents beside a command (OP_MSG, section of kind 1).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sequence {
    /// The argument that they stand for: `documents`, `updates`, `deletes`.
    pub name: String,
    /// How many there are.
    pub count: u64,
    /// The first of them, one after the other, up to the limit.
    pub documents: Vec<u8>,
}

/// What the server answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Response {
    /// Its number.
    pub request_id: u32,
    /// The number of the request.
    pub response_to: u32,
    /// How it is written.
    pub opcode: Opcode,
    /// How it was compressed.
    pub compressor: Option<Compressor>,
    /// OP_MSG, OP_REPLY: its flags.
    pub flags: u32,
    /// Whether it is one of several to the same request, and not the first.
    pub is_streamed: bool,
    /// The document, or the first of OP_REPLY; up to the limit.
    pub document: Vec<u8>,
    /// OP_REPLY: all documents, one after the other.
    pub documents: Vec<u8>,
    /// Whether it says that all went well; `None` where that can't be read.
    pub ok: Option<bool>,
    /// What went wrong.
    pub error: Option<Failure>,
    /// Where more can be had.
    pub cursor: Option<Cursor>,
    /// `n`: how many documents were inserted, found, deleted.
    pub n: Option<i64>,
    /// `nModified`.
    pub n_modified: Option<i64>,
    /// How many errors writes had, and the first one.
    pub write_errors: u64,
}

impl Response {
    /// OP_REPLY: the query failed.
    pub const QUERY_FAILURE: u32 = 1 << 1;
}

/// An error.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// Its number.
    pub code: Option<i64>,
    /// The name of that.
    pub code_name: Option<String>,
    /// What it says.
    pub message: Option<String>,
}

/// What a response says of a cursor.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// Its number; 0 when there is no more.
    pub id: i64,
    /// Database and collection.
    pub namespace: String,
    /// How many documents came along.
    pub batch: u64,
}

/// How a message is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Opcode(pub u32);

impl Opcode {
    /// An answer, of old.
    pub const REPLY: Self = Self(1);
    /// A change, of old.
    pub const UPDATE: Self = Self(2001);
    /// New documents, of old.
    pub const INSERT: Self = Self(2002);
    /// A question, of old; still how a connection begins.
    pub const QUERY: Self = Self(2004);
    /// More of a cursor, of old.
    pub const GET_MORE: Self = Self(2005);
    /// Documents to delete, of old.
    pub const DELETE: Self = Self(2006);
    /// Cursors that are not needed any more, of old.
    pub const KILL_CURSORS: Self = Self(2007);
    /// Another message, compressed.
    pub const COMPRESSED: Self = Self(2012);
    /// Everything since MongoDB 5.1.
    pub const MSG: Self = Self(2013);

    /// As the protocol's documentation names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "OP_REPLY",
            1000 => "OP_MSG_OLD",
            2001 => "OP_UPDATE",
            2002 => "OP_INSERT",
            2003 => "RESERVED",
            2004 => "OP_QUERY",
            2005 => "OP_GET_MORE",
            2006 => "OP_DELETE",
            2007 => "OP_KILL_CURSORS",
            2010 => "OP_COMMAND",
            2011 => "OP_COMMANDREPLY",
            2012 => "OP_COMPRESSED",
            2013 => "OP_MSG",
            _ => "OP_UNKNOWN",
        }
    }

    /// Whether it is one of those above.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self.0, 1 | 1000 | 2001..=2007 | 2010..=2013)
    }

    /// Whether no answer comes.
    #[must_use]
    pub const fn is_never_answered(self) -> bool {
        matches!(self, Self::UPDATE | Self::INSERT | Self::DELETE | Self::KILL_CURSORS)
    }
}

/// How a message was compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Compressor(pub u8);

impl Compressor {
    /// As `hello` names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            0 => "noop",
            1 => "snappy",
            2 => "zlib",
            3 => "zstd",
            _ => "unknown",
        }
    }
}
