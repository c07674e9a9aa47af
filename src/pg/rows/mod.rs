//! Rows of any source, one pass, values as a model sees them: what `train`, `evaluate` and
//! `predict_batch` read with.
//!
//! [`describe`] tells the columns of a source without running it. [`Rows::open`] plans a query of the
//! columns asked for (privileges of other columns are not needed), [`Rows::read`] runs it into a sink
//! with the caller's snapshot and rights, row-level security included, never in parallel: rows come
//! in one order.

mod column;
mod key;
mod layout;
mod open;
mod view;

pub use column::{
    SourceColumn, describe, element_kind, enum_labels, relations, temporary_relation,
};
pub use key::Key;
pub use layout::RowLayout;
pub use open::{Rows, read};
pub use view::RowView;
