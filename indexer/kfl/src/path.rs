//! Where to look in a record.

/// Where to look in a record. Has at least one step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<Step>);

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `.name` or `["name"]`: the value under that key of an object.
    Key(String),
    /// `[3]`: the element of a list, counted from 0.
    Index(usize),
    /// `.*` or `[*]`: every element of a list, every value of an object.
    Every,
    /// `..name`: every value under that key, here or anywhere below.
    Recursive(String),
    /// `.json()` or `.xml()`: what the text here says when it is read as a document.
    Decoded(Encoding),
}

/// How a text writes a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// JSON, plain or in base64.
    Json,
    /// XML, plain or in base64: elements without their attributes.
    Xml,
}

impl Encoding {
    /// The name of the function that reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
        }
    }

    /// The encoding that a function of this name reads.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Json, Self::Xml].into_iter().find(|encoding| encoding.name() == name)
    }
}

impl Path {
    /// The names, if the path consists of nothing else: `request.headers["host"]` but not `a[0]` or `a.*`.
    ///
    /// Such a path is a field's name, which a planner can look up.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                _ => None,
            })
            .collect()
    }
}
