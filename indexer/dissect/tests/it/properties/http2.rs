//! HTTP/2.

use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::http2::frame::PREFACE;
use dissect::protocol::{Chunk, Direction, StreamDissector, http2};
use proptest::prelude::*;

use super::{MARK, config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Frames of all kinds, on few streams, some of them wrong, some of them cut; and what is no frame.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let payloads: Vec<Vec<u8>> = [
        b"".as_slice(),
        b"\x82\x86\x84",
        b"\x88",
        b"\x88\xbe",
        b"\x83\x86\x84\x40\x01a\x01b",
        b"\x48\x03100",
        b"\x40\x0bgrpc-status\x010",
        b"\x20\x3f\xe1\x1f\x82\xbe\xbf",
        b"\x00\x00\x00\x02\x82\x86\x84",
        b"\x00\x00\x00\x08",
        b"\x03abc\0\0\0",
        b"\xff\xff\xff\xff\xff\xff",
        b"\0\x05\0\x10\0\0",
        b"\x00\x00\x00\x01\x00\x00\x00\x07",
        b"\x0c\x01",
        b"hello",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    let kinds = prop::sample::select(vec![0_u8, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 99]);
    let flags = prop::sample::select(vec![0_u8, 1, 4, 5, 5, 8, 9, 0x25, 0x2d]);
    let streams = prop::sample::select(vec![0_u32, 1, 1, 2, 3, 5, 1 << 31]);
    let one = (kinds, flags, streams, prop::sample::select(payloads), 0_usize..40).prop_map(
        |(kind, flags, stream, payload, cut)| {
            let mut frame = frame(kind, flags, stream, &payload);
            frame.truncate(frame.len().saturating_sub(cut.saturating_sub(35)));
            frame
        },
    );
    let other =
        prop::sample::select(vec![PREFACE.to_vec(), PREFACE[..7].to_vec(), b"GET /".to_vec(), vec![0; 9]]);
    let part = prop_oneof![9 => one, 1 => other];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

/// Lines, each said in full once and by its index after that.
#[derive(Default)]
struct Encoder(Vec<Vec<u8>>);

impl Encoder {
    fn line(&mut self, name: &str, value: &str, block: &mut Vec<u8>) {
        let mut full = vec![0x40, u8::try_from(name.len()).unwrap()];
        full.extend(name.as_bytes());
        full.push(u8::try_from(value.len()).unwrap());
        full.extend(value.as_bytes());
        match self.0.iter().rev().position(|known| *known == full) {
            Some(place) => block.push(0x80 | u8::try_from(62 + place).unwrap()),
            None => {
                block.extend(&full);
                self.0.push(full);
            }
        }
    }
}

/// What one stream carries.
#[derive(Clone, Debug)]
struct Turn {
    path: u8,
    request_body: Vec<u8>,
    response_body: Vec<u8>,
    padding: u8,
    has_trailers: bool,
    says_length: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let body = || prop::collection::vec(any::<u8>(), 0..60);
    (0_u8..4, body(), body(), 0_u8..5, any::<bool>(), any::<bool>()).prop_map(
        |(path, request_body, response_body, padding, has_trailers, says_length)| Turn {
            path,
            request_body,
            response_body,
            padding,
            has_trailers,
            says_length,
        },
    )
}

fn padded(stream: u32, flags: u8, body: &[u8], padding: u8) -> Vec<u8> {
    if padding == 0 {
        return frame(0, flags, stream, body);
    }
    let padded = [&[padding], body, &vec![0; usize::from(padding)]].concat();
    frame(0, flags | 8, stream, &padded)
}

/// A connection from its beginning, with all streams at once: every request, then every response.
fn talk(turns: &[Turn]) -> Vec<(Direction, Vec<u8>)> {
    let (mut asks, mut answers) = (Encoder::default(), Encoder::default());
    let mut client = vec![[PREFACE.to_vec(), frame(4, 0, 0, b"\0\x03\0\0\0\x64")].concat()];
    let mut server = vec![frame(4, 0, 0, b"")];
    let mut parts: Vec<Vec<Vec<u8>>> = Vec::new();
    for (stream, turn) in (1..).step_by(2).zip(turns) {
        let mut block = vec![0x83, 0x86];
        asks.line(":path", &format!("/{}", turn.path), &mut block);
        asks.line("user-agent", "test", &mut block);
        if turn.says_length {
            asks.line("content-length", &turn.request_body.len().to_string(), &mut block);
        }
        client.push(frame(1, 4, stream, &block));
        client.push(padded(stream, 1, &turn.request_body, turn.padding));
        let mut block = vec![0x88];
        answers.line("server", "test", &mut block);
        answers.line("etag", &turn.path.to_string(), &mut block);
        server.push(frame(1, 4, stream, &block));
        let (one, two) = turn.response_body.split_at(turn.response_body.len() / 2);
        let ends = u8::from(!turn.has_trailers);
        parts.push(vec![padded(stream, 0, one, turn.padding), padded(stream, ends, two, 0)]);
    }
    let mut last = Vec::new();
    for (place, _) in turns.iter().enumerate().take(2) {
        server.extend(parts.iter().filter_map(|parts| parts.get(place).cloned()));
    }
    for (stream, turn) in (1..).step_by(2).zip(turns).filter(|(_, turn)| turn.has_trailers) {
        let mut block = Vec::new();
        answers.line("grpc-status", &turn.path.to_string(), &mut block);
        last.push(frame(1, 5, stream, &block));
    }
    server.extend(last);
    let client = client.into_iter().map(|bytes| (ToServer, bytes));
    client.chain(server.into_iter().map(|bytes| (ToClient, bytes))).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(frames()), parts in parts()) {
        splits_alike(|| http2::Dissector::new(8), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        turns in prop::collection::vec(turn(), 1..6),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..60),
        joined in prop::sample::select(vec![1_usize, 1, 2, 5]),
    ) {
        // Whole frames may be missing, and several.
        let talk = talk(&turns);
        let mut merged: Vec<(Direction, Vec<u8>)> = Vec::new();
        for (n, (way, bytes)) in talk.into_iter().enumerate() {
            match merged.last_mut() {
                Some((last, all)) if *last == way && n % joined != 0 => all.extend(bytes),
                _ => merged.push((way, bytes)),
            }
        }
        gaps_tell_nothing_new(|| http2::Dissector::new(MIB), &merged, gap)?;
    }
}

/// Feeds `bytes` in parts and returns the most that was held.
fn pour(mut dissector: http2::Dissector, direction: Direction, bytes: &[u8]) -> usize {
    let mut most = 0;
    for bytes in bytes.chunks(1400) {
        dissector.feed(direction, Chunk::Data { bytes, mark: MARK }, &mut Vec::new());
        most = most.max(dissector.memory_bytes());
    }
    most
}

#[test]
fn no_flood_is_held() {
    let start = PREFACE.to_vec();
    let request = frame(1, 4, 1, b"\x83\x86\x84");
    let many = |make: fn(u32) -> Vec<u8>| -> Vec<u8> { (0..60_000).flat_map(|n| make(2 * n + 1)).collect() };
    // An entry of 4,000 bytes, and blocks of nothing but references to it.
    let entry = [b"\x40\x01a\x7f\xa1\x1e".to_vec(), vec![b'x'; 4000]].concat();
    let bomb = |n: u32| frame(1, 4, 2 * n + 1, &[0xbe; 16_000]);
    let bombs: Vec<u8> = (1..200).flat_map(bomb).collect();
    let floods: [(&str, Direction, Vec<u8>, Vec<u8>); 13] = [
        (
            "endless block",
            ToServer,
            [&start[..], &frame(1, 0, 1, b"\x82")].concat(),
            frame(9, 0, 1, b"\x40\x01a\x01b"),
        ),
        (
            "endless empty block",
            ToServer,
            [&start[..], &frame(1, 0, 1, b"\x82")].concat(),
            frame(9, 0, 1, b""),
        ),
        (
            "endless line",
            ToServer,
            [&start[..], &frame(1, 0, 1, b"\x40\x7f\xff\xff\xff\x01")].concat(),
            frame(9, 0, 1, &[b'x'; 1000]),
        ),
        ("endless body", ToServer, [&start[..], &request].concat(), frame(0, 0, 1, &[b'x'; 1000])),
        ("streams", ToServer, start.clone(), many(|stream| frame(1, 4, stream, b"\x83\x86\x84"))),
        (
            "streams with bodies",
            ToServer,
            start.clone(),
            many(|stream| [frame(1, 4, stream, b"\x83\x86\x84"), frame(0, 0, stream, &[b'x'; 100])].concat()),
        ),
        (
            "rapid resets",
            ToServer,
            start.clone(),
            many(|stream| {
                [frame(1, 4, stream, b"\x83\x86\x84"), frame(3, 0, stream, b"\0\0\0\x08")].concat()
            }),
        ),
        (
            "promises",
            ToClient,
            frame(4, 0, 0, b""),
            many(|stream| frame(5, 4, 1, &[(stream + 1).to_be_bytes().as_slice(), b"\x82\x86\x84"].concat())),
        ),
        ("settings", ToServer, start.clone(), frame(4, 0, 0, b"\0\x05\0\xff\xff\xff")),
        ("pings", ToServer, start.clone(), frame(6, 0, 0, &[0; 8])),
        ("interim responses", ToClient, frame(4, 0, 0, b""), frame(1, 4, 1, b"\x48\x03100")),
        ("bombs", ToServer, [&start[..], &frame(1, 5, 1, &entry)].concat(), bombs),
        (
            "entries",
            ToServer,
            [&start[..], &frame(1, 4, 1, b"\x3f\xe1\xff\xff\x7f")].concat(),
            frame(1, 4, 3, b"\x40\x01a\x01b\x40\x01c\x01d"),
        ),
    ];
    for (name, direction, start, again) in floods {
        let most = if again.len() < 20_000 {
            flood(http2::Dissector::new(MIB), direction, &start, &again)
        } else {
            pour(http2::Dissector::new(MIB), direction, &[start, again].concat())
        };
        assert!(most <= 12 * MIB, "{name}: {most} bytes");
    }
    for garbage in
        [b"\0".as_slice(), b"\0\0\x20\x01\x04\0\0\0\x01", b"PRI * HTTP/2.0\r\n", b"\0\0\x05\0\0\0\0\0\x01"]
    {
        let most = flood(http2::Dissector::new(MIB), ToServer, b"x", garbage);
        assert!(most <= 4 * MIB, "{garbage:?}: {most} bytes");
    }
}
