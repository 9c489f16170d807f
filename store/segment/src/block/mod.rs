//! pcapng blocks: the one encoder and the one parser, for segments and for capture files.
//!
//! A block is `type, length, body, length` with the body padded to four bytes
//! (draft-ietf-opsawg-pcapng, section 3.1). We write little-endian; both orders are read.

pub(crate) mod bytes;
pub(crate) mod decode;
pub(crate) mod encode;

use bytes::{Order, read_u32};

/// Section Header Block; the same in either byte order.
pub(crate) const SECTION_HEADER: u32 = 0x0A0D_0D0A;
/// Interface Description Block.
pub(crate) const INTERFACE: u32 = 1;
/// Packet Block, obsolete but still found.
pub(crate) const OLD_PACKET: u32 = 2;
/// Simple Packet Block.
pub(crate) const SIMPLE_PACKET: u32 = 3;
/// Name Resolution Block.
pub(crate) const NAMES: u32 = 4;
/// Interface Statistics Block.
pub(crate) const STATISTICS: u32 = 5;
/// Enhanced Packet Block.
pub(crate) const ENHANCED_PACKET: u32 = 6;
/// Decryption Secrets Block.
pub(crate) const SECRETS: u32 = 10;
/// Custom Block that tools may copy to another file.
pub(crate) const CUSTOM: u32 = 0x0000_0BAD;
/// The type of our own blocks: a Custom Block's body under a type of local use (the highest bit set).
/// Wireshark lists custom blocks of makers it doesn't know as if they were packets, which would shift every
/// frame number behind them; types of local use are passed over by every tool.
pub(crate) const LOCAL_CUSTOM: u32 = 0x8000_0BAD;

/// `type, length … length` around a body.
pub(crate) const ENVELOPE_BYTES: usize = 12;

/// Whose custom blocks ours are. RFC 5612 sets 32473 aside for examples and documentation, which
/// is the only number that may be used without being assigned one; `name` tells ours from others'.
pub(crate) const PRIVATE_ENTERPRISE_NUMBER: u32 = 32473;

/// First bytes of the data of our custom blocks.
pub(crate) const CUSTOM_MAGIC: [u8; 4] = *b"REMO";

/// `if_tsresol` of every interface we write: 10⁻⁹ seconds.
pub(crate) const TSRESOL_NANOS: u8 = 9;

/// `secrets_type` of TLS key logs.
pub(crate) const SECRETS_TLS_KEY_LOG: u32 = 0x544c_534b;

/// Most bytes of packet data in one record. 16 MiB is far above any link's frame or offloaded
/// super-frame, and small enough to hold a few in memory.
pub const PACKET_BYTES_MAX: usize = 16 << 20;

/// Most bytes of one block: the largest packet with room for options.
pub const BLOCK_BYTES_MAX: usize = PACKET_BYTES_MAX + (1 << 20);

/// A block of which only the envelope was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawBlock<'a> {
    /// Its type.
    pub block_type: u32,
    /// Between the two lengths.
    pub body: &'a [u8],
}

/// The bytes are not what pcapng says they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed(pub &'static str);

/// The first block of `input` and its length; `None` at the end of the input.
pub(crate) fn split(input: &[u8], order: Order) -> Result<Option<(RawBlock<'_>, usize)>, Malformed> {
    if input.is_empty() {
        return Ok(None);
    }
    let short = Malformed("block: shorter than its envelope");
    let block_type = read_u32(input, 0, order).ok_or(short)?;
    let length = read_u32(input, 4, order).and_then(|length| usize::try_from(length).ok()).ok_or(short)?;
    if length < ENVELOPE_BYTES || !length.is_multiple_of(4) || length > BLOCK_BYTES_MAX {
        return Err(Malformed("block: impossible length"));
    }
    let block = input.get(..length).ok_or(Malformed("block: longer than what holds it"))?;
    let end = length - 4;
    let body = block.get(8..end).ok_or(short)?;
    if read_u32(block, end, order).and_then(|last| usize::try_from(last).ok()) != Some(length) {
        return Err(Malformed("block: its two lengths differ"));
    }
    Ok(Some((RawBlock { block_type, body }, length)))
}
