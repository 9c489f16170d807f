//! What MySQL's and MariaDB's messages say.
//!
//! Names and SQL are text; values stay the bytes that were sent, and [`value`](super::value) reads them.

use serde::{Deserialize, Serialize};

/// What the client asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The command's byte; [`Command::LOGIN`] and [`Command::SSL_REQUEST`] stand for what has none.
    pub command: Command,
    /// The SQL; of an execution that of its statement, where the prepare was seen.
    pub query: Option<String>,
    /// The prepared statement.
    pub statement_id: Option<u32>,
    /// What the statement is executed with, where its prepare was seen.
    pub parameters: Vec<Parameter>,
    /// What a session begins with.
    pub login: Option<Login>,
    /// COM_FIELD_LIST: the table; COM_STATISTICS and others: nothing.
    pub argument: Option<String>,
    /// COM_PROCESS_KILL: which; COM_STMT_FETCH: how many rows; COM_SET_OPTION: which.
    pub number: Option<u32>,
    /// COM_STMT_SEND_LONG_DATA: for which parameter, and how many bytes.
    pub long_data: Option<(u16, u64)>,
    /// LOCAL INFILE: what the client sent.
    pub sent: Option<Sent>,
    /// Passwords, hashes and what plugins sent, as it was.
    pub secrets: Vec<Vec<u8>>,
    /// Who the session belongs to, once known.
    pub user: Option<String>,
    /// The session's database, once known.
    pub database: Option<String>,
}

impl Request {
    /// A request that says nothing else.
    #[must_use]
    pub fn new(command: Command) -> Self {
        Self {
            command,
            query: None,
            statement_id: None,
            parameters: Vec::new(),
            login: None,
            argument: None,
            number: None,
            long_data: None,
            sent: None,
            secrets: Vec::new(),
            user: None,
            database: None,
        }
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let parameters: usize =
            self.parameters.iter().map(|p| 64 + p.value.as_ref().map_or(0, Vec::len)).sum();
        let secrets: usize = self.secrets.iter().map(|secret| 24 + secret.len()).sum();
        let attributes = self
            .login
            .iter()
            .flat_map(|login| &login.attributes)
            .map(|(name, value)| 48 + name.len() + value.len());
        size_of::<Self>()
            + self.query.as_ref().map_or(0, String::len)
            + parameters
            + secrets
            + attributes.sum::<usize>()
            + self.sent.as_ref().map_or(0, |sent| sent.data.capacity())
    }
}

/// The byte that a command begins with (`enum_server_command`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Command(pub u8);

impl Command {
    /// The end of a session.
    pub const QUIT: Self = Self(0x01);
    /// Another database.
    pub const INIT_DB: Self = Self(0x02);
    /// SQL text.
    pub const QUERY: Self = Self(0x03);
    /// Columns of a table.
    pub const FIELD_LIST: Self = Self(0x04);
    /// A line about the server.
    pub const STATISTICS: Self = Self(0x09);
    /// Another user.
    pub const CHANGE_USER: Self = Self(0x11);
    /// The binary log, for a replica.
    pub const BINLOG_DUMP: Self = Self(0x12);
    /// A statement is prepared.
    pub const STMT_PREPARE: Self = Self(0x16);
    /// A prepared statement is executed.
    pub const STMT_EXECUTE: Self = Self(0x17);
    /// A part of a long parameter; never answered.
    pub const STMT_SEND_LONG_DATA: Self = Self(0x18);
    /// A prepared statement is forgotten; never answered.
    pub const STMT_CLOSE: Self = Self(0x19);
    /// Long data and cursors of a statement are forgotten.
    pub const STMT_RESET: Self = Self(0x1a);
    /// Several statements in a query are allowed, or not.
    pub const SET_OPTION: Self = Self(0x1b);
    /// Rows of a cursor.
    pub const STMT_FETCH: Self = Self(0x1c);
    /// The binary log by transaction ids.
    pub const BINLOG_DUMP_GTID: Self = Self(0x1e);
    /// The session begins anew.
    pub const RESET_CONNECTION: Self = Self(0x1f);
    /// MariaDB: a prepared statement is executed for many rows of parameters.
    pub const STMT_BULK_EXECUTE: Self = Self(0xfa);
    /// The start of a session, which has no byte.
    pub const LOGIN: Self = Self(0xf0);
    /// The question for TLS, which has no byte.
    pub const SSL_REQUEST: Self = Self(0xf1);

    /// Whether the server says nothing to it.
    #[must_use]
    pub const fn is_never_answered(self) -> bool {
        matches!(self, Self::QUIT | Self::STMT_SEND_LONG_DATA | Self::STMT_CLOSE | Self::SSL_REQUEST)
    }

    /// As the protocol's documentation names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.0 {
            0x00 => "COM_SLEEP",
            0x01 => "COM_QUIT",
            0x02 => "COM_INIT_DB",
            0x03 => "COM_QUERY",
            0x04 => "COM_FIELD_LIST",
            0x05 => "COM_CREATE_DB",
            0x06 => "COM_DROP_DB",
            0x07 => "COM_REFRESH",
            0x08 => "COM_SHUTDOWN",
            0x09 => "COM_STATISTICS",
            0x0a => "COM_PROCESS_INFO",
            0x0b => "COM_CONNECT",
            0x0c => "COM_PROCESS_KILL",
            0x0d => "COM_DEBUG",
            0x0e => "COM_PING",
            0x0f => "COM_TIME",
            0x10 => "COM_DELAYED_INSERT",
            0x11 => "COM_CHANGE_USER",
            0x12 => "COM_BINLOG_DUMP",
            0x13 => "COM_TABLE_DUMP",
            0x14 => "COM_CONNECT_OUT",
            0x15 => "COM_REGISTER_SLAVE",
            0x16 => "COM_STMT_PREPARE",
            0x17 => "COM_STMT_EXECUTE",
            0x18 => "COM_STMT_SEND_LONG_DATA",
            0x19 => "COM_STMT_CLOSE",
            0x1a => "COM_STMT_RESET",
            0x1b => "COM_SET_OPTION",
            0x1c => "COM_STMT_FETCH",
            0x1d => "COM_DAEMON",
            0x1e => "COM_BINLOG_DUMP_GTID",
            0x1f => "COM_RESET_CONNECTION",
            0x20 => "COM_CLONE",
            0xf0 => "LOGIN",
            0xf1 => "SSL_REQUEST",
            0xfa => "COM_STMT_BULK_EXECUTE",
            _ => "COM_UNKNOWN",
        }
    }

    /// Whether it is one of those above.
    #[must_use]
    pub fn is_known(self) -> bool {
        matches!(self.0, 0x00..=0x20 | 0xfa)
    }
}

/// What a session begins with.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Login {
    /// What the client can do.
    pub capabilities: u64,
    /// The longest packet it wants.
    pub packet_bytes_max: u32,
    /// The number of its character set.
    pub character_set: u16,
    /// How it proves who it is.
    pub plugin: Option<String>,
    /// What it says of itself.
    pub attributes: Vec<(String, String)>,
}

/// A value that a statement is executed with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, where attributes of queries have them.
    pub name: String,
    /// The number of its type, and whether it is unsigned.
    pub type_id: u8,
    /// Whether a number has no sign.
    pub unsigned: bool,
    /// The bytes; `None` is NULL, or what was sent before.
    pub value: Option<Vec<u8>>,
    /// Whether the value came in parts of its own (COM_STMT_SEND_LONG_DATA).
    pub sent_before: bool,
}

/// What the client sent for LOAD DATA LOCAL INFILE.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sent {
    /// How many packets.
    pub packets: u64,
    /// Bytes in them.
    pub length_bytes: u64,
    /// The first of these bytes, up to the limit.
    pub data: Vec<u8>,
}

/// What the server answers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Response {
    /// What the server says of itself, where the response is to a login.
    pub greeting: Option<Box<Greeting>>,
    /// One per statement of the query.
    pub results: Vec<QueryResult>,
    /// Results beyond [`Response::RESULTS_MAX`].
    pub left_out: u32,
    /// The prepared statement.
    pub prepared: Option<Prepared>,
    /// Plugins that the server asked the client to prove itself by.
    pub plugins: Vec<String>,
    /// What the server told in words: COM_STATISTICS.
    pub text: Option<String>,
    /// What went wrong.
    pub error: Option<Failure>,
    /// COM_BINLOG_DUMP: how many events, and bytes in them.
    pub events: Option<(u64, u64)>,
    /// Whether it was seen to its end.
    pub complete: bool,
}

impl Response {
    /// Most results of one query told apart.
    pub const RESULTS_MAX: usize = 256;

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let results: usize = self.results.iter().map(QueryResult::memory_bytes).sum();
        let prepared: usize = self.prepared.iter().map(Prepared::memory_bytes).sum();
        size_of::<Self>() + results + prepared + self.text.as_ref().map_or(0, String::len)
    }
}

/// What the server says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Greeting {
    /// `8.0.36`, `5.5.5-10.11.6-MariaDB-0+deb12u1` …
    pub version: String,
    /// Its number for the connection.
    pub connection_id: u32,
    /// What it can do.
    pub capabilities: u64,
    /// How it wants clients to prove who they are.
    pub plugin: Option<String>,
}

/// What one statement gave.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct QueryResult {
    /// The columns; empty where the statement gives no rows.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Rows,
    /// Rows that were changed.
    pub affected: u64,
    /// The number that a new row was given.
    pub last_insert_id: u64,
    /// Flags of the server's state.
    pub status: u16,
    /// How many warnings can be asked for.
    pub warnings: u16,
    /// What the server remarked.
    pub info: String,
    /// LOCAL INFILE: the file that the server asked the client for.
    pub wanted_file: Option<String>,
}

impl QueryResult {
    /// In a transaction.
    pub const IN_TRANSACTION: u16 = 0x0001;
    /// Another result follows.
    pub const MORE_RESULTS: u16 = 0x0008;
    /// The rows stay on the server until they are fetched.
    pub const CURSOR: u16 = 0x0040;

    pub(super) fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::memory_bytes).sum();
        size_of::<Self>() + columns + self.rows.bytes.capacity() + self.info.len()
    }
}

/// A column of a result.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Column {
    /// Its name, as the query calls it.
    pub name: String,
    /// The table it is of, as the query calls that.
    pub table: String,
    /// The number of its type.
    pub type_id: u8,
    /// Its flags.
    pub flags: u16,
    /// The number of its character set; 63 is binary.
    pub character_set: u16,
}

impl Column {
    /// A number without a sign.
    pub const UNSIGNED: u16 = 0x0020;

    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.table.len()
    }
}

/// The rows of a result: all counted, the first ones kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    /// How many there were.
    pub count: u64,
    /// Whether values are in the binary form of prepared statements.
    pub binary: bool,
    /// The kept rows one after the other, each with four bytes of length in front.
    pub bytes: Vec<u8>,
    /// Whether rows were left out.
    pub truncated: bool,
}

/// A prepared statement.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Prepared {
    /// Its number.
    pub statement_id: u32,
    /// How many parameters it takes.
    pub parameters: u16,
    /// The columns that it will give.
    pub columns: Vec<Column>,
    /// How many warnings can be asked for.
    pub warnings: u16,
}

impl Prepared {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.columns.iter().map(Column::memory_bytes).sum::<usize>()
    }
}

/// An error.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// Its number.
    pub code: u16,
    /// Its SQLSTATE, which old servers and greetings don't tell.
    pub state: Option<String>,
    /// What it says.
    pub message: String,
}
