//! Appends pcapng blocks to a buffer, little-endian.

use std::net::IpAddr;

use super::bytes::padding;
use super::{
    CUSTOM_MAGIC, ENHANCED_PACKET, ENVELOPE_BYTES, INTERFACE, LOCAL_CUSTOM, NAMES, PACKET_BYTES_MAX,
    PRIVATE_ENTERPRISE_NUMBER, SECRETS, SECRETS_TLS_KEY_LOG, SECTION_HEADER, STATISTICS, TSRESOL_NANOS,
};
use crate::error::Error;
use crate::packet::{Interface, Packet};
use crate::record::{InterfaceStatistics, NameRecord, Names};
use crate::time::Timestamp;

const ZEROES: [u8; 4] = [0; 4];
const OPTION_COMMENT: u16 = 1;
/// Fixed part of an Enhanced Packet Block, with type and length in front.
const ENHANCED_PACKET_FIXED: usize = 28;

/// What a Section Header Block says about where it was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Section<'a> {
    /// `shb_hardware`.
    pub hardware: &'a str,
    /// `shb_os`.
    pub system: &'a str,
    /// `shb_userappl`.
    pub application: &'a str,
}

/// Writes a Section Header Block of unknown section length.
pub(crate) fn section(out: &mut Vec<u8>, section: &Section<'_>) -> Result<(), Error> {
    block(out, SECTION_HEADER, |out| {
        put_u32(out, 0x1A2B_3C4D);
        put_u16(out, 1);
        put_u16(out, 0);
        put_u64(out, u64::MAX);
        let options = [(2, section.hardware), (3, section.system), (4, section.application)];
        let mut any = false;
        for (code, text) in options.into_iter().filter(|(_, text)| !text.is_empty()) {
            option(out, code, text.as_bytes())?;
            any = true;
        }
        end_options(out, any);
        Ok(())
    })
}

/// Writes an Interface Description Block with nanosecond resolution.
pub(crate) fn interface(out: &mut Vec<u8>, interface: &Interface) -> Result<(), Error> {
    block(out, INTERFACE, |out| {
        put_u16(out, interface.link_type.0);
        put_u16(out, 0);
        put_u32(out, interface.snap_length_bytes);
        for (code, text) in [(2, &interface.name), (3, &interface.description)] {
            if !text.is_empty() {
                option(out, code, text.as_bytes())?;
            }
        }
        option(out, 9, &[TSRESOL_NANOS])?;
        if !interface.filter.is_empty() {
            // The first byte 0 says that text of libpcap's filter language follows.
            let mut filter = vec![0];
            filter.extend_from_slice(interface.filter.as_bytes());
            option(out, 11, &filter)?;
        }
        end_options(out, true);
        Ok(())
    })
}

/// Bytes that [`packet`] will append.
pub(crate) fn packet_length(packet: &Packet<'_>) -> Result<usize, Error> {
    let data = packet.data.len();
    if data > PACKET_BYTES_MAX {
        return Err(Error::Input(format!("a packet of {data} bytes; the most is {PACKET_BYTES_MAX}")));
    }
    let options = match packet.comment {
        None => 0,
        Some(comment) if comment.len() > usize::from(u16::MAX) => {
            return Err(Error::Input(format!("a comment of {} bytes; the most is 65535", comment.len())));
        }
        Some(comment) => 8 + comment.len() + padding(comment.len()),
    };
    Ok(ENHANCED_PACKET_FIXED + data + padding(data) + options + 4)
}

/// Writes an Enhanced Packet Block of the length that [`packet_length`] gave.
pub(crate) fn packet(out: &mut Vec<u8>, packet: &Packet<'_>, length: usize) -> Result<(), Error> {
    let too_long = || Error::Input("a block longer than 4 GiB".to_owned());
    let total = u32::try_from(length).map_err(|_| too_long())?.to_le_bytes();
    let captured = u32::try_from(packet.data.len()).map_err(|_| too_long())?;
    // Two's complement, so that times before 1970 come back as they were.
    let ticks = packet.timestamp.nanos().cast_unsigned();
    let [l0, l1, l2, l3, h0, h1, h2, h3] = ticks.to_le_bytes();
    let fields = [
        ENHANCED_PACKET.to_le_bytes(),
        total,
        packet.interface.0.to_le_bytes(),
        [h0, h1, h2, h3],
        [l0, l1, l2, l3],
        captured.to_le_bytes(),
        packet.original_length_bytes.to_le_bytes(),
    ];
    out.reserve(length);
    out.extend_from_slice(fields.as_flattened());
    out.extend_from_slice(packet.data);
    pad(out, packet.data.len());
    if let Some(comment) = packet.comment {
        option(out, OPTION_COMMENT, comment.as_bytes())?;
        end_options(out, true);
    }
    out.extend_from_slice(&total);
    Ok(())
}

/// Writes an Interface Statistics Block.
pub(crate) fn statistics(out: &mut Vec<u8>, statistics: &InterfaceStatistics) -> Result<(), Error> {
    block(out, STATISTICS, |out| {
        put_u32(out, statistics.interface.0);
        put_ticks(out, statistics.timestamp);
        let counters = [
            (4, statistics.received),
            (5, statistics.dropped_by_interface),
            (6, statistics.accepted_by_filter),
            (7, statistics.dropped_by_system),
            (8, statistics.delivered),
        ];
        let mut any = false;
        for (code, counter) in counters {
            if let Some(counter) = counter {
                option(out, code, &counter.to_le_bytes())?;
                any = true;
            }
        }
        end_options(out, any);
        Ok(())
    })
}

/// Writes a Name Resolution Block.
pub(crate) fn names(out: &mut Vec<u8>, names: &Names) -> Result<(), Error> {
    block(out, NAMES, |out| {
        for record in &names.records {
            name_record(out, record)?;
        }
        put_u32(out, 0);
        Ok(())
    })
}

fn name_record(out: &mut Vec<u8>, record: &NameRecord) -> Result<(), Error> {
    let wrong = |name: &String| name.is_empty() || name.contains('\0');
    if record.names.is_empty() || record.names.iter().any(wrong) {
        return Err(Error::Input(format!(
            "names of {}: none, or one that is empty or holds NUL",
            record.address
        )));
    }
    let (kind, mut value) = match record.address {
        IpAddr::V4(address) => (1, address.octets().to_vec()),
        IpAddr::V6(address) => (2, address.octets().to_vec()),
    };
    for name in &record.names {
        value.extend_from_slice(name.as_bytes());
        value.push(0);
    }
    option(out, kind, &value)
}

/// Writes a Decryption Secrets Block with a TLS key log.
pub(crate) fn secrets(out: &mut Vec<u8>, secrets: &[u8]) -> Result<(), Error> {
    if secrets.len() > PACKET_BYTES_MAX {
        return Err(Error::Input(format!(
            "secrets of {} bytes; the most is {PACKET_BYTES_MAX}",
            secrets.len()
        )));
    }
    block(out, SECRETS, |out| {
        put_u32(out, SECRETS_TLS_KEY_LOG);
        put_length(out, secrets.len())?;
        out.extend_from_slice(secrets);
        pad(out, secrets.len());
        Ok(())
    })
}

/// Writes a Custom Block of ours: magic, lengths of name and JSON, name, JSON.
pub(crate) fn custom(out: &mut Vec<u8>, name: &str, json: &str) -> Result<(), Error> {
    let length = name.len().saturating_add(json.len());
    if length > PACKET_BYTES_MAX {
        return Err(Error::Input(format!(
            "a custom record of {length} bytes; the most is {PACKET_BYTES_MAX}"
        )));
    }
    block(out, LOCAL_CUSTOM, |out| {
        put_u32(out, PRIVATE_ENTERPRISE_NUMBER);
        out.extend_from_slice(&CUSTOM_MAGIC);
        put_length(out, name.len())?;
        put_length(out, json.len())?;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(json.as_bytes());
        pad(out, length);
        Ok(())
    })
}

/// Puts `body` into an envelope; leaves `out` as it was when that fails.
fn block(
    out: &mut Vec<u8>,
    block_type: u32,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = out.len();
    put_u32(out, block_type);
    put_u32(out, 0);
    let written = body(out).and_then(|()| {
        let length = out.len() - start + 4;
        debug_assert!(length >= ENVELOPE_BYTES && length.is_multiple_of(4));
        if length > super::BLOCK_BYTES_MAX {
            return Err(Error::Input(format!("a block of {length} bytes")));
        }
        let length = u32::try_from(length).map_err(|_| Error::Input("a block beyond 4 GiB".to_owned()))?;
        if let Some(field) = out.get_mut(start + 4..start + 8) {
            field.copy_from_slice(&length.to_le_bytes());
        }
        put_u32(out, length);
        Ok(())
    });
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(value.len())
        .map_err(|_| Error::Input(format!("a text of {} bytes; the most is 65535", value.len())))?;
    put_u16(out, code);
    put_u16(out, length);
    out.extend_from_slice(value);
    pad(out, value.len());
    Ok(())
}

fn end_options(out: &mut Vec<u8>, any: bool) {
    if any {
        put_u32(out, 0);
    }
}

fn pad(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(ZEROES.get(..padding(length)).unwrap_or_default());
}

fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_length(out: &mut Vec<u8>, length: usize) -> Result<(), Error> {
    put_u32(out, u32::try_from(length).map_err(|_| Error::Input("a value beyond 4 GiB".to_owned()))?);
    Ok(())
}

fn put_ticks(out: &mut Vec<u8>, timestamp: Timestamp) {
    let [l0, l1, l2, l3, h0, h1, h2, h3] = timestamp.nanos().cast_unsigned().to_le_bytes();
    out.extend_from_slice(&[h0, h1, h2, h3, l0, l1, l2, l3]);
}
