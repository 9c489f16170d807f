//! Writing for people: what may be sent to a terminal, and how it is laid out.
//!
//! Everything that came from the wire is hostile and goes through [`escape`] first. Colour ([`paint`]) is used
//! only on a terminal, and not with `NO_COLOR`; tables ([`table`]) fit the terminal's width; progress
//! ([`progress`]) goes to stderr, and only to a terminal.

use std::io::{self, IsTerminal};

pub mod bar;
pub mod escape;
pub mod paint;
pub mod progress;
pub mod quantity;
pub mod table;

/// What is known about where the answer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Screen {
    /// Columns to fit into; `None` when it is no terminal: then nothing is cut.
    pub width: Option<usize>,
    /// Whether colour may be used.
    pub paint: paint::Paint,
}

impl Screen {
    /// A file or a pipe.
    pub const PLAIN: Self = Self { width: None, paint: paint::Paint::Plain };

    /// What standard output is.
    pub fn of_stdout() -> Self {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return Self { width: None, paint: paint::Paint::Plain };
        }
        let width = rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self {
            width: width.filter(|columns| *columns > 0),
            paint: if wanted { paint::Paint::Colour } else { paint::Paint::Plain },
        }
    }
}
