//! Flows: both directions of a 5-tuple, found by [`key`], kept in [`table`], followed by [`tcp`] and [`udp`].
//!
//! A flow ends when both sides closed it, when new packets show that its ports serve another connection,
//! when it was silent for long, or when it must make room. Time is packet time.

pub(crate) mod asking;
pub(crate) mod key;
pub(crate) mod recognition;
pub mod report;
pub(crate) mod table;
pub(crate) mod tap;
pub(crate) mod tcp;
pub(crate) mod udp;
