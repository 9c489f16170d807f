//! The API's description as a page to read: plain HTML, which loads nothing.

use std::fmt::Write;

use serde_json::Value;

/// The page.
pub fn page(document: &Value) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Remora API</title>\n",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\">\n");
    page.push_str("<main><h1>Remora API</h1>\n");
    paragraph(&mut page, &document["info"]["description"]);
    page.push_str("<p>For programs: <a href=\"/api/v1/openapi.json\">OpenAPI</a>.\n");
    for tag in document["tags"].as_array().into_iter().flatten() {
        let name = tag["name"].as_str().unwrap_or_default();
        // Writing to a text can't fail.
        let _ = writeln!(page, "<h2>{}</h2>", escaped(name));
        paragraph(&mut page, &tag["description"]);
        for (path, operations) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in operations.as_object().into_iter().flatten() {
                if operation["tags"][0] == name {
                    describe(&mut page, path, method, operation);
                }
            }
        }
    }
    page.push_str("<h2>Types</h2>\n");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let _ = writeln!(page, "<h3 id=\"{0}\">{0}</h3>", escaped(name));
        paragraph(&mut page, &schema["description"]);
        properties(&mut page, schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            properties(&mut page, part);
        }
    }
    page.push_str("</main></html>\n");
    page
}

fn describe(page: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = writeln!(page, "<h3>{} <code>{}</code></h3>", method.to_uppercase(), escaped(path));
    paragraph(page, &operation["summary"]);
    paragraph(page, &operation["description"]);
    let parameters = operation["parameters"].as_array();
    if let Some(parameters) = parameters.filter(|parameters| !parameters.is_empty()) {
        page.push_str("<dl>\n");
        for parameter in parameters {
            let name = escaped(parameter["name"].as_str().unwrap_or_default());
            let place = escaped(parameter["in"].as_str().unwrap_or_default());
            let kind = kind(&parameter["schema"]);
            let meaning = escaped(parameter["description"].as_str().unwrap_or_default());
            let needed = if parameter["required"] == true { ", required" } else { "" };
            let _ = writeln!(page, "<dt><code>{name}</code> ({place}{needed}): {kind}<dd>{meaning}");
        }
        page.push_str("</dl>\n");
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let is_good = status.starts_with('2');
        let content = response["content"].as_object().filter(|_| is_good);
        for (media_type, body) in content.into_iter().flatten() {
            let _ = writeln!(
                page,
                "<p>{status}, <code>{}</code>: {}",
                escaped(media_type),
                kind(&body["schema"])
            );
        }
    }
}

fn properties(page: &mut String, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    page.push_str("<dl>\n");
    for (name, property) in properties {
        let meaning = escaped(property["description"].as_str().unwrap_or_default());
        let _ = writeln!(page, "<dt><code>{}</code>: {}<dd>{meaning}", escaped(name), kind(property));
    }
    page.push_str("</dl>\n");
}

/// The kind of a value, with links to types.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = escaped(reference.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for list in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[list].as_array() {
            return parts.iter().map(kind).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", escaped(&word.to_string())))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    let name = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    if name.starts_with("array") { format!("{name} of {}", kind(&schema["items"])) } else { escaped(&name) }
}

fn paragraph(page: &mut String, text: &Value) {
    if let Some(text) = text.as_str() {
        let _ = writeln!(page, "<p>{}", escaped(text));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
