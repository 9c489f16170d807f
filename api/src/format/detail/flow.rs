//! A flow: counts each way, how it began and ended, what it spoke or why nobody knows.

use std::fmt::Write;

use serde_json::Value;

use super::{field, line};
use crate::terminal::escape;
use crate::terminal::paint::{Paint, Style};
use crate::terminal::quantity;

/// What is counted of each direction: the entry's field, and its name here.
const COUNTS: [(&str, &str); 9] = [
    ("packets", "packets"),
    ("bytes", "bytes on the wire"),
    ("payloadBytes", "bytes of payload"),
    ("retransmissions", "packets sent again"),
    ("retransmittedBytes", "bytes sent again"),
    ("outOfOrder", "packets out of order"),
    ("resets", "resets"),
    ("gaps", "gaps"),
    ("gapBytes", "bytes never seen"),
];

/// The flow as text.
pub fn render(text: &mut String, paint: Paint, entry: &Value) {
    let flow = &entry["flow"];
    let names = |list: &Value| {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(" ")
    };
    field(text, paint, "ended", flow["closeReason"].as_str().unwrap_or_default());
    if let Some(handshake) = flow["handshakeTime"].as_f64() {
        field(text, paint, "handshake", &format!("{handshake} ms"));
    }
    let protocols = names(&flow["protocols"]);
    field(text, paint, "spoke", if protocols.is_empty() { "nothing that is known" } else { &protocols });
    for tunnel in flow["tunnels"].as_array().into_iter().flatten() {
        let of = |name: &str| tunnel[name].as_str().unwrap_or_default();
        let id = tunnel["id"].as_u64().map_or_else(String::new, |id| format!(" {id}"));
        field(text, paint, "tunnel", &format!("{}{id} {} \u{2192} {}", of("kind"), of("src"), of("dst")));
    }
    let _ = writeln!(
        text,
        "\n{}",
        paint.of(Style::Heading, format!("{:>22}  {:>16}  {:>16}", "", "to server", "to client"))
    );
    for (name, title) in COUNTS {
        let [asked, answered] =
            ["request", "response"].map(|way| entry[way][name].as_u64().unwrap_or_default());
        if asked + answered > 0 {
            let [asked, answered] = [asked, answered].map(quantity::count);
            let _ = writeln!(
                text,
                "{}  {asked:>16}  {answered:>16}",
                paint.of(Style::Faint, format!("{title:>22}"))
            );
        }
    }
    let [asked, answered] = ["request", "response"].map(|way| names(&entry[way]["flags"]));
    if !asked.is_empty() || !answered.is_empty() {
        let _ = writeln!(
            text,
            "{}  {asked:>16}  {answered:>16}",
            paint.of(Style::Faint, format!("{:>22}", "flags"))
        );
    }
    for error in flow["icmpErrors"].as_array().into_iter().flatten() {
        let of = |name: &str| error[name].as_str().unwrap_or_default();
        let told = format!("ICMP {} from {} at {}", of("name"), of("from"), of("time"));
        line(text, &paint.of(Style::Bad, escape::line(&told)).to_string());
    }
    if let Some(refused) = flow["refused"].as_object() {
        let _ = writeln!(text, "\n{}", paint.of(Style::Heading, "Why no protocol took it"));
        for (protocol, reason) in refused {
            field(text, paint, protocol, reason.as_str().unwrap_or_default());
        }
    }
}
