//! How often an address may ask: each has so many requests at once, and so many more each second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Requests at once, and those that come back each second. A page asks some twenty at once.
const AT_ONCE: f64 = 4_000.0;
const PER_SECOND: f64 = 1_000.0;
/// A wrong token costs as much as so many requests: guessing is slower than anything else.
const WRONG_TOKEN: f64 = 400.0;
/// Addresses that are remembered; the one that has most left is forgotten first.
const ADDRESSES_MAX: usize = 4_096;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cost {
    /// Any request.
    Request,
    /// One with a token that is none.
    WrongToken,
}

/// What each address has left.
#[derive(Default)]
pub struct Rates(Mutex<HashMap<IpAddr, Left>>);

#[derive(Clone, Copy)]
struct Left {
    requests: f64,
    at: Instant,
}

impl Left {
    fn now(self, now: Instant) -> f64 {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        (self.requests + since * PER_SECOND).min(AT_ONCE)
    }
}

impl Rates {
    /// Counts something that an address asks.
    ///
    /// # Errors
    /// Seconds to wait, when it has nothing left.
    pub fn spend(&self, address: IpAddr, cost: Cost, now: Instant) -> Result<(), u32> {
        let cost = match cost {
            Cost::Request => 1.0,
            Cost::WrongToken => WRONG_TOKEN,
        };
        let address = network(address);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ADDRESSES_MAX && !known.contains_key(&address) {
            let richest = known.iter().max_by(|(_, a), (_, b)| a.now(now).total_cmp(&b.now(now)));
            richest.map(|(address, _)| *address).and_then(|address| known.remove(&address));
        }
        let left = known.get(&address).map_or(AT_ONCE, |left| left.now(now));
        let is_enough = left >= cost;
        // Who goes on asking with nothing left waits no longer for it.
        let requests = if is_enough { left - cost } else { left };
        known.insert(address, Left { requests, at: now });
        if is_enough { Ok(()) } else { Err(((cost - left) / PER_SECOND).ceil().max(1.0) as u32) }
    }
}

/// One customer has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => IpAddr::V4(mapped),
            None => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_address_that_asks_too_often_waits_and_others_do_not() {
        let (rates, now) = (Rates::default(), Instant::now());
        let one: IpAddr = "10.0.0.1".parse().unwrap();
        for _ in 0..10 {
            assert_eq!(rates.spend(one, Cost::WrongToken, now), Ok(()));
        }
        assert_eq!(rates.spend(one, Cost::Request, now), Err(1));
        assert_eq!(rates.spend("10.0.0.2".parse().unwrap(), Cost::Request, now), Ok(()));
        let later = now + Duration::from_millis(5);
        assert_eq!(rates.spend(one, Cost::Request, later), Ok(()));
    }

    #[test]
    fn memory_is_bounded_whoever_asks() {
        let (rates, now) = (Rates::default(), Instant::now());
        for number in 0..2 * ADDRESSES_MAX as u32 {
            let _ = rates.spend(IpAddr::V4(number.into()), Cost::Request, now);
        }
        assert!(rates.0.lock().unwrap().len() <= ADDRESSES_MAX);
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::2".parse().unwrap()));
        assert_eq!(network("::ffff:10.0.0.1".parse().unwrap()), network("10.0.0.1".parse().unwrap()));
    }
}
