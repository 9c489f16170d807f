//! What is summed up of the entries of one endpoint or edge.

use serde::{Deserialize, Serialize};

use super::labelled::Total;
use super::latency::Latencies;
use crate::document::{Class, Facts};

/// Sums over entries. Flows are no exchanges: their bytes hold those of the exchanges within them, so both are counted apart.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Exchanges.
    pub count: u64,
    /// Those at which the server failed, see [`Class::is_error`].
    pub errors: u64,
    /// Those that the client got wrong: HTTP 4xx.
    pub client_errors: u64,
    /// Those without an answer.
    pub unanswered: u64,
    /// Bytes of the requests on the wire.
    pub request_bytes: u64,
    /// Bytes of the responses on the wire.
    pub response_bytes: u64,
    /// Flows.
    pub flows: u64,
    /// Bytes of the flows on the wire, from the client.
    pub flow_request_bytes: u64,
    /// Bytes of the flows on the wire, from the server.
    pub flow_response_bytes: u64,
    /// How long exchanges took, where both sides were seen.
    pub latencies: Latencies,
}

/// What a tally takes of one entry.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// How it went.
    pub class: Class,
    /// How long it took.
    pub elapsed_us: Option<u64>,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the response.
    pub response_bytes: u64,
}

impl Part {
    /// Of an entry.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let Facts { class, elapsed_us, request_bytes, response_bytes, .. } = *facts;
        Self { class, elapsed_us, request_bytes, response_bytes }
    }

    /// Whether it is of an exchange, rather than of a flow.
    #[inline]
    #[must_use]
    pub fn is_exchange(&self) -> bool {
        self.class != Class::Flow
    }
}

impl Tally {
    /// Takes one entry.
    #[inline]
    pub fn take(&mut self, part: Part) {
        if !part.is_exchange() {
            self.flows += 1;
            self.flow_request_bytes += part.request_bytes;
            self.flow_response_bytes += part.response_bytes;
            return;
        }
        self.count += 1;
        self.errors += u64::from(part.class.is_error());
        self.client_errors += u64::from(part.class == Class::ClientError);
        self.unanswered += u64::from(part.class == Class::Unanswered);
        self.request_bytes += part.request_bytes;
        self.response_bytes += part.response_bytes;
        if let Some(us) = part.elapsed_us {
            self.latencies.add(us);
        }
    }
}

impl Total for Tally {
    fn add(&mut self, other: Self) {
        let add = |into: &mut u64, more: u64| *into = into.saturating_add(more);
        add(&mut self.count, other.count);
        add(&mut self.errors, other.errors);
        add(&mut self.client_errors, other.client_errors);
        add(&mut self.unanswered, other.unanswered);
        add(&mut self.request_bytes, other.request_bytes);
        add(&mut self.response_bytes, other.response_bytes);
        add(&mut self.flows, other.flows);
        add(&mut self.flow_request_bytes, other.flow_request_bytes);
        add(&mut self.flow_response_bytes, other.flow_response_bytes);
        self.latencies.merge(&other.latencies);
    }
}
