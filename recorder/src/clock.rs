//! The one place that asks what time it is.
//!
//! Everything else gets instants as arguments, so that rotation, budgets and the watchdog can be
//! tested with made-up times.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use segment::Timestamp;

/// The wall clock, UTC. Saturates in the year 2262.
#[must_use]
pub fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}

/// A clock that never goes back.
#[must_use]
pub fn monotonic() -> Instant {
    #[allow(clippy::disallowed_methods, reason = "this is the edge")]
    Instant::now()
}
