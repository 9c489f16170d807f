//! PostgreSQL's protocol, version 3 (documentation of PostgreSQL 17, chapter "Frontend/Backend Protocol").
//!
//! [`frame`] cuts streams into messages and recognises them; [`wire`] reads their bodies; [`client`] and
//! [`server`] say what they mean: which belong to one request ([`open`]), what names stand for ([`session`]),
//! and which answer belongs to which request ([`order`]). [`dissector`] holds both streams together, holes
//! included; [`message`] and [`result`] are what remains, and [`value`] reads the values in it.
//!
//! A request is a simple query with all its statements, or the messages of an extended query up to its
//! Execute; so each exchange has one SQL text, its parameters and its results. TLS is handed over to whoever
//! recognises it as soon as the server agrees.

pub mod client;
pub mod dissector;
pub mod frame;
pub mod message;
pub mod open;
pub mod order;
pub mod result;
pub mod server;
pub mod session;
pub mod value;
pub mod wire;

pub use dissector::Dissector;
pub use frame::probe;
