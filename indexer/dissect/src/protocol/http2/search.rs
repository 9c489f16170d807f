//! Finds where frames begin, in a stream joined in the middle or behind a gap.
//!
//! A frame header has few fixed bits, and bodies are full of zeros. So those kinds whose length, flags and
//! stream are all fixed are believed at once, headers if they decompress and begin with a pseudo-header,
//! and everything else only if another sound frame follows.

use super::frame::{self, FrameHeader, HEADER_BYTES, Kind, PREFACE, flag};
use super::headers::HeaderList;
use super::hpack;
use super::table::Table;

/// Bytes of a header block that are tried: enough to tell, and little work for each place searched.
const TRIED_BYTES_MAX: usize = 512;
/// Frames looked at, to find those that end where the bytes end.
const CHAINS_MAX: usize = 64;

/// What is known of the connection, and narrows what may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Longest payload.
    pub payload_bytes: usize,
    /// Highest stream.
    pub stream_id: u32,
}

impl Bounds {
    /// Of a connection of which nothing is known.
    pub const NONE: Self = Self { payload_bytes: frame::PAYLOAD_BYTES_DEFAULT, stream_id: u32::MAX >> 1 };

    fn allow(self, header: &FrameHeader) -> bool {
        // Even streams carry pushed responses, which hardly anybody sends: not worth what else looks like them.
        let is_of_client = header.kind != Kind::Data || !header.stream_id.is_multiple_of(2);
        header.is_sound(self.payload_bytes) && header.stream_id <= self.stream_id && is_of_client
    }
}

/// What a look at some bytes tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Look {
    /// A frame begins here.
    Frame,
    /// None does.
    No,
    /// Too few to tell.
    More,
}

/// Whether a frame begins where `bytes` begin.
#[must_use]
pub fn look(bytes: &[u8], bounds: Bounds) -> Look {
    let compared = bytes.len().min(PREFACE.len());
    if compared > 0 && bytes.get(..compared) == PREFACE.get(..compared) {
        return if compared == PREFACE.len() { Look::Frame } else { Look::More };
    }
    let Some(header) = frame::header(bytes) else {
        return if may_begin(bytes) { Look::More } else { Look::No };
    };
    if !bounds.allow(&header) {
        return Look::No;
    }
    if header.is_telling() {
        return Look::Frame;
    }
    if header.kind == Kind::Headers {
        let Some(payload) = bytes.get(HEADER_BYTES..header.frame_bytes()) else { return Look::More };
        match headers(&header, payload) {
            None => return Look::No,
            Some(list) if list.iter().next().is_some_and(|first| first.is_pseudo()) => return Look::Frame,
            Some(_) => {}
        }
    }
    match bytes.get(header.frame_bytes()..).map(frame::header) {
        Some(Some(next)) if bounds.allow(&next) => Look::Frame,
        Some(Some(_)) => Look::No,
        Some(None) | None => Look::More,
    }
}

/// The lines of a HEADERS frame, as far as somebody who knows no entry can tell; `None` if they can't be any.
#[must_use]
pub fn headers(header: &FrameHeader, payload: &[u8]) -> Option<HeaderList> {
    let fragment = frame::fragment(header, payload).ok()?;
    let mut list = HeaderList::default();
    let tried = fragment.bytes.get(..TRIED_BYTES_MAX).unwrap_or(fragment.bytes);
    let used = hpack::decode(tried, &mut Table::joined(), &mut list).ok()?;
    let ends_here = header.has(flag::END_HEADERS) && tried.len() == fragment.bytes.len();
    (used == tried.len() || !ends_here).then_some(list)
}

/// Where frames begin that follow one another to the very end of `bytes`, after which nothing comes.
#[must_use]
pub fn chain_to_end(bytes: &[u8], bounds: Bounds) -> Option<usize> {
    let reaches_end = |start: usize| {
        let mut rest = bytes.get(start..).unwrap_or_default();
        while let Some(header) = frame::header(rest).filter(|header| bounds.allow(header)) {
            let Some(after) = rest.get(header.frame_bytes()..) else { return false };
            rest = after;
        }
        rest.is_empty()
    };
    let starts =
        |at: &usize| bytes.get(*at..).and_then(frame::header).is_some_and(|header| bounds.allow(&header));
    (0..bytes.len()).filter(starts).take(CHAINS_MAX).find(|&start| reaches_end(start))
}

/// Whether fewer bytes than a header may be the beginning of one.
fn may_begin(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|&high| high == 0)
        && bytes.get(3).is_none_or(|&kind| usize::from(kind) < Kind::STANDARD.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_from_what_looks_like_them() {
        let settings = b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64";
        let request = b"\0\0\x02\x01\x05\0\0\0\x01\x82\x84";
        let data = b"\0\0\x01\0\0\0\0\0\x01x";
        let all = |parts: &[&[u8]]| parts.concat();
        for (bytes, expected) in [
            (settings.to_vec(), Look::Frame),
            (request.to_vec(), Look::Frame),
            (request[..10].to_vec(), Look::More),
            (data.to_vec(), Look::More),
            (all(&[data, data]), Look::Frame),
            (all(&[data, b"GET / HTTP/1.1"]), Look::No),
            (PREFACE.to_vec(), Look::Frame),
            (PREFACE[..10].to_vec(), Look::More),
            (vec![0; 100], Look::No),
            (b"\0\0".to_vec(), Look::More),
            (b"GET /".to_vec(), Look::No),
            // Kafka, DNS over TCP, AMQP, TLS, MySQL.
            (b"\0\0\x01\0\0\x03\0\x05\0\0\0\x07\0\x04abcd\0\0\0\0\0\0\0\0".to_vec(), Look::No),
            (b"\0\x1c\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a".to_vec(), Look::No),
            (b"\x01\0\x01\0\0\0\x0d\0\x3c\0\x28\0\0\x01a".to_vec(), Look::No),
            (b"\x16\x03\x01\0\x05".to_vec(), Look::No),
            (b"\x4a\0\0\0\x0a8.0".to_vec(), Look::No),
        ] {
            assert_eq!(look(&bytes, Bounds::NONE), expected, "{bytes:x?}");
        }
        let narrow = Bounds { stream_id: 0, ..Bounds::NONE };
        assert_eq!(look(&all(&[data, data]), narrow), Look::No);
    }

    #[test]
    fn the_last_frame_needs_no_follower() {
        let data = b"xyz\0\0\x01\0\x01\0\0\0\x01x";
        assert_eq!(chain_to_end(data, Bounds::NONE), Some(3));
        assert_eq!(chain_to_end(&data[..12], Bounds::NONE), None);
    }
}
