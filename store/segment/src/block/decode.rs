//! Reads the bodies of pcapng blocks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::bytes::{Options, Order, padding, read_ticks, read_u16, read_u32, read_u64};
use super::{CUSTOM_MAGIC, Malformed, PRIVATE_ENTERPRISE_NUMBER};
use crate::packet::{Interface, LinkType};
use crate::record::{NameRecord, Names};

/// Most names kept from one Name Resolution Block.
const NAMES_MAX: usize = 65_536;

/// An Interface Description Block and how its time stamps count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct InterfaceBlock {
    pub interface: Interface,
    /// `if_tsresol` as written: a power of ten, or of two when the highest bit is set.
    pub tsresol: u8,
    /// `if_tsoffset`: seconds to add.
    pub tsoffset_seconds: i64,
}

/// A packet block, before its interface is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PacketBlock<'a> {
    pub interface: u32,
    pub ticks: u64,
    pub original_length: u32,
    pub data: &'a [u8],
    pub comment: Option<&'a str>,
}

/// An Interface Statistics Block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StatisticsBlock {
    pub interface: u32,
    pub ticks: u64,
    /// Options 4 to 8: received, dropped by interface, accepted by filter, dropped by system, delivered.
    pub counters: [Option<u64>; 5],
}

/// Reads an Interface Description Block.
pub(crate) fn interface(body: &[u8], order: Order) -> Result<InterfaceBlock, Malformed> {
    let short = Malformed("interface block: too short");
    let link_type = LinkType(read_u16(body, 0, order).ok_or(short)?);
    let snap_length_bytes = read_u32(body, 4, order).ok_or(short)?;
    let mut interface = Interface {
        name: String::new(),
        description: String::new(),
        link_type,
        snap_length_bytes,
        filter: String::new(),
    };
    let (mut tsresol, mut tsoffset_seconds) = (6, 0);
    for option in Options::new(body.get(8..).unwrap_or_default(), order) {
        match option? {
            (2, value) => interface.name = text(value),
            (3, value) => interface.description = text(value),
            (9, value) => tsresol = *value.first().ok_or(Malformed("if_tsresol: empty"))?,
            (11, [0, filter @ ..]) => interface.filter = text(filter),
            (14, value) => {
                let offset = read_u64(value, 0, order).ok_or(Malformed("if_tsoffset: not 8 bytes"))?;
                tsoffset_seconds = offset.cast_signed();
            }
            _ => {}
        }
    }
    Ok(InterfaceBlock { interface, tsresol, tsoffset_seconds })
}

/// Reads an Enhanced Packet Block.
pub(crate) fn enhanced_packet(body: &[u8], order: Order) -> Result<PacketBlock<'_>, Malformed> {
    let short = Malformed("packet block: too short");
    let captured = read_u32(body, 12, order).ok_or(short)?;
    let (data, comment) = packet_data(body, captured, order)?;
    Ok(PacketBlock {
        interface: read_u32(body, 0, order).ok_or(short)?,
        ticks: read_ticks(body, 4, order).ok_or(short)?,
        original_length: read_u32(body, 16, order).ok_or(short)?,
        data,
        comment,
    })
}

/// Reads the obsolete Packet Block: the interface is 16 bits, a drop count follows it.
pub(crate) fn old_packet(body: &[u8], order: Order) -> Result<PacketBlock<'_>, Malformed> {
    let short = Malformed("packet block: too short");
    let captured = read_u32(body, 12, order).ok_or(short)?;
    let (data, comment) = packet_data(body, captured, order)?;
    Ok(PacketBlock {
        interface: u32::from(read_u16(body, 0, order).ok_or(short)?),
        ticks: read_ticks(body, 4, order).ok_or(short)?,
        original_length: read_u32(body, 16, order).ok_or(short)?,
        data,
        comment,
    })
}

/// Reads a Simple Packet Block: interface 0, no time, cut at the interface's snap length.
pub(crate) fn simple_packet(
    body: &[u8],
    order: Order,
    snap_length: u32,
) -> Result<PacketBlock<'_>, Malformed> {
    let short = Malformed("simple packet block: too short");
    let original_length = read_u32(body, 0, order).ok_or(short)?;
    let kept = if snap_length == 0 { original_length } else { original_length.min(snap_length) };
    let kept = usize::try_from(kept).map_err(|_| short)?;
    let data = body.get(4..).and_then(|rest| rest.get(..kept)).ok_or(short)?;
    Ok(PacketBlock { interface: 0, ticks: 0, original_length, data, comment: None })
}

fn packet_data(body: &[u8], captured: u32, order: Order) -> Result<(&[u8], Option<&str>), Malformed> {
    let longer = Malformed("packet block: captured length beyond the block");
    let captured = usize::try_from(captured).map_err(|_| longer)?;
    let rest = body.get(20..).ok_or(longer)?;
    let data = rest.get(..captured).ok_or(longer)?;
    let options = rest.get(captured..).and_then(|rest| rest.get(padding(captured)..)).unwrap_or_default();
    let mut comment = None;
    for option in Options::new(options, order) {
        // A broken option costs itself, not the packet.
        let Ok((code, value)) = option else { break };
        if code == 1 && comment.is_none() {
            comment = std::str::from_utf8(value).ok();
        }
    }
    Ok((data, comment))
}

/// Reads an Interface Statistics Block.
pub(crate) fn statistics(body: &[u8], order: Order) -> Result<StatisticsBlock, Malformed> {
    let short = Malformed("statistics block: too short");
    let mut block = StatisticsBlock {
        interface: read_u32(body, 0, order).ok_or(short)?,
        ticks: read_ticks(body, 4, order).ok_or(short)?,
        counters: [None; 5],
    };
    for option in Options::new(body.get(12..).unwrap_or_default(), order) {
        let (code, value) = option?;
        let slot = code.checked_sub(4).and_then(|index| block.counters.get_mut(usize::from(index)));
        if let Some(slot) = slot {
            *slot = Some(read_u64(value, 0, order).ok_or(Malformed("statistics option: not 8 bytes"))?);
        }
    }
    Ok(block)
}

/// Reads a Name Resolution Block; records of other kinds than IPv4 and IPv6 are skipped.
pub(crate) fn names(body: &[u8], order: Order) -> Result<Names, Malformed> {
    let mut names = Names::default();
    let mut count = 0;
    // Records have the same shape as options, end mark included.
    for record in Options::new(body, order) {
        let (address, rest) = match record? {
            (1, value) => {
                let (octets, rest) =
                    value.split_first_chunk::<4>().ok_or(Malformed("name record: too short"))?;
                (IpAddr::V4(Ipv4Addr::from(*octets)), rest)
            }
            (2, value) => {
                let (octets, rest) =
                    value.split_first_chunk::<16>().ok_or(Malformed("name record: too short"))?;
                (IpAddr::V6(Ipv6Addr::from(*octets)), rest)
            }
            _ => continue,
        };
        let found: Vec<String> =
            rest.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(text).collect();
        count += found.len();
        if count > NAMES_MAX {
            return Err(Malformed("name block: too many names"));
        }
        if !found.is_empty() {
            names.records.push(NameRecord { address, names: found });
        }
    }
    Ok(names)
}

/// Reads a Decryption Secrets Block: its type and data.
pub(crate) fn secrets(body: &[u8], order: Order) -> Result<(u32, &[u8]), Malformed> {
    let short = Malformed("secrets block: too short");
    let kind = read_u32(body, 0, order).ok_or(short)?;
    let length = read_u32(body, 4, order).and_then(|length| usize::try_from(length).ok()).ok_or(short)?;
    let data = body.get(8..).and_then(|rest| rest.get(..length)).ok_or(short)?;
    Ok((kind, data))
}

/// Reads a Custom Block: its name and JSON if it is ours, `None` if it is someone else's.
pub(crate) fn custom(body: &[u8], order: Order) -> Result<Option<(&str, &str)>, Malformed> {
    let short = Malformed("custom block: too short");
    let ours = read_u32(body, 0, order).ok_or(short)? == PRIVATE_ENTERPRISE_NUMBER
        && body.get(4..8) == Some(CUSTOM_MAGIC.as_slice());
    if !ours {
        return Ok(None);
    }
    // Custom data has no byte order of its own: ours is always little-endian.
    let length =
        |offset| read_u32(body, offset, Order::Little).and_then(|length| usize::try_from(length).ok());
    let (name_length, json_length) = length(8).zip(length(12)).ok_or(short)?;
    let rest = body.get(16..).ok_or(short)?;
    let (name, rest) = rest.split_at_checked(name_length).ok_or(short)?;
    let json = rest.get(..json_length).ok_or(short)?;
    match (std::str::from_utf8(name), std::str::from_utf8(json)) {
        (Ok(name), Ok(json)) => Ok(Some((name, json))),
        _ => Err(Malformed("custom block: not UTF-8")),
    }
}

/// Text as found; what is not UTF-8 becomes U+FFFD, and C's end mark is cut.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}
