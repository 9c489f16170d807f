//! DNS over TCP; datagrams go through the same code.

use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::dns;
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

/// Messages with their lengths, some of them bent.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let message = (
        any::<u16>(),
        any::<bool>(),
        0_usize..3,
        prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    );
    let one = message.prop_map(|(id, response, cut, bent)| {
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend([if response { 0x81 } else { 1 }, 0, 0, 1, 0, u8::from(response), 0, 0, 0, 0]);
        bytes.extend(b"\x01a\x07example\x00\x00\x01\x00\x01");
        if response {
            bytes.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04\x7f\x00\x00\x01");
        }
        if let Some((at, value)) = bent {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let mut framed = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        framed.extend(&bytes[..bytes.len() - cut]);
        framed
    });
    prop::collection::vec(one, 1..6).prop_map(|messages| messages.concat())
}

/// A query or a response with its length in front.
fn framed(id: u16, response: bool) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend([if response { 0x81 } else { 1 }, 0, 0, 1, 0, u8::from(response), 0, 0, 0, 0]);
    bytes.extend(b"\x01a\x07example\x00\x00\x01\x00\x01");
    if response {
        bytes.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04\x7f\x00\x00\x01");
    }
    [u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec(), bytes].concat()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(stream()), parts in parts()) {
        splits_alike(dns::Dissector::new, &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        ids in prop::collection::vec(any::<u16>(), 1..8),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..60),
    ) {
        let talk: Vec<_> = ids
            .iter()
            .flat_map(|&id| [(ToServer, framed(id, false)), (ToClient, framed(id, true))])
            .collect();
        gaps_tell_nothing_new(dns::Dissector::new, &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let query =
        b"\x00\x1b\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01";
    for again in [&query[..27], b"\xff\xff", b"\0"] {
        let most = flood(dns::Dissector::new(), ToServer, b"", again);
        assert!(most <= 5 * 1024 * 1024, "{again:?}: {most} bytes");
    }
}
