//! Where a stream of entries goes on after it was interrupted, as the text that its events have for ids.
//!
//! `PAST~CHAIN:SEGMENT.NUMBER~…` says it of every chain. Where there are many chains, most never change (imported files):
//! then the text names what they were at the stream's beginning by a digest, `PAST~#DIGEST~CHAIN:SEGMENT.NUMBER~…`, and
//! only those that have changed since. What the digests stand for is kept here for a while. A text without `~` is the
//! cursor of a page.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

use segment::{Chain, SegmentId};

use super::problem::Problem;
use indexer::{Beginning, Cursor, Position};

/// With more chains, a text names them by a digest.
const CHAINS_NAMED_MAX: usize = 12;
/// Beginnings that are kept.
const BASES_MAX: usize = 64;
/// Longer texts are none of ours.
const TEXT_BYTES_MAX: usize = 16 << 10;

/// How far every chain had come when a stream began.
pub struct Base {
    digest: String,
    chains: BTreeMap<Chain, (u64, u64)>,
}

/// Beginnings of the latest streams.
#[derive(Default)]
pub struct Bases(Mutex<VecDeque<Arc<Base>>>);

/// Where a stream begins.
pub enum Place {
    /// There.
    Known(Beginning),
    /// Nobody knows any more: it begins with what comes.
    Forgotten,
}

impl Bases {
    /// The beginning of a stream, where there are many chains.
    pub fn keep(&self, position: &Position) -> Option<Arc<Base>> {
        if position.chains.len() <= CHAINS_NAMED_MAX {
            return None;
        }
        let all = position.chains.iter().fold(String::new(), |mut all, chain| {
            part(&mut all, chain);
            all
        });
        let digest = blake3::hash(all.as_bytes()).to_hex().chars().take(16).collect();
        let mut bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = bases.iter().find(|base| base.digest == digest) {
            return Some(Arc::clone(known));
        }
        let base = Arc::new(Base { digest, chains: position.chains.clone() });
        bases.push_back(Arc::clone(&base));
        if bases.len() > BASES_MAX {
            bases.pop_front();
        }
        Some(base)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is none of ours.
    pub fn place(&self, text: &str) -> Result<Place, Problem> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(wrong());
        }
        let Some((past, chains)) = text.split_once('~') else {
            return Ok(Place::Known(Beginning::Behind(text.parse().map_err(|_| wrong())?)));
        };
        let past: Option<Cursor> = match past {
            "" => None,
            past => Some(past.parse().map_err(|_| wrong())?),
        };
        let mut position = Position { past, chains: BTreeMap::new() };
        for part in chains.split('~').filter(|part| !part.is_empty()) {
            if let Some(digest) = part.strip_prefix('#') {
                let bases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(base) = bases.iter().find(|base| base.digest == digest) else {
                    return Ok(Place::Forgotten);
                };
                position.chains.clone_from(&base.chains);
                continue;
            }
            let (chain, at) = chain_at(part).ok_or_else(wrong)?;
            position.chains.insert(chain, at);
        }
        Ok(Place::Known(Beginning::At(position)))
    }
}

/// The text of a position in a stream with this beginning.
pub fn text(position: &Position, base: Option<&Base>) -> String {
    let mut text = position.past.as_ref().map(ToString::to_string).unwrap_or_default();
    if let Some(base) = base {
        text.push_str("~#");
        text.push_str(&base.digest);
    }
    let is_new =
        |(chain, at): &(&Chain, &(u64, u64))| base.is_none_or(|base| base.chains.get(*chain) != Some(*at));
    position.chains.iter().filter(is_new).for_each(|chain| part(&mut text, chain));
    if !text.contains('~') {
        text.push('~');
    }
    text
}

fn part(text: &mut String, (chain, (sequence, number)): (&Chain, &(u64, u64))) {
    // Writing to a text can't fail.
    let _ = write!(text, "~{chain}:{sequence}.{number}");
}

fn chain_at(part: &str) -> Option<(Chain, (u64, u64))> {
    let (chain, at) = part.split_once(':')?;
    let (sequence, number) = at.split_once('.')?;
    // What is no chain's name is no segment's either.
    let chain = format!("{chain}-{:010}", 0).parse::<SegmentId>().ok()?.chain;
    Some((chain, (sequence.parse().ok()?, number.parse().ok()?)))
}

fn wrong() -> Problem {
    Problem::request("cursor: expected the id of an event of this stream, or `coverage.next` of a page")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(chains: usize) -> Position {
        let chain = |number: usize| (format!("web-{number}").parse().unwrap(), (number as u64, 7));
        Position { past: None, chains: (0..chains).map(chain).collect() }
    }

    #[track_caller]
    fn read(bases: &Bases, text: &str) -> Position {
        match bases.place(text).unwrap() {
            Place::Known(Beginning::At(position)) => position,
            _ => panic!("{text}"),
        }
    }

    #[test]
    fn positions_are_read_as_they_are_written() {
        let bases = Bases::default();
        for chains in [0, 2, 12] {
            let mut position = position(chains);
            assert!(bases.keep(&position).is_none());
            assert_eq!(read(&bases, &text(&position, None)), position);
            position.past = Some("5@web1-0000000042.17.203.flow".parse().unwrap());
            assert_eq!(read(&bases, &text(&position, None)), position);
        }
        assert!(matches!(bases.place("5@web1-0000000042.17.203"), Ok(Place::Known(Beginning::Behind(_)))));
    }

    #[test]
    fn many_chains_are_named_by_what_they_were() {
        let bases = Bases::default();
        let mut position = position(500);
        let base = bases.keep(&position).unwrap();
        position.chains.insert("web-3".parse().unwrap(), (9, 1));
        position.chains.insert("new".parse().unwrap(), (0, 1));
        let short = text(&position, Some(&base));
        assert!(short.len() < 100, "{short}");
        assert_eq!(read(&bases, &short), position);
        assert!(matches!(Bases::default().place(&short), Ok(Place::Forgotten)));
    }

    #[test]
    fn what_is_none_of_ours_is_refused() {
        for text in ["", "x", "~x", "~a:1", "~a:1.x", "~A:1.2", "5@x~a:1.2", &"~a:1.2".repeat(9_999)] {
            assert!(Bases::default().place(text).is_err(), "{text}");
        }
    }
}
