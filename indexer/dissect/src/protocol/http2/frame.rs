//! Frames (RFC 9113 §4.1, §6).
//!
//! ```text
//!   0        3     4      5            9
//!   | length | type | flags | R stream id | payload: length bytes
//! ```
//!
//! Frames are cut by their headers; payloads of DATA are never held, so a frame is read in two steps.

/// Bytes of a frame header.
pub const HEADER_BYTES: usize = 9;

/// What a client sends first (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest payload that needs no agreement (RFC 9113 §6.5.2, SETTINGS_MAX_FRAME_SIZE).
pub const PAYLOAD_BYTES_DEFAULT: usize = 16_384;

/// Why a frame's payload can't be read; where the next frame begins is known all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// Fewer bytes than its fields take.
    #[error("payload is too short")]
    Short,
    /// More padding than payload (RFC 9113 §6.1).
    #[error("padding is longer than the payload")]
    Padding,
}

/// What a frame is for (RFC 9113 §6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Content.
    Data,
    /// The beginning of a header block.
    Headers,
    /// Advice that nobody follows any more.
    Priority,
    /// A stream is stopped.
    RstStream,
    /// What the sender accepts.
    Settings,
    /// The request of a response that nobody asked for.
    PushPromise,
    /// Is anybody there?
    Ping,
    /// The connection is to end.
    Goaway,
    /// Flow control.
    WindowUpdate,
    /// More of a header block.
    Continuation,
    /// Of an extension: to be ignored (RFC 9113 §5.5).
    Other(u8),
}

impl Kind {
    /// Those of the standard, in the order of their numbers.
    pub const STANDARD: [Self; 10] = [
        Self::Data,
        Self::Headers,
        Self::Priority,
        Self::RstStream,
        Self::Settings,
        Self::PushPromise,
        Self::Ping,
        Self::Goaway,
        Self::WindowUpdate,
        Self::Continuation,
    ];

    fn of(number: u8) -> Self {
        Self::STANDARD.get(usize::from(number)).copied().unwrap_or(Self::Other(number))
    }
}

/// Bits of `flags`; what they mean depends on the kind.
pub mod flag {
    /// Nothing follows on the stream (DATA, HEADERS).
    pub const END_STREAM: u8 = 0x1;
    /// An answer (SETTINGS, PING).
    pub const ACK: u8 = 0x1;
    /// No CONTINUATION follows.
    pub const END_HEADERS: u8 = 0x4;
    /// The payload begins with the length of the padding at its end.
    pub const PADDED: u8 = 0x8;
    /// Five bytes of advice come before the header block.
    pub const PRIORITY: u8 = 0x20;
}

/// A frame header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameHeader {
    /// Bytes of the payload.
    pub length: usize,
    /// What it is for.
    pub kind: Kind,
    /// See [`flag`].
    pub flags: u8,
    /// 0 for frames of the connection.
    pub stream_id: u32,
    /// The bit before the stream id; nobody sets it.
    pub reserved: bool,
}

impl FrameHeader {
    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Bytes of the whole frame.
    #[must_use]
    pub fn frame_bytes(&self) -> usize {
        HEADER_BYTES + self.length
    }

    /// Whether it obeys every rule about its kind's length, flags and stream. What a broken sender gets wrong
    /// is forgiven where the position in the stream is known; where it is not, all of this must hold.
    #[must_use]
    pub fn is_sound(&self, payload_bytes_max: usize) -> bool {
        use Kind::{
            Continuation, Data, Goaway, Headers, Other, Ping, Priority, PushPromise, RstStream, Settings,
            WindowUpdate,
        };
        let (lengths, flags) = match self.kind {
            // An empty one that ends nothing is allowed and never sent; zeros would be full of them.
            Data => (self.length > 0 || self.has(flag::END_STREAM), flag::END_STREAM | flag::PADDED),
            Headers => {
                (self.length > 0, flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY)
            }
            Priority => (self.length == 5, 0),
            RstStream | WindowUpdate => (self.length == 4, 0),
            Settings => {
                // RFC 9113 §6.5: an answer is empty.
                let answer = self.has(flag::ACK);
                (if answer { self.length == 0 } else { self.length.is_multiple_of(6) }, flag::ACK)
            }
            PushPromise => (self.length > 4, flag::END_HEADERS | flag::PADDED),
            Ping => (self.length == 8, flag::ACK),
            Goaway => (self.length >= 8, 0),
            Continuation => (self.length > 0, flag::END_HEADERS),
            Other(_) => (false, 0),
        };
        let of_connection = match self.kind {
            Settings | Ping | Goaway => Some(true),
            WindowUpdate | Other(_) => None,
            _ => Some(false),
        };
        lengths
            && self.flags & !flags == 0
            && !self.reserved
            && self.length <= payload_bytes_max
            && of_connection.is_none_or(|of_connection| of_connection == (self.stream_id == 0))
    }

    /// Whether its kind fixes so many of its bits that it can't be chance, if it is sound.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Data | Kind::Headers | Kind::PushPromise | Kind::Continuation | Kind::Other(_)
        )
    }
}

/// Reads the header of the frame that `input` begins with; `None` asks for more bytes.
#[must_use]
pub fn header(input: &[u8]) -> Option<FrameHeader> {
    let (&[high, middle, low, kind, flags, a, b, c, d], _) = input.split_first_chunk::<HEADER_BYTES>()?;
    let id = u32::from_be_bytes([a, b, c, d]);
    Some(FrameHeader {
        length: usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(usize::MAX),
        kind: Kind::of(kind),
        flags,
        stream_id: id & (u32::MAX >> 1),
        reserved: id > u32::MAX >> 1,
    })
}

/// The part of a header block in a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment<'a> {
    /// The stream that a PUSH_PROMISE promises.
    pub promised: Option<u32>,
    /// Its bytes, without padding.
    pub bytes: &'a [u8],
}

/// Reads HEADERS, PUSH_PROMISE or CONTINUATION, of which as much as came is in `payload`.
///
/// # Errors
/// If its own fields take more than there is.
pub fn fragment<'a>(header: &FrameHeader, payload: &'a [u8]) -> Result<Fragment<'a>, Malformed> {
    let is_continuation = header.kind == Kind::Continuation;
    let mut rest = payload;
    let mut padding = 0;
    if header.has(flag::PADDED) && !is_continuation {
        let (&length, after) = rest.split_first().ok_or(Malformed::Short)?;
        (padding, rest) = (usize::from(length), after);
    }
    if header.has(flag::PRIORITY) && header.kind == Kind::Headers {
        rest = rest.get(5..).ok_or(Malformed::Short)?;
    }
    let mut promised = None;
    if header.kind == Kind::PushPromise {
        let (&id, after) = rest.split_first_chunk::<4>().ok_or(Malformed::Short)?;
        promised = Some(u32::from_be_bytes(id) & (u32::MAX >> 1));
        rest = after;
    }
    // The padding is at the end of the payload; what did not come is cut off there first.
    let missing = header.length.saturating_sub(payload.len());
    let length = (rest.len() + missing).checked_sub(padding).ok_or(Malformed::Padding)?;
    Ok(Fragment { promised, bytes: rest.get(..length).unwrap_or(rest) })
}

/// The error code of RST_STREAM, or the last stream and the error code of GOAWAY.
#[must_use]
pub fn numbers<const N: usize>(payload: &[u8]) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    for (number, bytes) in numbers.iter_mut().zip(payload.chunks_exact(4)) {
        *number = u32::from_be_bytes(<[u8; 4]>::try_from(bytes).ok()?);
    }
    (payload.len() >= 4 * N).then_some(numbers)
}

/// Longest payload that the sender of SETTINGS accepts, if it says so.
#[must_use]
pub fn payload_bytes_max(settings: &[u8]) -> Option<usize> {
    const MAX_FRAME_SIZE: u16 = 5;
    settings.chunks_exact(6).rev().find_map(|setting| {
        let (id, value) = setting.split_first_chunk::<2>()?;
        let value = u32::from_be_bytes(<[u8; 4]>::try_from(value).ok()?);
        (u16::from_be_bytes(*id) == MAX_FRAME_SIZE).then(|| usize::try_from(value).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: u8, flags: u8, stream_id: u32, length: usize) -> FrameHeader {
        let mut bytes = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
        bytes.extend([kind, flags]);
        bytes.extend(stream_id.to_be_bytes());
        header(&bytes).unwrap()
    }

    #[test]
    fn sound_headers_keep_the_rules_of_their_kind() {
        for (header, sound) in [
            (of(0, 1, 1, 0), true),
            (of(0, 0, 1, 0), false),
            (of(0, 1, 0, 5), false),
            (of(0, 0x20, 1, 5), false),
            (of(0, 0, 1, 16_385), false),
            (of(1, 0x2d, 1, 20), true),
            (of(1, 4, 1, 0), false),
            (of(3, 0, 1, 4), true),
            (of(4, 0, 0, 18), true),
            (of(4, 1, 0, 6), false),
            (of(4, 0, 0, 7), false),
            (of(6, 1, 0, 8), true),
            (of(7, 0, 0, 8), true),
            (of(8, 0, 0, 4), true),
            (of(8, 0, 3, 4), true),
            (of(9, 4, 3, 4), true),
            (of(10, 0, 3, 4), false),
            (of(0, 0, 1 | 1 << 31, 4), false),
        ] {
            assert_eq!(header.is_sound(PAYLOAD_BYTES_DEFAULT), sound, "{header:?}");
        }
    }

    #[test]
    fn fragments_lie_between_fields_and_padding() {
        let headers = of(1, 0x28, 1, 11);
        assert_eq!(fragment(&headers, b"\x02\0\0\0\0\x10abc\0\0").unwrap().bytes, b"abc");
        // Cut in the block, in the padding, and before it.
        assert_eq!(fragment(&headers, b"\x02\0\0\0\0\x10ab").unwrap().bytes, b"ab");
        assert_eq!(fragment(&headers, b"\x02\0\0\0\0\x10abc\0").unwrap().bytes, b"abc");
        assert_eq!(fragment(&headers, b"\x02\0\0\0"), Err(Malformed::Short));
        assert_eq!(fragment(&headers, b"\x06\0\0\0\0\x10abc\0\0"), Err(Malformed::Padding));
        let promise = of(5, 4, 1, 7);
        let whole = Fragment { promised: Some(2), bytes: b"abc" };
        assert_eq!(fragment(&promise, b"\0\0\0\x02abc"), Ok(whole));
    }

    #[test]
    fn settings_tell_how_long_frames_may_be() {
        assert_eq!(payload_bytes_max(b"\0\x04\0\0\xff\xff\0\x05\0\x10\0\0"), Some(1 << 20));
        assert_eq!(payload_bytes_max(b"\0\x04\0\0\xff\xff"), None);
    }
}
