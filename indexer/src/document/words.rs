//! Words: what an entry says, bodies included, so that full text and trace ids can be looked up.
//!
//! The language says what words are ([`kfl::words`]), so that looking one up decides as reading the entry would. Of an
//! id of several parts, `550e8400-e29b-41d4-a716-446655440000`, only the first is kept: there are as many as
//! entries, and they would take half the index. So a word that looks like a later part can't be looked up
//! ([`are_kept_always`]).
//!
//! One word begins with a control character, which no other has: the mark of an entry whose words are not all there.

use kfl::{Reach, Word, texts_said, words};
use serde_json::Value;

use super::terms::{ID_BYTES_MIN, looks_like_id};

/// Bytes of the words of one entry; a longer one has [`INCOMPLETE`] and is read again whenever words are asked for.
const WORDS_BYTES_MAX: usize = 64 << 10;
/// Marks an entry that may say more than its words tell.
pub const INCOMPLETE: &str = "\x01";
/// Between the words of an entry on their way into the index; none has it.
pub const END: char = '\0';
/// Shorter words are kept wherever they stand: `v2`, `404`.
const PART_BYTES_MIN: usize = 4;

/// The words of one entry, each ended by [`END`]; most that are said several times are there once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words(pub String);

impl Words {
    /// Of an entry with its bodies. Where `is_whole` is false, the start of its bodies is not at hand.
    #[must_use]
    pub fn of(entry: &Value, is_whole: bool) -> Self {
        let mut kept =
            Kept { text: String::with_capacity(1_024), places: [(0, 0); PLACES], is_all: is_whole };
        let mut lower = String::new();
        texts_said(entry, &mut |text| {
            if text.len() < ID_BYTES_MIN {
                return words(text, &mut lower, &mut |word| kept.add(word));
            }
            for run in text.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_')) {
                if looks_like_id(run) {
                    add_id(&mut kept, run, &mut lower);
                } else {
                    words(run, &mut lower, &mut |word| kept.add(word));
                }
            }
        });
        if !kept.is_all {
            kept.text.push_str(INCOMPLETE);
            kept.text.push(END);
        }
        Self(kept.text)
    }
}

/// Of what may be missing of an id, the first is there.
fn add_id(kept: &mut Kept, id: &str, lower: &mut String) {
    let mut has_part = false;
    words(id, lower, &mut |word| {
        let is_part = !is_kept_always(word);
        if !(is_part && has_part) {
            kept.add(word);
        }
        has_part |= is_part;
    });
}

/// Words on their way into the index.
struct Kept {
    text: String,
    /// Where in the text words begin, and how long they are, at the place of their hash: a later one takes the place
    /// of an earlier one, which then may come twice.
    places: [(u32, u32); PLACES],
    is_all: bool,
}

/// Words that are remembered of one entry.
const PLACES: usize = 256;

impl Kept {
    fn add(&mut self, word: &str) {
        let hash = word
            .bytes()
            .fold(0u32, |hash, byte| (hash.rotate_left(5) ^ u32::from(byte)).wrapping_mul(0x9e37_79b9));
        let Some(place) = self.places.get_mut((hash >> 24) as usize) else { return };
        let (start, length) = (place.0 as usize, place.1 as usize);
        if length == word.len() && self.text.get(start..start + length) == Some(word) {
            return;
        }
        if self.text.len() + word.len() >= WORDS_BYTES_MAX {
            self.is_all = false;
            return;
        }
        // Both are below the limit.
        *place = (self.text.len() as u32, word.len() as u32);
        self.text.push_str(word);
        self.text.push(END);
    }
}

/// Whether an entry that says this word has it among its words, wherever it says it. One that could be a later part of
/// an id may be missing: some hexadecimal digits, but neither a short number nor a word of letters.
#[must_use]
pub fn is_kept_always(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits == word.len() && digits <= 8;
    letters_outside_hex(word) > 0 || word.len() < PART_BYTES_MIN || digits == 0 || is_number
}

/// Whether that is so of every word that a word of a search stands for.
#[must_use]
pub fn are_kept_always(word: &Word) -> bool {
    match word.reach {
        Reach::Exact => is_kept_always(&word.letters),
        Reach::Prefix => letters_outside_hex(&word.letters) > 0,
        Reach::Fuzzy(distance) => letters_outside_hex(&word.letters) > usize::from(distance),
    }
}

fn letters_outside_hex(word: &str) -> usize {
    word.chars().filter(|c| !c.is_ascii_hexdigit()).count()
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
        let id = json!({"a": "x-550e8400-e29b-41d4-a716-446655440000-404-v2-2xkqp"});
        assert_eq!(Words::of(&id, true).0, ["x", "550e8400", "404", "v2", "2xkqp", ""].join("\0"));
        let twice = json!({"request": {"path": "/cart", "url": "/CART?cart"}});
        assert_eq!(Words::of(&twice, true).0, "cart\0");
        let long: String = (0..WORDS_BYTES_MAX).map(|number| format!("{number} ")).collect();
        let words = Words::of(&json!({"request": {"body": long}}), true).0;
        assert!(words.len() < WORDS_BYTES_MAX + 2 && words.ends_with("\0\x01\0"));
    }
}
