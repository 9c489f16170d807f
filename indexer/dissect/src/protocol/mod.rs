//! The protocols: each a folder of the same shape.
//!
//! `mod.rs` tells the protocol's story and recognises it, `message.rs` holds what a message says,
//! `frame.rs` cuts bytes into units (pure: `Ok(None)` asks for more), `dissector.rs` keeps the state of one
//! flow and pairs requests with responses. To add a protocol: copy a folder, add a variant to [`Content`]
//! and a line to [`table`].

pub mod table;

pub mod amqp;
pub mod content_encoding;
pub mod cursor;
pub mod dns;
pub mod fuzz;
pub mod graphql;
pub mod grpc;
pub mod http1;
pub mod http2;
pub mod http_view;
pub mod icmp;
pub mod kafka;
pub mod mongodb;
pub mod mysql;
pub mod pending;
pub mod percent;
pub mod postgres;
pub mod redis;
pub mod snappy;
pub mod state;
pub mod tls;
pub mod unit;
pub mod websocket;

use segment::{PacketRef, Timestamp};
use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::flow::report::FlowReport;
use crate::limits::Limits;

/// What a message says, by protocol.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Content {
    /// RFC 9112.
    Http1Request(http1::message::Request),
    /// RFC 9112.
    Http1Response(http1::message::Response),
    /// RFC 9113.
    Http2Request(http2::message::Request),
    /// RFC 9113.
    Http2Response(http2::message::Response),
    /// What a flow was, whatever it spoke.
    Flow(Box<FlowReport>),
    /// RFC 792, RFC 4443.
    Icmp(icmp::message::Message),
    /// RFC 1035: one shape for queries and responses.
    Dns(dns::message::Message),
    /// RFC 8446 and before; also of DTLS.
    TlsClientHello(Box<tls::message::ClientHello>),
    /// RFC 8446 and before; also of DTLS.
    TlsServerFlight(Box<tls::message::ServerFlight>),
    /// RFC 8446 §6.
    TlsAlert(tls::message::Alert),
    /// RFC 6455.
    WebSocket(Box<websocket::message::Message>),
    /// <https://kafka.apache.org/protocol>.
    KafkaRequest(kafka::message::Request),
    /// <https://kafka.apache.org/protocol>.
    KafkaResponse(kafka::message::Response),
    /// PostgreSQL, version 3 of its protocol.
    PostgresRequest(Box<postgres::message::Request>),
    /// PostgreSQL.
    PostgresResponse(Box<postgres::message::Response>),
    /// PostgreSQL: what the server says unasked.
    PostgresAsync(Box<postgres::message::Async>),
    /// MySQL and MariaDB.
    MysqlRequest(Box<mysql::message::Request>),
    /// MySQL and MariaDB.
    MysqlResponse(Box<mysql::message::Response>),
    /// AMQP 0-9-1: one shape for all that is said.
    Amqp(Box<amqp::message::Message>),
    /// Redis: what a client asks, or a master passes on.
    RedisCommand(redis::message::Command),
    /// Redis: what a server sends.
    RedisReply(redis::message::Reply),
    /// MongoDB.
    MongodbRequest(Box<mongodb::message::Request>),
    /// MongoDB.
    MongodbResponse(Box<mongodb::message::Response>),
}

impl Content {
    /// An HTTP request of whichever version, for what lies in it.
    #[must_use]
    pub fn http_request(&self) -> Option<http_view::RequestView<'_>> {
        match self {
            Self::Http1Request(request) => Some(request.into()),
            Self::Http2Request(request) => Some(request.into()),
            _ => None,
        }
    }

    /// As [`Self::http_request`].
    #[must_use]
    pub fn http_response(&self) -> Option<http_view::ResponseView<'_>> {
        match self {
            Self::Http1Response(response) => Some(response.into()),
            Self::Http2Response(response) => Some(response.into()),
            _ => None,
        }
    }
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

impl Content {
    /// Whether messages like this never have a partner: nobody answers them, and they answer nobody.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        match self {
            Self::Flow(_) | Self::TlsAlert(_) | Self::WebSocket(_) => true,
            Self::Icmp(icmp) => !icmp.is_echo_request() && !icmp.is_echo_reply(),
            Self::Amqp(amqp) => amqp.alone,
            Self::RedisCommand(command) => command.stands_alone(),
            Self::RedisReply(reply) => reply.stands_alone(),
            Self::KafkaRequest(request) => !request.is_answered,
            Self::PostgresRequest(request) => request.operation.is_never_answered(),
            Self::PostgresAsync(_) => true,
            Self::MysqlRequest(request) => request.command.is_never_answered(),
            Self::MongodbRequest(request) => request.is_never_answered(),
            Self::MongodbResponse(response) => response.is_streamed,
            _ => false,
        }
    }
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::ToServer => Self::ToClient,
            Self::ToClient => Self::ToServer,
        }
    }
}

/// The packet that brought some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Where it lies.
    pub packet: PacketRef,
}

/// The next part of a stream, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Chunk<'a> {
    /// Bytes, and the packet that brought them.
    Data {
        /// Never empty.
        bytes: &'a [u8],
        /// The packet that brought them.
        mark: Mark,
    },
    /// Bytes that were never seen, and the packet at which waiting for them ended.
    Gap {
        /// How many; 0 when unknown (a stream joined after a cut).
        length_bytes: u64,
        /// The packet behind the hole.
        mark: Mark,
    },
}

impl Chunk<'_> {
    /// How many bytes of the stream it stands for.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        match self {
            Self::Data { bytes, .. } => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Gap { length_bytes, .. } => *length_bytes,
        }
    }
}

/// A request and its response as a dissector pairs them; one may be missing, never both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Pair {
    /// The way the request went, or would have gone: where both ends may ask (multicast DNS, pushes), not
    /// always [`Direction::ToServer`].
    pub request_direction: Direction,
    /// The request, if it was seen.
    pub request: Option<Message>,
    /// The response, if it was seen.
    pub response: Option<Message>,
}

/// What a look at a stream's first bytes tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probe {
    /// The bytes are of this protocol.
    Yes,
    /// They can't be, for this reason: a few words, such as "no method in the first line".
    No(&'static str),
    /// Too few to tell.
    More,
}

/// Bytes that a dissector took and made no message of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Searched in vain for the start of a message, or the part of one that a gap cut off.
    pub skipped_bytes: u64,
    /// Followed an agreement to speak another protocol (CONNECT, upgrades).
    pub tunnel_bytes: u64,
}

impl Tally {
    /// Counts bytes that no message is made of.
    pub fn skip(&mut self, bytes: u64) {
        self.skipped_bytes = self.skipped_bytes.saturating_add(bytes);
    }

    /// Counts bytes of another protocol.
    pub fn tunnel(&mut self, bytes: u64) {
        self.tunnel_bytes = self.tunnel_bytes.saturating_add(bytes);
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            skipped_bytes: self.skipped_bytes.saturating_add(other.skipped_bytes),
            tunnel_bytes: self.tunnel_bytes.saturating_add(other.tunnel_bytes),
        }
    }
}

/// A dissector's last word: from here on the flow speaks another protocol.
pub struct Handover {
    /// What it speaks.
    pub next: Next,
    /// Bytes that were taken and not used, in order; they are the first that the next dissector sees.
    pub held: Vec<Held>,
}

/// What a flow speaks after a [`Handover`].
pub enum Next {
    /// Nobody knows: its bytes are looked at as those of a new flow (CONNECT, STARTTLS).
    Recognise,
    /// What both sides agreed on.
    Start {
        /// Name in [`table::STREAM_PROTOCOLS`].
        name: &'static str,
        /// Makes the dissector.
        start: Start,
    },
}

/// Makes the dissector of the second half of a flow.
pub type Start = Box<dyn FnOnce(&Limits) -> Box<dyn StreamDissector>>;

/// Bytes of one direction that wait for whoever understands them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Held {
    /// Which way they go.
    pub direction: Direction,
    /// Never empty.
    pub bytes: Box<[u8]>,
    /// The packet that brought them.
    pub mark: Mark,
}

/// Keeps the protocol state of one TCP flow.
///
/// Any split of the same bytes into chunks must give the same messages (marks aside); a gap anywhere must
/// not panic; memory must stay under the limits it was made with.
pub trait StreamDissector: Send {
    /// Takes the next part of one direction; finished pairs are appended to `pairs`.
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>);

    /// No more bytes will come in `direction` (FIN or RST seen).
    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>);

    /// The flow is over or expired: what waits for a partner leaves without one.
    fn finish(&mut self, pairs: &mut Vec<Pair>);

    /// Asked after every [`feed`](Self::feed): whether the flow changes its protocol here. The dissector is finished after that.
    fn handover(&mut self) -> Option<Handover> {
        None
    }

    /// What it has learned, for the `restore` of its line in [`table`]; nearly always [`state::save`].
    fn save(&self) -> Vec<u8>;

    /// From here on `limits` hold, after a state was restored that others made.
    fn set_limits(&mut self, _: &Limits) {}

    /// Bytes taken so far of which no message was made.
    fn tally(&self) -> Tally {
        Tally::default()
    }

    /// Bytes of memory held, for the limit over all flows.
    fn memory_bytes(&self) -> usize;
}

/// Keeps the protocol state of one UDP flow.
pub trait DatagramDissector: Send {
    /// Takes one datagram's payload; finished pairs are appended to `pairs`.
    fn datagram(&mut self, direction: Direction, payload: &[u8], mark: Mark, pairs: &mut Vec<Pair>);

    /// What it has learned, for the `restore` of its line in [`table`]; nearly always [`state::save`].
    fn save(&self) -> Vec<u8>;

    /// Requests older than `now` minus the protocol's patience leave without a response.
    fn expire(&mut self, now: Timestamp, pairs: &mut Vec<Pair>);

    /// The flow is over or expired: what waits for a partner leaves without one.
    fn finish(&mut self, pairs: &mut Vec<Pair>);

    /// Bytes of memory held, for the limit over all flows.
    fn memory_bytes(&self) -> usize;
}
