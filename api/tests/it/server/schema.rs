//! What the API says of itself: as it was agreed on, and true.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Server;
use crate::command::skip;

const GOLDEN: &str = "tests/openapi.json";

/// After a change that is meant: UPDATE_GOLDEN=1 cargo test -p api the_api_is_described_as_agreed
#[test]
fn the_api_is_described_as_agreed() {
    let bench = crate::command::Bench::new();
    std::fs::create_dir_all(bench.data()).unwrap();
    let server = Server::over(bench, &["--no-index"]);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let mut said = serde_json::to_string_pretty(&server.json("/api/v1/openapi.json")).unwrap();
    said.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &said).unwrap();
    }
    let agreed = std::fs::read_to_string(&path).unwrap();
    assert!(agreed == said, "{GOLDEN} differs from what the server says; see this test");
}

/// Every route that is described answers, and every one that answers under /api is described.
#[test]
fn every_route_is_described() {
    let Some(server) = Server::with(&["http-nginx.pcapng"], &["--no-index"]) else { return };
    let document = server.json("/api/v1/openapi.json");
    let row = &server.json("/api/v1/entries?limit=1")["entries"][0];
    let id = row["id"].as_str().unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(operation) = operations.get("get") else { continue };
        if path == "/api/v1/entries/stream" {
            continue;
        }
        let mut asked = path.replace("{id}", id);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["required"] == true && parameter["in"] == "query" {
                let value = if parameter["name"] == "format" { "csv" } else { "response.status" };
                asked.push_str(&format!("?{}={value}", parameter["name"].as_str().unwrap()));
            }
        }
        let answer = server.get(&asked);
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for property in schema["required"].as_array().into_iter().flatten() {
                assert!(!schema["properties"][property.as_str().unwrap()].is_null(), "{name}: {property}");
            }
        }
    }
}

/// Where `deploy/setup.sh --test` puts schemathesis, or wherever it is in the PATH.
fn schemathesis() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let own = root.join("target/python/bin/schemathesis");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("schemathesis"));
    std::iter::once(own).chain(in_path).find(|program| program.is_file())
}

#[test]
fn schemathesis_finds_nothing() {
    let Some(program) = schemathesis() else {
        skip("no schemathesis: deploy/setup.sh --test installs it");
        return;
    };
    let Some(server) = Server::with(&["shop.pcapng", "http-nginx.pcapng"], &["--no-index"]) else { return };
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemathesis.toml");
    let run = Command::new(program)
        .arg("--config-file")
        .arg(config)
        .args(["run", "--no-color", "--seed", "1", "--url"])
        .arg(format!("http://{}", server.address))
        .arg(format!("http://{}/api/v1/openapi.json", server.address))
        .current_dir(server.bench.directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
}
