//! TLS.

use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::{Direction, tls};
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
    bytes.extend(content);
    bytes
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn client_hello(seed: u8) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([seed; 32]);
    body.extend(b"\x00\x00\x04\x13\x01\xc0\x2f\x01\x00\x00\x12\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost");
    handshake(1, &body)
}

fn server_hello(seed: u8, is_13: bool, is_retry: bool) -> Vec<u8> {
    const RETRY: &[u8; 32] =
        b"\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c";
    let mut body = vec![3, 3];
    body.extend(if is_retry { *RETRY } else { [seed; 32] });
    body.extend(b"\x00\xc0\x2f\x00");
    if is_13 || is_retry {
        body.extend(b"\x00\x06\x00\x2b\x00\x02\x03\x04");
    }
    handshake(2, &body)
}

fn certificate(seed: u8) -> Vec<u8> {
    let der = vec![seed; 40];
    handshake(11, &[b"\x00\x00\x2b\x00\x00\x28".to_vec(), der].concat())
}

/// The server's side of a handshake of TLS 1.2, in records cut anywhere.
fn flight(seed: u8, cut: usize) -> Vec<u8> {
    let bytes = [server_hello(seed, false, false), certificate(seed), handshake(14, b"")].concat();
    bytes.chunks(cut.max(1)).flat_map(|part| record(22, part)).collect()
}

/// Parts of TLS in any order: most orders are wrong.
fn jumble() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        (any::<u8>(), 1_usize..80).prop_map(|(seed, cut)| client_hello(seed)
            .chunks(cut)
            .flat_map(|part| record(22, part))
            .collect()),
        (any::<u8>(), any::<bool>(), any::<bool>())
            .prop_map(|(seed, is_13, is_retry)| record(22, &server_hello(seed, is_13, is_retry))),
        (any::<u8>(), 1_usize..80).prop_map(|(seed, cut)| flight(seed, cut)),
        any::<u8>().prop_map(|seed| record(22, &certificate(seed))),
        Just(record(20, b"\x01")),
        Just(record(21, b"\x02\x28")),
        Just(record(21, b"\x01\x00")),
        prop::collection::vec(any::<u8>(), 0..60).prop_map(|bytes| record(23, &bytes)),
        prop::collection::vec(any::<u8>(), 1..60).prop_map(|bytes| record(22, &bytes)),
        prop::collection::vec(any::<u8>(), 1..20),
        Just(b"\x80\x1c\x01\x03\x01\x00\x03\x00\x00\x00\x10\x00\x00\x2f0123456789abcdef".to_vec()),
    ];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

/// A sound conversation: with or without a retry, of TLS 1.2 or 1.3.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    (any::<bool>(), any::<bool>(), any::<bool>(), 1_usize..200).prop_map(|(is_13, retries, resumes, cut)| {
        let mut talk = vec![(ToServer, record(22, &client_hello(1)))];
        let data = |length: usize| record(23, &vec![0x17; length]);
        if is_13 {
            if retries {
                talk.push((ToClient, record(22, &server_hello(0, true, true))));
                talk.push((ToClient, record(20, b"\x01")));
                talk.push((ToServer, record(20, b"\x01")));
                talk.push((ToServer, record(22, &client_hello(2))));
            }
            talk.push((ToClient, record(22, &server_hello(3, true, false))));
        } else {
            let finished = record(22, &[0xa5; 40]);
            if resumes {
                talk.push((ToClient, record(22, &server_hello(3, false, false))));
            } else {
                talk.push((ToClient, flight(3, cut)));
                talk.push((ToServer, record(22, &certificate(9))));
                talk.push((ToServer, record(22, &handshake(16, &[7; 33]))));
                talk.push((ToServer, record(20, b"\x01")));
                talk.push((ToServer, finished.clone()));
            }
            talk.push((ToClient, record(20, b"\x01")));
            talk.push((ToClient, finished));
        }
        talk.push((ToServer, data(50)));
        talk.push((ToClient, data(300)));
        talk.push((ToClient, data(20)));
        talk.push((ToServer, record(21, b"\x01\x00")));
        talk
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(jumble()), parts in parts()) {
        splits_alike(tls::Dissector::new, &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..400),
    ) {
        gaps_tell_nothing_new(tls::Dissector::new, &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let huge = b"\x16\x03\x03\x00\x0a\x0b\xff\xff\xff\xff\xff\xfc\x00\x00\x00";
    let flood_of = [
        (
            "endless certificates",
            ToClient,
            huge.as_slice(),
            b"\x16\x03\x03\x00\x04\x00\x00\x00\x00".as_slice(),
        ),
        (
            "endless hello",
            ToServer,
            b"\x16\x03\x01\x00\x06\x01\xff\xff\xff\x03\x03",
            b"\x16\x03\x03\x00\x04abcd",
        ),
        ("endless record", ToServer, b"\x17\x03\x03\x40\x00", b"\x17\x03\x03\x40\x00"),
        ("endless nothing", ToServer, b"\xff", b"\xff"),
        ("almost records", ToClient, b"\xff", b"\x17\x03\x03\x3f\xff"),
    ];
    for (name, direction, start, again) in flood_of {
        let most = flood(tls::Dissector::new(), direction, start, again);
        assert!(most <= MIB, "{name}: {most} bytes");
    }
    let hello = record(22, &client_hello(1));
    let most = flood(tls::Dissector::new(), ToServer, &hello, &hello);
    assert!(most <= MIB, "hellos: {most} bytes");
}
