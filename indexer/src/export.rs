//! Packets of a time range as one pcapng file that every tool reads.

use std::collections::HashMap;
use std::io::Write;

use kfl::Query;
use pcap::{BpfProgram, Capture, Linktype};
use segment::flow::flow_key;
use segment::{
    Chain, Frame, Interface, InterfaceId, LinkType, Packet, PacketRef, PcapngWriter, Record, SegmentId,
    TimeRange,
};
use store::Summary;

use crate::Error;
use crate::chosen::Chosen;
use crate::data::{Coverage, Data};
use crate::pipeline::open;
use crate::search::{Budget, Spending, Stop};

/// Who wrote the file, as it says itself.
const APPLICATION: &str = concat!("remora ", env!("CARGO_PKG_VERSION"));

/// Which packets of the range are exported.
pub enum ExportFilter {
    /// Every one.
    All,
    /// Those that a filter in the language of tcpdump lets pass.
    Bpf(String),
    /// Those of the exchanges that satisfy a query.
    Kfl(Box<Query>),
}

/// What was exported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExportSummary {
    /// Packets.
    pub packets: u64,
    /// Bytes of packets.
    pub bytes: u64,
    /// What was looked at.
    pub coverage: Coverage,
}

/// Writes the packets of `range` to `out`, chain by chain, in the order they were recorded.
///
/// # Errors
/// When the filter is no BPF, or `out` can't be written. A segment that can't be read is named in the coverage.
pub fn export<W: Write>(
    data: &Data,
    range: TimeRange,
    filter: ExportFilter,
    budget: &Budget,
    out: W,
) -> Result<ExportSummary, Error> {
    let (segments, unreadable) = data.segments()?;
    let mut coverage = Coverage::default();
    coverage.segments_missing.extend(unreadable.iter().map(ToString::to_string));
    let mut chooser = Chooser::new(data, range, filter, budget, &mut coverage)?;
    let mut spending = Spending::new(budget.clone());
    let mut sink = PacketSink::new(out)?;
    for segment in segments {
        if !segment.may_overlap(range) {
            coverage.segments_pruned += 1;
            continue;
        }
        coverage.losses.extend(segment.losses.iter().filter(|loss| loss.range.overlaps(range)).cloned());
        if coverage.stopped.is_some() {
            break;
        }
        if !chooser.reaches(&segment.id) {
            coverage.segments_pruned += 1;
            continue;
        }
        match export_segment(data, &segment, range, &mut chooser, &mut spending, &mut sink) {
            Ok(stop) => {
                coverage.stopped = stop;
                coverage.segments_searched += 1;
            }
            Err(error @ (Error::Export(_) | Error::Bpf(_))) => return Err(error),
            Err(error) => coverage.segments_missing.push(format!("{}: {error}", segment.id)),
        }
    }
    coverage.truncated = coverage.stopped.is_some();
    let PacketSink { writer, packets, bytes, .. } = sink;
    writer.finish().map_err(Error::Export)?;
    Ok(ExportSummary { packets, bytes, coverage })
}

fn export_segment<W: Write>(
    data: &Data,
    segment: &Summary,
    range: TimeRange,
    chooser: &mut Chooser,
    spending: &mut Spending,
    sink: &mut PacketSink<W>,
) -> Result<Option<Stop>, Error> {
    let mut reader = open(data.layout(), &segment.id)?;
    while let Some(frame) = reader.next_frame()? {
        if let Some(stop) = spending.stop() {
            return Ok(Some(stop));
        }
        sink.declare_interfaces(&segment.id.chain, &frame)?;
        for record in frame.records() {
            match record {
                Ok((Some(at), Record::Packet(packet)))
                    if range.contains(packet.timestamp)
                        && chooser.takes(&segment.id.chain, at, &packet)? =>
                {
                    sink.packet(&segment.id.chain, &packet)?;
                }
                Ok((_, Record::Names(names))) => sink.writer.names(&names).map_err(Error::Export)?,
                Ok((_, Record::Secrets(secrets))) => sink.writer.secrets(secrets).map_err(Error::Export)?,
                // Damage is in the reader's losses.
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(None)
}

/// Writes packets, and each interface once.
struct PacketSink<W: Write> {
    writer: PcapngWriter<W>,
    /// The exported number of each interface of each chain; segments of a chain number theirs alike.
    interfaces: HashMap<(Chain, InterfaceId), (Interface, InterfaceId)>,
    packets: u64,
    bytes: u64,
}

impl<W: Write> PacketSink<W> {
    fn new(out: W) -> Result<Self, Error> {
        let writer = PcapngWriter::new(out, APPLICATION).map_err(Error::Export)?;
        Ok(Self { writer, interfaces: HashMap::new(), packets: 0, bytes: 0 })
    }

    fn declare_interfaces(&mut self, chain: &Chain, frame: &Frame) -> Result<(), Error> {
        for (number, interface) in (0..).zip(frame.interfaces()) {
            let key = (chain.clone(), InterfaceId(number));
            if self.interfaces.get(&key).is_none_or(|(known, _)| known != interface) {
                let exported = self.writer.add_interface(interface).map_err(Error::Export)?;
                self.interfaces.insert(key, (interface.clone(), exported));
            }
        }
        Ok(())
    }

    fn packet(&mut self, chain: &Chain, packet: &Packet<'_>) -> Result<(), Error> {
        let Some((_, interface)) = self.interfaces.get(&(chain.clone(), packet.interface)) else {
            return Ok(());
        };
        self.writer.packet(&Packet { interface: *interface, ..*packet }).map_err(Error::Export)?;
        self.packets += 1;
        self.bytes += packet.data.len() as u64;
        Ok(())
    }
}

/// Decides about each packet.
enum Chooser {
    All,
    Bpf { text: String, programs: HashMap<u16, BpfProgram> },
    Exchanges(Chosen),
}

impl Chooser {
    fn new(
        data: &Data,
        range: TimeRange,
        filter: ExportFilter,
        budget: &Budget,
        coverage: &mut Coverage,
    ) -> Result<Self, Error> {
        match filter {
            ExportFilter::All => Ok(Self::All),
            ExportFilter::Bpf(text) => {
                // A filter that is wrong for every link type is wrong.
                compile(&text, LinkType::ETHERNET)?;
                Ok(Self::Bpf { text, programs: HashMap::new() })
            }
            ExportFilter::Kfl(query) => {
                Ok(Self::Exchanges(Chosen::of(data, &query, range, budget, coverage)?))
            }
        }
    }

    /// Whether packets of a segment may be taken.
    fn reaches(&self, segment: &SegmentId) -> bool {
        match self {
            Self::All | Self::Bpf { .. } => true,
            Self::Exchanges(chosen) => chosen.reaches(segment),
        }
    }

    fn takes(&mut self, chain: &Chain, at: PacketRef, packet: &Packet<'_>) -> Result<bool, Error> {
        match self {
            Self::All => Ok(true),
            Self::Bpf { text, programs } => {
                let program = match programs.entry(packet.link_type.0) {
                    std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::hash_map::Entry::Vacant(new) => {
                        new.insert(compile(text, packet.link_type)?)
                    }
                };
                Ok(program.filter(packet.data))
            }
            Self::Exchanges(chosen) => {
                let flow = flow_key(packet.link_type, packet.data);
                Ok(flow.is_some_and(|flow| chosen.exchange(chain, flow, at).is_some()))
            }
        }
    }
}

/// Compiles a filter for packets of a link type; libpcap needs no privilege for it.
fn compile(text: &str, link_type: LinkType) -> Result<BpfProgram, Error> {
    let wrong = |error: pcap::Error| Error::Bpf(error.to_string());
    Capture::dead(Linktype(link_type.0.into())).map_err(wrong)?.compile(text, true).map_err(wrong)
}
