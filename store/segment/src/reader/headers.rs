//! What header frames and footer say about a segment as a whole.

use std::sync::Arc;

use super::SegmentReader;
use crate::block::bytes::Order;
use crate::block::{self, decode};
use crate::codec;
use crate::error::Error;
use crate::frame::FrameKind;
use crate::manifest::FORMAT_VERSION;
use crate::tail::Tail;
use crate::tally::INTERFACES_MAX;

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
        self.interfaces = Arc::from([]);
        for header in &tail.footer.headers {
            self.learn(header)?;
        }
        self.tail = Some(tail);
        Ok(())
    }

    /// Learns segment header and interfaces from the blocks of a header frame.
    pub(super) fn learn(&mut self, mut raw: &[u8]) -> Result<(), Error> {
        let mut interfaces = self.interfaces.to_vec();
        while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
            raw = raw.get(length..).unwrap_or_default();
            if block.block_type == block::INTERFACE && interfaces.len() < INTERFACES_MAX {
                interfaces.push(decode::interface(block.body, Order::Little)?.interface);
            }
            if block.block_type == block::LOCAL_CUSTOM
                && let Some((codec::HEADER, json)) = decode::custom(block.body, Order::Little)?
            {
                let header = codec::header_from_json(json)?;
                if header.format_version > FORMAT_VERSION {
                    let version = header.format_version;
                    return Err(Error::Version { path: self.path.clone(), version });
                }
                self.header = Some(header);
            }
        }
        self.interfaces = interfaces.into();
        Ok(())
    }

    /// How many interfaces the header frames before frame `number` of a sealed segment describe.
    pub(super) fn interfaces_before(&self, number: u32) -> u32 {
        let Some(footer) = self.footer() else { return 0 };
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let kinds = footer.frames.iter().take(number);
        let headers = kinds.filter(|frame| frame.kind == FrameKind::Header).count();
        footer.headers.iter().take(headers).map(|raw| count_interfaces(raw)).sum()
    }

    /// The footer's copy of header frame `number`.
    pub(super) fn header_copy(&self, number: u32) -> Option<Vec<u8>> {
        let footer = self.footer()?;
        let number = usize::try_from(number).ok()?;
        if footer.frames.get(number)?.kind != FrameKind::Header {
            return None;
        }
        let before =
            footer.frames.iter().take(number).filter(|frame| frame.kind == FrameKind::Header).count();
        footer.headers.get(before).cloned()
    }
}

fn count_interfaces(mut raw: &[u8]) -> u32 {
    let mut count = 0u32;
    while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
        count += u32::from(block.block_type == block::INTERFACE);
        raw = raw.get(length..).unwrap_or_default();
    }
    count
}
