//! What commands and replies say, as they were sent.

use serde::{Deserialize, Serialize};

/// A command: what a client asks, or what a master tells its replica.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Command {
    /// The words, the command's name first.
    pub args: Vec<Blob>,
    /// How many words there were; more than are kept when a limit cut.
    pub args_count: u64,
    /// Whether it was a line of text instead of an array.
    pub inline: bool,
    /// The database it is for, if a `SELECT` was seen on this connection.
    pub database: Option<u64>,
    /// Bytes of memory that all of it takes, kept or not.
    pub whole_bytes: u64,
    /// Whether its end was not seen.
    pub is_cut: bool,
    /// Whether somebody answers it.
    pub answer: Answer,
}

/// Whether a command is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Answer {
    /// By one reply, or by one confirmation a channel.
    #[default]
    Due,
    /// Never: replies are off, or it is a replica's report to its master.
    Never,
    /// Never: a master passes on what it was told.
    Replicated,
}

/// What a server sends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// What it says; confirmations of one command come as one array.
    pub value: Value,
    /// What the server said about the value (`|`), if it did.
    pub attributes: Option<Value>,
    /// Bytes of memory that all of it takes, kept or not.
    pub whole_bytes: u64,
    /// Whether its end was not seen.
    pub is_cut: bool,
    /// What it is sent for.
    pub role: Role,
}

/// What a server sends something for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Role {
    /// Answers a command.
    Answer,
    /// Confirms a subscription or its end, once a channel.
    Confirmation,
    /// Tells a subscriber, or a client that keeps copies.
    Push,
    /// A line of what `MONITOR` shows.
    Monitor,
    /// The whole data set, for a replica.
    Snapshot,
}

/// One value of RESP2 or RESP3.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Value {
    /// Its type.
    pub kind: Kind,
    /// What it holds.
    pub data: Data,
}

/// What a value holds.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Data {
    /// Nothing: `$-1`, `*-1` or `_`.
    Null,
    /// `:`.
    Integer(i64),
    /// `#`.
    Boolean(bool),
    /// Text or any bytes; doubles and big numbers as they were written.
    Bytes(Blob),
    /// Values; of a map keys and values in turn.
    Items(Items),
}

/// Bytes, as many of them as were kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Blob {
    /// The first of them.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub length_bytes: u64,
}

/// Values of an aggregate, as many of them as were kept.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Items {
    /// The first of them; attributes stand before what they are about.
    pub values: Vec<Value>,
    /// How many there were, attributes not counted.
    pub count: u64,
}

/// The types of RESP2 and RESP3.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Kind {
    /// `+`
    SimpleString,
    /// `-`
    Error,
    /// `:`
    Integer,
    /// `$`
    BulkString,
    /// `*`
    Array,
    /// `_`
    Null,
    /// `#`
    Boolean,
    /// `,`
    Double,
    /// `(`
    BigNumber,
    /// `!`
    BulkError,
    /// `=`
    Verbatim,
    /// `%`
    Map,
    /// `~`
    Set,
    /// `>`
    Push,
    /// `|`
    Attribute,
}

impl Kind {
    /// The type that a value's first byte tells.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'+' => Self::SimpleString,
            b'-' => Self::Error,
            b':' => Self::Integer,
            b'$' => Self::BulkString,
            b'*' => Self::Array,
            b'_' => Self::Null,
            b'#' => Self::Boolean,
            b',' => Self::Double,
            b'(' => Self::BigNumber,
            b'!' => Self::BulkError,
            b'=' => Self::Verbatim,
            b'%' => Self::Map,
            b'~' => Self::Set,
            b'>' => Self::Push,
            b'|' => Self::Attribute,
            _ => return None,
        })
    }

    /// The name in entries.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SimpleString => "Simple String",
            Self::Error => "Error",
            Self::Integer => "Integer",
            Self::BulkString => "Bulk String",
            Self::Array => "Array",
            Self::Null => "Null",
            Self::Boolean => "Boolean",
            Self::Double => "Double",
            Self::BigNumber => "Big Number",
            Self::BulkError => "Bulk Error",
            Self::Verbatim => "Verbatim String",
            Self::Map => "Map",
            Self::Set => "Set",
            Self::Push => "Push",
            Self::Attribute => "Attribute",
        }
    }
}

impl Command {
    /// The word at `index`, as far as it was kept.
    #[must_use]
    pub fn word(&self, index: usize) -> &[u8] {
        self.args.get(index).map_or(&[], |blob| blob.bytes.as_slice())
    }

    /// Whether the word at `index` is `word`, in whichever case.
    #[must_use]
    pub fn is_word(&self, index: usize, word: &str) -> bool {
        self.word(index).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Whether nobody answers it.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        self.answer != Answer::Due
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.args.iter().map(|blob| size_of::<Blob>() + blob.bytes.capacity()).sum()
    }
}

impl Reply {
    /// Whether it is an error, and what it says.
    #[must_use]
    pub fn error(&self) -> Option<&[u8]> {
        match (self.value.kind, &self.value.data) {
            (Kind::Error | Kind::BulkError, Data::Bytes(blob)) => Some(&blob.bytes),
            _ => None,
        }
    }

    /// Whether it answers nobody.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        matches!(self.role, Role::Push | Role::Monitor | Role::Snapshot)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.value.memory_bytes() + self.attributes.as_ref().map_or(0, Value::memory_bytes)
    }
}

impl Value {
    /// The bytes of a string of any type, as far as they were kept.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Bytes(blob) => Some(&blob.bytes),
            _ => None,
        }
    }

    /// The values of an aggregate, as far as they were kept.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.data {
            Data::Items(items) => &items.values,
            _ => &[],
        }
    }

    /// Bytes of memory held. Values are not nested deeper than the reader allows.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.data {
                Data::Bytes(blob) => blob.bytes.capacity(),
                Data::Items(items) => items.values.iter().map(Self::memory_bytes).sum(),
                _ => 0,
            }
    }
}

impl Blob {
    /// Whether no byte is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        u64::try_from(self.bytes.len()).is_ok_and(|kept| kept == self.length_bytes)
    }

    /// Bytes that are all kept.
    #[must_use]
    pub fn whole(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), length_bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX) }
    }
}
