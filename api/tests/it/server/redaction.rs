//! What a policy keeps back is nowhere to be had; what is recorded stays whole.

use super::{Server, quoted};

/// Where `needle` could come out.
fn answers(server: &Server, id: &str) -> Vec<(String, String)> {
    let mut paths: Vec<String> = [
        "entries",
        "top?field=request.headers.Authorization",
        "top?field=request.headers.*",
        "top?field=request.cookies.*",
        "kfl/complete?q=request.headers.Authorization%20==%20",
        "export?format=jsonl&bodies=true",
        "export?format=har",
        "export?format=csv",
        "map",
        "endpoints",
        "histogram?by=class",
    ]
    .map(|path| format!("/api/v1/{path}"))
    .into();
    paths.push(format!("/api/v1/entries/{id}"));
    paths
        .into_iter()
        .map(|path| {
            let text = server.get(&path).text();
            (path, text)
        })
        .collect()
}

#[test]
fn secrets_are_not_shown_not_taken_away_and_not_guessed() {
    let Some(open) = Server::with(&["websocket.pcapng", "shop.pcapng"], &["--no-index"]) else { return };
    let kfl = "has(request.headers.Authorization) or has(request.headers.Cookie)";
    let found = open.json(&format!("/api/v1/entries?q={}&limit=1", quoted(kfl)));
    let row = &found["entries"][0];
    let headers = &row["request"]["headers"];
    let (name, secret) = ["Authorization", "Cookie"]
        .into_iter()
        .find_map(|name| Some((name, headers[name].as_str()?.to_owned())))
        .expect("a capture with a secret");
    let id = row["id"].as_str().unwrap().to_owned();
    assert!(answers(&open, &id).iter().any(|(_, text)| text.contains(&secret)));
    let bench = open.stop();

    let server = Server::over(bench, &["--no-index", "--redact", "secrets"]);
    assert_eq!(server.json("/api/v1/stats")["redacting"], true);
    for (path, text) in answers(&server, &id) {
        assert!(!text.contains(&secret), "{path} tells {secret}: {text}");
    }
    let entry = server.json(&format!("/api/v1/entries/{id}"));
    assert_eq!(entry["request"]["headers"][name], "[REDACTED]");
    let start: String = secret.chars().take(3).collect();
    for guess in [
        format!("request.headers[\"{name}\"].startsWith(\"{start}\")"),
        format!("request.headers.*.startsWith(\"{start}\") and request.headers[\"{name}\"] != nil"),
        format!("request..{name} == \"{secret}\""),
        format!(
            "text(\"{}\")",
            secret.split(|c: char| !c.is_alphanumeric()).max_by_key(|word| word.len()).unwrap()
        ),
    ] {
        let page = server.json(&format!("/api/v1/entries?q={}", quoted(&guess)));
        let told = page["entries"].as_array().unwrap().iter().any(|entry| entry["id"] == id.as_str());
        assert!(!told, "{guess}");
    }
    for path in
        [format!("entries/{id}/packets"), format!("entries/{id}/stream"), "export?format=pcapng".to_owned()]
    {
        server.get(&format!("/api/v1/{path}")).problem(403);
    }
    let bench = server.stop();
    let whole = bench.run(&["show", &id, "--json"]).ok().json();
    assert_eq!(whole["request"]["headers"][name], secret.as_str(), "the evidence is whole");
}
