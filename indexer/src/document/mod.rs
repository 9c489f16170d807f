//! An entry as a tantivy document.
//!
//! | field | what it holds | what for |
//! |---|---|---|
//! | `time` | when the entry began | ranges and order |
//! | `number`, `segment` | which one of those that ended in which segment | what was there when a question was asked, and what came since |
//! | `edge`, `endpoint`, `class`, `elapsed`, `request`, `response` | its [`Facts`] | counts, percentiles, maps; comparisons of times and sizes |
//! | `port` | port of who asked | comparisons |
//! | `term` | one term for every other scalar of the entry without bodies ([`terms`]) | any comparison on any field |
//! | `word` | every word it says, bodies included ([`words`]) | full text, traces, ids |
//! | `row` | the entry without bodies and without what follows from the rest ([`row`]) | lists, and the evaluator |
//!
//! Bodies themselves are dissected again from the segment when they are asked for.

mod facts;
mod row;
mod template;
mod terms;
mod tokenizer;
mod words;

use serde_json::Value;
use tantivy::schema::{
    FAST, Field, IndexRecordOption, NumericOptions, STORED, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Index, IndexSettings, TantivyDocument};

pub use facts::{Class, Edge, Endpoint, Facts};
pub use row::{slim, whole};
pub use terms::{TermPath, TermValue, path_of, value};
pub use words::{END, INCOMPLETE, Words, are_kept_always};

/// Entries made by other rules than these are made again: raise it when a field changes.
pub const ENTRY_VERSION: u32 = 4;

/// The fields of an index.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Start of the entry, nanoseconds since the Unix epoch.
    pub time: Field,
    /// Which one of those that ended in its segment, from 0.
    pub number: Field,
    /// The segment it ended in.
    pub segment: Field,
    /// See [`Edge`].
    pub edge: Field,
    /// See [`Endpoint`].
    pub endpoint: Field,
    /// See [`Class`].
    pub class: Field,
    /// Microseconds from the request's first byte to the response's last; absent without both.
    pub elapsed: Field,
    /// Bytes of the request on the wire.
    pub request: Field,
    /// Bytes of the response on the wire.
    pub response: Field,
    /// Port of who asked; absent where it is no number.
    pub port: Field,
    /// Every scalar with its path.
    pub term: Field,
    /// Every word.
    pub word: Field,
    /// The entry without its bodies, JSON.
    pub row: Field,
}

/// An entry on its way into an index.
#[derive(Clone, Debug)]
pub struct Indexed {
    /// When it began, nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// Which one of those that ended in its segment.
    pub number: u64,
    /// Nanoseconds from the request's first byte to the response's last; `None` without both.
    pub elapsed_ns: Option<u64>,
    /// What it says.
    pub words: Words,
    /// The entry without its bodies.
    pub entry: Value,
}

/// The schema of every index.
#[must_use]
pub fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let postings = || {
        let indexing = TextFieldIndexing::default()
            .set_tokenizer(tokenizer::NAME)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::Basic);
        TextOptions::default().set_indexing_options(indexing)
    };
    let label = || TextOptions::default().set_fast("raw");
    let number = || NumericOptions::default() | FAST;
    let fields = Fields {
        time: schema.add_i64_field("time", number()),
        number: schema.add_u64_field("number", number()),
        segment: schema.add_text_field("segment", label()),
        edge: schema.add_text_field("edge", label()),
        endpoint: schema.add_text_field("endpoint", label()),
        class: schema.add_u64_field("class", number()),
        elapsed: schema.add_u64_field("elapsed", number()),
        request: schema.add_u64_field("request", number()),
        response: schema.add_u64_field("response", number()),
        port: schema.add_u64_field("port", number()),
        term: schema.add_text_field("term", postings()),
        word: schema.add_text_field("word", postings()),
        row: schema.add_bytes_field("row", STORED),
    };
    (schema.build(), fields)
}

/// Tells an index that is written how its texts are taken apart.
pub fn prepare(index: &Index) {
    index.tokenizers().register(tokenizer::NAME, tokenizer::Ended::default());
}

/// How indexes are written: rows compress well together, those of a trace above all, so their blocks are large.
#[must_use]
pub fn settings() -> IndexSettings {
    let mut settings = IndexSettings { docstore_blocksize: 256 << 10, ..IndexSettings::default() };
    settings.docstore_compression =
        tantivy::store::Compressor::Zstd(tantivy::store::ZstdCompressor { compression_level: Some(1) });
    settings
}

/// The fields of an index that was made by [`schema`].
///
/// # Errors
/// When the index has other fields.
pub fn fields(index: &Index) -> tantivy::Result<Fields> {
    let schema = index.schema();
    let field = |name| schema.get_field(name);
    Ok(Fields {
        time: field("time")?,
        number: field("number")?,
        segment: field("segment")?,
        edge: field("edge")?,
        endpoint: field("endpoint")?,
        class: field("class")?,
        elapsed: field("elapsed")?,
        request: field("request")?,
        response: field("response")?,
        port: field("port")?,
        term: field("term")?,
        word: field("word")?,
        row: field("row")?,
    })
}

/// Makes the document of an entry that ended in `segment`.
#[must_use]
pub fn document(fields: Fields, segment: &str, indexed: Indexed) -> TantivyDocument {
    let Indexed { start_ns, number, elapsed_ns, words, entry } = indexed;
    let facts = Facts::of(&entry, elapsed_ns);
    let mut document = TantivyDocument::default();
    document.add_i64(fields.time, start_ns);
    document.add_u64(fields.number, number);
    document.add_text(fields.segment, segment);
    document.add_text(fields.edge, facts.edge.text());
    if let Some(endpoint) = &facts.endpoint {
        document.add_text(fields.endpoint, endpoint.text());
    }
    document.add_u64(fields.class, facts.class.code());
    if let Some(elapsed_us) = facts.elapsed_us {
        document.add_u64(fields.elapsed, elapsed_us);
    }
    document.add_u64(fields.request, facts.request_bytes);
    document.add_u64(fields.response, facts.response_bytes);
    if let Some(port) = entry["src"]["port"].as_str().and_then(terms::port_number) {
        document.add_u64(fields.port, port);
    }
    document.add_text(fields.word, words.0);
    document.add_text(fields.term, terms::of(&entry));
    let row = slim(entry);
    document.add_bytes(fields.row, serde_json::to_string(&row).unwrap_or_default().as_bytes());
    document
}
