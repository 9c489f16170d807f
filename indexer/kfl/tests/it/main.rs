//! The language as its users meet it: texts in, answers out.

mod answers;
mod completing;
mod errors;
mod expectations;
mod extensions;
mod formatting;
mod fuzzing;
mod hostile;
mod planning;
mod reference;
mod vectors;
