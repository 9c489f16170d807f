//! MySQL and MariaDB.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::mysql::message::{Command, Request, Response};
use serde_json::json;

use super::{Tell, check, exchanges, recordings};

/// tshark 4.0 reads nothing of compressed connections but the login.
const COMPRESS: u64 = 1 << 5;

#[test]
fn mysql_is_what_tshark_finds() {
    let mut compressed = Vec::new();
    for exchange in recordings("mysql").iter().flat_map(|file| exchanges(file)) {
        if let Some(Content::MysqlRequest(request)) =
            exchange.request.as_ref().map(|message| &message.content)
            && request.login.as_ref().is_some_and(|login| login.capabilities & COMPRESS != 0)
        {
            compressed.push(exchange.client);
        }
    }
    assert_eq!(compressed.len(), 1);
    COMPRESSED.with(|known| *known.borrow_mut() = compressed);
    check("mysql", |exchange: &Exchange, tell| {
        let is_compressed = COMPRESSED.with(|known| known.borrow().contains(&exchange.client));
        let request = match exchange.request.as_ref().map(|message| &message.content) {
            Some(Content::MysqlRequest(request)) => request,
            _ => panic!("no request of {exchange:?}"),
        };
        if request.login.is_some() {
            tell("login", json!([request.user, request.database]));
        }
        if is_compressed {
            assert!(exchange.response.is_some() || request.command.is_never_answered());
            return;
        }
        asked(request, tell);
        if let Some(Content::MysqlResponse(response)) =
            exchange.response.as_ref().map(|message| &message.content)
        {
            // COM_SET_OPTION is answered by an EOF, which tshark does not count among the OK packets.
            if request.command != Command::SET_OPTION {
                answered(response, tell);
            }
        }
    });
}

thread_local! {
    static COMPRESSED: std::cell::RefCell<Vec<dissect::Endpoint>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn asked(request: &Request, tell: Tell<'_>) {
    if request.command != Command::LOGIN {
        tell("command", json!(request.command.0));
    }
    if matches!(request.command, Command::QUERY | Command::STMT_PREPARE) {
        tell("query", json!(request.query));
    }
}

fn answered(response: &Response, tell: Tell<'_>) {
    assert!(response.complete);
    for result in &response.results {
        assert_eq!(u64::try_from(result.rows.iter(&result.columns).count()).unwrap(), result.rows.count);
        assert!(result.rows.iter(&result.columns).all(|row| row.len() == result.columns.len()));
        // tshark takes the end of a cursor for an OK packet that affected no rows.
        if result.affected > 0 {
            tell("affected", json!(result.affected));
        }
    }
    if let Some(error) = &response.error {
        tell("error", json!([error.code, error.state]));
    }
}
