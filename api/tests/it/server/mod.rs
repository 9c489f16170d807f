//! Drives the real server over real connections.

mod abuse;
mod access;
mod answers;
mod client;
mod dashboard;
mod export;
mod redaction;
mod schema;
mod streaming;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, has_recorder};
use client::{Client, Response};

/// A running server, which ends with this.
pub struct Server {
    pub bench: Bench,
    child: Child,
    pub address: String,
    pub token: Option<String>,
}

/// A capture that lies in the repository.
pub fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures").join(name)
}

impl Server {
    /// Over a data directory with these captures; `None` where they can't be imported.
    pub fn with(captures: &[&str], options: &[&str]) -> Option<Self> {
        if !has_recorder() {
            return None;
        }
        let bench = Bench::new();
        for name in captures {
            bench.run(&["import", capture(name).to_str().unwrap()]).ok();
        }
        Some(Self::over(bench, options))
    }

    /// Over a data directory that is there.
    pub fn over(bench: Bench, options: &[&str]) -> Self {
        let has_address = options.contains(&"--listen");
        let address: &[&str] = if has_address { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut child = bench
            .remora()
            .args(["--json", "serve"])
            .args(address)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let url = told["url"].as_str().unwrap();
        let address = url.split("://").nth(1).unwrap().trim_end_matches('/').replace("0.0.0.0", "127.0.0.1");
        Self { bench, child, address, token: told["token"].as_str().map(str::to_owned) }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.client().get(path)
    }

    /// A good answer as JSON.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        response.json()
    }

    /// Ends it, and gives back the data directory.
    pub fn stop(mut self) -> Bench {
        self.end();
        std::mem::replace(&mut self.bench, Bench::new())
    }

    fn end(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }

    /// Resident memory, bytes.
    pub fn memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// What stands for a text in a query string.
pub fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => quoted.push(byte.into()),
            _ => quoted.push_str(&format!("%{byte:02X}")),
        }
    }
    quoted
}
