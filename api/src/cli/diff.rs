//! `remora diff`: what changed between two stretches of time.

use std::io::{self, Write};

use clap::Args;
use segment::TimeRange;

use super::filter;
use super::{Place, coverage, stdout};
use crate::dto::differences;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{count, counted, micros};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::{Budget, Change, Diff as Found, DiffOptions, Scope, Stretch, Subject, Unit, What};

const ABOUT: &str = "Show what changed between two stretches of time

Compares endpoints, edges, names and responses of the stretch --b with those of the stretch --a: endpoints and edges that \
are new or gone, error rates, latencies and rates that moved, server names that no TLS client asked for before, names \
that DNS fails to resolve, headers and JSON fields that responses did not have.

Each line names its test: two-proportion z for error rates, Mann-Whitney U for latencies, the Poisson rate ratio for rates, \
Fisher's exact test for fields, which come from a sample that stderr tells of. `q` is the p value adjusted for the number of \
tests (Benjamini-Hochberg): of lines with q up to 0.01, one in a hundred may be chance. Names have no test: one is enough. \
Lines come in order of a score, weight × effect × log10(1 + exchanges): what touches more of more exchanges comes first.";

const AFTER: &str = "EXAMPLES
  remora diff --a -2h..-1h --b -1h..now
  remora diff --a 2026-11-21T10:00..2026-11-21T10:05 --b 2026-11-21T10:05..2026-11-21T10:10 'dst.name == \"shop\"'
  remora diff --a -1d..-23h --b -1h..now http --limit 10
  remora diff --a -2h..-1h --b -1h..now --json | jq '.changes[] | select(.what == \"error rate\")'

STRETCHES
  FROM..TO with the same instants as --from and --to elsewhere; either may be left out: ..now, -1h..";

/// Show what changed between two stretches of time
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Diff {
    /// Which entries count [default: all]
    #[arg(default_value = "", hide_default_value = true)]
    kfl: String,
    /// The stretch before
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    a: String,
    /// The stretch after
    #[arg(long, value_name = "FROM..TO", allow_hyphen_values = true)]
    b: String,
    /// Leave out endpoints and edges with fewer exchanges
    #[arg(long, value_name = "N", default_value_t = 10)]
    min_count: u64,
    /// The share of lines that may be chance, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    false_rate: f64,
    /// Most bodies to open in each stretch, to compare JSON fields; 0 for none
    #[arg(long, value_name = "N", default_value_t = 200)]
    bodies: usize,
    /// Most lines to show [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl Diff {
    /// Writes what changed to stdout and the coverage of both stretches to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let query = filter::parse_counted(&self.kfl)?;
        let scope =
            |name, text| Ok::<_, Failure>(Scope { range: stretch(name, text)?, budget: Budget::default() });
        let options = DiffOptions {
            before: scope("--a", &self.a)?,
            after: scope("--b", &self.b)?,
            count_min: self.min_count,
            false_rate_max: self.false_rate,
            bodies_max: self.bodies,
            now_ms: instant::now().millis(),
        };
        let mut found = place.open()?.diff(&query, &options)?;
        let all = found.changes.len() as u64;
        found.changes.truncate(self.limit.unwrap_or(usize::MAX));
        let mut out = stdout();
        if place.json {
            json::write_line(&mut out, &differences::diff(&found))?;
        } else {
            table(&mut out, Screen::of_stdout(), &found)?;
        }
        out.flush()?;
        tell(all, &found);
        Ok(())
    }
}

/// `FROM..TO`. A time has no two dots in a row.
fn stretch(name: &str, text: &str) -> Result<TimeRange, Failure> {
    let wrong = |why: String| Failure::CommandLine(format!("{name}: {why}"));
    let (from, to) =
        text.split_once("..").ok_or_else(|| wrong("expected FROM..TO, such as -2h..-1h".to_owned()))?;
    let given = |text: &'_ str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    instant::range(given(from).as_deref(), given(to).as_deref()).map_err(wrong)
}

fn tell(all: u64, found: &Found) {
    let tests = counted(found.tests as u64, "test");
    for (name, stretch) in [("--a", &found.before), ("--b", &found.after)] {
        let Stretch { sampled, .. } = stretch;
        let sample = format!(
            "headers of {} and bodies of {} in {} sampled",
            count(sampled.exchanges),
            count(sampled.bodies),
            counted(sampled.of, "exchange")
        );
        coverage::tell(&format!("{name}: {sample}"), &stretch.coverage);
    }
    let notes: String = found.notes.iter().map(|note| format!("; {note}")).collect();
    coverage::say(&format!("{} by {tests}{notes}", counted(all, "change")));
}

const COLUMNS: &[Column] = &[
    Column { title: "score", fit: Fit::Whole(Some(5)), align: Align::Right },
    Column { title: "what", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "of", fit: Fit::CutEnd(20, None), align: Align::Left },
    Column { title: "before", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "after", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "exchanges", fit: Fit::Whole(Some(3)), align: Align::Right },
    Column { title: "effect", fit: Fit::Whole(Some(4)), align: Align::Right },
    Column { title: "q", fit: Fit::Whole(Some(2)), align: Align::Right },
    Column { title: "test", fit: Fit::CutEnd(8, Some(6)), align: Align::Left },
];

fn table(out: &mut impl Write, screen: Screen, found: &Found) -> io::Result<()> {
    let mut table = Table::new(out, screen, COLUMNS);
    for change in &found.changes {
        table.row(cells(change))?;
    }
    table.finish()
}

fn cells(change: &Change) -> Vec<Cell> {
    let got_worse = change.after > change.before;
    let style = match change.what {
        What::ErrorRate | What::ClientErrorRate | What::Latency | What::Tail if got_worse => Style::Bad,
        What::ErrorRate | What::ClientErrorRate | What::Latency | What::Tail => Style::Good,
        What::NameFailing | What::EndpointGone | What::EdgeGone => Style::Bad,
        _ => Style::Notice,
    };
    let test = match &change.test {
        Some(test) if test.name.starts_with("Fisher") => test.name.to_owned(),
        Some(test) => format!("{} {:.2}", test.name, test.statistic),
        None => "seen for the first time".to_owned(),
    };
    vec![
        Cell::styled(&format!("{:.2}", change.score), Style::Faint),
        Cell::styled(change.what.name(), style),
        Cell::new(&subject(&change.subject)),
        Cell::new(&measure(change.what, change.before)),
        Cell::new(&measure(change.what, change.after)),
        Cell::new(&format!("{} → {}", count(change.count_before), count(change.count_after))),
        Cell::new(&format!("{:.2}", change.effect)),
        Cell::new(&change.test.map_or_else(|| "-".to_owned(), |test| likelihood(test.q))),
        Cell::styled(&test, Style::Faint),
    ]
}

/// To whom it happened, on a line.
pub fn subject(subject: &Subject) -> String {
    let endpoint = |endpoint: &indexer::Endpoint| {
        let parts = [&endpoint.destination, &endpoint.protocol, &endpoint.method, &endpoint.template];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" ")
    };
    match subject {
        Subject::Endpoint(of) => endpoint(of),
        Subject::Edge(edge) => format!("{} → {} {}", edge.source, edge.destination, edge.protocol),
        Subject::Name(name) => name.clone(),
        Subject::Field(of, field) => format!("{field} of {}", endpoint(of)),
    }
}

fn measure(what: What, value: f64) -> String {
    match what.unit() {
        Unit::Share => format!("{:.1}%", value * 100.0),
        Unit::Micros => micros(whole(value)),
        Unit::PerSecond => format!("{value:.2}/s"),
        Unit::Count => count(whole(value)),
    }
}

fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// `0.004`, `2e-9`.
fn likelihood(q: f64) -> String {
    if q >= 0.001 { format!("{q:.3}") } else { format!("{q:.0e}") }
}

#[cfg(test)]
mod tests {
    use indexer::{Edge, Endpoint, Test};

    use super::*;

    fn found() -> Found {
        let endpoint = Endpoint {
            destination: "shop".to_owned(),
            protocol: "HTTP".to_owned(),
            method: "GET".to_owned(),
            template: "/carts/{id}".to_owned(),
        };
        let edge = Edge { source: "a".to_owned(), destination: "b".to_owned(), protocol: "DNS".to_owned() };
        let change = |what, subject, before, after, test: Option<(&'static str, f64, f64)>| Change {
            what,
            subject,
            before,
            after,
            count_before: 1_000,
            count_after: 900,
            effect: 0.25,
            score: 7.5,
            test: test.map(|(name, statistic, q)| Test { name, statistic, p: q / 2.0, q }),
        };
        let of = Subject::Endpoint(endpoint.clone());
        let stretch = || Stretch {
            window: None,
            coverage: indexer::Coverage::default(),
            sampled: indexer::Sampled::default(),
        };
        Found {
            changes: vec![
                change(What::ErrorRate, of.clone(), 0.01, 0.26, Some(("two-proportion z", 15.1, 1e-12))),
                change(What::Latency, of, 12_000.0, 48_000.0, Some(("Mann-Whitney U", 5.0, 0.004))),
                change(
                    What::EdgeNew,
                    Subject::Edge(edge),
                    0.0,
                    2.5,
                    Some(("Poisson rate ratio", f64::INFINITY, 1e-7)),
                ),
                change(What::ServerNameNew, Subject::Name("evil.example".to_owned()), 0.0, 1.0, None),
                change(
                    What::FieldNew,
                    Subject::Field(endpoint, "items[].price".to_owned()),
                    0.0,
                    1.0,
                    Some(("Fisher's exact, on a sample", 0.0, 1e-20)),
                ),
            ],
            tests: 12,
            before: stretch(),
            after: stretch(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_change_takes_a_line() {
        let mut out = Vec::new();
        table(&mut out, Screen::PLAIN, &found()).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
score  what          of                                          before   after    exchanges  effect      q  test
 7.50  error rate    shop HTTP GET /carts/{id}                     1.0%   26.0%  1 000 → 900    0.25  1e-12  two-proportion z 15.10
 7.50  latency p50   shop HTTP GET /carts/{id}                     12ms    48ms  1 000 → 900    0.25  0.004  Mann-Whitney U 5.00
 7.50  new edge      a → b DNS                                   0.00/s  2.50/s  1 000 → 900    0.25   1e-7  Poisson rate ratio inf
 7.50  new TLS name  evil.example                                     0       1  1 000 → 900    0.25      -  seen for the first time
 7.50  new field     items[].price of shop HTTP GET /carts/{id}    0.0%  100.0%  1 000 → 900    0.25  1e-20  Fisher's exact, on a sample
"
        );
    }

    #[test]
    fn stretches_are_two_instants() {
        let range = stretch("--a", "2026-11-21T10:00..2026-11-21T10:05:00.5Z").unwrap();
        assert_eq!(range.end().since(range.start()), 300_500_000_000);
        assert_eq!(stretch("--a", "..").unwrap(), TimeRange::ALL);
        assert!(stretch("--b", "-2h..-1h").is_ok() && stretch("--b", "-1h..").is_ok());
        for wrong in ["-2h", "-1h..-2h", "x..y"] {
            let Err(Failure::CommandLine(why)) = stretch("--a", wrong) else { panic!("{wrong}") };
            assert!(why.starts_with("--a: "), "{why}");
        }
    }
}
