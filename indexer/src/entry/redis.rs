//! Redis commands and replies as fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::Content;
use dissect::protocol::redis::build::HEAD_BYTES;
use dissect::protocol::redis::command::{has_subcommands, key_index};
use dissect::protocol::redis::message::{Answer, Command, Data, Items, Kind, Reply, Role, Value as Resp};
use serde_json::{Map, Value};

use super::description::{Description, Field, Outcome, Summary};
use super::{Bodies, Said};

pub const DESCRIPTION: Description = Description {
    name: "redis",
    abbr: "REDIS",
    version: "3.x",
    long_name: "Redis Serialization Protocol",
    macro_name: "redis",
    ports: &["6379"],
    priority: 3,
    background: "#a41e11",
    foreground: "#ffffff",
    reference: "https://redis.io/docs/latest/develop/reference/protocol-spec/",
    bodies: &[
        &["request", "value"],
        &["request", "encoding"],
        &["request", "args"],
        &["request", "data"],
        &["response", "value"],
        &["response", "encoding"],
        &["response", "data"],
        &["response", "attributes"],
    ],
    fields: FIELDS,
    summary,
};

const FIELDS: &[Field] = &[
    Field::text("request.type", "Array, or Inline for a line of text; of pushes the type of the value"),
    Field::text(
        "request.role",
        "command, replicated (from master to replica), push, monitor (a line of MONITOR), snapshot (the data set)",
    ),
    Field::text(
        "request.command",
        "the command in capitals; of pushes their first word: MESSAGE, INVALIDATE",
    ),
    Field::text("request.subcommand", "second word of commands that have subcommands: GET of CONFIG GET"),
    Field::text("request.key", "first key, or channel; at most 512 bytes"),
    Field::text("request.keyEncoding", "base64 where the key is no text"),
    Field::text("request.keyword", "always empty; a field of Kubeshark's"),
    Field::text("request.pattern", "pattern that a message was received for"),
    Field::text("request.value", "words behind the key: the word, or [several, words]"),
    Field::text(
        "request.encoding",
        "base64 where one of the words of value or args is no text, and is told so",
    ),
    Field::any("request.args.*", "every word, the command first; of those that are no text the base64"),
    Field::any("request.data.*", "values of a push, nested as they were sent"),
    Field::number("request.argsCount", "number of words, the command counted in"),
    Field::number("request.database", "database in use, if a SELECT was seen on the connection"),
    Field::number("request.length", "bytes of a snapshot"),
    Field::boolean("request.cut", "true where its end was not seen"),
    Field::text("response.type", "Simple String, Error, Integer, Bulk String, Array, Null, Map, Set, Push …"),
    Field::text("response.command", "always empty; a field of Kubeshark's"),
    Field::text("response.key", "always empty; a field of Kubeshark's"),
    Field::text("response.keyword", "text of a simple string: OK, PONG, QUEUED"),
    Field::text("response.value", "the value as text; [several, values] of aggregates"),
    Field::text(
        "response.encoding",
        "base64 where one of the strings of value or data is no text, and is told so",
    ),
    Field::any("response.data.*", "values of an aggregate, nested as they were sent; pairs of a map in turn"),
    Field::any("response.attributes.*", "what the server said about the value"),
    Field::boolean("response.null", "true where there is no value; an empty string is one"),
    Field::number("response.count", "number of values of an aggregate"),
    Field::text("response.error", "kind of the error: ERR, WRONGTYPE, MOVED, ASK, CLUSTERDOWN"),
    Field::number("response.slot", "hash slot of a MOVED or ASK"),
    Field::text("response.address", "where the slot is, of a MOVED or ASK"),
    Field::boolean("response.cut", "true where its end was not seen"),
];

/// `COMMAND key`, and the keyword, the kind of error or nothing.
fn summary(entry: &Value) -> Summary {
    let text = |part: &str, field: &str| entry[part][field].as_str().unwrap_or_default().to_owned();
    let subcommand = text("request", "subcommand");
    let space = if subcommand.is_empty() { "" } else { " " };
    let error = text("response", "error");
    let response = &entry["response"];
    let status = match response["count"].as_u64() {
        _ if !error.is_empty() => error.clone(),
        _ if response["null"] == true => "null".to_owned(),
        Some(count) => format!("{count} values"),
        None => text("response", "keyword"),
    };
    let outcome = match (error.is_empty(), response.is_object()) {
        (false, _) => Outcome::Bad,
        (true, true) => Outcome::Good,
        (true, false) => Outcome::Neutral,
    };
    Summary {
        method: text("request", "command") + space + &subcommand,
        text: text("request", "key"),
        status,
        outcome,
    }
}

/// An exchange as fields.
pub fn said(request: Option<&Content>, response: Option<&Content>, bodies: Bodies) -> Said {
    let request = match request {
        Some(Content::RedisCommand(command)) => Some(command_fields(command, bodies)),
        Some(Content::RedisReply(reply)) => Some(push_fields(reply, bodies)),
        _ => None,
    };
    let response = match response {
        Some(Content::RedisReply(reply)) => Some(reply_fields(reply, bodies)),
        _ => None,
    };
    Said { protocol: &DESCRIPTION, version: None, request, response }
}

fn command_fields(command: &Command, bodies: Bodies) -> Value {
    let name = text(head(command.word(0))).to_uppercase();
    let has_subcommands = has_subcommands(command.word(0)) && command.args_count > 1;
    let key = key_index(command);
    let role = if command.answer == Answer::Replicated { "replicated" } else { "command" };
    let mut fields = Map::new();
    fields.insert("type".into(), if command.inline { "Inline" } else { "Array" }.into());
    fields.insert("role".into(), role.into());
    fields.insert("command".into(), name.into());
    if has_subcommands {
        fields.insert("subcommand".into(), text(head(command.word(1))).to_uppercase().into());
    }
    add_key(&mut fields, key.map(|index| command.word(index)).unwrap_or_default());
    fields.insert("keyword".into(), "".into());
    fields.insert("argsCount".into(), command.args_count.into());
    if let Some(database) = command.database {
        fields.insert("database".into(), database.into());
    }
    if command.is_cut {
        fields.insert("cut".into(), true.into());
    }
    if bodies == Bodies::Kept {
        let mut words = Words::default();
        let args: Vec<String> = command.args.iter().map(|word| words.word(&word.bytes)).collect();
        let named = 1 + usize::from(has_subcommands);
        let behind = |(index, _): &(usize, &String)| *index >= named && Some(*index) != key;
        let value: Vec<&str> =
            args.iter().enumerate().filter(behind).map(|(_, word)| word.as_str()).collect();
        let value = match value.as_slice() {
            [] => String::new(),
            [one] => (*one).to_owned(),
            several => format!("[{}]", several.join(", ")),
        };
        fields.insert("value".into(), value.into());
        fields.insert("args".into(), args.into());
        words.add(&mut fields);
    }
    fields.into()
}

/// What a server sends of its own: its words stand where a command's do.
fn push_fields(reply: &Reply, bodies: Bodies) -> Value {
    let value = &reply.value;
    let bytes = |index: usize| value.items().get(index).and_then(Resp::bytes).unwrap_or_default();
    let (role, name) = match reply.role {
        Role::Monitor => ("monitor", "MONITOR".to_owned()),
        Role::Snapshot => ("snapshot", "RDB".to_owned()),
        _ => ("push", text(head(bytes(0))).to_uppercase()),
    };
    let has_pattern = name == "PMESSAGE";
    let mut fields = Map::new();
    fields.insert("type".into(), value.kind.name().into());
    fields.insert("role".into(), role.into());
    fields.insert("command".into(), name.into());
    add_key(&mut fields, bytes(if has_pattern { 2 } else { 1 }));
    if has_pattern {
        fields.insert("pattern".into(), text(head(bytes(1))).into());
    }
    fields.insert("keyword".into(), "".into());
    if reply.is_cut {
        fields.insert("cut".into(), true.into());
    }
    if let (Role::Snapshot, Data::Bytes(blob)) = (reply.role, &value.data) {
        fields.insert("length".into(), blob.length_bytes.into());
        return fields.into();
    }
    if bodies == Bodies::Kept {
        let mut words = Words::default();
        let told = match (reply.role, value.items()) {
            (Role::Push, [_, .., last]) => words.line(last),
            _ => words.line(value),
        };
        fields.insert("value".into(), told.into());
        if !value.items().is_empty() {
            fields.insert("data".into(), words.value(value));
        }
        words.add(&mut fields);
    }
    fields.into()
}

fn reply_fields(reply: &Reply, bodies: Bodies) -> Value {
    let value = &reply.value;
    let keyword = match (value.kind, &value.data) {
        (Kind::SimpleString, Data::Bytes(blob)) => text(head(&blob.bytes)),
        _ => String::new(),
    };
    let mut fields = Map::new();
    fields.insert("type".into(), value.kind.name().into());
    fields.insert("command".into(), "".into());
    fields.insert("key".into(), "".into());
    fields.insert("keyword".into(), keyword.into());
    if value.data == Data::Null {
        fields.insert("null".into(), true.into());
    }
    if let Data::Items(items) = &value.data {
        fields.insert("count".into(), items.count.into());
    }
    if let Some(error) = reply.error() {
        add_error(&mut fields, &text(head(error)));
    }
    if reply.is_cut {
        fields.insert("cut".into(), true.into());
    }
    if bodies == Bodies::Kept {
        let mut words = Words::default();
        let told = if value.kind == Kind::SimpleString { String::new() } else { words.line(value) };
        fields.insert("value".into(), told.into());
        if matches!(value.data, Data::Items(_)) {
            fields.insert("data".into(), words.value(value));
        }
        if let Some(attributes) = &reply.attributes {
            fields.insert("attributes".into(), words.value(attributes));
        }
        words.add(&mut fields);
    }
    fields.into()
}

/// `MOVED 3999 127.0.0.1:6381`: the kind, and where else to ask.
fn add_error(fields: &mut Map<String, Value>, error: &str) {
    let mut words = error.split(' ');
    let kind = words.next().unwrap_or_default();
    fields.insert("error".into(), kind.into());
    if matches!(kind, "MOVED" | "ASK") {
        if let Some(slot) = words.next().and_then(|slot| slot.parse::<u64>().ok()) {
            fields.insert("slot".into(), slot.into());
        }
        if let Some(address) = words.next() {
            fields.insert("address".into(), address.into());
        }
    }
}

fn add_key(fields: &mut Map<String, Value>, key: &[u8]) {
    let key = head(key);
    let mut words = Words::default();
    let shown = words.word(key);
    fields.insert("key".into(), shown.into());
    if words.has_base64 {
        fields.insert("keyEncoding".into(), "base64".into());
    }
}

/// What rows show of a string: that much of it is always kept.
fn head(bytes: &[u8]) -> &[u8] {
    let cut = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    match std::str::from_utf8(cut) {
        // A character that the cut went through is left out.
        Err(error) if cut.len() == HEAD_BYTES && error.error_len().is_none() => &cut[..error.valid_up_to()],
        _ => cut,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Strings as they are, in base64 where they are no text; and whether one was.
#[derive(Default)]
struct Words {
    has_base64: bool,
}

impl Words {
    fn word(&mut self, bytes: &[u8]) -> String {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            // Our limit may have cut a character.
            Err(error) if error.error_len().is_none() => text(&bytes[..error.valid_up_to()]),
            Err(_) => {
                self.has_base64 = true;
                STANDARD.encode(bytes)
            }
        }
    }

    fn add(&self, fields: &mut Map<String, Value>) {
        if self.has_base64 {
            fields.insert("encoding".into(), "base64".into());
        }
    }

    /// A value on a line: `[a, [b, c]]`.
    fn line(&mut self, value: &Resp) -> String {
        match &value.data {
            Data::Null => String::new(),
            Data::Integer(number) => number.to_string(),
            Data::Boolean(is) => is.to_string(),
            Data::Bytes(blob) => self.word(payload(value.kind, &blob.bytes)),
            Data::Items(Items { values, .. }) => {
                let values: Vec<_> = values.iter().map(|value| self.line(value)).collect();
                format!("[{}]", values.join(", "))
            }
        }
    }

    /// A value as JSON, nested as it was sent.
    fn value(&mut self, value: &Resp) -> Value {
        match &value.data {
            Data::Null => Value::Null,
            Data::Integer(number) => (*number).into(),
            Data::Boolean(is) => (*is).into(),
            Data::Bytes(blob) => self.word(payload(value.kind, &blob.bytes)).into(),
            Data::Items(Items { values, .. }) => values.iter().map(|value| self.value(value)).collect(),
        }
    }
}

/// A verbatim string says its format in front: `txt:`.
fn payload(kind: Kind, bytes: &[u8]) -> &[u8] {
    match bytes {
        [_, _, _, b':', text @ ..] if kind == Kind::Verbatim => text,
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use dissect::protocol::redis::message::Blob;
    use serde_json::json;

    use super::*;

    fn command(words: &[&[u8]]) -> Value {
        let args: Vec<Blob> = words.iter().map(|word| Blob::whole(word)).collect();
        let args_count = args.len() as u64;
        let content = Content::RedisCommand(Command { args, args_count, ..Command::default() });
        said(Some(&content), None, Bodies::Kept).request.unwrap()
    }

    #[test]
    fn commands_read_as_kubeshark_tells_them() {
        let set = command(&[b"HSET", b"h", b"f1", b"v1", b"f2", b"v2"]);
        assert_eq!(set["value"], "[f1, v1, f2, v2]");
        assert_eq!(
            (&set["command"], &set["key"], &set["type"]),
            (&json!("HSET"), &json!("h"), &json!("Array"))
        );
        let config = command(&[b"config", b"get", b"dir"]);
        assert_eq!((&config["command"], &config["subcommand"]), (&json!("CONFIG"), &json!("GET")));
        assert_eq!((&config["key"], &config["value"]), (&json!(""), &json!("dir")));
        let binary = command(&[b"SET", b"\xff\x00", b"\xfe"]);
        assert_eq!((&binary["key"], &binary["keyEncoding"]), (&json!("/wA="), &json!("base64")));
        assert_eq!((&binary["value"], &binary["encoding"]), (&json!("/g=="), &json!("base64")));
    }

    #[test]
    fn redirections_tell_slot_and_address() {
        let mut fields = Map::new();
        add_error(&mut fields, "MOVED 3999 127.0.0.1:6381");
        assert_eq!(
            Value::Object(fields),
            json!({"error": "MOVED", "slot": 3999, "address": "127.0.0.1:6381"})
        );
    }
}
