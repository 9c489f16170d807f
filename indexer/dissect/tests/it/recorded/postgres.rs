//! PostgreSQL.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::postgres::message::{Event, Report, Request, Response};
use dissect::protocol::postgres::result::ResultEnd;
use serde_json::{Value, json};

use super::{Tell, check};

#[test]
fn postgres_is_what_tshark_finds() {
    check("postgres", |exchange: &Exchange, tell| {
        match exchange.request.as_ref().map(|message| &message.content) {
            Some(Content::PostgresRequest(request)) => asked(request, tell),
            Some(Content::PostgresAsync(said)) => match &said.event {
                Event::Notification { channel, payload, .. } => {
                    tell("notification", json!([channel, payload]))
                }
                Event::Notice(report) => tell("notice", of_report(report)),
                Event::Error(report) => tell("error", of_report(report)),
                Event::ParameterStatus(..) => {}
            },
            _ => {}
        }
        if let Some(Content::PostgresResponse(response)) =
            exchange.response.as_ref().map(|message| &message.content)
        {
            let described = match exchange.request.as_ref().map(|message| &message.content) {
                Some(Content::PostgresRequest(request)) => request.messages.contains(['Q', 'D']),
                _ => true,
            };
            answered(response, described, tell);
        }
    });
}

fn asked(request: &Request, tell: Tell<'_>) {
    if let Some(startup) = &request.startup {
        tell(
            "startup",
            startup.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect(),
        );
    }
    if request.messages.contains(['Q', 'P']) {
        tell("query", json!(request.query));
    }
    if let Some(process) = request.cancel_process {
        tell("cancel", json!(process));
    }
}

fn answered(response: &Response, described: bool, tell: Tell<'_>) {
    let names = |columns: &[dissect::protocol::postgres::result::Column]| -> Value {
        columns.iter().map(|column| json!(column.name)).collect()
    };
    if !response.columns.is_empty() {
        tell("columns", names(&response.columns));
    }
    for result in &response.results {
        // Where the columns were told earlier, for the statement, the rows come without them.
        if described && !result.columns.is_empty() {
            tell("columns", names(&result.columns));
        }
        assert_eq!(u64::try_from(result.rows.iter().count()).unwrap(), result.rows.count);
        if result.end != ResultEnd::Open {
            tell("result", json!([result.tag, result.rows.count]));
        }
    }
    if let Some(error) = &response.error {
        tell("error", of_report(error));
    }
    for notice in &response.notices {
        tell("notice", of_report(notice));
    }
    if let Some(status) = response.transaction {
        tell("ready", json!(status.to_string()));
    }
}

fn of_report(report: &Report) -> Value {
    json!([report.field('C'), report.field('M')])
}
