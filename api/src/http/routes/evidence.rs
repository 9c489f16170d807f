//! What an entry was made from: its packets, and what was said around it.

use std::sync::Arc;

use axum::extract::{Path, State};
use base64::Engine;
use indexer::packet::headers;
use indexer::{Data, EntryPacket, Part};
use serde_json::{Value, json};

use crate::dto;
use crate::format::body::BASE64;
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::problem::{Kind, Problem};
use crate::instant::rfc3339;

/// Most bytes of packets in an answer.
const PACKETS_BYTES_MAX: u64 = 8 << 20;
/// Most bytes of a connection in an answer.
const CONVERSATION_BYTES_MAX: usize = 1 << 20;

/// `GET /entries/{id}/packets`.
pub async fn packets(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    app.shows_packets()?;
    let found = app.ask(move |data, _| {
        let (packets, are_all) = data.packets_within(&entry(data, &id)?, PACKETS_BYTES_MAX)?;
        let packets: Vec<Value> = packets.iter().map(packet).collect();
        Ok(json!({ "packets": packets, "truncated": !are_all }))
    });
    Ok(Answer::of(&found.await?))
}

/// `GET /entries/{id}/stream`.
pub async fn conversation(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    app.shows_packets()?;
    let said = app.ask(move |data, _| {
        let said = data.conversation(&entry(data, &id)?, CONVERSATION_BYTES_MAX)?;
        let chunks: Vec<Value> = said.parts.iter().map(chunk).collect();
        Ok(json!({ "chunks": chunks, "truncated": said.is_truncated }))
    });
    Ok(Answer::of(&said.await?))
}

/// An entry in full, or that there is none.
pub fn entry(data: &Data, id: &str) -> Result<Value, Problem> {
    let why = "there is no entry of this id: its segment may have expired";
    data.entry(id)?.ok_or_else(|| Problem::new(Kind::NotFound, why))
}

/// A packet with its headers field by field.
fn packet(packet: &EntryPacket) -> Value {
    let mut whole = dto::packet(packet);
    let headers = headers(packet).into_iter().map(|header| {
        let fields = header.fields.into_iter().map(|field| {
            json!({
                "name": field.name, "value": field.value, "start": field.bytes.start,
                "length": field.bytes.len(), "fields": [],
            })
        });
        json!({
            "name": header.name, "value": "", "start": header.bytes.start, "length": header.bytes.len(),
            "fields": fields.collect::<Vec<_>>(),
        })
    });
    whole["fields"] = headers.collect();
    whole
}

fn chunk(part: &Part) -> Value {
    json!({
        "direction": if part.is_to_server { "toServer" } else { "toClient" },
        "time": rfc3339(part.time),
        "data": BASE64.encode(&part.bytes),
        "gapBytes": part.gap_bytes,
    })
}
