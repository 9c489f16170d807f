//! Conversations: what two ends send each other, packet by packet.

use std::collections::VecDeque;
use std::io::Write;

use crate::chance::Chance;
use crate::packet::{Direction, Ends, PAYLOAD_MAX, Tcp, tcp, udp};
use crate::text::{Kind, word};

/// Exchanges on one connection before it is closed, at most.
const EXCHANGES_MAX: usize = 40;

const ACK: u8 = 0x10;
const PSH_ACK: u8 = 0x18;
const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const FIN_ACK: u8 = 0x11;

/// A packet of a conversation.
pub struct Said {
    /// The Ethernet frame.
    pub bytes: Vec<u8>,
    /// Whether this packet was the first of a newly made exchange.
    pub begins_exchange: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Http,
    Opaque,
    Dns,
    Datagrams,
}

/// One conversation.
pub struct Talk {
    what: What,
    ends: Ends,
    waiting: VecDeque<Vec<u8>>,
    exchanges_left: usize,
    to_server: u32,
    to_client: u32,
    clock: u32,
}

impl Talk {
    /// A conversation. Its `turn` decides on its kind, so that the mix stays what it is however long each
    /// kind of conversation lasts.
    pub fn new(chance: &mut Chance, turn: usize) -> Self {
        let (what, server_port) = match turn % 20 {
            0..11 => (What::Http, if chance.below(3) == 0 { 8080 } else { 80 }),
            11..16 => (What::Opaque, 443),
            16..19 => (What::Dns, 53),
            _ => (What::Datagrams, 9000 + chance.below(4) as u16),
        };
        let ends = Ends {
            v6: chance.below(5) == 0,
            client: chance.below(2000) as u16,
            server: chance.below(60) as u16,
            client_port: 32_768 + chance.below(28_000) as u16,
            server_port,
        };
        let mut talk = Self {
            what,
            ends,
            waiting: VecDeque::new(),
            exchanges_left: 1 + chance.below(if what == What::Dns { 4 } else { EXCHANGES_MAX }),
            to_server: chance.any() as u32,
            to_client: chance.any() as u32,
            clock: chance.any() as u32,
        };
        if talk.is_tcp() {
            talk.flag(Direction::ToServer, SYN);
            talk.flag(Direction::ToClient, SYN_ACK);
            talk.flag(Direction::ToServer, ACK);
        }
        talk
    }

    /// Whether it speaks HTTP.
    pub fn is_http(&self) -> bool {
        self.what == What::Http
    }

    fn is_tcp(&self) -> bool {
        matches!(self.what, What::Http | What::Opaque)
    }

    /// The next packet; `None` when all is said. With `needle`, a new exchange asks for it.
    pub fn next(&mut self, chance: &mut Chance, needle: bool) -> Option<Said> {
        let begins_exchange = self.waiting.is_empty();
        if begins_exchange {
            self.exchanges_left = self.exchanges_left.checked_sub(1)?;
            match self.what {
                What::Http => self.http(chance, needle),
                What::Opaque => self.opaque(chance),
                What::Dns => self.dns(chance),
                What::Datagrams => self.datagrams(chance),
            }
            if self.exchanges_left == 0 && self.is_tcp() {
                self.flag(Direction::ToServer, FIN_ACK);
                self.flag(Direction::ToClient, FIN_ACK);
                self.flag(Direction::ToServer, ACK);
            }
        }
        self.waiting.pop_front().map(|bytes| Said { bytes, begins_exchange })
    }

    fn http(&mut self, chance: &mut Chance, needle: bool) {
        let path = if needle {
            "needle".to_owned()
        } else {
            format!("api/{}/{}", word(chance), chance.below(100_000))
        };
        let posts = !needle && chance.below(6) == 0;
        let mut request = Vec::new();
        let _ = write!(
            request,
            "{} /{path}{} HTTP/1.1\r\nHost: {}.shop.svc:{}\r\nUser-Agent: client/{}.{}\r\nAccept: */*\r\nX-Request-Id: {:016x}\r\n",
            if posts { "POST" } else { "GET" },
            if needle || chance.below(3) > 0 {
                String::new()
            } else {
                format!("?{}={}", word(chance), chance.below(1000))
            },
            word(chance),
            self.ends.server_port,
            chance.below(9),
            chance.below(99),
            chance.any(),
        );
        if posts {
            let length = 100 + chance.below(3000);
            let _ = write!(request, "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n");
            request.extend(Kind::Json.body(chance, length));
        } else {
            request.extend_from_slice(b"\r\n");
        }
        self.say(Direction::ToServer, &request);
        let response = response(chance);
        self.say(Direction::ToClient, &response);
    }

    /// What looks like TLS application data: record headers, and bytes that don't compress.
    fn opaque(&mut self, chance: &mut Chance) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let mut left =
                if direction == Direction::ToServer { 200 + chance.below(800) } else { chance.body_size() };
            let mut records = Vec::new();
            while left > 0 {
                let length = left.min(16_384);
                records.extend_from_slice(&[23, 3, 3]);
                records.extend_from_slice(&(length as u16).to_be_bytes());
                chance.fill(&mut records, length);
                left -= length;
            }
            self.say(direction, &records);
        }
    }

    fn dns(&mut self, chance: &mut Chance) {
        let mut message = Vec::new();
        message.extend_from_slice(&(chance.any() as u16).to_be_bytes());
        message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in [word(chance), word(chance), "svc", "cluster", "local"] {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0, 0, 1, 0, 1]);
        self.waiting.push_back(udp(&self.ends, Direction::ToServer, &message));
        message[2..4].copy_from_slice(&[0x81, 0x80]);
        if chance.below(20) == 0 {
            message[3] = 0x83; // no such name
        } else {
            message[7] = 1;
            message.extend_from_slice(&[
                0xc0,
                12,
                0,
                1,
                0,
                1,
                0,
                0,
                0,
                30,
                0,
                4,
                10,
                2,
                0,
                chance.below(60) as u8,
            ]);
        }
        self.waiting.push_back(udp(&self.ends, Direction::ToClient, &message));
    }

    fn datagrams(&mut self, chance: &mut Chance) {
        for _ in 0..=chance.below(6) {
            let mut payload = Vec::new();
            let length = 50 + chance.below(1200);
            chance.fill(&mut payload, length);
            let direction = if chance.below(2) == 0 { Direction::ToServer } else { Direction::ToClient };
            self.waiting.push_back(udp(&self.ends, direction, &payload));
        }
    }

    /// Sends bytes in full packets; every second one is acknowledged.
    fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let packets = bytes.chunks(PAYLOAD_MAX).count();
        for (number, payload) in bytes.chunks(PAYLOAD_MAX).enumerate() {
            let last = number + 1 == packets;
            self.send(direction, if last { PSH_ACK } else { ACK }, payload);
            if number % 2 == 1 || last {
                let back = match direction {
                    Direction::ToServer => Direction::ToClient,
                    Direction::ToClient => Direction::ToServer,
                };
                self.send(back, ACK, &[]);
            }
        }
    }

    fn flag(&mut self, direction: Direction, flags: u8) {
        self.send(direction, flags, &[]);
    }

    fn send(&mut self, direction: Direction, flags: u8, payload: &[u8]) {
        self.clock = self.clock.wrapping_add(1);
        let (sequence, acknowledged) = match direction {
            Direction::ToServer => (&mut self.to_server, self.to_client),
            Direction::ToClient => (&mut self.to_client, self.to_server),
        };
        let header = Tcp {
            flags,
            sequence: *sequence,
            acknowledged: if flags == SYN { 0 } else { acknowledged },
            clock: self.clock,
        };
        // SYN and FIN count as a byte.
        let counted = payload.len() as u32 + u32::from(flags & 0x03 != 0);
        *sequence = sequence.wrapping_add(counted);
        self.waiting.push_back(tcp(&self.ends, direction, header, payload));
    }
}

fn response(chance: &mut Chance) -> Vec<u8> {
    let kind = Kind::any(chance);
    let length = chance.body_size();
    let body = kind.body(chance, length);
    let status = match chance.below(100) {
        0 => "500 Internal Server Error",
        1..4 => "404 Not Found",
        _ => "200 OK",
    };
    let mut response = Vec::with_capacity(body.len() + 256);
    let _ = write!(
        response,
        "HTTP/1.1 {status}\r\nServer: shop\r\nContent-Type: {}\r\nETag: \"{:016x}\"\r\n",
        kind.media_type(),
        chance.any()
    );
    if chance.below(6) > 0 {
        let _ = write!(response, "Content-Length: {}\r\n\r\n", body.len());
        response.extend_from_slice(&body);
        return response;
    }
    response.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
    for chunk in body.chunks(8192) {
        let _ = write!(response, "{:x}\r\n", chunk.len());
        response.extend_from_slice(chunk);
        response.extend_from_slice(b"\r\n");
    }
    response.extend_from_slice(b"0\r\n\r\n");
    response
}
