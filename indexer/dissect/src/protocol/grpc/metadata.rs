//! Metadata: what a call carries besides its messages, in header fields and trailers.

use crate::protocol::grpc::base64;
use crate::protocol::http_view::Fields;

/// Fields of HTTP and of gRPC itself, which no application put there.
const RESERVED: [&str; 19] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "grpc-accept-encoding",
    "grpc-encoding",
    "grpc-message",
    "grpc-message-type",
    "grpc-status",
    "grpc-status-details-bin",
    "grpc-timeout",
    "host",
    "server",
    "te",
    "transfer-encoding",
    "user-agent",
];

/// One item of metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// In lower case, as HTTP/2 has it.
    pub name: String,
    /// What it holds.
    pub value: Value,
}

/// What an item holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    /// As sent.
    Text(Vec<u8>),
    /// Of a name that ends in `-bin`: decoded from base64. Items of the same name may come joined by commas.
    Binary(Vec<u8>),
}

/// The application's metadata among the fields of a head or of trailers.
#[must_use]
pub fn items(fields: Fields<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    for (name, value) in fields.iter() {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if name.starts_with(':') || RESERVED.contains(&name.as_str()) {
            continue;
        }
        if let (true, Some(bytes)) = (name.ends_with("-bin"), true_binary(value)) {
            items.push(Item { name, value: Value::Binary(bytes.to_vec()) });
        } else if name.ends_with("-bin") {
            for part in value.split(|&byte| byte == b',') {
                let value = match base64::decode(part) {
                    (bytes, true) => Value::Binary(bytes),
                    (_, false) => Value::Text(part.trim_ascii().to_vec()),
                };
                items.push(Item { name: name.clone(), value });
            }
        } else {
            items.push(Item { name, value: Value::Text(value.to_vec()) });
        }
    }
    items
}

/// The bytes of a value that is not in base64: peers that both set `GRPC_ALLOW_TRUE_BINARY_METADATA` (0xfe03) in
/// SETTINGS put a zero before them, as those of gRPC's C core do (gRPC proposal G1).
#[must_use]
pub fn true_binary(value: &[u8]) -> Option<&[u8]> {
    value.strip_prefix(&[0])
}

/// `grpc-timeout`: up to eight digits and a unit.
#[must_use]
pub fn timeout_ns(value: &[u8]) -> Option<u64> {
    let (&unit, digits) = value.trim_ascii().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let unit_ns: u64 = match unit {
        b'H' => 3_600_000_000_000,
        b'M' => 60_000_000_000,
        b'S' => 1_000_000_000,
        b'm' => 1_000_000,
        b'u' => 1_000,
        b'n' => 1,
        _ => return None,
    };
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    number.checked_mul(unit_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http1::message::Headers;

    #[test]
    fn a_zero_says_that_bytes_are_sent_as_they_are() {
        assert_eq!(true_binary(b"\0\xde,\xad"), Some(&b"\xde,\xad"[..]));
        assert_eq!(true_binary(b"aGk="), None);
    }

    #[test]
    fn timeouts_have_units() {
        for (value, expected) in [
            ("1S", Some(1_000_000_000)),
            ("250m", Some(250_000_000)),
            // Eleven thousand years do not fit.
            ("99999999H", None),
            ("99999999n", Some(99_999_999)),
            ("2M", Some(120_000_000_000)),
            ("5u", Some(5_000)),
            ("100000000n", None),
            ("S", None),
            ("1x", None),
            ("", None),
        ] {
            assert_eq!(timeout_ns(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn only_the_applications_items_are_given() {
        let fields = Headers::parse(
            b"content-type: application/grpc\r\nte: trailers\r\nX-Tenant: blue\r\ntrace-bin: aGk=, aG8\r\nodd-bin: a!\r\n",
        );
        let item = |name: &str, value| Item { name: name.to_owned(), value };
        assert_eq!(
            items(Fields::Http1(&fields)),
            [
                item("x-tenant", Value::Text(b"blue".to_vec())),
                item("trace-bin", Value::Binary(b"hi".to_vec())),
                item("trace-bin", Value::Binary(b"ho".to_vec())),
                item("odd-bin", Value::Text(b"a!".to_vec())),
            ]
        );
    }
}
