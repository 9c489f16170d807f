//! `trace("4bf92f3577b34da6a3ce929d0e0e4736")`: whether a record belongs to a distributed trace.
//!
//! Trace ids travel beside requests: in headers of HTTP, metadata of gRPC, headers of Kafka and AMQP messages. W3C
//! Trace Context has `traceparent`, B3 has `b3` and `x-b3-traceid`; the names are looked for at any depth.

use serde_json::Value;

use crate::resolve::RECORD_DEPTH_MAX;

/// A trace id: 128 bits, or 64 with zeros before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// Reads an id of 32 or 16 hexadecimal digits, or that of a whole `traceparent`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::of_digits(text).or_else(|| Self::of_traceparent(text))
    }

    fn of_digits(digits: &str) -> Option<Self> {
        let is_id = matches!(digits.len(), 16 | 32) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let id = u128::from_str_radix(digits, 16).ok().filter(|id| is_id && *id != 0)?;
        Some(Self(id))
    }

    /// W3C Trace Context, section 3.2: version, trace id, parent id, flags.
    fn of_traceparent(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let version = parts.next()?;
        let id = parts.next()?;
        let parent = parts.next()?;
        (version.len() == 2 && id.len() == 32 && parent.len() == 16).then(|| Self::of_digits(id))?
    }

    /// Whether headers of this name carry ids.
    fn is_header(name: &str) -> bool {
        ["traceparent", "b3", "x-b3-traceid"].iter().any(|known| name.eq_ignore_ascii_case(known))
    }

    /// The id in a header of this name and value, if it is one that carries ids.
    fn of_header(name: &str, value: &str) -> Option<Self> {
        let value = value.trim();
        if name.eq_ignore_ascii_case("traceparent") {
            Self::of_traceparent(value)
        } else if name.eq_ignore_ascii_case("b3") {
            Self::of_digits(value.split('-').next()?)
        } else if name.eq_ignore_ascii_case("x-b3-traceid") {
            Self::of_digits(value)
        } else {
            None
        }
    }

    /// Whether a header anywhere in `record` carries this id.
    pub(crate) fn is_carried_by(self, record: &Value) -> bool {
        any_below(record, RECORD_DEPTH_MAX, &mut |id| id == self)
    }

    /// Every id that a header anywhere in `record` carries, each as often as it is carried.
    pub fn carried_by(record: &Value, found: &mut dyn FnMut(Self)) {
        any_below(record, RECORD_DEPTH_MAX, &mut |id| {
            found(id);
            false
        });
    }
}

/// Calls `found` with each id in `value` until it answers `true`.
fn any_below(value: &Value, depth: usize, found: &mut dyn FnMut(TraceId) -> bool) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_below(element, depth, found)),
        Value::Object(fields) => {
            // Headers are fields by name, or a list of names and values.
            let name = ["name", "key"].iter().find_map(|name| fields.get(*name)?.as_str());
            let listed = name.zip(fields.get("value"));
            listed.is_some_and(|(name, value)| any_in_header(name, value, found))
                || fields
                    .iter()
                    .any(|(name, field)| any_in_header(name, field, found) || any_below(field, depth, found))
        }
        _ => false,
    }
}

fn any_in_header(name: &str, value: &Value, found: &mut dyn FnMut(TraceId) -> bool) -> bool {
    match value {
        // Headers that came twice are joined by a comma.
        Value::String(text) if TraceId::is_header(name) => {
            text.split(',').filter_map(|text| TraceId::of_header(name, text)).any(found)
        }
        Value::Array(several) if TraceId::is_header(name) => several
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|text| TraceId::of_header(name, text))
            .any(found),
        _ => false,
    }
}

impl std::fmt::Display for TraceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::TraceId;

    #[test]
    fn ids_are_found_where_protocols_put_them() {
        let id = TraceId::parse("4bf92f3577b34da6a3ce929d0e0e4736").unwrap();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceId::parse(parent), Some(id));
        for record in [
            json!({"request": {"headers": {"Traceparent": parent}}}),
            json!({"request": {"headers": {"traceparent": ["x", parent]}}}),
            json!({"request": {"metadata": {"b3": "4BF92F3577B34DA6A3CE929D0E0E4736-e457b5a2e4d86bd1-1"}}}),
            json!({"request": {"headers": [{"name": "X-B3-TraceId", "value": "4bf92f3577b34da6a3ce929d0e0e4736"}]}}),
            json!([{"headers": {"traceparent": format!("x,{parent}")}}]),
        ] {
            assert!(id.is_carried_by(&record), "{record}");
        }
        for record in [
            json!({"request": {"body": parent}}),
            json!({"traceparent": "4bf92f3577b34da6a3ce929d0e0e4736"}),
            json!({"b3": "0"}),
            json!({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01"}),
        ] {
            assert!(!id.is_carried_by(&record), "{record}");
        }
    }

    #[test]
    fn short_ids_have_zeros_before_them() {
        let short = TraceId::parse("a3ce929d0e0e4736").unwrap();
        assert_eq!(TraceId::parse("0000000000000000a3ce929d0e0e4736"), Some(short));
        assert!(short.is_carried_by(&json!({"x-b3-traceid": "a3ce929d0e0e4736"})));
        for bad in ["", "x", "4bf9", "+3ce929d0e0e4736", &"0".repeat(32), "00-4bf9-00f067aa0ba902b7-01"] {
            assert_eq!(TraceId::parse(bad), None, "{bad}");
        }
    }
}
