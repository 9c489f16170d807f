//! Undoes percent-encoding (RFC 3986 §2.1).

/// Undoes `%XX`; what is no such escape stays as it is. In forms and queries a plus is a space.
#[must_use]
pub fn decode(text: &[u8], plus: Plus) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = tail.first_chunk::<2>().filter(|hex| byte == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let value = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match (value, byte) {
            (Some(value), _) => {
                bytes.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            (None, b'+') if plus == Plus::IsSpace => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    bytes
}

/// What a plus means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plus {
    /// Itself.
    IsPlus,
    /// A space (`application/x-www-form-urlencoded`).
    IsSpace,
}

/// The parameters of a query or a form, decoded; at most `parameters_max` of them.
pub fn parameters(query: &[u8], parameters_max: usize) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split(|&byte| byte == b'&').filter(|part| !part.is_empty()).take(parameters_max).map(|part| {
        let mut halves = part.splitn(2, |&byte| byte == b'=');
        let mut half = || decode(halves.next().unwrap_or_default(), Plus::IsSpace);
        (half(), half())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_and_others_stay() {
        assert_eq!(decode("caf%C3%A9 100%25 %zz %4".as_bytes(), Plus::IsPlus), "café 100% %zz %4".as_bytes());
        assert_eq!(decode(b"a+b%2B", Plus::IsSpace), b"a b+");
        assert_eq!(decode(b"a+b%2B", Plus::IsPlus), b"a+b+");
    }

    #[test]
    fn parameters_are_told_apart() {
        let all: Vec<_> = parameters(b"a=1&&b=x%3Dy=z&c", 10).collect();
        let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        assert_eq!(all, [pair("a", "1"), pair("b", "x=y=z"), pair("c", "")]);
        assert_eq!(parameters(b"a&b&c", 2).count(), 2);
    }
}
