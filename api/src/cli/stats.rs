//! `remora stats`: the recording in figures.

use std::io::Write;

use clap::Args;
use segment::Timestamp;
use serde_json::Value;

use super::{Place, stdout};
use crate::dto;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::escape;
use crate::terminal::quantity::{bytes, count, counted};

const ABOUT: &str = "Show the recording in figures

How much was recorded and since when, how it compressed, how many exchanges of which protocol are indexed, how far the \
index is behind, and what was lost for which reason. While a recorder runs, its latest counters are shown too: the \
law is that packets seen are packets stored plus packets lost.";

const AFTER: &str = "EXAMPLES
  remora stats
  remora stats --json | jq .losses";

/// Show the recording in figures
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Stats {}

impl Stats {
    /// Writes the figures to stdout.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let stats = dto::stats(&data.stats()?, &place.recorder_status());
        let mut out = stdout();
        if place.json {
            json::write_pretty(&mut out, &stats)?;
        } else {
            out.write_all(render(&stats).as_bytes())?;
        }
        Ok(out.flush()?)
    }
}

/// The figures for people: what there is, what it takes, what was lost, and what is going on.
fn render(stats: &Value) -> String {
    let number = |name: &str| stats[name].as_u64().unwrap_or(0);
    let of_segments = |name: &str| stats["segments"][name].as_u64().unwrap_or(0);
    let mut lines = vec![("recorded", recorded(stats))];
    lines.push(("packets", format!("{} ({})", count(number("packets")), bytes(number("capturedBytes")))));
    let open = of_segments("open");
    let being_written = if open > 0 { format!(", {open} more being written") } else { String::new() };
    lines.push((
        "segments",
        format!("{} sealed ({}){being_written}", count(of_segments("sealed")), bytes(number("segmentBytes"))),
    ));
    let behind = match of_segments("sealed").saturating_sub(of_segments("indexed")) {
        0 => String::new(),
        behind => format!(", {} not indexed yet", counted(behind, "segment")),
    };
    lines.push((
        "exchanges",
        format!("{} (indexes {}){behind}", count(number("exchanges")), bytes(number("indexBytes"))),
    ));
    lines.push(("lost", lost(stats)));
    for problem in stats["unreadable"].as_array().into_iter().flatten() {
        lines.push(("unreadable", problem.as_str().unwrap_or_default().to_owned()));
    }
    if !stats["recorder"].is_null() {
        recorder(&stats["recorder"], &mut lines);
    }
    lines.iter().map(|(name, text)| format!("{name:<11} {}\n", escape::line(text))).collect()
}

fn recorded(stats: &Value) -> String {
    match (stats["from"].as_str(), stats["to"].as_str()) {
        (Some(from), Some(to)) => format!("from {from} to {to}"),
        _ => "nothing sealed yet".to_owned(),
    }
}

/// Packets by cause, then how often it is not known how many.
fn lost(stats: &Value) -> String {
    let of = |name: &str| stats[name].as_object().cloned().unwrap_or_default().into_iter();
    let known = of("lostPackets").filter(|(_, count)| count.as_u64() != Some(0)).map(|(cause, packets)| {
        format!("{} ({})", counted(packets.as_u64().unwrap_or(0), "packet"), cause.replace('_', " "))
    });
    let unknown = of("lossesOfUnknownSize").map(|(cause, times)| {
        let times = times.as_u64().unwrap_or(0);
        format!(
            "an unknown number {} ({})",
            if times == 1 { "once".to_owned() } else { format!("{times} times") },
            cause.replace('_', " ")
        )
    });
    let all: Vec<String> = known.chain(unknown).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

/// The recorder's own counters; `packets seen = packets stored + packets lost` can be checked with them.
fn recorder(status: &Value, lines: &mut Vec<(&'static str, String)>) {
    let report = &status["report"];
    let number = |name: &str| count(report[name].as_u64().unwrap_or(0));
    let at = status["at"].as_str().and_then(|at| at.parse().ok()).map(Timestamp::from_nanos);
    let at = at.map(instant::rfc3339).unwrap_or_default();
    let running = if status["worker_pid"].is_null() { "not running" } else { "running" };
    lines.push((
        "recorder",
        format!(
            "{running}, last heard of at {at}, restarted {} times",
            status["restarts"].as_u64().unwrap_or(0)
        ),
    ));
    lines.push((
        "",
        format!(
            "{} packets stored, {} synced to disk, {} sealed, {} lost to the disk",
            number("appended"),
            number("synced"),
            number("sealed"),
            number("disk_lost")
        ),
    ));
    for source in report["sources"].as_array().into_iter().flatten() {
        let number = |name: &str| count(source[name].as_u64().unwrap_or(0));
        lines.push((
            "",
            format!(
                "{}: {} packets captured, {} dropped by the kernel, {} by the interface, {} by a full queue",
                source["interface"].as_str().unwrap_or_default(),
                number("captured"),
                number("kernel_dropped"),
                number("interface_dropped"),
                number("queue_lost"),
            ),
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_told_in_sentences() {
        let mut stats = json!({
            "segments": { "open": 1, "sealed": 3, "indexed": 2 }, "unreadable": [], "packets": 12_345,
            "capturedBytes": 1_500_000, "segmentBytes": 700_000, "indexBytes": 4_000, "exchanges": 7,
            "from": "2026-11-21T10:00:00Z", "to": "2026-11-21T10:05:00Z",
            "lostPackets": { "kernel": 9 }, "lossesOfUnknownSize": { "snap_length": 2 },
        });
        assert_eq!(
            render(&stats),
            "recorded    from 2026-11-21T10:00:00Z to 2026-11-21T10:05:00Z\n\
             packets     12 345 (1.5 MB)\n\
             segments    3 sealed (700 kB), 1 more being written\n\
             exchanges   7 (indexes 4.0 kB), 1 segment not indexed yet\n\
             lost        9 packets (kernel), an unknown number 2 times (snap length)\n"
        );
        stats["recorder"] = json!({ "at": "1795260255917913851", "worker_pid": 7, "restarts": 0, "report": {
            "appended": 5, "synced": 4, "sealed": 3, "disk_lost": 0,
            "sources": [{ "interface": "lo", "captured": 5, "kernel_dropped": 1 }] } });
        assert!(render(&stats).contains("lo: 5 packets captured, 1 dropped by the kernel"));
        assert!(render(&json!({})).contains("nothing sealed yet"));
    }
}
