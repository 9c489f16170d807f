//! Reads the messages of each opcode.
//!
//! A body may have been cut by a limit or a hole: what is there is read, and the rest is left out.

use crate::protocol::content_encoding;
use crate::protocol::cursor::{Cursor, text};
use crate::protocol::mongodb::bson::{Document, Value};
use crate::protocol::mongodb::frame::Header;
use crate::protocol::mongodb::message::{self, Compressor, Failure, Opcode, Request, Response, Sequence};
use crate::protocol::snappy;

/// Most bytes kept of a name.
const NAME_BYTES_MAX: usize = 256;
/// Most bytes kept of an error's text.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Most sections of kind 1 told apart; drivers send one.
const SEQUENCES_MAX: usize = 8;

/// A body without its compression, and how it was compressed; `None` if it can't be had.
pub fn decompressed(body: &[u8], decoded_bytes_max: usize) -> Option<(Opcode, Compressor, Vec<u8>)> {
    let mut cursor = Cursor::new(body);
    let opcode = Opcode(cursor.u32_le()?);
    let length = usize::try_from(cursor.u32_le()?).ok().filter(|length| *length <= decoded_bytes_max)?;
    let compressor = Compressor(cursor.byte()?);
    let packed = cursor.rest();
    let bytes = match compressor.0 {
        0 => packed.to_vec(),
        1 => snappy::undo(packed, length).bytes,
        2 => content_encoding::decode(&[b"deflate"], packed, length).bytes,
        3 => content_encoding::decode(&[b"zstd"], packed, length).bytes,
        _ => return None,
    };
    Some((opcode, compressor, bytes))
}

/// What a message of the client says.
pub fn request(header: Header, opcode: Opcode, body: &[u8], documents_max: usize) -> Option<Request> {
    let mut request = Request {
        request_id: header.request_id,
        opcode,
        compressor: None,
        command: opcode.name().to_owned(),
        database: None,
        collection: None,
        flags: 0,
        document: Vec::new(),
        sequences: Vec::new(),
        cursor_id: None,
    };
    let mut cursor = Cursor::new(body);
    match opcode {
        Opcode::MSG => {
            request.flags = cursor.u32_le()?;
            sections(&mut cursor, &mut request.document, &mut request.sequences, documents_max);
            command(&mut request);
        }
        Opcode::QUERY => {
            request.flags = cursor.u32_le()?;
            namespace(&mut request, cursor.until_zero()?);
            cursor.take(8)?;
            keep(&mut cursor, &mut request.document);
            if request.collection.as_deref() == Some("$cmd") {
                request.collection = None;
                let database = request.database.take();
                command(&mut request);
                request.database = request.database.or(database);
            } else {
                request.command = "find".to_owned();
            }
        }
        Opcode::INSERT | Opcode::UPDATE | Opcode::DELETE => {
            request.flags = cursor.u32_le()?;
            namespace(&mut request, cursor.until_zero()?);
            if opcode != Opcode::INSERT {
                request.flags = cursor.u32_le()?;
            }
            request.command = opcode.name().trim_start_matches("OP_").to_ascii_lowercase();
            let name = if opcode == Opcode::INSERT { "documents" } else { "selectors" };
            request.sequences.push(sequence(name.to_owned(), cursor.rest(), documents_max));
        }
        Opcode::GET_MORE => {
            cursor.u32_le()?;
            namespace(&mut request, cursor.until_zero()?);
            cursor.u32_le()?;
            request.cursor_id = cursor.u64_le().map(u64::cast_signed);
            request.command = "getMore".to_owned();
        }
        Opcode::KILL_CURSORS => {
            cursor.take(8)?;
            request.cursor_id = cursor.u64_le().map(u64::cast_signed);
            request.command = "killCursors".to_owned();
        }
        _ => {}
    }
    Some(request)
}

/// Sections of OP_MSG: one document, and sequences of documents beside it.
fn sections(
    cursor: &mut Cursor<'_>,
    document: &mut Vec<u8>,
    sequences: &mut Vec<Sequence>,
    documents_max: usize,
) {
    while let Some(kind) = cursor.byte() {
        match kind {
            0 => keep(cursor, document),
            1 => {
                let Some(length) = cursor.u32_le().and_then(|length| usize::try_from(length).ok()) else {
                    return;
                };
                let Some(length) = length.checked_sub(4) else { return };
                let rest = cursor.rest();
                let Some(taken) = cursor.take(length.min(rest.len())) else { return };
                let mut section = Cursor::new(taken);
                let Some(name) = section.until_zero() else { return };
                if sequences.len() < SEQUENCES_MAX {
                    sequences.push(sequence(text(name, NAME_BYTES_MAX), section.rest(), documents_max));
                }
            }
            // The checksum, or what is no section.
            _ => return,
        }
        // A checksum of four bytes may stand behind the last section.
        if cursor.rest().len() <= 4 {
            return;
        }
    }
}

/// Documents that lie one after the other, counted to the end.
fn sequence(name: String, bytes: &[u8], documents_max: usize) -> Sequence {
    let mut cursor = Cursor::new(bytes);
    let mut count = 0_u64;
    while !cursor.is_empty() && Document::next(&mut cursor).is_some() {
        count = count.saturating_add(1);
    }
    let kept = bytes.len().saturating_sub(cursor.rest().len()).min(documents_max);
    Sequence { name, count, documents: bytes.get(..kept).unwrap_or_default().to_vec() }
}

/// Keeps the bytes of the next document.
fn keep(cursor: &mut Cursor<'_>, document: &mut Vec<u8>) {
    let before = cursor.rest();
    if Document::next(cursor).is_some() {
        let length = before.len().saturating_sub(cursor.rest().len());
        *document = before.get(..length).unwrap_or_default().to_vec();
    }
}

/// The name of the command is that of its first element; the value is most often the collection.
fn command(request: &mut Request) {
    let Some(document) = Document::of(&request.document) else { return };
    let mut document = document;
    // Drivers of old wrap the command beside a read preference.
    if let Some(Value::Document(inner)) = document.value("$query").or_else(|| document.value("query"))
        && document.iter().next().is_some_and(|(name, _)| name == b"$query" || name == b"query")
    {
        document = inner;
    }
    let Some((name, value)) = document.iter().next() else { return };
    request.command = text(name, NAME_BYTES_MAX);
    request.database = document.value("$db").and_then(|value| name_of(&value));
    request.collection = match request.command.as_str() {
        "getMore" => {
            request.cursor_id = value.integer();
            document.value("collection").and_then(|value| name_of(&value))
        }
        _ => name_of(&value),
    };
}

fn name_of(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Text(name) => Some(text(name, NAME_BYTES_MAX)),
        _ => None,
    }
}

fn namespace(request: &mut Request, name: &[u8]) {
    let name = text(name, 2 * NAME_BYTES_MAX);
    let (database, collection) = name.split_once('.').unwrap_or((&name, ""));
    request.database = Some(database.to_owned());
    request.collection = Some(collection.to_owned()).filter(|name| !name.is_empty());
}

/// What a message of the server says.
pub fn response(header: Header, opcode: Opcode, body: &[u8], documents_max: usize) -> Option<Response> {
    let mut response = Response {
        request_id: header.request_id,
        response_to: header.response_to,
        opcode,
        compressor: None,
        flags: 0,
        is_streamed: false,
        document: Vec::new(),
        documents: Vec::new(),
        ok: None,
        error: None,
        cursor: None,
        n: None,
        n_modified: None,
        write_errors: 0,
    };
    let mut cursor = Cursor::new(body);
    match opcode {
        Opcode::MSG => {
            response.flags = cursor.u32_le()?;
            sections(&mut cursor, &mut response.document, &mut Vec::new(), documents_max);
        }
        Opcode::REPLY => {
            response.flags = cursor.u32_le()?;
            let id = cursor.u64_le()?.cast_signed();
            let (_from, count) = (cursor.u32_le()?, cursor.u32_le()?);
            if id != 0 || count != 1 {
                let batch = u64::from(count);
                response.cursor = Some(message::Cursor { id, namespace: String::new(), batch });
            }
            let rest = cursor.rest();
            response.documents = rest.get(..documents_max).unwrap_or(rest).to_vec();
            keep(&mut cursor, &mut response.document);
        }
        _ => return None,
    }
    result(&mut response);
    Some(response)
}

/// What the document of a response says of how it went.
fn result(response: &mut Response) {
    let bytes = std::mem::take(&mut response.document);
    if let Some(document) = Document::of(&bytes) {
        response.ok = document.value("ok").and_then(|ok| ok.integer()).map(|ok| ok != 0);
        response.n = document.value("n").and_then(|n| n.integer());
        response.n_modified = document.value("nModified").and_then(|n| n.integer());
        if response.ok == Some(false)
            || response.flags & Response::QUERY_FAILURE != 0 && response.opcode == Opcode::REPLY
        {
            response.ok = Some(false);
            response.error = Some(failure(&document));
        }
        if let Some(Value::Array(errors)) = document.value("writeErrors") {
            response.write_errors = u64::try_from(errors.iter().count()).unwrap_or(u64::MAX);
            if let Some((_, Value::Document(first))) = errors.iter().next() {
                response.error.get_or_insert_with(|| failure(&first));
            }
        }
        if let Some(Value::Document(cursor)) = document.value("cursor") {
            let batch = ["firstBatch", "nextBatch"].iter().find_map(|name| cursor.value(name));
            let batch = match batch {
                Some(Value::Array(batch)) => u64::try_from(batch.iter().count()).unwrap_or(u64::MAX),
                _ => 0,
            };
            response.cursor = Some(message::Cursor {
                id: cursor.value("id").and_then(|id| id.integer()).unwrap_or_default(),
                namespace: cursor.value("ns").and_then(|name| name_of(&name)).unwrap_or_default(),
                batch,
            });
        }
    }
    response.document = bytes;
}

fn failure(document: &Document<'_>) -> Failure {
    let told = |name: &str| match document.value(name) {
        Some(Value::Text(told)) => Some(text(told, MESSAGE_BYTES_MAX)),
        _ => None,
    };
    Failure {
        code: document.value("code").and_then(|code| code.integer()),
        code_name: told("codeName"),
        message: told("errmsg").or_else(|| told("$err")),
    }
}
