//! What a session remembers: who it belongs to, its prepared statements and its portals.
//!
//! An Execute names a portal, the portal's Bind a statement, and only the statement's Parse has the SQL; the
//! three may lie hours apart. Tables are bounded: what was prepared longest ago is forgotten first, and an
//! Execute of it then tells no SQL.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::protocol::postgres::message::{Format, Operation, Parameter, Request, Startup};
use crate::protocol::postgres::result::Column;

/// Most statements or portals of one session. Pools of large applications prepare some hundreds.
const ENTRIES_MAX: usize = 1024;
/// Most bytes of statements, and of portals, of one session.
const BYTES_MAX: usize = 1024 * 1024;

/// What is known of a session.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Session {
    user: Option<String>,
    database: Option<String>,
    application: Option<String>,
    statements: Table<Statement>,
    portals: Table<Portal>,
    serial: u64,
}

/// A prepared statement.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Statement {
    /// Which Parse made it: names are used again.
    pub serial: u64,
    /// Its SQL.
    pub query: String,
    /// Whether the SQL was longer.
    pub truncated: bool,
    /// Types of its parameters: declared, or told by the server.
    pub type_ids: Vec<u32>,
    /// Columns of its result, once told by the server.
    pub columns: Vec<Column>,
}

/// A statement with its parameters.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Portal {
    /// The name of the statement.
    pub statement: String,
    /// Which Parse made that one, if it was seen.
    pub serial: Option<u64>,
    /// The SQL of the statement, and whether it was longer.
    pub query: Option<(String, bool)>,
    /// The columns of the statement, if they were told by then.
    pub columns: Vec<Column>,
    /// The values.
    pub parameters: Vec<Parameter>,
    /// The formats in which the columns are wanted.
    pub formats: Vec<Format>,
}

impl Session {
    /// A session begins.
    pub fn begin(&mut self, startup: &Startup) {
        let text = |name| startup.parameter(name).map(str::to_owned);
        self.user = text("user");
        // Without a database that of the user's name is meant.
        self.database = text("database").or_else(|| self.user.clone());
        self.application = text("application_name");
    }

    /// The session's application names itself anew.
    pub fn rename_application(&mut self, name: &str) {
        self.application = Some(name.to_owned());
    }

    /// A request of this session.
    #[must_use]
    pub fn request(&self, operation: Operation) -> Request {
        Request {
            user: self.user.clone(),
            database: self.database.clone(),
            application: self.application.clone(),
            ..Request::new(operation)
        }
    }

    /// The user and the database.
    #[must_use]
    pub fn identity(&self) -> (Option<String>, Option<String>) {
        (self.user.clone(), self.database.clone())
    }

    /// A Parse: the statement's serial.
    pub fn prepare(&mut self, name: &str, statement: Statement) -> u64 {
        self.serial = self.serial.wrapping_add(1);
        let bytes = size_of::<Statement>() + statement.query.len() + 4 * statement.type_ids.len();
        self.statements.insert(name, Statement { serial: self.serial, ..statement }, bytes);
        self.serial
    }

    /// A Bind.
    pub fn bind(&mut self, name: &str, portal: Portal) {
        let values =
            portal.parameters.iter().map(|p| 48 + p.value.as_ref().map_or(0, Vec::len)).sum::<usize>();
        let query = portal.query.as_ref().map_or(0, |(query, _)| query.len());
        let columns: usize = portal.columns.iter().map(Column::memory_bytes).sum();
        self.portals.insert(name, portal, size_of::<Portal>() + values + query + columns);
    }

    /// The statement of this name.
    #[must_use]
    pub fn statement(&self, name: &str) -> Option<&Statement> {
        self.statements.entry(name)
    }

    /// The portal of this name.
    #[must_use]
    pub fn portal(&self, name: &str) -> Option<&Portal> {
        self.portals.entry(name)
    }

    /// The statement of this name if it is still the one that this Parse made.
    pub fn statement_of(&mut self, name: &str, serial: Option<u64>) -> Option<&mut Statement> {
        self.statements.entry_mut(name).filter(|statement| Some(statement.serial) == serial)
    }

    /// A Close of a statement.
    pub fn close_statement(&mut self, name: &str) {
        self.statements.remove(name);
    }

    /// A Close of a portal.
    pub fn close_portal(&mut self, name: &str) {
        self.portals.remove(name);
    }

    /// Bytes are missing: what was bound since is not known. Statements with names stay, because the server
    /// refuses a Parse of a name in use, and drivers count their names.
    pub fn forget_bound(&mut self) {
        self.statements.remove("");
        self.portals = Table::default();
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.statements.bytes + self.portals.bytes
    }
}

/// Entries by name, the oldest of which is forgotten first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Table<T> {
    entries: BTreeMap<String, Slot<T>>,
    ages: BTreeMap<u64, String>,
    age: u64,
    bytes: usize,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct Slot<T> {
    age: u64,
    bytes: usize,
    value: T,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), ages: BTreeMap::new(), age: 0, bytes: 0 }
    }
}

impl<T> Table<T> {
    fn insert(&mut self, name: &str, value: T, bytes: usize) {
        self.remove(name);
        let bytes = bytes + 4 * name.len();
        self.age = self.age.wrapping_add(1);
        self.ages.insert(self.age, name.to_owned());
        self.entries.insert(name.to_owned(), Slot { age: self.age, bytes, value });
        self.bytes = self.bytes.saturating_add(bytes);
        while self.entries.len() > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.ages.pop_first() else { break };
            self.drop_entry(&oldest);
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(slot) = self.entries.get(name) {
            self.ages.remove(&slot.age);
            self.drop_entry(name);
        }
    }

    fn drop_entry(&mut self, name: &str) {
        if let Some(slot) = self.entries.remove(name) {
            self.bytes = self.bytes.saturating_sub(slot.bytes);
        }
    }

    fn entry(&self, name: &str) -> Option<&T> {
        self.entries.get(name).map(|slot| &slot.value)
    }

    fn entry_mut(&mut self, name: &str) -> Option<&mut T> {
        self.entries.get_mut(name).map(|slot| &mut slot.value)
    }
}
