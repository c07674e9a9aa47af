//! The PostgreSQL boundary: all hand-written `unsafe`, `pg_sys` and SPI live here. What it offers to
//! the rest is safe to use.

pub mod array;
pub mod cell;
pub mod context;
pub mod entry;
pub mod error;
pub mod labels;
pub mod linregr_aggregate;
pub mod list;
pub mod monitor;
pub mod parse;
pub mod progress;
pub mod query;
pub mod rows;
pub mod scan;
pub mod table;
