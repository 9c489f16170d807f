//! Kafka: what was asked and answered, and the records it carried as rows.

use segment::Timestamp;
use serde_json::{Map, Value};

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// What has a place of its own.
const TOLD: [&str; 8] =
    ["apiKey", "apiKeyName", "apiVersion", "correlationID", "clientID", "payload", "partitions", "topics"];

/// Names under which messages tell a partition's number.
const PARTITION: [&str; 3] = ["index", "partitionIndex", "partition"];

/// A record and where it lies.
type Row = Vec<String>;

/// The request and its response.
pub fn render(page: &mut Page, entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    if nothing(request) {
        page.gap();
        page.styled(Style::Notice, "the request was not seen");
    } else {
        let name = plain(&request["apiKeyName"]);
        page.heading(&format!(
            "{name} v{}, correlation id {}",
            request["apiVersion"], request["correlationID"]
        ));
        if !is_empty(&request["clientID"]) {
            page.named("clientID", &plain(&request["clientID"]));
        }
        message(page, request);
    }
    if has_response(entry) {
        if nothing(response) {
            page.gap();
            return page.styled(Style::Notice, "no response was seen");
        }
        page.heading(&format!("Response to {}", response["correlationID"]));
        message(page, response);
    }
}

fn message(page: &mut Page, message: &Value) {
    let mut rows = Vec::new();
    let payload = without_records(&message["payload"], &Place::default(), &mut rows);
    for (name, value) in message.as_object().into_iter().flatten() {
        if name == "damage" {
            page.styled(Style::Notice, &format!("damaged: {}", plain(value)));
        } else if !TOLD.contains(&name.as_str()) && !is_empty(value) {
            page.tree(name, value);
        }
    }
    for (name, value) in payload.as_object().into_iter().flatten() {
        if !is_empty(value) {
            page.tree(name, value);
        }
    }
    if !rows.is_empty() {
        page.gap();
        let titles = ["partition", "offset", "time", "key", "value", "headers"].map(str::to_owned);
        page.table(&titles, &rows);
    }
}

/// Where in a message one is: topic and partition, as far as they were passed.
#[derive(Clone, Default)]
struct Place {
    topic: String,
    partition: String,
}

/// The same message with its records taken out and put in `rows`.
fn without_records(value: &Value, place: &Place, rows: &mut Vec<Row>) -> Value {
    match value {
        Value::Array(list) => list.iter().map(|item| without_records(item, place, rows)).collect(),
        Value::Object(object) => {
            let mut place = place.clone();
            if let Some(topic) = ["topic", "name"].iter().find_map(|name| object.get(*name)?.as_str()) {
                topic.clone_into(&mut place.topic);
            }
            if let Some(partition) = PARTITION.iter().find_map(|name| object.get(*name)?.as_i64()) {
                place.partition = partition.to_string();
            }
            let mut kept = Map::new();
            for (name, value) in object {
                if let Some(batches) = value["recordBatch"].as_array() {
                    let summaries = batches.iter().map(|batch| batch_without_records(batch, &place, rows));
                    kept.insert(name.clone(), summaries.collect());
                } else {
                    kept.insert(name.clone(), without_records(value, &place, rows));
                }
            }
            kept.into()
        }
        scalar => scalar.clone(),
    }
}

/// What the batch says of itself; its records go to `rows`.
fn batch_without_records(batch: &Value, place: &Place, rows: &mut Vec<Row>) -> Value {
    for record in batch["record"].as_array().into_iter().flatten() {
        let headers: Vec<String> = record["headers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|header| format!("{}={}", plain(&header["key"]), text(header, "value")))
            .collect();
        rows.push(vec![
            format!("{}[{}]", place.topic, place.partition),
            plain(&record["offset"]),
            record["timestamp"].as_i64().map(time).unwrap_or_default(),
            text(record, "key"),
            text(record, "value"),
            headers.join(" "),
        ]);
    }
    let mut summary = batch.clone();
    if let Some(fields) = summary.as_object_mut() {
        fields.remove("record");
    }
    summary
}

/// Milliseconds since 1970 as RFC 3339; Kafka writes -1 where there is no time.
fn time(millis: i64) -> String {
    match millis.checked_mul(1_000_000).filter(|nanos| *nanos >= 0) {
        Some(nanos) => Timestamp::from_nanos(nanos).rfc3339(),
        None => String::new(),
    }
}

/// A record's key or value; what is no text is marked as base64.
fn text(fields: &Value, name: &str) -> String {
    let is_base64 = fields[format!("{name}Encoding")] == "base64";
    let mark = if is_base64 { "base64 " } else { "" };
    match &fields[name] {
        Value::Null => "null".to_owned(),
        value => format!("{mark}{}", plain(value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terminal::paint::Paint;

    #[test]
    fn records_are_rows_with_their_topic_and_partition() {
        let record = json!({ "offset": 7, "timestamp": 1_795_269_121_942_i64, "key": "k", "value": "AP8=",
            "valueEncoding": "base64", "headers": [{ "key": "h", "value": null }] });
        let batch = json!({ "compression": "zstd", "record": [record] });
        let partition = json!({ "index": 1, "records": { "recordBatch": [batch] } });
        let payload =
            json!({ "acks": -1, "topicData": [{ "name": "orders", "partitionData": [partition] }] });
        let request =
            json!({ "apiKeyName": "Produce", "apiVersion": 10, "correlationID": 4, "payload": payload });
        let mut page = Page::new(Paint::Plain);
        render(&mut page, &json!({ "request": request }));
        let text = page.into_text();
        assert!(text.starts_with("\nProduce v10, correlation id 4\n  acks: -1\n  topicData:\n"), "{text}");
        assert!(text.contains("compression: zstd\n"), "{text}");
        assert!(
            text.ends_with(
                " orders[1] | 7      | 2026-11-21T13:52:01.942000000Z | k   | base64 AP8= | h=null\n"
            ),
            "{text}"
        );
    }
}
