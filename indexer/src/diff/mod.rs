//! What changed between two stretches of time.
//!
//! Both are summed up by endpoint and by edge, and compared: what is new, what is gone, where errors, latencies and rates
//! moved ([`compare`]). Beside that: server names that TLS clients asked for, names that DNS no longer resolves
//! ([`names`]), and fields of responses ([`fields`], from a sample).
//!
//! Every line names the test it comes from ([`statistics`]). Many are made at once, so what is reported is held to a
//! rate of false discoveries (Benjamini and Hochberg 1995) rather than to a p value, to a least effect, because with
//! many exchanges any difference is significant, and to a least number of exchanges. The tests take exchanges to be
//! independent of each other; retries and bursts are not, so a q value is a guide to reading, not a proof.
//!
//! Lines come in order of a score: `weight × effect × log10(1 + exchanges)`. The effect lies between 0 and 1: for errors the
//! change of the rate, for latencies Cliff's delta, for rates one less the smaller by the larger, for what appeared or
//! went 1. The exchanges are those of the endpoint, edge, name or field in the stretch that has more. See
//! [`What::weight`] for the weights; what got better counts half.

mod compare;
mod fields;
mod names;
mod sample;
mod statistics;

use kfl::Query;
use segment::TimeRange;

use crate::Error;
use crate::aggregate::Scope;
use crate::data::{Coverage, Data};
use crate::document::{Edge, Endpoint};

pub use fields::Sampled;

/// What is compared, and how strictly.
#[derive(Clone, Debug)]
pub struct DiffOptions {
    /// The stretch before.
    pub before: Scope,
    /// The stretch after.
    pub after: Scope,
    /// Endpoints and edges with fewer exchanges in both stretches are left out.
    pub count_min: u64,
    /// The rate of false discoveries: of what tests report, about this share may be chance.
    pub false_rate_max: f64,
    /// Most bodies that are opened in each stretch; 0 opens none and looks at headers only.
    pub bodies_max: usize,
    /// The instant that relative times in the filter count from, milliseconds.
    pub now_ms: i64,
}

/// What changed.
#[derive(Clone, PartialEq, Debug)]
pub struct Diff {
    /// The highest score first.
    pub changes: Vec<Change>,
    /// Tests that were made.
    pub tests: usize,
    /// The stretch before.
    pub before: Stretch,
    /// The stretch after.
    pub after: Stretch,
    /// What could not be compared, and why.
    pub notes: Vec<String>,
}

/// One of both stretches.
#[derive(Clone, PartialEq, Debug)]
pub struct Stretch {
    /// As far as something was recorded in it; rates are by its length.
    pub window: Option<TimeRange>,
    /// What was looked at.
    pub coverage: Coverage,
    /// How many responses the fields come from.
    pub sampled: Sampled,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// What happened.
    pub what: What,
    /// To whom.
    pub subject: Subject,
    /// The measure before, see [`What::unit`].
    pub before: f64,
    /// The measure after.
    pub after: f64,
    /// Exchanges that the measure before comes from.
    pub count_before: u64,
    /// Exchanges that the measure after comes from.
    pub count_after: u64,
    /// From 0 to 1.
    pub effect: f64,
    /// Where the line stands.
    pub score: f64,
    /// How it was found; `None` for what was just seen, or no longer.
    pub test: Option<Test>,
}

/// What a test says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Test {
    /// Its name.
    pub name: &'static str,
    /// Its statistic: z, or the rate ratio; of exact tests their p value.
    pub statistic: f64,
    /// How likely such a difference is by chance.
    pub p: f64,
    /// The same, adjusted for how many tests were made.
    pub q: f64,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum What {
    /// Servers fail at more, or fewer, exchanges.
    ErrorRate,
    /// Clients are told that they are wrong more, or less, often.
    ClientErrorRate,
    /// Exchanges take longer, or less long.
    Latency,
    /// The slow ones among them do.
    Tail,
    /// There are more, or fewer, in the same time.
    Rate,
    /// An endpoint that was not asked before.
    EndpointNew,
    /// An endpoint that is no longer asked.
    EndpointGone,
    /// Two that did not speak before.
    EdgeNew,
    /// Two that no longer speak.
    EdgeGone,
    /// A server name that no TLS client asked for before.
    ServerNameNew,
    /// A name that DNS did not fail to resolve before.
    NameFailing,
    /// A response header that an endpoint did not send before.
    HeaderNew,
    /// A response header that an endpoint no longer sends.
    HeaderGone,
    /// A field in a response's JSON that an endpoint did not send before.
    FieldNew,
    /// A field in a response's JSON that an endpoint no longer sends.
    FieldGone,
}

/// What measures are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// A share of all, 0 to 1.
    Share,
    /// Microseconds.
    Micros,
    /// In each second.
    PerSecond,
    /// Just how many.
    Count,
}

/// To whom something happened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// Something that is asked of someone.
    Endpoint(Endpoint),
    /// Two who speak.
    Edge(Edge),
    /// A name.
    Name(String),
    /// A header or field of an endpoint's responses.
    Field(Endpoint, String),
}

impl What {
    /// As answers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorRate => "error rate",
            Self::ClientErrorRate => "client error rate",
            Self::Latency => "latency p50",
            Self::Tail => "latency p95",
            Self::Rate => "rate",
            Self::EndpointNew => "new endpoint",
            Self::EndpointGone => "gone endpoint",
            Self::EdgeNew => "new edge",
            Self::EdgeGone => "gone edge",
            Self::ServerNameNew => "new TLS name",
            Self::NameFailing => "DNS name fails",
            Self::HeaderNew => "new header",
            Self::HeaderGone => "gone header",
            Self::FieldNew => "new field",
            Self::FieldGone => "gone field",
        }
    }

    /// What its measures are of.
    #[must_use]
    pub fn unit(self) -> Unit {
        match self {
            Self::ErrorRate | Self::ClientErrorRate => Unit::Share,
            Self::HeaderNew | Self::HeaderGone | Self::FieldNew | Self::FieldGone => Unit::Share,
            Self::Latency | Self::Tail => Unit::Micros,
            Self::Rate => Unit::PerSecond,
            Self::EndpointNew | Self::EndpointGone | Self::EdgeNew | Self::EdgeGone => Unit::PerSecond,
            Self::ServerNameNew | Self::NameFailing => Unit::Count,
        }
    }

    /// How much it matters beside the others.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::ErrorRate => 10.0,
            Self::ClientErrorRate => 5.0,
            Self::Latency | Self::Tail | Self::NameFailing => 4.0,
            Self::EndpointGone | Self::EdgeGone | Self::ServerNameNew => 3.0,
            Self::Rate | Self::EndpointNew | Self::EdgeNew => 2.0,
            Self::FieldNew | Self::FieldGone => 1.5,
            Self::HeaderNew | Self::HeaderGone => 1.0,
        }
    }

    /// Whether more of it is worse, so that less of it is better.
    fn can_improve(self) -> bool {
        matches!(self, Self::ErrorRate | Self::ClientErrorRate | Self::Latency | Self::Tail)
    }
}

impl Change {
    /// A line whose score follows from the rest.
    fn scored(mut self) -> Self {
        let better = if self.what.can_improve() && self.after < self.before { 0.5 } else { 1.0 };
        let exchanges = self.count_before.max(self.count_after) as f64;
        self.score = self.what.weight() * self.effect * better * (1.0 + exchanges).log10();
        self
    }
}

impl Data {
    /// Says what changed between two stretches of time.
    ///
    /// # Errors
    /// When the directory can't be listed. Segments that can't be read are named in the coverages.
    pub fn diff(&self, query: &Query, options: &DiffOptions) -> Result<Diff, Error> {
        let mut found = compare::Found::default();
        let sums_before = compare::Sums::of(self, query, &options.before)?;
        let sums_after = compare::Sums::of(self, query, &options.after)?;
        compare::compare(&sums_before, &sums_after, options, &mut found);
        names::compare(self, query, options, &mut found)?;
        let sampled = fields::compare(self, query, options, [&sums_before, &sums_after], &mut found)?;
        let [sampled_before, sampled_after] = sampled;
        let stretch = |sums: compare::Sums, sampled| Stretch {
            window: sums.endpoints.window,
            coverage: sums.endpoints.coverage,
            sampled,
        };
        let (changes, tests) = found.reported(options.false_rate_max);
        Ok(Diff {
            changes,
            tests,
            before: stretch(sums_before, sampled_before),
            after: stretch(sums_after, sampled_after),
            notes: found.notes,
        })
    }
}
