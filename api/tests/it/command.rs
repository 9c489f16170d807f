//! Runs `remora` with a data directory of its own.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const REMORA: &str = env!("CARGO_BIN_EXE_remora");

/// Says visibly why a test does nothing.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// A data directory that goes away.
pub struct Bench {
    pub directory: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// `remora` with this data directory.
    pub fn remora(&self) -> Command {
        let mut command = Command::new(REMORA);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.arg("--data").arg(self.data());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Answer {
        Answer(self.remora().args(arguments).output().unwrap())
    }

    /// A program that stands in for the recorder.
    pub fn fake_recorder(&self, script: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.directory.path().join("recorder");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

/// What `remora` said.
pub struct Answer(pub Output);

impl Answer {
    pub fn status(&self) -> i32 {
        self.0.status.code().unwrap()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout())
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout(), self.stderr()))
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status(), 0, "{}{}", self.stdout(), self.stderr());
        self
    }
}

/// Whether the recorder lies beside `remora`, which can import nothing without it; says visibly where it doesn't.
pub fn has_recorder() -> bool {
    let recorder = Path::new(REMORA).with_file_name("remora-recorder");
    let is_there = recorder.is_file();
    if !is_there {
        skip(&format!("no recorder at {}: build it with `cargo build -p recorder`", recorder.display()));
    }
    is_there
}

/// The folder of captures, if it is there.
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("REMORA_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        skip(&format!("no corpus at {}", folder.display()));
        return None;
    }
    Some(folder)
}
