//! What PostgreSQL's messages say.
//!
//! A request is what the client asks in one go: a simple query, or the messages up to an Execute. Names and SQL
//! are text; values stay the bytes that were sent, and [`value`](super::value) reads them.

use serde::{Deserialize, Serialize};

use crate::protocol::postgres::result::{Column, StatementResult};

/// What the client asks for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// What kind of request.
    pub operation: Operation,
    /// The messages it is made of, by their type bytes; empty where messages have none.
    pub messages: String,
    /// The SQL; of an Execute that of its statement, where the Parse was seen.
    pub query: Option<String>,
    /// The prepared statement; empty is the unnamed one.
    pub statement: Option<String>,
    /// The portal; empty is the unnamed one.
    pub portal: Option<String>,
    /// What the statement is executed with.
    pub parameters: Vec<Parameter>,
    /// Execute: most rows wanted; 0 is all.
    pub rows_max: u32,
    /// What a session begins with.
    pub startup: Option<Startup>,
    /// CancelRequest: whose query is to be cancelled.
    pub cancel_process: Option<u32>,
    /// FunctionCall: which function.
    pub function: Option<u32>,
    /// SASL: the mechanism the client chose.
    pub mechanism: Option<String>,
    /// Passwords, hashes and SASL messages, as they were sent.
    pub secrets: Vec<Vec<u8>>,
    /// What the client copied in.
    pub copy: Option<Copy>,
    /// Who the session belongs to, once known.
    pub user: Option<String>,
    /// The session's database, once known.
    pub database: Option<String>,
    /// The session's application, once known.
    pub application: Option<String>,
}

impl Request {
    /// A request that says nothing else.
    #[must_use]
    pub fn new(operation: Operation) -> Self {
        Self {
            operation,
            messages: String::new(),
            query: None,
            statement: None,
            portal: None,
            parameters: Vec::new(),
            rows_max: 0,
            startup: None,
            cancel_process: None,
            function: None,
            mechanism: None,
            secrets: Vec::new(),
            copy: None,
            user: None,
            database: None,
            application: None,
        }
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        let parameters: usize = self.parameters.iter().map(Parameter::memory_bytes).sum();
        let secrets: usize = self.secrets.iter().map(|secret| 24 + secret.len()).sum();
        let startup: usize = self.startup.iter().map(Startup::memory_bytes).sum();
        size_of::<Self>()
            + text(&self.query)
            + text(&self.statement)
            + text(&self.portal)
            + parameters
            + secrets
            + startup
            + self.messages.capacity()
            + self.copy.as_ref().map_or(0, |copy| copy.data.len())
    }
}

/// What kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Operation {
    /// The start of a session: who, to which database.
    Startup,
    /// Asks for TLS.
    SslRequest,
    /// Asks for GSSAPI encryption.
    GssEncRequest,
    /// Another connection asks to cancel a query; never answered.
    CancelRequest,
    /// A simple query: SQL text with any number of statements.
    Query,
    /// Runs a portal, with the Parse, Bind and Describe that came before it.
    Execute,
    /// Only prepares, describes or closes, without running.
    Prepare,
    /// Calls a function by its number.
    FunctionCall,
    /// A Sync alone.
    Sync,
    /// The end of a session; never answered.
    Terminate,
}

impl Operation {
    /// Whether the server says nothing to it.
    #[must_use]
    pub const fn is_never_answered(self) -> bool {
        matches!(self, Self::CancelRequest | Self::Terminate)
    }

    /// As the protocol's documentation names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::SslRequest => "SSLRequest",
            Self::GssEncRequest => "GSSENCRequest",
            Self::CancelRequest => "CancelRequest",
            Self::Query => "Query",
            Self::Execute => "Execute",
            Self::Prepare => "Prepare",
            Self::FunctionCall => "FunctionCall",
            Self::Sync => "Sync",
            Self::Terminate => "Terminate",
        }
    }
}

/// What a session begins with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Startup {
    /// Major and minor version, 3.0 or 3.2.
    pub version: (u16, u16),
    /// Names and values, in order.
    pub parameters: Vec<(String, String)>,
}

impl Startup {
    /// The value of `name`.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn memory_bytes(&self) -> usize {
        self.parameters.iter().map(|(name, value)| 48 + name.len() + value.len()).sum()
    }
}

/// A value that a statement is executed with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Parameter {
    /// The number of its type; 0 where the server was to infer it and did not tell.
    pub type_id: u32,
    /// How it is written.
    pub format: Format,
    /// The bytes; `None` is NULL.
    pub value: Option<Vec<u8>>,
}

impl Parameter {
    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.value.as_ref().map_or(0, Vec::len)
    }
}

/// How values are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Format {
    /// As SQL writes them.
    Text,
    /// As the type's own binary form.
    Binary,
}

impl Format {
    /// Format codes other than 1 are text, or not defined.
    #[must_use]
    pub const fn of(code: u16) -> Self {
        if code == 1 { Self::Binary } else { Self::Text }
    }
}

/// Data of a COPY.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Copy {
    /// How many CopyData messages.
    pub messages: u64,
    /// Bytes in them.
    pub length_bytes: u64,
    /// The first of these bytes, up to the limit.
    pub data: Vec<u8>,
    /// Whether `data` is less than all.
    pub truncated: bool,
    /// How it ended.
    pub end: CopyEnd,
}

/// How a COPY ended.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum CopyEnd {
    /// It had not ended yet.
    #[default]
    Open,
    /// CopyDone.
    Done,
    /// CopyFail, with the client's reason.
    Failed(String),
}

/// What the server answers.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Response {
    /// One per statement of the query; one for an Execute.
    pub results: Vec<StatementResult>,
    /// Results beyond [`Response::RESULTS_MAX`], and messages beyond other limits.
    pub left_out: u32,
    /// What the server asked for before it let the client in, in order.
    pub authentication: Vec<Authentication>,
    /// Settings the server told.
    pub parameters: Vec<(String, String)>,
    /// Which process serves the session.
    pub process: Option<u32>,
    /// SSLRequest, GSSENCRequest: the byte of the answer.
    pub encryption: Option<char>,
    /// NegotiateProtocolVersion: the newest minor version the server speaks.
    pub minor_version: Option<u32>,
    /// Types of a statement's parameters, as Describe told.
    pub parameter_types: Vec<u32>,
    /// Columns that a described statement will have.
    pub columns: Vec<Column>,
    /// What went wrong.
    pub error: Option<Box<Report>>,
    /// What the server remarked.
    pub notices: Vec<Report>,
    /// The value that a FunctionCall returned; the inner `None` is NULL.
    pub function_result: Option<Option<Vec<u8>>>,
    /// ReadyForQuery: `I` idle, `T` in a transaction, `E` in a failed one.
    pub transaction: Option<char>,
    /// Whether it was seen to its end.
    pub complete: bool,
}

impl Response {
    /// Most results of one query told apart.
    pub const RESULTS_MAX: usize = 256;
    /// Most notices, settings and authentication steps kept of one response.
    pub const LIST_MAX: usize = 64;

    /// Whether any error was told.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.error.is_none()
    }

    /// Rows of all results.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.results.iter().map(|result| result.rows.count).fold(0, u64::saturating_add)
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let results: usize = self.results.iter().map(StatementResult::memory_bytes).sum();
        let pairs: usize = self.parameters.iter().map(|(name, value)| 48 + name.len() + value.len()).sum();
        let reports: usize = self.notices.iter().map(Report::memory_bytes).sum();
        let columns: usize = self.columns.iter().map(Column::memory_bytes).sum();
        size_of::<Self>()
            + results
            + pairs
            + reports
            + columns
            + self.error.as_ref().map_or(0, |error| error.memory_bytes())
            + 4 * self.parameter_types.len()
            + self.function_result.iter().flatten().map(Vec::len).sum::<usize>()
    }
}

/// What the server asks for before it lets a client in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Authentication {
    /// Nothing more: the client is in.
    Ok,
    /// By Kerberos version 5.
    KerberosV5,
    /// The password in clear.
    CleartextPassword,
    /// A hash of it.
    Md5Password,
    /// By GSSAPI.
    Gss,
    /// More of GSSAPI or SSPI.
    GssContinue,
    /// By SSPI.
    Sspi,
    /// By one of these SASL mechanisms.
    Sasl(Vec<String>),
    /// More of SASL.
    SaslContinue,
    /// The last of SASL.
    SaslFinal,
    /// Another way.
    Other(u32),
}

impl Authentication {
    /// A short name.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::KerberosV5 => "kerberos".to_owned(),
            Self::CleartextPassword => "cleartext".to_owned(),
            Self::Md5Password => "md5".to_owned(),
            Self::Gss => "gss".to_owned(),
            Self::GssContinue => "gss-continue".to_owned(),
            Self::Sspi => "sspi".to_owned(),
            Self::Sasl(mechanisms) => format!("sasl: {}", mechanisms.join(", ")),
            Self::SaslContinue => "sasl-continue".to_owned(),
            Self::SaslFinal => "sasl-final".to_owned(),
            Self::Other(number) => format!("{number}"),
        }
    }
}

/// An error or a notice: the fields that the server sends, by their letters.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// Letter and text, in order.
    pub fields: Vec<(char, String)>,
}

impl Report {
    /// The text of the field with this letter.
    #[must_use]
    pub fn field(&self, letter: char) -> Option<&str> {
        self.fields.iter().find(|(key, _)| *key == letter).map(|(_, text)| text.as_str())
    }

    /// `ERROR`, `FATAL`, `NOTICE` …, not translated where the server tells it so.
    #[must_use]
    pub fn severity(&self) -> Option<&str> {
        self.field('V').or_else(|| self.field('S'))
    }

    fn memory_bytes(&self) -> usize {
        self.fields.iter().map(|(_, text)| 32 + text.len()).sum()
    }
}

/// What the server says unasked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Async {
    /// What it says.
    pub event: Event,
    /// Who the session belongs to, once known.
    pub user: Option<String>,
    /// The session's database, once known.
    pub database: Option<String>,
}

/// What the server says unasked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Event {
    /// Somebody notified a channel that the client listens to.
    Notification {
        /// Who.
        process: u32,
        /// Which channel.
        channel: String,
        /// What was said.
        payload: String,
    },
    /// A remark.
    Notice(Report),
    /// The reason for which the server ends the session.
    Error(Report),
    /// A setting that changed.
    ParameterStatus(String, String),
}
