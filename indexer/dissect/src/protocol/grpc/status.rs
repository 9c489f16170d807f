//! How a call ended.

use crate::protocol::grpc::metadata::true_binary;
use crate::protocol::grpc::{base64, protobuf};
use crate::protocol::http_view::Fields;
use crate::protocol::percent::{self, Plus};

/// Names of the status codes, by number (<https://github.com/grpc/grpc/blob/master/doc/statuscodes.md>).
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// Most details kept of one status.
const DETAILS_MAX: usize = 64;

/// How a call ended, in the server's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// `grpc-status`.
    pub code: u32,
    /// `grpc-message`, percent-decoded.
    pub message: Option<String>,
    /// `grpc-status-details-bin`: a `google.rpc.Status`.
    pub details: Vec<Detail>,
}

/// One of the messages that tell more of an error: a `google.protobuf.Any`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Detail {
    /// `type.googleapis.com/google.rpc.ErrorInfo`.
    pub type_url: String,
    /// The message.
    pub value: Vec<u8>,
}

impl Status {
    /// Reads a head or trailers; `None` if they hold no status.
    #[must_use]
    pub fn of(fields: Fields<'_>) -> Option<Self> {
        let code = std::str::from_utf8(fields.value("grpc-status")?).ok()?.parse().ok()?;
        Some(Self {
            code,
            message: fields.value("grpc-message").map(percent_decoded),
            details: fields.value("grpc-status-details-bin").map(details).unwrap_or_default(),
        })
    }

    /// `NOT_FOUND`; empty for a number that has no name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        usize::try_from(self.code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or_default()
    }
}

/// A message as text; what is no UTF-8 becomes U+FFFD.
fn percent_decoded(text: &[u8]) -> String {
    String::from_utf8_lossy(&percent::decode(text, Plus::IsPlus)).into_owned()
}

/// `google.rpc.Status` has its details in field 3; an `Any` has its type in field 1, its value in field 2.
fn details(value: &[u8]) -> Vec<Detail> {
    let bytes = true_binary(value).map_or_else(|| base64::decode(value).0, <[u8]>::to_vec);
    let mut details = Vec::new();
    for (number, any) in protobuf::delimited(&bytes).take(DETAILS_MAX) {
        if number != 3 {
            continue;
        }
        let mut detail = Detail::default();
        for (number, part) in protobuf::delimited(any).take(DETAILS_MAX) {
            match number {
                1 => detail.type_url = String::from_utf8_lossy(part).into_owned(),
                2 => detail.value = part.to_vec(),
                _ => {}
            }
        }
        details.push(detail);
    }
    details
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http1::message::Headers;

    fn of(text: &str) -> Option<Status> {
        Status::of(Fields::Http1(&Headers::parse(text.as_bytes())))
    }

    #[test]
    fn messages_are_percent_decoded() {
        assert_eq!(percent_decoded(b"caf%C3%A9 100%25 %zz %4"), "café 100% %zz %4");
        assert_eq!(percent_decoded(b"%ff"), "\u{fffd}");
    }

    #[test]
    fn codes_have_names() {
        let of = |code| of(&format!("grpc-status: {code}\r\n"));
        assert_eq!(of("0").unwrap().name(), "OK");
        assert_eq!(of("16").unwrap().name(), "UNAUTHENTICATED");
        assert_eq!((of("17").unwrap().code, of("17").unwrap().name()), (17, ""));
        assert_eq!(of("x"), None);
    }

    #[test]
    fn details_are_taken_apart() {
        // Status { code: 5, message: "gone", details: [Any { type_url: "t/A", value: "hi" }] }
        let bytes = b"\x08\x05\x12\x04gone\x1a\x09\x0a\x03t/A\x12\x02hi";
        let mut text = String::from("grpc-status: 5\r\ngrpc-status-details-bin: ");
        // By hand, because nothing here encodes base64.
        text.push_str("CAUSBGdvbmUaCQoDdC9BEgJoaQ\r\n");
        let status = of(&text).unwrap();
        assert_eq!(base64::decode(b"CAUSBGdvbmUaCQoDdC9BEgJoaQ").0, bytes);
        let detail = [Detail { type_url: "t/A".to_owned(), value: b"hi".to_vec() }];
        assert_eq!(status.details, detail);
        assert_eq!(details(&[b"\0".as_slice(), bytes].concat()), detail, "sent as it is");
    }
}
