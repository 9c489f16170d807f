//! Kafka's table of messages against bytes that another implementation wrote: `kafka_messages.txt`.

use dissect::protocol::kafka::decode::End;
use dissect::protocol::kafka::message::Response;
use dissect::protocol::kafka::{Dissector, schema};
use dissect::protocol::{Chunk, Content, Direction, Mark, StreamDissector};
use segment::{PacketRef, Timestamp};

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// How reading a request ends that has this body.
fn request(key: i16, version: i16, body: &[u8]) -> End {
    let tags: &[u8] = if schema::api(key).unwrap().flexible.contains(version) { b"\0" } else { b"" };
    let head = [key.to_be_bytes(), version.to_be_bytes()].concat();
    let message = [&head, b"\0\0\0\x01\0\x01c".as_slice(), tags, body].concat();
    let framed = [u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), &message].concat();
    let mark =
        Mark { timestamp: Timestamp::from_nanos(0), packet: PacketRef { sequence: 0, frame: 0, index: 0 } };
    let (mut dissector, mut pairs) = (Dissector::new(1 << 20), Vec::new());
    dissector.feed(Direction::ToServer, Chunk::Data { bytes: &framed, mark }, &mut pairs);
    dissector.finish(&mut pairs);
    match &pairs[0].request.as_ref().unwrap().content {
        Content::KafkaRequest(request) => request.payload().end,
        other => panic!("{other:?}"),
    }
}

fn response(key: i16, version: i16, body: &[u8]) -> End {
    // Only the response to ApiVersions has no tagged fields in its head.
    let is_flexible = schema::api(key).unwrap().flexible.contains(version) && key != 18;
    let body = [if is_flexible { b"\0".as_slice() } else { b"" }, body].concat();
    let length_bytes = u32::try_from(body.len()).unwrap() + 4;
    let response = Response {
        correlation_id: Some(1),
        api: Some((key, version)),
        length_bytes,
        body,
        topics: Vec::new(),
    };
    response.payload().end
}

#[test]
fn every_message_is_read_to_its_end() {
    let lines = include_str!("kafka_messages.txt").lines().filter(|line| !line.starts_with('#'));
    let mut count = 0;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let (key, version) = (words[0].parse().unwrap(), words[1].parse().unwrap());
        let body = bytes(words.get(3).copied().unwrap_or_default());
        let read = if words[2] == "request" { request } else { response };
        assert_eq!(read(key, version, &body), End::Whole, "{line}");
        if let Some((_, cut)) = body.split_last()
            && words[2] == "response"
        {
            assert_ne!(read(key, version, cut), End::Whole, "{line}, cut");
        }
        count += 1;
    }
    assert_eq!(count, 306);
}
