//! A flow: counts each way, how it began and ended, what it spoke or why nobody knows.

use serde_json::Value;

use super::page::Page;
use crate::terminal::paint::Style;
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
pub fn render(page: &mut Page, entry: &Value) {
    let flow = &entry["flow"];
    let names = |list: &Value| {
        let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
        names.collect::<Vec<_>>().join(" ")
    };
    page.field("ended", flow["closeReason"].as_str().unwrap_or_default());
    if let Some(handshake) = flow["handshakeTime"].as_f64() {
        page.field("handshake", &format!("{handshake} ms"));
    }
    let protocols = names(&flow["protocols"]);
    page.field("spoke", if protocols.is_empty() { "nothing that is known" } else { &protocols });
    for tunnel in flow["tunnels"].as_array().into_iter().flatten() {
        let of = |name: &str| tunnel[name].as_str().unwrap_or_default();
        let id = tunnel["id"].as_u64().map_or_else(String::new, |id| format!(" {id}"));
        page.field("tunnel", &format!("{}{id} {} \u{2192} {}", of("kind"), of("src"), of("dst")));
    }
    page.heading(&format!("{:>22}  {:>16}  {:>16}", "", "to server", "to client"));
    let mut row = |title: &str, [asked, answered]: [String; 2]| {
        if [&asked, &answered].iter().any(|count| !["", "0"].contains(&count.as_str())) {
            page.line(&format!("{title:>22}  {asked:>16}  {answered:>16}"));
        }
    };
    for (name, title) in COUNTS {
        row(
            title,
            ["request", "response"].map(|way| quantity::count(entry[way][name].as_u64().unwrap_or_default())),
        );
    }
    row("flags", ["request", "response"].map(|way| names(&entry[way]["flags"])));
    for error in flow["icmpErrors"].as_array().into_iter().flatten() {
        let of = |name: &str| error[name].as_str().unwrap_or_default();
        let told = format!("ICMP {} from {} at {}", of("name"), of("from"), of("time"));
        page.styled(Style::Bad, &told);
    }
    if let Some(refused) = flow["refused"].as_object() {
        page.heading("Why no protocol took it");
        for (protocol, reason) in refused {
            page.field(protocol, reason.as_str().unwrap_or_default());
        }
    }
}
