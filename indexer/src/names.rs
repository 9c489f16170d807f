//! Which names an address had, and when.

use std::collections::HashMap;
use std::net::IpAddr;

use segment::Timestamp;
use serde::{Deserialize, Serialize};

/// Addresses with a name; a cluster has far fewer, a forged record file may not.
const ADDRESSES_MAX: usize = 65_536;
/// Changes kept per address: the oldest are forgotten.
const CHANGES_MAX: usize = 256;

/// Names by address, as the name records of the segments tell them in passing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Names {
    /// By address, in order of time: from when on, and the name.
    changes: HashMap<IpAddr, Vec<(Timestamp, String)>>,
}

impl Names {
    /// Takes in what a record says of the time from `since` on.
    pub fn learn(&mut self, records: &segment::Names, since: Timestamp) {
        for record in &records.records {
            let Some(name) = record.names.first() else { continue };
            if self.changes.len() >= ADDRESSES_MAX && !self.changes.contains_key(&record.address) {
                continue;
            }
            let changes = self.changes.entry(record.address).or_default();
            if changes.last().is_none_or(|(_, last)| last != name) {
                changes.push((since, name.clone()));
            }
            if changes.len() > CHANGES_MAX {
                changes.remove(0);
            }
        }
    }

    /// The name that `address` had at `instant`; before the first record, the first name known.
    #[must_use]
    pub fn at(&self, address: IpAddr, instant: Timestamp) -> Option<&str> {
        let changes = self.changes.get(&address)?;
        let known = changes.partition_point(|(since, _)| *since <= instant);
        changes.get(known.saturating_sub(1)).map(|(_, name)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_name_of_the_instant() {
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let record = |name: &str| segment::Names {
            records: vec![segment::NameRecord { address, names: vec![name.to_owned()] }],
        };
        let at = Timestamp::from_nanos;
        let mut names = Names::default();
        names.learn(&record("cart"), at(10));
        names.learn(&record("payment"), at(20));
        assert_eq!(names.at(address, at(5)), Some("cart"));
        assert_eq!(names.at(address, at(19)), Some("cart"));
        assert_eq!(names.at(address, at(20)), Some("payment"));
        assert_eq!(names.at("10.0.0.2".parse().unwrap(), at(20)), None);
    }
}
