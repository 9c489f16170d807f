//! What header frames and footer say about a segment as a whole.

use std::sync::Arc;

use super::SegmentReader;
use crate::block::bytes::Order;
use crate::block::{self, decode};
use crate::codec;
use crate::error::Error;
use crate::frame::{FrameKind, mark_of};
use crate::manifest::FORMAT_VERSION;
use crate::tail::Tail;
use crate::tally::{INTERFACES_MAX, damaged_interface, fill_interfaces};

impl SegmentReader {
    /// Goes over from walking to the frame table.
    pub(super) fn adopt_tail(&mut self, tail: Option<Tail>) -> Result<(), Error> {
        let Some(tail) = tail else { return Ok(()) };
        // Frames that were returned already are not returned again.
        let at = self
            .places
            .get(usize::try_from(self.next).unwrap_or(usize::MAX))
            .map_or(self.offset, |p| p.offset);
        let passed = tail.footer.frames.iter().take_while(|frame| frame.offset < at).count();
        self.next = u32::try_from(passed).unwrap_or(u32::MAX);
        self.interfaces = Arc::default();
        self.header_frames.clear();
        let kinds = (0u32..).zip(&tail.footer.frames);
        let numbers = kinds.filter(|(_, frame)| frame.kind == FrameKind::Header).map(|(number, _)| number);
        for (number, header) in numbers.zip(&tail.footer.headers) {
            let before = self.learn(header)?;
            self.header_frames.push((number, before));
        }
        self.tail = Some(tail);
        Ok(())
    }

    /// Learns segment header and interfaces from the blocks of a header frame; says how many interfaces
    /// came before it.
    pub(super) fn learn(&mut self, mut raw: &[u8]) -> Result<u32, Error> {
        // Copies only while a frame that was returned earlier is still held.
        let before = self.learn_mark(raw);
        let interfaces = Arc::make_mut(&mut self.interfaces);
        while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
            raw = raw.get(length..).unwrap_or_default();
            // Malformed blocks are reported when the frame's records are read.
            if block.block_type == block::INTERFACE && interfaces.len() < INTERFACES_MAX {
                match decode::interface(block.body, Order::Little) {
                    Ok(block) => interfaces.push(block.interface),
                    Err(_) => interfaces.push(damaged_interface()),
                }
            }
            if block.block_type == block::LOCAL_CUSTOM
                && let Ok(Some((codec::HEADER, json))) = decode::custom(block.body, Order::Little)
            {
                // Of the header of a later version perhaps nothing but its version can be read.
                if let Some(version) = codec::header_version(json).filter(|version| *version > FORMAT_VERSION)
                {
                    return Err(Error::Version { path: self.path.clone(), version });
                }
                self.header = codec::header_from_json(json).ok();
            }
        }
        Ok(before)
    }

    /// Learns from a frame's mark how many interfaces came before it, even if their descriptions are damaged.
    pub(super) fn learn_mark(&mut self, raw: &[u8]) -> u32 {
        let before = mark_of(raw).map_or(0, |mark| mark.interfaces);
        if usize::try_from(before).is_ok_and(|before| before > self.interfaces.len()) {
            fill_interfaces(Arc::make_mut(&mut self.interfaces), before, |interface| interface);
        }
        before
    }

    /// How many interfaces come before a header frame of a sealed segment; data frames describe none.
    pub(super) fn interfaces_before(&self, number: u32) -> u32 {
        let found = self.header_frames.binary_search_by_key(&number, |(frame, _)| *frame);
        found.ok().and_then(|place| self.header_frames.get(place)).map_or(0, |(_, before)| *before)
    }

    /// The footer's copy of header frame `number`.
    pub(super) fn header_copy(&self, number: u32) -> Option<Vec<u8>> {
        let place = self.header_frames.binary_search_by_key(&number, |(frame, _)| *frame).ok()?;
        self.footer()?.headers.get(place).cloned()
    }
}
