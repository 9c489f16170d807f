//! The crate against real captures and their oracles.
#![allow(missing_docs)]

mod build;
mod cases;
mod corpus;
mod flow_properties;
mod hostile;
mod kafka_messages;
mod oracle;
mod packets;
mod properties;
mod recorded;
mod reports;
mod saved_inputs;
mod state;
mod streams;
