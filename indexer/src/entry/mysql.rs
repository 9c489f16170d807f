//! MySQL's and MariaDB's requests and responses as fields.

use dissect::protocol::Content;
use dissect::protocol::mysql::message::{Column, Command, Parameter, QueryResult, Request, Response};
use dissect::protocol::mysql::value;
use dissect::protocol::postgres::wire;
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Summary};
use super::{Bodies, Said, database};

pub const DESCRIPTION: Description = Description {
    name: "mysql",
    abbr: "MySQL",
    version: "10",
    long_name: "MySQL Client/Server Protocol",
    macro_name: "mysql",
    ports: &["3306"],
    priority: 6,
    background: "#00758f",
    foreground: "#ffffff",
    reference: "https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html",
    bodies: &[
        &["request", "parameters"],
        &["request", "secrets"],
        &["request", "sent", "data"],
        &["response", "results", "*", "rows"],
    ],
    fields: FIELDS,
    summary,
};

const FIELDS: &[Field] = &[
    Field::text("request.command", "COM_QUERY, COM_STMT_EXECUTE, COM_PING, LOGIN …"),
    Field::number("request.commandCode", "byte of the command"),
    Field::text("request.verb", "first word of the SQL in upper case"),
    Field::text("request.query", "SQL; of an execution that of its prepared statement"),
    Field::text("request.user", "user of the session"),
    Field::text("request.database", "database of the session, as it was told last"),
    Field::number("request.statementId", "number of the prepared statement"),
    Field::text("request.parameters.*.name", "name of an attribute of a query"),
    Field::text("request.parameters.*.type", "type of a parameter"),
    Field::any("request.parameters.*.value", "value of a parameter; null is NULL"),
    Field::text("request.parameters.*.encoding", "base64 where the value is no text"),
    Field::boolean("request.parameters.*.sentBefore", "whether the value was sent in parts beforehand"),
    Field::text("request.argument", "database or table that the command names"),
    Field::number("request.number", "process to kill, rows to fetch, option to set"),
    Field::number("request.longParameter", "number of the parameter that a part is sent of"),
    Field::number("request.longBytes", "bytes of that part"),
    Field::number("request.sent.packets", "packets of the file that the client sent"),
    Field::number("request.sent.bytes", "bytes of the file that the client sent"),
    Field::text("request.sent.data.text", "the file that the client sent"),
    Field::text("request.sent.data.encoding", "base64 where the file is no text"),
    Field::text("request.plugin", "how the client proves who it is"),
    Field::number("request.capabilities", "what the client can do, as bits"),
    Field::number("request.characterSet", "number of the client's character set"),
    Field::text("request.attributes.*", "what the client says of itself"),
    Field::text("request.secrets.*.value", "password or proof, as it was sent"),
    Field::text("request.secrets.*.encoding", "base64 where it is no text"),
    Field::boolean("response.success", "whether no error was told"),
    Field::boolean("response.complete", "whether the response was seen to its end"),
    Field::number("response.errorCode", "number of the error"),
    Field::text("response.errorState", "SQLSTATE of the error"),
    Field::text("response.errorMessage", "message of the error"),
    Field::number("response.rowCount", "rows of all results"),
    Field::boolean("response.hasRows", "whether any result has columns"),
    Field::number("response.affectedRows", "rows that were changed, all results together"),
    Field::number("response.lastInsertId", "number that a new row was given"),
    Field::number("response.warnings", "warnings of all results together"),
    Field::number("response.results.*.affectedRows", "rows that were changed"),
    Field::number("response.results.*.lastInsertId", "number that a new row was given"),
    Field::number("response.results.*.warnings", "warnings that can be asked for"),
    Field::text("response.results.*.info", "what the server remarked"),
    Field::number("response.results.*.status", "flags of the server's state, as bits"),
    Field::boolean("response.results.*.inTransaction", "whether a transaction is open"),
    Field::text("response.results.*.wantedFile", "file that the server asked the client for"),
    Field::number("response.results.*.rowCount", "rows that were sent"),
    Field::text("response.results.*.columns.*.name", "name of a column"),
    Field::text("response.results.*.columns.*.table", "table of a column"),
    Field::text("response.results.*.columns.*.type", "type of a column"),
    Field::any("response.results.*.rows.*", "values of a row; null is NULL"),
    Field::any("response.results.*.rows.*.*", "value of a column; null is NULL"),
    Field::text("response.results.*.rows.*.*.value", "value that is no text"),
    Field::text("response.results.*.rows.*.*.encoding", "base64"),
    Field::number("response.statementId", "number that the prepared statement was given"),
    Field::number("response.parameterCount", "parameters that the prepared statement takes"),
    Field::text("response.columns.*.name", "name of a column that the statement will give"),
    Field::text("response.columns.*.table", "table of that column"),
    Field::text("response.columns.*.type", "type of that column"),
    Field::text("response.plugins.*", "how the server asked the client to prove who it is"),
    Field::text("response.text", "line about the server"),
    Field::text("response.serverVersion", "version of the server"),
    Field::number("response.connectionId", "number of the connection"),
    Field::text("response.serverPlugin", "how the server wanted the client to prove who it is"),
    Field::number("response.events", "events of the binary log"),
    Field::number("response.eventBytes", "bytes of these events"),
];

/// `SELECT`, the SQL, and how many rows there were.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let field = |name: &str| request[name].as_str();
    let text = match (field("query"), field("argument")) {
        (Some(query), _) => database::one_line(query),
        (None, Some(argument)) => argument.to_owned(),
        (None, None) if request["command"] == "LOGIN" || request["command"] == "COM_CHANGE_USER" => {
            let [user, database] = ["user", "database"].map(|name| field(name).unwrap_or_default());
            format!("{user}@{database}")
        }
        (None, None) => String::new(),
    };
    let mut summary = database::summary(entry, text);
    if let Some(verb) = field("verb").filter(|_| request["command"] == "COM_QUERY") {
        summary.method = verb.to_owned();
    }
    summary
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    Said {
        protocol: &DESCRIPTION,
        version: None,
        request: match asked {
            Some(Content::MysqlRequest(asked)) => Some(request(asked, bodies)),
            _ => None,
        },
        response: match answered {
            Some(Content::MysqlResponse(answered)) => Some(response(answered, bodies)),
            _ => None,
        },
    }
}

/// The `request` of an entry.
pub fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("command".into(), request.command.name().into());
    if !matches!(request.command, Command::LOGIN | Command::SSL_REQUEST) {
        fields.insert("commandCode".into(), request.command.0.into());
    }
    let verb = request.query.as_deref().map(wire::verb).filter(|verb| !verb.is_empty());
    database::put(&mut fields, "verb", verb);
    database::put(&mut fields, "query", request.query.as_deref());
    database::put(&mut fields, "user", request.user.as_deref());
    database::put(&mut fields, "database", request.database.as_deref());
    database::put(&mut fields, "statementId", request.statement_id);
    database::put(&mut fields, "argument", request.argument.as_deref());
    database::put(&mut fields, "number", request.number);
    database::put(&mut fields, "longParameter", request.long_data.map(|(parameter, _)| parameter));
    database::put(&mut fields, "longBytes", request.long_data.map(|(_, bytes)| bytes));
    if let Some(login) = &request.login {
        database::put(&mut fields, "plugin", login.plugin.as_deref());
        fields.insert("capabilities".into(), login.capabilities.into());
        fields.insert("characterSet".into(), login.character_set.into());
        if !login.attributes.is_empty() {
            let attributes =
                login.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            fields.insert("attributes".into(), attributes.collect::<Map<_, _>>().into());
        }
    }
    if let Some(sent) = &request.sent {
        let mut part = Map::new();
        part.insert("packets".into(), sent.packets.into());
        part.insert("bytes".into(), sent.length_bytes.into());
        if bodies == Bodies::Kept {
            let mut data = Map::new();
            database::bytes(&mut data, "text", &sent.data);
            part.insert("data".into(), data.into());
        }
        fields.insert("sent".into(), part.into());
    }
    if bodies == Bodies::Kept {
        if !request.parameters.is_empty() {
            fields.insert("parameters".into(), request.parameters.iter().map(parameter).collect());
        }
        if !request.secrets.is_empty() {
            let secrets = request.secrets.iter().map(|secret| {
                let mut fields = Map::new();
                database::bytes(&mut fields, "value", secret);
                Value::from(fields)
            });
            fields.insert("secrets".into(), secrets.collect());
        }
    }
    fields.into()
}

fn parameter(parameter: &Parameter) -> Value {
    let value = parameter.value.as_deref();
    let text = value.and_then(|bytes| value::text(parameter.type_id, parameter.unsigned, bytes));
    let mut fields = Map::new();
    if !parameter.name.is_empty() {
        fields.insert("name".into(), parameter.name.as_str().into());
    }
    fields.insert("type".into(), value::type_name(parameter.type_id).into());
    if parameter.sent_before {
        fields.insert("sentBefore".into(), true.into());
        return fields.into();
    }
    match database::cell(value, text) {
        Value::Object(encoded) => fields.extend(encoded),
        plain => drop(fields.insert("value".into(), plain)),
    }
    fields.into()
}

/// The `response` of an entry.
pub fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("success".into(), response.error.is_none().into());
    fields.insert("complete".into(), response.complete.into());
    if let Some(error) = &response.error {
        fields.insert("errorCode".into(), error.code.into());
        database::put(&mut fields, "errorState", error.state.as_deref());
        fields.insert("errorMessage".into(), error.message.as_str().into());
    }
    if !response.results.is_empty() {
        let sum = |of: fn(&QueryResult) -> u64| response.results.iter().map(of).fold(0, u64::saturating_add);
        fields.insert("hasRows".into(), response.results.iter().any(|one| !one.columns.is_empty()).into());
        fields.insert("rowCount".into(), sum(|one| one.rows.count).into());
        fields.insert("affectedRows".into(), sum(|one| one.affected).into());
        let id = response.results.iter().map(|one| one.last_insert_id).find(|id| *id > 0);
        database::put(&mut fields, "lastInsertId", id);
        fields.insert("warnings".into(), sum(|one| u64::from(one.warnings)).into());
        fields.insert("results".into(), response.results.iter().map(|one| result(one, bodies)).collect());
    }
    if let Some(prepared) = &response.prepared {
        fields.insert("statementId".into(), prepared.statement_id.into());
        fields.insert("parameterCount".into(), prepared.parameters.into());
        fields.insert("warnings".into(), prepared.warnings.into());
        if !prepared.columns.is_empty() {
            fields.insert("columns".into(), prepared.columns.iter().map(column).collect());
        }
    }
    if !response.plugins.is_empty() {
        fields.insert("plugins".into(), json!(response.plugins));
    }
    database::put(&mut fields, "text", response.text.as_deref());
    if let Some(greeting) = &response.greeting {
        fields.insert("serverVersion".into(), greeting.version.as_str().into());
        fields.insert("connectionId".into(), greeting.connection_id.into());
        database::put(&mut fields, "serverPlugin", greeting.plugin.as_deref());
    }
    database::put(&mut fields, "events", response.events.map(|(count, _)| count));
    database::put(&mut fields, "eventBytes", response.events.map(|(_, bytes)| bytes));
    fields.into()
}

fn result(result: &QueryResult, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("affectedRows".into(), result.affected.into());
    fields.insert("warnings".into(), result.warnings.into());
    fields.insert("status".into(), result.status.into());
    fields.insert("inTransaction".into(), (result.status & QueryResult::IN_TRANSACTION != 0).into());
    database::put(&mut fields, "lastInsertId", Some(result.last_insert_id).filter(|id| *id > 0));
    database::put(&mut fields, "info", Some(result.info.as_str()).filter(|info| !info.is_empty()));
    database::put(&mut fields, "wantedFile", result.wanted_file.as_deref());
    if !result.columns.is_empty() {
        fields.insert("columns".into(), result.columns.iter().map(column).collect());
        fields.insert("rowCount".into(), result.rows.count.into());
    }
    if bodies == Bodies::Kept && result.rows.count > 0 {
        let rows = result.rows.iter(&result.columns).map(|row| {
            let cells = row.iter().enumerate().map(|(at, value)| {
                let text = value.and_then(|bytes| match result.columns.get(at) {
                    Some(column) => value::column_text(column, result.rows.binary, bytes),
                    None => std::str::from_utf8(bytes).ok().map(str::to_owned),
                });
                database::cell(*value, text)
            });
            cells.collect::<Value>()
        });
        fields.insert("rows".into(), rows.collect());
    }
    fields.into()
}

fn column(column: &Column) -> Value {
    json!({"name": column.name, "table": column.table, "type": value::type_name(column.type_id)})
}
