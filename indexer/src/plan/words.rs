//! What the words of entries tell: full text, trace ids, and values that have no term of their own.

use kfl::{Reach, TextSearch, TraceId, Word};
use serde_json::Value;
use tantivy::InvertedIndexReader;

use super::{Candidates, Planner, add_postings, read_failed};
use crate::Error;
use crate::document::{self, END, INCOMPLETE, Words};
use crate::filter::trace_words;

/// No word comes before this: those that stand for something else begin with control characters.
const FIRST_WORD: &str = "0";

impl Planner<'_> {
    /// What says all the words of a search. That they follow one another only the entry itself can tell.
    pub(super) fn text(&self, search: &TextSearch) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut all = Candidates::exactly(self.all());
        for word in search.words().iter().filter(|word| document::are_kept_always(word)) {
            let mut any = Candidates::exactly(self.none());
            add_word(&words, word, &mut any)?;
            all.intersect(&any);
        }
        // Whether words follow one another only the entry can tell; and some say what the index doesn't keep.
        if search.words().len() > 1 || !search.words().iter().all(document::are_kept_always) {
            all.sure = self.none();
        }
        self.add_incomplete(&words, &mut all)?;
        Ok(all)
    }

    /// What says the digits of a trace id. Where it stands only the entry itself can tell.
    pub(super) fn trace(&self, id: TraceId) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut found = Candidates::exactly(self.none());
        for word in trace_words(id) {
            if let Some(info) = words.terms().get(&word).map_err(read_failed)? {
                add_postings(&words, &info, &mut found, false)?;
            }
        }
        self.add_incomplete(&words, &mut found)?;
        Ok(found)
    }

    /// Entries whose words are not all there may say anything.
    fn add_incomplete(&self, words: &InvertedIndexReader, found: &mut Candidates) -> Result<(), Error> {
        match words.terms().get(INCOMPLETE).map_err(read_failed)? {
            Some(info) => add_postings(words, &info, found, false),
            None => Ok(()),
        }
    }

    /// Entries that may have `text` for a value: they say all its words.
    pub(super) fn saying(&self, text: &str) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut all = self.anything();
        let Words(sought) = Words::of(&Value::from(text), true);
        for word in sought.split_terminator(END) {
            let mut saying = Candidates::exactly(self.none());
            if let Some(info) = words.terms().get(word).map_err(read_failed)? {
                add_postings(&words, &info, &mut saying, false)?;
            }
            all.intersect(&saying);
        }
        self.add_incomplete(&words, &mut all)?;
        Ok(all)
    }
}

/// Adds every document that says a word of a search.
fn add_word(words: &InvertedIndexReader, word: &Word, found: &mut Candidates) -> Result<(), Error> {
    let dictionary = words.terms();
    match word.reach {
        Reach::Exact => {
            if let Some(info) = dictionary.get(&word.letters).map_err(read_failed)? {
                add_postings(words, &info, found, true)?;
            }
            return Ok(());
        }
        Reach::Prefix | Reach::Fuzzy(_) => {}
    }
    let first = if word.reach == Reach::Prefix { word.letters.as_str() } else { FIRST_WORD };
    let mut stream = dictionary.range().ge(first).into_stream().map_err(read_failed)?;
    while stream.advance() {
        let found_word = std::str::from_utf8(stream.key()).unwrap_or_default();
        if word.reach == Reach::Prefix && !found_word.starts_with(first) {
            break;
        }
        if word.stands_for(found_word) {
            add_postings(words, stream.value(), found, true)?;
        }
    }
    Ok(())
}
