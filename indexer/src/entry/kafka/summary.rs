//! How a list shows a Kafka exchange: `Produce orders[0] 3 records` → `NONE, offset 42`.

use serde_json::Value;

use super::super::description::{Outcome, Summary};

/// Most topics or partitions that a line names.
const NAMED_MAX: usize = 3;

/// What is asked of what, and how it went.
pub fn summary(entry: &Value) -> Summary {
    let (request, response) = (&entry["request"], &entry["response"]);
    let method = request["apiKeyName"].as_str().unwrap_or_default().to_owned();
    let mut text = about(request);
    if text.is_empty() {
        text = places(response);
    }
    let produced = count(&request["payload"]["topicData"], "partitionData");
    if let Some(produced) = produced {
        text = format!("{text} {}", records(produced));
    }
    if response.is_null() {
        let is_answered = request["payload"]["requiredAcks"] != 0;
        let status = if is_answered { String::new() } else { "not acknowledged".to_owned() };
        return Summary { method, text, status, outcome: Outcome::Neutral };
    }
    if request.is_null() {
        return Summary { method, text, ..Summary::default() };
    }
    let (status, outcome) = status(response);
    Summary { method, text, status, outcome }
}

/// The group, transaction or user, and the partitions or topics.
fn about(request: &Value) -> String {
    let payload = &request["payload"];
    let named = ["groupId", "transactionalId", "key", "mechanism", "user", "clientSoftwareName"];
    let first = named.iter().find_map(|name| payload[*name].as_str().filter(|text| !text.is_empty()));
    let lists = [&payload["groups"], &payload["groupsNames"], &payload["coordinatorKeys"]];
    let listed = lists.iter().find_map(|list| {
        let first = list.as_array()?.first()?;
        first.as_str().or_else(|| first["groupId"].as_str())
    });
    let places = places(request);
    [first.or(listed).unwrap_or_default(), &places]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `orders[0]`, or `orders` where no partition is named; the rest by its number.
fn places(message: &Value) -> String {
    let lists = [&message["partitions"], &message["topics"]];
    let Some(list) = lists.iter().filter_map(|list| list.as_array()).find(|list| !list.is_empty()) else {
        return String::new();
    };
    let named: Vec<_> = list.iter().take(NAMED_MAX).filter_map(Value::as_str).collect();
    let more = list.len() - named.len();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} (+{more})") }
}

/// Errors by name, or `NONE`; then what else one wants to know.
fn status(response: &Value) -> (String, Outcome) {
    let errors: Vec<_> =
        response["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !errors.is_empty() {
        return (errors.join(", "), Outcome::Bad);
    }
    let payload = &response["payload"];
    let fetched = count(&payload["responses"], "partitions");
    let offset = ["/responses/0/partitionResponses/0/baseOffset", "/topics/0/partitions/0/offset"]
        .iter()
        .find_map(|path| payload.pointer(path)?.as_i64())
        .filter(|offset| *offset >= 0);
    let status = match (fetched, offset) {
        (Some(fetched), _) => format!("NONE, {}", records(fetched)),
        (None, Some(offset)) => format!("NONE, offset {offset}"),
        (None, None) => "NONE".to_owned(),
    };
    (status, Outcome::Good)
}

/// The records of all partitions of all topics; `None` where there are none to count.
fn count(topics: &Value, partitions: &str) -> Option<u64> {
    let topics = topics.as_array()?;
    let partitions = topics.iter().filter_map(|topic| topic[partitions].as_array()).flatten();
    let counts: Vec<u64> = partitions.filter_map(|partition| partition["recordCount"].as_u64()).collect();
    (!counts.is_empty()).then(|| counts.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)))
}

fn records(count: u64) -> String {
    if count == 1 { "1 record".to_owned() } else { format!("{count} records") }
}
