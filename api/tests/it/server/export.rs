//! Files that are taken away are those that the command line writes.

use std::process::Command;

use serde_json::Value;

use super::Server;
use crate::command::skip;

#[test]
fn every_format_is_what_the_command_line_writes() {
    let Some(server) = Server::with(&["http-nginx.pcapng", "redis.pcapng"], &["--no-index"]) else { return };
    let taken = |asked: &str| {
        let response = server.get(&format!("/api/v1/export?{asked}"));
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(response.is_whole);
        let named = response.header("content-disposition").unwrap().to_owned();
        assert!(named.starts_with("attachment; filename=\"remora-"), "{named}");
        response.body
    };
    for (format, line) in [
        ("jsonl", &["--format", "jsonl"][..]),
        ("jsonl&bodies=true", &["--format", "jsonl", "--bodies"]),
        ("csv", &["--format", "csv"]),
        ("har", &["--format", "har"]),
    ] {
        let said = server.bench.run(&[&["query", "http"], line].concat()).ok().stdout();
        assert!(said.len() > 1_000);
        assert_eq!(String::from_utf8(taken(&format!("format={format}&q=http"))).unwrap(), said, "{format}");
    }
    let parquet = taken("format=parquet&q=http");
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));

    let file = server.bench.directory.path().join("said.pcapng");
    let name = file.to_str().unwrap();
    server.bench.run(&["export", "-o", name]).ok();
    assert_eq!(taken("format=pcapng"), std::fs::read(&file).unwrap());
    server.bench.run(&["export", "--filter", "redis", "-o", name]).ok();
    assert_eq!(taken("format=pcapng&q=redis"), std::fs::read(&file).unwrap());
}

#[test]
fn tshark_reads_what_is_taken_away() {
    let Some(server) = Server::with(&["http-nginx.pcapng"], &["--no-index"]) else { return };
    let file = server.bench.directory.path().join("taken.pcapng");
    std::fs::write(&file, server.get("/api/v1/export?format=pcapng").body).unwrap();
    let Ok(read) = Command::new("tshark").args(["-T", "json", "-r"]).arg(&file).output() else {
        skip("no tshark");
        return;
    };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let packets: Value = serde_json::from_slice(&read.stdout).unwrap();
    let all = server.json("/api/v1/stats");
    assert_eq!(packets.as_array().unwrap().len() as u64, all["packets"].as_u64().unwrap());
}
