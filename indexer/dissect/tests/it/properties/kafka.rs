//! Kafka.

use dissect::protocol::Direction::{self, ToClient, ToServer};
use dissect::protocol::{Content, kafka};
use proptest::prelude::*;

use super::{Keeping, Step, config, flood, gaps_tell_nothing_new, parts, play, splits_alike, steps};

/// A message with its length in front.
fn framed(parts: &[&[u8]]) -> Vec<u8> {
    let message = parts.concat();
    [u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), &message].concat()
}

/// One of a few operations: the head up to the correlation id, what follows the client's id, and the answer.
#[derive(Clone, Copy, Debug)]
struct Operation {
    head: &'static [u8],
    request: &'static [u8],
    response: Option<&'static [u8]>,
}

const OPERATIONS: [Operation; 8] = [
    // Heartbeat 0: group, generation, member.
    Operation {
        head: b"\0\x0c\0\0",
        request: b"\0\x01g\0\0\0\x05\0\x01m",
        response: Some(b"\0\x1b"),
    },
    // Metadata 1 of topic "orders".
    Operation {
        head: b"\0\x03\0\x01",
        request: b"\0\0\0\x01\0\x06orders",
        response: Some(
            b"\0\0\0\x01\0\0\0\0\0\x01k\0\0\x23\x84\xff\xff\0\0\0\0\0\0\0\x01\0\0\0\x06orders\0\0\0\0\0",
        ),
    },
    // Produce 2 without records, acknowledged and not.
    Operation {
        head: b"\0\0\0\x02",
        request: b"\0\x01\0\0\0\x0a\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x07\xff\xff\xff\xff",
        response: Some(
            b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x07\0\x03\0\0\0\0\0\0\0\x2a\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0",
        ),
    },
    Operation {
        head: b"\0\0\0\x02",
        request: b"\0\0\0\0\0\x0a\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x07\xff\xff\xff\xff",
        response: None,
    },
    // ApiVersions 3: flexible, but for the head of its response.
    Operation {
        head: b"\0\x12\0\x03",
        request: b"\0\x04lib\x021\0",
        response: Some(b"\0\0\x02\0\0\0\0\0\x09\0\0\0\0\0\0"),
    },
    // Heartbeat 4: flexible.
    Operation {
        head: b"\0\x0c\0\x04",
        request: b"\0\x02g\0\0\0\x05\x02m\0\0",
        response: Some(b"\0\0\0\0\0\0\0\0"),
    },
    // SaslHandshake 0, behind which anything may be a token.
    Operation { head: b"\0\x11\0\0", request: b"\0\x05PLAIN", response: Some(b"\0\0\0\0\0\x01\0\x05PLAIN") },
    // ListGroups 0.
    Operation { head: b"\0\x10\0\0", request: b"", response: Some(b"\0\0\0\0\0\0") },
];

impl Operation {
    fn messages(&self, id: i32) -> Vec<(Direction, Vec<u8>)> {
        let id = id.to_be_bytes();
        let mut messages = vec![(ToServer, framed(&[self.head, &id, b"\0\x03cli", self.request]))];
        messages.extend(self.response.map(|response| (ToClient, framed(&[&id, response]))));
        messages
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    prop::sample::select(OPERATIONS.as_slice())
}

/// Requests and responses at random, some of them bent.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let bent = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    let one = (operation(), 0..6_i32, any::<bool>(), bent).prop_map(|(operation, id, answer, bent)| {
        let mut messages = operation.messages(id);
        let (_, mut bytes) = if answer { messages.pop().unwrap() } else { messages.swap_remove(0) };
        if let Some((at, value)) = bent {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes
    });
    let token = prop::collection::vec(any::<u8>(), 0..9).prop_map(|token| framed(&[&token]));
    let part = prop_oneof![6 => one, 1 => token];
    prop::collection::vec(part, 1..6).prop_map(|messages| messages.concat())
}

fn dissector() -> kafka::Dissector {
    kafka::Dissector::new(24)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(stream()), parts in parts()) {
        splits_alike(dissector, &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        operations in prop::collection::vec(operation(), 1..12),
        pipelined in any::<bool>(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..80),
    ) {
        let talk = operations.iter().zip(1..).flat_map(|(operation, id)| operation.messages(id));
        let mut talk: Vec<_> = talk.collect();
        if pipelined {
            talk.sort_by_key(|(way, _)| *way == ToClient);
        }
        gaps_tell_nothing_new(|| kafka::Dissector::new(1 << 20), &talk, gap)?;
    }

    #[test]
    fn a_response_to_what_was_not_seen_was_sent(
        operations in prop::collection::vec(operation(), 2..12),
        pipelined in any::<bool>(),
        lost in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let talk = operations.iter().zip(1..).flat_map(|(operation, id)| operation.messages(id));
        let mut talk: Vec<_> = talk.collect();
        if pipelined {
            talk.sort_by_key(|(way, _)| *way == ToClient);
        }
        let mut steps: Vec<_> = talk.iter().map(|(way, bytes)| Step::Data(*way, bytes.clone())).collect();
        for lost in lost {
            let lost = lost.index(talk.len());
            steps[lost] = Step::Gap(talk[lost].0, talk[lost].1.len() as u64);
        }
        for pair in play(dissector(), &steps, &[usize::MAX], Keeping::InMemory) {
            let (None, Some(response)) = (&pair.request, &pair.response) else { continue };
            let Content::KafkaResponse(said) = &response.content else { continue };
            let id = said.correlation_id.unwrap();
            let was_sent = |(way, bytes): &(Direction, Vec<u8>)| {
                *way == ToClient && bytes[4..8] == id.to_be_bytes() && bytes.len() as u64 == response.wire_bytes
            };
            prop_assert!(talk.iter().any(was_sent), "never sent: {:?}", said);
        }
    }
}

#[test]
fn no_flood_is_held() {
    const MIB: usize = 1024 * 1024;
    let request = |id: i32| OPERATIONS[1].messages(id).remove(0).1;
    let many: Vec<u8> = (0..50).flat_map(request).collect();
    let long = [&b"\x05\0\0\0"[..], b"\0\x03\0\x01\0\0\0\x01\0\x03cli"].concat();
    let counts = framed(&[b"\0\x03\0\x01\0\0\0\x01\0\x03cli\x7f\xff\xff\xff"]);
    let floods: [(&str, Direction, &[u8], &[u8]); 6] = [
        ("requests without responses", ToServer, b"", &many),
        ("one endless request", ToServer, &long, b"\0\x06orders"),
        ("counts of everything", ToServer, b"", &counts),
        ("tokens", ToServer, &OPERATIONS[6].messages(1)[0].1, b"\0\0\0\x05hello"),
        ("endless nothing", ToServer, b"", b"\0"),
        ("responses without requests", ToClient, b"", b"\0\0\0\x06\0\0\0\x01\0\0"),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(kafka::Dissector::new(MIB), direction, start, again);
        assert!(most <= 8 * MIB, "{name}: {most} bytes");
    }
}
