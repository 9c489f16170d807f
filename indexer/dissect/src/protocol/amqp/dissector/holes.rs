//! What becomes of messages that a hole cuts.

use super::{Dissector, Position};
use crate::protocol::amqp::content::Open;
use crate::protocol::amqp::frame::{self, HEADER_BYTES};
use crate::protocol::amqp::message::Message as Amqp;
use crate::protocol::amqp::message::Says;
use crate::protocol::amqp::method::Method;
use crate::protocol::{Direction, Pair};

impl Dissector {
    pub(super) fn gap(&mut self, direction: Direction, length_bytes: u64, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        match side.position {
            Position::GivenUp => return,
            Position::Body { channel, left, is_wanted }
                if length_bytes > 0 && length_bytes <= u64::from(left) =>
            {
                let missing = u32::try_from(length_bytes).unwrap_or(left);
                side.position = Position::Body { channel, left: left.saturating_sub(missing), is_wanted };
                if is_wanted {
                    side.contents.gap(channel, length_bytes);
                }
                return;
            }
            Position::Body { channel, left, is_wanted }
                if length_bytes == u64::from(left).saturating_add(1) =>
            {
                // The end of the frame is missing, too, and nothing else.
                side.position = Position::Frame;
                if is_wanted {
                    side.contents.gap(channel, u64::from(left));
                    if let Some(open) = side.contents.done(channel) {
                        self.tell(direction, open, pairs);
                    }
                }
                return;
            }
            Position::Skipping(left) if length_bytes > 0 && length_bytes <= left => {
                let left = left.saturating_sub(length_bytes);
                side.position = if left == 0 { Position::Frame } else { Position::Skipping(left) };
                return;
            }
            _ => {}
        }
        let left_of_frame = self.cut_off(direction, pairs);
        let side = self.side(direction);
        side.position = match (left_of_frame, side.position) {
            (Some(left), _) if length_bytes > 0 && length_bytes <= left => {
                let left = left.saturating_sub(length_bytes);
                if left == 0 { Position::Frame } else { Position::Skipping(left) }
            }
            (_, Position::Lost { failures }) => Position::Lost { failures },
            _ => Position::Lost { failures: 0 },
        };
        self.lose(direction, pairs);
    }

    /// A frame that has begun gets no more bytes: a method is told as far as it came. Returns how many bytes
    /// of the frame are missing, if that is known.
    pub(super) fn cut_off(&mut self, direction: Direction, pairs: &mut Vec<Pair>) -> Option<u64> {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        let mut missing = None;
        let is_known = self.side(direction).position == Position::Frame;
        pending.drain(|input| {
            let bytes = input.rest();
            let is_frame = is_known || frame::begins(bytes) == Some(true);
            let start = frame::start(bytes).ok().flatten().filter(|_| is_frame);
            let Some(start) = start else {
                self.side(direction).skip(input, usize::MAX);
                return;
            };
            let whole = u64::from(start.length)
                .saturating_add(crate::protocol::amqp::count(HEADER_BYTES))
                .saturating_add(1);
            missing = Some(whole.saturating_sub(crate::protocol::amqp::count(bytes.len())));
            let method = Method::read(bytes.get(HEADER_BYTES..).unwrap_or_default());
            let Some((method, _)) = method.filter(|_| start.kind == 1) else {
                self.side(direction).skip(input, usize::MAX);
                return;
            };
            let (first, says) = (input.next_mark(), Says::Method(method));
            let message = Amqp {
                channel: start.channel,
                says,
                content: None,
                delivery_tag: None,
                alone: false,
                is_cut: true,
            };
            let wire_bytes = crate::protocol::amqp::count(input.advance(usize::MAX).len());
            let last = input.last_mark();
            let open = Open { message, first, last, wire_bytes, gap_bytes: 0, truncated: false };
            self.tell(direction, open, pairs);
        });
        self.side(direction).pending = pending;
        missing
    }

    /// A message that will not be whole.
    pub(super) fn tell_cut(&mut self, direction: Direction, mut open: Open, pairs: &mut Vec<Pair>) {
        open.message.is_cut = true;
        self.tell(direction, open, pairs);
    }
}
