//! How much streams hold, and how much more they may.

use serde::{Deserialize, Serialize};

/// Bytes of memory that a stream holds.
#[derive(Clone, Copy, Default, Debug, Serialize, Deserialize)]
pub(super) struct Weight {
    pub(super) heads: usize,
    /// Bytes of bodies, as many as there are: what is kept must not depend on how they came.
    pub(super) bodies: usize,
    /// Allocated for more of them.
    pub(super) spare: usize,
    /// Bytes of WebSocket messages under way, counted as bodies are.
    pub(super) messages: usize,
    /// How many carry a WebSocket.
    pub(super) tunnels: usize,
}

impl Weight {
    /// Of all, after one of them changed.
    pub(super) fn turn(&mut self, before: Self, after: Self) {
        let turn =
            |all: &mut usize, before: usize, after: usize| *all = (*all + after).saturating_sub(before);
        turn(&mut self.heads, before.heads, after.heads);
        turn(&mut self.bodies, before.bodies, after.bodies);
        turn(&mut self.spare, before.spare, after.spare);
        turn(&mut self.messages, before.messages, after.messages);
        turn(&mut self.tunnels, before.tunnels, after.tunnels);
    }
}

/// How many more bytes may be held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Of bodies.
    pub(super) bodies: usize,
    /// Of messages of WebSockets.
    pub(super) messages: usize,
}
