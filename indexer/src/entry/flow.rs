//! Flows as entries: every connection is one, whatever it spoke.

use dissect::protocol::icmp::message::name;
use dissect::{FlowEnd, FlowReport, Transport, Way};
use serde_json::{Value, json};

use super::Said;
use super::description::{Description, Field, Outcome, Summary};

pub const TCP: Description = Description {
    name: "tcp",
    abbr: "TCP",
    version: "",
    long_name: "Transmission Control Protocol",
    macro_name: "tcp",
    ports: &[],
    priority: 100,
    background: "#8a8f98",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc9293",
    bodies: &[],
    fields: FIELDS,
    summary,
};

pub const UDP: Description = Description {
    name: "udp",
    abbr: "UDP",
    long_name: "User Datagram Protocol",
    macro_name: "udp",
    reference: "https://www.rfc-editor.org/rfc/rfc768",
    ..TCP
};

const FIELDS: &[Field] = &[
    Field::number("request.packets", "packets from the client"),
    Field::number("request.bytes", "bytes of their frames on the wire"),
    Field::number("request.payloadBytes", "bytes behind the transport header, repeats included"),
    Field::any("request.flags.*", "TCP flags of all packets together"),
    Field::number("request.retransmissions", "packets with bytes that were sent before"),
    Field::number("request.retransmittedBytes", "bytes that were sent before"),
    Field::number("request.outOfOrder", "packets that came before the bytes in front of them"),
    Field::number("request.resets", "packets with RST"),
    Field::number("request.gaps", "holes that were never filled"),
    Field::number("request.gapBytes", "bytes in them"),
    Field::number("response.packets", "packets from the server"),
    Field::number("response.bytes", "bytes of their frames on the wire"),
    Field::number("response.payloadBytes", "bytes behind the transport header, repeats included"),
    Field::any("response.flags.*", "TCP flags of all packets together"),
    Field::number("response.retransmissions", "packets with bytes that were sent before"),
    Field::number("response.retransmittedBytes", "bytes that were sent before"),
    Field::number("response.outOfOrder", "packets that came before the bytes in front of them"),
    Field::number("response.resets", "packets with RST"),
    Field::number("response.gaps", "holes that were never filled"),
    Field::number("response.gapBytes", "bytes in them"),
    Field::text("flow.state", "closed, or open where the recording ended first"),
    Field::text("flow.closeReason", "finished, reset by client, silent, replaced and others"),
    Field::number(
        "flow.handshakeTime",
        "milliseconds from the SYN to the acknowledgement that completes the handshake",
    ),
    Field::any("flow.protocols.*", "protocols that were recognised, in order"),
    Field::text("flow.refused.*", "why a protocol was refused, by its name, where none was recognised"),
    Field::text("flow.tunnels.*.kind", "VXLAN, Geneve, GRE, IPIP, 6in4, MPLS, GTP-U; the outermost first"),
    Field::text("flow.tunnels.*.src", "sender of the carrying packet"),
    Field::text("flow.tunnels.*.dst", "receiver of the carrying packet"),
    Field::number("flow.tunnels.*.id", "network identifier, key or tunnel endpoint"),
    Field::text("flow.icmpErrors.*.name", "what an ICMP error about the flow says"),
    Field::text("flow.icmpErrors.*.from", "who sent it"),
    Field::number("flow.icmpErrors.*.type", "type of the ICMP message"),
    Field::number("flow.icmpErrors.*.code", "code of the ICMP message"),
    Field::text("flow.icmpErrors.*.time", "when, RFC 3339, UTC"),
    Field::number("flow.icmpErrorCount", "ICMP errors about the flow; the first eight are told"),
];

/// What it spoke or how much went each way, and how it ended.
fn summary(entry: &Value) -> Summary {
    let count = |way: &str, of: &str| entry[way][of].as_u64().unwrap_or_default();
    let protocols = entry["flow"]["protocols"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" \u{2192} "));
    let text = format!(
        "{} + {} packets, {} + {} bytes",
        count("request", "packets"),
        count("response", "packets"),
        count("request", "payloadBytes"),
        count("response", "payloadBytes")
    );
    let reason = entry["flow"]["closeReason"].as_str().unwrap_or_default();
    let has_errors = entry["flow"]["icmpErrorCount"].as_u64().unwrap_or_default() > 0;
    let outcome = if has_errors || reason.starts_with("reset") { Outcome::Bad } else { Outcome::Neutral };
    Summary { method: protocols.unwrap_or_default(), text, status: reason.to_owned(), outcome }
}

/// A flow as fields.
pub fn said(report: &FlowReport) -> Said {
    let protocol = if report.transport == Transport::Udp { &UDP } else { &TCP };
    let (request, response) = (way(&report.to_server), way(&report.to_client));
    Said { protocol, version: None, request: Some(request), response: Some(response) }
}

fn way(way: &Way) -> Value {
    json!({
        "packets": way.packets, "bytes": way.wire_bytes, "payloadBytes": way.payload_bytes,
        "flags": way.flags.names().collect::<Vec<_>>(), "retransmissions": way.retransmitted_packets,
        "retransmittedBytes": way.retransmitted_bytes, "outOfOrder": way.reordered_packets,
        "resets": way.resets, "gaps": way.gaps, "gapBytes": way.gap_bytes,
    })
}

/// The `flow` of an entry: what is of neither direction.
pub fn flow(report: &FlowReport) -> Value {
    let (state, reason) = match report.end {
        FlowEnd::Finished => ("closed", "finished"),
        FlowEnd::FinishedByClient => ("closed", "finished by client only"),
        FlowEnd::FinishedByServer => ("closed", "finished by server only"),
        FlowEnd::ResetByClient => ("closed", "reset by client"),
        FlowEnd::ResetByServer => ("closed", "reset by server"),
        FlowEnd::Silent => ("closed", "silent"),
        FlowEnd::Replaced => ("closed", "replaced"),
        FlowEnd::Evicted => ("open", "no longer followed"),
        FlowEnd::Open => ("open", "recording ended"),
    };
    let mut flow = json!({"state": state, "closeReason": reason, "protocols": report.protocols});
    if let Some(handshake_ns) = report.handshake_ns {
        // Whole microseconds: a handshake on one machine takes a few.
        flow["handshakeTime"] = ((handshake_ns / 1_000) as f64 / 1_000.0).into();
    }
    if !report.refusals.is_empty() {
        let refused =
            report.refusals.iter().map(|refusal| (refusal.protocol.clone(), refusal.reason.clone().into()));
        flow["refused"] = Value::Object(refused.collect());
    }
    if !report.tunnels.is_empty() {
        let tunnel = |tunnel: &dissect::decode::Tunnel| {
            let mut fields = json!({"kind": tunnel.kind.name(), "src": tunnel.source.to_string(),
                                    "dst": tunnel.destination.to_string()});
            if let Some(id) = tunnel.id {
                fields["id"] = id.into();
            }
            fields
        };
        flow["tunnels"] = report.tunnels.iter().map(tunnel).collect();
    }
    if report.icmp_error_count > 0 {
        let error = |error: &dissect::IcmpError| {
            json!({"name": name(error.is_v6, error.kind, error.code), "from": error.from.to_string(),
                   "type": error.kind, "code": error.code, "time": super::rfc3339(error.mark.timestamp)})
        };
        flow["icmpErrors"] = report.icmp_errors.iter().map(error).collect();
        flow["icmpErrorCount"] = report.icmp_error_count.into();
    }
    flow
}
