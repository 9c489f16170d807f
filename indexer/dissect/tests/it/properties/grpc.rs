//! gRPC: an interpretation of HTTP messages, so what is held against it is what was sent.

use dissect::Limits;
use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::grpc::{self, Body, End};
use dissect::protocol::http2::frame::PREFACE;
use dissect::protocol::{Direction, Pair, http2};
use proptest::prelude::*;

use super::http2::frame;
use super::websocket_http2::lines;
use super::{Keeping, Step, config, parts, play, splits_alike};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const DECODED_BYTES_MAX: usize = 1 << 20;

/// A call as it is made: what either side says, in DATA frames of up to so many bytes, and how it ends.
#[derive(Clone, Debug)]
struct Call {
    asked: Vec<Vec<u8>>,
    answered: Vec<Vec<u8>>,
    frame_bytes: usize,
    status: u32,
}

fn call() -> impl Strategy<Value = Call> {
    let messages = || prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4);
    (messages(), messages(), 1_usize..50, 0_u32..17).prop_map(|(asked, answered, frame_bytes, status)| Call {
        asked,
        answered,
        frame_bytes,
        status,
    })
}

/// Messages with their prefixes, in DATA frames.
fn data(stream: u32, messages: &[Vec<u8>], frame_bytes: usize) -> Vec<Vec<u8>> {
    let prefixed = |message: &Vec<u8>| {
        [&[0], u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), message].concat()
    };
    let body: Vec<u8> = messages.iter().flat_map(prefixed).collect();
    body.chunks(frame_bytes).map(|part| frame(DATA, 0, stream, part)).collect()
}

/// All calls at once on one connection; that on stream N is of method N.
fn talk(calls: &[Call]) -> Vec<(Direction, Vec<u8>)> {
    let mut talk =
        vec![(ToServer, [&PREFACE[..], &frame(4, 0, 0, b"")].concat()), (ToClient, frame(4, 0, 0, b""))];
    let streams = || (1_u32..).step_by(2).zip(calls);
    for (stream, call) in streams() {
        let path = format!("/shop.Orders/{stream}");
        let head =
            lines(&[(":method", b"POST"), (":path", path.as_bytes()), ("content-type", b"application/grpc")]);
        talk.push((ToServer, frame(HEADERS, END_HEADERS, stream, &head)));
        talk.extend(data(stream, &call.asked, call.frame_bytes).into_iter().map(|frame| (ToServer, frame)));
        talk.push((ToServer, frame(DATA, END_STREAM, stream, b"")));
    }
    for (stream, call) in streams() {
        let head = lines(&[(":status", b"200"), ("content-type", b"application/grpc")]);
        talk.push((ToClient, frame(HEADERS, END_HEADERS, stream, &head)));
        talk.extend(
            data(stream, &call.answered, call.frame_bytes).into_iter().map(|frame| (ToClient, frame)),
        );
        let trailers = lines(&[("grpc-status", call.status.to_string().as_bytes())]);
        talk.push((ToClient, frame(HEADERS, END_HEADERS | END_STREAM, stream, &trailers)));
    }
    talk
}

fn dissector() -> http2::Dissector {
    http2::Dissector::new(&Limits::default())
}

/// What is told of one direction of a call.
struct Told {
    whole: Vec<Vec<u8>>,
    count: u64,
    end: End,
}

impl Told {
    fn of(body: &Body<'_>) -> Self {
        let whole = body.messages.iter().filter(|message| message.missing_bytes == 0);
        Self {
            whole: whole.map(|message| body.sent(message).to_vec()).collect(),
            count: body.count,
            end: body.end,
        }
    }

    /// Nothing is told that was not sent, and where the end is said to be seen, all of it.
    fn check(&self, sent: &[Vec<u8>]) -> Result<(), TestCaseError> {
        prop_assert!(self.count <= sent.len() as u64, "{} of {} messages", self.count, sent.len());
        let mut rest = sent.iter();
        for message in &self.whole {
            prop_assert!(rest.any(|known| known == message), "never sent, or not in this order: {message:?}");
        }
        if self.end == End::Whole {
            prop_assert_eq!(self.count, sent.len() as u64);
        }
        Ok(())
    }
}

/// Every call told was made, by its method.
fn check(pairs: &[Pair], calls: &[Call]) -> Result<usize, TestCaseError> {
    let mut whole = 0;
    for pair in pairs {
        let asked = pair.request.as_ref().and_then(|message| message.content.http_request());
        let answered = pair.response.as_ref().and_then(|message| message.content.http_response());
        let asked = asked.and_then(|view| grpc::request(&view, DECODED_BYTES_MAX));
        let answered = answered.and_then(|view| grpc::response(&view, DECODED_BYTES_MAX));
        let Some(stream) = asked.as_ref().and_then(|request| request.method.parse::<usize>().ok()) else {
            continue;
        };
        let call = &calls[stream / 2];
        let mut is_whole = true;
        if let Some(request) = &asked {
            prop_assert_eq!(&request.service, "shop.Orders");
            Told::of(&request.body).check(&call.asked)?;
            is_whole &= request.body.end == End::Whole;
        }
        if let Some(response) = &answered {
            Told::of(&response.body).check(&call.answered)?;
            if let Some(status) = &response.status {
                prop_assert_eq!(status.code, call.status);
            }
            is_whole &= response.body.end == End::Whole && response.status.is_some();
        }
        whole += usize::from(is_whole && answered.is_some());
    }
    Ok(whole)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_sent_is_told_however_it_is_split(calls in prop::collection::vec(call(), 1..5), parts in parts()) {
        let steps: Vec<_> = talk(&calls).into_iter().map(|(way, bytes)| Step::Data(way, bytes)).collect();
        splits_alike(dissector, &steps, &parts)?;
        let pairs = play(dissector(), &steps, &parts, Keeping::InMemory);
        prop_assert_eq!(check(&pairs, &calls)?, calls.len());
    }

    #[test]
    fn a_gap_tells_nothing_new(
        calls in prop::collection::vec(call(), 1..5),
        joined in 1_usize..6,
        gap in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..80),
    ) {
        // Whole frames may be missing, and several.
        let mut talk = talk(&calls);
        talk.sort_by_key(|(way, _)| *way == ToClient);
        let chunks = talk.chunk_by(|(one, _), (other, _)| one == other).flat_map(|side| side.chunks(joined));
        let mut steps: Vec<_> =
            chunks.map(|frames| Step::Data(frames[0].0, frames.iter().flat_map(|(_, bytes)| bytes.clone()).collect())).collect();
        let (index, at, length) = gap;
        let index = index.index(steps.len());
        let Step::Data(way, bytes) = steps[index].clone() else { unreachable!("only data") };
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        let around = [&bytes[..at], &bytes[end..]].map(|bytes| Step::Data(way, bytes.to_vec()));
        let [before, behind] = around;
        steps.splice(index..=index, [before, Step::Gap(way, (end - at) as u64), behind]);
        check(&play(dissector(), &steps, &[usize::MAX], Keeping::InMemory), &calls)?;
    }
}

#[test]
fn no_flood_is_held() {
    const MIB: usize = 1024 * 1024;
    let head = lines(&[(":method", b"POST"), (":path", b"/a.B/C"), ("content-type", b"application/grpc")]);
    let start = [&PREFACE[..], &frame(HEADERS, END_HEADERS, 1, &head)].concat();
    for again in [b"\0\0\0\0\x05hello".as_slice(), b"\0\0\0\0\0", b"\0\x7f\xff\xff\xff"] {
        let most = super::flood(http2::Dissector::new(MIB), ToServer, &start, &frame(DATA, 0, 1, again));
        assert!(most <= 4 * MIB, "{again:?}: {most} bytes");
    }
}
