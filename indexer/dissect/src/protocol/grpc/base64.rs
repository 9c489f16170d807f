//! Base64 as gRPC writes it: with or without padding, and in several padded parts one after the other.
//!
//! gRPC-Web servers encode what they have whenever they flush, so padding may stand in the middle of a body.

/// Decodes up to the first character that is none of base64's; `false` if that was before the end.
///
/// Both alphabets are read (RFC 4648 §4 and §5), line ends and spaces are passed over.
#[must_use]
pub fn decode(text: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut bits = 0_u32;
    let mut count = 0_u32;
    for &character in text {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                // The end of a part: bits that make no byte are dropped.
                (bits, count) = (0, 0);
                continue;
            }
            b'\r' | b'\n' | b' ' | b'\t' => continue,
            _ => return (bytes, false),
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
            bits &= (1 << count) - 1;
        }
    }
    (bytes, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_unpadded_and_joined_parts_are_read() {
        for (text, expected) in [
            ("", ""),
            ("aGVsbG8=", "hello"),
            ("aGVsbG8", "hello"),
            ("aGk=aGVsbG8=", "hihello"),
            ("aA==aA==aA==", "hhh"),
            ("aGVs\r\nbG8=", "hello"),
        ] {
            assert_eq!(decode(text.as_bytes()), (expected.as_bytes().to_vec(), true), "{text}");
        }
        assert_eq!(decode(b"-_8="), (vec![0xfb, 0xff], true));
        assert_eq!(decode(b"aGk!aGk="), (b"hi".to_vec(), false));
    }
}
