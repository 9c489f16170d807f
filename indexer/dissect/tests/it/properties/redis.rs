//! Redis.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::redis;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const BODY_BYTES_MAX: usize = 64;

fn make() -> redis::Dissector {
    redis::Dissector::new(BODY_BYTES_MAX)
}

fn roomy() -> redis::Dissector {
    redis::Dissector::new(1 << 20)
}

/// Parts of RESP, in any order: most orders are wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&str; 44] = [
        "*1\r\n",
        "*2\r\n",
        "*3\r\n",
        "*0\r\n",
        "*-1\r\n",
        "$3\r\nGET\r\n",
        "$1\r\nk\r\n",
        "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n",
        "*1\r\n$11\r\nUNSUBSCRIBE\r\n",
        "*1\r\n$7\r\nMONITOR\r\n",
        "*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n",
        "*1\r\n$4\r\nSYNC\r\n",
        "*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$1\r\n0\r\n",
        "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n",
        "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
        "PING\r\n",
        "SET k \"a b\"\r\n",
        "SELECT 3\n",
        "RESET\r\n",
        "+OK\r\n",
        "+RESET\r\n",
        "-ERR x\r\n",
        ":1\r\n",
        "$5\r\nhello\r\n",
        "$-1\r\n",
        "$100\r\n",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "_\r\n",
        "#t\r\n",
        ",1.5\r\n",
        "(99\r\n",
        "=7\r\ntxt:abc\r\n",
        "%1\r\n",
        ">2\r\n",
        "|1\r\n",
        "*?\r\n",
        ".\r\n",
        "$?\r\n",
        ";3\r\nabc\r\n",
        ";0\r\n",
        "+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0\r\n",
        "$EOF:0123456789012345678901234567890123456789\r\nx0123456789012345678901234567890123456789",
        "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
    ];
    prop::collection::vec(prop::sample::select(PARTS.as_slice()), 1..12)
        .prop_map(|parts| parts.concat().into_bytes())
}

/// A command and what answers it, each told by a number.
fn exchange(number: u32, kind: u8) -> [(Direction, Vec<u8>); 2] {
    let key = number.to_string();
    let command = match kind {
        0 => format!("*3\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$12\r\nsome\r\nvalue!\r\n", key.len()),
        1 => String::from("*1\r\n$4\r\nPING\r\n"),
        _ => format!("*2\r\n$3\r\nGET\r\n${}\r\n{key}\r\n", key.len()),
    };
    let reply = match kind {
        0 => "+OK\r\n".to_owned(),
        1 => "+PONG\r\n".to_owned(),
        2 => format!("*3\r\n:1\r\n$-1\r\n${}\r\n{key}\r\n", key.len()),
        3 => "$-1\r\n".to_owned(),
        _ => format!("${}\r\n{key}\r\n", key.len()),
    };
    [(ToServer, command.into_bytes()), (ToClient, reply.into_bytes())]
}

/// Whether commands wait for each other, or go out together.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let batch = (prop::collection::vec((any::<u32>(), 0_u8..6), 1..5), any::<bool>());
    prop::collection::vec(batch, 1..5).prop_map(|batches| {
        let mut talk = Vec::new();
        for (exchanges, pipelined) in batches {
            let exchanges = exchanges.into_iter().map(|(number, kind)| exchange(number, kind));
            if pipelined {
                let (commands, replies): (Vec<_>, Vec<_>) = exchanges.map(|[a, b]| (a, b)).unzip();
                talk.extend(commands.into_iter().chain(replies));
            } else {
                talk.extend(exchanges.flatten());
            }
        }
        talk
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(text()), parts in parts()) {
        splits_alike(make, &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..60),
    ) {
        gaps_tell_nothing_new(roomy, &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    const MIB: usize = 1024 * 1024;
    let make = || redis::Dissector::new(MIB);
    let floods: [(&str, Direction, &[u8], &[u8]); 12] = [
        ("endless string", ToClient, b"$1099511627776\r\n", b"x"),
        ("endless line", ToClient, b"+", b"x"),
        ("endless inline command", ToServer, b"", b"x"),
        ("endless array", ToClient, b"*2000000000\r\n", b":1\r\n"),
        ("endless command", ToServer, b"*2000000000\r\n", b"$1\r\na\r\n"),
        ("endless nesting", ToClient, b"", b"*2\r\n"),
        ("endless parts", ToClient, b"$?\r\n", b";1\r\nx\r\n"),
        ("endless aggregate", ToClient, b"*?\r\n", b"_\r\n"),
        ("commands without replies", ToServer, b"", b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"),
        ("replies without commands", ToClient, b"", b"$5\r\nhello\r\n"),
        ("endless subscription", ToServer, b"", b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"),
        ("endless nothing", ToServer, b"", b"\0"),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(make(), direction, start, again);
        assert!(most <= 5 * MIB, "{name}: {most} bytes");
    }
}
