//! `remora query --format parquet`: the same rows as in JSON, for our reader and for DuckDB.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use parquet::file::reader::SerializedFileReader;
use parquet::record::RowAccessor;
use serde_json::Value;

use crate::command::{Bench, has_recorder, skip};

/// Asked of DuckDB: all rows as they are, then a question that a person would ask.
const SCRIPT: &str = r#"
import duckdb, json, sys
rows = duckdb.sql(f"select id, entry, epoch_ns(time), status from '{sys.argv[1]}'").fetchall()
print(json.dumps(rows))
print(duckdb.sql(f"select count(*) from '{sys.argv[1]}' where status >= 500 and protocol = 'HTTP'").fetchall()[0][0])
"#;

#[test]
fn parquet_holds_the_rows_of_jsonl() {
    if !has_recorder() {
        return;
    }
    let bench = Bench::new();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures/shop.pcapng");
    bench.run(&["import", capture.to_str().unwrap()]).ok();
    let file = bench.directory.path().join("shop.parquet");
    bench.run(&["query", "", "--format", "parquet", "-o", file.to_str().unwrap()]).ok();
    let lines = bench.run(&["query", "", "--format", "jsonl"]).ok().stdout();
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.len() > 100, "{}", entries.len());

    let reader = SerializedFileReader::new(File::open(&file).unwrap()).unwrap();
    let rows: Vec<_> = reader.into_iter().map(Result::unwrap).collect();
    let last = rows[0].len() - 1;
    let whole = rows.iter().map(|row| serde_json::from_str::<Value>(row.get_string(last).unwrap()).unwrap());
    assert!(whole.eq(entries.iter().cloned()));
    let piped = bench.run(&["query", "", "--format", "parquet"]).0.stdout;
    assert_eq!(piped, std::fs::read(&file).unwrap(), "a pipe gets what a file gets");

    let python = |script: &str| Command::new("python3").args(["-c", script]).arg(&file).output();
    if !python("import duckdb").is_ok_and(|answer| answer.status.success()) {
        return skip("no DuckDB for Python (pip install duckdb): only our own reader was asked");
    }
    let answer = python(SCRIPT).unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let said = String::from_utf8(answer.stdout).unwrap();
    let (rows, failed) = said.trim().split_once('\n').unwrap();
    let rows: Vec<(String, String, i64, Option<i64>)> = serde_json::from_str(rows).unwrap();
    assert_eq!(rows.len(), entries.len());
    for ((id, whole, time_ns, status), entry) in rows.iter().zip(&entries) {
        assert_eq!(serde_json::from_str::<Value>(whole).unwrap(), *entry);
        assert_eq!(
            (id.as_str(), *status),
            (entry["id"].as_str().unwrap(), entry["response"]["status"].as_i64())
        );
        assert_eq!(time_ns / 1_000_000, entry["timestamp"].as_i64().unwrap());
    }
    let of_jsonl = entries.iter().filter(|entry| {
        entry["protocol"]["abbr"] == "HTTP" && entry["response"]["status"].as_i64() >= Some(500)
    });
    assert_eq!(failed.parse(), Ok(of_jsonl.count()));
}
