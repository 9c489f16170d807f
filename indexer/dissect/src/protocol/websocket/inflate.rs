//! Decompresses messages (RFC 7692 §7.2.2) without keeping a decompressor.
//!
//! A message may refer to up to 32 KiB of what was said before it. That text is all that is kept: it is given
//! to a fresh decompressor as a stored block (RFC 1951 §3.2.4) before the message itself. So the state of a
//! connection is plain bytes, and a message costs the same whoever decodes it.
//!
//! Where earlier messages were lost, a message is decompressed twice, behind two different texts in place of
//! the lost one: if both say the same, nothing of it depended on what was lost.

use flate2::{Decompress, FlushDecompress, Status};
use serde::{Deserialize, Serialize};

use super::negotiated::Context;

/// RFC 7692 §7.2.2: what the sender took off the end.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// Most bytes decompressed at a time.
const STEP_BYTES_MAX: usize = 16 * 1024;

/// What one side's compressor remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inflater {
    takes_over: bool,
    window_bytes: usize,
    /// The end of what was said so far, at most `window_bytes`.
    window: Vec<u8>,
    /// Whether nothing was said before `window` that the compressor may refer to.
    is_known: bool,
}

/// A message as its sender meant it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inflated {
    /// What it says, as far as it could be had.
    pub bytes: Vec<u8>,
    /// Whether the limit ended it.
    pub truncated: bool,
    /// Why there is no more.
    pub error: Option<InflateError>,
}

/// Why a message could not be decompressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum InflateError {
    /// The compressed bytes break their format.
    #[error("compressed bytes are damaged")]
    Damaged,
    /// It refers to messages that were not seen.
    #[error("refers to messages that were not seen")]
    ContextLost,
    /// Bytes of it were never seen, or were too many to keep.
    #[error("compressed bytes are missing")]
    Incomplete,
    /// Compression was not agreed on.
    #[error("compression was not agreed on")]
    NotNegotiated,
}

impl Inflater {
    /// At the start of a connection (`is_known`), or somewhere in it.
    #[must_use]
    pub fn new(context: Context, is_known: bool) -> Self {
        let window_bytes = 1 << context.window_bits.min(15);
        Self { takes_over: context.takes_over, window_bytes, window: Vec::new(), is_known }
    }

    /// A message was lost, and with it what later ones may refer to.
    pub fn lose(&mut self) {
        self.window = Vec::new();
        self.is_known = !self.takes_over;
    }

    /// Decompresses one whole message into at most `bytes_max` bytes.
    pub fn message(&mut self, compressed: &[u8], bytes_max: usize) -> Inflated {
        if !self.takes_over {
            return inflate(&[], compressed, bytes_max);
        }
        let inflated = if self.is_known {
            inflate(&self.window, compressed, bytes_max)
        } else {
            let behind = |filler: u8| {
                let mut text = vec![filler; self.window_bytes.saturating_sub(self.window.len())];
                text.extend_from_slice(&self.window);
                inflate(&text, compressed, bytes_max)
            };
            let (one, other) = (behind(0x00), behind(0xff));
            if one == other {
                one
            } else {
                Inflated { bytes: Vec::new(), truncated: false, error: Some(InflateError::ContextLost) }
            }
        };
        if inflated.truncated || inflated.error.is_some() {
            self.lose();
        } else {
            self.remember(&inflated.bytes);
        }
        inflated
    }

    fn remember(&mut self, text: &[u8]) {
        self.window.extend_from_slice(text);
        let excess = self.window.len().saturating_sub(self.window_bytes);
        self.window.drain(..excess);
        self.window.shrink_to(self.window_bytes);
        self.is_known |= self.window.len() == self.window_bytes;
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.window.capacity()
    }
}

/// Decompresses `compressed` behind `window`.
fn inflate(window: &[u8], compressed: &[u8], bytes_max: usize) -> Inflated {
    let mut decompressor = Decompress::new(false);
    let mut out = Vec::new();
    if let Some(block) = stored_block(window) {
        let _ = run(&mut decompressor, &block, &mut out, window.len());
    }
    let limit = window.len().saturating_add(bytes_max);
    let end = run(&mut decompressor, compressed, &mut out, limit).and_then(|end| {
        if end == End::Input { run(&mut decompressor, &TAIL, &mut out, limit) } else { Ok(end) }
    });
    let mut bytes = out.split_off(window.len().min(out.len()));
    let truncated = bytes.len() > bytes_max;
    bytes.truncate(bytes_max);
    Inflated { bytes, truncated, error: end.err() }
}

/// RFC 1951 §3.2.4: a block that says its content as it is; the last one comes later.
fn stored_block(content: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(content.len()).ok().filter(|&length| length > 0)?;
    let mut block = vec![0];
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block.extend_from_slice(content);
    Some(block)
}

/// Why decompressing paused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// All input was used.
    Input,
    /// The stream says that it is over.
    Stream,
    /// More came out than is wanted.
    Limit,
}

/// Decompresses `input` onto `out`, until there is more than `limit` in it.
fn run(
    decompressor: &mut Decompress,
    mut input: &[u8],
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<End, InflateError> {
    loop {
        if out.len() > limit {
            return Ok(End::Limit);
        }
        // Room is cleared before it is used: no more of it than a message of this size is likely to need.
        out.reserve(input.len().saturating_mul(4).clamp(256, STEP_BYTES_MAX));
        let (before_in, before_out) = (decompressor.total_in(), out.len());
        let status = decompressor
            .decompress_vec(input, out, FlushDecompress::Sync)
            .map_err(|_| InflateError::Damaged)?;
        let used = usize::try_from(decompressor.total_in().saturating_sub(before_in)).unwrap_or(usize::MAX);
        input = input.get(used..).unwrap_or_default();
        match status {
            // RFC 7692 §7.2.3.4: a last block may be followed by an empty one, or by nothing.
            Status::StreamEnd => return Ok(End::Stream),
            _ if used == 0 && out.len() == before_out => {
                return if input.is_empty() { Ok(End::Input) } else { Err(InflateError::Damaged) };
            }
            Status::Ok | Status::BufError => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};

    use super::*;

    const CONTEXT: Context = Context { takes_over: true, window_bits: 15 };

    /// As senders compress: flushed, and the tail taken off.
    fn compress(compressor: &mut Compress, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 100);
        compressor.compress_vec(text, &mut out, FlushCompress::Sync).unwrap();
        out.strip_suffix(&TAIL).unwrap().to_vec()
    }

    #[test]
    fn messages_refer_to_earlier_ones() {
        let mut compressor = Compress::new(Compression::default(), false);
        let mut inflater = Inflater::new(CONTEXT, true);
        let text = b"{\"type\":\"subscribe\",\"channel\":\"orders\"}";
        let mut shortest = usize::MAX;
        for number in 0..2000 {
            let text = [text.as_slice(), number.to_string().as_bytes()].concat();
            let compressed = compress(&mut compressor, &text);
            shortest = shortest.min(compressed.len());
            assert_eq!(inflater.message(&compressed, 1000).bytes, text);
            assert!(inflater.memory_bytes() <= 2 * 32768);
        }
        assert!(shortest < 12, "{shortest}");
    }

    #[test]
    fn what_depends_on_lost_messages_is_not_guessed() {
        let mut compressor = Compress::new(Compression::default(), false);
        let first = compress(&mut compressor, b"hello hello, who is there?");
        let second = compress(&mut compressor, b"hello hello, who is there?");
        let mut late = Inflater::new(CONTEXT, false);
        assert_eq!(late.message(&second, 99).error, Some(InflateError::ContextLost));
        assert_eq!(late.message(&first, 99).bytes, b"hello hello, who is there?");
        assert_eq!(late.message(&second, 99).bytes, b"hello hello, who is there?");
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut compressor = Compress::new(Compression::best(), false);
        let bomb = compress(&mut compressor, &vec![0; 1 << 24]);
        let mut inflater = Inflater::new(CONTEXT, true);
        let inflated = inflater.message(&bomb, 1000);
        assert_eq!((inflated.bytes.len(), inflated.truncated), (1000, true));
        assert_eq!(inflater.message(&[0xff; 20], 1000).error, Some(InflateError::Damaged));
        assert_eq!(inflater.message(&[0x00], 1000).bytes, b"");
        assert_eq!(inflater.message(&[], 1000).bytes, b"");
    }

    #[test]
    fn a_last_block_ends_a_message() {
        let mut compressor = Compress::new(Compression::default(), false);
        let mut out = Vec::with_capacity(100);
        compressor.compress_vec(b"over and out", &mut out, FlushCompress::Finish).unwrap();
        out.push(0);
        let mut inflater = Inflater::new(Context { takes_over: false, ..CONTEXT }, true);
        assert_eq!(
            inflater.message(&out, 99),
            Inflated { bytes: b"over and out".to_vec(), truncated: false, error: None }
        );
    }
}
