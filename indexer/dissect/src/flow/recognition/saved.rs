//! What is known of a flow's protocol, put away and taken up.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Gaps, Recognition, State, Undecided};
use crate::flow::asking::Refused;
use crate::flow::key::{Side, Sides};
use crate::limits::Limits;
use crate::protocol::table::StreamProtocol;

/// A [`Recognition`] put away.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    state: SavedState,
    client: Option<Side>,
    closed: Sides<bool>,
    gaps: Sides<Gaps>,
    spoken: Vec<Cow<'static, str>>,
    refusals: Box<[Refused]>,
}

#[derive(Serialize, Deserialize)]
enum SavedState {
    Undecided(Box<Undecided>),
    /// What the dissector of the protocol that is spoken now has learned.
    Recognised(Vec<u8>),
    Off,
}

impl Recognition {
    /// What is known, for [`Self::restore`].
    pub(crate) fn save(self) -> Saved {
        let state = match self.state {
            State::Undecided(undecided) => SavedState::Undecided(undecided),
            State::Recognised(dissector) => SavedState::Recognised(dissector.save()),
            State::Off => SavedState::Off,
        };
        let Self { client, closed, gaps, spoken, refusals, .. } = self;
        Saved { state, client, closed, gaps, spoken, refusals }
    }

    /// Goes on where another one stopped. A dissector that can't is let go, as if it had panicked.
    pub(crate) fn restore(saved: Saved, limits: &Limits, protocols: &'static [StreamProtocol]) -> Self {
        let Saved { state, client, closed, gaps, spoken, refusals } = saved;
        let state = match state {
            SavedState::Undecided(undecided) => State::Undecided(undecided),
            SavedState::Recognised(bytes) => spoken
                .last()
                .and_then(|name| protocols.iter().find(|protocol| protocol.name == *name))
                .and_then(|protocol| (protocol.restore)(limits, &bytes))
                .map_or(State::Off, State::Recognised),
            SavedState::Off => State::Off,
        };
        Self { state, client, closed, gaps, spoken, refusals }
    }
}
