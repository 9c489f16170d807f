//! MongoDB as its shell shows it: the command's document, the documents that go with it, the answer.

use serde_json::Value;

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// What every driver adds to every command.
const ADDED_BY_DRIVERS: [&str; 5] = ["$clusterTime", "lsid", "$db", "$readPreference", "operationTime"];

/// The command and its answer.
pub fn render(page: &mut Page, entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    let database = request["database"].as_str().unwrap_or_default();
    if nothing(request) {
        page.gap();
        page.styled(Style::Notice, "the command was not seen");
    } else {
        page.heading(&format!("{database}> db.runCommand({})", plain(&request["command"])));
        documents(page, request);
    }
    if !has_response(entry) {
        return;
    }
    if nothing(response) {
        page.gap();
        return page.styled(Style::Notice, "no answer was seen");
    }
    page.heading("Answer");
    if !is_empty(&response["errorMessage"]) {
        let code =
            [&response["errorCodeName"], &response["errorCode"]].into_iter().find(|code| !is_empty(code));
        let code = code.map(plain).unwrap_or_default();
        page.styled(Style::Bad, &format!("{code}: {}", plain(&response["errorMessage"])));
    }
    documents(page, response);
}

/// The message's document without what drivers add, and the documents beside it.
fn documents(page: &mut Page, message: &Value) {
    if let Some(document) = message["document"].as_object() {
        let mut document = document.clone();
        document.retain(|name, _| !ADDED_BY_DRIVERS.contains(&name.as_str()));
        page.json(&document.into());
    }
    for sequence in message["sequences"].as_array().into_iter().flatten() {
        page.named(&plain(&sequence["name"]), &format!("{} documents", sequence["count"]));
        page.json(&sequence["documents"]);
    }
    if !is_empty(&message["documents"]) {
        page.json(&message["documents"]);
    }
}
