//! PostgreSQL and MySQL as their consoles show them: the statement, its parameters, the rows as a table, the error.

use serde_json::Value;

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;
use crate::terminal::quantity;

/// What has a place of its own, or is counted below the rows.
const TOLD: [&str; 19] = [
    "command",
    "verb",
    "query",
    "parameters",
    "copy",
    "sent",
    "results",
    "rowCount",
    "hasRows",
    "affectedRows",
    "success",
    "complete",
    "errorCode",
    "errorMessage",
    "errorState",
    "error",
    "notices",
    "operation",
    "commandCode",
];

/// The statement and what came of it.
pub fn render(page: &mut Page, entry: &Value) {
    request(page, &entry["request"]);
    if has_response(entry) {
        response(page, &entry["response"]);
    }
}

fn request(page: &mut Page, request: &Value) {
    if nothing(request) {
        page.gap();
        return page.styled(Style::Notice, "the request was not seen");
    }
    let operation = [&request["operation"], &request["command"]].into_iter().find(|name| !is_empty(name));
    page.heading(&operation.map(plain).unwrap_or_default());
    others(request).iter().for_each(|(name, value)| page.tree(name, value));
    if let Some(query) = request["query"].as_str().filter(|query| !query.is_empty()) {
        page.gap();
        page.block(query);
    }
    let parameters = request["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !parameters.is_empty() {
        page.gap();
    }
    for (at, parameter) in parameters.iter().enumerate() {
        let name = parameter["name"].as_str().map_or_else(|| format!("${}", at + 1), str::to_owned);
        page.named(&name, &format!("{} ({})", cell(parameter.get("value")), plain(&parameter["type"])));
    }
    copied(page, &request["copy"]);
    copied(page, &request["sent"]);
}

fn response(page: &mut Page, response: &Value) {
    if nothing(response) {
        page.gap();
        return page.styled(Style::Notice, "no response was seen");
    }
    for notice in response["notices"].as_array().into_iter().flatten() {
        page.gap();
        report(page, Style::Notice, &plain(&notice["severity"]), &notice["code"], &notice["message"], notice);
    }
    for result in response["results"].as_array().into_iter().flatten() {
        page.gap();
        rows(page, result);
    }
    if !is_empty(&response["errorMessage"]) {
        page.gap();
        let severity = response["error"]["severity"].as_str().unwrap_or("ERROR");
        let code = match response["errorState"].as_str() {
            Some(state) => Value::from(format!("{} ({state})", response["errorCode"])),
            None => response["errorCode"].clone(),
        };
        report(page, Style::Bad, severity, &code, &response["errorMessage"], &response["error"]);
    }
    if response["complete"] == false {
        page.styled(Style::Notice, "(its end was not seen)");
    }
    let more = others(response);
    if !more.is_empty() {
        page.gap();
    }
    more.iter().for_each(|(name, value)| page.tree(name, value));
}

/// The fields without a place of their own.
fn others(message: &Value) -> Vec<(&String, &Value)> {
    let is_other = |(name, value): &(&String, &Value)| !TOLD.contains(&name.as_str()) && !is_empty(value);
    message.as_object().into_iter().flatten().filter(is_other).collect()
}

/// `ERROR:  42P01: relation "nowhere" does not exist`, and what else the server said of it.
fn report(page: &mut Page, style: Style, severity: &str, code: &Value, message: &Value, more: &Value) {
    page.styled(style, &format!("{severity}:  {}: {}", plain(code), plain(message)));
    for name in ["detail", "hint", "position", "where", "schema", "table", "column", "constraint"] {
        if !is_empty(&more[name]) {
            page.line(&format!("{}:  {}", name.to_uppercase(), plain(&more[name])));
        }
    }
}

/// A result: its rows, what was copied, and its command tag.
fn rows(page: &mut Page, result: &Value) {
    let columns = result["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !columns.is_empty() {
        let titles: Vec<String> = columns.iter().map(|column| plain(&column["name"])).collect();
        let rows: Vec<Vec<String>> = result["rows"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row.as_array().into_iter().flatten().map(|value| cell(Some(value))).collect())
            .collect();
        page.table(&titles, &rows);
        let count = result["rowCount"].as_u64().unwrap_or_default();
        let kept = rows.len() as u64;
        let told = if kept < count { format!(", {kept} of them kept") } else { String::new() };
        page.line(&format!("({}{told})", quantity::counted(count, "row")));
    }
    copied(page, &result["copy"]);
    let affected = result["affectedRows"].as_u64().unwrap_or_default();
    match result["command"].as_str().filter(|tag| !tag.is_empty()) {
        Some(tag) => page.line(tag),
        None if columns.is_empty() => {
            page.line(&format!("OK, {} affected", quantity::counted(affected, "row")))
        }
        None => {}
    }
    match result["end"].as_str() {
        Some("suspended") => page.styled(Style::Notice, "(no more rows were wanted yet)"),
        Some("open") => page.styled(Style::Notice, "(its end was not seen)"),
        _ => {}
    }
    for name in ["info", "lastInsertId", "wantedFile"] {
        if !is_empty(&result[name]) {
            page.named(name, &plain(&result[name]));
        }
    }
}

/// Data that was copied in or out.
fn copied(page: &mut Page, copy: &Value) {
    if copy.is_object() {
        page.gap();
        page.body(&copy["data"]);
        let bytes = copy["bytes"].as_u64().map(quantity::bytes).unwrap_or_default();
        page.line(
            &format!("({bytes} copied {})", copy["end"].as_str().unwrap_or_default()).replace(" )", ")"),
        );
    }
}

/// A value as a console shows it; what is no text is marked as base64.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "NULL".to_owned(),
        Some(value) if value["encoding"] == "base64" => format!("base64 {}", plain(&value["value"])),
        Some(value) => plain(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terminal::paint::Paint;

    fn shown(request: Value, response: Value) -> String {
        let mut page = Page::new(Paint::Plain);
        render(&mut page, &json!({ "request": request, "response": response }));
        page.into_text()
    }

    #[test]
    fn a_query_is_shown_with_its_rows() {
        let request = json!({ "operation": "Execute", "command": "SELECT", "user": "shop",
            "query": "select name, price\nfrom items where id = $1", "parameters": [{ "type": "int4", "value": "1" }] });
        let response = json!({ "success": true, "complete": true, "rowCount": 2, "results": [{ "command": "SELECT 2",
            "rowCount": 2, "columns": [{ "name": "name" }, { "name": "price" }], "rows": [["pen", "1.20"], ["ink", null]] }] });
        let expected = "
Execute
  user: shop

select name, price
from items where id = $1

  $1: 1 (int4)

 name | price
------+-------
 pen  | 1.20
 ink  | NULL
(2 rows)
SELECT 2
";
        assert_eq!(shown(request, response), expected);
    }

    #[test]
    fn an_error_is_shown_as_the_server_told_it() {
        let error = json!({ "severity": "ERROR", "hint": "add a cast" });
        let response = json!({ "success": false, "errorCode": "42883", "errorMessage": "no such function", "error": error });
        let text = shown(json!({ "command": "SELECT", "query": "select f()" }), response);
        assert!(text.contains("\nERROR:  42883: no such function\nHINT:  add a cast\n"), "{text}");
        let mysql = json!({ "errorCode": 1146, "errorState": "42S02", "errorMessage": "no table" });
        assert!(shown(json!({}), mysql).contains("\nERROR:  1146 (42S02): no table\n"));
    }
}
