//! Handshake messages (RFC 8446 §4): their header, and those besides the hellos that are sent in the clear.

use super::bytes::Bytes;
use super::message::{AUTHORITIES_MAX, CHAIN_MAX, CODES_MAX, CertificateRequest, Certificates};

/// Bytes of a handshake message's header: type and length.
pub const HEADER_BYTES: usize = 4;

/// Bytes of one handshake message that are kept. OpenSSL takes chains of up to 100 KiB.
pub const BODY_BYTES_MAX: usize = 128 * 1024;

/// The numbers of handshake messages (IANA's registry) that something is done about.
pub mod kind {
    /// Asks for a new handshake.
    pub const HELLO_REQUEST: u8 = 0;
    /// Begins.
    pub const CLIENT_HELLO: u8 = 1;
    /// Answers.
    pub const SERVER_HELLO: u8 = 2;
    /// DTLS: asks for a cookie.
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    /// Of drafts of TLS 1.3.
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    /// Of either side.
    pub const CERTIFICATE: u8 = 11;
    /// The ephemeral key below TLS 1.3.
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// Asks the client who it is.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// The server waits for the client now.
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// The client's part of the key.
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    /// A stapled answer of OCSP.
    pub const CERTIFICATE_STATUS: u8 = 22;
}

/// The type and length of the message that begins `input`; `None` asks for more.
#[must_use]
pub fn header(input: &[u8]) -> Option<(u8, usize)> {
    let &[kind, high, middle, low] = input.first_chunk::<HEADER_BYTES>()?;
    let length = u32::from_be_bytes([0, high, middle, low]);
    Some((kind, usize::try_from(length).unwrap_or(usize::MAX)))
}

/// Whether a message of this type and length may be sent in the clear. Encrypted bytes rarely look so.
#[must_use]
pub fn is_known(kind: u8, length: usize) -> bool {
    match kind {
        kind::HELLO_REQUEST | kind::SERVER_HELLO_DONE => length == 0,
        kind::CLIENT_HELLO | kind::SERVER_HELLO => length >= 38,
        kind::CERTIFICATE => length >= 3,
        3..=6 | 8 | kind::SERVER_KEY_EXCHANGE | kind::CERTIFICATE_REQUEST | 15..=25 | 67 => true,
        _ => false,
    }
}

/// Whether a message of this type shows by its content that it is one, so that it is believed after a gap.
#[must_use]
pub fn tells_itself(kind: u8) -> bool {
    matches!(kind, kind::CLIENT_HELLO | kind::SERVER_HELLO | kind::CERTIFICATE)
}

/// RFC 5246 §7.4.2; `None` if the bytes are no list of certificates. `is_cut` says that bytes are missing
/// at the end, so that the list may be longer than they are.
pub(super) fn certificates(body: &[u8], is_cut: bool) -> Option<Certificates> {
    let mut rest = Bytes(body);
    let length = rest.u24()?;
    let fits = length == rest.0.len() || is_cut && length > rest.0.len();
    if !fits {
        return None;
    }
    let mut certificates = Certificates { is_partial: is_cut, ..Certificates::default() };
    while let Some(der) = rest.vector24() {
        certificates.count += 1;
        if certificates.chain.len() < CHAIN_MAX {
            certificates.chain.push(der.0.to_vec());
        } else {
            certificates.is_partial = true;
        }
    }
    if rest.is_empty() || is_cut { Some(certificates) } else { None }
}

/// RFC 5246 §7.4.4. Before TLS 1.2 there were no signature algorithms: what fits decides.
pub(super) fn certificate_request(body: &[u8]) -> Option<CertificateRequest> {
    let mut rest = Bytes(body);
    let mut request =
        CertificateRequest { types: rest.vector8()?.kept(255), ..CertificateRequest::default() };
    let mut newer = rest;
    let algorithms = newer.vector16();
    let (algorithms, authorities) = match (algorithms, newer.vector16()) {
        (Some(algorithms), Some(authorities)) if newer.is_empty() => (Some(algorithms), authorities),
        _ => (None, rest.vector16()?),
    };
    request.signature_algorithms = algorithms.map_or_else(Vec::new, |list| list.u16s(CODES_MAX));
    let mut authorities = authorities;
    while request.authorities.len() < AUTHORITIES_MAX
        && let Some(name) = authorities.vector16()
    {
        request.authorities.push(name.0.to_vec());
    }
    Some(request)
}

/// RFC 8422 §5.4: the named curve of the server's ephemeral key; `None` for other kinds of key.
pub(super) fn key_exchange_group(body: &[u8]) -> Option<u16> {
    const NAMED_CURVE: u8 = 3;
    let mut rest = Bytes(body);
    let group = (rest.u8()? == NAMED_CURVE).then(|| rest.u16()).flatten()?;
    // A point follows; Diffie-Hellman over finite fields begins with the length of its prime.
    rest.vector8().filter(|point| !point.is_empty()).map(|_| group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_taken_apart() {
        let chain = certificates(b"\x00\x00\x0b\x00\x00\x03abc\x00\x00\x02de", false).unwrap();
        assert_eq!((chain.chain, chain.count), (vec![b"abc".to_vec(), b"de".to_vec()], 2));
        assert_eq!(certificates(b"\x00\x00\x0b\x00\x00\x03abc\x00\x00\x09de", false), None);
        assert_eq!(certificates(b"\x00\x00\x00", false), Some(Certificates::default()));
        let cut = certificates(b"\x00\x01\x00\x00\x00\x03abc\x00\x00\x09de", true).unwrap();
        assert_eq!((cut.chain.len(), cut.is_partial), (1, true));
        let long = [b"\x00\x00\x50".to_vec(), b"\x00\x00\x01a".repeat(20)].concat();
        let chain = certificates(&long, false).unwrap();
        assert_eq!((chain.chain.len(), chain.count, chain.is_partial), (CHAIN_MAX, 20, true));
    }

    #[test]
    fn requests_for_certificates_are_read_in_both_forms() {
        let old = certificate_request(b"\x02\x01\x40\x00\x05\x00\x03abc").unwrap();
        assert_eq!((old.types, old.authorities), (vec![1, 64], vec![b"abc".to_vec()]));
        let new = certificate_request(b"\x01\x01\x00\x02\x04\x03\x00\x00").unwrap();
        assert_eq!((new.signature_algorithms, new.authorities.len()), (vec![0x0403], 0));
    }
}
