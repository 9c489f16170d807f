//! MongoDB's wire protocol (documentation, "MongoDB Wire Protocol"; specification of OP_MSG and OP_COMPRESSED).
//!
//! [`frame`] reads headers and recognises them; [`bson`] reads documents; [`wire`] reads the messages of each
//! opcode; [`dissector`] decompresses and pairs them by their numbers; [`message`] is what remains.

pub mod bson;
pub mod dissector;
pub mod frame;
pub mod message;
pub mod wire;

pub use dissector::Dissector;
pub use frame::probe;
