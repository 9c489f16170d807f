//! MongoDB.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::mongodb::message::{Compressor, Opcode};
use serde_json::json;

use super::{Tell, check};

#[test]
fn mongodb_is_what_tshark_finds() {
    check("mongodb", |exchange: &Exchange, tell: Tell<'_>| {
        let compressed = |opcode: Opcode, compressor: Option<Compressor>, tell: Tell<'_>| {
            if let Some(compressor) = compressor {
                tell("compression", json!([opcode.0, compressor.0]));
            }
            compressor.map_or(opcode.0, |_| Opcode::COMPRESSED.0)
        };
        for message in exchange.request.iter().chain(&exchange.response) {
            match &message.content {
                Content::MongodbRequest(request) => {
                    let opcode = compressed(request.opcode, request.compressor, tell);
                    tell("request", json!([opcode, request.request_id, 0]));
                    if opcode == Opcode::MSG.0 {
                        tell("command", json!(request.command));
                    }
                }
                Content::MongodbResponse(response) => {
                    let opcode = compressed(response.opcode, response.compressor, tell);
                    tell("response", json!([opcode, response.request_id, response.response_to]));
                }
                _ => panic!("no MongoDB: {message:?}"),
            }
        }
    });
}
