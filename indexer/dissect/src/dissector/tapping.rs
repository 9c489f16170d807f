//! Lets payload leave as it is, for [`Streams`](crate::streams::Streams).

use super::Dissector;
use crate::flow::key::{FlowKey, Side};
use crate::flow::tap::{Part, Tap};
use crate::limits::Limits;

impl Dissector {
    /// One that recognises nothing, and gives the payload as it is.
    pub(crate) fn tapped(limits: Limits) -> Self {
        Self { parts: Some(Vec::new()), ..Self::with_protocols(limits, &[], &[]) }
    }

    /// The payload since it was last asked.
    pub(crate) fn take_parts(&mut self) -> Vec<Part> {
        self.parts.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// Takes what a flow carries, where somebody wants it.
pub(super) fn tap(parts: &mut Option<Vec<Part>>, flow: u64, key: FlowKey, opener: Side) -> Option<Tap<'_>> {
    parts.as_mut().map(|parts| Tap { flow, key, opener, parts })
}
