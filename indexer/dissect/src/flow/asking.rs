//! Shows the first bytes of a stream to every protocol.

use std::borrow::Cow;

use super::key::Side;
use super::recognition::Surroundings;
use crate::protocol::table::StreamProtocol;
use crate::protocol::{Direction, Probe};

/// A protocol's name, and why it did not take the flow.
pub(crate) type Refused = (Cow<'static, str>, Cow<'static, str>);

/// What the protocols said.
pub(crate) enum Answer {
    /// The protocol, and which side is the client.
    Yes(&'static StreamProtocol, Side),
    More,
    No,
}

/// Shows `head` to every protocol; why each refused it is left in `refusals`, in their order.
pub(crate) fn ask(
    around: &Surroundings<'_>,
    client: Option<Side>,
    sender: Side,
    head: &[u8],
    refusals: &mut Box<[Refused]>,
) -> Answer {
    if refusals.is_empty() {
        *refusals = around.protocols.iter().map(|protocol| (protocol.name.into(), "".into())).collect();
    }
    let mut more = false;
    for (protocol, (_, refusal)) in around.protocols.iter().zip(refusals.iter_mut()) {
        let clients: &[Side] = match client {
            Some(Side::A) => &[Side::A],
            Some(Side::B) => &[Side::B],
            // The side with a well-known port is more likely the server.
            None if protocol.ports.contains(&around.key.port(sender)) => &[sender.other(), sender],
            None => &[sender, sender.other()],
        };
        for &client in clients {
            let direction = if client == sender { Direction::ToServer } else { Direction::ToClient };
            match (protocol.probe)(direction, head) {
                Probe::Yes => return Answer::Yes(protocol, client),
                Probe::More => {
                    *refusal = "undecided".into();
                    more = true;
                }
                Probe::No(why) => *refusal = why.into(),
            }
        }
    }
    if more { Answer::More } else { Answer::No }
}
