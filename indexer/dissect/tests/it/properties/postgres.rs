//! PostgreSQL.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::postgres;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind][..], &length, body].concat()
}

fn startup() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0bob\0database\0shop\0\0";
    [&u32::try_from(body.len() + 4).unwrap().to_be_bytes()[..], body].concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', format!("{text}\0").as_bytes())
}

fn row(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    message(b'D', &[&[0, 1][..], &length, text.as_bytes()].concat())
}

fn columns() -> Vec<u8> {
    message(b'T', b"\0\x01name\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0")
}

fn extended(number: u32) -> Vec<u8> {
    let value = number.to_string();
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    [
        message(b'P', b"\0select $1\0\0\0"),
        message(b'B', &[&b"\0\0\0\0\0\x01"[..], &length, value.as_bytes(), b"\0\0"].concat()),
        message(b'D', b"P\0"),
        message(b'E', b"\0\0\0\0\0"),
    ]
    .concat()
}

fn extended_answer(number: u32) -> Vec<u8> {
    let tag = message(b'C', b"SELECT 1\0");
    [message(b'1', b""), message(b'2', b""), columns(), row(&number.to_string()), tag].concat()
}

const READY: &[u8] = b"Z\0\0\0\x05I";
const SYNC: &[u8] = b"S\0\0\0\x04";

/// Parts of the protocol, in any order: most orders are wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<Vec<u8>> = vec![
        startup(),
        vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f],
        vec![0, 0, 0, 8, 4, 0xd2, 0x16, 0x30],
        b"S".to_vec(),
        b"N".to_vec(),
        query("select 1"),
        query(""),
        extended(1),
        extended_answer(1),
        message(b'P', b"one\0select 2\0\0\x01\0\0\0\x17"),
        message(b'D', b"Sone\0"),
        message(b't', b"\0\x01\0\0\0\x17"),
        message(b'n', b""),
        message(b'C', b"Sone\0"),
        message(b'3', b""),
        message(b'H', b""),
        message(b'p', b"SCRAM-SHA-256\0\0\0\0\x05hello"),
        message(b'R', &[0, 0, 0, 0]),
        message(b'R', &[0, 0, 0, 10]),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        message(b'S', b"TimeZone\0UTC\0"),
        message(b'G', &[0, 0, 0]),
        message(b'H', &[0, 0, 1, 0, 0]),
        message(b'd', b"some\tdata\n"),
        message(b'c', b""),
        message(b'f', b"gave up\0"),
        message(b'E', b"SERROR\0C42601\0Msyntax\0\0"),
        message(b'N', b"SNOTICE\0C00000\0Mhello\0\0"),
        message(b'A', b"\0\0\0\x01c\0p\0"),
        message(b's', b""),
        message(b'I', b""),
        message(b'X', b""),
        message(b'V', &[0, 0, 0, 1, b'x']),
        message(b'F', &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        READY.to_vec(),
        SYNC.to_vec(),
        columns(),
        row("hello"),
        b"Z\0\0".to_vec(),
        b"\xff".to_vec(),
    ];
    prop::collection::vec(prop::sample::select(parts), 1..12).prop_map(|parts| parts.concat())
}

/// A session: simple and extended queries, each in its turn or several at once.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let turn = (0_u32..100_000, 0_usize..3, 0_usize..5, any::<bool>());
    (prop::collection::vec(turn, 1..8), any::<bool>()).prop_map(|(turns, pipelines)| {
        // Without a user: where a gap hides who the session belongs to, requests don't tell it either.
        let anonymous = [0, 0, 0, 13, 0, 3, 0, 0, b'a', 0, b'b', 0, 0].to_vec();
        let mut talk = vec![
            (ToServer, anonymous),
            (ToClient, [message(b'R', &[0; 4]), message(b'S', b"a\0b\0"), READY.to_vec()].concat()),
        ];
        for (number, kind, count, error) in turns {
            let (mut asked, mut answered) = (Vec::new(), Vec::new());
            for at in 0..if pipelines { u32::try_from(count).unwrap() + 1 } else { 1 } {
                let number = number * 10 + at;
                let failure =
                    message(b'E', format!("SERROR\0C{:05}\0Mno {number}\0\0", number % 100_000).as_bytes());
                match kind {
                    0 => {
                        asked.extend(query(&format!("select {number}; update x set y = {number}")));
                        let rows: Vec<_> = (0..count).flat_map(|_| row(&number.to_string())).collect();
                        let end = message(b'C', format!("SELECT {count}\0").as_bytes());
                        let after = if error { failure } else { message(b'C', b"UPDATE 1\0") };
                        answered.extend([columns(), rows, end, after, READY.to_vec()].concat());
                    }
                    1 => {
                        asked.extend([extended(number), SYNC.to_vec()].concat());
                        let answer = if error {
                            [message(b'1', b""), failure].concat()
                        } else {
                            extended_answer(number)
                        };
                        answered.extend([answer, READY.to_vec()].concat());
                    }
                    _ => {
                        asked.extend([extended(number), extended(number + 1), SYNC.to_vec()].concat());
                        let second = if error { failure } else { extended_answer(number + 1) };
                        answered.extend([extended_answer(number), second, READY.to_vec()].concat());
                    }
                }
            }
            talk.extend([(ToServer, asked), (ToClient, answered)]);
        }
        talk
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(text()), parts in parts()) {
        splits_alike(|| postgres::Dissector::new(16), &steps, &parts)?;
    }

    #[test]
    fn no_split_of_a_session_matters(talk in talk(), parts in parts()) {
        let steps: Vec<_> = talk.into_iter().map(|(way, bytes)| super::Step::Data(way, bytes)).collect();
        splits_alike(|| postgres::Dissector::new(MIB), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..200),
    ) {
        gaps_tell_nothing_new(|| postgres::Dissector::new(MIB), &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let open = startup();
    let parse: Vec<_> = message(b'P', b"a\0select 1\0\0\0");
    let long = message(b'P', &[b"a\0select ".as_slice(), &[b'x'; 1200], b"\0\0\0"].concat());
    let floods: [(&str, Direction, &[u8], &[u8]); 12] = [
        ("endless queries", ToServer, &open, &query("select 1")),
        ("endless parses", ToServer, &open, &parse),
        ("endless long parses", ToServer, &open, &long),
        ("endless executes", ToServer, &open, &extended(1)),
        ("endless syncs", ToServer, &open, SYNC),
        ("endless copy", ToServer, &[open.clone(), query("copy")].concat(), &message(b'd', &[b'x'; 1000])),
        ("endless passwords", ToServer, &open, &message(b'p', &[b'x'; 1000])),
        ("endless rows", ToClient, &columns(), &row("hello")),
        ("endless results", ToClient, b"", &message(b'C', b"SELECT 1\0")),
        ("endless notices", ToClient, b"R\0\0\0\x08\0\0\0\0", &message(b'N', &[b'M'; 1000])),
        ("endless message", ToServer, &[open.clone(), b"Q\0\xff\xff\xff".to_vec()].concat(), b"x"),
        ("endless nothing", ToServer, b"", b"\0"),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(postgres::Dissector::new(MIB), direction, start, again);
        assert!(most <= 8 * MIB, "{name}: {most} bytes");
    }
}
