//! Reads ClientHello and ServerHello of every version from SSL 3.0 to TLS 1.3, and of DTLS.
//!
//! A hello whose fixed part is there is told even if its extensions break off: what was read stays.

use super::bytes::Bytes;
use super::message::{ALPN_MAX, CODES_MAX, Carrier, ClientHello, Ech, ServerHello};

/// RFC 8446 §4.1.3: a ServerHello with this random is a HelloRetryRequest.
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// RFC 8446 §4.1.2: at most so many bytes of session id and of host name are sense.
const SESSION_ID_BYTES_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 1024;

/// Extension types that are looked into (IANA's registry).
mod extension {
    pub(super) const SERVER_NAME: u16 = 0;
    pub(super) const GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const ALPN: u16 = 16;
    pub(super) const TICKET: u16 = 35;
    pub(super) const PRE_SHARED_KEY: u16 = 41;
    pub(super) const EARLY_DATA: u16 = 42;
    pub(super) const VERSIONS: u16 = 43;
    pub(super) const KEY_SHARE: u16 = 51;
    /// Of drafts up to 22.
    pub(super) const KEY_SHARE_DRAFT: u16 = 40;
    pub(super) const ECH: u16 = 0xfe0d;
    pub(super) const ESNI: u16 = 0xffce;
}

/// RFC 8446 §4.1.2; `None` if the bytes are no ClientHello.
pub(super) fn client(body: &[u8], carrier: Carrier) -> Option<ClientHello> {
    let mut rest = Bytes(body);
    let mut hello = ClientHello { carrier, legacy_version: rest.u16()?, ..ClientHello::default() };
    if !is_version(hello.legacy_version, carrier) {
        return None;
    }
    hello.random = rest.take(32)?.to_vec();
    hello.session_id = session_id(&mut rest)?;
    if carrier == Carrier::Datagram {
        hello.cookie_bytes = rest.vector8()?.0.len();
    }
    let Some(cipher_suites) = rest.vector16() else {
        // The length lies, or bytes are missing: what is there are cipher suites.
        rest.u16()?;
        hello.cipher_suites = rest.u16s(CODES_MAX);
        hello.is_partial = true;
        return Some(hello);
    };
    hello.is_partial = cipher_suites.0.len() / 2 > CODES_MAX;
    hello.cipher_suites = cipher_suites.u16s(CODES_MAX);
    let compression_methods = rest.vector8();
    hello.is_partial |= compression_methods.is_none();
    hello.compression_methods = compression_methods.map_or_else(Vec::new, |list| list.kept(255));
    // RFC 5246 §7.4.1.2: there may be no extensions at all, not even their length.
    hello.is_partial |= !each_extension(rest, &mut hello.extensions, |_, _| ());
    each_extension(rest, &mut Vec::new(), |kind, body| client_extension(&mut hello, kind, body));
    Some(hello)
}

fn client_extension(hello: &mut ClientHello, kind: u16, mut body: Bytes<'_>) {
    let whole = body;
    match kind {
        extension::SERVER_NAME => hello.server_name = host_name(body),
        extension::ALPN => hello.alpn = protocol_names(body),
        extension::VERSIONS => hello.versions = vector8_of_u16(&mut body),
        extension::GROUPS => hello.groups = vector16_of_u16(&mut body),
        extension::SIGNATURE_ALGORITHMS => hello.signature_algorithms = vector16_of_u16(&mut body),
        extension::POINT_FORMATS => {
            hello.point_formats = body.vector8().map_or_else(Vec::new, |list| list.kept(255));
        }
        extension::TICKET => hello.ticket_bytes = Some(whole.0.len()),
        extension::EARLY_DATA => hello.has_early_data = true,
        extension::PRE_SHARED_KEY => hello.psk_identities = psk_identities(body),
        extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => {
            hello.key_shares = body.vector16().map_or_else(Vec::new, key_share_groups);
        }
        extension::ECH => {
            hello.ech = Some(if whole.0.first() == Some(&1) { Ech::Inner } else { Ech::Outer });
        }
        extension::ESNI => hello.ech = Some(Ech::Esni),
        _ => {}
    }
}

/// RFC 8446 §4.1.3; `None` if the bytes are no ServerHello.
pub(super) fn server(body: &[u8], carrier: Carrier) -> Option<ServerHello> {
    let mut rest = Bytes(body);
    let mut hello = ServerHello { legacy_version: rest.u16()?, ..ServerHello::default() };
    if !is_version(hello.legacy_version, carrier) {
        return None;
    }
    hello.random = rest.take(32)?.to_vec();
    hello.is_retry = hello.random == RETRY_RANDOM;
    // Drafts of TLS 1.3 up to 21 left the session id and the compression method out.
    let is_early_draft = matches!(hello.legacy_version, 0x7f00..=0x7f15);
    if !is_early_draft {
        hello.session_id = session_id(&mut rest)?;
    }
    hello.cipher_suite = rest.u16()?;
    if !is_early_draft {
        rest.u8()?;
    }
    server_extensions(&mut hello, rest);
    Some(hello)
}

/// The HelloRetryRequest that drafts up to 21 had as a message of its own.
pub(super) fn draft_retry(body: &[u8]) -> Option<ServerHello> {
    let mut rest = Bytes(body);
    let legacy_version = rest.u16()?;
    if legacy_version >> 8 != 0x7f {
        return None;
    }
    let mut hello = ServerHello { is_retry: true, legacy_version, ..ServerHello::default() };
    // The cipher suite came with draft 19.
    if legacy_version >= 0x7f13 {
        hello.cipher_suite = rest.u16()?;
    }
    server_extensions(&mut hello, rest);
    Some(hello)
}

fn server_extensions(hello: &mut ServerHello, rest: Bytes<'_>) {
    hello.is_partial = !each_extension(rest, &mut hello.extensions, |_, _| ());
    each_extension(rest, &mut Vec::new(), |kind, mut body| match kind {
        extension::ALPN => hello.alpn = protocol_names(body),
        extension::VERSIONS => hello.selected_version = body.u16(),
        extension::KEY_SHARE | extension::KEY_SHARE_DRAFT => hello.key_share = body.u16(),
        extension::PRE_SHARED_KEY => hello.psk_identity = body.u16(),
        _ => {}
    });
}

/// Whether a hello may say that it is of this version.
fn is_version(version: u16, carrier: Carrier) -> bool {
    match carrier {
        // 7f and fb: drafts of TLS 1.3, which told their number here or in the extension.
        Carrier::Stream => matches!(version >> 8, 0x03 | 0x7f | 0xfb) && version != 0x03ff,
        // 0x0100 is what OpenSSL sent before there was a standard.
        Carrier::Datagram => version >> 8 == 0xfe || version == 0x0100,
    }
}

fn session_id(rest: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let id = rest.vector8()?;
    (id.0.len() <= SESSION_ID_BYTES_MAX).then(|| id.0.to_vec())
}

/// Visits each extension, noting its type; false if the bytes end inside of one, or there are too many.
fn each_extension(mut rest: Bytes<'_>, kinds: &mut Vec<u16>, mut visit: impl FnMut(u16, Bytes<'_>)) -> bool {
    if rest.is_empty() {
        return true;
    }
    let length = rest.u16().map_or(0, usize::from);
    let is_whole = length <= rest.0.len();
    let mut list = Bytes(rest.0.get(..length).unwrap_or(rest.0));
    while !list.is_empty() {
        let Some(kind) = list.u16() else { return false };
        if kinds.len() >= CODES_MAX {
            return false;
        }
        kinds.push(kind);
        let Some(body) = list.vector16() else { return false };
        visit(kind, body);
    }
    is_whole
}

/// RFC 6066 §3: a list of names, of which only host names were ever defined.
fn host_name(mut body: Bytes<'_>) -> Option<Vec<u8>> {
    let mut list = body.vector16()?;
    while let Some(kind) = list.u8() {
        let name = list.vector16()?;
        if kind == 0 {
            return Some(name.kept(NAME_BYTES_MAX));
        }
    }
    None
}

/// RFC 7301 §3.1.
fn protocol_names(mut body: Bytes<'_>) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    let Some(mut list) = body.vector16() else { return names };
    while names.len() < ALPN_MAX
        && let Some(name) = list.vector8()
    {
        names.push(name.0.to_vec());
    }
    names
}

fn vector8_of_u16(body: &mut Bytes<'_>) -> Vec<u16> {
    body.vector8().map_or_else(Vec::new, |list| list.u16s(CODES_MAX))
}

fn vector16_of_u16(body: &mut Bytes<'_>) -> Vec<u16> {
    body.vector16().map_or_else(Vec::new, |list| list.u16s(CODES_MAX))
}

/// RFC 8446 §4.2.8: a group and a key for each share.
fn key_share_groups(mut list: Bytes<'_>) -> Vec<u16> {
    let mut groups = Vec::new();
    while groups.len() < CODES_MAX
        && let Some(group) = list.u16()
        && list.vector16().is_some()
    {
        groups.push(group);
    }
    groups
}

/// RFC 8446 §4.2.11: an identity and four bytes of obfuscated age for each.
fn psk_identities(mut body: Bytes<'_>) -> usize {
    let mut count = 0;
    let Some(mut list) = body.vector16() else { return count };
    while list.vector16().is_some() && list.take(4).is_some() {
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ClientHello of TLS 1.2 with the given extensions.
    fn client_hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = b"\x03\x03".to_vec();
        body.extend([7; 32]);
        body.extend(b"\x00\x00\x04\x13\x01\xc0\x2f\x01\x00");
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        body
    }

    #[test]
    fn extensions_are_looked_into() {
        let body = client_hello(
            b"\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost\
              \x00\x10\x00\x0e\x00\x0c\x02h2\x08http/1.1\
              \x00\x2b\x00\x05\x04\x0a\x0a\x03\x04\
              \xfe\x0d\x00\x01\x00\x00\x23\x00\x00",
        );
        let hello = client(&body, Carrier::Stream).unwrap();
        assert_eq!(hello.server_name.as_deref(), Some(b"localhost".as_slice()));
        assert_eq!(hello.alpn, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert_eq!((hello.version(), hello.versions.as_slice()), (0x0304, [0x0a0a, 0x0304].as_slice()));
        assert_eq!((hello.ech, hello.ticket_bytes, hello.is_partial), (Some(Ech::Outer), Some(0), false));
        assert_eq!(hello.extensions, [0, 16, 43, 0xfe0d, 35]);
    }

    #[test]
    fn a_hello_that_breaks_off_keeps_what_came_before() {
        let body = client_hello(b"\x00\x17\x00\x00\x00\x10\x00\xff\x00");
        let hello = client(&body, Carrier::Stream).unwrap();
        assert!(hello.is_partial);
        assert_eq!(hello.extensions, [23, 16]);
        let whole = client_hello(b"");
        for cut in 0..37 {
            assert_eq!(client(&whole[..cut], Carrier::Stream), None);
        }
        let lies = client(&whole[..39], Carrier::Stream).unwrap();
        assert_eq!((lies.cipher_suites, lies.is_partial), (vec![0x1301], true));
    }

    #[test]
    fn a_server_hello_tells_its_version_and_whether_it_is_a_retry() {
        let mut body = b"\x03\x03".to_vec();
        body.extend(RETRY_RANDOM);
        body.extend(b"\x00\x13\x02\x00\x00\x0c\x00\x2b\x00\x02\x03\x04\x00\x33\x00\x02\x00\x17");
        let hello = server(&body, Carrier::Stream).unwrap();
        assert!(hello.is_retry && hello.hides_the_rest());
        assert_eq!((hello.version(), hello.cipher_suite, hello.key_share), (0x0304, 0x1302, Some(23)));
        let mut draft = b"\x7f\x12".to_vec();
        draft.extend([1; 32]);
        draft.extend(b"\x13\x01");
        let hello = server(&draft, Carrier::Stream).unwrap();
        assert_eq!((hello.version(), hello.cipher_suite), (0x7f12, 0x1301));
        assert!(hello.hides_the_rest());
    }
}
