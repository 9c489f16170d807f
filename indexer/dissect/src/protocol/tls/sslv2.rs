//! The ClientHello in the form of SSL 2.0 (RFC 5246 appendix E.2), with which old clients began TLS too.
//!
//! ```text
//! | 1xxx…  length | type 1 | version | ciphers | session id | challenge | …
//! |      2        |   1    |    2    |  2      |     2      |     2     |
//! ```

use super::bytes::Bytes;
use super::message::{CODES_MAX, Carrier, ClientHello};

/// Longest that is believed: real ones stay below 200 bytes.
const LENGTH_MAX: usize = 2048;

/// What the first bytes of a stream are.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum First {
    /// Such a hello, of so many bytes.
    Hello(Box<ClientHello>, usize),
    /// Something else.
    Other,
    /// Too few to tell.
    More,
}

/// Reads the hello at the start of `input`.
pub(super) fn client_hello(input: &[u8]) -> First {
    match read(input) {
        Ok(Some((hello, length))) => First::Hello(Box::new(hello), length),
        Ok(None) => First::More,
        Err(NotOne) => First::Other,
    }
}

struct NotOne;

fn read(input: &[u8]) -> Result<Option<(ClientHello, usize)>, NotOne> {
    let is_possible = |at: usize, is: fn(u8) -> bool| input.get(at).is_none_or(|&byte| is(byte));
    // Two bytes of version: 0.2 in its own order, or 3.x.
    if !is_possible(0, |byte| byte & 0x80 != 0)
        || !is_possible(2, |byte| byte == 1)
        || !is_possible(3, |byte| byte == 3 || byte == 0)
        || !is_possible(4, |byte| byte <= 4)
    {
        return Err(NotOne);
    }
    let mut rest = Bytes(input);
    let Some(&[high, low, _type, head @ ..]) = input.first_chunk::<11>() else { return Ok(None) };
    rest.take(11);
    let length = usize::from(u16::from_be_bytes([high, low]) & 0x7fff);
    let mut head = Bytes(&head);
    let mut number = || head.u16().ok_or(NotOne);
    let version = number()?;
    let [ciphers, session_id, challenge] = [number()?, number()?, number()?].map(usize::from);
    let fits = length == 9 + ciphers + session_id + challenge;
    let is_sound = fits && ciphers >= 3 && ciphers % 3 == 0 && matches!(session_id, 0 | 16 | 32);
    if !is_sound || !(16..=32).contains(&challenge) || length > LENGTH_MAX {
        return Err(NotOne);
    }
    if !matches!(version, 0x0002 | 0x0300..=0x0304) {
        return Err(NotOne);
    }
    let (Some(ciphers), Some(session_id), Some(challenge)) =
        (rest.take(ciphers), rest.take(session_id), rest.take(challenge))
    else {
        return Ok(None);
    };
    // A cipher kind of SSL 2.0 begins with another byte than 0; TLS's have two bytes behind a 0.
    let cipher_suites = ciphers.chunks_exact(3).filter_map(|kind| match kind {
        [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    });
    let hello = ClientHello {
        carrier: Carrier::Stream,
        is_sslv2: true,
        legacy_version: version,
        random: challenge.to_vec(),
        session_id: session_id.to_vec(),
        cipher_suites: cipher_suites.take(CODES_MAX).collect(),
        ..ClientHello::default()
    };
    Ok(Some((hello, 2 + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_hellos_are_read_and_others_left() {
        let mut bytes = b"\x80\x25\x01\x03\x01\x00\x0c\x00\x00\x00\x10".to_vec();
        bytes.extend(b"\x00\x00\x2f\x07\x00\xc0\x00\x00\x05\x00\x00\x0a");
        bytes.extend([9; 16]);
        let First::Hello(hello, length) = client_hello(&bytes) else { panic!("not recognised") };
        assert_eq!((hello.legacy_version, length), (0x0301, bytes.len()));
        assert_eq!(hello.cipher_suites, [0x2f, 5, 10]);
        for cut in 0..bytes.len() {
            assert_eq!(client_hello(&bytes[..cut]), First::More, "{cut}");
        }
        for other in [b"\x80\x26\x01\x03\x01\x00\x0c\x00\x00\x00\x10".as_slice(), b"GET ", b"\x80\x25\x04"] {
            assert_eq!(client_hello(other), First::Other);
        }
    }
}
