//! The classic pcap format, and the variant with longer record headers of Alexey Kuznetzov's patch.

use std::io::Read;

use super::source::Source;
use super::{CaptureError, fatal};
use crate::block::PACKET_BYTES_MAX;
use crate::block::bytes::{Order, read_u16, read_u32};
use crate::packet::{Interface, InterfaceId, LinkType, Packet};
use crate::record::Record;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// Largest packet that is believed whatever the snap length says, as in libpcap and Wireshark.
const CAPTURED_BYTES_MAX: u32 = 262_144;

/// What the first four bytes say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    order: Order,
    nanos_per_tick: i64,
    record_header_bytes: usize,
}

impl Variant {
    pub fn of(magic: [u8; 4]) -> Option<Self> {
        for (order, value) in
            [(Order::Little, u32::from_le_bytes(magic)), (Order::Big, u32::from_be_bytes(magic))]
        {
            let (nanos_per_tick, record_header_bytes) = match value {
                0xA1B2_C3D4 => (1000, 16),
                0xA1B2_3C4D => (1, 16),
                // Interface index, protocol and packet type follow the lengths.
                0xA1B2_CD34 => (1000, 24),
                _ => continue,
            };
            return Some(Self { order, nanos_per_tick, record_header_bytes });
        }
        None
    }
}

/// In which order the two lengths of a record come.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    CapturedFirst,
    /// Files before version 2.3 and those of DG/UX.
    OriginalFirst,
    /// Version 2.3 was written both ways; the captured length can't be the larger one.
    Either,
}

#[derive(Debug)]
pub(super) struct PcapReader<R: Read> {
    source: Source<R>,
    variant: Variant,
    lengths: Lengths,
    interface: Interface,
    announced: bool,
    record: Vec<u8>,
}

impl<R: Read> PcapReader<R> {
    /// Reads the rest of the file header.
    pub fn new(mut source: Source<R>, variant: Variant) -> Result<Self, CaptureError> {
        let mut header = Vec::new();
        source.read(&mut header, 20)?;
        let order = variant.order;
        let fields = (|| {
            let version = (read_u16(&header, 0, order)?, read_u16(&header, 2, order)?);
            Some((version, read_u32(&header, 12, order)?, read_u32(&header, 16, order)?))
        })();
        let Some(((major, minor), snap_length_bytes, network)) = fields else {
            return Err(fatal(0, "the file ends inside the pcap file header"));
        };
        let lengths = match (major, minor) {
            (0 | 1, _) => return Err(fatal(4, &format!("pcap version {major}.{minor} is not known"))),
            (2, 0..3) | (543, _) => Lengths::OriginalFirst,
            (2, 3) => Lengths::Either,
            _ => Lengths::CapturedFirst,
        };
        // The upper bits tell about frame check sequences, which are part of the data either way.
        let Ok(link_type) = u16::try_from(network & 0x03FF_FFFF) else {
            return Err(fatal(20, &format!("link type {network} is not known")));
        };
        let interface = Interface {
            name: String::new(),
            description: String::new(),
            link_type: LinkType(link_type),
            snap_length_bytes,
            filter: String::new(),
        };
        Ok(Self { source, variant, lengths, interface, announced: false, record: Vec::new() })
    }

    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    pub fn interface(&self, id: InterfaceId) -> Option<&Interface> {
        (id.0 == 0).then_some(&self.interface)
    }

    pub fn next(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        if !self.announced {
            self.announced = true;
            return Ok(Some(Record::Interface(InterfaceId(0), self.interface.clone())));
        }
        let offset = self.source.offset();
        let order = self.variant.order;
        self.record.clear();
        let header_bytes = self.variant.record_header_bytes;
        let header = self.source.read(&mut self.record, header_bytes)?;
        if header == 0 {
            return Ok(None);
        }
        if header < header_bytes {
            let reason = format!("the file ends inside a record header, {header} of {header_bytes} bytes");
            return Err(fatal(offset, &reason));
        }
        let field = |place| read_u32(&self.record, place, order).unwrap_or_default();
        let (seconds, fraction) = (i64::from(field(0)), i64::from(field(4)));
        let (captured, original) = match (self.lengths, field(8), field(12)) {
            (Lengths::OriginalFirst, first, second) => (second, first),
            (Lengths::Either, first, second) if first > second => (second, first),
            (_, first, second) => (first, second),
        };
        self.check_length(captured).map_err(|reason| fatal(offset, &reason))?;
        let length = usize::try_from(captured).unwrap_or(PACKET_BYTES_MAX);
        let read = self.source.read(&mut self.record, length)?;
        if read < length {
            return Err(fatal(offset, &format!("the file ends inside a packet, {read} of {length} bytes")));
        }
        let fraction = fraction.saturating_mul(self.variant.nanos_per_tick);
        Ok(Some(Record::Packet(Packet {
            timestamp: Timestamp::from_nanos(seconds.saturating_mul(NANOS_PER_SECOND)).plus_nanos(fraction),
            interface: InterfaceId(0),
            link_type: self.interface.link_type,
            original_length_bytes: original,
            data: self.record.get(header_bytes..).unwrap_or_default(),
            comment: None,
        })))
    }

    /// A record has no mark to know it by: an impossible length is all that tells of damage.
    fn check_length(&self, captured: u32) -> Result<(), String> {
        let most = self.interface.snap_length_bytes.max(CAPTURED_BYTES_MAX);
        let believable =
            captured <= most && usize::try_from(captured).is_ok_and(|bytes| bytes <= PACKET_BYTES_MAX);
        if believable { Ok(()) } else { Err(format!("a record header says {captured} bytes were captured")) }
    }
}
