//! The messages in a body.
//!
//! ```text
//! 0        1              5
//! ┌────────┬──────────────┬─────────┐
//! │ flags  │ length (BE)  │ message │ …    flags: 0x01 compressed, 0x80 trailers (gRPC-Web only)
//! └────────┴──────────────┴─────────┘
//! ```
//!
//! A hole inside a message is known to end there, because the length says where the next one begins. A
//! hole in a prefix costs the position: what follows is not guessed at.

use std::borrow::Cow;
use std::ops::Range;

use crate::protocol::content_encoding::{self, Decoded};
use crate::protocol::grpc::{Flavour, base64};
use crate::protocol::http_view::{BodyView, Fields, codings};
use crate::protocol::http1::message::{self, BodyGap, Headers};

/// Bytes in front of a message.
const PREFIX_BYTES: u64 = 5;
/// The message is compressed.
const COMPRESSED: u8 = 0x01;
/// The message is trailers (PROTOCOL-WEB).
const TRAILERS: u8 = 0x80;

/// A body, cut into messages.
#[derive(Clone, PartialEq, Debug)]
pub struct Body<'a> {
    bytes: Cow<'a, [u8]>,
    /// The first messages.
    pub messages: Vec<Message>,
    /// How many messages were seen to begin, also those beyond [`Body::MESSAGES_MAX`].
    pub count: u64,
    /// Bytes of all messages seen to begin, without their prefixes, as their lengths say.
    pub messages_bytes: u64,
    /// How many of them are compressed.
    pub compressed: u64,
    /// How many of them lack bytes.
    pub cut: u64,
    /// The trailers in the body of a gRPC-Web response.
    pub trailers: Option<Headers>,
    /// Where reading ended.
    pub end: End,
}

/// Where reading a body ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At its end.
    Whole,
    /// Where the sender stopped, or recording did.
    Cut,
    /// At the limit of what is kept of a body: more may follow.
    Limit,
    /// At a hole, nobody knows where the next message begins; or the body's beginning was lost.
    Lost,
    /// At what can't be a message.
    Malformed,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Whether the call's encoding has to be undone.
    pub is_compressed: bool,
    /// Bytes of the message, as the prefix says.
    pub length_bytes: u32,
    /// Bytes of it that are not there: never seen, or beyond a limit.
    pub missing_bytes: u64,
    /// Where the first of them is missing; all that lies before is there.
    whole_bytes: usize,
    range: Range<usize>,
}

/// A body without HTTP's and gRPC-Web's wrapping.
struct Unwrapped<'a> {
    bytes: Cow<'a, [u8]>,
    gaps: &'a [BodyGap],
    /// Where reading ends when the bytes do.
    end: End,
}

impl<'a> Body<'a> {
    /// Most messages told apart in one body; the rest is counted.
    pub const MESSAGES_MAX: usize = 1024;

    /// Reads a body.
    #[must_use]
    pub fn read(
        view: &BodyView<'a>,
        headers: Fields<'_>,
        flavour: Flavour,
        decoded_bytes_max: usize,
    ) -> Self {
        let Unwrapped { bytes, gaps, end } = unwrap(view, headers, flavour, decoded_bytes_max);
        let mut body = Body {
            bytes: Cow::Borrowed(&[]),
            messages: Vec::new(),
            count: 0,
            messages_bytes: 0,
            compressed: 0,
            cut: 0,
            trailers: None,
            end,
        };
        let is_list_full = gaps.len() >= message::Body::GAPS_MAX;
        let mut cursor = Cursor { bytes: &bytes, gaps, at: 0, index: 0, gap_passed: 0, is_list_full };
        let ended = loop {
            match body.next(&mut cursor, flavour) {
                Ok(true) => {}
                Ok(false) => break end,
                // Where bytes end early, it is known why.
                Err(End::Cut) => break if end == End::Limit { End::Limit } else { End::Cut },
                Err(ended) => break ended,
            }
        };
        body.end = ended;
        body.bytes = bytes;
        body
    }

    /// What can be said if bytes may be missing before the first: messages that fill the rest to its end are some.
    #[must_use]
    pub(super) fn without_beginning(self) -> Self {
        let nothing = Self {
            bytes: Cow::Borrowed(&[]),
            messages: Vec::new(),
            count: 0,
            messages_bytes: 0,
            compressed: 0,
            cut: 0,
            trailers: None,
            end: End::Lost,
        };
        if self.end == End::Whole { Self { end: End::Lost, ..self } } else { nothing }
    }

    /// Takes one message; `false` at the end.
    fn next(&mut self, cursor: &mut Cursor<'_>, flavour: Flavour) -> Result<bool, End> {
        let prefix = cursor.take(PREFIX_BYTES);
        if prefix.missing > 0 {
            return Err(End::Lost);
        }
        let Some(&[flags, a, b, c, d]) = cursor.bytes.get(prefix.range.clone()).and_then(|p| p.first_chunk())
        else {
            return if prefix.range.is_empty() { Ok(false) } else { Err(End::Cut) };
        };
        let is_trailers = flags & TRAILERS != 0 && flavour != Flavour::Grpc;
        if flags & !(if is_trailers { COMPRESSED | TRAILERS } else { COMPRESSED }) != 0 {
            return Err(End::Malformed);
        }
        let length_bytes = u32::from_be_bytes([a, b, c, d]);
        let taken = cursor.take(u64::from(length_bytes));
        let missing_bytes = taken.missing.saturating_add(taken.short);
        if is_trailers {
            if missing_bytes == 0 {
                self.trailers = cursor.bytes.get(taken.range).map(Headers::parse);
            }
        } else {
            let is_compressed = flags & COMPRESSED != 0;
            self.count += 1;
            self.messages_bytes = self.messages_bytes.saturating_add(u64::from(length_bytes));
            self.compressed += u64::from(is_compressed);
            self.cut += u64::from(missing_bytes > 0);
            if self.messages.len() < Self::MESSAGES_MAX {
                let (range, whole_bytes) = (taken.range, taken.whole_bytes);
                self.messages.push(Message {
                    is_compressed,
                    length_bytes,
                    missing_bytes,
                    whole_bytes,
                    range,
                });
            }
        }
        if taken.is_lost {
            return Err(End::Lost);
        }
        if taken.short > 0 { Err(End::Cut) } else { Ok(true) }
    }

    /// The bytes of a message that are there, as sent.
    #[must_use]
    pub fn sent(&self, message: &Message) -> &[u8] {
        self.bytes.get(message.range.clone()).unwrap_or_default()
    }

    /// A message as its sender meant it. Of one that lacks bytes, what comes before the first of them.
    #[must_use]
    pub fn decoded(&self, message: &Message, encoding: Option<&[u8]>, decoded_bytes_max: usize) -> Decoded {
        let whole = self.sent(message).get(..message.whole_bytes).unwrap_or_default();
        let codings = [encoding.unwrap_or_default()];
        let codings = if message.is_compressed { codings.as_slice() } else { &[] };
        content_encoding::decode(codings, whole, decoded_bytes_max)
    }
}

fn unwrap<'a>(
    view: &BodyView<'a>,
    headers: Fields<'_>,
    flavour: Flavour,
    decoded_bytes_max: usize,
) -> Unwrapped<'a> {
    let seen: u64 = view.gaps.iter().map(|gap| gap.length_bytes).sum::<u64>()
        + u64::try_from(view.bytes.len()).unwrap_or(u64::MAX);
    let end = match () {
        () if seen < view.length_bytes => End::Limit,
        () if view.complete => End::Whole,
        () => End::Cut,
    };
    let is_coded = codings(headers).any(|coding| {
        !coding.is_empty()
            && !coding.eq_ignore_ascii_case(b"chunked")
            && !coding.eq_ignore_ascii_case(b"identity")
    });
    if !is_coded && flavour != Flavour::WebText {
        return Unwrapped { bytes: Cow::Borrowed(view.bytes), gaps: view.gaps, end };
    }
    // A coding can't be undone behind a hole.
    let end = if view.gaps.is_empty() { end } else { End::Lost };
    let decoded = view.decoded(headers, decoded_bytes_max);
    let mut end = match (decoded.truncated, decoded.error) {
        (true, _) => End::Limit,
        (_, Some(_)) if end == End::Whole => End::Malformed,
        _ => end,
    };
    let mut bytes = decoded.bytes;
    if flavour == Flavour::WebText {
        let (plain, is_whole) = base64::decode(&bytes);
        if !is_whole && end == End::Whole {
            end = End::Malformed;
        }
        bytes = plain;
    }
    Unwrapped { bytes: Cow::Owned(bytes), gaps: &[], end }
}

/// Walks over bytes and holes.
struct Cursor<'a> {
    bytes: &'a [u8],
    gaps: &'a [BodyGap],
    /// Position in the body, as it was sent.
    at: u64,
    /// Position in `bytes`.
    index: usize,
    /// How much of the first gap lies behind.
    gap_passed: u64,
    /// Whether there may be more gaps than are told apart.
    is_list_full: bool,
}

/// What a step of the cursor passed over.
struct Taken {
    /// The bytes of it that are there.
    range: Range<usize>,
    /// How many of those come before the first hole.
    whole_bytes: usize,
    /// How many lie in holes.
    missing: u64,
    /// How many are beyond the last byte.
    short: u64,
    /// Whether nobody knows where the step ended.
    is_lost: bool,
}

impl Cursor<'_> {
    fn take(&mut self, count: u64) -> Taken {
        let start = self.index;
        let mut taken =
            Taken { range: start..start, whole_bytes: usize::MAX, missing: 0, short: 0, is_lost: false };
        let mut left = count;
        while left > 0 {
            let gap = self.gaps.first();
            if let Some(gap) = gap.filter(|gap| gap.offset_bytes.saturating_add(self.gap_passed) <= self.at) {
                let passed = left.min(gap.length_bytes.saturating_sub(self.gap_passed));
                taken.whole_bytes = taken.whole_bytes.min(self.index.saturating_sub(start));
                taken.missing = taken.missing.saturating_add(passed);
                left -= passed;
                self.at = self.at.saturating_add(passed);
                self.gap_passed += passed;
                // Of unknown length, or the last one told apart: what follows lies nobody knows where.
                if gap.length_bytes == 0 || (self.is_list_full && self.gaps.len() == 1) {
                    taken.missing = taken.missing.saturating_add(left);
                    taken.is_lost = true;
                    break;
                }
                if self.gap_passed >= gap.length_bytes {
                    self.gap_passed = 0;
                    self.gaps = self.gaps.get(1..).unwrap_or_default();
                }
                continue;
            }
            let until_gap = gap.map_or(u64::MAX, |gap| gap.offset_bytes.saturating_sub(self.at));
            let there = self.bytes.len().saturating_sub(self.index);
            let passed = usize::try_from(left.min(until_gap)).unwrap_or(usize::MAX).min(there);
            if passed == 0 {
                taken.short = left;
                break;
            }
            let passed_bytes = u64::try_from(passed).unwrap_or(u64::MAX);
            self.index += passed;
            self.at = self.at.saturating_add(passed_bytes);
            left = left.saturating_sub(passed_bytes);
        }
        taken.range.end = self.index;
        taken.whole_bytes = taken.whole_bytes.min(taken.range.len());
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::io::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    fn message(flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![flags];
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    struct Case<'a> {
        headers: &'a str,
        flavour: Flavour,
        bytes: Vec<u8>,
        gaps: Vec<BodyGap>,
        beyond: u64,
        complete: bool,
    }

    impl Default for Case<'_> {
        fn default() -> Self {
            Case {
                headers: "",
                flavour: Flavour::Grpc,
                bytes: vec![],
                gaps: vec![],
                beyond: 0,
                complete: true,
            }
        }
    }

    fn check(case: &Case<'_>, encoding: Option<&[u8]>, expected: Expect) {
        let missing: u64 = case.gaps.iter().map(|gap| gap.length_bytes).sum();
        let view = BodyView {
            bytes: &case.bytes,
            length_bytes: case.bytes.len() as u64 + missing + case.beyond,
            gaps: &case.gaps,
            complete: case.complete,
            trailers: Fields::Http1(&Headers::default()),
        };
        let headers = Headers::parse(case.headers.as_bytes());
        let body = Body::read(&view, Fields::Http1(&headers), case.flavour, 1 << 20);
        let mut text = format!("{} of {} bytes, {:?}\n", body.count, body.messages_bytes, body.end);
        for message in &body.messages {
            let decoded = body.decoded(message, encoding, 1 << 20);
            let shown = String::from_utf8_lossy(&decoded.bytes).into_owned();
            write!(text, "{} {shown:?}", message.length_bytes).unwrap();
            let notes = [
                (message.is_compressed, "compressed"),
                (message.missing_bytes > 0, "cut"),
                (decoded.error.is_some(), "damaged"),
            ];
            notes.iter().filter(|(is, _)| *is).for_each(|(_, note)| write!(text, " {note}").unwrap());
            text.push('\n');
        }
        if let Some(trailers) = &body.trailers {
            writeln!(text, "{trailers:?}").unwrap();
        }
        expected.assert_eq(&text);
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn messages_are_cut_apart() {
        let bytes = [message(0, b"one"), message(0, b""), message(0, b"three")].concat();
        check(
            &Case { bytes, ..Case::default() },
            None,
            expect![[r#"
            3 of 8 bytes, Whole
            3 "one"
            0 ""
            5 "three"
        "#]],
        );
        check(
            &Case::default(),
            None,
            expect![[r#"
            0 of 0 bytes, Whole
        "#]],
        );
    }

    #[test]
    fn compressed_messages_are_undone() {
        let bytes = [message(1, &gzip(b"one one one")), message(0, b"two")].concat();
        check(
            &Case { bytes: bytes.clone(), ..Case::default() },
            Some(b"gzip"),
            expect![[r#"
            2 of 29 bytes, Whole
            26 "one one one" compressed
            3 "two"
        "#]],
        );
        check(
            &Case { bytes: message(1, b"\x0b\x28hello world"), ..Case::default() },
            Some(b"snappy"),
            expect![[r#"
            1 of 13 bytes, Whole
            13 "hello world" compressed
        "#]],
        );
        check(
            &Case { bytes: message(1, b"zz"), ..Case::default() },
            Some(b"gzip"),
            expect![[r#"
            1 of 2 bytes, Whole
            2 "" compressed damaged
        "#]],
        );
    }

    #[test]
    fn a_hole_in_a_message_ends_where_the_message_does() {
        let bytes = [&message(0, b"0123456789")[..9], &message(0, b"0123456789")[12..], &message(0, b"next")]
            .concat();
        let gaps = vec![BodyGap { offset_bytes: 9, length_bytes: 3 }];
        check(
            &Case { bytes, gaps, ..Case::default() },
            None,
            expect![[r#"
            2 of 14 bytes, Whole
            10 "0123" cut
            4 "next"
        "#]],
        );
    }

    #[test]
    fn a_hole_in_a_prefix_loses_the_position() {
        let bytes = [&message(0, b"one")[..], &message(0, b"two")[2..]].concat();
        let gaps = vec![BodyGap { offset_bytes: 8, length_bytes: 2 }];
        check(
            &Case { bytes, gaps, ..Case::default() },
            None,
            expect![[r#"
            1 of 3 bytes, Lost
            3 "one"
        "#]],
        );
        // Nobody knows how long it is.
        let gaps = vec![BodyGap { offset_bytes: 6, length_bytes: 0 }];
        check(
            &Case { bytes: message(0, b"four"), gaps, ..Case::default() },
            None,
            expect![[r#"
            1 of 4 bytes, Lost
            4 "f" cut
        "#]],
        );
    }

    #[test]
    fn the_end_says_why_it_came() {
        let cut = message(0, b"0123456789")[..9].to_vec();
        check(
            &Case { bytes: cut.clone(), complete: false, ..Case::default() },
            None,
            expect![[r#"
            1 of 10 bytes, Cut
            10 "0123" cut
        "#]],
        );
        check(
            &Case { bytes: cut.clone(), beyond: 6, ..Case::default() },
            None,
            expect![[r#"
            1 of 10 bytes, Limit
            10 "0123" cut
        "#]],
        );
        check(
            &Case { bytes: cut[..3].to_vec(), ..Case::default() },
            None,
            expect![[r#"
            0 of 0 bytes, Cut
        "#]],
        );
        check(
            &Case { bytes: b"<html>".to_vec(), ..Case::default() },
            None,
            expect![[r#"
            0 of 0 bytes, Malformed
        "#]],
        );
    }

    #[test]
    fn web_bodies_end_in_trailers() {
        let bytes = [message(0, b"one"), message(0x80, b"grpc-status: 0\r\ngrpc-message: ok\r\n")].concat();
        check(
            &Case { bytes: bytes.clone(), flavour: Flavour::Web, ..Case::default() },
            None,
            expect![[r#"
            1 of 3 bytes, Whole
            3 "one"
            {"grpc-status": "0", "grpc-message": "ok"}
        "#]],
        );
        check(
            &Case { bytes: bytes.clone(), ..Case::default() },
            None,
            expect![[r#"
            1 of 3 bytes, Malformed
            3 "one"
        "#]],
        );
        let headers = "content-encoding: gzip\r\n";
        check(
            &Case { headers, bytes: gzip(&bytes), flavour: Flavour::Web, ..Case::default() },
            None,
            expect![[r#"
            1 of 3 bytes, Whole
            3 "one"
            {"grpc-status": "0", "grpc-message": "ok"}
        "#]],
        );
    }

    #[test]
    fn text_bodies_come_in_padded_parts() {
        let bytes = b"AAAAAANvbmU=gAAAAA5ncnBjLXN0YXR1czogMA==".to_vec();
        check(
            &Case { bytes: bytes.clone(), flavour: Flavour::WebText, ..Case::default() },
            None,
            expect![[r#"
                1 of 3 bytes, Whole
                3 "one"
                {"grpc-status": "0"}
            "#]],
        );
        let gaps = vec![BodyGap { offset_bytes: 12, length_bytes: 4 }];
        check(
            &Case { bytes, gaps, flavour: Flavour::WebText, ..Case::default() },
            None,
            expect![[r#"
            1 of 3 bytes, Lost
            3 "one"
        "#]],
        );
    }
}
