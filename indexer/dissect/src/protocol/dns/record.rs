//! Reads what a record says, by its type.
//!
//! Data that breaks its type's rules is kept as it was: its length is known, so the records behind it can
//! still be read.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::protocol::dns::code::RecordType;
use crate::protocol::dns::data::{Opt, RecordData, Rrsig, SvcParam, Tsig};
use crate::protocol::dns::frame::{Cursor, Malformed};

/// Reads the data of a record; `cursor` holds exactly that.
#[must_use]
pub fn data(kind: RecordType, cursor: &mut Cursor<'_>) -> RecordData {
    if cursor.is_empty() {
        return RecordData::Empty;
    }
    whole(cursor, |cursor| typed(kind, cursor))
}

/// Reads an OPT record, which says part of what it says in its class and TTL (RFC 6891 §6.1.3).
#[must_use]
pub fn opt(class: u16, ttl: u32, cursor: &mut Cursor<'_>) -> RecordData {
    let [extended_rcode, version, flags, _] = ttl.to_be_bytes();
    whole(cursor, |cursor| {
        let mut options = Vec::new();
        while !cursor.is_empty() {
            let code = cursor.u16()?;
            let length = cursor.u16()?;
            options.push((code, cursor.bytes(usize::from(length))?.to_vec()));
        }
        let dnssec_ok = flags & 0x80 != 0;
        Ok(RecordData::Opt(Opt { payload_bytes_max: class, extended_rcode, version, dnssec_ok, options }))
    })
}

/// What `read` gives if it takes all of `cursor`; else the bytes.
fn whole<'a>(
    cursor: &mut Cursor<'a>,
    read: impl FnOnce(&mut Cursor<'a>) -> Result<RecordData, Malformed>,
) -> RecordData {
    let mut copy = cursor.clone();
    let raw = copy.rest();
    match read(cursor) {
        Ok(data) if cursor.is_empty() => data,
        _ => RecordData::Malformed(raw.to_vec()),
    }
}

fn typed(kind: RecordType, cursor: &mut Cursor<'_>) -> Result<RecordData, Malformed> {
    Ok(match kind {
        RecordType::A => RecordData::A(Ipv4Addr::from(cursor.array::<4>()?)),
        RecordType::AAAA => RecordData::Aaaa(Ipv6Addr::from(cursor.array::<16>()?)),
        RecordType::NS
        | RecordType::MD
        | RecordType::MF
        | RecordType::CNAME
        | RecordType::MB
        | RecordType::MG
        | RecordType::MR
        | RecordType::PTR
        | RecordType::DNAME => RecordData::Name(cursor.name()?),
        RecordType::SOA => RecordData::Soa {
            mname: cursor.name()?,
            rname: cursor.name()?,
            serial: cursor.u32()?,
            refresh: cursor.u32()?,
            retry: cursor.u32()?,
            expire: cursor.u32()?,
            minimum: cursor.u32()?,
        },
        RecordType::MX | RecordType::AFSDB | RecordType::RT | RecordType::KX => {
            RecordData::Preference { preference: cursor.u16()?, name: cursor.name()? }
        }
        RecordType::MINFO | RecordType::RP => RecordData::Names(cursor.name()?, cursor.name()?),
        RecordType::TXT | RecordType::SPF | RecordType::HINFO | RecordType::X25 | RecordType::ISDN => {
            strings(cursor)?
        }
        RecordType::SRV => RecordData::Srv {
            priority: cursor.u16()?,
            weight: cursor.u16()?,
            port: cursor.u16()?,
            target: cursor.name()?,
        },
        RecordType::NAPTR => RecordData::Naptr {
            order: cursor.u16()?,
            preference: cursor.u16()?,
            flags: cursor.string()?.to_vec(),
            services: cursor.string()?.to_vec(),
            regexp: cursor.string()?.to_vec(),
            replacement: cursor.name()?,
        },
        RecordType::SSHFP => RecordData::Sshfp {
            algorithm: cursor.u8()?,
            kind: cursor.u8()?,
            fingerprint: cursor.rest().to_vec(),
        },
        RecordType::SVCB | RecordType::HTTPS => service_binding(cursor)?,
        RecordType::CAA => RecordData::Caa {
            flags: cursor.u8()?,
            tag: cursor.string()?.to_vec(),
            value: cursor.rest().to_vec(),
        },
        RecordType::URI => {
            RecordData::Uri { priority: cursor.u16()?, weight: cursor.u16()?, target: cursor.rest().to_vec() }
        }
        RecordType::TSIG => tsig(cursor)?,
        _ => return security(kind, cursor),
    })
}

/// The types of DNSSEC and its relatives.
fn security(kind: RecordType, cursor: &mut Cursor<'_>) -> Result<RecordData, Malformed> {
    Ok(match kind {
        RecordType::DS | RecordType::CDS | RecordType::DLV | RecordType::TA => RecordData::Ds {
            key_tag: cursor.u16()?,
            algorithm: cursor.u8()?,
            digest_type: cursor.u8()?,
            digest: cursor.rest().to_vec(),
        },
        RecordType::RRSIG | RecordType::SIG => RecordData::Rrsig(Box::new(Rrsig {
            covered: RecordType(cursor.u16()?),
            algorithm: cursor.u8()?,
            labels: cursor.u8()?,
            original_ttl: cursor.u32()?,
            expiration: cursor.u32()?,
            inception: cursor.u32()?,
            key_tag: cursor.u16()?,
            signer: cursor.name()?,
            signature: cursor.rest().to_vec(),
        })),
        RecordType::NSEC => RecordData::Nsec { next: cursor.name()?, types: type_bitmap(cursor)? },
        RecordType::NSEC3 => RecordData::Nsec3 {
            algorithm: cursor.u8()?,
            flags: cursor.u8()?,
            iterations: cursor.u16()?,
            salt: cursor.string()?.to_vec(),
            next: cursor.string()?.to_vec(),
            types: type_bitmap(cursor)?,
        },
        RecordType::NSEC3PARAM => RecordData::Nsec3Param {
            algorithm: cursor.u8()?,
            flags: cursor.u8()?,
            iterations: cursor.u16()?,
            salt: cursor.string()?.to_vec(),
        },
        RecordType::DNSKEY | RecordType::CDNSKEY | RecordType::KEY => RecordData::Dnskey {
            flags: cursor.u16()?,
            protocol: cursor.u8()?,
            algorithm: cursor.u8()?,
            key: cursor.rest().to_vec(),
        },
        RecordType::TLSA | RecordType::SMIMEA => RecordData::Tlsa {
            usage: cursor.u8()?,
            selector: cursor.u8()?,
            matching: cursor.u8()?,
            data: cursor.rest().to_vec(),
        },
        _ => RecordData::Other(cursor.rest().to_vec()),
    })
}

fn strings(cursor: &mut Cursor<'_>) -> Result<RecordData, Malformed> {
    let mut strings = Vec::new();
    while !cursor.is_empty() {
        strings.push(cursor.string()?.to_vec());
    }
    Ok(RecordData::Strings(strings))
}

/// RFC 4034 §4.1.2: windows of 256 types, each with a bitmap of up to 32 bytes.
fn type_bitmap(cursor: &mut Cursor<'_>) -> Result<Vec<RecordType>, Malformed> {
    let mut types = Vec::new();
    while !cursor.is_empty() {
        let window = cursor.u8()?;
        for (index, &bits) in (0_u8..=31).zip(cursor.string()?) {
            for bit in (0_u8..8).filter(|bit| bits & (0x80 >> bit) != 0) {
                types.push(RecordType(u16::from_be_bytes([window, index * 8 + bit])));
            }
        }
    }
    Ok(types)
}

/// RFC 9460 §2.2.
fn service_binding(cursor: &mut Cursor<'_>) -> Result<RecordData, Malformed> {
    let priority = cursor.u16()?;
    let target = cursor.name()?;
    let mut params = Vec::new();
    while !cursor.is_empty() {
        let key = cursor.u16()?;
        let length = cursor.u16()?;
        params.push(service_param(key, cursor.bytes(usize::from(length))?));
    }
    Ok(RecordData::Svcb { priority, target, params })
}

/// RFC 9460 §7 and §8.
fn service_param(key: u16, value: &[u8]) -> SvcParam {
    let words =
        || value.chunks_exact(2).filter_map(|word| word.first_chunk().copied().map(u16::from_be_bytes));
    match (key, value.len()) {
        (0, length) if length % 2 == 0 => SvcParam::Mandatory(words().collect()),
        (1, _) => alpn(value).map_or_else(|| SvcParam::Other(key, value.to_vec()), SvcParam::Alpn),
        (2, 0) => SvcParam::NoDefaultAlpn,
        (3, 2) => words().next().map_or(SvcParam::Other(key, value.to_vec()), SvcParam::Port),
        (4, length) if length % 4 == 0 => SvcParam::Ipv4Hint(
            value
                .chunks_exact(4)
                .filter_map(|part| part.first_chunk::<4>().map(|part| Ipv4Addr::from(*part)))
                .collect(),
        ),
        (6, length) if length % 16 == 0 => SvcParam::Ipv6Hint(
            value
                .chunks_exact(16)
                .filter_map(|part| part.first_chunk::<16>().map(|part| Ipv6Addr::from(*part)))
                .collect(),
        ),
        _ => SvcParam::Other(key, value.to_vec()),
    }
}

/// Protocol names behind length bytes (RFC 7301 §3.1).
fn alpn(mut value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut protocols = Vec::new();
    while let Some((&length, rest)) = value.split_first() {
        let (protocol, rest) = rest.split_at_checked(usize::from(length))?;
        protocols.push(protocol.to_vec());
        value = rest;
    }
    Some(protocols)
}

/// RFC 8945 §4.2.
fn tsig(cursor: &mut Cursor<'_>) -> Result<RecordData, Malformed> {
    let algorithm = cursor.name()?;
    let [t5, t4, t3, t2, t1, t0] = cursor.array::<6>()?;
    let fudge = cursor.u16()?;
    let mac_length = cursor.u16()?;
    let mac = cursor.bytes(usize::from(mac_length))?.to_vec();
    let original_id = cursor.u16()?;
    let error = cursor.u16()?;
    let other_length = cursor.u16()?;
    let other = cursor.bytes(usize::from(other_length))?.to_vec();
    let time_signed = u64::from_be_bytes([0, 0, t5, t4, t3, t2, t1, t0]);
    Ok(RecordData::Tsig(Box::new(Tsig { algorithm, time_signed, fudge, mac, original_id, error, other })))
}
