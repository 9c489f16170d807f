//! Everything a segment will say about itself, counted while its records pass.
//!
//! The writer counts what it writes; repair and verify count what they read. Since both count here,
//! a manifest can be derived again from its segment at any time.

use crate::flow::FlowTable;
use crate::footer::{Footer, FrameEntry};
use crate::manifest::InterfaceCount;
use crate::packet::{Interface, InterfaceId, LinkType, Packet};
use crate::record::{Loss, Record};
use crate::time::{TimeRange, Timestamp};

/// Most interfaces of one segment: far above any machine's, and it bounds what a hostile import can claim.
pub const INTERFACES_MAX: usize = 65_536;

/// Most losses kept one by one in a manifest: five minutes at one per second, interface and cause for a dozen
/// of these. Later ones are added to an earlier one of the same interface and cause.
pub const LOSSES_MAX: usize = 4096;

/// Most bytes of header blocks of one segment, which the footer repeats: tens of thousands of interfaces
/// with names of a usual length.
pub const HEADER_BYTES_MAX: usize = 16 << 20;

/// The running counts.
#[derive(Debug)]
pub(crate) struct Tally {
    pub frames: Vec<FrameEntry>,
    /// The blocks of each header frame.
    pub headers: Vec<Vec<u8>>,
    pub header_bytes: usize,
    pub flows: FlowTable,
    pub interfaces: Vec<InterfaceCount>,
    pub losses: Vec<Loss>,
    pub range: Option<(Timestamp, Timestamp)>,
    pub packets: u64,
    pub bytes: u64,
    pub original_bytes: u64,
}

impl Tally {
    pub fn new() -> Self {
        Self {
            frames: Vec::new(),
            headers: Vec::new(),
            header_bytes: 0,
            flows: FlowTable::new(),
            interfaces: Vec::new(),
            losses: Vec::new(),
            range: None,
            packets: 0,
            bytes: 0,
            original_bytes: 0,
        }
    }

    /// From the earliest to the latest packet.
    pub fn range(&self) -> Option<TimeRange> {
        self.range.map(|(first, last)| TimeRange::covering(first, last))
    }

    /// Number of the frame that is being filled.
    pub fn frame_number(&self) -> u32 {
        u32::try_from(self.frames.len()).unwrap_or(u32::MAX)
    }

    /// Where the next frame begins.
    pub fn offset(&self) -> u64 {
        self.frames.last().map_or(0, |frame| frame.offset.saturating_add(u64::from(frame.packed_bytes)))
    }

    /// The interface of that number.
    pub fn interface(&self, id: InterfaceId) -> Option<&InterfaceCount> {
        self.interfaces.get(usize::try_from(id.0).ok()?)
    }

    /// Counts a record that lies in the frame being filled.
    pub fn record(&mut self, record: &Record<'_>) {
        match record {
            Record::Packet(packet) => self.packet(packet),
            Record::Interface(id, interface) => {
                fill_interfaces(&mut self.interfaces, id.0, InterfaceCount::none);
                self.add_interface(interface);
            }
            Record::Loss(loss) => self.loss(loss),
            _ => {}
        }
    }

    /// Counts a packet that lies in the frame being filled.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        let bytes = u64::try_from(packet.data.len()).unwrap_or(u64::MAX);
        let original = u64::from(packet.original_length_bytes);
        let at = packet.timestamp;
        self.range = Some(self.range.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.original_bytes = self.original_bytes.saturating_add(original);
        fill_interfaces(&mut self.interfaces, packet.interface.0.saturating_add(1), InterfaceCount::none);
        let place = usize::try_from(packet.interface.0).ok();
        if let Some(count) = place.and_then(|place| self.interfaces.get_mut(place)) {
            count.packets = count.packets.saturating_add(1);
            count.bytes = count.bytes.saturating_add(bytes);
            count.original_bytes = count.original_bytes.saturating_add(original);
        }
        self.flows.add(packet, self.frame_number());
    }

    /// Keeps the blocks of a header frame for the footer.
    pub fn add_header(&mut self, raw: &[u8]) {
        self.header_bytes = self.header_bytes.saturating_add(raw.len());
        self.headers.push(raw.to_vec());
    }

    pub fn add_interface(&mut self, interface: &Interface) {
        self.interfaces.push(InterfaceCount::none(interface.clone()));
    }

    fn loss(&mut self, loss: &Loss) {
        if self.losses.len() < LOSSES_MAX {
            self.losses.push(loss.clone());
            return;
        }
        let same_cause = |known: &Loss| known.cause == loss.cause;
        let same = |known: &Loss| same_cause(known) && known.interface == loss.interface;
        let found = self.losses.iter().rposition(same).or_else(|| self.losses.iter().rposition(same_cause));
        let Some(known) = found.and_then(|place| self.losses.get_mut(place)) else {
            // At most one more per cause.
            self.losses.push(loss.clone());
            return;
        };
        if known.interface != loss.interface {
            known.interface = None;
        }
        known.range = known.range.union(loss.range);
        known.packets = known.packets.zip(loss.packets).map(|(a, b)| a.saturating_add(b));
        known.bytes = known.bytes.zip(loss.bytes).map(|(a, b)| a.saturating_add(b));
    }

    /// Everything the footer says; takes the flows out.
    pub fn footer(&mut self) -> Footer {
        let flows = std::mem::replace(&mut self.flows, FlowTable::new());
        Footer {
            frames: self.frames.clone(),
            headers: self.headers.clone(),
            flows_complete: flows.complete(),
            flows: flows.into_flows(),
        }
    }
}

/// Takes the place of interfaces whose description was damaged, so that the later ones keep their numbers.
pub(crate) fn fill_interfaces<T>(interfaces: &mut Vec<T>, count: u32, make: impl Fn(Interface) -> T) {
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(INTERFACES_MAX);
    while interfaces.len() < count {
        interfaces.push(make(damaged_interface()));
    }
}

/// Takes the place of one interface whose description was damaged.
pub(crate) fn damaged_interface() -> Interface {
    Interface {
        name: String::new(),
        description: "its description was damaged".to_owned(),
        // No such link type exists: nothing is read into these packets.
        link_type: LinkType(u16::MAX),
        snap_length_bytes: 0,
        filter: String::new(),
    }
}
