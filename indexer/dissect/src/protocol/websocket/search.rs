//! Finds where frames begin, behind a gap or in a connection that was joined in the middle.
//!
//! A header of two bytes is right by chance once in sixty times, so several sound frames in a row are asked
//! for, and only the last of them is told, unless one before says something in UTF-8: a frame that was taken
//! for one by chance may well end where a real one begins.

use super::frame::{self, Header, opcode};
use crate::protocol::{Direction, Probe};

/// Longest payload that is believed where frames are searched for: what is waited for is kept so long.
const PAYLOAD_BYTES_MAX: u64 = 64 * 1024;

/// Frames in a row that a new connection must show at once, unless it shows text.
const PROBE_FRAMES: u32 = 3;
/// Bytes of text that convince like so many frames.
const PROBE_TEXT_BYTES: usize = 8;
/// More is never shown to a probe.
const LOOK_BYTES: usize = 4096;

/// Text of a frame that makes it convincing by itself: random bytes are text once in three thousand times.
const CONVINCING_TEXT_BYTES: usize = 8;

/// Sound frames in a row that are asked for.
const FRAMES: u32 = 3;

/// What a look at the place where a frame may begin tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Begins {
    /// Frames do. So many of them may have been taken for frames by chance, and are not to be told: those
    /// that only served to find the others.
    Frames {
        /// How many.
        distrusted: u32,
    },
    /// None does.
    No,
}

/// Whether frames of `direction` begin at the start of `input`; `None` asks for more bytes.
///
/// Of the last of them only the header is asked for.
pub(super) fn begins_here(direction: Direction, may_compress: bool, mut input: &[u8]) -> Option<Begins> {
    let mut continues = None;
    let mut distrusted = FRAMES - 1;
    for before in 0..FRAMES {
        if !frame::may_begin(direction, input) {
            return Some(Begins::No);
        }
        let (header, length) = match frame::header(input) {
            Ok(Some(found)) => found,
            Ok(None) => return None,
            Err(frame::Malformed) => return Some(Begins::No),
        };
        if !is_believed(direction, may_compress, &header) || !follows(&header, &mut continues) {
            return Some(Begins::No);
        }
        if before + 1 == FRAMES {
            break;
        }
        let payload_bytes = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        let payload = input.get(length..length.saturating_add(payload_bytes))?;
        match text_of(&header, payload) {
            Text::No => return Some(Begins::No),
            Text::Yes(length) if length >= CONVINCING_TEXT_BYTES => distrusted = distrusted.min(before),
            Text::Yes(_) | Text::Unknown => {}
        }
        input = input.get(length + payload_bytes..).unwrap_or_default();
    }
    Some(Begins::Frames { distrusted })
}

fn is_believed(direction: Direction, may_compress: bool, header: &Header) -> bool {
    header.is_sound(direction)
        && (may_compress || !header.is_compressed())
        && header.payload_bytes <= PAYLOAD_BYTES_MAX
}

/// RFC 6455 §5.4: a message that goes on goes on with continuations, control frames between them.
/// `continues` is whether one goes on, once that is known.
fn follows(header: &Header, continues: &mut Option<bool>) -> bool {
    if header.is_control() {
        return true;
    }
    let is_continuation = header.opcode == opcode::CONTINUATION;
    let fits = continues.is_none_or(|continues| continues == is_continuation);
    *continues = Some(!header.fin);
    fits
}

/// What a look at a frame's payload tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Text {
    /// So many bytes of text.
    Yes(usize),
    /// It should be text and is not.
    No,
    /// It need not be text.
    Unknown,
}

fn text_of(header: &Header, payload: &[u8]) -> Text {
    let is_close = header.opcode == opcode::CLOSE;
    if !(is_close || header.opcode == opcode::TEXT) || header.is_compressed() {
        return Text::Unknown;
    }
    let mut said = payload.to_vec();
    if let Some(mask) = header.mask {
        frame::unmask(&mut said, mask, 0);
    }
    let mut text = said.as_slice();
    if is_close && let Some((code, reason)) = said.split_first_chunk::<2>() {
        // RFC 6455 §7.4.2: no other codes are to be sent.
        if !(1000..5000).contains(&u16::from_be_bytes(*code)) {
            return Text::No;
        }
        text = reason;
    }
    let is_text = |text: &str| !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    match std::str::from_utf8(text) {
        Ok(text) if is_text(text) => Text::Yes(text.len()),
        // The rest of a character may come in the next frame.
        Err(error) if error.error_len().is_none() && !header.fin => Text::Unknown,
        _ => Text::No,
    }
}

/// Whether `bytes`, which need not be the first of a stream, are frames of a client: they must fit exactly.
///
/// What servers send looks like anything, and is not recognised by itself.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    if direction == Direction::ToClient {
        return Probe::No("a server's WebSocket frames look like anything");
    }
    let (mut rest, mut frames, mut text_bytes, mut continues) = (bytes, 0, 0, Some(false));
    while !rest.is_empty() {
        if !frame::may_begin(direction, rest) {
            return Probe::No("no masked WebSocket frame");
        }
        let (header, length) = match frame::header(rest) {
            Ok(Some(found)) => found,
            Ok(None) => return Probe::More,
            Err(frame::Malformed) => return Probe::No("no masked WebSocket frame"),
        };
        let payload_bytes = usize::try_from(header.payload_bytes).unwrap_or(usize::MAX);
        let is_short = length.saturating_add(payload_bytes) <= LOOK_BYTES;
        if !is_short || !is_believed(direction, true, &header) || !follows(&header, &mut continues) {
            return Probe::No("no masked WebSocket frame");
        }
        let Some(payload) = rest.get(length..length + payload_bytes) else { return Probe::More };
        match text_of(&header, payload) {
            Text::Yes(length) => text_bytes += length,
            Text::No => return Probe::No("no text in a text frame"),
            Text::Unknown => {}
        }
        frames += 1;
        rest = rest.get(length + payload_bytes..).unwrap_or_default();
    }
    if frames >= PROBE_FRAMES || text_bytes >= PROBE_TEXT_BYTES { Probe::Yes } else { Probe::More }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 9, 8, 7, 6];
        let mut payload = payload.to_vec();
        frame::unmask(&mut payload, [9, 8, 7, 6], 0);
        frame.extend(payload);
        frame
    }

    #[test]
    fn frames_in_a_row_are_found() {
        let found = |distrusted| Some(Begins::Frames { distrusted });
        let server = b"\x81\x02hi\x89\x00\x82\x01\x00";
        assert_eq!(begins_here(ToClient, false, server), found(2));
        assert_eq!(begins_here(ToClient, false, b"\x89\x00\x81\x08at least\x82\x01\x00"), found(1));
        assert_eq!(begins_here(ToClient, false, &server[..6]), None);
        for other in [
            &server[2..],
            b"\x81\x02h\xff\x89\x00\x82\x01",
            b"\x01\x02hi\x81\x00\x82\x01",
            b"\xc1\x02hi\x89\x00\x82\x01",
            b"\x88\x02\x20\x20\x89\x00\x82\x01",
        ] {
            assert_eq!(begins_here(ToClient, false, other), Some(Begins::No), "{other:x?}");
        }
        let client = [masked(0x81, b"hello hello"), masked(0x8a, b""), masked(0x8a, b"")].concat();
        assert_eq!(begins_here(ToServer, false, &client), found(0));
        assert_eq!(begins_here(ToServer, false, b"hello"), Some(Begins::No));
    }

    #[test]
    fn only_what_convinces_is_recognised() {
        let is = |bytes: &[u8]| matches!(probe(ToServer, bytes), Probe::Yes);
        assert!(is(&masked(0x81, b"{\"a\":1, \"b\":2}")));
        assert!(!is(&masked(0x81, b"hi")));
        assert!(!is(&masked(0x82, b"0123456789abcdef")));
        assert!(is(&masked(0x82, b"0123456789abcdef").repeat(3)));
        assert!(!is(&masked(0x81, b"\x00\x01\x02\x03\x04\x05\x06\x07\x08")));
        assert!(matches!(probe(ToServer, b"GET / HTTP/1.1\r\n"), Probe::No(_)));
        assert!(matches!(probe(ToClient, b"\x81\x02hi"), Probe::No(_)));
    }
}
