//! Rows: what an index keeps of an entry, without what follows from the rest.
//!
//! The id tells the segment, the node and the place among those that begin in the same packet; the start tells the times;
//! both ends tell the stream; and most entries are not outgoing, not truncated, and so on.

use segment::Timestamp;
use serde_json::{Map, Value, json};

use crate::entry::{EntryId, Ordinal, rfc3339};

/// What most entries have, and rows only where it is otherwise.
const USUAL: [(&str, Value); 5] = [
    ("outgoing", Value::Bool(false)),
    ("tls", Value::Bool(false)),
    ("passed", Value::Bool(false)),
    ("failed", Value::Bool(false)),
    ("truncated", Value::Bool(false)),
];
/// What follows from the rest.
const DERIVED: [&str; 6] = ["segment", "index", "node", "timestamp", "startTime", "stream"];

/// The row of an entry without bodies.
#[must_use]
pub fn slim(entry: Value) -> Value {
    let Value::Object(mut members) = entry else { return entry };
    for name in DERIVED {
        members.remove(name);
    }
    for (name, usual) in &USUAL {
        if members.get(*name) == Some(usual) {
            members.remove(*name);
        }
    }
    Value::Object(members)
}

/// The entry that a row was made of.
#[must_use]
pub fn whole(row: Value, start_ns: i64) -> Value {
    let Value::Object(mut members) = row else { return row };
    for (name, value) in derived(&members, start_ns) {
        members.entry(name).or_insert(value);
    }
    for (name, usual) in &USUAL {
        members.entry(*name).or_insert_with(|| usual.clone());
    }
    Value::Object(members)
}

fn derived(members: &Map<String, Value>, start_ns: i64) -> Map<String, Value> {
    let start = Timestamp::from_nanos(start_ns);
    let mut derived = Map::new();
    derived.insert("timestamp".into(), start.millis().into());
    derived.insert("startTime".into(), rfc3339(start).into());
    let id = members.get("id").and_then(Value::as_str).and_then(|id| id.parse::<EntryId>().ok());
    if let Some(id) = id {
        derived.insert("segment".into(), id.segment.to_string().into());
        derived.insert("node".into(), json!({"name": id.segment.chain.as_str()}));
        if let Ordinal::Exchange(ordinal) = id.ordinal {
            derived.insert("index".into(), ordinal.into());
        }
    }
    let end = |name: &str| {
        let end = members.get(name)?;
        let ip: std::net::IpAddr = end.get("ip")?.as_str()?.parse().ok()?;
        Some(std::net::SocketAddr::new(ip, end.get("port")?.as_str()?.parse().ok()?))
    };
    if let (Some(src), Some(dst)) = (end("src"), end("dst")) {
        derived.insert("stream".into(), format!("{src}-{dst}").into());
    }
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_put_back() {
        let entry = json!({
            "id": "a-0000000001.1.0.2", "segment": "a-0000000001", "index": 2, "node": {"name": "a"}, "timestamp": 1,
            "startTime": "1970-01-01T00:00:00.001000002Z", "stream": "10.0.0.1:5-10.0.0.2:80", "outgoing": false,
            "tls": true, "passed": false, "failed": false, "truncated": false,
            "src": {"ip": "10.0.0.1", "port": "5"}, "dst": {"ip": "10.0.0.2", "port": "80"},
        });
        let row = slim(entry.clone());
        assert_eq!(row.as_object().unwrap().len(), 4, "{row}");
        assert_eq!(whole(row, 1_000_002), entry);
        let odd = json!({"id": "none", "outgoing": true});
        assert_eq!(slim(odd.clone()), odd);
    }
}
