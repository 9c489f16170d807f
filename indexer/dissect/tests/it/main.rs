//! The crate against real captures and their oracles.
#![allow(missing_docs)]

mod corpus;
mod packets;
mod streams;
