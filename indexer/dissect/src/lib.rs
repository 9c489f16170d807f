//! Packets in, exchanges out.
//!
//! The way inside: a packet is decoded to its innermost IP and transport headers ([`decode`]), its flow is
//! found and its bytes put in order (`flow`, [`reassembly`]), a protocol is recognised and its messages
//! are cut out and paired ([`protocol`]), and each pair leaves as an [`Exchange`].
//!
//! Everything here is pure: no I/O, no clock, no threads, no global state. Time is the packets' time.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::as_conversions))]

pub mod counters;
pub mod decode;
pub mod defragment;
pub mod dissector;
pub mod exchange;
mod flow;
pub mod limits;
pub mod protocol;
pub mod reassembly;
pub mod streams;

pub use counters::Counters;
pub use dissector::Dissector;
pub use exchange::{Endpoint, Exchange, Message, Transport};
pub use flow::report::{FlowEnd, FlowReport, IcmpError, Refusal, Way};
pub use limits::Limits;
