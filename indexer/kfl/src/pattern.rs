//! What values can match besides being equal: a regular expression, a range of numbers, a network.

use std::net::{IpAddr, Ipv6Addr};

use serde_json::Number;

use crate::scalar::{Numeric, Scalar};

/// A compiled regular expression: case-sensitive, unanchored, in linear time. Equal to another if the source is.
#[derive(Clone, Debug)]
pub struct Regex(regex::Regex);

/// What one compiled expression may take: enough for any that a person writes, too little to hurt.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// How deep groups may nest within one: the compiler is recursive.
const REGEX_NESTING_MAX: u32 = 64;

impl Regex {
    /// Compiles `source`.
    ///
    /// # Errors
    /// Says why it is no regular expression, or that it is too large.
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        regex::RegexBuilder::new(source)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .nest_limit(REGEX_NESTING_MAX)
            .build()
            .map(Self)
    }

    /// What it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches somewhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

/// Numbers from one to another; both belong to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    low: Number,
    high: Number,
}

impl Range {
    /// The numbers from `low` to `high`; `None` if there are none.
    #[must_use]
    pub fn new(low: Number, high: Number) -> Option<Self> {
        let order = Numeric::of(&low)?.order(Numeric::of(&high)?)?;
        order.is_le().then_some(Self { low, high })
    }

    /// The least number in it.
    #[must_use]
    pub fn low(&self) -> &Number {
        &self.low
    }

    /// The greatest number in it.
    #[must_use]
    pub fn high(&self) -> &Number {
        &self.high
    }

    /// Whether `scalar` is a number in it, or spells one.
    pub(crate) fn contains(&self, scalar: Scalar<'_>) -> bool {
        let bound = |number: &Number| Numeric::of(number).map(Scalar::Number);
        let (Some(low), Some(high)) = (bound(&self.low), bound(&self.high)) else { return false };
        scalar.order(low).is_some_and(std::cmp::Ordering::is_ge)
            && scalar.order(high).is_some_and(std::cmp::Ordering::is_le)
    }
}

/// Addresses that begin alike, of IPv4 or IPv6: `10.0.0.0/8`. One address alone is a network too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// With zeros behind the prefix.
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or a single address. Bits behind the prefix don't matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        (prefix <= width).then(|| Self { address: masked(address, prefix), prefix })
    }

    /// The first address in it.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits its addresses share.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether `address` belongs to it. An IPv4 address that IPv6 wraps (`::ffff:10.0.0.1`) counts as itself.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = if self.address.is_ipv4() { address.to_canonical() } else { address };
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.prefix) == self.address
    }

    /// Whether `scalar` is a text that spells an address in it.
    pub(crate) fn contains_scalar(&self, scalar: Scalar<'_>) -> bool {
        matches!(scalar, Scalar::Text(text) if text.parse().is_ok_and(|address| self.contains(address)))
    }
}

/// `address` with zeros behind `prefix` bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let shift = |width: u8| u32::from(width.saturating_sub(prefix));
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(shift(32)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(shift(128)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, Range};

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| {
            Network::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.255.0.1"));
        assert!(holds("10.1.2.3/8", "10.255.0.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("0.0.0.0/0", "255.1.2.3"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("10.0.0.1", "::ffff:10.0.0.1"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::1"));
        assert!(holds("::/0", "::1"));
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/+8", "x", ""] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_has_something_in_it() {
        assert!(Range::new(1.into(), 1.into()).is_some());
        assert!(Range::new(2.into(), 1.into()).is_none());
    }
}
