//! What records say, by type, and how that is written (RFC 1035 §5.1 and each type's RFC).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::protocol::dns::code::RecordType;
use crate::protocol::dns::name::{Name, push_escaped};

/// The data of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields have the names that their RFCs give them")]
pub enum RecordData {
    /// RFC 1035 §3.4.1.
    A(Ipv4Addr),
    /// RFC 3596 §2.2.
    Aaaa(Ipv6Addr),
    /// NS, CNAME, PTR, DNAME and the old mail types: one name.
    Name(Name),
    /// RFC 1035 §3.3.13.
    Soa { mname: Name, rname: Name, serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 },
    /// MX, AFSDB, RT, KX: a preference and a name.
    Preference { preference: u16, name: Name },
    /// MINFO, RP: two names.
    Names(Name, Name),
    /// TXT, SPF, HINFO and others: strings.
    Strings(Vec<Vec<u8>>),
    /// RFC 2782.
    Srv { priority: u16, weight: u16, port: u16, target: Name },
    /// RFC 3403 §4.1.
    Naptr {
        order: u16,
        preference: u16,
        flags: Vec<u8>,
        services: Vec<u8>,
        regexp: Vec<u8>,
        replacement: Name,
    },
    /// RFC 6891 §6.1.
    Opt(Opt),
    /// DS, CDS, DLV, TA (RFC 4034 §5.1).
    Ds { key_tag: u16, algorithm: u8, digest_type: u8, digest: Vec<u8> },
    /// RRSIG, SIG (RFC 4034 §3.1).
    Rrsig(Box<Rrsig>),
    /// RFC 4034 §4.1.
    Nsec { next: Name, types: Vec<RecordType> },
    /// RFC 5155 §3.2.
    Nsec3 { algorithm: u8, flags: u8, iterations: u16, salt: Vec<u8>, next: Vec<u8>, types: Vec<RecordType> },
    /// RFC 5155 §4.2.
    Nsec3Param { algorithm: u8, flags: u8, iterations: u16, salt: Vec<u8> },
    /// DNSKEY, CDNSKEY, KEY (RFC 4034 §2.1).
    Dnskey { flags: u16, protocol: u8, algorithm: u8, key: Vec<u8> },
    /// TLSA, SMIMEA (RFC 6698 §2.1).
    Tlsa { usage: u8, selector: u8, matching: u8, data: Vec<u8> },
    /// RFC 4255 §3.1.
    Sshfp { algorithm: u8, kind: u8, fingerprint: Vec<u8> },
    /// SVCB, HTTPS (RFC 9460 §2.2).
    Svcb { priority: u16, target: Name, params: Vec<SvcParam> },
    /// RFC 8945 §4.2.
    Tsig(Box<Tsig>),
    /// RFC 8659 §4.1.
    Caa { flags: u8, tag: Vec<u8>, value: Vec<u8> },
    /// RFC 7553 §4.
    Uri { priority: u16, weight: u16, target: Vec<u8> },
    /// A type whose data is not read here.
    Other(Vec<u8>),
    /// Data that breaks its type's rules, as it was.
    Malformed(Vec<u8>),
    /// No data, as in dynamic updates (RFC 2136 §2.4, §2.5).
    Empty,
}

/// An EDNS record (RFC 6891 §6.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Opt {
    /// Largest UDP payload that the sender takes.
    pub payload_bytes_max: u16,
    /// Upper eight bits of the response code.
    pub extended_rcode: u8,
    /// 0 so far.
    pub version: u8,
    /// DO: the asker wants signatures (RFC 3225 §3).
    pub dnssec_ok: bool,
    /// Code and data of each option.
    pub options: Vec<(u16, Vec<u8>)>,
}

/// A signature (RFC 4034 §3.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields have the names that their RFC gives them")]
pub struct Rrsig {
    pub covered: RecordType,
    pub algorithm: u8,
    pub labels: u8,
    pub original_ttl: u32,
    pub expiration: u32,
    pub inception: u32,
    pub key_tag: u16,
    pub signer: Name,
    pub signature: Vec<u8>,
}

/// A transaction signature (RFC 8945 §4.2).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "fields have the names that their RFC gives them")]
pub struct Tsig {
    pub algorithm: Name,
    pub time_signed: u64,
    pub fudge: u16,
    pub mac: Vec<u8>,
    pub original_id: u16,
    pub error: u16,
    pub other: Vec<u8>,
}

/// A parameter of a service binding (RFC 9460 §2.1, §7, §14.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SvcParam {
    /// Key 0: keys that a client must understand.
    Mandatory(Vec<u16>),
    /// Key 1: protocols.
    Alpn(Vec<Vec<u8>>),
    /// Key 2.
    NoDefaultAlpn,
    /// Key 3.
    Port(u16),
    /// Key 4.
    Ipv4Hint(Vec<Ipv4Addr>),
    /// Key 6.
    Ipv6Hint(Vec<Ipv6Addr>),
    /// Any other key, or a value that breaks its key's rules.
    Other(u16, Vec<u8>),
}

impl RecordData {
    /// Bytes of memory held besides the value itself, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match self {
            Self::Name(name) | Self::Preference { name, .. } | Self::Srv { target: name, .. } => name.len(),
            Self::Names(one, two) | Self::Soa { mname: one, rname: two, .. } => one.len() + two.len(),
            Self::Strings(strings) => strings.iter().map(|string| size_of::<Vec<u8>>() + string.len()).sum(),
            Self::Opt(opt) => {
                opt.options.iter().map(|(_, data)| size_of::<(u16, Vec<u8>)>() + data.len()).sum()
            }
            Self::Other(bytes) | Self::Malformed(bytes) => bytes.len(),
            // The fixed parts and a key or a digest; the largest are RSA keys and signatures.
            Self::Rrsig(rrsig) => size_of::<Rrsig>() + rrsig.signer.len() + rrsig.signature.len(),
            Self::Dnskey { key, .. } => key.len(),
            Self::A(_) | Self::Aaaa(_) | Self::Empty => 0,
            _ => 128,
        }
    }
}

impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Soa { mname, rname, serial, refresh, retry, expire, minimum } => {
                write!(f, "{mname} {rname} {serial} {refresh} {retry} {expire} {minimum}")
            }
            Self::Preference { preference, name } => write!(f, "{preference} {name}"),
            Self::Names(one, two) => write!(f, "{one} {two}"),
            Self::Strings(strings) => separated(f, strings.iter().map(|string| Quoted(string))),
            Self::Srv { priority, weight, port, target } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Naptr { order, preference, flags, services, regexp, replacement } => write!(
                f,
                "{order} {preference} {} {} {} {replacement}",
                Quoted(flags),
                Quoted(services),
                Quoted(regexp)
            ),
            Self::Opt(opt) => opt.fmt(f),
            Self::Ds { key_tag, algorithm, digest_type, digest } => {
                write!(f, "{key_tag} {algorithm} {digest_type} {}", Hex(digest))
            }
            Self::Rrsig(rrsig) => rrsig.fmt(f),
            Self::Nsec { next, types } => {
                write!(f, "{next}")?;
                types.iter().try_for_each(|kind| write!(f, " {kind}"))
            }
            Self::Nsec3 { algorithm, flags, iterations, salt, next, types } => {
                write!(f, "{algorithm} {flags} {iterations} {} {}", Hex(salt), Hex(next))?;
                types.iter().try_for_each(|kind| write!(f, " {kind}"))
            }
            Self::Nsec3Param { algorithm, flags, iterations, salt } => {
                write!(f, "{algorithm} {flags} {iterations} {}", Hex(salt))
            }
            Self::Dnskey { flags, protocol, algorithm, key } => {
                write!(f, "{flags} {protocol} {algorithm} {}", Hex(key))
            }
            Self::Tlsa { usage, selector, matching, data } => {
                write!(f, "{usage} {selector} {matching} {}", Hex(data))
            }
            Self::Sshfp { algorithm, kind, fingerprint } => {
                write!(f, "{algorithm} {kind} {}", Hex(fingerprint))
            }
            Self::Svcb { priority, target, params } => {
                write!(f, "{priority} {target}")?;
                params.iter().try_for_each(|param| write!(f, " {param}"))
            }
            Self::Tsig(tsig) => tsig.fmt(f),
            Self::Caa { flags, tag, value } => {
                write!(f, "{flags} {} {}", String::from_utf8_lossy(tag), Quoted(value))
            }
            Self::Uri { priority, weight, target } => write!(f, "{priority} {weight} {}", Quoted(target)),
            Self::Other(bytes) | Self::Malformed(bytes) => write!(f, "\\# {} {}", bytes.len(), Hex(bytes)),
            Self::Empty => Ok(()),
        }
    }
}

impl fmt::Display for Opt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} udp {}", self.version, self.payload_bytes_max)?;
        if self.dnssec_ok {
            f.write_str(" do")?;
        }
        self.options.iter().try_for_each(|(code, data)| write!(f, " OPT{code}={}", Hex(data)))
    }
}

impl fmt::Display for Rrsig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            covered,
            algorithm,
            labels,
            original_ttl,
            expiration,
            inception,
            key_tag,
            signer,
            signature,
        } = self;
        write!(
            f,
            "{covered} {algorithm} {labels} {original_ttl} {expiration} {inception} {key_tag} {signer} "
        )?;
        Hex(signature).fmt(f)
    }
}

impl fmt::Display for Tsig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, time_signed, fudge, mac, original_id, error, .. } = self;
        write!(f, "{algorithm} {time_signed} {fudge} {} {original_id} {error}", Hex(mac))
    }
}

impl fmt::Display for SvcParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mandatory(keys) => {
                f.write_str("mandatory=")?;
                listed(f, keys.iter().map(|key| format!("key{key}")))
            }
            Self::Alpn(protocols) => {
                f.write_str("alpn=")?;
                listed(f, protocols.iter().map(|protocol| String::from_utf8_lossy(protocol)))
            }
            Self::NoDefaultAlpn => f.write_str("no-default-alpn"),
            Self::Port(port) => write!(f, "port={port}"),
            Self::Ipv4Hint(hints) => {
                f.write_str("ipv4hint=")?;
                listed(f, hints.iter())
            }
            Self::Ipv6Hint(hints) => {
                f.write_str("ipv6hint=")?;
                listed(f, hints.iter())
            }
            Self::Other(key, value) => write!(f, "key{key}={}", Hex(value)),
        }
    }
}

fn separated(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item: fmt::Display>) -> fmt::Result {
    items
        .enumerate()
        .try_for_each(|(n, item)| if n == 0 { write!(f, "{item}") } else { write!(f, " {item}") })
}

fn listed(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item: fmt::Display>) -> fmt::Result {
    items
        .enumerate()
        .try_for_each(|(n, item)| if n == 0 { write!(f, "{item}") } else { write!(f, ",{item}") })
}

/// Bytes as lower-case hexadecimal digits; `-` for none.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A character-string in quotes (RFC 1035 §5.1).
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.0.len() + 2);
        text.push('"');
        for &byte in self.0 {
            match byte {
                b'"' | b'\\' => {
                    text.push('\\');
                    text.push(char::from(byte));
                }
                b' '..=b'~' => text.push(char::from(byte)),
                _ => push_escaped(&mut text, byte),
            }
        }
        text.push('"');
        f.write_str(&text)
    }
}
