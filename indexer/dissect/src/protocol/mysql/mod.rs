//! The protocol of MySQL and MariaDB ("MySQL Internals Manual", chapter "Client/Server Protocol").
//!
//! [`frame`] recognises packets; [`wire`] reads their payloads; [`client`] and [`server`] say what they mean: a
//! command of the client, and the packets of the server that answer it one after the other ([`open`]).
//! What statements were prepared is kept in [`statement`]. [`dissector`] holds both streams ([`side`]) together, decompresses them, and finds the way again after a hole;
//! [`message`] is what remains, and [`value`] reads the values in it.
//!
//! TLS is handed over to whoever recognises it as soon as the client asks for it.

pub mod client;
pub mod dissector;
pub mod frame;
pub mod message;
pub mod open;
pub mod server;
pub mod side;
pub mod statement;
pub mod value;
pub mod wire;

pub use dissector::Dissector;
pub use frame::probe;
