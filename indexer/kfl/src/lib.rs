//! KFL, the filter language: text → checked expression → answer.
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::as_conversions,
        clippy::panic
    )
)]

mod call;
mod error;
mod evaluate;
mod explain;
mod expression;
mod functions;
mod grammar;
mod literal;
mod parse;
mod print;
mod query;
mod resolve;
mod scalar;
mod scan;
mod time;

pub use error::SyntaxError;
pub use evaluate::compare_scalar;
pub use expression::{Call, Expression, Literal, Op, Operand, Path, Regex, Step, TextFunction};
pub use parse::{NESTING_MAX, REGEXES_MAX};
pub use query::{Query, fuzz_kfl, parse};
pub use scan::TEXT_BYTES_MAX;
