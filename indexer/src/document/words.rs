//! Words: what an entry says, bodies included, so that full text and trace ids can be looked up.
//!
//! The language says what words are ([`kfl::words_said`]), so that looking one up decides as reading the entry would.
//! Words of another kind begin with a control character, which no word has: a trace id, and the mark of an entry
//! whose words are not all there.

use std::collections::BTreeSet;

use kfl::{TraceId, words_said};
use serde_json::Value;

/// Words of one entry; a longer one has [`INCOMPLETE`] and is read again whenever words are asked for.
const WORDS_MAX: usize = 4_096;
/// Marks an entry that may say more than its words tell.
pub const INCOMPLETE: &str = "\x01";
/// Begins the word that stands for a trace id.
const TRACE: char = '\x02';
/// No trace id's word comes before this one.
pub const TRACE_FIRST: &str = "\x02";
/// All trace ids' words come before this one.
pub const TRACE_END: &str = "\x03";

/// The words of one entry, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words(BTreeSet<String>);

impl Words {
    /// Of an entry with its bodies. Where `is_whole` is false, the start of its bodies is not at hand.
    #[must_use]
    pub fn of(entry: &Value, is_whole: bool) -> Self {
        let mut words = BTreeSet::new();
        let mut is_complete = is_whole;
        words_said(entry, &mut |word| {
            if words.contains(word) {
                return;
            }
            is_complete &= words.len() < WORDS_MAX;
            if words.len() < WORDS_MAX {
                words.insert(word.to_owned());
            }
        });
        TraceId::carried_by(entry, &mut |id| {
            is_complete &= words.len() < 2 * WORDS_MAX;
            if words.len() < 2 * WORDS_MAX {
                words.insert(trace_word(id));
            }
        });
        if !is_complete {
            words.insert(INCOMPLETE.to_owned());
        }
        Self(words)
    }

    /// Each word.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The word that stands for a trace id.
#[must_use]
pub fn trace_word(id: TraceId) -> String {
    format!("{TRACE}{id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_entry_says_is_there_once_and_too_much_is_marked() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let entry =
            json!({"id": "unsaid", "request": {"path": "/Cart/cart", "headers": {"traceparent": trace}}});
        let words = Words::of(&entry, true);
        let expected = [
            "\x024bf92f3577b34da6a3ce929d0e0e4736",
            "00",
            "00f067aa0ba902b7",
            "01",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "cart",
        ];
        assert_eq!(words.iter().collect::<Vec<_>>(), expected);
        assert_eq!(Words::of(&json!({}), false).iter().collect::<Vec<_>>(), [INCOMPLETE]);
        let long: String = (0..WORDS_MAX + 1).map(|word| format!("w{word} ")).collect();
        let words = Words::of(&json!({"request": {"body": long}}), true);
        assert_eq!((words.iter().count(), words.iter().next()), (WORDS_MAX + 1, Some(INCOMPLETE)));
    }
}
