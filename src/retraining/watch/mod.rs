//! `watch` and `unwatch`: which relations take part in the loop.
//!
//! A watch is a row of the table `watches`, four statement triggers on the relation and on each of its
//! partitions (a statement that names a partition fires the triggers of that partition alone), and a first
//! announcement, from which on changes are counted.
//!
//! Triggers do not fire for rows that logical replication applies; [`poll`](super::sweep) counts those.

pub(super) mod api;
mod install;
mod model;
mod settings;
mod target;
pub mod triggers;
mod uninstall;
