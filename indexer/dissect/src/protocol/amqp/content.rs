//! Puts content headers and bodies to the methods that carry them, each channel by itself (§4.2.6).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::frame::{Header, Malformed};
use super::message::{Content, Message};
use crate::protocol::Mark;

/// Most contents under way at once in one direction; RabbitMQ allows 2047 channels.
const OPEN_MAX: usize = 2048;
/// Most bytes of bodies under way that are kept in one direction.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The contents under way in one direction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    open: BTreeMap<u16, Open>,
    kept_bytes: usize,
}

/// A message whose content is under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Open {
    /// The message so far.
    pub message: Message,
    /// The packet of its first byte.
    pub first: Mark,
    /// The packet of the byte that came last.
    pub last: Mark,
    /// Its bytes in the stream.
    pub wire_bytes: u64,
    /// Of which were never seen.
    pub gap_bytes: u64,
    /// Whether a limit cut what is kept.
    pub truncated: bool,
}

impl Open {
    /// Whether all of the content came.
    fn is_done(&self) -> bool {
        self.content().is_some_and(|content| content.has_header && content.seen_bytes >= content.length_bytes)
    }

    fn content(&self) -> Option<&Content> {
        self.message.content.as_ref()
    }
}

impl Contents {
    /// A method that carries a content. What was under way on its channel, or makes room, is given back: its
    /// end will not be seen.
    pub fn begin(&mut self, open: Open) -> Option<Open> {
        let mut left = self.open.insert(open.message.channel, open);
        if self.open.len() > OPEN_MAX {
            left = self.open.pop_first().map(|(_, open)| open);
        }
        left.map(|open| self.leave(open))
    }

    /// A content header. Returns the message, if nothing follows.
    ///
    /// # Errors
    /// If no method of that channel waits for one.
    pub fn header(
        &mut self,
        channel: u16,
        header: Header,
        wire_bytes: u64,
        last: Mark,
    ) -> Result<Option<Open>, Malformed> {
        let open = self.open.get_mut(&channel).ok_or(Malformed)?;
        let content = open.message.content.get_or_insert_default();
        if content.has_header {
            return Err(Malformed);
        }
        content.has_header = true;
        content.length_bytes = header.length_bytes;
        content.properties = header.properties;
        open.truncated |= header.truncated;
        open.wire_bytes = open.wire_bytes.saturating_add(wire_bytes);
        open.last = last;
        self.kept_bytes = self.kept_bytes.saturating_add(content.properties.memory_bytes());
        Ok(self.done(channel))
    }

    /// Whether a body may come on a channel.
    pub fn expects_body(&self, channel: u16) -> bool {
        self.open.get(&channel).and_then(Open::content).is_some_and(|content| content.has_header)
    }

    /// Bytes of a body.
    pub fn body(&mut self, channel: u16, bytes: &[u8], last: Mark, body_bytes_max: usize) {
        let room_for_all = KEPT_BYTES_MAX.saturating_sub(self.kept_bytes);
        let Some(open) = self.open.get_mut(&channel) else { return };
        let Some(content) = &mut open.message.content else { return };
        open.last = last;
        open.wire_bytes = open.wire_bytes.saturating_add(super::count(bytes.len()));
        let is_whole_so_far = super::count(content.body.len()) == content.seen_bytes;
        content.seen_bytes = content.seen_bytes.saturating_add(super::count(bytes.len()));
        // Behind a hole nothing is kept: it would stand in the wrong place.
        let room = body_bytes_max.saturating_sub(content.body.len()).min(room_for_all);
        let kept = if is_whole_so_far { bytes.get(..room).unwrap_or(bytes) } else { &[] };
        content.truncated |= kept.len() < bytes.len() && content.gap_bytes == 0;
        content.body.extend_from_slice(kept);
        self.kept_bytes = self.kept_bytes.saturating_add(kept.len());
    }

    /// Bytes of a body that were never seen.
    pub fn gap(&mut self, channel: u16, length_bytes: u64) {
        let Some(open) = self.open.get_mut(&channel) else { return };
        let Some(content) = &mut open.message.content else { return };
        content.seen_bytes = content.seen_bytes.saturating_add(length_bytes);
        content.gap_bytes = content.gap_bytes.saturating_add(length_bytes);
        open.wire_bytes = open.wire_bytes.saturating_add(length_bytes);
        open.gap_bytes = open.gap_bytes.saturating_add(length_bytes);
    }

    /// Bytes around a body: the frame's header and its end. The message, if that was all.
    pub fn frame_bytes(&mut self, channel: u16, wire_bytes: u64, last: Mark) {
        if let Some(open) = self.open.get_mut(&channel) {
            open.wire_bytes = open.wire_bytes.saturating_add(wire_bytes);
            open.last = last;
        }
    }

    /// The message of a channel, if its content is whole.
    pub fn done(&mut self, channel: u16) -> Option<Open> {
        self.open.get(&channel).filter(|open| open.is_done())?;
        let open = self.open.remove(&channel)?;
        Some(self.leave(open))
    }

    /// All that is under way: no more of it will be seen.
    pub fn give_up(&mut self) -> impl Iterator<Item = Open> + use<> {
        self.kept_bytes = 0;
        std::mem::take(&mut self.open).into_values()
    }

    /// What is under way on one channel: the channel is closed.
    pub fn give_up_channel(&mut self, channel: u16) -> Option<Open> {
        let open = self.open.remove(&channel)?;
        Some(self.leave(open))
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.kept_bytes + self.open.len() * size_of::<Open>()
    }

    fn leave(&mut self, open: Open) -> Open {
        let kept = open.content().map_or(0, |content| content.body.len() + content.properties.memory_bytes());
        self.kept_bytes = self.kept_bytes.saturating_sub(kept);
        open
    }
}
