//! From the columns of a user to the columns of a design: what is learned about each column, on the
//! training rows only, and stored with the model.
//!
//! Automatic rules, each of which [`Options`] can change:
//!
//! - numbers stay numbers, standardised as by scikit-learn's `StandardScaler` (population standard
//!   deviation, over imputed values) where the algorithm wants it; a missing one is imputed by the median;
//! - booleans are 0 and 1 and not scaled; a missing one is imputed by the more frequent;
//! - texts and enums are one-hot encoded as by scikit-learn's `OneHotEncoder`: categories with fewer than
//!   max(2, 0.1 % of the training rows) rows, and those that do not fit into 100 columns, share the bucket
//!   `(rare)`, which also stands for categories that training did not see; where `max_categories` is
//!   given, two rows suffice; a missing one is imputed by the most frequent;
//! - dates and timestamps become year, month, day, day of the week and hour in UTC, as far as they vary;
//!   a missing one is imputed by the median;
//! - where at least 5 % of the training rows are missing, one more column says so;
//! - constant columns, columns without values and those that look like identifiers are left out, and a
//!   column that alone tells the target is named (see [`Decision`]).
//!
//! Statistics are not weighted.
//!
//! Where it differs from scikit-learn: categories of equal frequency are taken in the order of their
//! bytes (there the last ones); a bucket is made only where something is rare (there also where there
//! are exactly `max_categories` categories); missing values of an unpenalised fit's column are imputed
//! before the reference category, the most frequent one, is left out.

mod categories;
mod chance;
mod decide;
mod design;
mod distinct;
mod identifier;
mod leak;
mod number;
mod options;
mod overview;
mod quantile;
mod scan;
#[cfg(test)]
mod tests;
mod time;

pub use decide::{Decision, Leak, decide};
pub use design::{MOST_FEATURES, design, design_bytes};
pub use options::{ColumnOptions, Fill, Frequency, Impute, Options};
