//! What a dissector has learned, as bytes, so that another one can go on where it stopped.
//!
//! MessagePack with named variants (`rmp-serde`): the bytes lie beside an index, where anyone may have changed them, so
//! they are read with the care that packets get.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{DatagramDissector, StreamDissector};
use crate::limits::Limits;

/// Makes a dissector in a state that [`save`] told; `None` where the bytes tell none.
pub type Restore<T> = fn(&Limits, &[u8]) -> Option<Box<T>>;

/// The state of a dissector as bytes; empty where it can't be told.
#[must_use]
pub fn save<T: Serialize>(dissector: &T) -> Vec<u8> {
    rmp_serde::to_vec(dissector).unwrap_or_default()
}

/// A dissector in the state that [`save`] told; `None` where the bytes tell none.
#[must_use]
pub fn restore<T>(limits: &Limits, state: &[u8]) -> Option<Box<dyn StreamDissector>>
where
    T: StreamDissector + DeserializeOwned + 'static,
{
    let mut dissector = rmp_serde::from_slice::<T>(state).ok()?;
    dissector.set_limits(limits);
    Some(Box::new(dissector))
}

/// As [`restore`], for datagrams.
#[must_use]
pub fn restore_datagram<T>(_: &Limits, state: &[u8]) -> Option<Box<dyn DatagramDissector>>
where
    T: DatagramDissector + DeserializeOwned + 'static,
{
    rmp_serde::from_slice::<T>(state)
        .ok()
        .map(|dissector| -> Box<dyn DatagramDissector> { Box::new(dissector) })
}
