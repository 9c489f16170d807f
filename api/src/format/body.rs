//! Message bodies, as entries hold them: plain text, or base64 where they are no text.

use serde_json::Value;

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
    let Some(bytes) = from_base64(text) else { return Some(Body::Text(text.to_owned())) };
    Some(String::from_utf8(bytes).map_or_else(|error| Body::Bytes(error.into_bytes()), Body::Text))
}

/// Decodes base64 (RFC 4648, section 4); padding may be absent.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits: u32 = 0;
        for digit in group {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        let whole = match group.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        bits <<= 6 * (4 - group.len());
        bytes.extend(bits.to_be_bytes().iter().skip(1).take(whole));
    }
    Some(bytes)
}

/// Encodes base64 (RFC 4648, section 4), with padding.
pub fn to_base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            let digit = bits >> (18 - 6 * position) & 63;
            text.push(if position <= group.len() { char::from(DIGITS[digit as usize]) } else { '=' });
        }
    }
    text
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
    fn base64_goes_both_ways() {
        for (text, encoded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(to_base64(text.as_bytes()), encoded);
            assert_eq!(from_base64(encoded).as_deref(), Some(text.as_bytes()));
        }
        assert_eq!(from_base64("Zg").as_deref(), Some(&b"f"[..]));
        assert_eq!(from_base64("Zm9v!"), None);
        assert_eq!(from_base64("Z"), None);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(from_base64(&to_base64(&all)), Some(all));
    }

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
