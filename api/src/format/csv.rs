//! CSV (RFC 4180): a header line, then one line for each entry, with the columns of a list row in full.
//!
//! A field never holds a control character: they are escaped as on a terminal, for a CSV is soon looked at
//! with `head`. Who needs the exact bytes takes JSON.

use std::io::{self, Write};

use serde_json::Value;

use super::row::Row;
use crate::terminal::escape;

/// The header line, in the order of [`write`]'s fields.
pub const HEADER: &str = "time,protocol,source_ip,source_port,source_name,destination_ip,destination_port,\
                          destination_name,summary,status,elapsed_ms,request_bytes,response_bytes,id\r\n";

/// One entry as one line.
pub fn write(out: &mut impl Write, entry: &Value) -> io::Result<()> {
    let row = Row::of(entry);
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let fields = [
        row.time.to_owned(),
        row.protocol.to_owned(),
        row.source.ip.to_owned(),
        row.source.port.to_owned(),
        row.source.name.to_owned(),
        row.destination.ip.to_owned(),
        row.destination.port.to_owned(),
        row.destination.name.to_owned(),
        row.summary,
        row.status.text,
        number(row.elapsed_ms),
        number(row.request_bytes),
        number(row.response_bytes),
        row.id.to_owned(),
    ];
    for (position, field) in fields.iter().enumerate() {
        let separator = if position == 0 { "" } else { "," };
        write!(out, "{separator}{}", quoted(&escape::line(field)))?;
    }
    out.write_all(b"\r\n")
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"']) || field.starts_with(' ') || field.ends_with(' ') {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let entry = json!({
            "id": "web-1:7", "startTime": "2023-03-13T02:37:46.172Z", "elapsedTime": 23,
            "protocol": { "name": "http", "abbr": "HTTP" },
            "src": { "ip": "fe80::1", "port": "40000", "name": "" },
            "dst": { "ip": "10.0.0.1", "port": "80", "name": "shop, old" },
            "request": { "method": "GET", "url": "/a?q=\"x\",\u{1b}[2J" }, "response": { "status": 404 },
            "requestSize": 184, "responseSize": 127,
        });
        let mut line = Vec::new();
        write(&mut line, &entry).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "2023-03-13T02:37:46.172Z,HTTP,fe80::1,40000,,10.0.0.1,80,\"shop, old\",\
             \"GET /a?q=\"\"x\"\",\\x1b[2J\",404,23,184,127,web-1:7\r\n"
        );
        assert_eq!(HEADER.split(',').count(), 14);
    }
}
