//! The PostgreSQL boundary: all hand-written `unsafe`, `pg_sys` and SPI live here. What it offers to
//! the rest is safe to use.

pub mod aggregate;
pub mod array;
pub mod at_commit;
pub mod background;
pub mod call;
pub mod catalog_scan;
pub mod cell;
pub mod composite;
pub mod context;
pub mod elements;
pub mod error;
mod executor;
pub mod function;
pub mod heap_insert;
pub mod identity;
pub mod json;
pub mod jsonb;
pub mod labels;
pub mod list;
pub mod literal;
pub mod moment;
pub mod monitor;
pub mod numeric;
pub mod parse;
pub mod progress;
pub mod query;
mod reader;
pub mod reference;
pub mod relation;
pub mod result_row;
pub mod rows;
pub mod scan;
pub mod site;
pub mod sql;
pub mod subtransaction;
pub mod table;
mod targets;
pub mod terms;
pub mod text;
pub mod transaction;
pub mod trigger;
pub mod tuple_store;
pub mod types;
pub mod value;

pub use crate::pglearn_entry_point as entry_point;
