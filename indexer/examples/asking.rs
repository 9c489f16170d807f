//! How long answers take: asks questions again and again, warm and cold, and prints each time.
//!
//!     asking DATA RUNS < questions.jsonl > times.jsonl
//!     asking DATA once < questions.jsonl > times.jsonl
//!
//! A question is a line `{"name": …, "kfl": …, "from": ns, "to": ns, "last": ns, "limit": n, "of": …}`; `last` is the stretch
//! before the present, `of` says whether it is about `entries`, a `histogram` or the `map`. Warm means that the process
//! has asked before; cold that it opens the data directory anew, of which the kernel has forgotten every page. With
//! `once` each question is asked once, by a process that has the data open all the while.

use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use indexer::{By, Coverage, Data, Order, QueryOptions, Scope, Width};
use segment::{TimeRange, Timestamp};
use serde_json::{Value, json};

/// Cold runs take long.
const COLD_RUNS_MAX: usize = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(runs)) = (arguments.next(), arguments.next()) else {
        return Err("usage: asking DATA RUNS < questions.jsonl".into());
    };
    let dir = Path::new(&dir);
    if runs == "once" { ask_once(dir) } else { ask_again_and_again(dir, runs.parse()?) }
}

fn ask_once(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let data = Data::open(dir)?;
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let (entries, micros, _) = ask(&data, &question)?;
        writeln!(out, "{}", json!({ "name": question["name"], "entries": entries, "us": micros }))?;
    }
    writeln!(out, "{}", json!({ "resident_kb": resident_kb() }))?;
    Ok(out.flush()?)
}

fn ask_again_and_again(dir: &Path, runs: usize) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    let data = Data::open(dir)?;
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        let (entries, ..) = ask(&data, &question)?;
        let mut warm = Vec::new();
        let mut read = indexer::Read::default();
        for _ in 0..runs {
            let (_, micros, cost) = ask(&data, &question)?;
            warm.push(micros);
            read = cost;
        }
        let mut cold = Vec::new();
        for _ in 0..runs.min(COLD_RUNS_MAX) {
            forget(dir)?;
            let began = Instant::now();
            let (again, ..) = ask(&Data::open(dir)?, &question)?;
            cold.push(began.elapsed().as_micros());
            assert_eq!(again, entries, "the same question has the same answer");
        }
        let told = json!({
            "name": question["name"], "entries": entries, "warm_us": warm, "cold_us": cold,
            "read_bytes": read.bytes, "requests": read.requests, "resident_kb": resident_kb(),
        });
        writeln!(out, "{told}")?;
        out.flush()?;
    }
    Ok(())
}

/// The number of entries, the microseconds it took, and what was read.
fn ask(data: &Data, question: &Value) -> Result<(u64, u128, indexer::Read), Box<dyn std::error::Error>> {
    let began = Instant::now();
    let query = kfl::parse(question["kfl"].as_str().unwrap_or_default(), 0)?;
    let instant = |name: &str, default| question[name].as_i64().map_or(default, Timestamp::from_nanos);
    let now_ns = i64::try_from(jiff::Timestamp::now().as_nanosecond())?;
    let since =
        question["last"].as_i64().map(|last_ns| Timestamp::from_nanos(now_ns.saturating_sub(last_ns)));
    let from = since.unwrap_or_else(|| instant("from", Timestamp::MIN));
    let range = TimeRange::new(from, instant("to", Timestamp::MAX));
    let range = range.ok_or("the range runs backward")?;
    let scope = Scope { range, ..Scope::default() };
    let coverage = match question["of"].as_str() {
        Some("histogram") => data.timeline(&query, &scope, By::Class, Width::Target(200))?.coverage,
        Some("map") => data.service_map(&query, &scope)?.coverage,
        _ => entries(data, &query, range, question["limit"].as_u64())?,
    };
    Ok((coverage.entries, began.elapsed().as_micros(), coverage.plan.read))
}

fn entries(
    data: &Data,
    query: &kfl::Query,
    range: TimeRange,
    limit: Option<u64>,
) -> Result<Coverage, indexer::Error> {
    let options = QueryOptions { range, limit, order: Order::Descending, ..QueryOptions::default() };
    data.query(query, options, &mut |_| ControlFlow::Continue(()))
}

/// Has the kernel forget the pages of every file.
fn forget(dir: &Path) -> io::Result<()> {
    for folder in ["sealed", "open"] {
        for file in fs::read_dir(dir.join(folder))? {
            let file = File::open(file?.path())?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// The most memory that was resident so far.
fn resident_kb() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
