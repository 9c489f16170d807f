//! The Huffman code of HPACK (RFC 7541 §5.2, Appendix B).
//!
//! The code is canonical: codes of the same length are consecutive and ordered by their symbol. So the lengths
//! are the whole table, and where each length begins is computed from them.

use super::hpack::Malformed;

/// Bits of the code of each byte, and of the end of the string (RFC 7541, Appendix B).
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28,
    28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6,
    6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7,
    8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7,
    15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24,
    23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23,
    23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26,
    26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20,
    21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27,
    27, 27, 26, 30,
];

/// Where the end of the string stands in [`LENGTHS`]; it must not occur (RFC 7541 §5.2).
const END: u16 = 256;
const LENGTH_MIN: usize = 5;
const LENGTH_MAX: usize = 30;

/// The codes of one length.
#[derive(Clone, Copy)]
struct Row {
    bits: u32,
    /// First code beyond this length, moved up to the top of 32 bits.
    limit: u64,
    /// First code of this length.
    first: u32,
    /// Where the symbols of this length begin in `SYMBOLS`.
    offset: usize,
}

/// Bits that [`SHORT`] looks at: most of what people write has codes no longer than that.
const SHORT_BITS: u32 = 9;

/// The symbol that these bits begin with and the bits of its code; 0 bits where the code is longer.
const SHORT: [(u8, u8); 1 << SHORT_BITS] = short();
const ROWS: [Row; LENGTH_MAX - LENGTH_MIN + 1] = rows();
const SYMBOLS: [u16; 257] = symbols();

#[allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "computed when compiling: a panic is an error there"
)]
const fn rows() -> [Row; LENGTH_MAX - LENGTH_MIN + 1] {
    let mut rows = [Row { bits: 0, limit: 0, first: 0, offset: 0 }; LENGTH_MAX - LENGTH_MIN + 1];
    let (mut code, mut offset, mut length) = (0_u32, 0, LENGTH_MIN);
    while length <= LENGTH_MAX {
        let (mut count, mut symbol) = (0, 0);
        while symbol < LENGTHS.len() {
            count += (LENGTHS[symbol] as usize == length) as u32;
            symbol += 1;
        }
        let limit = ((code + count) as u64) << (32 - length);
        rows[length - LENGTH_MIN] = Row { bits: length as u32, limit, first: code, offset };
        offset += count as usize;
        code = (code + count) << 1;
        length += 1;
    }
    rows
}

#[allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "computed when compiling: a panic is an error there"
)]
const fn short() -> [(u8, u8); 1 << SHORT_BITS] {
    let mut table = [(0, 0); 1 << SHORT_BITS];
    let mut at = 0;
    while at < ROWS.len() && ROWS[at].bits <= SHORT_BITS {
        let row = ROWS[at];
        // Codes of this length follow each other: each fills the entries that begin with it.
        let spare = SHORT_BITS - row.bits;
        let mut entry = (row.first as usize) << spare;
        while (entry as u64) << (32 - SHORT_BITS) < row.limit {
            let place = (entry >> spare) - row.first as usize;
            table[entry] = (SYMBOLS[row.offset + place] as u8, row.bits as u8);
            entry += 1;
        }
        at += 1;
    }
    table
}

/// The symbols ordered by the length of their codes, then by themselves.
#[allow(
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "computed when compiling: a panic is an error there"
)]
const fn symbols() -> [u16; 257] {
    let mut symbols = [0; 257];
    let (mut filled, mut length) = (0, LENGTH_MIN);
    while length <= LENGTH_MAX {
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                symbols[filled] = symbol as u16;
                filled += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    symbols
}

/// Appends what `coded` stands for to `text`: at most 8/5 of its length.
///
/// # Errors
/// If `coded` holds the end of the string, or ends in anything but fewer than 8 bits, all set (RFC 7541 §5.2).
pub fn decode(coded: &[u8], text: &mut Vec<u8>) -> Result<(), Malformed> {
    // The bits not used yet, from the top.
    let (mut window, mut bits) = (0_u64, 0_u32);
    let mut rest = coded;
    loop {
        if bits <= 32 {
            if let Some((four, behind)) = rest.split_first_chunk::<4>() {
                window |= u64::from(u32::from_be_bytes(*four)) << (32 - bits);
                bits += 32;
                rest = behind;
            }
            while bits <= 32
                && let Some((&byte, behind)) = rest.split_first()
            {
                window |= u64::from(byte) << (56 - bits);
                bits += 8;
                rest = behind;
            }
        }
        let entry = usize::try_from(window >> (64 - SHORT_BITS)).unwrap_or(usize::MAX);
        if let Some(&(symbol, length)) = SHORT.get(entry)
            && length > 0
            && u32::from(length) <= bits
        {
            text.push(symbol);
            window <<= length;
            bits -= u32::from(length);
            continue;
        }
        let top = window >> 32;
        // An unused window ends in zeros, and never looks like a longer code than it holds.
        let row = ROWS.iter().find(|row| top < row.limit).ok_or(Malformed::Huffman)?;
        if row.bits > bits {
            break;
        }
        let code = u32::try_from(top >> (32 - row.bits)).unwrap_or(u32::MAX);
        let place = usize::try_from(code.wrapping_sub(row.first)).unwrap_or(usize::MAX);
        let symbol = SYMBOLS.get(row.offset.saturating_add(place)).copied().unwrap_or(END);
        text.push(u8::try_from(symbol).map_err(|_| Malformed::Huffman)?);
        window <<= row.bits;
        bits -= row.bits;
    }
    let padding = if bits == 0 { 0 } else { !0 << (64 - bits) };
    if bits < 8 && window == padding { Ok(()) } else { Err(Malformed::Huffman) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(coded: &[u8]) -> Result<String, Malformed> {
        let mut text = Vec::new();
        decode(coded, &mut text).map(|()| String::from_utf8(text).unwrap())
    }

    #[test]
    fn the_code_is_complete() {
        // Kraft: every string of bits is the beginning of exactly one code.
        assert_eq!(LENGTHS.iter().map(|&length| 1_u64 << (30 - length)).sum::<u64>(), 1 << 30);
        assert_eq!(ROWS.last().unwrap().limit, 1 << 32);
    }

    #[test]
    fn strings_of_the_standard_are_read() {
        // RFC 7541, C.4 and C.6.
        for (coded, text) in [
            (b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff".as_slice(), "www.example.com"),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", "custom-key"),
            (b"\x64\x02", "302"),
            (
                b"\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
            (b"", ""),
        ] {
            assert_eq!(decoded(coded).as_deref(), Ok(text));
        }
    }

    #[test]
    fn every_byte_has_its_code() {
        let encoded: Vec<u8> = {
            let mut bits = String::new();
            for byte in 0..=255_u16 {
                let place = SYMBOLS.iter().position(|&symbol| symbol == byte).unwrap();
                let row = ROWS.iter().rfind(|row| row.offset <= place && row.bits > 0).unwrap();
                let code = row.first + u32::try_from(place - row.offset).unwrap();
                bits += &format!("{code:0width$b}", width = row.bits as usize);
            }
            while !bits.len().is_multiple_of(8) {
                bits.push('1');
            }
            (0..bits.len()).step_by(8).map(|at| u8::from_str_radix(&bits[at..at + 8], 2).unwrap()).collect()
        };
        let mut text = Vec::new();
        assert_eq!(decode(&encoded, &mut text), Ok(()));
        assert_eq!(text, (0..=255).collect::<Vec<u8>>());
    }

    #[test]
    fn wrong_ends_are_refused() {
        // Zeros as padding, eight bits of it, and the end of the string.
        for coded in [b"\x18".as_slice(), b"\x64\x02\xff", b"\xff\xff\xff\xff"] {
            assert_eq!(decoded(coded), Err(Malformed::Huffman), "{coded:x?}");
        }
    }
}
