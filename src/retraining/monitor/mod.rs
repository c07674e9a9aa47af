//! The trigger: what a statement did to a watched relation is written down and counted.
//!
//! It runs as the writer, who needs no rights on the extension's tables: rows are put there without the
//! executor, and nothing of a user's runs meanwhile. No operator, cast or output function is called on
//! the values; what is not of a built-in type or an enum is only looked at for NULL.
//!
//! Triggers that `watch` made have the argument `watch`, and do nothing where nobody watches. One that
//! was written by hand acts as a watch without a model, under the number 0, on a relation that nobody
//! watches otherwise.

mod columns;
mod left;
mod run;
mod statistics;

use crate::pg::entry_point;

/// The argument of triggers that `watch` makes.
pub const MADE_BY_WATCH: &str = "watch";

pub use run::written_by_hand;

entry_point!(
    /// `monitor_new_data() -> trigger`
    pglearn_monitor_new_data,
    pg_finfo_pglearn_monitor_new_data,
    |call| run::monitor(call).map(Some)
);

pgrx::extension_sql_file!(
    "../../../sql/catalog/monitor.sql",
    name = "monitor",
    requires = ["retraining"]
);
