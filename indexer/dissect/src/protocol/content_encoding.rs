//! Undoes content codings (RFC 9110 §8.4): gzip, deflate, br, zstd, snappy, several in sequence.
//!
//! Compressed bytes from the wire are hostile: every step stops at a limit on what it makes, and a damaged
//! or cut body gives what could be decoded before the damage.

use std::io::Read;

use crate::protocol::snappy;

/// Most codings undone in sequence; honest senders use one, a bomb may nest many.
const CODINGS_MAX: usize = 4;

/// Largest window of a zstd frame: what RFC 9659 allows for this coding. A frame of ten bytes may ask for
/// gigabytes.
const ZSTD_WINDOW_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A body as its sender meant it, as far as that could be had.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// The decoded bytes; where a coding is not known, the bytes as they were.
    pub bytes: Vec<u8>,
    /// Whether the limit cut `bytes`.
    pub truncated: bool,
    /// Why decoding ended early, if it did.
    pub error: Option<DecodeError>,
}

/// Why a body could not be decoded to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// The coding is none we know.
    #[error("content coding is not known")]
    UnknownCoding,
    /// More codings than any honest sender applies.
    #[error("more than {CODINGS_MAX} content codings")]
    TooManyCodings,
    /// A zstd window larger than RFC 9659 allows.
    #[error("zstd window is larger than {ZSTD_WINDOW_BYTES_MAX} bytes")]
    WindowTooLarge,
    /// The bytes end early or break their format; what came before is kept.
    #[error("encoded bytes are damaged or cut")]
    Damaged,
}

/// Undoes `codings`, given in the order in which they were applied, on `body`.
#[must_use]
pub fn decode(codings: &[&[u8]], body: &[u8], decoded_bytes_max: usize) -> Decoded {
    let mut decoded = Decoded { bytes: Vec::new(), truncated: false, error: None };
    let mut undone = 0;
    for name in codings.iter().rev() {
        let coding = match Coding::of(name) {
            Ok(Coding::Identity) => continue,
            Ok(coding) => coding,
            Err(error) => {
                decoded.error = Some(error);
                break;
            }
        };
        if undone == CODINGS_MAX {
            decoded.error = Some(DecodeError::TooManyCodings);
            break;
        }
        let input = if undone == 0 { body } else { &decoded.bytes };
        let step = undo(coding, input, decoded_bytes_max);
        undone += 1;
        decoded = Decoded {
            bytes: step.bytes,
            truncated: decoded.truncated || step.truncated,
            error: decoded.error.or(step.error),
        };
    }
    if undone == 0 {
        decoded.truncated = body.len() > decoded_bytes_max;
        decoded.bytes = body.get(..decoded_bytes_max).unwrap_or(body).to_vec();
    }
    decoded
}

/// A registered coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coding {
    /// Also what is framing, not coding (`chunked`), and list elements that are empty.
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
    /// Not registered, but what Prometheus and gRPC call it.
    Snappy,
}

impl Coding {
    fn of(name: &[u8]) -> Result<Self, DecodeError> {
        let name = name.trim_ascii().to_ascii_lowercase();
        match name.as_slice() {
            b"" | b"identity" | b"none" | b"chunked" => Ok(Self::Identity),
            b"gzip" | b"x-gzip" => Ok(Self::Gzip),
            b"deflate" => Ok(Self::Deflate),
            b"br" => Ok(Self::Brotli),
            b"zstd" => Ok(Self::Zstd),
            b"snappy" => Ok(Self::Snappy),
            _ => Err(DecodeError::UnknownCoding),
        }
    }
}

fn undo(coding: Coding, input: &[u8], bytes_max: usize) -> Decoded {
    match coding {
        Coding::Identity => Decoded { bytes: input.to_vec(), truncated: false, error: None },
        Coding::Gzip => read_all(flate2::read::MultiGzDecoder::new(input), bytes_max),
        Coding::Deflate => undo_deflate(input, bytes_max),
        Coding::Brotli => read_all(brotli_decompressor::Decompressor::new(input, 4096), bytes_max),
        Coding::Zstd => undo_zstd(input, bytes_max),
        Coding::Snappy => {
            let snappy::Undone { bytes, truncated, damaged } = snappy::undo(input, bytes_max);
            Decoded { bytes, truncated, error: damaged.then_some(DecodeError::Damaged) }
        }
    }
}

/// `deflate` means the zlib format (RFC 9110 §8.4.1.2), but some senders leave its header out.
fn undo_deflate(input: &[u8], bytes_max: usize) -> Decoded {
    let zlib = read_all(flate2::read::ZlibDecoder::new(input), bytes_max);
    if zlib.error.is_some() && zlib.bytes.is_empty() {
        return read_all(flate2::read::DeflateDecoder::new(input), bytes_max);
    }
    zlib
}

/// One frame after the other (RFC 8878 §3.1), each of which may be empty.
fn undo_zstd(mut input: &[u8], bytes_max: usize) -> Decoded {
    let mut decoded = Decoded { bytes: Vec::new(), truncated: false, error: None };
    while !input.is_empty() && !decoded.truncated && decoded.error.is_none() {
        if zstd_window_bytes(input).is_some_and(|bytes| bytes > ZSTD_WINDOW_BYTES_MAX) {
            decoded.error = Some(DecodeError::WindowTooLarge);
            break;
        }
        let Ok(decoder) = ruzstd::decoding::StreamingDecoder::new(&mut input) else {
            decoded.error = Some(DecodeError::Damaged);
            break;
        };
        let frame = read_all(decoder, bytes_max.saturating_sub(decoded.bytes.len()));
        decoded.bytes.extend_from_slice(&frame.bytes);
        decoded.truncated = frame.truncated;
        decoded.error = frame.error;
    }
    decoded
}

/// The window that a zstd frame asks for (RFC 8878 §3.1.1.1); `None` if the header is cut.
fn zstd_window_bytes(frame: &[u8]) -> Option<u64> {
    let (_magic, rest) = frame.split_first_chunk::<4>()?;
    let (&descriptor, rest) = rest.split_first()?;
    let is_single_segment = descriptor & 0x20 != 0;
    if !is_single_segment {
        // RFC 8878 §3.1.1.1.2: five bits of exponent, three of mantissa.
        let window = *rest.first()?;
        let base = 1_u64 << (10 + (window >> 3));
        return Some(base + base / 8 * u64::from(window & 7));
    }
    // RFC 8878 §3.1.1.1.4: the content's size, behind the dictionary's id, is the window.
    let dictionary_id_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3))?;
    let size = rest.get(*dictionary_id_bytes..)?;
    match descriptor >> 6 {
        0 => size.first().map(|byte| u64::from(*byte)),
        1 => size.first_chunk().map(|bytes| u64::from(u16::from_le_bytes(*bytes)) + 256),
        2 => size.first_chunk().map(|bytes| u64::from(u32::from_le_bytes(*bytes))),
        _ => size.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
    }
}

/// Reads to the end, to the first error, or to the limit, and keeps what came.
fn read_all(decoder: impl Read, bytes_max: usize) -> Decoded {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    // One byte more than allowed tells a body that just fits from one that does not.
    let end = decoder.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    let truncated = bytes.len() > bytes_max;
    bytes.truncate(bytes_max);
    let error = if truncated { None } else { end.err().map(|_| DecodeError::Damaged) };
    Decoded { bytes, truncated, error }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const TEXT: &[u8] = b"to be or not to be, to be or not to be";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn whole(codings: &[&[u8]], body: &[u8]) -> Vec<u8> {
        let decoded = decode(codings, body, 1 << 20);
        assert_eq!((decoded.truncated, decoded.error), (false, None));
        decoded.bytes
    }

    #[test]
    fn each_coding_is_undone() {
        assert_eq!(whole(&[], TEXT), TEXT);
        assert_eq!(whole(&[b"identity", b""], TEXT), TEXT);
        assert_eq!(whole(&[b" X-GZip"], &gzip(TEXT)), TEXT);
        assert_eq!(whole(&[b"deflate"], &zlib(TEXT)), TEXT);
        let raw = zlib(TEXT);
        assert_eq!(whole(&[b"deflate"], &raw[2..raw.len() - 4]), TEXT);
        // As the command line tools make them.
        let zstd = b"\x28\xb5\x2f\xfd\x04\x58\x65\x00\x00\x30hello \x01\x00\xa9\x4b\x11\x87\x4e\x20\x0a";
        assert_eq!(whole(&[b"zstd"], zstd), b"hello hello hello hello hello");
        assert_eq!(whole(&[b"zstd"], &zstd.repeat(3)).len(), 3 * 29);
        assert_eq!(whole(&[b"br"], &[0x0b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', 0x03]), b"hello");
        assert_eq!(whole(&[b"gzip", b"deflate"], &zlib(&gzip(TEXT))), TEXT);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&gzip(&vec![0; 1 << 22]));
        let decoded = decode(&[b"gzip", b"gzip"], &bomb, 1000);
        assert!(decoded.bytes.len() <= 1000);
        let decoded = decode(&[b"gzip"], &gzip(&vec![0; 1 << 22]), 1000);
        assert_eq!((decoded.bytes.len(), decoded.truncated, decoded.error), (1000, true, None));
        let window = b"\x28\xb5\x2f\xfd\x00\xff\x01\x00\x00";
        assert_eq!(decode(&[b"zstd"], window, 1000).error, Some(DecodeError::WindowTooLarge));
        let single = b"\x28\xb5\x2f\xfd\xa0\xff\xff\xff\xff\x01\x00\x00";
        assert_eq!(decode(&[b"zstd"], single, 1000).error, Some(DecodeError::WindowTooLarge));
        let nested = decode(&[b"gzip".as_slice(); 20], &gzip(TEXT), 1000);
        assert!(nested.error.is_some());
    }

    #[test]
    fn what_came_before_the_damage_is_kept() {
        let long: Vec<u8> =
            (0..100_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let encoded = gzip(&long);
        let decoded = decode(&[b"gzip"], &encoded[..encoded.len() / 2], 1 << 20);
        assert_eq!(decoded.error, Some(DecodeError::Damaged));
        assert!(!decoded.bytes.is_empty() && long.starts_with(&decoded.bytes));
        assert_eq!(decode(&[b"sdch"], TEXT, 99).error, Some(DecodeError::UnknownCoding));
        assert_eq!(decode(&[b"sdch"], TEXT, 99).bytes, TEXT);
    }
}
