//! The language as its users meet it: texts in, answers out.

mod vectors;
