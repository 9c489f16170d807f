//! WebSocket over HTTP/2: the turns of speech of WebSocket, in DATA frames of several streams.

use dissect::Limits;
use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::http2::frame::PREFACE;
use dissect::protocol::http2::message::End;
use dissect::protocol::{Chunk, Content, Direction, Pair, StreamDissector, http2};
use proptest::prelude::*;

use super::http2::frame as http2_frame;
use super::websocket::{DEFLATE, frame, jumble, talk};
use super::{MARK, Step, config, gaps_tell_nothing_new, parts, play, splits_alike, steps};

const MIB: usize = 1024 * 1024;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const NO_FLAGS: u8 = 0;

pub(super) fn lines(lines: &[(&str, &[u8])]) -> Vec<u8> {
    let length = |text: &[u8]| u8::try_from(text.len()).unwrap();
    let line = |(name, value): &(&str, &[u8])| {
        [&[0, length(name.as_bytes())], name.as_bytes(), &[length(value)], value].concat()
    };
    lines.iter().flat_map(line).collect()
}

fn connect(stream: u32) -> Vec<u8> {
    let head = lines(&[(":method", b"CONNECT"), (":protocol", b"websocket"), (":path", b"/ws")]);
    http2_frame(HEADERS, END_HEADERS, stream, &head)
}

fn answer(stream: u32, status: &[u8], extension: &[u8]) -> Vec<u8> {
    let head = lines(&[
        (":status", status),
        ("sec-websocket-protocol", b"chat"),
        ("sec-websocket-extensions", extension),
    ]);
    http2_frame(HEADERS, END_HEADERS, stream, &head)
}

fn feed(dissector: &mut http2::Dissector, direction: Direction, bytes: &[u8]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    dissector.feed(direction, Chunk::Data { bytes, mark: MARK }, &mut pairs);
    pairs
}

/// A connection with so many WebSockets, on its first streams.
fn dissector(extension: &[u8], count: u32) -> http2::Dissector {
    let limits = Limits {
        body_bytes_max: 4096,
        interpreted_bytes_max: 4096,
        decoded_bytes_max: 8192,
        ..Limits::default()
    };
    let mut dissector = http2::Dissector::new(&limits);
    feed(&mut dissector, ToServer, &[PREFACE.as_slice(), &http2_frame(4, NO_FLAGS, 0, b"")].concat());
    feed(&mut dissector, ToClient, &http2_frame(4, NO_FLAGS, 0, b""));
    for stream in (1..).step_by(2).take(usize::try_from(count).unwrap()) {
        feed(&mut dissector, ToServer, &connect(stream));
        let pairs = feed(&mut dissector, ToClient, &answer(stream, b"200", extension));
        assert_eq!(pairs.len(), 1, "the exchange is over when it is granted");
    }
    dissector
}

fn data(stream: u32, flags: u8, bytes: &[u8]) -> Vec<u8> {
    http2_frame(DATA, flags, stream, bytes)
}

/// Messages of two WebSockets in turns, in DATA frames of up to so many bytes.
fn talks(is_compressed: bool) -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    (talk(is_compressed), talk(is_compressed), 1_usize..60).prop_map(|(one, other, most)| {
        let framed = |stream: u32, bytes: &[u8]| -> Vec<u8> {
            bytes.chunks(most).flat_map(|part| data(stream, NO_FLAGS, part)).collect()
        };
        let mut talk = Vec::new();
        let (mut one, mut other) = (one.into_iter(), other.into_iter());
        loop {
            let turns = [(1, one.next()), (3, other.next())];
            if turns.iter().all(|(_, turn)| turn.is_none()) {
                return talk;
            }
            for (stream, turn) in turns {
                talk.extend(turn.map(|(direction, bytes)| (direction, framed(stream, &bytes))));
            }
        }
    })
}

/// DATA of anything, and what ends streams.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let streams = prop::sample::select(vec![1_u32, 1, 3, 5]);
    let part = prop_oneof![
        12 => (streams.clone(), jumble()).prop_map(|(stream, bytes)| data(stream, NO_FLAGS, &bytes)),
        1 => (streams.clone(), jumble()).prop_map(|(stream, bytes)| data(stream, END_STREAM, &bytes)),
        1 => streams.clone().prop_map(|stream| http2_frame(RST_STREAM, NO_FLAGS, stream, b"\0\0\0\x08")),
        1 => streams.clone().prop_map(connect),
        1 => streams.prop_map(|stream| answer(stream, b"200", b"")),
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(frames()), parts in parts()) {
        splits_alike(|| dissector(b"", 2), &steps, &parts)?;
        splits_alike(|| dissector(DEFLATE, 2), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talks(false),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..200),
    ) {
        gaps_tell_nothing_new(|| dissector(b"", 2), &talk, gap)?;
    }

    #[test]
    fn a_gap_in_compressed_messages_tells_nothing_new(
        talk in talks(true),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..200),
    ) {
        gaps_tell_nothing_new(|| dissector(DEFLATE, 2), &talk, gap)?;
    }
}

/// What the messages of WebSocket say, and which way each went.
fn said(pairs: &[Pair]) -> Vec<(Direction, String)> {
    let of = |pair: &Pair| match &pair.request.as_ref()?.content {
        Content::WebSocket(message) => {
            Some((pair.request_direction, String::from_utf8_lossy(&message.payload).into_owned()))
        }
        _ => None,
    };
    pairs.iter().filter_map(of).collect()
}

fn run(steps: &[(Direction, Vec<u8>)]) -> Vec<Pair> {
    let steps: Vec<_> = steps.iter().map(|(way, bytes)| Step::Data(*way, bytes.clone())).collect();
    play(dissector(b"", 0), &steps, &[usize::MAX], super::Keeping::InMemory)
}

#[test]
fn what_a_client_says_before_the_answer_is_a_message_if_that_grants_it() {
    let hello = data(1, NO_FLAGS, &frame(0x81, ToServer, b"hello"));
    let start =
        |status| [(ToServer, connect(1)), (ToServer, hello.clone()), (ToClient, answer(1, status, b""))];
    let granted = run(&start(b"200"));
    assert_eq!(said(&granted), [(ToServer, "hello".to_owned())]);
    let Some(Content::Http2Request(request)) = granted[0].request.as_ref().map(|message| &message.content)
    else {
        panic!("{granted:?}")
    };
    assert_eq!((request.end, request.body.length_bytes), (End::Complete, 0));
    let refused = run(&start(b"403"));
    assert_eq!(said(&refused), []);
    let Some(Content::Http2Request(request)) = refused[0].request.as_ref().map(|message| &message.content)
    else {
        panic!("{refused:?}")
    };
    assert_eq!(request.body.length_bytes, 11);
}

#[test]
fn a_reset_ends_the_message_under_way() {
    let pairs = run(&[
        (ToServer, connect(1)),
        (ToClient, answer(1, b"200", b"")),
        (ToClient, data(1, NO_FLAGS, b"\x81\x05hel")),
        (ToServer, http2_frame(RST_STREAM, NO_FLAGS, 1, b"\0\0\0\x08")),
        (ToClient, data(1, NO_FLAGS, b"lo\x81\x04late")),
    ]);
    assert_eq!(said(&pairs), [(ToClient, "hel".to_owned())]);
}

#[test]
fn no_flood_is_held() {
    let mut dissector = http2::Dissector::new(MIB);
    feed(&mut dissector, ToServer, PREFACE);
    let mut most = 0;
    let fragment = frame(0x00, ToServer, &[b'x'; 60_000]);
    for stream in (1..2000).step_by(2) {
        feed(&mut dissector, ToServer, &connect(stream));
        feed(&mut dissector, ToClient, &answer(stream, b"200", DEFLATE));
        feed(&mut dissector, ToServer, &data(stream, NO_FLAGS, &frame(0x01, ToServer, b"begin")));
        for _ in 0..4 {
            feed(&mut dissector, ToServer, &data(stream, NO_FLAGS, &fragment));
            most = most.max(dissector.memory_bytes());
        }
    }
    assert!(most <= 24 * MIB, "{most} bytes");
}
