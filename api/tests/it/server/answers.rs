//! The API answers what the command line answers, in the same JSON.

use serde_json::{Value, json};

use super::{Server, quoted};

const CAPTURES: &[&str] = &["shop.pcapng", "http-nginx.pcapng", "redis.pcapng"];

/// A row as the command line has it.
fn plain(mut row: Value) -> Value {
    row.as_object_mut().unwrap().remove("summary").unwrap();
    row
}

fn ids(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

#[test]
fn pages_make_up_what_the_command_line_answers() {
    let Some(server) = Server::with(CAPTURES, &["--no-index"]) else { return };
    for (kfl, order, limit) in
        [("", "asc", 100), ("http", "asc", 7), ("http", "desc", 7), ("redis or dns", "desc", 1_000)]
    {
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let path =
                format!("/api/v1/entries?q={}&order={order}&limit={limit}&cursor={cursor}", quoted(kfl));
            let page = server.json(&path);
            let entries = page["entries"].as_array().unwrap();
            assert!(entries.len() <= limit);
            paged.extend(entries.iter().cloned().map(plain));
            match page["coverage"]["next"].as_str() {
                Some(next) => cursor = quoted(next),
                None => break,
            }
        }
        let whole = server.bench.run(&["query", kfl, "--order", order, "--json"]).ok().json();
        assert!(whole["entries"].as_array().unwrap().len() > 10, "{kfl}");
        assert_eq!(json!(paged), whole["entries"], "{kfl} {order}");
    }
}

#[test]
fn totals_are_those_of_the_command_line() {
    let Some(server) = Server::with(CAPTURES, &["--no-index"]) else { return };
    let check = |path: &str, line: &[&str]| {
        let said = server.bench.run(&[line, &["--json"]].concat()).ok().json();
        assert_eq!(server.json(path), said, "{path}");
    };
    check(
        "/api/v1/histogram?q=http&by=class&buckets=24",
        &["count", "http", "--by", "class", "--buckets", "24"],
    );
    check("/api/v1/histogram", &["count", "--buckets", "120"]);
    check("/api/v1/histogram?by=none", &["count", "--buckets", "120"]);
    check(
        "/api/v1/top?field=response.status&q=http&limit=3",
        &["top", "response.status", "http", "--limit", "3"],
    );
    check("/api/v1/map?q=http", &["map", "http"]);
    check("/api/v1/endpoints", &["endpoints"]);
    check("/api/v1/segments", &["segments"]);
    let all = server.json("/api/v1/stats");
    let said = server.bench.run(&["stats", "--json"]).ok().json();
    for (name, value) in said.as_object().unwrap() {
        assert_eq!(&all[name], value, "{name}");
    }
    assert_eq!((&all["recording"], &all["indexLag"]["segmentsWaiting"]), (&json!(false), &json!(0)));
    assert!(all["dataDir"]["freeBytes"].as_u64() > Some(0));
    let (from, to) = (all["from"].as_str().unwrap(), all["to"].as_str().unwrap());
    let diff = server.json(&format!(
        "/api/v1/diff?aFrom={from}&aTo={to}&bFrom={from}&bTo={to}",
        from = quoted(from),
        to = quoted(to)
    ));
    assert_eq!(diff["changes"], json!([]));
}

#[test]
fn an_entry_is_opened_with_its_packets_and_its_connection() {
    let Some(server) = Server::with(&["http-nginx.pcapng"], &["--no-index"]) else { return };
    let page = server.json("/api/v1/entries?q=http%20and%20request.method%20==%20%22GET%22&limit=3");
    let row = &page["entries"][0];
    let id = row["id"].as_str().unwrap();
    assert_eq!(row["summary"]["method"], "GET");
    let whole = server.json(&format!("/api/v1/entries/{id}"));
    let shown = server.bench.run(&["show", id, "--packets", "--json"]).ok().json();
    assert_eq!(plain(whole), shown["entry"]);

    let packets = server.json(&format!("/api/v1/entries/{id}/packets"));
    assert_eq!(packets["truncated"], false);
    let (found, shown) = (packets["packets"].as_array().unwrap(), shown["packets"].as_array().unwrap());
    assert!(found.len() == shown.len() && found.len() >= 2);
    for (found, shown) in found.iter().zip(shown) {
        assert_eq!(found["data"], shown["data"]);
        let names: Vec<_> = found["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
        assert!(names.contains(&&json!("TCP")), "{names:?}");
        let tcp = found["fields"].as_array().unwrap().iter().find(|field| field["name"] == "TCP").unwrap();
        let ports = &tcp["fields"][0];
        assert_eq!((&ports["length"], &ports["start"]), (&json!(2), &tcp["start"]), "{tcp}");
    }

    let said = server.json(&format!("/api/v1/entries/{id}/stream"));
    let chunks = said["chunks"].as_array().unwrap();
    let to_server = chunks.iter().find(|chunk| chunk["direction"] == "toServer").unwrap();
    assert!(to_server["data"].as_str().unwrap().starts_with("R0VUI"), "GET and a space: {to_server}");
    assert!(chunks.iter().any(|chunk| chunk["direction"] == "toClient"));

    server.get("/api/v1/entries/nonsense").problem(400);
    server.get("/api/v1/entries/web1-0000000042.17.3").problem(404);
    server.get("/api/v1/entries/web1-0000000042.17.3/packets").problem(404);
    server.get("/api/v1/entries/web1-0000000042.17.3/stream").problem(404);
}

#[test]
fn filters_are_checked_formatted_and_completed() {
    let Some(server) = Server::with(&["http-nginx.pcapng"], &["--no-index"]) else { return };
    let right = server.json("/api/v1/kfl/validate?q=http%20and%20response.statsu%20==%20200");
    assert_eq!(
        (&right["ok"], &right["warnings"][0]["suggestion"]),
        (&json!(true), &json!("response.status"))
    );
    let wrong = server.json("/api/v1/kfl/validate?q=http%20and");
    assert_eq!((&wrong["ok"], &wrong["error"]["start"]), (&json!(false), &json!(8)));
    let formatted = server.json("/api/v1/kfl/format?q=http%26%26response.status%3E%3D400");
    assert_eq!(formatted["formatted"], "http and response.status >= 400");
    let problem = server.get("/api/v1/kfl/format?q=http%20and").problem(400);
    assert_eq!(problem["span"], json!({ "start": 8, "end": 8 }));
    let problem = server.get("/api/v1/entries?q=request.path.startWith(%22/%22)").problem(400);
    assert_eq!(problem["type"], "urn:remora:problem:wrong-filter");
    assert!(problem["suggestion"].as_str().unwrap().contains("startsWith"), "{problem}");
    let completed = server.json("/api/v1/kfl/complete?q=http%20and%20response.st&cursor=20");
    assert_eq!((&completed["start"], &completed["end"]), (&json!(9), &json!(20)));
    assert_eq!(completed["items"][0]["text"], "response.status");
    let values = server.json("/api/v1/kfl/complete?q=request.method%20==%20");
    assert!(values["items"].as_array().unwrap().iter().any(|item| item["text"] == "\"GET\""), "{values}");
    let fields = server.json("/api/v1/fields");
    let list = fields["fields"].as_array().unwrap();
    assert!(list.iter().any(|field| field["path"] == "request.method" && field["protocol"] == "http"));
    assert!(fields["functions"].as_array().unwrap().iter().any(|function| function["name"] == "startsWith"));
}

#[test]
fn nonsense_is_a_problem_of_its_status() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index"]) else { return };
    for path in [
        "entries?limit=0",
        "entries?limit=1001",
        "entries?limit=x",
        "entries?limit=-1",
        "entries?order=up",
        "entries?from=yesterday",
        "entries?from=now&to=-1m",
        "entries?cursor=x",
        "entries?limit=1&limit=2",
        "entries/stream?cursor=nonsense",
        "histogram?by=nothing",
        "histogram?buckets=0",
        "top",
        "top?field=",
        "top?field=a%20==%201",
        "map?q=limit(1)",
        "export",
        "export?format=exe",
        "diff?aFrom=x",
        "export?format=pcapng&q=limit(1)",
        "entries?q=rlimit(1)",
        "kfl/complete?cursor=-1",
    ] {
        server.get(&format!("/api/v1/{path}")).problem(400);
    }
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v2/entries",
        "/missing.js",
        "/assets/../../x.js",
    ] {
        server.get(path).problem(404);
    }
    for (method, path) in [
        ("POST", "/api/v1/entries"),
        ("PUT", "/api/v1/stats"),
        ("DELETE", "/healthz"),
        ("GET", "/api/v1/session"),
        ("POST", "/"),
    ] {
        let response = server.client().send(method, path, b"");
        response.problem(405);
        assert!(response.header("allow").is_some(), "{method} {path}");
    }
}

#[test]
fn coverage_health_and_metrics_tell_how_it_is() {
    let Some(server) = Server::with(CAPTURES, &["--no-index"]) else { return };
    let covered = server.json("/api/v1/coverage");
    let ranges: usize = covered["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["ranges"].as_array().unwrap().len())
        .sum();
    assert_eq!(ranges, CAPTURES.len(), "{covered}");
    assert_eq!(server.json("/healthz")["status"], "ok");
    assert_eq!(server.json("/readyz")["status"], "ok");
    let metrics = server.get("/metrics");
    assert!(metrics.header("content-type").unwrap().starts_with("application/openmetrics-text"));
    let text = metrics.text();
    assert!(text.contains("remora_segments_sealed 3\n"), "{text}");
    assert!(
        text.contains("remora_http_requests_total{route=\"/api/v1/coverage\",status=\"200\"} 1"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn the_page_is_there_and_may_do_little() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index"]) else { return };
    for path in ["/", "/traffic", "/traffic/some.thing/else", "/index.html"] {
        let page = server.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("cross-origin-resource-policy"), Some("same-origin"));
    }
    let answer = server.get("/api/v1/stats");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
    let reference = server.get("/api/v1/docs");
    assert!(reference.text().contains("/api/v1/entries/stream") && !reference.text().contains("<script"));
    let squeezed = server.client().with("Accept-Encoding", "gzip").get("/api/v1/fields");
    assert_eq!(squeezed.header("content-encoding"), Some("gzip"));
    assert_eq!(squeezed.body[..2], [0x1f, 0x8b]);
    assert_eq!(ids(&server.json("/api/v1/entries?limit=2")["entries"]).len(), 2);
}
