//! Segments in, answers out, on captures of real servers.

mod answers;
mod changes;
mod counting;
mod evidence;
mod fields;
mod fingerprints;
mod fixtures;
mod follow;
mod hunting;
mod interpreted;
mod merged;
mod recording;
mod state;
