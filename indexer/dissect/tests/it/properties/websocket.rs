//! WebSocket.

use dissect::Limits;
use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::{Direction, StreamDissector, websocket};
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;
use websocket::Negotiated;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

pub(super) fn frame(first: u8, direction: Direction, payload: &[u8]) -> Vec<u8> {
    let mask = if direction == ToServer { 0x80 } else { 0 };
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(mask | u8::try_from(length).unwrap()),
        length => {
            frame.push(mask | 126);
            frame.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    if direction == ToServer {
        const KEY: [u8; 4] = [0x9d, 0x02, 0x77, 0xe1];
        frame.extend(KEY);
        frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    } else {
        frame.extend(payload);
    }
    frame
}

fn dissector(extension: &[u8]) -> websocket::Dissector {
    let negotiated = Negotiated::of(Some(b"/ws"), [extension].into_iter(), None);
    let limits = Limits {
        body_bytes_max: 4096,
        interpreted_bytes_max: 4096,
        decoded_bytes_max: 8192,
        ..Limits::default()
    };
    websocket::Dissector::new(&negotiated, &limits)
}

/// Frames in any order, most of them against some rule.
pub(super) fn jumble() -> impl Strategy<Value = Vec<u8>> {
    let direction = prop_oneof![Just(ToServer), Just(ToClient)];
    let first = prop::sample::select(vec![
        0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0xc1, 0x41, 0xc2, 0x0f, 0xf1,
    ]);
    let payload = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(b' '..b'~', 0..300),
        Just(b"\x03\xe8bye".to_vec()),
        Just(b"\xcaH\xcd\xc9\xc9\x07\x00".to_vec()),
    ];
    let part = prop_oneof![
        8 => (first, direction, payload).prop_map(|(first, direction, payload)| frame(first, direction, &payload)),
        1 => prop::collection::vec(any::<u8>(), 1..20),
    ];
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

/// A sound conversation: in one frame or several, with pings between, compressed or not.
pub(super) fn talk(is_compressed: bool) -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let turn = (any::<bool>(), "[a-zé ]{0,80}", 1_usize..50, any::<bool>());
    prop::collection::vec(turn, 1..12).prop_map(move |turns| {
        let compressor = || Compress::new(Compression::default(), false);
        let mut compressors = [compressor(), compressor()];
        let mut talk = Vec::new();
        for (asks, text, cut, pings) in turns {
            let direction = if asks { ToServer } else { ToClient };
            let mut payload = text.into_bytes();
            if is_compressed {
                let mut out = Vec::with_capacity(1000);
                compressors[usize::from(asks)].compress_vec(&payload, &mut out, FlushCompress::Sync).unwrap();
                out.truncate(out.len() - 4);
                payload = out;
            }
            let first = if is_compressed { 0x41 } else { 0x01 };
            // Whole where it is text: a character must not be cut.
            let parts: Vec<&[u8]> = payload.chunks(cut).collect();
            let parts = if parts.is_empty() { vec![payload.as_slice()] } else { parts };
            let mut bytes = Vec::new();
            for (index, part) in parts.iter().enumerate() {
                let opcode = if index == 0 { first } else { 0 };
                let fin = if index + 1 == parts.len() { 0x80 } else { 0 };
                bytes.extend(frame(opcode | fin, direction, part));
                if pings {
                    bytes.extend(frame(0x89, direction, b"?"));
                }
            }
            talk.push((direction, bytes));
        }
        talk
    })
}

pub(super) const DEFLATE: &[u8] = b"permessage-deflate";

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(jumble()), parts in parts()) {
        splits_alike(|| dissector(b""), &steps, &parts)?;
        splits_alike(|| dissector(DEFLATE), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(false),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..200),
    ) {
        gaps_tell_nothing_new(|| dissector(b""), &talk, gap)?;
    }

    #[test]
    fn a_gap_in_compressed_messages_tells_nothing_new(
        talk in talk(true),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..200),
    ) {
        gaps_tell_nothing_new(|| dissector(DEFLATE), &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let mut bomb = Vec::with_capacity(MIB);
    Compress::new(Compression::best(), false)
        .compress_vec(&vec![0; 16 * MIB], &mut bomb, FlushCompress::Sync)
        .unwrap();
    let bombs: Vec<u8> = bomb
        .chunks(60_000)
        .enumerate()
        .flat_map(|(index, part)| frame(if index == 0 { 0x42 } else { 0x80 }, ToClient, part))
        .collect();
    let endless = b"\x01\x7f\x7f\xff\xff\xff\xff\xff\xff\xff".as_slice();
    let fragment = frame(0x00, ToClient, b"abcdefgh");
    let ping = frame(0x89, ToClient, b"?");
    let floods = [
        ("endless message", endless, b"text".as_slice()),
        ("endless fragments", b"\x01\x00", &fragment),
        ("empty fragments", b"\x01\x00", b"\x00\x00"),
        ("endless pings", b"\x01\x00", &ping),
        ("bombs", b"", &bombs),
        ("endless nothing", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", b"\xff"),
        ("almost frames", b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", b"\x82\x7e\xff\xff"),
    ];
    for (name, start, again) in floods {
        let dissector = dissector(DEFLATE);
        assert!(dissector.memory_bytes() < MIB);
        let most = flood(dissector, ToClient, start, again);
        assert!(most <= MIB, "{name}: {most} bytes");
    }
}
