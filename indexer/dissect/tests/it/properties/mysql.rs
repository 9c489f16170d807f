//! MySQL.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::mysql;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;
const GREETING: &[u8] = b"\x0a8.0.1\0\x01\0\0\0abcdefgh\0\xff\xff\x2d\x02\0\xff\xff\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0mysql_native_password\0";
const EOF: &[u8] = b"\xfe\0\0\x02\0";
const OK: &[u8] = b"\0\x01\0\x02\0\0\0";

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&length[..3], &[number], payload].concat()
}

/// Packets of one answer, numbered from 1.
fn answer(payloads: &[Vec<u8>]) -> Vec<u8> {
    payloads.iter().zip(1..).flat_map(|(payload, number)| packet(number, payload)).collect()
}

fn login(capabilities: u32) -> Vec<u8> {
    let capabilities = (capabilities | 1 << 9 | 1 << 15).to_le_bytes();
    packet(1, &[&capabilities[..], b"\0\0\0\x01\x2d", &[0; 23], b"bob\0\0"].concat())
}

fn column(name: &str, type_id: u8) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    [
        b"\x03def\x04shop\x05items\x05items",
        &[length][..],
        name.as_bytes(),
        b"\x01n\x0c\x21\0\xff\0\0\0",
        &[type_id, 0, 0, 0, 0, 0],
    ]
    .concat()
}

fn rows(number: u32, count: usize, more: bool) -> Vec<Vec<u8>> {
    let text = number.to_string();
    let row = [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes(), b"\xfb"].concat();
    let end = if more { b"\xfe\0\0\x0a\0".to_vec() } else { EOF.to_vec() };
    let head = [vec![2], column("a", 0xfd), column("b", 0xfd), EOF.to_vec()];
    head.into_iter().chain(std::iter::repeat_n(row, count)).chain([end]).collect()
}

/// Parts of the protocol, in any order: most orders are wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<Vec<u8>> = vec![
        packet(0, GREETING),
        login(0),
        login(1 << 5),
        login(1 << 11),
        packet(0, b"\x03select 1"),
        packet(0, b"\x16select ?"),
        packet(0, b"\x17\x01\0\0\0\0\x01\0\0\0\0\x01\x03\0\x07\0\0\0"),
        packet(0, b"\x18\x01\0\0\0\0\0long"),
        packet(0, b"\x19\x01\0\0\0"),
        packet(0, b"\x1c\x01\0\0\0\x02\0\0\0"),
        packet(0, b"\x0e"),
        packet(0, b"\x01"),
        packet(0, b"\x09"),
        packet(0, b"\x11bob\0\0shop\0\x2d\0"),
        packet(0, b"\x04items\0"),
        packet(0, b"\x12\0\0\0\0"),
        packet(1, OK),
        packet(2, OK),
        packet(2, b"a,b\n"),
        packet(3, b""),
        packet(1, b"\xfb/etc/hosts"),
        packet(1, b"\xff\x7a\x04#42S02no such table"),
        packet(2, b"\xfemysql_native_password\0scramble"),
        packet(1, b"\0\x01\0\0\0\x01\0\x01\0\0\0\0"),
        packet(2, &column("?", 0xfd)),
        packet(3, EOF),
        answer(&rows(7, 2, false)),
        answer(&rows(7, 1, true)),
        b"\x06\0\0\0\0\0\0hello!".to_vec(),
        b"\xff\xff\xff\0".to_vec(),
        b"\0".to_vec(),
    ];
    prop::collection::vec(prop::sample::select(parts), 1..12).prop_map(|parts| parts.concat())
}

/// A session whose client takes turns.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let turn = (0_u32..1_000_000, 0_usize..5, 0_usize..4);
    prop::collection::vec(turn, 1..8).prop_map(|turns| {
        // Without a user: where a gap hides who the session belongs to, commands don't tell it either.
        let mut talk = Vec::new();
        for (number, kind, count) in turns {
            let failure = format!("\u{0}\u{0}#42000no {number}").into_bytes();
            let failure = [&[0xff, 0x28, 0x04][..], &failure[2..]].concat();
            let (asked, answered) = match kind {
                0 => (format!("\u{3}select {number}"), rows(number, count, false)),
                1 => (format!("\u{3}update items set a = {number}"), vec![OK.to_vec()]),
                2 => (format!("\u{3}select {number} from nowhere"), vec![failure]),
                3 => ("\u{e}".to_owned(), vec![OK.to_vec()]),
                _ => (
                    format!("\u{3}select {number}; select 2"),
                    rows(number, count, true).into_iter().chain(rows(number, 1, false)).collect(),
                ),
            };
            talk.extend([(ToServer, packet(0, asked.as_bytes())), (ToClient, answer(&answered))]);
        }
        talk
    })
}

/// After a login without a user's name.
fn dissector() -> mysql::Dissector {
    use dissect::protocol::{Chunk, StreamDissector};
    let mut dissector = mysql::Dissector::new(MIB, MIB);
    let mut pairs = Vec::new();
    let login = packet(
        1,
        &[&(1_u32 << 9 | 1 << 15).to_le_bytes()[..], b"\0\0\0\x01\x2d", &[0; 23], b"\0\0"].concat(),
    );
    for (way, bytes) in [(ToClient, packet(0, GREETING)), (ToServer, login), (ToClient, packet(2, OK))] {
        dissector.feed(way, Chunk::Data { bytes: &bytes, mark: super::MARK }, &mut pairs);
    }
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    dissector
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(text()), parts in parts()) {
        splits_alike(|| mysql::Dissector::new(16, 1000), &steps, &parts)?;
    }

    #[test]
    fn no_split_of_a_session_matters(talk in talk(), parts in parts()) {
        let steps: Vec<_> = talk.into_iter().map(|(way, bytes)| super::Step::Data(way, bytes)).collect();
        splits_alike(dissector, &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..100),
    ) {
        gaps_tell_nothing_new(dissector, &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let floods: [(&str, Direction, Vec<u8>, Vec<u8>); 7] = [
        ("endless commands", ToServer, Vec::new(), packet(0, b"\x03select 1")),
        (
            "endless long data",
            ToServer,
            Vec::new(),
            packet(0, &[&b"\x18\x01\0\0\0\0\0"[..], &[b'x'; 1000]].concat()),
        ),
        ("endless packet", ToServer, b"\xff\xff\xff\0\x03".to_vec(), b"x".to_vec()),
        ("endless continuations", ToServer, Vec::new(), packet(7, b"x")),
        ("endless answers", ToClient, Vec::new(), packet(1, OK)),
        ("endless rows", ToClient, answer(&rows(1, 1, false)[..5]), packet(6, b"\x01a\x01b")),
        ("endless nothing", ToServer, Vec::new(), b"\0".to_vec()),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(dissector(), direction, &start, &again);
        assert!(most <= 8 * MIB, "{name}: {most} bytes");
    }
}
