//! The distributed trace that an exchange belongs to, as its headers tell.

use serde_json::Value;

/// The id in `traceparent` (W3C Trace Context), else in `b3` or `X-B3-TraceId` (Zipkin); request first.
pub fn id(entry: &Value) -> Option<String> {
    ["request", "response"].into_iter().find_map(|message| {
        let headers = entry[message]["headers"].as_object()?;
        let of = |sought: &str| {
            let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(sought))?;
            // A header that was sent twice is a list.
            value.as_str().or_else(|| value.get(0)?.as_str())
        };
        // version-TRACE-parent-flags
        let w3c = of("traceparent").and_then(|value| value.split('-').nth(1));
        // TRACE-span-sampled-parent
        let zipkin = || of("b3").and_then(|value| value.split('-').next()).or_else(|| of("x-b3-traceid"));
        w3c.filter(is_id).or_else(|| zipkin().filter(is_id)).map(str::to_ascii_lowercase)
    })
}

/// Sixteen bytes in hex, or eight as Zipkin also writes them; not all of them 0.
fn is_id(text: &&str) -> bool {
    matches!(text.len(), 16 | 32)
        && text.bytes().all(|digit| digit.is_ascii_hexdigit())
        && text.bytes().any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_header_that_names_a_trace() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let request = |headers: Value| id(&json!({ "request": { "headers": headers } }));
        let found = Some(trace.to_owned());
        assert_eq!(request(json!({ "traceparent": format!("00-{trace}-00f067aa0ba902b7-01") })), found);
        assert_eq!(request(json!({ "B3": format!("{trace}-00f067aa0ba902b7") })), found);
        assert_eq!(request(json!({ "X-B3-TraceId": [trace.to_uppercase()] })), found);
        assert_eq!(
            id(&json!({ "response": { "headers": { "Traceparent": format!("00-{trace}-1-1") } } })),
            found
        );
        assert_eq!(request(json!({ "b3": "0" })), None);
        assert_eq!(request(json!({ "traceparent": "00-00000000000000000000000000000000-1-1" })), None);
        assert_eq!(id(&json!({})), None);
    }
}
