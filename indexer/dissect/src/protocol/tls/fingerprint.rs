//! Fingerprints of hellos: JA3 and JA3S (Salesforce, 2017), JA4 and JA4S (FoxIO, 2023).
//!
//! What is hashed is made here, as text; whoever shows a fingerprint hashes it (MD5 for JA3, the first
//! twelve digits of SHA-256 for the parts of JA4), because the text says more than the hash.

use std::fmt::Write;

use super::message::{Carrier, ClientHello, ServerHello, is_grease};

/// What is left of a hash where there is nothing to hash.
pub const NOTHING: &str = "000000000000";

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// A JA4 or JA4S before its parts are hashed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ja4 {
    /// The part that is never hashed.
    pub prefix: String,
    /// JA4: the cipher suites, sorted, to be hashed. JA4S: the one chosen, which is not hashed.
    pub ciphers: String,
    /// Extensions, and in JA4 the signature algorithms: to be hashed.
    pub extensions: String,
}

impl Ja4 {
    /// The form without hashes, `JA4_r`.
    #[must_use]
    pub fn raw(&self) -> String {
        format!("{}_{}_{}", self.prefix, self.ciphers, self.extensions)
    }
}

/// `version,ciphers,extensions,groups,point formats`: numbers in decimal, joined by `-`, GREASE left out.
#[must_use]
pub fn ja3(hello: &ClientHello) -> String {
    let points: Vec<u16> = hello.point_formats.iter().copied().map(u16::from).collect();
    format!(
        "{},{},{},{},{}",
        hello.legacy_version,
        decimals(&hello.cipher_suites),
        decimals(&hello.extensions),
        decimals(&hello.groups),
        decimals(&points),
    )
}

/// `version,cipher,extensions`.
#[must_use]
pub fn ja3s(hello: &ServerHello) -> String {
    format!("{},{},{}", hello.legacy_version, hello.cipher_suite, decimals(&hello.extensions))
}

/// JA4 of a ClientHello.
#[must_use]
pub fn ja4(hello: &ClientHello) -> Ja4 {
    let mut ciphers = without_grease(&hello.cipher_suites);
    let mut extensions = without_grease(&hello.extensions);
    let name = if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' };
    let prefix = format!(
        "{}{}{name}{:02}{:02}{}",
        carrier(hello.carrier),
        version(hello.version()),
        ciphers.len().min(99),
        extensions.len().min(99),
        alpn(&hello.alpn),
    );
    ciphers.sort_unstable();
    extensions.retain(|&kind| kind != SERVER_NAME && kind != ALPN);
    extensions.sort_unstable();
    let mut extensions = hexes(&extensions);
    let algorithms = without_grease(&hello.signature_algorithms);
    if !algorithms.is_empty() && !extensions.is_empty() {
        extensions.push('_');
        extensions.push_str(&hexes(&algorithms));
    }
    Ja4 { prefix, ciphers: hexes(&ciphers), extensions }
}

/// JA4S of a ServerHello.
#[must_use]
pub fn ja4s(hello: &ServerHello, transport: Carrier) -> Ja4 {
    let extensions = without_grease(&hello.extensions);
    let prefix = format!(
        "{}{}{:02}{}",
        carrier(transport),
        version(hello.version()),
        extensions.len().min(99),
        alpn(&hello.alpn),
    );
    Ja4 { prefix, ciphers: format!("{:04x}", hello.cipher_suite), extensions: hexes(&extensions) }
}

const fn carrier(carrier: Carrier) -> char {
    match carrier {
        Carrier::Stream => 't',
        Carrier::Datagram => 'd',
    }
}

const fn version(version: u16) -> &'static str {
    match version {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of the first name; of its hexadecimal form where one of them is no letter or digit.
fn alpn(names: &[Vec<u8>]) -> String {
    let Some(name) = names.first() else { return "00".to_owned() };
    let (Some(&first), Some(&last)) = (name.first(), name.last()) else { return "00".to_owned() };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        return [char::from(first), char::from(last)].iter().collect();
    }
    format!("{:x}{:x}", first >> 4, last & 0xf)
}

fn without_grease(numbers: &[u16]) -> Vec<u16> {
    numbers.iter().copied().filter(|&number| !is_grease(number)).collect()
}

fn decimals(numbers: &[u16]) -> String {
    let mut text = String::new();
    for number in numbers.iter().filter(|&&number| !is_grease(number)) {
        let separator = if text.is_empty() { "" } else { "-" };
        // Writing to a String can't fail.
        let _ = write!(text, "{separator}{number}");
    }
    text
}

fn hexes(numbers: &[u16]) -> String {
    let mut text = String::new();
    for number in numbers {
        let separator = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{separator}{number:04x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grease_is_left_out_and_order_is_kept_where_it_counts() {
        let hello = ClientHello {
            legacy_version: 771,
            cipher_suites: vec![0x2a2a, 0x1302, 0x1301],
            extensions: vec![0x1a1a, 16, 0, 43, 10],
            versions: vec![0x3a3a, 0x0304, 0x0303],
            groups: vec![0x4a4a, 29, 23],
            point_formats: vec![0],
            alpn: vec![b"h2".to_vec()],
            signature_algorithms: vec![0x0a0a, 0x0804, 0x0403],
            ..ClientHello::default()
        };
        assert_eq!(ja3(&hello), "771,4866-4865,16-0-43-10,29-23,0");
        assert_eq!(ja4(&hello).raw(), "t13d0204h2_1301,1302_000a,002b_0804,0403");
        let server = ServerHello {
            legacy_version: 771,
            selected_version: Some(0x0304),
            cipher_suite: 0x1301,
            extensions: vec![51, 43],
            ..ServerHello::default()
        };
        assert_eq!(ja3s(&server), "771,4865,51-43");
        assert_eq!(ja4s(&server, Carrier::Stream).raw(), "t130200_1301_0033,002b");
    }

    #[test]
    fn odd_protocol_names_are_shown_in_hexadecimal() {
        for (name, expected) in
            [(b"h2".as_slice(), "h2"), (b"http/1.1", "h1"), (b"\xab", "ab"), (b"\x30\xab", "3b"), (b"", "00")]
        {
            assert_eq!(alpn(&[name.to_vec()]), expected);
        }
        assert_eq!(alpn(&[]), "00");
    }
}
