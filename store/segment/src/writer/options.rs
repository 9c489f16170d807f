//! How a segment is written, and what it says about who wrote it.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use crate::codec::Origin;
use crate::id::Digest;

/// A frame ends before it would hold more than this: large enough that zstd finds most of what repeats, small
/// enough that one packet is had by decompressing a quarter of a megabyte.
pub const FRAME_BYTES_MAX: usize = 256 << 10;

/// zstd level. On captures of real traffic level 1 makes files 1.6 % smaller and takes half as much CPU time
/// again, and the recorder has to keep up with the wire beside the programs it watches.
pub const COMPRESSION_LEVEL: i32 = -1;

/// How a segment is written, and what it says about who wrote it.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// zstd level.
    pub compression_level: i32,
    /// A frame ends before it would hold more than this; a single larger record makes a larger frame.
    pub frame_bytes_max: usize,
    /// The machine that records.
    pub node: String,
    /// Which boot of that machine.
    pub boot_id: String,
    /// Program and version (`remora-recorder 0.1.0`).
    pub recorder: String,
    /// Kind of machine, for people; may be empty.
    pub hardware: String,
    /// Operating system, for people; may be empty.
    pub system: String,
    /// Root digest of the segment before, if there is one.
    pub previous: Option<Digest>,
    /// Where the packets come from.
    pub origin: Origin,
    /// A number that nobody outside can guess; see [`Header::nonce`](crate::Header::nonce). By default the system's randomness.
    pub nonce: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            compression_level: COMPRESSION_LEVEL,
            frame_bytes_max: FRAME_BYTES_MAX,
            node: String::new(),
            boot_id: String::new(),
            recorder: concat!("remora segment ", env!("CARGO_PKG_VERSION")).to_owned(),
            hardware: String::new(),
            system: String::new(),
            previous: None,
            origin: Origin::Capture,
            nonce: random(),
        }
    }
}

/// The keys that the standard library gives its hash maps.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
