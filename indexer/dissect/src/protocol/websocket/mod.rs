//! WebSocket (RFC 6455) with compression (RFC 7692), over HTTP/1 and over HTTP/2 (RFC 8441).
//!
//! [`frame`] reads the headers of frames, [`reader`] puts the messages of one direction together, [`inflate`]
//! decompresses them, [`search`] finds frames where none is expected, [`dissector`] holds both directions.
//! [`negotiated`] is what the opening handshake agreed on, [`message`] is what remains of a message.
//!
//! A message is an entry of its own: nothing says which message answers which.

mod building;
pub mod dissector;
pub mod frame;
pub mod inflate;
pub mod message;
pub mod negotiated;
pub mod reader;
pub mod search;

pub use dissector::Dissector;
pub use negotiated::Negotiated;
pub use reader::Reader;
pub use search::probe;
