//! The crate against real captures and their oracles.
#![allow(missing_docs)]

mod corpus;
mod oracle;
mod packets;
mod properties;
mod streams;
