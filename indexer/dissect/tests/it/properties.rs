//! What every protocol must hold: any split of its input gives the same messages, a gap anywhere never
//! panics, no input makes it hold more than its cap.

use dissect::protocol::{Chunk, Direction, Mark, Pair, StreamDissector, content_encoding, dns, fuzz, http1};
use proptest::prelude::*;
use segment::{PacketRef, Timestamp};

use crate::corpus;

const MARK: Mark =
    Mark { timestamp: Timestamp::from_nanos(0), packet: PacketRef { sequence: 0, frame: 0, index: 0 } };

#[derive(Clone, Debug)]
enum Step {
    Data(Direction, Vec<u8>),
    Gap(Direction, u64),
    Close(Direction),
}

/// What flows like these begin with; one mark for all, so that messages can be compared whole.
fn play(mut dissector: impl StreamDissector, steps: &[Step], parts: &[usize]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut parts = parts.iter().cycle();
    for step in steps {
        match step {
            Step::Data(direction, bytes) => {
                let mut rest = bytes.as_slice();
                while !rest.is_empty() {
                    let (part, after) = rest.split_at((*parts.next().unwrap()).clamp(1, rest.len()));
                    dissector.feed(*direction, Chunk::Data { bytes: part, mark: MARK }, &mut pairs);
                    rest = after;
                }
            }
            Step::Gap(direction, length_bytes) => {
                dissector.feed(
                    *direction,
                    Chunk::Gap { length_bytes: *length_bytes, mark: MARK },
                    &mut pairs,
                );
            }
            Step::Close(direction) => dissector.close(*direction, &mut pairs),
        }
    }
    dissector.finish(&mut pairs);
    pairs
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::ToServer), Just(Direction::ToClient)]
}

fn steps(data: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (direction(), data).prop_map(|(direction, bytes)| Step::Data(direction, bytes)),
        1 => (direction(), 0_u64..40).prop_map(|(direction, length)| Step::Gap(direction, length)),
        1 => direction().prop_map(Step::Close),
    ];
    prop::collection::vec(step, 1..12)
}

/// Parts of HTTP/1, in any order: most orders are wrong.
fn http1_text() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&[u8]; 24] = [
        b"GET / HTTP/1.1\r\n",
        b"HEAD /a HTTP/1.0\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"POST /b HTTP/1.1\r\n",
        b"x y z\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Up\r\n",
        b"HTTP/1.1 304\r\n",
        b"\r\n",
        b"\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Upgrade: x\r\n",
        b" folded\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"3;a=b\nabc\n",
        b"hello",
        b"\0\xff",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    ];
    prop::collection::vec(prop::sample::select(PARTS.as_slice()), 1..12).prop_map(|parts| parts.concat())
}

/// Messages with their lengths, some of them bent.
fn dns_stream() -> impl Strategy<Value = Vec<u8>> {
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

fn parts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..40, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn http1_does_not_depend_on_the_split(steps in steps(http1_text()), parts in parts()) {
        let whole = play(http1::Dissector::new(8), &steps, &[usize::MAX]);
        prop_assert_eq!(play(http1::Dissector::new(8), &steps, &parts), whole);
    }

    #[test]
    fn dns_does_not_depend_on_the_split(steps in steps(dns_stream()), parts in parts()) {
        let whole = play(dns::Dissector::new(), &steps, &[usize::MAX]);
        prop_assert_eq!(play(dns::Dissector::new(), &steps, &parts), whole);
    }

    #[test]
    fn any_bytes_at_all(script in prop::collection::vec(any::<u8>(), 0..2000)) {
        fuzz::fuzz_http1(&script);
        fuzz::fuzz_dns(&script);
    }
}

/// What encoders make of `text`, and of that again: the start of something that decoders believe.
fn encoded() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x04\x58\x65\x00\x00\x30hello \x01\x00\xa9\x4b\x11\x87\x4e\x20\x0a";
    const BROTLI: &[u8] = b"\x0b\x02\x80hello\x03";
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x00";
    prop::sample::select(vec![("zstd", ZSTD), ("br", BROTLI), ("gzip", GZIP), ("deflate", &GZIP[10..])])
        .prop_map(|(coding, bytes)| (coding, bytes.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decoders_stop(
        (coding, mut bytes) in encoded(),
        bends in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        bytes.extend(tail);
        for (at, value) in bends {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let decoded = content_encoding::decode(&[coding.as_bytes()], &bytes, 1000);
        prop_assert!(decoded.bytes.len() <= 1000);
    }
}

/// Floods one direction and returns the most that was held.
fn flood(mut dissector: impl StreamDissector, direction: Direction, start: &[u8], again: &[u8]) -> usize {
    let (mut pairs, mut most) = (Vec::new(), 0);
    dissector.feed(direction, Chunk::Data { bytes: start, mark: MARK }, &mut pairs);
    let block = again.repeat(1 + 1400 / again.len());
    for _ in 0..20_000 {
        dissector.feed(direction, Chunk::Data { bytes: &block, mark: MARK }, &mut pairs);
        most = most.max(dissector.memory_bytes());
        pairs.clear();
    }
    most
}

#[test]
fn no_flood_is_held() {
    use Direction::{ToClient, ToServer};
    const MIB: usize = 1024 * 1024;
    let http1 = || http1::Dissector::new(MIB);
    let floods: [(&str, Direction, &[u8], &[u8]); 8] = [
        ("endless head", ToServer, b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        ("endless line", ToServer, b"GET /", b"x"),
        ("endless body", ToClient, b"HTTP/1.1 200 OK\r\n\r\n", b"body"),
        ("endless chunks", ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        ("endless chunk line", ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        ("endless interim", ToClient, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("endless requests", ToServer, b"", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789"),
        ("endless nothing", ToServer, b"", b"\0"),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(http1(), direction, start, again);
        assert!(most <= 4 * MIB, "{name}: {most} bytes");
    }
    let query =
        b"\x00\x1b\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x00\x00\x01\x00\x01";
    for again in [&query[..27], b"\xff\xff", b"\0"] {
        let most = flood(dns::Dissector::new(), ToServer, b"", again);
        assert!(most <= 5 * MIB, "{again:?}: {most} bytes");
    }
}

/// Real messages with a few bytes changed: nearer to sense than random bytes, so they get further.
#[test]
fn bent_captures_do_no_harm() {
    let Some(folder) = corpus::corpus() else { return };
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap()
    };
    let mut runs = 0;
    for capture in corpus::with_oracle(&folder, ".oracle.jsonl") {
        for packet in corpus::packets(&capture).iter().filter(|packet| packet.data.len() > 60).take(12) {
            // Behind Ethernet, IPv4 and TCP, or behind Ethernet, IPv4 and UDP.
            for start in [54, 42] {
                let payload = &packet.data[start..packet.data.len().min(start + 2000)];
                let mut script = vec![u8::try_from(random() & 1).unwrap()];
                script.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
                script.extend(payload);
                for _ in 0..random() % 4 {
                    let at = random() % script.len();
                    script[at] = random().to_le_bytes()[0];
                }
                script.extend_from_within(..);
                fuzz::fuzz_http1(&script);
                fuzz::fuzz_dns(&script);
                runs += 1;
            }
        }
    }
    assert!(runs > 1000, "{runs} runs");
}
