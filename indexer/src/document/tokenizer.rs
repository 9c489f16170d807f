//! Takes apart what goes into the index as one text: tantivy asks for tokens, and one value costs less than many.

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::words::END;

/// The name by which the schema knows it.
pub const NAME: &str = "ended";

/// Tokens are ended by [`END`].
#[derive(Clone, Default)]
pub struct Ended {
    token: Token,
}

/// The tokens of one text.
pub struct Tokens<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for Ended {
    type TokenStream<'a> = Tokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens<'a> {
        self.token.reset();
        Tokens { rest: text, token: &mut self.token }
    }
}

impl TokenStream for Tokens<'_> {
    fn advance(&mut self) -> bool {
        let Some(end) = memchr::memchr(END as u8, self.rest.as_bytes()) else { return false };
        let (token, rest) = (&self.rest[..end], &self.rest[end + 1..]);
        self.token.text.clear();
        self.token.text.push_str(token);
        self.token.position = self.token.position.wrapping_add(1);
        self.rest = rest;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}
