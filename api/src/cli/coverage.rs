//! Says on stderr what an answer covers: which segments were searched, which were missing, what was lost in
//! the range asked for. An answer is never given without.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::terminal::escape;
use crate::terminal::quantity::{bytes, count, counted};
use indexer::Coverage;

/// Missing segments that are named; the rest is counted (`--json` names all).
const MISSING_NAMED_MAX: usize = 3;

/// Writes one line, and a second one if the answer is incomplete.
pub fn tell(found: &str, coverage: &Coverage) {
    let mut stderr = io::stderr().lock();
    // The answer was given; when nobody can hear about its coverage, that is no failure.
    for line in lines(found, coverage) {
        let _ = writeln!(stderr, "{}", escape::line(&line));
    }
}

/// Writes a line that is about more than one answer.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", escape::line(line));
}

fn lines(found: &str, coverage: &Coverage) -> Vec<String> {
    let searched = number(coverage.segments_searched);
    let pruned = match coverage.segments_pruned {
        0 => String::new(),
        pruned => format!(", {} ruled out unread", count(number(pruned))),
    };
    let cut = match (coverage.stopped, coverage.truncated) {
        (Some(stop), _) => {
            let next = coverage.next.as_ref().map(|next| format!(" (go on with --after {next})"));
            format!("; cut {}, there may be more{}", stop.reason(), next.unwrap_or_default())
        }
        (None, true) => "; cut at the limit, there is more".to_owned(),
        (None, false) => String::new(),
    };
    let mut lines = vec![format!("{found} from {}{pruned}{cut}", counted(searched, "segment"))];
    let mut incomplete = Vec::new();
    if !coverage.segments_missing.is_empty() {
        let missing = &coverage.segments_missing;
        let named = missing.get(..MISSING_NAMED_MAX.min(missing.len())).unwrap_or_default().join("; ");
        let more = match missing.len().saturating_sub(MISSING_NAMED_MAX) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        incomplete.push(format!("{} missing ({named}{more})", counted(number(missing.len()), "segment")));
    }
    if !coverage.losses.is_empty() {
        incomplete.push(format!("lost in this range: {}", losses(coverage)));
    }
    if incomplete.is_empty() && coverage.entries == 0 && !coverage.truncated && coverage.plan.segments > 0 {
        lines.push("nothing found, and nothing of this range is missing".to_owned());
    }
    if !incomplete.is_empty() {
        lines.push(format!("incomplete: {}", incomplete.join(", ")));
    }
    lines
}

/// Losses by cause: what is known, and how often it is not known how much.
fn losses(coverage: &Coverage) -> String {
    let mut by_cause: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for loss in &coverage.losses {
        let (packets, lost_bytes, unknown) = by_cause.entry(loss.cause.name()).or_default();
        *packets = packets.saturating_add(loss.packets.unwrap_or(0));
        *lost_bytes = lost_bytes.saturating_add(loss.bytes.unwrap_or(0));
        *unknown += u64::from(loss.packets.is_none() && loss.bytes.is_none());
    }
    let told = by_cause.into_iter().map(|(cause, (packets, lost_bytes, unknown))| {
        let mut parts = Vec::new();
        if packets > 0 {
            parts.push(counted(packets, "packet"));
        }
        if lost_bytes > 0 {
            parts.push(bytes(lost_bytes));
        }
        if unknown > 0 {
            parts.push(format!(
                "an unknown number {}",
                if unknown == 1 { "once".to_owned() } else { format!("{unknown} times") }
            ));
        }
        format!("{} ({})", parts.join(", "), cause.replace('_', " "))
    });
    told.collect::<Vec<_>>().join("; ")
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use segment::{Loss, LossCause, TimeRange};

    use super::*;

    #[test]
    fn a_whole_answer_takes_one_line_and_an_incomplete_one_says_why() {
        let whole = Coverage { segments_searched: 3, segments_pruned: 5, entries: 2, ..Coverage::default() };
        assert_eq!(lines("2 exchanges", &whole), ["2 exchanges from 3 segments, 5 ruled out unread"]);
        let loss = |packets| Loss {
            range: TimeRange::ALL,
            interface: None,
            cause: LossCause::Kernel,
            packets,
            bytes: None,
            note: String::new(),
        };
        let incomplete = Coverage {
            segments_searched: 1,
            segments_missing: vec!["web-1: gone".to_owned()],
            losses: vec![loss(Some(3)), loss(Some(4)), loss(None)],
            truncated: true,
            ..Coverage::default()
        };
        assert_eq!(
            lines("1 exchange", &incomplete),
            [
                "1 exchange from 1 segment; cut at the limit, there is more",
                "incomplete: 1 segment missing (web-1: gone), lost in this range: 7 packets, an unknown number once (kernel)",
            ]
        );
    }
}
