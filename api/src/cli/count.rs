//! `remora count`: how many exchanges over time.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use segment::Timestamp;

use super::filter;
use super::range::Range;
use super::{Place, coverage, stdout};
use crate::dto::totals;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{counted, percent};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use crate::terminal::{Screen, bar, quantity};
use indexer::{Scope, Series, Timeline, Width};

const ABOUT: &str = "Count exchanges over time

Says how many exchanges match a KFL text in each stretch of time, with a bar for the eye; an empty text, or none, counts \
all. With --by each line is one protocol, outcome, source, destination or node, and its bar shows the course of time. \
Flows (whole connections) are no exchanges, and are counted instead with --flows.

Nothing is read but a few columns of the index, so counting millions takes a fraction of a second.";

const AFTER: &str = "EXAMPLES
  remora count
  remora count 'http and response.status >= 500' --from -1h --every 1m
  remora count --by protocol --from -1d --buckets 24
  remora count 'dst.name == \"shop\"' --by class
  remora count --by destination --json | jq '.series[] | {label, total: (.exchanges | add)}'";

/// Stretches of time where nothing else is said: lines of a screen, or columns of a line.
const ROWS: u32 = 30;
const COLUMNS_OF_LINE: u32 = 60;
/// Columns of a bar.
const BAR_COLUMNS: u32 = 30;

/// Count exchanges over time
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Count {
    /// What to count, e.g. 'http and response.status == 404' [default: everything]
    #[arg(default_value = "", hide_default_value = true)]
    kfl: String,
    #[command(flatten)]
    range: Range,
    /// Tell them apart by this
    #[arg(long, value_enum)]
    by: Option<By>,
    /// Length of each stretch of time, e.g. 1m; longer where there would be more than 10 000
    #[arg(long, value_name = "LENGTH")]
    every: Option<String>,
    /// Most stretches of time; their length is chosen [default: 30, with --by 60]
    #[arg(long, value_name = "N", conflicts_with = "every", value_parser = clap::value_parser!(u32).range(1..))]
    buckets: Option<u32>,
    /// Count flows rather than exchanges
    #[arg(long)]
    flows: bool,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum By {
    Protocol,
    Class,
    Source,
    Destination,
    Node,
}

/// What is shown of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    Exchanges,
    Flows,
}

impl Shown {
    fn of(self, series: &Series) -> &[u64] {
        match self {
            Self::Exchanges => &series.exchanges,
            Self::Flows => &series.flows,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Exchanges => "exchange",
            Self::Flows => "flow",
        }
    }
}

impl Count {
    /// Writes the counts to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let query = filter::parse_counted(&self.kfl)?;
        let scope = Scope { range: self.range.parse()?, ..Scope::default() };
        let width = match &self.every {
            Some(every) => {
                let every_ns = instant::length_ns(every).and_then(|ns| match ns {
                    0 => Err("a bucket is longer than nothing".to_owned()),
                    ns => Ok(ns),
                });
                Width::Fixed(every_ns.map_err(|error| Failure::CommandLine(format!("--every: {error}")))?)
            }
            None => Width::Target(self.buckets.unwrap_or(match self.by {
                Some(_) => COLUMNS_OF_LINE,
                None => ROWS,
            })),
        };
        let by = match self.by {
            None => indexer::By::Nothing,
            Some(By::Protocol) => indexer::By::Protocol,
            Some(By::Class) => indexer::By::Class,
            Some(By::Source) => indexer::By::Source,
            Some(By::Destination) => indexer::By::Destination,
            Some(By::Node) => indexer::By::Node,
        };
        let timeline = place.open()?.timeline(&query, &scope, by, width)?;
        let shown = if self.flows { Shown::Flows } else { Shown::Exchanges };
        let mut out = stdout();
        if place.json {
            json::write_line(&mut out, &totals::timeline(&timeline))?;
        } else if by == indexer::By::Nothing {
            over_time(&mut out, Screen::of_stdout(), &timeline, shown)?;
        } else {
            by_label(&mut out, Screen::of_stdout(), &timeline, shown)?;
        }
        out.flush()?;
        let total: u64 = timeline.series.iter().flat_map(|series| shown.of(series)).sum();
        let found = format!("{} in steps of {}", counted(total, shown.name()), length(timeline.every_ns));
        coverage::tell(&found, &timeline.coverage);
        Ok(())
    }
}

/// `1m`, `90s`, `250ms`: in the largest unit that needs no fraction.
fn length(ns: i64) -> String {
    const UNITS: [(i64, &str); 6] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
    ];
    let unit = UNITS.into_iter().find(|(unit_ns, _)| ns % unit_ns == 0);
    unit.map_or_else(|| format!("{ns}ns"), |(unit_ns, unit)| format!("{}{unit}", ns / unit_ns))
}

const OVER_TIME: &[Column] = &[
    Column { title: "from", fit: Fit::KeepEnd(13), align: Align::Left },
    Column { title: "count", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "", fit: Fit::CutEnd(5, Some(1)), align: Align::Left },
];

/// A line for each stretch of time.
fn over_time(out: &mut impl Write, screen: Screen, timeline: &Timeline, shown: Shown) -> io::Result<()> {
    let mut table = Table::new(out, screen, OVER_TIME);
    let counts = timeline.series.first().map(|series| shown.of(series)).unwrap_or_default();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut start_ns = timeline.start_ns;
    for count in counts {
        table.row(vec![
            Cell::styled(&instant::short(Timestamp::from_nanos(start_ns)), Style::Faint),
            Cell::new(&quantity::count(*count)),
            Cell::new(&bar::horizontal(*count, most, BAR_COLUMNS)),
        ])?;
        start_ns = start_ns.saturating_add(timeline.every_ns);
    }
    table.finish()
}

const BY_LABEL: &[Column] = &[
    Column { title: "of", fit: Fit::CutEnd(15, None), align: Align::Left },
    Column { title: "count", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "share", fit: Fit::Whole(Some(1)), align: Align::Right },
    Column { title: "over time", fit: Fit::Whole(Some(2)), align: Align::Left },
];

/// A line for each label, the largest first, and one for all.
fn by_label(out: &mut impl Write, screen: Screen, timeline: &Timeline, shown: Shown) -> io::Result<()> {
    let mut table = Table::new(out, screen, BY_LABEL);
    let columns = usize::try_from(COLUMNS_OF_LINE).unwrap_or(usize::MAX);
    let total: u64 = timeline.series.iter().flat_map(|series| shown.of(series)).sum();
    let mut all: Vec<u64> = Vec::new();
    let mut lines: Vec<(&str, Style, &[u64])> = Vec::new();
    for series in &timeline.series {
        let counts = shown.of(series);
        all.resize(counts.len(), 0);
        all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        let label = match series.label.as_deref() {
            Some("") => "(nothing)",
            Some(label) => label,
            None => "(all others)",
        };
        lines.push((label, Style::Normal, counts));
    }
    lines.retain(|(_, _, counts)| counts.iter().any(|count| *count > 0));
    lines.sort_by_key(|(_, _, counts)| std::cmp::Reverse(counts.iter().sum::<u64>()));
    if !lines.is_empty() {
        lines.push(("total", Style::Heading, &all));
    }
    for (label, style, counts) in lines {
        let count = counts.iter().sum();
        table.row(vec![
            Cell::styled(label, style),
            Cell::new(&quantity::count(count)),
            Cell::new(&percent(count, total)),
            Cell::new(&bar::line(counts, columns)),
        ])?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexer::Coverage;

    fn timeline() -> Timeline {
        let series = |label: Option<&str>, exchanges: &[u64], flows: &[u64]| Series {
            label: label.map(str::to_owned),
            exchanges: exchanges.to_vec(),
            flows: flows.to_vec(),
        };
        Timeline {
            start_ns: 1_678_675_020_000_000_000,
            every_ns: 60_000_000_000,
            series: vec![
                series(Some("HTTP"), &[8, 0, 1_234], &[0, 0, 0]),
                series(Some("DNS"), &[1, 2, 4], &[0, 0, 0]),
                series(Some("TCP"), &[0, 0, 0], &[1, 1, 0]),
                series(None, &[0, 1, 0], &[0, 0, 0]),
            ],
            coverage: Coverage::default(),
        }
    }

    #[test]
    fn each_stretch_of_time_has_a_line_and_a_bar() {
        let mut out = Vec::new();
        over_time(&mut out, Screen::PLAIN, &timeline(), Shown::Exchanges).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
from                      count  
2023-03-13 02:37:00.000Z      8  ▏
2023-03-13 02:38:00.000Z      0  
2023-03-13 02:39:00.000Z  1 234  ██████████████████████████████
"
        );
    }

    #[test]
    fn each_label_has_a_line_with_its_course() {
        let mut out = Vec::new();
        by_label(&mut out, Screen::PLAIN, &timeline(), Shown::Exchanges).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
of            count  share  over time
HTTP          1 242    99%  ▁ █
DNS               7  0.56%  ▂▄█
(all others)      1  0.08%   █ 
total         1 250   100%  ▁▁█
"
        );
    }

    #[test]
    fn lengths_are_told_in_the_largest_unit() {
        for (ns, told) in
            [(60_000_000_000, "1m"), (90_000_000_000, "90s"), (250_000_000, "250ms"), (3, "3ns")]
        {
            assert_eq!(length(ns), told);
        }
    }
}
