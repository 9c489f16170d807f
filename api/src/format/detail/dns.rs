//! DNS as `dig` writes it.

use serde_json::Value;

use super::page::Page;
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// The response where there is one, else the query; a half that was not seen is said.
pub fn render(page: &mut Page, entry: &Value) {
    let (query, response) = (&entry["request"], &entry["response"]);
    let shown = if nothing(response) { query } else { response };
    page.gap();
    for (message, what) in [(query, "the query was not seen"), (response, "no answer was seen")] {
        if nothing(message) && entry["error"].is_object() {
            page.styled(Style::Notice, &format!(";; {what}"));
        }
    }
    let of = |name: &str| shown[name].as_str().unwrap_or_default();
    let code = if nothing(response) { "-" } else { of("code") };
    let heading = format!(";; opcode: {}, status: {code}, id: {}", of("opCode"), shown["id"]);
    page.styled(Style::Heading, &heading);
    let flags = [
        ("qr", !nothing(response)),
        ("aa", flag(response, "authoritative")),
        ("tc", flag(response, "truncated")),
        ("rd", flag(query, "recursionDesired")),
        ("ra", flag(response, "recursionAvailable")),
    ];
    let set: Vec<_> = flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
    let count = |section: &str| shown[section].as_array().map_or(0, Vec::len);
    page.line(&format!(
        ";; flags: {}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}",
        set.join(" "),
        count("questions"),
        count("answers"),
        count("authorities"),
        count("additionals")
    ));
    for (section, title) in [
        ("questions", "QUESTION"),
        ("answers", "ANSWER"),
        ("authorities", "AUTHORITY"),
        ("additionals", "ADDITIONAL"),
    ] {
        let Some(records) = shown[section].as_array().filter(|records| !records.is_empty()) else { continue };
        page.gap();
        page.styled(Style::Faint, &format!(";; {title} SECTION:"));
        for one in records {
            page.block(&record(one, section == "questions").replace('\n', "\\n"));
        }
    }
    if let Some(damage) = shown["damage"].as_str() {
        page.styled(Style::Notice, &format!(";; damaged: {damage}"));
    }
}

fn flag(message: &Value, name: &str) -> bool {
    message[name].as_bool().unwrap_or_default()
}

/// `name. TTL class type data`, with tabs as `dig` has them.
fn record(record: &Value, is_question: bool) -> String {
    let of = |name: &str| record[name].as_str().unwrap_or_default();
    let name = if of("name").ends_with('.') { of("name").to_owned() } else { format!("{}.", of("name")) };
    if is_question {
        return format!(";{name}\t\t{}\t{}", of("class"), of("type"));
    }
    let ttl = record["ttl"].as_u64().map_or_else(String::new, |ttl| ttl.to_string());
    let known = ["name", "type", "class", "ttl"];
    let data = record.as_object().into_iter().flatten().find(|(key, _)| !known.contains(&key.as_str()));
    let data = data.and_then(|(_, value)| value.as_str()).unwrap_or_default();
    format!("{name}\t{ttl}\t{}\t{}\t{data}", of("class"), of("type"))
}
