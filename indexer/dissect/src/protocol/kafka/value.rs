//! What a message's body says, whichever message it is: a tree of names and values.
//!
//! The tree borrows from the body it was decoded from, so it costs what its shape costs and no more.

/// A structure's fields, in order.
pub type Fields<'a> = Vec<(&'static str, Value<'a>)>;

/// A value of a field.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// Said to be absent.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of any width.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Text, UTF-8 if its sender keeps to the protocol.
    Text(&'a [u8]),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A UUID.
    Uuid([u8; 16]),
    /// An error code.
    Error(i16),
    /// The name of a topic.
    Topic(&'a [u8]),
    /// What stands for a topic.
    TopicId([u8; 16]),
    /// The number of a partition.
    Partition(i32),
    /// Record batches or message sets, as they were sent.
    Records(&'a [u8]),
    /// A list.
    List(Vec<Value<'a>>),
    /// A structure.
    Structure(Fields<'a>),
}

impl<'a> Value<'a> {
    /// The field of that name, if this is a structure that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value<'a>> {
        match self {
            Self::Structure(fields) => field(fields, name),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    #[must_use]
    pub fn elements(&self) -> &[Value<'a>] {
        match self {
            Self::List(elements) => elements,
            _ => &[],
        }
    }

    /// The number, if this is one.
    #[must_use]
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Error(number) => Some(i64::from(*number)),
            Self::Partition(number) => Some(i64::from(*number)),
            _ => None,
        }
    }

    /// The bytes, if this is text or bytes.
    #[must_use]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) | Self::Topic(bytes) | Self::Records(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The field of that name.
#[must_use]
pub fn field<'v, 'a>(fields: &'v [(&'static str, Value<'a>)], name: &str) -> Option<&'v Value<'a>> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A UUID as Kafka writes it: base64 for URLs, without padding (`KafkaUuid.toString`).
#[must_use]
pub fn uuid_text(uuid: &[u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let number = u128::from_be_bytes(*uuid);
    // 22 digits hold 132 bits: the last of them has 2.
    (0..22_u32)
        .filter_map(|digit| {
            let sextet = if digit < 21 { number >> (122 - 6 * digit) } else { number << 4 };
            ALPHABET.get(usize::try_from(sextet & 63).ok()?).copied().map(char::from)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_written_as_kafka_writes_them() {
        assert_eq!(uuid_text(&[0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(uuid_text(&[0xff; 16]), "_____________________w");
        let bytes = *b"\x00\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14\x93\x51";
        assert_eq!(uuid_text(&bytes), "ABCDEFGHIJKLMNOPQRSTUQ");
    }
}
