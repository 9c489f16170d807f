//! `text("connection refused")`: whether a record says something, wherever it says it.
//!
//! Words are runs of letters and digits, whatever their case. Those of a search must follow one another within
//! one value. A word ending in `*` stands for all that begin so; one ending in `~` (or `~2`) for those
//! that differ by a letter (or two). What is asked is what was said: not what a recorder notes of it, such as
//! when and how long, and not bytes that are no text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::document::DOCUMENT_BYTES_MAX;
use crate::resolve::RECORD_DEPTH_MAX;
use crate::scalar::Scalar;

/// What to look for in all that a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextSearch {
    source: String,
    words: Vec<Word>,
}

/// One word of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// In lower case.
    pub letters: String,
    /// What else it stands for.
    pub reach: Reach,
}

/// Which words a word of a search stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Itself.
    Exact,
    /// Every word that begins so.
    Prefix,
    /// Every word that so many letters changed, added or left out make of it.
    Fuzzy(u8),
}

/// Words of a search: as many as a mask has bits, less one.
const WORDS_MAX: usize = 31;
/// Letters of a word; longer ones in a record are compared no further.
const LETTERS_MAX: usize = 64;
/// Further away than this, words have nothing in common.
const DISTANCE_MAX: u8 = 2;
/// Letters that decide whether a word of a record is the one sought: those that may be sought, those by which
/// they may differ, and one that says there are more.
const DECIDING_LETTERS_MAX: usize = LETTERS_MAX + 3;
/// Fields at a record's root that say something of it, where all others say what it is made of.
const NOTES: [&str; 19] = [
    "protocol",
    "id",
    "segment",
    "index",
    "stream",
    "packets",
    "timestamp",
    "startTime",
    "elapsedTime",
    "requestSize",
    "responseSize",
    "dissectorVersion",
    "node",
    "outgoing",
    "tls",
    "passed",
    "failed",
    "gaps",
    "truncated",
];

impl TextSearch {
    /// Reads a search.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(source: &str) -> Result<Self, String> {
        let mut words = Vec::new();
        for part in source.split_whitespace() {
            let (letters, reach) = reach(part)?;
            for word in words_of(letters) {
                if word.chars().count() > LETTERS_MAX {
                    return Err(format!("a word of more than {LETTERS_MAX} letters"));
                }
                words.push(Word {
                    letters: word.chars().flat_map(char::to_lowercase).collect(),
                    reach: Reach::Exact,
                });
            }
            let has_word = words_of(letters).next().is_some();
            match words.last_mut() {
                Some(last) if has_word => last.reach = reach,
                _ if reach != Reach::Exact => {
                    return Err(format!("no word stands before the sign in `{part}`"));
                }
                _ => {}
            }
        }
        match words.len() {
            0 => Err("there is no word to look for".to_owned()),
            count if count > WORDS_MAX => Err(format!("more than {WORDS_MAX} words")),
            _ => Ok(Self { source: source.to_owned(), words }),
        }
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The words, which must follow one another: what an index of words can look up.
    #[must_use]
    pub fn words(&self) -> &[Word] {
        &self.words
    }

    /// Whether `text` says this.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let whole = 1u32 << (self.words.len() - 1).min(WORDS_MAX);
        // Bit n stands for: the words up to the n-th are the last that were read.
        let mut begun = 0u32;
        for found in words_of(text) {
            let mut fits = 0u32;
            for (bit, word) in self.words.iter().enumerate() {
                let is_due = bit == 0 || begun & (1 << (bit - 1)) != 0;
                if is_due && word.stands_for(found) {
                    fits |= 1 << bit;
                }
            }
            begun = fits;
            if begun & whole != 0 {
                return true;
            }
        }
        false
    }

    /// Whether any value of `record` says this.
    pub(crate) fn finds(&self, record: &Value) -> bool {
        any_said(record, &mut |text| self.is_in(text))
    }
}

/// Every text that a record says: what a [`TextSearch`] looks through, one after the other.
pub fn texts_said(record: &Value, found: &mut dyn FnMut(&str)) {
    any_said(record, &mut |text| {
        found(text);
        false
    });
}

/// Every word of a text in lower case, and cut where nothing behind can matter: what an index of words has to hold so that
/// [`Word::stands_for`] decides about its words as [`TextSearch`] does about the text.
pub fn words(text: &str, lower: &mut String, found: &mut impl FnMut(&str)) {
    if text.is_ascii() {
        for word in text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
        {
            lower.clear();
            lower.push_str(word.get(..DECIDING_LETTERS_MAX).unwrap_or(word));
            lower.make_ascii_lowercase();
            found(lower);
        }
        return;
    }
    for word in words_of(text) {
        lower.clear();
        lower.extend(word.chars().flat_map(char::to_lowercase).take(DECIDING_LETTERS_MAX));
        found(lower);
    }
}

/// Calls `found` with each text that `record` says until it answers `true`; what is said in base64 beside an
/// `encoding` too, if it is text.
fn any_said(record: &Value, found: &mut dyn FnMut(&str) -> bool) -> bool {
    match record {
        Value::Object(fields) => fields
            .iter()
            .any(|(key, field)| !NOTES.contains(&key.as_str()) && any_below(field, RECORD_DEPTH_MAX, found)),
        other => any_below(other, RECORD_DEPTH_MAX, found),
    }
}

fn any_below(value: &Value, depth: usize, found: &mut dyn FnMut(&str) -> bool) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(elements) => elements.iter().any(|element| any_below(element, depth, found)),
        Value::Object(fields) => {
            let is_base64 = fields.get("encoding").is_some_and(|encoding| encoding == "base64");
            fields.values().any(|field| {
                any_below(field, depth, found)
                    || (is_base64 && field.as_str().is_some_and(|text| is_in_base64(text, found)))
            })
        }
        Value::Bool(_) | Value::Null => false,
        scalar => Scalar::of(scalar).is_some_and(|scalar| scalar.with_text(|text| found(text))),
    }
}

fn is_in_base64(text: &str, found: &mut dyn FnMut(&str) -> bool) -> bool {
    if text.len() > DOCUMENT_BYTES_MAX {
        return false;
    }
    let bytes = STANDARD.decode(text.trim()).unwrap_or_default();
    std::str::from_utf8(&bytes).is_ok_and(found)
}

/// A word of a search without its sign, and what the sign means.
fn reach(part: &str) -> Result<(&str, Reach), String> {
    if let Some(letters) = part.strip_suffix('*') {
        return Ok((letters, Reach::Prefix));
    }
    let Some((letters, distance)) = part.rsplit_once('~') else { return Ok((part, Reach::Exact)) };
    let distance = if distance.is_empty() { Ok(1) } else { distance.parse() };
    match distance {
        Ok(distance @ 1..=DISTANCE_MAX) => Ok((letters, Reach::Fuzzy(distance))),
        _ => Err(format!("what follows `~` is 1 or {DISTANCE_MAX}")),
    }
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

impl Word {
    /// Whether this word of a search stands for the word `found`, as [`words`] gives it.
    #[must_use]
    pub fn stands_for(&self, found: &str) -> bool {
        // Most words are of plain letters, and differ from the one sought in the first.
        if found.is_ascii() && self.letters.is_ascii() {
            match self.reach {
                Reach::Exact => return found.eq_ignore_ascii_case(&self.letters),
                Reach::Prefix => {
                    let begin = found.get(..self.letters.len());
                    return begin.is_some_and(|begin| begin.eq_ignore_ascii_case(&self.letters));
                }
                Reach::Fuzzy(distance) if found.len().abs_diff(self.letters.len()) > distance.into() => {
                    return false;
                }
                Reach::Fuzzy(_) => {}
            }
        }
        let mut letters = found.chars().flat_map(char::to_lowercase);
        match self.reach {
            Reach::Exact => self.letters.chars().eq(letters),
            Reach::Prefix => self.letters.chars().all(|letter| letters.next() == Some(letter)),
            Reach::Fuzzy(distance) => is_near(&self.letters, letters, distance.into()),
        }
    }
}

/// Whether at most `distance` letters changed, added or left out make `found` of `sought` (Levenshtein).
fn is_near(sought: &str, found: impl Iterator<Item = char>, distance: usize) -> bool {
    let found: Vec<char> = found.take(DECIDING_LETTERS_MAX).collect();
    if sought.chars().count().abs_diff(found.len()) > distance {
        return false;
    }
    crate::functions::distance(sought.chars(), &found) <= distance
}

#[cfg(test)]
mod tests {
    use super::TextSearch;

    fn is_in(search: &str, text: &str) -> bool {
        TextSearch::new(search).unwrap().is_in(text)
    }

    #[test]
    fn words_follow_one_another() {
        assert!(is_in("connection refused", "dial tcp 10.0.0.1:80: connect: Connection Refused"));
        assert!(is_in("connection-refused", "connection refused"));
        assert!(!is_in("connection refused", "connection was refused"));
        assert!(!is_in("connection refused", "refused connection"));
        assert!(is_in("a a b", "a a a b"));
        assert!(!is_in("fused", "refused"));
        assert!(is_in("ÉTÉ", "l'été"));
    }

    #[test]
    fn words_stand_for_others() {
        assert!(is_in("conn* refus*", "connection refused"));
        assert!(!is_in("conn*", "disconnected"));
        assert!(is_in("conection~ refused", "connection refused"));
        assert!(!is_in("conecton~", "connection"));
        assert!(is_in("conecton~2", "connection"));
        assert!(is_in("conn*", &"conn".repeat(100_000)));
        assert!(!is_in("conn~2", &"conn".repeat(100_000)));
    }

    #[test]
    fn searches_for_nothing_are_refused() {
        for search in ["", " ", "*", "~", "- *", "a~3", "a~x", "a -*", &"a ".repeat(32), &"a".repeat(65)] {
            assert!(TextSearch::new(search).is_err(), "{search}");
        }
        assert!(is_in(&"a ".repeat(31), &"a ".repeat(31)));
    }
}
