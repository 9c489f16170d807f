//! Words: what an entry says, bodies included, so that full text and trace ids can be looked up.
//!
//! The language says what words are ([`kfl::words_said`]), so that looking one up decides as reading the entry would.
//! One word begins with a control character, which no other has: the mark of an entry whose words are not all there.

use kfl::words_said;
use serde_json::Value;

/// Bytes of the words of one entry; a longer one has [`INCOMPLETE`] and is read again whenever words are asked for.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// Marks an entry that may say more than its words tell.
pub const INCOMPLETE: &str = "\x01";
/// Between the words of an entry on their way into the index; none has it.
pub const END: char = '\0';

/// The words of one entry, each as often as it is said, each ended by [`END`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words(pub String);

impl Words {
    /// Of an entry with its bodies. Where `is_whole` is false, the start of its bodies is not at hand.
    #[must_use]
    pub fn of(entry: &Value, is_whole: bool) -> Self {
        let mut words = String::with_capacity(1_024);
        let mut is_complete = is_whole;
        words_said(entry, &mut |word| {
            let has_room = words.len() + word.len() < WORDS_BYTES_MAX;
            is_complete &= has_room;
            if has_room {
                words.push_str(word);
                words.push(END);
            }
        });
        if !is_complete {
            words.push_str(INCOMPLETE);
            words.push(END);
        }
        Self(words)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_entry_says_is_there_and_too_much_is_marked() {
        let entry = json!({"id": "unsaid", "request": {"path": "/Cart/17", "isFirst": true}});
        assert_eq!(Words::of(&entry, true).0, "cart\x0017\0");
        assert_eq!(Words::of(&json!({}), false).0, "\x01\0");
        let long = "word ".repeat(WORDS_BYTES_MAX);
        let words = Words::of(&json!({"request": {"body": long}}), true).0;
        assert!(words.len() < WORDS_BYTES_MAX + 2 && words.ends_with("word\0\x01\0"));
    }
}
