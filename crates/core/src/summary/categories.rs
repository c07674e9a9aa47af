//! How often each text occurs, of those that occur most often.

use std::collections::HashMap;

/// Different texts that are told apart while counting.
const TRACKED: usize = 1000;
/// The same of all the columns of a table together, which bounds the memory they take; each column has
/// as many as are reported.
const TRACKED_IN_ALL: usize = 100_000;
/// Texts that are reported.
const REPORTED: usize = 100;
/// Bytes of the longest text that is taken for a category; what is longer is no category but prose.
const LONGEST: usize = 100;

/// Counts of texts.
///
/// The first 1,000 different ones (fewer in a table of more than 100 columns, but at least 100) are
/// counted exactly, and the 100 most frequent of them reported. All others, and texts of more than 100
/// bytes, are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories {
    counts: HashMap<Box<str>, u64>,
    tracked: usize,
    others: u64,
    count: u64,
}

/// A text and how often it occurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Category<'a> {
    /// The text.
    pub name: &'a str,
    /// How often it occurs.
    pub count: u64,
}

impl Categories {
    /// Of no values, in a table of so many columns.
    #[must_use]
    pub fn among(columns: usize) -> Self {
        Self {
            counts: HashMap::new(),
            tracked: (TRACKED_IN_ALL / columns.max(1)).clamp(REPORTED, TRACKED),
            others: 0,
            count: 0,
        }
    }

    /// Adds a text.
    #[inline]
    pub fn add(&mut self, text: &str) {
        self.add_many(text, 1);
    }

    /// Adds a value that is told apart from no other.
    pub fn add_other(&mut self) {
        self.count += 1;
        self.others += 1;
    }

    fn add_many(&mut self, text: &str, times: u64) {
        self.count += times;
        if let Some(count) = self.counts.get_mut(text) {
            *count += times;
        } else if self.counts.len() < self.tracked && text.len() <= LONGEST {
            self.counts.insert(text.into(), times);
        } else {
            self.others += times;
        }
    }

    /// Adds what other counts are of.
    pub fn merge(&mut self, other: &Self) {
        let mut names: Vec<_> = other.counts.iter().collect();
        // In an order of their own: a map has none.
        names.sort_unstable_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        for (name, count) in names {
            self.add_many(name, *count);
        }
        self.others += other.others;
        self.count += other.others;
    }

    /// Values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The most frequent texts, those as frequent in the order of their bytes, as long as their lengths
    /// together are not above `bytes`; and the number of all other values.
    #[must_use]
    pub fn most_frequent(&self, bytes: usize) -> (Vec<Category<'_>>, u64) {
        let named = self.counts.iter();
        let mut categories: Vec<_> = named
            .map(|(name, count)| Category {
                name,
                count: *count,
            })
            .collect();
        categories.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(b.name)));
        let mut total = 0;
        let fitting = categories.iter().take(REPORTED).take_while(|category| {
            total += category.name.len();
            total <= bytes
        });
        let kept = fitting.count();
        let rest: u64 = categories[kept..]
            .iter()
            .map(|category| category.count)
            .sum();
        categories.truncate(kept);
        (categories, rest + self.others)
    }
}
