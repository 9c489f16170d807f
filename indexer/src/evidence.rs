//! From an entry back to its packets.
//!
//! Nothing here needs an index: the id names the first packet, the packet its flow, and the segment's flow
//! table the frames to read.

use std::collections::BTreeSet;

use dissect::Limits;
use dissect::decode::{Payload, decode};
use segment::flow::{Endpoint, FlowKey, flow_key};
use segment::{Footer, Frame, Packet, PacketRef, SegmentId, SegmentReader};
use serde_json::Value;

use crate::Error;
use crate::data::Data;
use crate::entry::{self, EntryId, complete};
use crate::pipeline::cold;

/// IANA's numbers of what carries entries; ICMPv6 is told as ICMP.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// What a packet takes beside its bytes, about.
const PACKET_BYTES: u64 = 128;

/// A packet of an entry, kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EntryPacket {
    /// Where it lies.
    pub at: PacketRef,
    /// When it was captured.
    pub timestamp: segment::Timestamp,
    /// Name of its interface.
    pub interface: String,
    /// How it begins.
    pub link_type: segment::LinkType,
    /// Bytes on the wire.
    pub original_length_bytes: u32,
    /// The bytes that were kept.
    pub data: Vec<u8>,
}

/// See [`Data::entry`].
pub fn entry(data: &Data, id: &EntryId) -> Result<Option<Value>, Error> {
    let (layout, readers) = (data.layout(), data.readers());
    let flow = readers.with(layout, &id.segment, |reader| flow_of(reader, id))?.flatten();
    let Some((flow, within)) = flow else { return Ok(None) };
    let mut pipeline = cold(layout, &id.segment);
    let mut found = None;
    let (idle_ns, mut last) = (Limits::default().tcp_idle_ns, None);
    for sequence in id.segment.sequence.. {
        let segment = SegmentId { chain: id.segment.chain.clone(), sequence };
        let goes_on = readers.with(layout, &segment, |reader| {
            let frames = frames_of(reader, flow);
            let range = reader.footer().and_then(Footer::range);
            match (frames.as_ref().is_some_and(BTreeSet::is_empty), range, last) {
                // A flow that was quiet for so long was ended when it was indexed, too.
                (true, Some(range), Some(last)) if range.start().since(last) > idle_ns => return Ok(false),
                (true, ..) => return Ok(true),
                (false, Some(range), _) => last = Some(range.end()),
                (false, None, _) => {}
            }
            let mut frames = Frames::new(reader, frames);
            while found.is_none()
                && let Some(frame) = frames.next()?
            {
                pipeline.feed_some(
                    &frame,
                    &|packet| may_matter(flow, within, packet),
                    &mut |naming, names, exchange| {
                        keep_if(id, entry::in_full(naming, names, &exchange, data.schemas()).1, &mut found);
                    },
                );
            }
            Ok(found.is_none())
        })?;
        if goes_on != Some(true) {
            break;
        }
    }
    if found.is_none() {
        pipeline.finish(&mut |naming, names, exchange| {
            keep_if(id, entry::in_full(naming, names, &exchange, data.schemas()).1, &mut found);
        });
    }
    Ok(found)
}

/// The packets of an entry: those of its flow from its first to its last one, as many as have room; whether all had.
pub fn packets(data: &Data, entry: &Value, bytes_max: u64) -> Result<(Vec<EntryPacket>, bool), Error> {
    let (mut packets, mut bytes) = (Vec::new(), 0_u64);
    let Some(span) = Span::of(entry) else { return Ok((packets, true)) };
    let Some(flow) = flow_in(entry) else { return Ok((packets, true)) };
    for sequence in span.first.sequence..=span.last.sequence {
        let segment = SegmentId { chain: span.segment.chain.clone(), sequence };
        let is_all = data.readers().with(data.layout(), &segment, |reader| {
            let frames = frames_of(reader, flow);
            let mut frames = Frames::new(reader, frames);
            while let Some(frame) = frames.next()? {
                let of_entry =
                    |(at, packet): &(PacketRef, Packet<'_>)| span.holds(*at) && is_of(flow, packet);
                for (at, packet) in frame.packets().filter(of_entry) {
                    bytes = bytes.saturating_add(packet.data.len() as u64).saturating_add(PACKET_BYTES);
                    if bytes > bytes_max {
                        return Ok(false);
                    }
                    packets.push(kept(&frame, at, &packet));
                }
                if sequence == span.last.sequence && frame.number() >= span.last.frame {
                    break;
                }
            }
            Ok(true)
        })?;
        if is_all == Some(false) {
            return Ok((packets, false));
        }
    }
    Ok((packets, true))
}

fn kept(frame: &Frame, at: PacketRef, packet: &Packet<'_>) -> EntryPacket {
    let interface = frame.interfaces().get(packet.interface.0 as usize);
    EntryPacket {
        at,
        timestamp: packet.timestamp,
        interface: interface.map(|interface| interface.name.clone()).unwrap_or_default(),
        link_type: packet.link_type,
        original_length_bytes: packet.original_length_bytes,
        data: packet.data.to_vec(),
    }
}

/// Where an entry begins and ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// The segment of the first packet.
    pub segment: SegmentId,
    /// The first packet.
    pub first: PacketRef,
    /// The last packet.
    pub last: PacketRef,
}

impl Span {
    /// Reads `packets` of an entry.
    #[must_use]
    pub fn of(entry: &Value) -> Option<Self> {
        let place = |name: &str| {
            let place = entry.get("packets")?.get(name)?;
            let number = |key: &str| u32::try_from(place.get(key)?.as_u64()?).ok();
            let segment: SegmentId = place.get("segment")?.as_str()?.parse().ok()?;
            let at =
                PacketRef { sequence: segment.sequence, frame: number("frame")?, index: number("packet")? };
            Some((segment, at))
        };
        let ((segment, first), (_, last)) = (place("first")?, place("last")?);
        Some(Self { segment, first, last })
    }

    /// Whether a packet of the same chain lies between first and last.
    #[must_use]
    pub fn holds(&self, at: PacketRef) -> bool {
        self.first <= at && at <= self.last
    }
}

/// Whether a packet belongs to a flow, inside a tunnel or not.
#[must_use]
pub fn is_of(flow: FlowKey, packet: &Packet<'_>) -> bool {
    flow_key(packet.link_type, packet.data) == Some(flow) || innermost(packet) == Some(flow)
}

/// The flow of the innermost packet.
fn innermost(packet: &Packet<'_>) -> Option<FlowKey> {
    let decoded = decode(packet).ok()??;
    let (protocol, source, destination) = match decoded.payload {
        Payload::Tcp(header, _) => (TCP, header.source_port, header.destination_port),
        Payload::Udp(header, _) => (UDP, header.source_port, header.destination_port),
        Payload::Icmp(_) => (ICMP, 0, 0),
        _ => return None,
    };
    let source = Endpoint { address: decoded.network.source, port: source };
    let destination = Endpoint { address: decoded.network.destination, port: destination };
    Some(FlowKey { protocol, low: source.min(destination), high: source.max(destination) })
}

/// The flow of an entry.
#[must_use]
pub fn flow_in(entry: &Value) -> Option<FlowKey> {
    let end = |name: &str| {
        let end = entry.get(name)?;
        let address = end.get("ip")?.as_str()?.parse().ok()?;
        Some(Endpoint { address, port: end.get("port")?.as_str()?.parse().ok()? })
    };
    let (src, dst) = (end("src")?, end("dst")?);
    let protocol = match entry.get("protocol")?.get("layer4")?.as_str()? {
        "tcp" => TCP,
        "udp" => UDP,
        "icmp" => ICMP,
        _ => return None,
    };
    Some(FlowKey { protocol, low: src.min(dst), high: src.max(dst) })
}

/// The flow of the packet that an id names, and the one within it if that is a tunnel; `None` if there is no such packet or
/// it has no flow.
fn flow_of(reader: &mut SegmentReader, id: &EntryId) -> Result<Option<(FlowKey, FlowKey)>, Error> {
    let frame = match reader.frame(id.frame) {
        Ok(frame) => frame,
        Err(segment::Error::NoFrame { .. }) => return Ok(None),
        Err(error) if error.kind() == segment::ErrorKind::Data => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let packet = frame.packets().find(|(place, _)| *place == id.first());
    Ok(packet.and_then(|(_, packet)| {
        let flow = flow_key(packet.link_type, packet.data)?;
        Some((flow, innermost(&packet).unwrap_or(flow)))
    }))
}

/// Whether a packet may change what is known of a flow and of the one within it, if it is a tunnel: their own, parts of
/// packets, and what ICMP says of them.
fn may_matter(flow: FlowKey, within: FlowKey, packet: &Packet<'_>) -> bool {
    match flow_key(packet.link_type, packet.data) {
        Some(key) if matches!(key.protocol, TCP | UDP) => key == flow || innermost(packet) == Some(within),
        _ => true,
    }
}

/// Reads the frames of a segment that are wanted, and no other.
pub struct Frames<'a> {
    reader: &'a mut SegmentReader,
    /// Their numbers; `None` for all.
    wanted: Option<std::collections::btree_set::IntoIter<u32>>,
}

impl<'a> Frames<'a> {
    /// Those; `None` for all.
    #[must_use]
    pub fn new(reader: &'a mut SegmentReader, wanted: Option<BTreeSet<u32>>) -> Self {
        Self { reader, wanted: wanted.map(BTreeSet::into_iter) }
    }

    /// The next one; damaged ones are passed over.
    ///
    /// # Errors
    /// When the segment can't be read.
    pub fn next(&mut self) -> Result<Option<Frame>, Error> {
        let Some(wanted) = &mut self.wanted else { return Ok(self.reader.next_frame()?) };
        for number in wanted {
            match self.reader.frame(number) {
                Ok(frame) => return Ok(Some(frame)),
                Err(error) if error.kind() == segment::ErrorKind::Data => {}
                // Of a segment that is being written it may be gone with its end.
                Err(segment::Error::NoFrame { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }
}

/// The frames that may hold packets of a flow; `None` where only reading them all can tell.
#[must_use]
pub fn frames_of(reader: &SegmentReader, flow: FlowKey) -> Option<BTreeSet<u32>> {
    let footer = reader.footer().filter(|footer| footer.flows_complete)?;
    let mine = footer.flows.iter().filter(|candidate| candidate.key == flow);
    // Frame 0 and its like hold no packets but describe the interfaces; the reader keeps track of those.
    Some(mine.flat_map(|flow| &flow.frames).flat_map(|run| run.first..=run.last).collect())
}

fn keep_if(id: &EntryId, entry: Value, found: &mut Option<Value>) {
    if entry.get("id").and_then(Value::as_str) == Some(id.to_string().as_str()) {
        *found = Some(complete(entry));
    }
}
