//! What is counted of the server and of the recording, as Prometheus reads it. No label is made of what was recorded.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use indexer::Stats;

/// A route, and how it went.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
pub struct Answered {
    /// The route's pattern, not the path: those are without number.
    route: String,
    /// The status.
    status: u16,
}

/// A cause of losses.
#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Cause {
    cause: String,
}

/// What is counted while the server runs.
pub struct Metrics {
    requests: Family<Answered, Counter>,
    seconds: Histogram,
    /// Entries that readers of streams were too slow for.
    pub skipped: Counter,
    /// Streams of entries that are read.
    pub streams: Gauge,
    /// Exports under way.
    pub exports: Gauge,
}

/// Counts one while it lives.
pub struct Counted(Gauge);

impl Counted {
    /// One more.
    pub fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            // 1 ms to half a minute.
            seconds: Histogram::new(exponential_buckets(0.001, 2.0, 16)),
            skipped: Counter::default(),
            streams: Gauge::default(),
            exports: Gauge::default(),
        }
    }
}

impl Metrics {
    /// Counts an answer; `route` is the pattern of its path.
    pub fn answered(&self, route: &str, status: u16, took: Duration) {
        self.requests.get_or_create(&Answered { route: route.to_owned(), status }).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    /// All of it, and what the recording tells of itself.
    pub fn text(&self, stats: &Stats, segments_waiting: usize, free_bytes: Option<u64>) -> String {
        let mut registry = Registry::with_prefix("remora");
        registry.register("http_requests", "Answers by route and status", self.requests.clone());
        registry.register("http_request_seconds", "Time until an answer begins", self.seconds.clone());
        registry.register(
            "stream_skipped_entries",
            "Entries that readers were too slow for",
            self.skipped.clone(),
        );
        registry.register("streams", "Streams of entries that are read", self.streams.clone());
        registry.register("exports", "Exports under way", self.exports.clone());
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let bytes = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let gauges = [
            ("segments_open", "Segments being written", number(stats.segments_open)),
            ("segments_sealed", "Sealed segments", number(stats.segments_sealed)),
            ("segments_unindexed", "Sealed segments without an index", number(segments_waiting)),
            ("segments_unreadable", "Manifests that can't be read", number(stats.unreadable.len())),
            ("packets", "Packets in sealed segments", bytes(stats.packets)),
            ("captured_bytes", "Bytes of those packets", bytes(stats.captured_bytes)),
            ("segment_bytes", "Size of all segment files", bytes(stats.segment_bytes)),
            ("index_bytes", "Size of all indexes", bytes(stats.index_bytes)),
            ("entries", "Entries in all indexes", bytes(stats.entries)),
        ];
        for (name, help, value) in gauges {
            registry.register(name, help, ConstGauge::new(value));
        }
        if let Some(free) = free_bytes {
            registry.register(
                "disk_free_bytes",
                "Free on the data directory's disk",
                ConstGauge::new(bytes(free)),
            );
        }
        let lost = Family::<Cause, Gauge>::default();
        for (cause, packets) in &stats.lost_packets {
            lost.get_or_create(&Cause { cause: cause.name().to_owned() }).set(bytes(*packets));
        }
        registry.register("lost_packets", "Packets that the ledger says were lost, by cause", lost);
        let mut text = String::new();
        // Writing to a text can't fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
