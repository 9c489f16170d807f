//! One direction of a connection, and where in it messages begin.

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use super::frame::{self, HEADER_BYTES_MAX};
use super::reader::{Grammar, Reader};
use super::resync;
use crate::protocol::Tally;
use crate::protocol::pending::{Input, Pending};

/// Most times that a stream is searched for a message in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 64;

/// One direction of a connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Side {
    /// Puts values together.
    pub reader: Reader,
    /// Bytes that wait for more.
    pub pending: Pending,
    /// Where messages begin.
    pub position: Position,
    /// Bytes of which no message was made.
    pub tally: Tally,
    /// When the newest bytes came.
    pub heard: Option<Timestamp>,
}

/// What is known of where messages begin in a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Position {
    /// Whatever is open goes on, or the next byte begins a message.
    Known,
    /// Some byte may begin a message.
    Lost(Lost),
    /// Searched too often.
    GivenUp,
}

/// A stream whose messages can't be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Lost {
    /// How often bytes seemed to begin a message, and did not.
    pub failures: u32,
    /// Whether no byte came since the gap.
    pub is_fresh: bool,
    /// Whether the stream was joined here: of a stream that begins with a gap, the first bytes were looked at.
    pub is_joined: bool,
    /// So many commands must have been sent since the last byte that was heard, for the next packet to begin
    /// with a reply: one, if the client waits for its answers; one more, if an answer was due.
    pub due: usize,
    /// When the byte before came.
    pub heard: Option<Timestamp>,
    /// The two bytes before.
    pub tail: [u8; 2],
}

impl Side {
    /// Nothing heard yet.
    pub fn new(grammar: Grammar, body_bytes_max: usize) -> Self {
        Self {
            reader: Reader::new(grammar, body_bytes_max),
            pending: Pending::default(),
            position: Position::Known,
            tally: Tally::default(),
            heard: None,
        }
    }

    /// Consumes bytes that nothing is made of.
    pub fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        self.tally.skip(super::count(input.advance(length).len()));
    }

    /// From here on nobody knows where messages begin.
    pub fn lose(&mut self, mut lost: Lost) {
        self.position = match self.position {
            Position::Known => Position::Lost(lost),
            Position::Lost(before) if before.failures < SEARCHES_MAX => {
                lost.failures = before.failures.saturating_add(1);
                Position::Lost(lost)
            }
            Position::Lost(_) | Position::GivenUp => Position::GivenUp,
        };
    }

    /// Skips bytes while the position is lost.
    pub fn step_over(&mut self, input: &mut Input<'_>, length: usize) {
        let now = input.next_mark().timestamp;
        let skipped = input.advance(length);
        self.tally.skip(super::count(skipped.len()));
        if let Position::Lost(lost) = &mut self.position {
            for &byte in skipped {
                lost.tail = [lost.tail[1], byte];
            }
            if !skipped.is_empty() {
                lost.is_fresh = false;
                lost.is_joined = false;
                lost.due = 1;
                lost.heard = Some(now);
            }
        }
    }

    /// Commands are believed wherever a line could begin.
    pub fn search_command(&mut self, input: &mut Input<'_>) -> bool {
        while !input.rest().is_empty() {
            let Position::Lost(lost) = self.position else { return true };
            if lost.is_fresh || lost.tail == *b"\r\n" {
                let is_line = lost.is_joined && input.rest().first() != Some(&b'*');
                let sound = if is_line {
                    match frame::inline_line(input.rest()) {
                        Some((line, _)) => Some(resync::is_inline_command(line)),
                        None if input.rest().len() < HEADER_BYTES_MAX => None,
                        None => Some(false),
                    }
                } else {
                    resync::sound_command(input.rest())
                };
                match sound {
                    Some(true) => return true,
                    None => return false,
                    Some(false) => {}
                }
            }
            let next = input.rest().iter().skip(1).position(|&byte| byte == b'*');
            self.step_over(input, next.map_or(usize::MAX, |next| next.saturating_add(1)));
        }
        false
    }
}
