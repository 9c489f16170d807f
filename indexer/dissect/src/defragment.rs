//! Puts IP fragments back together (RFC 791 §3.2, RFC 8200 §4.5).
//!
//! Where fragments overlap, the bytes seen first stay. A fragment that claims an end beyond 65,535 bytes or
//! beyond an end seen before is left out. What waits is bounded in bytes and in time; the oldest gives way.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decode::{Fragment, Network};
use crate::flow::key::BuildFold;

/// Largest IP payload that a length field can tell.
const WHOLE_BYTES_MAX: usize = 65_535;
/// What one waiting fragment costs beside its bytes, about.
const FRAGMENT_OVERHEAD_BYTES: usize = 96;
/// What one incomplete packet costs beside its fragments, about.
const PARTS_OVERHEAD_BYTES: usize = 256;

/// A payload put back together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Whole {
    /// The bytes, up to the first that the snap length cut off.
    pub bytes: Vec<u8>,
    /// Bytes on the wire.
    pub wire_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    protocol: u8,
}

#[derive(Debug, Serialize, Deserialize)]
struct Part {
    bytes: Box<[u8]>,
    wire_bytes: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Parts {
    since: Timestamp,
    serial: u64,
    total: Option<usize>,
    by_offset: BTreeMap<usize, Part>,
    held_bytes: usize,
}

/// A packet that is not whole yet, put away.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Waiting(Key, Parts);

/// Keeps fragments until their packet is whole.
#[derive(Debug)]
pub struct Defragmenter {
    waiting: HashMap<Key, Parts, BuildFold>,
    oldest: BTreeMap<u64, Key>,
    serial: u64,
    held_bytes: usize,
    bytes_max: usize,
    idle_ns: i64,
    given_up: u64,
}

impl Defragmenter {
    /// Holds at most `bytes_max` for at most `idle_ns` each.
    #[must_use]
    pub fn new(bytes_max: usize, idle_ns: i64, hash_seed: u64) -> Self {
        Self {
            waiting: HashMap::with_hasher(BuildFold::new(hash_seed)),
            oldest: BTreeMap::new(),
            serial: 0,
            held_bytes: 0,
            bytes_max,
            idle_ns,
            given_up: 0,
        }
    }

    /// Takes a fragment; gives the payload once it is whole.
    pub fn add(&mut self, network: &Network, fragment: &Fragment<'_>, now: Timestamp) -> Option<Whole> {
        let key = Key {
            source: network.source,
            destination: network.destination,
            identification: network.identification,
            protocol: fragment.protocol,
        };
        let end = fragment.offset.saturating_add(fragment.span.wire_bytes());
        if end > WHOLE_BYTES_MAX {
            self.given_up += 1;
            return None;
        }
        let parts = self.waiting.entry(key).or_insert_with(|| {
            self.serial += 1;
            self.oldest.insert(self.serial, key);
            self.held_bytes += PARTS_OVERHEAD_BYTES;
            Parts {
                since: now,
                serial: self.serial,
                total: None,
                by_offset: BTreeMap::new(),
                held_bytes: PARTS_OVERHEAD_BYTES,
            }
        });
        let before = parts.held_bytes;
        parts.add(fragment, end);
        self.held_bytes += parts.held_bytes - before;
        if parts.is_whole() {
            let parts = self.remove(key)?;
            return Some(parts.join());
        }
        self.shrink();
        None
    }

    /// Gives up what waits since long before `now`.
    pub fn expire(&mut self, now: Timestamp) {
        while let Some((_, &key)) = self.oldest.first_key_value() {
            if self.waiting.get(&key).is_some_and(|parts| now.since(parts.since) <= self.idle_ns) {
                return;
            }
            self.remove(key);
            self.given_up += 1;
        }
    }

    /// What waits, for [`Self::take_up`]: the oldest first.
    pub(crate) fn put_away(mut self) -> Vec<Waiting> {
        let keys: Vec<Key> = self.oldest.values().copied().collect();
        keys.into_iter().filter_map(|key| self.remove(key).map(|parts| Waiting(key, parts))).collect()
    }

    /// Waits on for what another one waited for.
    pub(crate) fn take_up(&mut self, waiting: Vec<Waiting>) {
        for Waiting(key, mut parts) in waiting {
            self.remove(key);
            self.serial += 1;
            parts.serial = self.serial;
            // Trust no sum that was written down.
            parts.held_bytes = PARTS_OVERHEAD_BYTES
                + parts
                    .by_offset
                    .values()
                    .map(|part| part.bytes.len() + FRAGMENT_OVERHEAD_BYTES)
                    .sum::<usize>();
            self.held_bytes += parts.held_bytes;
            self.oldest.insert(self.serial, key);
            self.waiting.insert(key, parts);
        }
        self.shrink();
    }

    /// Bytes held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Packets given up so far.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    fn shrink(&mut self) {
        while self.held_bytes > self.bytes_max {
            let Some((_, &key)) = self.oldest.first_key_value() else { return };
            self.remove(key);
            self.given_up += 1;
        }
    }

    fn remove(&mut self, key: Key) -> Option<Parts> {
        let parts = self.waiting.remove(&key)?;
        self.oldest.remove(&parts.serial);
        self.held_bytes -= parts.held_bytes;
        Some(parts)
    }
}

impl Parts {
    fn add(&mut self, fragment: &Fragment<'_>, end: usize) {
        let furthest = self.by_offset.last_key_value().map_or(0, |(at, part)| at + part.wire_bytes);
        if self.total.is_some_and(|total| end > total) || (!fragment.more && furthest > end) {
            return;
        }
        if !fragment.more {
            self.total.get_or_insert(end);
        }
        let mut at = fragment.offset;
        if let Some((&before, part)) = self.by_offset.range(..=at).next_back() {
            at = at.max(before + part.wire_bytes);
        }
        while at < end {
            let next = self.by_offset.range(at..).next().map(|(&next, part)| (next, next + part.wire_bytes));
            let stop = next.map_or(end, |(next, _)| next.min(end));
            if stop > at {
                let data = fragment.span.data();
                let from = (at - fragment.offset).min(data.len());
                let to = (stop - fragment.offset).min(data.len());
                let bytes: Box<[u8]> = data.get(from..to).unwrap_or_default().into();
                self.held_bytes += bytes.len() + FRAGMENT_OVERHEAD_BYTES;
                self.by_offset.insert(at, Part { bytes, wire_bytes: stop - at });
            }
            let Some((_, next_end)) = next else { return };
            at = next_end;
        }
    }

    fn is_whole(&self) -> bool {
        let Some(total) = self.total else { return false };
        let mut at = 0;
        for (&offset, part) in &self.by_offset {
            if offset != at {
                return false;
            }
            at += part.wire_bytes;
        }
        at == total
    }

    fn join(self) -> Whole {
        let wire_bytes = self.total.unwrap_or_default();
        let mut bytes = Vec::with_capacity(wire_bytes);
        for part in self.by_offset.into_values() {
            bytes.extend_from_slice(&part.bytes);
            if part.bytes.len() < part.wire_bytes {
                break;
            }
        }
        Whole { bytes, wire_bytes }
    }
}
