//! Segments in, answers out, on captures of real servers.

mod answers;
mod evidence;
mod follow;
mod recording;
