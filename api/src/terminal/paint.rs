//! Colour, where it helps and is wanted.

use std::fmt;

/// Whether colour may be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paint {
    /// A terminal, and the person did not set `NO_COLOR`.
    Colour,
    /// Anything else.
    Plain,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// Nothing special.
    #[default]
    Normal,
    /// A heading.
    Heading,
    /// Of less interest.
    Faint,
    /// It went well.
    Good,
    /// Look here.
    Notice,
    /// It went wrong.
    Bad,
}

impl Style {
    /// SGR parameters (ECMA-48, 8.3.117); only the sixteen colours that follow the terminal's theme.
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Normal => None,
            Self::Heading => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Notice => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

impl Paint {
    /// `text` in the colour of `style`, if colour may be used.
    pub fn of<T: fmt::Display>(self, style: Style, text: T) -> Painted<T> {
        Painted { code: if self == Self::Colour { style.code() } else { None }, text }
    }
}

/// Text to be written with its colour.
pub struct Painted<T> {
    code: Option<&'static str>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_only_where_it_is_wanted() {
        assert_eq!(Paint::Colour.of(Style::Bad, "500").to_string(), "\x1b[31m500\x1b[0m");
        assert_eq!(Paint::Colour.of(Style::Normal, "x").to_string(), "x");
        assert_eq!(Paint::Plain.of(Style::Bad, "500").to_string(), "500");
    }
}
