//! What an entry was made from: its packets, and what was said around it.

use std::sync::Arc;

use axum::extract::{Path, State};
use indexer::Data;
use serde_json::Value;

use crate::dto::entry::{Chunk, Conversation, ExplainedPacket, Packets};
use crate::dto::value;
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::problem::{Kind, Problem};

/// Most bytes of packets in an answer.
const PACKETS_BYTES_MAX: u64 = 4 << 20;
/// Most bytes of a connection in an answer.
const CONVERSATION_BYTES_MAX: usize = 1 << 20;

/// The packets of an entry, header by header.
///
/// Those of its flow from its first to its last one.
#[utoipa::path(get, path = "/entries/{id}/packets", tag = "Entries", params(("id" = String, Path, description = "The entry's id")),
    responses((status = 200, description = "Packets", body = Packets)))]
pub async fn packets(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    app.shows_packets()?;
    let found = app.ask(move |data, _| {
        let (packets, are_all) = data.packets_within(&entry(data, &id)?, PACKETS_BYTES_MAX)?;
        let packets = packets.iter().map(ExplainedPacket::of).collect();
        Ok(value(&Packets { packets, truncated: !are_all }))
    });
    Ok(Answer::of(&found.await?))
}

/// What was said on the connection around an entry.
///
/// The bytes of both directions, each put in order, up to 1 MiB.
#[utoipa::path(get, path = "/entries/{id}/stream", tag = "Entries", params(("id" = String, Path, description = "The entry's id")),
    responses((status = 200, description = "Bytes of both directions", body = Conversation)))]
pub async fn conversation(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    app.shows_packets()?;
    let said = app.ask(move |data, _| {
        let said = data.conversation(&entry(data, &id)?, CONVERSATION_BYTES_MAX)?;
        let chunks = said.parts.iter().map(Chunk::of).collect();
        Ok(value(&Conversation { chunks, truncated: said.is_truncated }))
    });
    Ok(Answer::of(&said.await?))
}

/// An entry in full, or that there is none.
pub fn entry(data: &Data, id: &str) -> Result<Value, Problem> {
    let why = "there is no entry of this id: its segment may have expired";
    data.entry(id)?.ok_or_else(|| Problem::new(Kind::NotFound, why))
}
