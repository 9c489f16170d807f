//! Totals by label, of so many labels at most.

use std::collections::HashMap;

/// A total that totals of the same can be added to.
pub trait Total: Default {
    /// Adds another one.
    fn add(&mut self, other: Self);
}

/// Totals by label. What has a label beyond the limit is counted together.
#[derive(Debug)]
pub struct Labelled<T> {
    by_label: HashMap<String, T>,
    others: Option<T>,
    labels_max: usize,
}

impl<T: Total> Labelled<T> {
    /// Without any label yet.
    #[must_use]
    pub fn new(labels_max: usize) -> Self {
        Self { by_label: HashMap::new(), others: None, labels_max }
    }

    /// The total of a label.
    pub fn at(&mut self, label: &str) -> &mut T {
        if !self.by_label.contains_key(label) {
            if self.by_label.len() >= self.labels_max {
                return self.others.get_or_insert_default();
            }
            self.by_label.insert(label.to_owned(), T::default());
        }
        // There since the line before; the alternative is never taken.
        match self.by_label.get_mut(label) {
            Some(total) => total,
            None => self.others.get_or_insert_default(),
        }
    }

    /// Adds to the total of a label.
    pub fn add(&mut self, label: &str, total: T) {
        self.at(label).add(total);
    }

    /// Adds all totals of another one.
    pub fn merge(&mut self, other: Self) {
        if self.by_label.is_empty() && self.others.is_none() {
            *self = other;
            return;
        }
        for (label, total) in other.by_label {
            self.add(&label, total);
        }
        if let Some(others) = other.others {
            self.others.get_or_insert_default().add(others);
        }
    }

    /// How many labels have a total of their own.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_label.len()
    }

    /// The totals, in no order.
    pub fn totals(&self) -> impl Iterator<Item = &T> {
        self.by_label.values().chain(&self.others)
    }

    /// The totals in order of their labels, and that of all labels beyond the limit.
    #[must_use]
    pub fn into_sorted(self) -> (Vec<(String, T)>, Option<T>) {
        let mut totals: Vec<_> = self.by_label.into_iter().collect();
        totals.sort_by(|(a, _), (b, _)| a.cmp(b));
        (totals, self.others)
    }
}

impl Total for u64 {
    fn add(&mut self, other: Self) {
        *self += other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_beyond_the_limit_are_counted_together() {
        let mut some = Labelled::<u64>::new(2);
        for label in ["b", "a", "c", "a", "d"] {
            *some.at(label) += 1;
        }
        let mut other = Labelled::new(2);
        *other.at("a") += 5;
        *other.at("z") += 7;
        some.merge(other);
        let expected = vec![("a".to_owned(), 7), ("b".to_owned(), 1)];
        assert_eq!((some.len(), some.into_sorted()), (2, (expected, Some(9))));
    }
}
