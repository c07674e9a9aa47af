//! The table of a training in memory: a column a slot, rows in tiles, texts as codes.
//!
//! `train()` reads its source once. Each row is written here cell by cell ([`Frame::set`],
//! [`Frame::commit_row`]), its target into [`Labels`] and its side of the split into a [`RowSet`];
//! [`preprocess`](crate::preprocess) then decides on encodings and makes the design.

mod dictionary;
mod fingerprint;
mod labels;
mod rows;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use dictionary::Category;
pub use dictionary::{MOST_CATEGORIES, OVERFLOW};
pub use labels::{LabelSource, Labels, MOST_CLASSES, class_counts};
pub use rows::RowSet;
pub use table::Frame;
