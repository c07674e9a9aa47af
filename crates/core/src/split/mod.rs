//! Which rows a model learns from, and which are held out to judge it.
//!
//! A row is held out by a keyed hash of its key against a threshold, or by its time: never by its
//! rank, so that a row keeps its side while the data around it grows and whatever order it is read in.
//! Seed and key stay the same for the life of a model, hence a row that one version held out was held
//! out by every other version too, and versions can be compared on it. With a larger share the
//! hold-out only grows.

mod hash;
mod spec;
mod time;

pub use hash::{KeyHasher, is_holdout};
pub use spec::{Method, Spec};
pub use time::{order_of_number, order_of_time, time_cutoff};
