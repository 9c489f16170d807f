//! What helps to write filters, as JSON.

use serde::Serialize;
use utoipa::ToSchema;

/// Whether a text is KFL.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Validation {
    Right(RightKfl),
    Wrong(WrongKfl),
}

/// A text that is KFL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RightKfl {
    /// True.
    pub ok: bool,
    /// What it means once words such as `http` stand for their conditions.
    pub canonical: String,
    /// Fields that no entry has.
    pub warnings: Vec<KflWarning>,
    /// Whether it asks for what is read from the packets, which is slower.
    pub needs_bodies: bool,
}

/// A text that is none.
#[derive(Serialize, ToSchema)]
pub struct WrongKfl {
    /// False.
    pub ok: bool,
    pub error: KflError,
}

/// Where a text is wrong; bytes are counted in UTF-8.
#[derive(Serialize, ToSchema)]
pub struct KflError {
    /// What is wrong.
    pub message: String,
    /// The first wrong byte.
    pub start: usize,
    /// The first one behind.
    pub end: usize,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

/// A field that no entry has.
#[derive(Serialize, ToSchema)]
pub struct KflWarning {
    /// As it is written.
    pub path: String,
    /// Its first byte.
    pub start: usize,
    /// The first one behind.
    pub end: usize,
    /// The nearest field that there is.
    pub suggestion: Option<String>,
    /// All that in words.
    pub message: String,
}

/// A text as it should be written.
#[derive(Serialize, ToSchema)]
pub struct Formatted {
    pub formatted: String,
}

/// What may come next in a text.
#[derive(Serialize, ToSchema)]
pub struct Completions {
    /// The best first.
    pub items: Vec<Completion>,
    /// The first byte of what the chosen one takes the place of.
    pub start: usize,
    /// The first one behind.
    pub end: usize,
}

/// What may be written.
#[derive(Serialize, ToSchema)]
pub struct Completion {
    /// What to write.
    pub text: String,
    /// `field`, `value`, `protocol`, `function`, `operator` or `word`.
    pub kind: &'static str,
    /// What it means, in a line.
    pub documentation: String,
}

/// Everything that a filter may be made of.
#[derive(Serialize, ToSchema)]
pub struct Vocabulary {
    /// Fields of all entries, then those of each protocol.
    pub fields: Vec<Field>,
    /// Words that stand for a protocol.
    pub macros: Vec<Word>,
    pub functions: Vec<Function>,
    pub operators: Vec<Word>,
    /// Other words.
    pub words: Vec<Word>,
}

/// A field of entries.
#[derive(Serialize, ToSchema)]
pub struct Field {
    /// As KFL writes it; `*` stands for every element of a list, or for names that the sender chose.
    pub path: &'static str,
    /// What it means, in a line.
    pub documentation: &'static str,
    /// `text`, `number`, `boolean` or `any`.
    pub kind: &'static str,
    /// Whether an index knows it: others are read from the packets.
    pub indexed: bool,
    /// The word of the protocol whose entries have it; null for all.
    pub protocol: Option<&'static str>,
}

/// A word of the language.
#[derive(Serialize, ToSchema)]
pub struct Word {
    pub name: &'static str,
    /// What it means, in a line.
    pub documentation: &'static str,
}

/// A function of the language.
#[derive(Serialize, ToSchema)]
pub struct Function {
    pub name: &'static str,
    /// How it is called. One that follows a path begins with `path.`.
    pub signature: &'static str,
    /// What it means, in a line.
    pub documentation: &'static str,
}
