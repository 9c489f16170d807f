//! The pcapng format: sections of blocks (draft-ietf-opsawg-pcapng).

use std::io::Read;

use super::source::Source;
use super::{CaptureError, fatal};
use crate::block::bytes::{Order, padding, read_u16, read_u32};
use crate::block::decode::{self, InterfaceBlock, PacketBlock};
use crate::block::{self, BLOCK_BYTES_MAX, ENVELOPE_BYTES, Malformed};
use crate::frame::custom_record;
use crate::packet::{Interface, InterfaceId, Packet};
use crate::record::{InterfaceStatistics, Record};
use crate::tally::INTERFACES_MAX;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    tsresol: u8,
    tsoffset_seconds: i64,
}

impl Clock {
    /// Nanoseconds since 1970; what is finer is cut off, what is out of range saturates.
    fn timestamp(self, ticks: u64) -> Timestamp {
        let ticks = i128::from(ticks);
        let exponent = u32::from(self.tsresol & 0x7F);
        let nanos = if self.tsresol & 0x80 != 0 {
            // 64 bits of ticks times 30 of nanoseconds leave room for the sign.
            (ticks * i128::from(NANOS_PER_SECOND)).checked_shr(exponent).unwrap_or(0)
        } else if exponent <= 9 {
            ticks * 10i128.pow(9 - exponent)
        } else {
            10i128.checked_pow(exponent - 9).map_or(0, |divisor| ticks / divisor)
        };
        let nanos = nanos + i128::from(self.tsoffset_seconds) * i128::from(NANOS_PER_SECOND);
        let saturated = if nanos < 0 { i64::MIN } else { i64::MAX };
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(saturated))
    }
}

#[derive(Debug)]
pub(super) struct PcapngReader<R: Read> {
    source: Source<R>,
    order: Order,
    /// Interfaces of all sections.
    interfaces: Vec<(Interface, Clock)>,
    /// How many of them are of earlier sections.
    section_start: usize,
    /// The block being read, from its type to its second length.
    block: Vec<u8>,
    /// Whether the section is of a version that isn't known, so its blocks are passed over.
    foreign: bool,
    /// To be returned after the record that was still readable.
    late: Option<CaptureError>,
}

/// A block that was read whole.
#[derive(Clone, Copy)]
struct Whole {
    offset: u64,
    block_type: u32,
    body_end: usize,
}

impl<R: Read> PcapngReader<R> {
    /// Reads the first section header, of which `source` is behind the first four bytes.
    pub fn new(source: Source<R>) -> Result<Self, CaptureError> {
        let block = block::SECTION_HEADER.to_le_bytes().to_vec();
        let mut reader = Self {
            source,
            order: Order::Little,
            interfaces: Vec::new(),
            section_start: 0,
            block,
            foreign: false,
            late: None,
        };
        let whole = reader.read_block()?;
        // A section header that can't be trusted is a file that can't be.
        if let Some(error) = reader.late.take() {
            return Err(fatal(error.offset, &error.reason));
        }
        match whole {
            Some(_) => Ok(reader),
            None => Err(fatal(0, "the file ends inside its section header")),
        }
    }

    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        self.interfaces.get(usize::try_from(id.0).ok()?).map(|(interface, _)| interface)
    }

    pub fn next(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        if let Some(error) = self.late.take() {
            return Err(error);
        }
        let whole = loop {
            self.block.clear();
            match self.read_block()? {
                None => return Ok(None),
                Some(whole) if whole.block_type == block::SECTION_HEADER => {
                    if let Some(error) = self.late.take() {
                        return Err(error);
                    }
                }
                Some(_) if self.foreign => {}
                Some(whole) => break whole,
            }
        };
        if whole.block_type == block::INTERFACE {
            return self.add_interface(whole).map(Some);
        }
        let failed = |Malformed(reason)| CaptureError {
            offset: whole.offset,
            reason: reason.to_owned(),
            resumes: true,
        };
        self.record(whole).map(Some).map_err(failed)
    }

    /// Reads a block into `self.block`, which may hold the block's type already.
    fn read_block(&mut self) -> Result<Option<Whole>, CaptureError> {
        let given = self.block.len();
        let offset = self.source.offset().saturating_sub(u64::try_from(given).unwrap_or(0));
        let cut = |read: usize| fatal(offset, &format!("the file ends inside a block, {read} bytes into it"));
        self.source.read(&mut self.block, 8 - given)?;
        if self.block.is_empty() {
            return Ok(None);
        }
        if self.block.len() < 8 {
            return Err(cut(self.block.len()));
        }
        if read_u32(&self.block, 0, Order::Little) == Some(block::SECTION_HEADER) {
            self.source.read(&mut self.block, 4)?;
            self.order = match self.block.get(8..12) {
                Some([0x4D, 0x3C, 0x2B, 0x1A]) => Order::Little,
                Some([0x1A, 0x2B, 0x3C, 0x4D]) => Order::Big,
                Some(_) => return Err(fatal(offset, "a section header without byte-order magic")),
                None => return Err(cut(self.block.len())),
            };
            self.section_start = self.interfaces.len();
            self.foreign = false;
        }
        let fields = read_u32(&self.block, 0, self.order).zip(read_u32(&self.block, 4, self.order));
        let Some((block_type, said)) = fields else { return Err(cut(self.block.len())) };
        let length = usize::try_from(said).unwrap_or(usize::MAX);
        if !(ENVELOPE_BYTES.max(self.block.len() + 4)..=BLOCK_BYTES_MAX).contains(&length) {
            let reason = format!("a block of type {block_type:#x} says it is {said} bytes long");
            return Err(fatal(offset, &reason));
        }
        // Some writers forget to count the padding, but write it.
        let padded = length + padding(length);
        let rest = padded - self.block.len();
        self.source.read(&mut self.block, rest)?;
        if self.block.len() < padded {
            return Err(cut(self.block.len()));
        }
        let body_end = padded - 4;
        if block_type == block::SECTION_HEADER {
            self.check_version(offset);
        }
        if read_u32(&self.block, body_end, self.order) != Some(said) {
            let reason = format!("the two lengths of a block of type {block_type:#x} differ");
            self.late = Some(CaptureError { offset, reason, resumes: true });
        }
        Ok(Some(Whole { offset, block_type, body_end }))
    }

    /// A later major version may have other blocks (section 4.1): its section is passed over.
    fn check_version(&mut self, offset: u64) {
        let version = read_u16(&self.block, 12, self.order).zip(read_u16(&self.block, 14, self.order));
        let (major, minor) = version.unwrap_or_default();
        if major != 1 {
            self.foreign = true;
            let reason =
                format!("a section of pcapng version {major}.{minor}, which is not known, is passed over");
            self.late = Some(CaptureError { offset, reason, resumes: true });
        }
    }

    fn add_interface(&mut self, whole: Whole) -> Result<Record<'_>, CaptureError> {
        let body = self.block.get(8..whole.body_end).unwrap_or_default();
        let InterfaceBlock { interface, tsresol, tsoffset_seconds } = decode::interface(body, self.order)
            // Without it the later interfaces of the section would have wrong numbers.
            .map_err(|Malformed(reason)| fatal(whole.offset, reason))?;
        let number = self.interfaces.len();
        let id = u32::try_from(number).ok().filter(|_| number < INTERFACES_MAX);
        let id = id.ok_or_else(|| fatal(whole.offset, &format!("more than {INTERFACES_MAX} interfaces")))?;
        self.interfaces.push((interface.clone(), Clock { tsresol, tsoffset_seconds }));
        Ok(Record::Interface(InterfaceId(id), interface))
    }

    fn record(&self, whole: Whole) -> Result<Record<'_>, Malformed> {
        let body = self.block.get(8..whole.body_end).unwrap_or_default();
        let order = self.order;
        match whole.block_type {
            block::ENHANCED_PACKET => self.packet(decode::enhanced_packet(body, order)?),
            block::OLD_PACKET => self.packet(decode::old_packet(body, order)?),
            block::SIMPLE_PACKET => {
                let (_, interface, _) = self.local_interface(0)?;
                let block = decode::simple_packet(body, order, interface.snap_length_bytes)?;
                let Record::Packet(packet) = self.packet(block)? else {
                    return Err(Malformed("packet block"));
                };
                Ok(Record::Packet(Packet { timestamp: Timestamp::from_nanos(0), ..packet }))
            }
            block::STATISTICS => {
                let block = decode::statistics(body, order)?;
                let (id, _, clock) = self.local_interface(block.interface)?;
                let timestamp = clock.timestamp(block.ticks);
                let statistics = InterfaceStatistics::from_counters(id, timestamp, block.counters);
                Ok(Record::InterfaceStatistics(statistics))
            }
            block::NAMES => decode::names(body, order).map(Record::Names),
            block::SECRETS => match decode::secrets(body, order)? {
                (block::SECRETS_TLS_KEY_LOG, secrets) => Ok(Record::Secrets(secrets)),
                _ => Ok(Record::Unknown { block_type: whole.block_type }),
            },
            block::CUSTOM | block::LOCAL_CUSTOM => {
                let unknown = Record::Unknown { block_type: whole.block_type };
                Ok(custom_record(body, order)?.unwrap_or(unknown))
            }
            block_type => Ok(Record::Unknown { block_type }),
        }
    }

    fn packet<'a>(&'a self, block: PacketBlock<'a>) -> Result<Record<'a>, Malformed> {
        let (id, interface, clock) = self.local_interface(block.interface)?;
        Ok(Record::Packet(Packet {
            timestamp: clock.timestamp(block.ticks),
            interface: id,
            link_type: interface.link_type,
            original_length_bytes: block.original_length,
            data: block.data,
            comment: block.comment,
        }))
    }

    /// The interface that the section calls `number`.
    fn local_interface(&self, number: u32) -> Result<(InterfaceId, &Interface, Clock), Malformed> {
        let missing = Malformed("a block of an interface that its section doesn't describe");
        let place = usize::try_from(number).ok().and_then(|number| self.section_start.checked_add(number));
        let place = place.ok_or(missing)?;
        let (interface, clock) = self.interfaces.get(place).ok_or(missing)?;
        Ok((InterfaceId(u32::try_from(place).map_err(|_| missing)?), interface, *clock))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_nanoseconds_whatever_they_count() {
        let check = |tsresol, tsoffset_seconds, ticks, nanos| {
            let clock = Clock { tsresol, tsoffset_seconds };
            assert_eq!(clock.timestamp(ticks).nanos(), nanos, "{tsresol} {tsoffset_seconds} {ticks}");
        };
        check(6, 0, 1, 1000);
        check(0, 0, 2, 2_000_000_000);
        check(9, -1, 5, -999_999_995);
        check(12, 0, 1999, 1);
        check(127, 0, u64::MAX, 0);
        check(0x80 | 1, 0, 3, 1_500_000_000);
        check(0x80 | 127, 0, u64::MAX, 0);
        check(0, 0, u64::MAX, i64::MAX);
        check(9, i64::MIN, 0, i64::MIN);
        check(0x80, 0, u64::MAX, i64::MAX);
    }
}
