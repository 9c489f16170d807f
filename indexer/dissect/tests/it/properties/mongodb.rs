//! MongoDB.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::mongodb;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

fn message(number: u32, answers: u32, opcode: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 16).unwrap();
    [length, number, answers, opcode]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .chain(body.iter().copied())
        .collect()
}

/// `{name: value, "$db": "shop"}`.
fn document(name: &str, value: u32) -> Vec<u8> {
    let body = [b"\x10", name.as_bytes(), b"\0", &value.to_le_bytes(), b"\x02$db\0\x05\0\0\0shop\0"].concat();
    [&u32::try_from(body.len() + 5).unwrap().to_le_bytes()[..], &body, b"\0"].concat()
}

fn msg(number: u32, answers: u32, flags: u32, document: &[u8]) -> Vec<u8> {
    message(number, answers, 2013, &[&flags.to_le_bytes()[..], b"\0", document].concat())
}

/// Parts of the protocol, in any order: most orders are wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let section = [b"documents\0", document("a", 1).as_slice(), &document("b", 2)].concat();
    let section = [&u32::try_from(section.len() + 4).unwrap().to_le_bytes()[..], &section].concat();
    let query =
        [b"\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff", document("isMaster", 1).as_slice()].concat();
    let reply = [b"\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0", document("ok", 1).as_slice()].concat();
    let noop = [b"\xdd\x07\0\0\x10\0\0\0\0\0\0\0\0\0", document("ping", 1).as_slice()].concat();
    let parts: Vec<Vec<u8>> = vec![
        msg(1, 0, 0, &document("ping", 1)),
        msg(2, 0, 2, &document("insert", 1)),
        msg(7, 1, 0, &document("ok", 1)),
        msg(8, 1, 2, &document("ok", 0)),
        msg(9, 8, 0, &document("ok", 1)),
        message(1, 0, 2013, &[b"\0\0\0\0\0", document("insert", 1).as_slice(), b"\x01", &section].concat()),
        message(3, 0, 2004, &query),
        message(9, 3, 1, &reply),
        message(1, 0, 2002, &[b"\0\0\0\0shop.items\0", document("a", 1).as_slice()].concat()),
        message(5, 0, 2005, b"\0\0\0\0shop.items\0\x05\0\0\0\x07\0\0\0\0\0\0\0"),
        message(6, 0, 2007, b"\0\0\0\0\x01\0\0\0\x07\0\0\0\0\0\0\0"),
        message(1, 0, 2012, &noop),
        message(1, 0, 2012, b"\xdd\x07\0\0\xff\xff\xff\0\x02\x78\x9c\x03\0"),
        message(1, 0, 2012, b"\xdd\x07\0\0\xff\xff\xff\0\x01\xff\xff\xff\x7f\0"),
        b"\xff\xff\xff\xff".to_vec(),
        b"\0".to_vec(),
    ];
    prop::collection::vec(prop::sample::select(parts), 1..12).prop_map(|parts| parts.concat())
}

/// Requests with numbers of their own, some at once, answered in any order.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let turn = (1_usize..4, any::<bool>(), 0_u32..1000);
    prop::collection::vec(turn, 1..8).prop_map(|turns| {
        let mut talk = Vec::new();
        let mut number = 0;
        for (count, reversed, value) in turns {
            let numbers: Vec<u32> = (0..count)
                .map(|_| {
                    number += 1;
                    number
                })
                .collect();
            let asked: Vec<_> =
                numbers.iter().flat_map(|n| msg(*n, 0, 0, &document("ping", value + n))).collect();
            let mut answers: Vec<_> =
                numbers.iter().map(|n| msg(n + 5000, *n, 0, &document("ok", n + 1))).collect();
            if reversed {
                answers.reverse();
            }
            talk.extend([(ToServer, asked), (ToClient, answers.concat())]);
        }
        talk
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(text()), parts in parts()) {
        splits_alike(|| mongodb::Dissector::new(64, 1000), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..100),
    ) {
        gaps_tell_nothing_new(|| mongodb::Dissector::new(MIB, MIB), &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let floods: [(&str, Direction, Vec<u8>, Vec<u8>); 5] = [
        ("endless requests", ToServer, Vec::new(), msg(1, 0, 0, &document("ping", 1))),
        ("endless message", ToServer, message(1, 0, 2013, &[0; 100])[..20].to_vec(), b"x".to_vec()),
        (
            "long message",
            ToServer,
            [&0x0200_0000_u32.to_le_bytes()[..], &[1, 0, 0, 0, 0, 0, 0, 0, 0xdd, 7, 0, 0]].concat(),
            b"x".to_vec(),
        ),
        ("endless answers", ToClient, Vec::new(), msg(7, 1, 0, &document("ok", 1))),
        ("endless nothing", ToServer, Vec::new(), b"\0".to_vec()),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(mongodb::Dissector::new(MIB, MIB), direction, &start, &again);
        assert!(most <= 5 * MIB, "{name}: {most} bytes");
    }
}
