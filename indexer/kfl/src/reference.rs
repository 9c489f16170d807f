//! What every function, macro and word means, in a line each: for completions and for messages.
//!
//! `KFL.md` has the same at more length; a test holds that it leaves nothing out.

/// A function, and what to say of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionDoc {
    /// Its name.
    pub name: &'static str,
    /// How it is called. One that follows a path begins with `path.`.
    pub signature: &'static str,
    /// What it holds for, or is.
    pub meaning: &'static str,
}

impl FunctionDoc {
    /// Whether it follows a path.
    #[must_use]
    pub fn is_method(&self) -> bool {
        self.signature.starts_with("path.")
    }
}

const fn function(name: &'static str, signature: &'static str, meaning: &'static str) -> FunctionDoc {
    FunctionDoc { name, signature, meaning }
}

/// Every function.
pub const FUNCTIONS: &[FunctionDoc] = &[
    function("startsWith", "path.startsWith(\"x\")", "whether the text begins so"),
    function("endsWith", "path.endsWith(\"x\")", "whether the text ends so"),
    function("contains", "path.contains(\"x\")", "whether the text has this in it"),
    function(
        "matches",
        "path.matches(\"regex\")",
        "whether the regular expression matches somewhere in the text",
    ),
    function("size", "path.size()", "how many elements, members or characters; also size(path)"),
    function("json", "path.json()", "the JSON document that the text writes, plain or in base64"),
    function("xml", "path.xml()", "the XML document that the text writes, plain or in base64"),
    function(
        "text",
        "text(\"connection refused\")",
        "whether any value says these words; conn* and conection~ reach further",
    ),
    function(
        "trace",
        "trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")",
        "whether it belongs to this distributed trace",
    ),
    function("has", "has(path)", "whether the field is there and not null"),
    function("map_get", "map_get(path, \"key\", \"otherwise\")", "the field, or a value where it is missing"),
    function(
        "redact",
        "redact(\"request.headers.Authorization\")",
        "always true; takes these values out of the answer",
    ),
    function(
        "rule",
        "rule(query: http, assert: response.status < 500)",
        "whether it is among the query's and breaks the assertion",
    ),
    function("limit", "limit(100)", "always true; ends the answer after so many"),
    function("rlimit", "rlimit(100)", "always true; the answer is so many of the latest, and what comes"),
    function(
        "leftOff",
        "leftOff(\"id\")",
        "always true; begins the answer behind this entry, or behind the latest",
    ),
    function("record", "record(\"name\")", "always true; keeps the answer to this recording"),
    function("now", "now()", "the present, in milliseconds since 1970"),
    function("datetime", "datetime(\"2021-10-19T18:29:02Z\")", "this instant, in milliseconds since 1970"),
    function("timestamp", "timestamp(\"2021-10-19T18:29:02Z\")", "the same as datetime"),
    function("duration", "duration(\"5m\")", "so long, in milliseconds; 5m means the same"),
    function("seconds", "seconds(-30)", "the present and so many seconds"),
    function("minutes", "minutes(-5)", "the present and so many minutes"),
    function("hours", "hours(-1)", "the present and so many hours"),
    function("days", "days(-1)", "the present and so many days"),
    function("weeks", "weeks(-1)", "the present and so many weeks"),
    function("months", "months(-1)", "the present and so many months of 30 days"),
    function("years", "years(-1)", "the present and so many years of 365 days"),
];

/// Every word that stands for a protocol, and what it means.
pub const MACROS: &[(&str, &str)] = &[
    ("http", "HTTP/1, without GraphQL"),
    ("http2", "HTTP/2, without gRPC and GraphQL"),
    ("https", "HTTP of either version, decrypted"),
    ("grpc", "gRPC"),
    ("gql", "GraphQL"),
    ("amqp", "AMQP"),
    ("kafka", "Kafka"),
    ("redis", "Redis"),
    ("dns", "DNS"),
    ("ws", "WebSocket"),
    ("tlsx", "TLS handshakes and alerts"),
    ("postgresql", "PostgreSQL"),
    ("mysql", "MySQL"),
    ("mongodb", "MongoDB"),
    ("tcp", "a TCP connection as a whole"),
    ("udp", "a flow of UDP datagrams as a whole"),
    ("icmp", "ICMP"),
];

/// What may follow an operand, and what it asks.
pub const OPERATORS: &[(&str, &str)] = &[
    ("==", "equal, or matching"),
    ("!=", "not equal to any"),
    ("<", "less"),
    ("<=", "less or equal"),
    (">", "greater"),
    (">=", "greater or equal"),
    ("in", "one of a list, between two numbers, or in a network"),
    ("and", "both"),
    ("or", "either or both"),
];

/// What an operand may begin with besides fields and functions.
pub const WORDS: &[(&str, &str)] = &[
    ("not", "whether what follows does not hold"),
    ("true", "true"),
    ("false", "false"),
    ("nil", "null, and what is missing"),
];
