//! How good a model is on rows it did not learn from: what is kept of a hold-out, the metrics and
//! curves drawn from it, gates between two versions, and what each input contributes.
//!
//! Names follow scikit-learn; what is undefined is `None`, never NaN.

mod binary;
mod coefficients;
mod encoding;
mod gate;
mod holdout;
mod metrics;
mod multiclass;
mod permutation;
mod regression;
mod sample;

pub use binary::{BINS, Bin, RocPoint, decides_positive};
pub use coefficients::coefficient_importance;
pub use gate::{Comparison, Gate, Verdict, improvement};
pub use holdout::{Holdout, STORED_SCORES};
pub use metrics::{METRICS, Metrics, greater_is_better, metric_names, primary_metric};
pub use multiclass::Matrix;
pub use permutation::{Importance, Permuted, permutation_importance};
pub use sample::Reservoir;
