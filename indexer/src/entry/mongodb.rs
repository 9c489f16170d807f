//! MongoDB's requests and responses as fields.

use dissect::protocol::Content;
use dissect::protocol::mongodb::bson::{self, Document};
use dissect::protocol::mongodb::message::{Opcode, Request, Response, Sequence};
use serde_json::{Map, Value};

use super::description::{Description, Field, Summary};
use super::{Bodies, Said, database};

/// Most bytes of the JSON of one document in an entry.
const DOCUMENT_BYTES_MAX: usize = 1 << 20;
/// Most bytes of a filter, which rows hold.
const FILTER_BYTES_MAX: usize = 1024;
/// Most documents of one message in an entry.
const DOCUMENTS_MAX: usize = 1000;

pub const DESCRIPTION: Description = Description {
    name: "mongodb",
    abbr: "MongoDB",
    version: "",
    long_name: "MongoDB Wire Protocol",
    macro_name: "mongodb",
    ports: &["27017"],
    priority: 7,
    background: "#13aa52",
    foreground: "#ffffff",
    reference: "https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/",
    bodies: &[
        &["request", "document"],
        &["request", "sequences", "*", "documents"],
        &["response", "document"],
        &["response", "documents"],
    ],
    fields: FIELDS,
    summary,
};

const FIELDS: &[Field] = &[
    Field::text("request.command", "find, insert, aggregate, hello …"),
    Field::text("request.database", "database that the command is about"),
    Field::text("request.collection", "collection that the command is about"),
    Field::text("request.opcode", "OP_MSG, OP_QUERY …"),
    Field::number("request.requestId", "number of the request"),
    Field::text("request.compressor", "snappy, zlib or zstd, where the message was compressed"),
    Field::number("request.flags", "flags of the message, as bits"),
    Field::number("request.cursorId", "cursor that more is wanted of"),
    Field::text("request.filter", "filter or pipeline as JSON, its beginning"),
    Field::any("request.document.*", "the command, as extended JSON"),
    Field::text("request.sequences.*.name", "argument that documents beside the command stand for"),
    Field::number("request.sequences.*.count", "how many documents"),
    Field::any("request.sequences.*.documents.*", "these documents, as extended JSON"),
    Field::boolean("response.success", "whether the command and all its writes went well"),
    Field::text("response.opcode", "OP_MSG or OP_REPLY"),
    Field::number("response.requestId", "number of the response"),
    Field::number("response.responseTo", "number of the request"),
    Field::text("response.compressor", "snappy, zlib or zstd, where the message was compressed"),
    Field::number("response.flags", "flags of the message, as bits"),
    Field::number("response.errorCode", "number of the error"),
    Field::text("response.errorCodeName", "name of the error, such as DuplicateKey"),
    Field::text("response.errorMessage", "message of the error"),
    Field::number("response.writeErrors", "writes that failed"),
    Field::number("response.n", "documents found, inserted, changed or deleted"),
    Field::number("response.nModified", "documents that were changed"),
    Field::number("response.rowCount", "documents that came along"),
    Field::boolean("response.hasRows", "whether the response is of a cursor"),
    Field::number("response.affectedRows", "documents that the command was about"),
    Field::number("response.cursor.id", "cursor that has more; 0 where there is no more"),
    Field::text("response.cursor.namespace", "database and collection of the cursor"),
    Field::number("response.cursor.batchSize", "documents that came along"),
    Field::any("response.document.*", "the response, as extended JSON"),
    Field::any("response.documents.*", "documents of an OP_REPLY, as extended JSON"),
];

/// `find`, the collection and the filter, and how many documents.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let field = |name: &str| request[name].as_str().unwrap_or_default();
    let place = match (field("database"), field("collection")) {
        (database, "") => database.to_owned(),
        ("", collection) => collection.to_owned(),
        (database, collection) => format!("{database}.{collection}"),
    };
    let text = format!("{place} {}", database::one_line(field("filter")));
    let mut summary = database::summary(entry, text.trim().to_owned());
    if let Some(name) = entry["response"]["errorCodeName"].as_str() {
        summary.status = name.to_owned();
    }
    summary
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    Said {
        protocol: &DESCRIPTION,
        version: None,
        request: match asked {
            Some(Content::MongodbRequest(asked)) => Some(request(asked, bodies)),
            // One of several answers to a request: it stands alone.
            Some(Content::MongodbResponse(_)) => Some(streamed()),
            _ => None,
        },
        response: match answered.or(asked) {
            Some(Content::MongodbResponse(answered)) => Some(response(answered, bodies)),
            _ => None,
        },
    }
}

fn streamed() -> Value {
    let mut fields = Map::new();
    fields.insert("command".into(), "(stream)".into());
    fields.into()
}

/// The `request` of an entry.
fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("command".into(), request.command.as_str().into());
    fields.insert("opcode".into(), request.opcode.name().into());
    fields.insert("requestId".into(), request.request_id.into());
    database::put(&mut fields, "database", request.database.as_deref());
    database::put(&mut fields, "collection", request.collection.as_deref());
    database::put(&mut fields, "compressor", request.compressor.map(|compressor| compressor.name()));
    database::put(&mut fields, "cursorId", request.cursor_id);
    if request.flags != 0 {
        fields.insert("flags".into(), request.flags.into());
    }
    database::put(&mut fields, "filter", filter(request));
    if !request.sequences.is_empty() {
        fields
            .insert("sequences".into(), request.sequences.iter().map(|one| sequence(one, bodies)).collect());
    }
    if bodies == Bodies::Kept {
        database::put(&mut fields, "document", Document::of(&request.document).map(|one| json(&one)));
    }
    fields.into()
}

/// What is looked for: of a query of old the whole document.
fn filter(request: &Request) -> Option<String> {
    let document = Document::of(&request.document)?;
    let of_old = request.opcode == Opcode::QUERY && request.command == "find";
    let filter = if of_old {
        Some(document)
    } else {
        ["filter", "query", "q"].iter().find_map(|name| match document.value(name)? {
            bson::Value::Document(filter) => Some(filter),
            _ => None,
        })
    };
    if let Some(filter) = filter {
        return Some(bson::json(&filter, FILTER_BYTES_MAX).0);
    }
    match document.value("pipeline")? {
        bson::Value::Array(pipeline) => Some(bson::json_array(&pipeline, FILTER_BYTES_MAX).0),
        _ => None,
    }
}

fn sequence(sequence: &Sequence, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), sequence.name.as_str().into());
    fields.insert("count".into(), sequence.count.into());
    if bodies == Bodies::Kept {
        fields.insert("documents".into(), documents(&sequence.documents));
    }
    fields.into()
}

/// Documents that lie one after the other.
fn documents(bytes: &[u8]) -> Value {
    bson::documents(bytes).take(DOCUMENTS_MAX).map(|one| json(&one)).collect()
}

/// A document as JSON; one that was cut, as text.
fn json(document: &Document<'_>) -> Value {
    let (text, _) = bson::json(document, DOCUMENT_BYTES_MAX);
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// The `response` of an entry.
fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    let success = response.ok.unwrap_or(true) && response.error.is_none();
    fields.insert("success".into(), success.into());
    fields.insert("opcode".into(), response.opcode.name().into());
    fields.insert("requestId".into(), response.request_id.into());
    fields.insert("responseTo".into(), response.response_to.into());
    database::put(&mut fields, "compressor", response.compressor.map(|compressor| compressor.name()));
    if response.flags != 0 {
        fields.insert("flags".into(), response.flags.into());
    }
    if let Some(error) = &response.error {
        database::put(&mut fields, "errorCode", error.code);
        database::put(&mut fields, "errorCodeName", error.code_name.as_deref());
        database::put(&mut fields, "errorMessage", error.message.as_deref());
    }
    if response.write_errors > 0 {
        fields.insert("writeErrors".into(), response.write_errors.into());
    }
    database::put(&mut fields, "n", response.n);
    database::put(&mut fields, "nModified", response.n_modified);
    database::put(&mut fields, "affectedRows", response.n);
    if let Some(cursor) = &response.cursor {
        fields.insert("hasRows".into(), true.into());
        fields.insert("rowCount".into(), cursor.batch.into());
        let mut part = Map::new();
        part.insert("id".into(), cursor.id.into());
        part.insert("namespace".into(), cursor.namespace.as_str().into());
        part.insert("batchSize".into(), cursor.batch.into());
        fields.insert("cursor".into(), part.into());
    }
    if bodies == Bodies::Kept {
        database::put(&mut fields, "document", Document::of(&response.document).map(|one| json(&one)));
        if response.opcode == Opcode::REPLY {
            fields.insert("documents".into(), documents(&response.documents));
        }
    }
    fields.into()
}
