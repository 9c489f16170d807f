//! The language as its users meet it: texts in, answers out.

mod answers;
mod errors;
mod hostile;
mod planning;
mod reference;
mod vectors;
