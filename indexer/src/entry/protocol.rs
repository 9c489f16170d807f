//! The protocols that entries can be of, and what of an entry follows from its protocol alone.
//!
//! Rows don't repeat what is the same for every entry of a protocol; it is put back when an entry leaves.

use kfl::{Path, Step};
use serde_json::{Value, json};

use super::description::{COMMON, Description, Outcome, Summary};
use super::{
    amqp, dns, flow, graphql, grpc, http1, http2, icmp, kafka, mongodb, mysql, postgres, redis, tls,
    websocket,
};

/// Every protocol.
pub const ALL: &[&Description] = &[
    &http1::DESCRIPTION,
    &http2::DESCRIPTION,
    &grpc::DESCRIPTION,
    &graphql::DESCRIPTION,
    &dns::DESCRIPTION,
    &flow::TCP,
    &flow::UDP,
    &icmp::DESCRIPTION,
    &tls::DESCRIPTION,
    &websocket::DESCRIPTION,
    &redis::DESCRIPTION,
    &postgres::DESCRIPTION,
    &mysql::DESCRIPTION,
    &amqp::DESCRIPTION,
    &kafka::DESCRIPTION,
    &mongodb::DESCRIPTION,
];

/// The protocol of an entry.
#[must_use]
pub fn of(entry: &Value) -> Option<&'static Description> {
    let abbr = entry["protocol"]["abbr"].as_str()?;
    ALL.iter().copied().find(|description| description.abbr == abbr)
}

/// Completes the `protocol` of an entry.
#[must_use]
pub fn complete(mut entry: Value) -> Value {
    let Some(description) = of(&entry) else { return entry };
    let Some(Value::Object(protocol)) = entry.get_mut("protocol") else { return entry };
    let version = protocol.get("version").and_then(Value::as_str).unwrap_or(description.version);
    let constant = json!({
        "longName": description.long_name.replace("{version}", version), "version": version,
        "macro": description.macro_name, "layer3": "ip", "ports": description.ports,
        "priority": description.priority, "backgroundColor": description.background,
        "foregroundColor": description.foreground, "fontSize": 12, "referenceLink": description.reference,
    });
    if let Value::Object(constant) = constant {
        for (key, value) in constant {
            protocol.entry(key).or_insert(value);
        }
    }
    entry
}

/// Whether rows hold what lies at a path, bodies aside. What is the same for all entries of a protocol they don't; it is
/// put back when an entry leaves.
#[must_use]
pub fn row_has(path: &Path) -> bool {
    match path.0.as_slice() {
        [Step::Key(first), Step::Key(second), ..] if first == "protocol" => {
            matches!(second.as_str(), "name" | "abbr" | "layer4")
        }
        [Step::Key(first), ..] => first != "protocol",
        _ => true,
    }
}

/// How a list shows an entry.
#[must_use]
pub fn summary(entry: &Value) -> Summary {
    let Some(description) = of(entry) else { return Summary::default() };
    let mut summary = (description.summary)(entry);
    if entry["error"]["type"] == "pair-not-found" {
        summary.outcome = Outcome::Unanswered;
        let request_seen = entry["request"].is_object();
        let missing = if request_seen { &mut summary.status } else { &mut summary.text };
        *missing = if request_seen { "no answer" } else { "(request not seen)" }.to_owned();
    }
    summary
}

/// Paths of an entry that no field describes, `*` for list elements: there should be none.
#[must_use]
pub fn undescribed(entry: &Value) -> Vec<String> {
    let fields = of(entry).map_or(&[][..], |description| description.fields);
    let mut found = Vec::new();
    collect(entry, &mut Vec::new(), &mut |path| {
        let is_described = COMMON.iter().chain(fields).any(|field| describes(field.path, path));
        if !is_described {
            found.push(path.join("."));
        }
    });
    found
}

/// Whether `pattern` describes what lies at `path`, or all that lies around it. A `*` at the end stands for
/// whatever lies there, however deep.
fn describes(pattern: &str, path: &[String]) -> bool {
    let mut parts = pattern.split('.').peekable();
    let mut steps = path.iter();
    while let Some(part) = parts.next() {
        match steps.next() {
            Some(_) if part == "*" && parts.peek().is_none() => return true,
            Some(step) if part == "*" || part == step => {}
            _ => return false,
        }
    }
    steps.next().is_none()
}

/// Tells the path of every scalar; empty lists and objects say nothing.
fn collect(value: &Value, path: &mut Vec<String>, tell: &mut impl FnMut(&[String])) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                path.push(key.clone());
                collect(member, path, tell);
                path.pop();
            }
        }
        Value::Array(elements) => {
            path.push("*".to_owned());
            elements.iter().for_each(|element| collect(element, path, tell));
            path.pop();
        }
        _ => tell(path),
    }
}

/// Whether a query that reads `path` needs bodies.
#[must_use]
pub fn reads_bodies(path: &Path) -> bool {
    let steps = &path.0;
    steps.iter().any(|step| matches!(step, Step::Recursive(_)))
        || ALL.iter().flat_map(|description| description.bodies).any(|body| {
            steps.iter().zip(*body).all(|(step, part)| match step {
                Step::Key(key) => key == part || *part == "*",
                Step::Index(_) => *part == "*",
                Step::Every => true,
                Step::Recursive(_) | Step::Decoded(_) => false,
            })
        })
}

/// Takes the bodies out of an entry: what is left is as in its row.
#[must_use]
pub fn without_bodies(mut entry: Value) -> Value {
    for body in of(&entry).map_or(&[][..], |description| description.bodies) {
        leave_out(&mut entry, body);
    }
    entry
}

fn leave_out(value: &mut Value, path: &[&str]) {
    let Some((part, rest)) = path.split_first() else { return };
    match value {
        Value::Object(members) if rest.is_empty() && *part == "*" => members.clear(),
        Value::Object(members) if rest.is_empty() => drop(members.remove(*part)),
        Value::Object(members) if *part == "*" => {
            members.values_mut().for_each(|member| leave_out(member, rest));
        }
        Value::Object(members) => {
            if let Some(member) = members.get_mut(*part) {
                leave_out(member, rest);
            }
        }
        Value::Array(elements) if *part == "*" => {
            elements.iter_mut().for_each(|element| leave_out(element, rest));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_told_apart() {
        for (index, one) in ALL.iter().enumerate() {
            for other in &ALL[..index] {
                assert_ne!(one.abbr, other.abbr);
                assert_ne!(one.macro_name, other.macro_name);
            }
        }
    }

    #[test]
    fn bodies_are_left_out_of_lists_too() {
        let mut value = json!({"a": [{"b": 1, "c": 2}, {"b": 3}], "d": {"e": {"b": 4}, "f": 5}});
        leave_out(&mut value, &["a", "*", "b"]);
        leave_out(&mut value, &["d", "*", "b"]);
        assert_eq!(value, json!({"a": [{"c": 2}, {}], "d": {"e": {}, "f": 5}}));
    }
}
