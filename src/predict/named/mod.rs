//! `predict(model, …)` and its siblings: a row in any of its forms, scored by a named model.
//!
//! Once for a place in a statement (`site`) it is settled which version answers, which form the row
//! has (`form`) and where each value of it goes ([`binding`](crate::registry::binding)); then each row is read in place and
//! scored. A row is one of:
//!
//! * a composite value: columns are matched by name, others are ignored, a missing one is an error
//!   (`row`);
//! * a `jsonb` object, or a literal that begins with `{`: members are matched by name in the same way; a
//!   value is understood as `jsonb_populate_record` would, but that a number for an interval or a time is
//!   its seconds, and that objects and arrays within are no text (`json`);
//! * an array, or `VARIADIC array`: one element a value, in the order of training; numbers for a model
//!   of numbers and booleans, `text[]` for any model, each element read as its input's type (`array`);
//! * scalars in the order of training: one an input (an array input takes an array), or one a value
//!   (`scalars`).
//!
//! A NULL row, array or object gives NULL; a NULL value in it is missing, and what that means was
//! decided in training. The same values give the same bits in every form.

mod array;
mod entry;
mod form;
mod json;
mod output;
mod row;
mod scalars;
mod site;

pub use site::with_row;

pgrx::extension_sql_file!(
    "../../../sql/catalog/predict_named.sql",
    name = "predict_named",
    requires = ["serving"]
);
