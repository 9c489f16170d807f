//! HTTP/2 (RFC 9113) and its header compression (RFC 7541).
//!
//! [`frame`] reads frame headers, [`hpack`] header blocks with [`huffman`] and the [`table`]; [`reader`] puts
//! them together and tells the [`event`]s of one direction, and finds its place by [`search`]ing where it was
//! lost; [`dissector`] pairs the two directions, stream by stream, and lets a `tunnel` read those that carry a
//! WebSocket; [`message`] is what remains of a request or a response, with its [`headers`].
//!
//! A connection that was joined in the middle, or that has a hole, lacks what its headers refer to. Such names
//! and values are unknown until the sender says them again; they are never guessed.

mod block;
pub mod counts;
mod data;
pub mod dissector;
pub mod event;
pub mod frame;
pub mod headers;
pub mod hpack;
pub mod huffman;
pub mod message;
mod part;
mod probe;
pub mod reader;
pub mod search;
pub mod static_table;
mod stream;
mod streams;
pub mod table;
mod tunnel;
mod upgrade;
mod weight;

pub use dissector::Dissector;
pub use probe::probe;
