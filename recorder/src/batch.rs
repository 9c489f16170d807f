//! Packets on their way from a capture thread to the writer, many at a time.
//!
//! A batch is two flat buffers that are filled, sent, emptied and used again: no packet costs an
//! allocation or a system call.
//!
//! ```text
//!   capture thread ──(QUEUE_BATCHES)──▶ writer ──(pool)──▶ back to the capture threads
//! ```

use std::time::Duration;

use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use segment::{LossCause, Timestamp};

use crate::ledger::Missing;
use crate::report::SourceCounters;

/// Payload bytes after which a batch is sent. Two kernel blocks: large enough that the hand-over
/// costs nothing, small enough that a queue of them stays small.
pub const BATCH_BYTES: usize = 512 << 10;
/// Packets after which a batch is sent; at 60 bytes each this is about [`BATCH_BYTES`].
pub const BATCH_PACKETS: usize = 8 << 10;
/// Batches between capture and writer, over all interfaces. Together with the batches in work at
/// most 24 MiB, which bridges 0.2 s at 100 MB/s; the kernel's ring bridges the rest.
pub const QUEUE_BATCHES: usize = 32;

/// What is known of one packet besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// When it passed.
    pub timestamp: Timestamp,
    /// Its bytes on the wire.
    pub original_length_bytes: u32,
    /// Its bytes in the batch.
    pub captured_length_bytes: u32,
}

/// A loss that a capture thread found.
#[derive(Clone, Debug)]
pub struct SourceLoss {
    /// Why.
    pub cause: LossCause,
    /// What.
    pub missing: Missing,
    /// For people.
    pub note: String,
}

/// Packets of one source, in the order they passed.
#[derive(Default, Debug)]
pub struct Batch {
    /// Which source, as an index into the list of sources.
    pub source: usize,
    /// One head per packet.
    pub heads: Vec<Head>,
    /// The packets' bytes, one after the other.
    pub bytes: Vec<u8>,
    /// What the source lost since its last batch.
    pub losses: Vec<SourceLoss>,
    /// The source's counters, where a second went by.
    pub counters: Option<SourceCounters>,
    /// Whether the source went down or came up.
    pub link: Option<LinkChange>,
}

/// An interface went down or came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkChange {
    /// It can't be read; the text says what the system said.
    Down(String),
    /// It is read again.
    Up,
}

impl Batch {
    /// Whether there is nothing worth sending.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.losses.is_empty() && self.counters.is_none() && self.link.is_none()
    }

    /// Whether it should be sent now.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES || self.heads.len() >= BATCH_PACKETS
    }

    /// Adds a packet.
    pub fn push(&mut self, timestamp: Timestamp, original_length_bytes: u32, data: &[u8]) {
        let captured_length_bytes = u32::try_from(data.len()).expect("libpcap's length is 32 bits");
        self.heads.push(Head { timestamp, original_length_bytes, captured_length_bytes });
        self.bytes.extend_from_slice(data);
    }

    /// The packets.
    pub fn packets(&self) -> impl Iterator<Item = (Head, &[u8])> {
        let mut rest = self.bytes.as_slice();
        self.heads.iter().map(move |head| {
            let (data, after) = rest.split_at(head.captured_length_bytes as usize);
            rest = after;
            (*head, data)
        })
    }

    /// Empties it and keeps its buffers.
    fn recycle(mut self) -> Self {
        self.heads.clear();
        self.bytes.clear();
        self.losses.clear();
        self.counters = None;
        self.link = None;
        self
    }
}

/// Where capture threads send batches, and where emptied ones come back.
#[derive(Clone, Debug)]
pub struct Outlet {
    full: Sender<Batch>,
    empty: Receiver<Batch>,
}

/// The writer's end.
#[derive(Debug)]
pub struct Inlet {
    /// Batches to write.
    pub full: Receiver<Batch>,
    empty: Sender<Batch>,
}

/// The queue between capture and writer.
#[must_use]
pub fn queue() -> (Outlet, Inlet) {
    let (full_in, full_out) = bounded(QUEUE_BATCHES);
    let (empty_in, empty_out) = bounded(QUEUE_BATCHES);
    (Outlet { full: full_in, empty: empty_out }, Inlet { full: full_out, empty: empty_in })
}

impl Outlet {
    /// An empty batch of `source`: a used one, if one came back.
    #[must_use]
    pub fn fresh(&self, source: usize) -> Batch {
        let mut batch = self.empty.try_recv().unwrap_or_default();
        batch.source = source;
        batch
    }

    /// Sends; gives the batch back when the queue stays full for as long as `patience`.
    #[must_use]
    pub fn send(&self, batch: Batch, patience: Duration) -> Option<Batch> {
        self.full.send_timeout(batch, patience).err().map(SendTimeoutError::into_inner)
    }
}

impl Inlet {
    /// Gives an emptied batch back to the capture threads.
    pub fn give_back(&self, batch: Batch) {
        // A full pool means that enough wait there: this one may go.
        drop(self.empty.try_send(batch.recycle()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_come_out_as_they_went_in_and_buffers_are_used_again() {
        let (outlet, inlet) = queue();
        let mut batch = outlet.fresh(3);
        batch.push(Timestamp::from_nanos(1), 9, b"abc");
        batch.push(Timestamp::from_nanos(2), 0, b"");
        batch.push(Timestamp::from_nanos(3), 2, b"de");
        assert!(outlet.send(batch, Duration::ZERO).is_none());
        let batch = inlet.full.recv().unwrap();
        let data: Vec<&[u8]> = batch.packets().map(|(_, data)| data).collect();
        assert_eq!(data, [b"abc".as_slice(), b"", b"de"]);
        inlet.give_back(batch);
        let again = outlet.fresh(1);
        assert!(again.is_empty() && again.source == 1 && again.bytes.capacity() >= 5);
    }

    #[test]
    fn a_full_queue_gives_the_batch_back() {
        let (outlet, _inlet) = queue();
        for _ in 0..QUEUE_BATCHES {
            assert!(outlet.send(Batch::default(), Duration::ZERO).is_none());
        }
        let mut batch = Batch::default();
        batch.push(Timestamp::from_nanos(1), 1, b"x");
        assert_eq!(outlet.send(batch, Duration::ZERO).unwrap().heads.len(), 1);
    }
}
