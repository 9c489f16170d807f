//! Frames: whole pcapng blocks that are compressed, written and read together.
//!
//! Section header and interfaces lie in *header frames*, everything else in *data frames*; so any
//! data frame can be read alone once the header frames are read, and an interface is described
//! exactly once, before its first packet, as pcapng demands.

use std::sync::Arc;

use crate::block::bytes::Order;
use crate::block::{self, Malformed, decode, encode};
use crate::codec;
use crate::error::Error;
use crate::packet::{Interface, InterfaceId, Packet, PacketRef};
use crate::record::{InterfaceStatistics, Record};
use crate::time::{TimeRange, Timestamp};

/// What the blocks of a frame are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameKind {
    /// Section header and interfaces.
    Header,
    /// Everything else.
    Data,
    /// Bytes that repair found damaged and put aside, where they lie.
    Damaged,
}

/// Encodes records as pcapng blocks into one frame's raw bytes: no compression, no I/O.
#[derive(Debug)]
pub struct FrameBuilder {
    raw: Vec<u8>,
    kind: FrameKind,
    packets: u32,
    range: Option<TimeRange>,
    /// What the next frame begins with; plain exports have none.
    mark: Option<codec::Mark>,
}

impl FrameBuilder {
    /// An empty builder with room for `bytes` before it allocates.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self { raw: Vec::with_capacity(bytes), kind: FrameKind::Data, packets: 0, range: None, mark: None }
    }

    /// A builder whose frames begin with a mark.
    pub(crate) fn with_mark(bytes: usize, mark: codec::Mark) -> Self {
        Self { mark: Some(mark), ..Self::with_capacity(bytes) }
    }

    /// The blocks so far.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What the blocks are; an empty builder holds data.
    #[must_use]
    pub fn kind(&self) -> FrameKind {
        self.kind
    }

    /// Packets so far.
    #[must_use]
    pub fn packets(&self) -> u32 {
        self.packets
    }

    /// From the earliest to the latest packet; `None` without packets.
    #[must_use]
    pub fn range(&self) -> Option<TimeRange> {
        self.range
    }

    /// Whether nothing was added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Forgets the blocks, keeps the memory.
    pub fn clear(&mut self) {
        self.raw.clear();
        self.kind = FrameKind::Data;
        self.packets = 0;
        self.range = None;
    }

    /// Bytes that `packet` would add.
    ///
    /// # Errors
    /// If the packet or its comment is longer than can be written.
    pub fn packet_length(packet: &Packet<'_>) -> Result<usize, Error> {
        encode::packet_length(packet)
    }

    /// Adds a packet as an Enhanced Packet Block.
    ///
    /// # Errors
    /// If the packet or its comment is longer than can be written; nothing is added then.
    pub fn packet(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        let length = encode::packet_length(packet)?;
        self.mark()?;
        encode::packet(&mut self.raw, packet, length)?;
        self.packets = self.packets.saturating_add(1);
        let range = TimeRange::covering(packet.timestamp, packet.timestamp);
        self.range = Some(self.range.map_or(range, |known| known.union(range)));
        Ok(())
    }

    /// Adds any record but an interface, which belongs in a header frame.
    ///
    /// # Errors
    /// If the record can't be written; nothing is added then.
    pub fn record(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let before = self.raw.len();
        self.mark()?;
        let added = self.add(record);
        if added.is_err() {
            self.raw.truncate(before);
        }
        added
    }

    fn add(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let out = &mut self.raw;
        match record {
            Record::Packet(packet) => self.packet(packet),
            Record::Loss(loss) => encode::custom(out, codec::LOSS, &codec::loss_to_json(loss)?),
            Record::InterfaceStatistics(statistics) => encode::statistics(out, statistics),
            Record::Names(names) => encode::names(out, names),
            Record::ClockState(clock) => encode::custom(out, codec::CLOCK, &codec::clock_to_json(clock)?),
            Record::Secrets(secrets) => encode::secrets(out, secrets),
            Record::Custom { name, .. } if name.starts_with("remora.") => Err(Error::Input(format!(
                "custom record `{name}`: names that begin with `remora.` are taken"
            ))),
            Record::Custom { name, json } => encode::custom(out, name, json),
            Record::Interface(..) => Err(Error::Input("an interface in a data frame".to_owned())),
            Record::Unknown { block_type } => {
                Err(Error::Input(format!("a block of unknown type {block_type:#010x}")))
            }
        }
    }

    /// Adds the section header and what it says about the segment.
    pub(crate) fn section(
        &mut self,
        section: &encode::Section<'_>,
        header: &codec::Header,
    ) -> Result<(), Error> {
        let json = codec::header_to_json(header)?;
        encode::section(&mut self.raw, section)?;
        self.kind = FrameKind::Header;
        encode::custom(&mut self.raw, codec::HEADER, &json)
    }

    /// Adds a section header alone.
    pub(crate) fn plain_section(&mut self, section: &encode::Section<'_>) -> Result<(), Error> {
        encode::section(&mut self.raw, section)
    }

    /// Adds an interface.
    pub(crate) fn interface(&mut self, interface: &Interface) -> Result<(), Error> {
        let before = self.raw.len();
        self.mark()?;
        let added = encode::interface(&mut self.raw, interface);
        if added.is_err() {
            self.raw.truncate(before);
            return added;
        }
        self.kind = FrameKind::Header;
        if let Some(mark) = &mut self.mark {
            mark.interfaces = mark.interfaces.saturating_add(1);
        }
        Ok(())
    }

    /// Begins a frame with the mark of its segment.
    fn mark(&mut self) -> Result<(), Error> {
        match self.mark {
            Some(mark) if self.raw.is_empty() => {
                encode::custom(&mut self.raw, codec::MARK, &codec::mark_to_json(mark)?)
            }
            _ => Ok(()),
        }
    }
}

/// A decompressed frame.
#[derive(Clone, Debug)]
pub struct Frame {
    pub(crate) number: u32,
    pub(crate) sequence: u64,
    pub(crate) raw: Vec<u8>,
    /// Every interface described in or before this frame.
    pub(crate) interfaces: Arc<Vec<Interface>>,
    /// How many of them come before this frame.
    pub(crate) interfaces_before: u32,
}

impl Frame {
    /// The frame's number in the segment, from 0.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The pcapng blocks as they were written.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The interfaces described in or before this frame, by their number.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The frame's records in order; packets with the place where they lie.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records { frame: self, rest: &self.raw, packets: 0, interfaces: self.interfaces_before }
    }

    /// Only the packets, leaving out what can't be parsed.
    pub fn packets(&self) -> impl Iterator<Item = (PacketRef, Packet<'_>)> {
        self.records().filter_map(|record| match record {
            Ok((Some(at), Record::Packet(packet))) => Some((at, packet)),
            _ => None,
        })
    }
}

/// Iterates over the records of a [`Frame`].
///
/// A block that can't be parsed is one `Err`; the records behind it follow. When even the length of a
/// block is impossible, the `Err` is the last item.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    frame: &'a Frame,
    rest: &'a [u8],
    packets: u32,
    interfaces: u32,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<(Option<PacketRef>, Record<'a>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let block = match block::split(self.rest, Order::Little) {
                Ok(None) => return None,
                Ok(Some((block, length))) => {
                    self.rest = self.rest.get(length..).unwrap_or_default();
                    block
                }
                Err(Malformed(what)) => {
                    self.rest = &[];
                    return Some(Err(Error::Malformed { what }));
                }
            };
            match self.record(&block).transpose() {
                None => {}
                item => return item,
            }
        }
    }
}

impl<'a> Records<'a> {
    /// The record in `block`; `None` if the block belongs to the segment as a whole.
    fn record(
        &mut self,
        block: &block::RawBlock<'a>,
    ) -> Result<Option<(Option<PacketRef>, Record<'a>)>, Error> {
        let order = Order::Little;
        let record = match block.block_type {
            block::ENHANCED_PACKET => return self.packet(block.body).map(Some),
            block::SECTION_HEADER => return Ok(None),
            block::INTERFACE => {
                let id = InterfaceId(self.interfaces);
                self.interfaces = self.interfaces.saturating_add(1);
                Record::Interface(id, decode::interface(block.body, order)?.interface)
            }
            block::STATISTICS => Record::InterfaceStatistics(statistics(block.body)?),
            block::NAMES => Record::Names(decode::names(block.body, order)?),
            block::SECRETS => match decode::secrets(block.body, order)? {
                (block::SECRETS_TLS_KEY_LOG, secrets) => Record::Secrets(secrets),
                _ => Record::Unknown { block_type: block.block_type },
            },
            block::CUSTOM | block::LOCAL_CUSTOM => match custom_record(block.body, order)? {
                Some(record) => record,
                None if is_about_segment(block.body) => return Ok(None),
                None => Record::Unknown { block_type: block.block_type },
            },
            block_type => Record::Unknown { block_type },
        };
        Ok(Some((None, record)))
    }

    fn packet(&mut self, body: &'a [u8]) -> Result<(Option<PacketRef>, Record<'a>), Error> {
        let at = PacketRef { sequence: self.frame.sequence, frame: self.frame.number, index: self.packets };
        // A packet that can't be parsed keeps its number: references stay right.
        self.packets = self.packets.saturating_add(1);
        let block = decode::enhanced_packet(body, Order::Little)?;
        let interface =
            usize::try_from(block.interface).ok().and_then(|index| self.frame.interfaces.get(index));
        let interface = interface.ok_or(Error::Malformed { what: "packet block: no such interface" })?;
        let packet = Packet {
            timestamp: Timestamp::from_nanos(block.ticks.cast_signed()),
            interface: InterfaceId(block.interface),
            link_type: interface.link_type,
            original_length_bytes: block.original_length,
            data: block.data,
            comment: block.comment,
        };
        Ok((Some(at), Record::Packet(packet)))
    }
}

/// The record in a custom block; `None` if it is someone else's, a segment's header or a frame's mark.
pub(crate) fn custom_record(body: &[u8], order: Order) -> Result<Option<Record<'_>>, Malformed> {
    let malformed = |_| Malformed("custom block: not the JSON that its name promises");
    Ok(match decode::custom(body, order)? {
        None | Some((codec::HEADER | codec::MARK, _)) => None,
        Some((codec::LOSS, json)) => Some(Record::Loss(codec::loss_from_json(json).map_err(malformed)?)),
        Some((codec::CLOCK, json)) => {
            Some(Record::ClockState(codec::clock_from_json(json).map_err(malformed)?))
        }
        Some((name, json)) => Some(Record::Custom { name, json }),
    })
}

fn is_about_segment(body: &[u8]) -> bool {
    matches!(decode::custom(body, Order::Little), Ok(Some((codec::HEADER | codec::MARK, _))))
}

/// The mark that the blocks begin with, if they do.
pub(crate) fn mark_of(raw: &[u8]) -> Option<codec::Mark> {
    let (block, _) = block::split(raw, Order::Little).ok()??;
    match decode::custom(block.body, Order::Little) {
        Ok(Some((codec::MARK, json))) if block.block_type == block::LOCAL_CUSTOM => {
            codec::mark_from_json(json).ok()
        }
        _ => None,
    }
}

/// What the blocks are: the first one that is not a mark tells.
pub(crate) fn kind_of(mut raw: &[u8]) -> FrameKind {
    while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
        match block.block_type {
            block::SECTION_HEADER | block::INTERFACE => return FrameKind::Header,
            block::LOCAL_CUSTOM if is_about_segment(block.body) => {
                raw = raw.get(length..).unwrap_or_default()
            }
            _ => return FrameKind::Data,
        }
    }
    FrameKind::Data
}

fn statistics(body: &[u8]) -> Result<InterfaceStatistics, Error> {
    let block = decode::statistics(body, Order::Little)?;
    let timestamp = Timestamp::from_nanos(block.ticks.cast_signed());
    Ok(InterfaceStatistics::from_counters(InterfaceId(block.interface), timestamp, block.counters))
}

impl From<Malformed> for Error {
    fn from(Malformed(what): Malformed) -> Self {
        Self::Malformed { what }
    }
}
