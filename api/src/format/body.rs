//! Message bodies, as entries hold them: plain text, or base64 where they are no text.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Base64 (RFC 4648, section 4); padding may be absent.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Bytes of a body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// Valid UTF-8.
    Text(String),
    /// Anything else.
    Bytes(Vec<u8>),
}

/// The body in `content`, an object with `text` and, for base64, `encoding`; `None` when there is none.
pub fn of(content: &Value) -> Option<Body> {
    let text = content["text"].as_str().filter(|text| !text.is_empty())?;
    if content["encoding"].as_str() != Some("base64") {
        return Some(Body::Text(text.to_owned()));
    }
    let Ok(bytes) = BASE64.decode(text) else { return Some(Body::Text(text.to_owned())) };
    Some(String::from_utf8(bytes).map_or_else(|error| Body::Bytes(error.into_bytes()), Body::Text))
}

/// Offset, sixteen bytes and their characters on each line, up to `bytes_max`; says what was left out.
pub fn hexdump(bytes: &[u8], bytes_max: usize) -> String {
    let mut dump = String::new();
    for (number, line) in bytes.get(..bytes_max.min(bytes.len())).unwrap_or_default().chunks(16).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let (left, right) = hex.split_at(hex.len().min(8));
        let shown: String = line
            .iter()
            .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
            .collect();
        dump.push_str(&format!(
            "{:08x}  {:<23}  {:<23}  |{shown}|\n",
            number * 16,
            left.join(" "),
            right.join(" ")
        ));
    }
    if bytes.len() > bytes_max {
        dump.push_str(&format!("… {} more bytes (--json has all of them)\n", bytes.len() - bytes_max));
    }
    dump
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_text_where_they_can_be() {
        assert_eq!(of(&json!({ "text": "e30=", "encoding": "base64" })), Some(Body::Text("{}".to_owned())));
        assert_eq!(of(&json!({ "text": "/w==", "encoding": "base64" })), Some(Body::Bytes(vec![255])));
        assert_eq!(of(&json!({ "text": "e30=" })), Some(Body::Text("e30=".to_owned())));
        assert_eq!(of(&json!({ "text": "" })), None);
        assert_eq!(of(&Value::Null), None);
    }

    #[test]
    fn a_dump_is_limited_and_says_so() {
        let dump = hexdump(b"GET / HTTP/1.1\r\n\x1b[2J", 18);
        assert_eq!(
            dump,
            "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|\n\
             00000010  1b 5b                                             |.[|\n\
             … 2 more bytes (--json has all of them)\n"
        );
    }
}
