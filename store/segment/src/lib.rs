//! What a segment holds and how it lies on disk.
//!
//! A segment is a pcapng file inside seekable zstd, so that evidence is never locked in:
//! `zstd -dc X.pcapng.zst | tshark -r -` reads every sealed one. `FORMAT.md` draws the bytes.
//! This crate is synchronous, starts no threads and knows no network.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros))]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::as_conversions))]

// What is recorded.
pub mod id;
pub mod packet;
pub mod record;
pub mod time;

// Its bytes: blocks in frames, and what lies behind the frames.
mod block;
mod codec;
pub mod flow;
pub mod footer;
pub mod frame;
mod hash;
pub mod seal;
mod seek_table;
mod tail;
mod zstd_frame;

// Whole segments.
pub mod manifest;
pub mod reader;
pub mod repair;
pub mod tally;
pub mod verify;
pub mod writer;

// Files of other formats, and errors.
pub mod capture_file;
mod error;
pub mod pcapng_writer;

pub use block::{BLOCK_BYTES_MAX, PACKET_BYTES_MAX};
pub use codec::{Header, Origin};
pub use ed25519_dalek::SigningKey;
pub use error::{Error, ErrorKind};
pub use footer::{Footer, FrameEntry};
pub use frame::{Frame, FrameBuilder, FrameKind, Records};
pub use id::{Chain, Digest, SegmentId};
pub use manifest::{InterfaceCount, Manifest};
pub use packet::{Interface, InterfaceId, LinkType, Packet, PacketRef};
pub use pcapng_writer::PcapngWriter;
pub use reader::{Reading, SegmentReader};
pub use record::{ClockState, InterfaceStatistics, Loss, LossCause, NameRecord, Names, Record};
pub use repair::{Repaired, repair};
pub use seal::Seal;
pub use time::{TimeRange, Timestamp};
pub use verify::{Problem, Verification, derive_manifest, verify};
pub use writer::{COMPRESSION_LEVEL, FinishedSegment, SegmentWriter, WriterOptions};
