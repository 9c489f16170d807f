//! HTTP exchanges as an HTTP archive, HAR 1.2 (<http://www.softwareishard.com/blog/har-12-spec/>).
//!
//! Browsers' developer tools, HAR viewers and load testers read it. A missing half is written as the browsers
//! do: status 0 for an answer that was not seen, an empty method for a request. What HAR has no field for
//! goes into fields that begin with `_`, as the specification asks.

use base64::Engine;
use serde_json::{Map, Value, json};

use super::body::{self, Body};
use super::row::nothing;

/// Everything before the entries of an archive.
pub fn head() -> String {
    let creator = json!({ "name": "Remora", "version": env!("CARGO_PKG_VERSION") });
    format!("{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator},\"entries\":[")
}

/// Everything after the entries of an archive.
pub const TAIL: &str = "]}}\n";

/// Whether an archive has a place for `entry`.
pub fn is_http(entry: &Value) -> bool {
    entry["protocol"]["name"] == "http"
}

/// The archive's entry for `entry`; `None` if it is no HTTP exchange.
pub fn entry(entry: &Value) -> Option<Value> {
    if !is_http(entry) {
        return None;
    }
    let answered = !nothing(&entry["response"]);
    let elapsed_ms = entry["elapsedTime"].as_u64().filter(|_| answered).unwrap_or(0);
    let mut archived = json!({
        "startedDateTime": entry["startTime"],
        "time": elapsed_ms,
        "request": request(entry),
        "response": response(&entry["response"]),
        "cache": {},
        "timings": { "send": 0, "wait": elapsed_ms, "receive": 0 },
        "_id": entry["id"],
        "_clientIPAddress": entry["src"]["ip"],
        "_clientPort": entry["src"]["port"],
        "_serverPort": entry["dst"]["port"],
    });
    if let Some(ip) = entry["dst"]["ip"].as_str() {
        archived["serverIPAddress"] = json!(ip);
    }
    if let Some(stream) = entry["stream"].as_str() {
        archived["connection"] = json!(stream);
    }
    if !answered {
        archived["response"]["_error"] = json!("no answer was seen");
    }
    Some(archived)
}

fn request(entry: &Value) -> Value {
    let request = &entry["request"];
    let mut archived = json!({
        "method": or_empty(&request["method"]),
        "url": absolute_url(entry),
        "httpVersion": or_empty(&request["httpVersion"]),
        "cookies": pairs(&request["cookies"]),
        "headers": pairs(&request["headers"]),
        "queryString": pairs(&request["queryString"]),
        "headersSize": size(&request["headersSize"]),
        "bodySize": size(&request["bodySize"]),
    });
    if let Some(post) = request["postData"].as_object() {
        let content = Value::Object(post.clone());
        let mut data = json!({
            "mimeType": or_empty(&content["mimeType"]),
            "params": content["params"].as_array().cloned().unwrap_or_default(),
            "text": "",
        });
        match body::of(&content) {
            Some(Body::Text(text)) => data["text"] = json!(text),
            // HAR 1.2 has no encoding for what is posted; `_encoding` is what other writers use.
            Some(Body::Bytes(bytes)) => {
                data["text"] = json!(body::BASE64.encode(&bytes));
                data["_encoding"] = json!("base64");
            }
            None => {}
        }
        archived["postData"] = data;
    }
    archived
}

fn response(response: &Value) -> Value {
    let content = &response["content"];
    let mut archived = json!({
        "size": content["size"].as_i64().unwrap_or(0),
        "mimeType": content["mimeType"].as_str().filter(|mime| !mime.is_empty()).unwrap_or("x-unknown"),
    });
    match body::of(content) {
        Some(Body::Text(text)) => archived["text"] = json!(text),
        Some(Body::Bytes(bytes)) => {
            archived["text"] = json!(body::BASE64.encode(&bytes));
            archived["encoding"] = json!("base64");
        }
        None => {}
    }
    json!({
        "status": response["status"].as_i64().unwrap_or(0),
        "statusText": or_empty(&response["statusText"]),
        "httpVersion": or_empty(&response["httpVersion"]),
        "cookies": pairs(&response["cookies"]),
        "headers": pairs(&response["headers"]),
        "content": archived,
        "redirectURL": redirect(response),
        "headersSize": size(&response["headersSize"]),
        "bodySize": size(&response["bodySize"]),
    })
}

fn or_empty(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A size in bytes; -1 is HAR's word for unknown.
fn size(value: &Value) -> i64 {
    value.as_i64().unwrap_or(-1)
}

/// Names and values, one for each value of a name that has several.
fn pairs(values: &Value) -> Vec<Value> {
    let pair = |name: &Value, value: &Value| json!({ "name": name, "value": as_text(value) });
    match values {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match value {
                Value::Array(several) => several.iter().map(|value| pair(&json!(name), value)).collect(),
                one => vec![pair(&json!(name), one)],
            })
            .collect(),
        Value::Array(list) => list.iter().map(|item| pair(&item["name"], &item["value"])).collect(),
        _ => Vec::new(),
    }
}

fn as_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn header<'a>(headers: &'a Value, name: &str) -> Option<&'a str> {
    let by_name = |(key, value): (&String, &'a Value)| key.eq_ignore_ascii_case(name).then_some(value);
    let value = headers.as_object().map(Map::iter).into_iter().flatten().find_map(by_name)?;
    value.as_str().or_else(|| value.as_array().and_then(|values| values.first()).and_then(Value::as_str))
}

fn redirect(response: &Value) -> &str {
    let said = or_empty(&response["redirectURL"]);
    if said.is_empty() { header(&response["headers"], "location").unwrap_or_default() } else { said }
}

/// HAR asks for an absolute URL; the wire mostly has a path and a Host header.
fn absolute_url(entry: &Value) -> String {
    let request = &entry["request"];
    let target = or_empty(&request["url"]);
    if target.contains("://") {
        return target.to_owned();
    }
    let scheme = if entry["tls"] == true { "https" } else { "http" };
    let host = header(&request["headers"], "host").or_else(|| header(&request["headers"], ":authority"));
    let host = host
        .filter(|host| !host.is_empty())
        .map_or_else(|| super::row::Row::of(entry).destination.label(), str::to_owned);
    let separator = if target.starts_with('/') || target.is_empty() { "" } else { "/" };
    format!("{scheme}://{host}{separator}{target}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        json!({
            "id": "web-1:7", "startTime": "2023-03-13T02:37:46.172Z", "elapsedTime": 23, "tls": false,
            "protocol": { "name": "http" }, "stream": "000000000001.pcap",
            "src": { "ip": "10.244.0.5", "port": "40000" }, "dst": { "ip": "10.244.0.9", "port": "80" },
            "request": {
                "method": "POST", "url": "/login?tag=a&tag=b", "httpVersion": "HTTP/1.1", "bodySize": 19,
                "headers": { "Host": "front", "X": ["1", "2"] }, "cookies": { "sid": "abc" },
                "queryString": { "tag": ["a", "b"] },
                "postData": { "mimeType": "text/plain", "params": [], "text": "hello" },
            },
            "response": {
                "status": 302, "statusText": "Found", "httpVersion": "HTTP/1.1", "headersSize": -1, "bodySize": 2,
                "headers": { "location": "/there" }, "cookies": {},
                "content": { "size": 1, "mimeType": "image/png", "text": "/w==", "encoding": "base64" },
            },
        })
    }

    #[test]
    fn an_exchange_has_every_field_that_har_demands() {
        let archived = entry(&sample()).unwrap();
        for field in ["startedDateTime", "time", "request", "response", "cache", "timings"] {
            assert!(!archived[field].is_null(), "{field}");
        }
        assert_eq!(archived["request"]["url"], "http://front/login?tag=a&tag=b");
        assert_eq!(
            archived["request"]["headers"],
            json!([{ "name": "Host", "value": "front" }, { "name": "X", "value": "1" }, { "name": "X", "value": "2" }])
        );
        assert_eq!(archived["request"]["queryString"].as_array().unwrap().len(), 2);
        assert_eq!(archived["request"]["postData"]["text"], "hello");
        assert_eq!(archived["response"]["redirectURL"], "/there");
        assert_eq!(archived["response"]["content"]["encoding"], "base64");
        assert_eq!(archived["serverIPAddress"], "10.244.0.9");
    }

    #[test]
    fn an_unanswered_request_has_status_0() {
        let mut unanswered = sample();
        unanswered["response"] = json!({});
        let archived = entry(&unanswered).unwrap();
        assert_eq!(archived["response"]["status"], 0);
        assert_eq!(archived["response"]["_error"], "no answer was seen");
        assert_eq!(archived["time"], 0);
    }

    #[test]
    fn other_protocols_are_left_out() {
        assert_eq!(entry(&json!({ "protocol": { "name": "dns" } })), None);
    }

    #[test]
    fn an_archive_is_json() {
        let text = format!("{}{}{TAIL}", head(), entry(&sample()).unwrap());
        let archive: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(archive["log"]["version"], "1.2");
        assert_eq!(archive["log"]["entries"].as_array().unwrap().len(), 1);
    }
}
