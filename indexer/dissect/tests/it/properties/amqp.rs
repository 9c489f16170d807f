//! AMQP 0-9-1.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::amqp;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

fn make() -> amqp::Dissector {
    amqp::Dissector::new(16)
}

fn roomy() -> amqp::Dissector {
    amqp::Dissector::new(1 << 20)
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &length, payload, &[0xce]].concat()
}

fn method(channel: u16, class: u16, number: u16, args: &[u8]) -> Vec<u8> {
    frame(1, channel, &[&class.to_be_bytes()[..], &number.to_be_bytes(), args].concat())
}

fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
}

fn header(channel: u16, length: u64) -> Vec<u8> {
    frame(2, channel, &[&[0, 60, 0, 0][..], &length.to_be_bytes(), &[0x80, 0], &short("text/plain")].concat())
}

/// Frames in any order, some of them bent: most orders are wrong.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = (0_u8..14, 1_u16..3, prop::option::of((any::<prop::sample::Index>(), any::<u8>())));
    let one = part.prop_map(|(kind, channel, bent)| {
        let mut bytes = match kind {
            0 => b"AMQP\0\0\x09\x01".to_vec(),
            1 => method(channel, 20, 10, b"\0"),
            2 => method(channel, 20, 11, b"\0\0\0\0"),
            3 => method(channel, 85, 10, b"\0"),
            4 => method(channel, 60, 40, &[&b"\0\0"[..], &short("x"), &short("k"), &[1]].concat()),
            5 => header(channel, 10),
            6 => frame(3, channel, b"hello"),
            7 => method(channel, 60, 80, b"\0\0\0\0\0\0\0\x01\0"),
            8 => frame(8, 0, b""),
            9 => method(channel, 60, 70, &[&b"\0\0"[..], &short("q"), &[0]].concat()),
            10 => method(channel, 60, 72, b"\0"),
            11 => method(channel, 20, 40, b"\x01\x94\x03abc\0\0\0\0"),
            12 => method(channel, 20, 41, b""),
            _ => header(channel, 0),
        };
        if let Some((at, value)) = bent {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes
    });
    prop::collection::vec(one, 1..8).prop_map(|frames| frames.concat())
}

/// Whole messages: each a method with its answer, or one with its content.
fn exchange(number: u32, kind: u8, channel: u16) -> Vec<(Direction, Vec<u8>)> {
    let name = short(&number.to_string());
    let content = |method: Vec<u8>| {
        let body = number.to_string().into_bytes();
        [method, header(channel, body.len() as u64), frame(3, channel, &body)].concat()
    };
    match kind {
        0 => vec![
            (ToServer, method(channel, 50, 10, &[&b"\0\0"[..], &name, &[2], &[0, 0, 0, 0]].concat())),
            (ToClient, method(channel, 50, 11, &[&name[..], &[0; 8]].concat())),
        ],
        1 => vec![
            (ToServer, method(channel, 60, 70, &[&b"\0\0"[..], &name, &[0]].concat())),
            (ToClient, method(channel, 60, 72, b"\0")),
        ],
        2 => vec![(ToServer, content(method(channel, 60, 40, &[&b"\0\0"[..], &name, &name, &[0]].concat())))],
        3 => {
            let args = [&name[..], &u64::from(number).to_be_bytes(), &[0], &name, &name].concat();
            vec![(ToClient, content(method(channel, 60, 60, &args)))]
        }
        _ => vec![(ToClient, frame(8, 0, b""))],
    }
}

fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let batch = (prop::collection::vec((any::<u32>(), 0_u8..5, 1_u16..3), 1..5), any::<bool>());
    prop::collection::vec(batch, 1..4).prop_map(|batches| {
        let mut talk = Vec::new();
        for (exchanges, together) in batches {
            let mut all: Vec<_> = exchanges
                .into_iter()
                .flat_map(|(number, kind, channel)| exchange(number, kind, channel))
                .collect();
            if together {
                all.sort_by_key(|(way, _)| *way == ToClient);
            }
            talk.extend(all);
        }
        talk
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(stream()), parts in parts()) {
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
    let publish = method(1, 60, 40, &[&b"\0\0"[..], &short("x"), &short("k"), &[0]].concat());
    let endless = [publish.clone(), header(1, 1 << 63)].concat();
    let get = method(1, 60, 70, &[&b"\0\0"[..], &short("q"), &[0]].concat());
    let body = frame(3, 1, &[b'x'; 1000]);
    let floods: [(&str, Direction, Vec<u8>, Vec<u8>); 7] = [
        ("endless body", ToServer, endless.clone(), body),
        (
            "endless body frame",
            ToServer,
            [&endless[..], b"\x03\0\x01\xff\xff\xff\xff"].concat(),
            b"x".to_vec(),
        ),
        ("endless method", ToServer, b"\x01\0\x01\0\x10\0\0\0\x0a\0\x0a".to_vec(), b"x".to_vec()),
        ("gets without answers", ToServer, Vec::new(), get),
        ("publishes without contents", ToServer, Vec::new(), publish),
        ("endless nothing", ToServer, Vec::new(), b"\0".to_vec()),
        ("half a frame", ToClient, Vec::new(), b"\x01".to_vec()),
    ];
    for (name, direction, start, again) in floods {
        let start = if start.is_empty() { frame(8, 0, b"") } else { start };
        let most = flood(amqp::Dissector::new(MIB), direction, &start, &again);
        assert!(most <= 6 * MIB, "{name}: {most} bytes");
    }
}
