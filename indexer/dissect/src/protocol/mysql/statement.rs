//! What a session has prepared.
//!
//! An execution names its statement by a number; only the prepare had the SQL. The table is bounded: what was
//! prepared first is forgotten first, and an execution of it then tells no SQL.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::protocol::mysql::message::{Column, Parameter};
use crate::protocol::mysql::value;

/// Most prepared statements of one session.
const STATEMENTS_MAX: usize = 1024;
/// Most bytes of them.
const BYTES_MAX: usize = 1024 * 1024;
/// Most long parameters of one statement that are told apart.
const LONG_MAX: usize = 64;

/// The prepared statements of a session, by their numbers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Statements {
    statements: BTreeMap<u32, Statement>,
    bytes: usize,
}

/// A prepared statement.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Statement {
    /// Its SQL.
    pub query: String,
    /// Whether the SQL was longer.
    pub truncated: bool,
    /// The columns that it gives, once told.
    pub columns: Vec<Column>,
    /// How many parameters it takes.
    pub parameters: u16,
    /// Their types, which only the first execution tells.
    pub(super) types: Vec<(u8, bool)>,
    /// Those that were sent in parts beforehand.
    pub(super) long: BTreeSet<u16>,
}

impl Statements {
    /// The statement of this number.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Statement> {
        self.statements.get_mut(&id)
    }

    /// The server gave a statement a number.
    pub fn remember(&mut self, id: u32, statement: Statement) {
        self.forget(id);
        self.bytes = self.bytes.saturating_add(statement.memory_bytes());
        self.statements.insert(id, statement);
        // Numbers are given in order: the lowest is the oldest.
        while self.statements.len() > STATEMENTS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.statements.keys().next().copied() else { break };
            self.forget(oldest);
        }
    }

    /// The columns of a statement became known with its first rows.
    pub fn learn_columns(&mut self, id: u32, columns: Vec<Column>) {
        let Some(statement) = self.statements.get_mut(&id).filter(|known| known.columns.is_empty()) else {
            return;
        };
        let before = statement.memory_bytes();
        statement.columns = columns;
        self.bytes = self.bytes.saturating_sub(before).saturating_add(statement.memory_bytes());
    }

    /// A statement is closed.
    pub fn forget(&mut self, id: u32) {
        if let Some(statement) = self.statements.remove(&id) {
            self.bytes = self.bytes.saturating_sub(statement.memory_bytes());
        }
    }

    /// Bytes of the client are missing: what it told of types may have changed.
    pub fn forget_types(&mut self) {
        for statement in self.statements.values_mut() {
            statement.types.clear();
            statement.long.clear();
        }
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

impl Statement {
    /// What it is executed with; nothing where that can't be told.
    pub fn values(&mut self, payload: &[u8]) -> Vec<Parameter> {
        let long: Vec<u16> = self.long.iter().copied().collect();
        value::execution(payload, usize::from(self.parameters), &mut self.types, &long).unwrap_or_default()
    }

    /// A part of a parameter was sent.
    pub fn sent_before(&mut self, parameter: u16) {
        if self.long.len() < LONG_MAX {
            self.long.insert(parameter);
        }
    }

    /// Parameters that were sent in parts are forgotten.
    pub fn reset(&mut self) {
        self.long.clear();
    }

    fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.query.len() + self.columns.iter().map(Column::memory_bytes).sum::<usize>()
    }
}
