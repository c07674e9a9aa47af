//! The learners behind `train()`, through the table of algorithms.

#![allow(clippy::unwrap_used, clippy::panic)]

mod edges;
mod options;
mod phases;
mod polls;
mod reference;
mod rows;
mod speed;
mod wide;
