//! What a segment holds and how it lies on disk.
//!
//! A segment is a pcapng file inside seekable zstd, so that evidence is never locked in:
//! `zstd -dc X.pcapng.zst | tshark -r -` reads every sealed one. `FORMAT.md` draws the bytes.
//! This crate is synchronous, starts no threads and knows no network.

pub mod packet;
pub mod time;

pub use packet::{Interface, InterfaceId, LinkType, Packet, PacketRef};
pub use time::{TimeRange, Timestamp};
