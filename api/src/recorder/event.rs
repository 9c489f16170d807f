//! What the recorder says: one JSON object on a line, told apart by its field `event`.
//!
//! Unknown events and fields are kept and passed on, so that a newer recorder works with an older `remora`.

use serde_json::Value;

/// One event.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// The whole object.
    pub object: Value,
}

impl Event {
    /// Reads a line; `None` if it is no event.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let object: Value = serde_json::from_slice(line).ok()?;
        object["event"].is_string().then_some(Self { object })
    }

    /// Its kind: `sealed`, `loss`, `progress`.
    pub fn kind(&self) -> &str {
        self.object["event"].as_str().unwrap_or_default()
    }

    /// A number; 0 where it is absent.
    pub fn number(&self, field: &str) -> u64 {
        self.object[field].as_u64().unwrap_or(0)
    }

    /// A text; empty where it is absent.
    pub fn text(&self, field: &str) -> &str {
        self.object[field].as_str().unwrap_or_default()
    }

    /// Whether a field is there and true.
    pub fn is(&self, field: &str) -> bool {
        self.object[field] == true
    }

    /// The fields besides the kind, for a log: `file="a.pcap" packets=7`.
    pub fn fields(&self) -> String {
        let object = self.object.as_object();
        let fields = object.into_iter().flatten().filter(|(name, _)| *name != "event");
        fields.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_and_anything_else_is_not() {
        let event =
            Event::parse(b"{\"event\":\"imported\",\"file\":\"a.pcap\",\"packets\":7,\"already\":true}\n")
                .unwrap();
        assert_eq!((event.kind(), event.text("file"), event.number("packets")), ("imported", "a.pcap", 7));
        assert!(event.is("already") && !event.is("problem"));
        assert_eq!(event.fields(), "already=true file=\"a.pcap\" packets=7");
        for line in [&b"hello"[..], b"{}", b"[1]", b"{\"event\":3}", b"\xff"] {
            assert_eq!(Event::parse(line), None);
        }
    }
}
