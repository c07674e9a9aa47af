//! From the text of a category to its contributions.

use std::collections::HashMap;

use super::super::category::NumberText;

/// Categories up to which comparing one after the other beats hashing.
const FEW: usize = 8;

/// Finds the number of a category.
#[derive(Debug)]
pub(super) enum Categories {
    Few(Box<[Box<str>]>),
    Many(HashMap<Box<str>, u32>),
}

impl Categories {
    pub fn new(categories: &[String]) -> Self {
        let boxed = categories.iter().map(|category| category.as_str().into());
        if categories.len() <= FEW {
            Self::Few(boxed.collect())
        } else {
            Self::Many(boxed.zip(0..).collect())
        }
    }

    #[inline]
    pub fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Few(few) => few.iter().position(|category| **category == *text),
            Self::Many(many) => many.get(text).map(|place| *place as usize),
        }
    }
}

/// Finds the number of a category that is the text of a number, without writing that text.
#[derive(Debug, Default)]
pub(super) struct Numbers(HashMap<u64, u32>);

impl Numbers {
    pub fn new(categories: &[String]) -> Self {
        let number = |(category, place): (&String, u32)| {
            let number: f64 = category.parse().ok()?;
            let same = NumberText::new(number).as_str() == category;
            same.then_some((number.to_bits(), place))
        };
        Self(categories.iter().zip(0..).filter_map(number).collect())
    }

    /// `number` is neither NaN nor infinite.
    #[inline]
    pub fn find(&self, number: f64) -> Option<usize> {
        let key = (number + 0.0).to_bits();
        self.0.get(&key).map(|place| *place as usize)
    }
}
