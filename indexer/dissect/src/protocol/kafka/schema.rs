//! What Kafka's messages look like: the table in `schema.txt`, read once.
//!
//! Kafka has some two hundred messages in up to twenty versions each, all written by the same few rules
//! ([`decode`](super::decode)). So they are data, not code: a new version is a line in the table.

use std::sync::LazyLock;

use super::schema_text;

/// A range of versions, both ends included; empty where `first > last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Versions {
    /// The first version.
    pub first: i16,
    /// The last version.
    pub last: i16,
}

impl Versions {
    pub(super) const ALL: Self = Self { first: 0, last: i16::MAX };
    pub(super) const NONE: Self = Self { first: 1, last: 0 };

    /// Whether `version` is in the range.
    #[must_use]
    pub fn contains(self, version: i16) -> bool {
        self.first <= version && version <= self.last
    }
}

/// One operation of Kafka's: what is asked, and what is answered.
#[derive(Debug)]
pub struct Api {
    /// Its number on the wire.
    pub key: i16,
    /// Its name.
    pub name: &'static str,
    /// The versions that the table knows.
    pub versions: Versions,
    /// The versions with compact lengths and tagged fields (KIP-482).
    pub flexible: Versions,
    /// The fields of the request's body, in order.
    pub request: Vec<Field>,
    /// The fields of the response's body, in order.
    pub response: Vec<Field>,
}

/// A structure outside of requests and responses.
#[derive(Debug)]
pub struct Data {
    /// Its name.
    pub name: &'static str,
    /// The versions that the table knows.
    pub versions: Versions,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// A field of a structure.
#[derive(Debug)]
pub struct Field {
    /// Its name, as in Kafka's documentation.
    pub name: &'static str,
    /// What it, or each of its elements, is.
    pub kind: Kind,
    /// Whether it is a list.
    pub is_list: bool,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its number among the tagged fields, if it is one of those.
    pub tag: Option<u32>,
}

/// How a value is written.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names are Kafka's")]
pub enum Kind {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    Float64,
    String,
    Bytes,
    Uuid,
    /// Record batches or message sets.
    Records,
    /// A string that names a topic.
    Topic,
    /// A uuid that stands for a topic.
    TopicId,
    /// An int32 that numbers a partition.
    Partition,
    /// An int16 of [`error::name`](super::error::name).
    Error,
    Structure(Vec<Field>),
}

/// The whole table.
#[derive(Debug, Default)]
pub struct Schema {
    /// In order of their keys, without holes.
    pub apis: Vec<Api>,
    /// What is embedded in others.
    pub data: Vec<Data>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| schema_text::read(include_str!("schema.txt")));

/// The operation of a key, if it is known.
#[must_use]
pub fn api(key: i16) -> Option<&'static Api> {
    SCHEMA.apis.get(usize::try_from(key).ok()?)
}

/// The structure of a name.
#[must_use]
pub fn data(name: &str) -> Option<&'static Data> {
    SCHEMA.data.iter().find(|data| data.name == name)
}

/// Every operation.
#[must_use]
pub fn apis() -> &'static [Api] {
    &SCHEMA.apis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(fields: &[Field]) -> usize {
        let below = |field: &Field| match &field.kind {
            Kind::Structure(fields) => {
                assert!(!fields.is_empty(), "{} has no fields", field.name);
                count(fields)
            }
            _ => 0,
        };
        fields.iter().map(|field| 1 + below(field)).sum()
    }

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = include_str!("schema.txt").lines().filter(|line| line.starts_with("  ")).count();
        let fields: usize = apis().iter().map(|api| count(&api.request) + count(&api.response)).sum();
        let data: usize = SCHEMA.data.iter().map(|data| count(&data.fields)).sum();
        assert_eq!(fields + data, lines);
        assert!(apis().iter().zip(0..).all(|(api, key)| api.key == key));
        assert_eq!((apis().len(), SCHEMA.data.len()), (93, 2));
    }

    #[test]
    fn versions_are_as_written() {
        let fetch = api(1).unwrap();
        assert_eq!((fetch.name, fetch.versions.last, fetch.flexible.first), ("Fetch", 18, 12));
        let state = fetch.request.iter().find(|field| field.name == "replicaState").unwrap();
        assert_eq!((state.tag, state.versions), (Some(1), Versions { first: 15, last: i16::MAX }));
        let topics = api(3).unwrap().request.iter().find(|field| field.name == "topics").unwrap();
        assert!(topics.is_list && topics.nullable.contains(1) && !topics.nullable.contains(0));
        assert_eq!(api(17).unwrap().flexible, Versions::NONE);
    }

    /// Only a structure that takes bytes bounds a list of them by what is left of the message.
    #[test]
    fn every_structure_takes_bytes_in_every_version() {
        fn check(api: &Api, fields: &[Field], version: i16) {
            let is_flexible = api.flexible.contains(version);
            for field in fields.iter().filter(|field| field.versions.contains(version)) {
                let Kind::Structure(fields) = &field.kind else { continue };
                let has_any = fields.iter().any(|f| f.tag.is_none() && f.versions.contains(version));
                assert!(has_any || is_flexible, "{} {version} {}", api.name, field.name);
                check(api, fields, version);
            }
        }
        for api in apis() {
            for version in api.versions.first..=api.versions.last {
                check(api, &api.request, version);
                check(api, &api.response, version);
            }
        }
    }
}
