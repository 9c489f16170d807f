//! HTTP/2 (RFC 9113, RFC 7541).
//!
//! [`message`] is what remains of a request or a response, [`headers`] the lists of field lines in it.

pub mod headers;
pub mod message;
