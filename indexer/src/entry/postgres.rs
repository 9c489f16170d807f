//! PostgreSQL's requests and responses as fields.

use dissect::protocol::Content;
use dissect::protocol::postgres::message::{
    Async, Copy, CopyEnd, Event, Operation, Parameter, Report, Request, Response,
};
use dissect::protocol::postgres::result::{Column, ResultEnd, StatementResult};
use dissect::protocol::postgres::{value, wire};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Summary};
use super::{Bodies, Said, database};

pub const DESCRIPTION: Description = Description {
    name: "postgresql",
    abbr: "PostgreSQL",
    version: "3.0",
    long_name: "PostgreSQL Frontend/Backend Protocol",
    macro_name: "postgresql",
    ports: &["5432"],
    priority: 5,
    background: "#336791",
    foreground: "#ffffff",
    reference: "https://www.postgresql.org/docs/current/protocol.html",
    bodies: &[
        &["request", "parameters"],
        &["request", "secrets"],
        &["request", "copy", "data"],
        &["response", "results", "*", "rows"],
        &["response", "results", "*", "copy", "data"],
        &["response", "functionResult"],
    ],
    fields: FIELDS,
    summary,
};

const FIELDS: &[Field] = &[
    Field::text(
        "request.operation",
        "Query, Execute, Prepare, Startup, SSLRequest, CancelRequest, Terminate …",
    ),
    Field::text("request.command", "first word of the SQL in upper case, or the operation"),
    Field::text("request.messages", "letters of the messages it is made of, such as PBDES"),
    Field::text("request.query", "SQL; of an Execute that of its prepared statement"),
    Field::text("request.statement", "name of the prepared statement; empty is the unnamed one"),
    Field::text("request.portal", "name of the portal; empty is the unnamed one"),
    Field::text("request.parameters.*.type", "type of a parameter, or its number"),
    Field::any("request.parameters.*.value", "value of a parameter; null is NULL"),
    Field::text("request.parameters.*.encoding", "base64 where the value is no text"),
    Field::number("request.maxRows", "most rows wanted of an Execute"),
    Field::text("request.user", "user of the session"),
    Field::text("request.database", "database of the session"),
    Field::text("request.applicationName", "application_name of the session"),
    Field::text("request.protocolVersion", "version that the client asks for"),
    Field::text("request.settings.*", "settings that the session begins with"),
    Field::text("request.mechanism", "SASL mechanism that the client chose"),
    Field::text("request.secrets.*.value", "password, hash or SASL message, as it was sent"),
    Field::text("request.secrets.*.encoding", "base64 where it is no text"),
    Field::number("request.cancelProcess", "process whose query is to be cancelled"),
    Field::number("request.function", "number of the function that is called"),
    Field::number("request.copy.messages", "messages of data that the client copied in"),
    Field::number("request.copy.bytes", "bytes of data that the client copied in"),
    Field::text("request.copy.end", "open, done, or failed"),
    Field::text("request.copy.reason", "why the client gave up copying"),
    Field::text("request.copy.data.text", "data that the client copied in"),
    Field::text("request.copy.data.encoding", "base64 where the data is no text"),
    Field::text("request.channel", "channel that was notified"),
    Field::text("request.payload", "what the channel was told; the setting's new value"),
    Field::text("request.setting", "setting that changed"),
    Field::number("request.processId", "process that notified"),
    Field::text("request.report.*", "fields of a notice or error that nobody asked for"),
    Field::boolean("response.success", "whether no error was told"),
    Field::boolean("response.complete", "whether the response was seen to its end"),
    Field::text("response.errorCode", "SQLSTATE of the error"),
    Field::text("response.errorMessage", "message of the error"),
    Field::text("response.error.*", "further fields of the error: severity, detail, hint, position, table …"),
    Field::text("response.notices.*.*", "severity, code, message and more of each notice"),
    Field::number("response.rowCount", "rows of all results"),
    Field::boolean("response.hasRows", "whether any result has columns"),
    Field::number("response.affectedRows", "rows that the last command tag tells of"),
    Field::text("response.results.*.command", "command tag, such as INSERT 0 3"),
    Field::number("response.results.*.affectedRows", "rows that the command tag tells of"),
    Field::number("response.results.*.rowCount", "rows that were sent"),
    Field::text("response.results.*.end", "complete, suspended, empty, or open"),
    Field::text("response.results.*.columns.*.name", "name of a column"),
    Field::text("response.results.*.columns.*.type", "type of a column, or its number"),
    Field::any("response.results.*.rows.*", "values of a row; null is NULL"),
    Field::any("response.results.*.rows.*.*", "value of a column; null is NULL"),
    Field::text("response.results.*.rows.*.*.value", "value that is no text"),
    Field::text("response.results.*.rows.*.*.encoding", "base64"),
    Field::number("response.results.*.copy.messages", "messages of data that were copied out"),
    Field::number("response.results.*.copy.bytes", "bytes of data that were copied out"),
    Field::text("response.results.*.copy.end", "open or done"),
    Field::text("response.results.*.copy.reason", "never told by servers"),
    Field::text("response.results.*.copy.data.text", "data that was copied out"),
    Field::text("response.results.*.copy.data.encoding", "base64 where the data is no text"),
    Field::text(
        "response.authentication.*",
        "what the server asked for: md5, cleartext, sasl: SCRAM-SHA-256, ok",
    ),
    Field::text("response.settings.*", "settings that the server told"),
    Field::number("response.processId", "process that serves the session"),
    Field::text("response.encryption", "S: TLS follows, G: GSSAPI follows, N: refused"),
    Field::number("response.minorVersion", "newest minor version that the server speaks"),
    Field::text("response.parameterTypes.*", "types of a statement's parameters"),
    Field::text("response.columns.*.name", "name of a column that a statement will give"),
    Field::text("response.columns.*.type", "its type, or its number"),
    Field::any("response.functionResult", "what the function returned; null is NULL"),
    Field::text("response.functionResult.value", "what the function returned"),
    Field::text("response.functionResult.encoding", "base64"),
    Field::text("response.transactionStatus", "idle, transaction, or failed"),
];

/// `SELECT`, the SQL, and how many rows there were.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let field = |name: &str| request[name].as_str();
    let text = match (field("query"), field("channel"), field("setting")) {
        (Some(query), ..) => database::one_line(query),
        (_, Some(channel), _) => format!("{channel} {}", field("payload").unwrap_or_default()),
        (.., Some(setting)) => format!("{setting} = {}", field("payload").unwrap_or_default()),
        _ => match request["report"]["message"].as_str() {
            Some(message) => message.to_owned(),
            None => {
                let [user, database] = ["user", "database"].map(|name| field(name).unwrap_or_default());
                if user.is_empty() { String::new() } else { format!("{user}@{database}") }
            }
        },
    };
    database::summary(entry, text)
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    let version = match asked {
        Some(Content::PostgresRequest(asked)) => asked.startup.as_ref(),
        _ => None,
    };
    Said {
        protocol: &DESCRIPTION,
        version: version.map(|startup| format!("{}.{}", startup.version.0, startup.version.1)),
        request: match asked {
            Some(Content::PostgresRequest(asked)) => Some(request(asked, bodies)),
            Some(Content::PostgresAsync(event)) => Some(unasked(event)),
            _ => None,
        },
        response: match answered {
            Some(Content::PostgresResponse(answered)) => Some(response(answered, bodies)),
            _ => None,
        },
    }
}

/// The `request` of an entry.
pub fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("operation".into(), request.operation.name().into());
    let verb = request.query.as_deref().map(wire::verb).filter(|verb| !verb.is_empty());
    let command = match request.operation {
        Operation::Prepare => request.operation.name().to_owned(),
        _ => verb.unwrap_or_else(|| request.operation.name().to_owned()),
    };
    fields.insert("command".into(), command.into());
    if !request.messages.is_empty() {
        fields.insert("messages".into(), request.messages.as_str().into());
    }
    database::put(&mut fields, "query", request.query.as_deref());
    database::put(&mut fields, "statement", request.statement.as_deref());
    database::put(&mut fields, "portal", request.portal.as_deref());
    database::put(&mut fields, "maxRows", Some(request.rows_max).filter(|rows| *rows > 0));
    database::put(&mut fields, "user", request.user.as_deref());
    database::put(&mut fields, "database", request.database.as_deref());
    database::put(&mut fields, "applicationName", request.application.as_deref());
    database::put(&mut fields, "mechanism", request.mechanism.as_deref());
    database::put(&mut fields, "cancelProcess", request.cancel_process);
    database::put(&mut fields, "function", request.function);
    if let Some(startup) = &request.startup {
        let version = format!("{}.{}", startup.version.0, startup.version.1);
        fields.insert("protocolVersion".into(), version.into());
        fields.insert("settings".into(), settings(&startup.parameters));
    }
    if let Some(copied) = &request.copy {
        fields.insert("copy".into(), copy(copied, bodies));
    }
    if bodies == Bodies::Kept {
        if !request.parameters.is_empty() {
            fields.insert("parameters".into(), request.parameters.iter().map(parameter).collect());
        }
        if !request.secrets.is_empty() {
            fields.insert("secrets".into(), request.secrets.iter().map(|bytes| secret(bytes)).collect());
        }
    }
    fields.into()
}

/// What the server says unasked, as the `request` of an entry.
fn unasked(said: &Async) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    match &said.event {
        Event::Notification { process, channel, payload } => {
            put("operation", "NotificationResponse".into());
            put("command", "NOTIFY".into());
            put("processId", (*process).into());
            put("channel", channel.as_str().into());
            put("payload", payload.as_str().into());
        }
        Event::Notice(remark) => {
            put("operation", "NoticeResponse".into());
            put("command", remark.severity().unwrap_or("NOTICE").into());
            put("report", report(remark, &['S']));
        }
        Event::Error(error) => {
            put("operation", "ErrorResponse".into());
            put("command", error.severity().unwrap_or("ERROR").into());
            put("report", report(error, &['S']));
        }
        Event::ParameterStatus(name, value) => {
            put("operation", "ParameterStatus".into());
            put("command", "ParameterStatus".into());
            put("setting", name.as_str().into());
            put("payload", value.as_str().into());
        }
    }
    database::put(&mut fields, "user", said.user.as_deref());
    database::put(&mut fields, "database", said.database.as_deref());
    fields.into()
}

fn parameter(parameter: &Parameter) -> Value {
    let value = parameter.value.as_deref();
    let text = value.and_then(|bytes| value::text(parameter.type_id, parameter.format, bytes));
    let mut fields = Map::new();
    fields.insert("type".into(), type_name(parameter.type_id).into());
    match database::cell(value, text) {
        Value::Object(encoded) => fields.extend(encoded),
        plain => drop(fields.insert("value".into(), plain)),
    }
    fields.into()
}

fn secret(secret: &[u8]) -> Value {
    let mut fields = Map::new();
    // A password ends in a zero byte.
    database::bytes(&mut fields, "value", secret.strip_suffix(b"\0").unwrap_or(secret));
    fields.into()
}

fn settings(pairs: &[(String, String)]) -> Value {
    pairs.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect::<Map<_, _>>().into()
}

fn copy(copy: &Copy, bodies: Bodies) -> Value {
    let (end, reason) = match &copy.end {
        CopyEnd::Open => ("open", None),
        CopyEnd::Done => ("done", None),
        CopyEnd::Failed(reason) => ("failed", Some(reason)),
    };
    let mut fields = Map::new();
    fields.insert("messages".into(), copy.messages.into());
    fields.insert("bytes".into(), copy.length_bytes.into());
    fields.insert("end".into(), end.into());
    database::put(&mut fields, "reason", reason.map(String::as_str));
    if bodies == Bodies::Kept {
        let mut data = Map::new();
        database::bytes(&mut data, "text", &copy.data);
        fields.insert("data".into(), data.into());
    }
    fields.into()
}

/// The `response` of an entry.
pub fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("success".into(), response.is_success().into());
    fields.insert("complete".into(), response.complete.into());
    if let Some(error) = &response.error {
        database::put(&mut fields, "errorCode", error.field('C'));
        database::put(&mut fields, "errorMessage", error.field('M'));
        fields.insert("error".into(), report(error, &['C', 'M', 'S']));
    }
    if !response.notices.is_empty() {
        fields
            .insert("notices".into(), response.notices.iter().map(|notice| report(notice, &['S'])).collect());
    }
    if !response.results.is_empty() {
        let has_rows =
            response.results.iter().any(|result| !result.columns.is_empty() || result.rows.count > 0);
        fields.insert("hasRows".into(), has_rows.into());
        fields.insert("rowCount".into(), response.rows().into());
        let affected = response.results.iter().rev().find_map(StatementResult::affected);
        database::put(&mut fields, "affectedRows", affected);
        let results = response.results.iter().map(|one| result(one, bodies)).collect();
        fields.insert("results".into(), results);
    }
    if !response.authentication.is_empty() {
        let steps = response.authentication.iter().map(|step| Value::from(step.name())).collect();
        fields.insert("authentication".into(), steps);
    }
    if !response.parameters.is_empty() {
        fields.insert("settings".into(), settings(&response.parameters));
    }
    database::put(&mut fields, "processId", response.process);
    database::put(&mut fields, "encryption", response.encryption.map(String::from));
    database::put(&mut fields, "minorVersion", response.minor_version);
    if !response.parameter_types.is_empty() {
        let types = response.parameter_types.iter().map(|id| Value::from(type_name(*id))).collect();
        fields.insert("parameterTypes".into(), types);
    }
    if !response.columns.is_empty() {
        fields.insert("columns".into(), response.columns.iter().map(column).collect());
    }
    if let Some(value) = response.function_result.as_ref().filter(|_| bodies == Bodies::Kept) {
        fields.insert("functionResult".into(), cell(None, value.as_deref()));
    }
    let transaction = response.transaction.map(|status| match status {
        'I' => "idle",
        'T' => "transaction",
        'E' => "failed",
        _ => "unknown",
    });
    database::put(&mut fields, "transactionStatus", transaction);
    fields.into()
}

fn result(result: &StatementResult, bodies: Bodies) -> Value {
    let end = match result.end {
        ResultEnd::Open => "open",
        ResultEnd::Complete => "complete",
        ResultEnd::Suspended => "suspended",
        ResultEnd::Empty => "empty",
    };
    let mut fields = Map::new();
    fields.insert("command".into(), result.tag.as_str().into());
    fields.insert("end".into(), end.into());
    fields.insert("rowCount".into(), result.rows.count.into());
    database::put(&mut fields, "affectedRows", result.affected());
    if !result.columns.is_empty() {
        fields.insert("columns".into(), result.columns.iter().map(column).collect());
    }
    if let Some(copied) = &result.copy {
        fields.insert("copy".into(), copy(copied, bodies));
    }
    if bodies == Bodies::Kept && result.rows.count > 0 {
        let rows = result.rows.iter().map(|row| {
            let cells = row.iter().enumerate().map(|(at, value)| cell(result.columns.get(at), *value));
            cells.collect::<Value>()
        });
        fields.insert("rows".into(), rows.collect());
    }
    fields.into()
}

fn cell(column: Option<&Column>, bytes: Option<&[u8]>) -> Value {
    let text = bytes.and_then(|bytes| match column {
        Some(column) => value::text(column.type_id, column.format, bytes),
        None => value::untyped(bytes),
    });
    database::cell(bytes, text)
}

fn column(column: &Column) -> Value {
    json!({"name": column.name, "type": type_name(column.type_id)})
}

fn type_name(type_id: u32) -> String {
    value::type_name(type_id).map_or_else(|| type_id.to_string(), str::to_owned)
}

/// The fields of an error or a notice by their names (documentation, "Error and Notice Message Fields").
fn report(report: &Report, without: &[char]) -> Value {
    let mut fields = Map::new();
    for (letter, text) in report.fields.iter().filter(|(letter, _)| !without.contains(letter)) {
        let name = match letter {
            'S' => "localSeverity",
            'V' => "severity",
            'C' => "code",
            'M' => "message",
            'D' => "detail",
            'H' => "hint",
            'P' => "position",
            'p' => "internalPosition",
            'q' => "internalQuery",
            'W' => "where",
            's' => "schema",
            't' => "table",
            'c' => "column",
            'd' => "dataType",
            'n' => "constraint",
            'F' => "file",
            'L' => "line",
            'R' => "routine",
            _ => continue,
        };
        fields.insert(name.into(), text.as_str().into());
    }
    fields.into()
}
