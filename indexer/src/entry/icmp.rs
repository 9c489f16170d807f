//! ICMP messages as fields.

use dissect::Transport;
use dissect::protocol::Content;
use dissect::protocol::icmp::message::{Message, Quoted};
use serde_json::{Value, json};

use super::Said;
use super::description::{Description, Field, Outcome, Summary};

pub const DESCRIPTION: Description = Description {
    name: "icmp",
    abbr: "ICMP",
    version: "4",
    long_name: "Internet Control Message Protocol",
    macro_name: "icmp",
    ports: &[],
    priority: 101,
    background: "#b05c3b",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc792",
    bodies: &[],
    fields: &[
        Field::text("request.name", "what the message says"),
        Field::number("request.type", "type of the message"),
        Field::number("request.code", "code of the message"),
        Field::number("request.length", "bytes behind the header"),
        Field::number("request.identifier", "identifier of an echo request"),
        Field::number("request.sequence", "sequence number of an echo request"),
        Field::text("request.about.src", "sender of the packet that an error is about"),
        Field::text("request.about.dst", "receiver of that packet"),
        Field::text("request.about.layer4", "transport of that packet"),
        Field::number("request.about.srcPort", "port of its sender"),
        Field::number("request.about.dstPort", "port of its receiver"),
        Field::text("response.name", "what the reply says"),
        Field::number("response.type", "type of the reply"),
        Field::number("response.code", "code of the reply"),
        Field::number("response.length", "bytes behind the header"),
        Field::number("response.identifier", "identifier of the echo"),
        Field::number("response.sequence", "sequence number of the echo"),
    ],
    summary,
};

/// The message, what it is about, and the reply.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about = &request["about"];
    let text = match about["dst"].as_str() {
        Some(destination) => match about["dstPort"].as_u64() {
            Some(port) => format!("{} {destination} port {port}", of(&about["layer4"])),
            None => destination.to_owned(),
        },
        None => String::new(),
    };
    let outcome = if about.is_object() { Outcome::Bad } else { Outcome::Neutral };
    Summary { method: of(&request["name"]), text, status: of(&entry["response"]["name"]), outcome }
}

/// An echo with its reply, or a message that stands alone.
pub fn said(request: Option<&Content>, response: Option<&Content>) -> Said {
    let part = |content: Option<&Content>| match content {
        Some(Content::Icmp(message)) => Some(fields(message)),
        _ => None,
    };
    let is_v6 = matches!(request.or(response), Some(Content::Icmp(message)) if message.is_v6);
    Said {
        protocol: &DESCRIPTION,
        version: Some(if is_v6 { "6" } else { "4" }.to_owned()),
        request: part(request),
        response: part(response),
    }
}

fn fields(message: &Message) -> Value {
    let mut fields = json!({"name": message.name(), "type": message.kind, "code": message.code,
                            "length": message.payload_bytes});
    if let Some((identifier, sequence)) = message.echo {
        fields["identifier"] = identifier.into();
        fields["sequence"] = sequence.into();
    }
    if let Some(Quoted { source, destination, ports }) = message.quoted {
        let mut about = json!({"src": source.to_string(), "dst": destination.to_string()});
        if let Some((transport, from, to)) = ports {
            about["layer4"] = if transport == Transport::Tcp { "tcp" } else { "udp" }.into();
            about["srcPort"] = from.into();
            about["dstPort"] = to.into();
        }
        fields["about"] = about;
    }
    fields
}
