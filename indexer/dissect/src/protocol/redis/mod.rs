//! Redis: RESP2 and RESP3, inline commands, subscriptions, replication.
//!
//! [`frame`] cuts lines out of bytes; [`build`] nests values; [`reader`] tells what one direction says;
//! [`session`] knows what the commands so far made of the connection; [`order`] pairs replies with commands,
//! first with first, as long as no gap makes that uncertain; [`dissector`] puts them together. [`command`]
//! knows the commands; [`side`] and [`resync`] know where a message may begin after a gap.
//!
//! A reply says nothing about the command it answers: only the order does. So nothing is paired across a gap
//! until the connection has shown that it stands still between commands (see [`order`]).

pub mod build;
pub mod command;
pub mod dissector;
pub mod frame;
pub mod message;
pub mod order;
pub mod reader;
pub mod resync;
pub mod session;
pub mod side;
pub mod snapshot;

pub use dissector::Dissector;
pub use resync::probe;

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
