//! Reads the table of messages, whose form its own head explains.
//!
//! The table is part of the program, so a line that can't be read is a fault that a test finds, not an error.

use super::schema::{Api, Data, Field, Kind, Schema, Versions};

/// Reads the whole table; a line that makes no sense is left out.
pub(super) fn read(text: &'static str) -> Schema {
    let mut schema = Schema::default();
    let mut lines = Lines { rest: text.lines().filter(|line| !line.starts_with('#')).collect() };
    while let Some(line) = lines.next() {
        let words: Vec<&'static str> = line.split(' ').collect();
        match words.as_slice() {
            ["api", key, name, versions, flexible @ ..] => {
                let flexible = match flexible {
                    ["flexible", versions] => self::versions(versions),
                    _ => None,
                };
                lines.next();
                let request = lines.fields(2);
                lines.next();
                let response = lines.fields(2);
                schema.apis.push(Api {
                    key: key.parse().unwrap_or(-1),
                    name,
                    versions: self::versions(versions).unwrap_or(Versions::NONE),
                    flexible: flexible.unwrap_or(Versions::NONE),
                    request,
                    response,
                });
            }
            ["data", name, versions] => schema.data.push(Data {
                name,
                versions: self::versions(versions).unwrap_or(Versions::NONE),
                fields: lines.fields(2),
            }),
            _ => {}
        }
    }
    schema
}

/// The lines not read yet.
struct Lines {
    rest: std::collections::VecDeque<&'static str>,
}

impl Lines {
    fn next(&mut self) -> Option<&'static str> {
        self.rest.pop_front()
    }

    /// The fields of one structure: the lines that are indented so far, each with those below it.
    fn fields(&mut self, indent: usize) -> Vec<Field> {
        let mut fields = Vec::new();
        while let Some(line) = self.rest.front().copied() {
            if line.len() - line.trim_start().len() != indent {
                break;
            }
            self.next();
            fields.extend(self.field(line.trim_start(), indent));
        }
        fields
    }

    fn field(&mut self, line: &'static str, indent: usize) -> Option<Field> {
        let mut words = line.split(' ').peekable();
        let name = words.next()?;
        let kind = words.next()?;
        let (is_list, kind) = kind.strip_prefix("[]").map_or((false, kind), |kind| (true, kind));
        let kind = match scalar(kind) {
            Some(kind) => kind,
            None => Kind::Structure(self.fields(indent + 2)),
        };
        let mut field =
            Field { name, kind, is_list, versions: Versions::ALL, nullable: Versions::NONE, tag: None };
        while let Some(word) = words.next() {
            match word {
                "null" => {
                    let range = words.peek().and_then(|word| versions(word));
                    field.nullable = range.unwrap_or(Versions::ALL);
                    if range.is_some() {
                        words.next();
                    }
                }
                "tag" => field.tag = words.next()?.parse().ok(),
                range => field.versions = versions(range)?,
            }
        }
        Some(field)
    }
}

/// `None` for a structure, which has no name of its own.
fn scalar(name: &str) -> Option<Kind> {
    Some(match name {
        "bool" => Kind::Bool,
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "uint16" => Kind::Uint16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "float64" => Kind::Float64,
        "string" => Kind::String,
        "bytes" => Kind::Bytes,
        "uuid" => Kind::Uuid,
        "records" => Kind::Records,
        "topic" => Kind::Topic,
        "topicId" => Kind::TopicId,
        "partition" => Kind::Partition,
        "error" => Kind::Error,
        _ => return None,
    })
}

/// `4`, `4-7` or `4+`.
fn versions(text: &str) -> Option<Versions> {
    if let Some(first) = text.strip_suffix('+') {
        return Some(Versions { first: first.parse().ok()?, last: i16::MAX });
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(Versions { first: first.parse().ok()?, last: last.parse().ok()? })
}
