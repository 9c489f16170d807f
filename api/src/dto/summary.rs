//! What a list shows of an entry, so that whoever draws one needs to know no protocol.

use indexer::Facts;
use indexer::entry::{self, Outcome};
use serde_json::{Value, json};

/// Adds `summary` to an entry or a row. After redaction, so that it tells nothing that the entry doesn't.
pub fn add(entry: &mut Value) {
    let said = entry::summary(entry);
    let outcome = match said.outcome {
        Outcome::Good => "good",
        Outcome::Neutral => "neutral",
        Outcome::Bad => "bad",
        Outcome::Unanswered => "unanswered",
    };
    let class = Facts::of(entry, None).class.name();
    if let Value::Object(fields) = entry {
        let summary = json!({
            "method": said.method, "text": said.text, "status": said.status, "outcome": outcome, "class": class,
        });
        fields.insert("summary".into(), summary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_a_list_shows() {
        let mut entry = json!({
            "protocol": { "name": "http", "abbr": "HTTP" },
            "request": { "method": "GET", "url": "/cart" }, "response": { "status": 503 },
        });
        add(&mut entry);
        let expected =
            json!({ "method": "GET", "text": "/cart", "status": "503", "outcome": "bad", "class": "5xx" });
        assert_eq!(entry["summary"], expected);
    }
}
