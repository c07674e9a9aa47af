//! The SQL functions of this room. `binary_classifier_auc` fills a tuple store: its SQL is in
//! `sql/catalog/metrics.sql`.

use super::regression::Metric;
use super::request::Written;
use super::{confusion_matrix as matrix, ranking, regression};
use crate::pg::call::ResultRows;
use crate::pg::entry_point;
use crate::pg::error::Failure;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Declares a metric with MADlib's five arguments.
macro_rules! metric {
    ($(#[$doc:meta])* $name:ident, $work:expr) => {
        $(#[$doc])*
        #[pg_extern(volatile, parallel_unsafe)]
        fn $name(
            table_in: Option<&str>,
            table_out: Option<&str>,
            prediction_col: Option<&str>,
            observed_col: Option<&str>,
            grouping_cols: default!(Option<&str>, "NULL"),
        ) -> Result<(), ErrorReport> {
            let function = stringify!($name);
            let written =
                Written { function, table_in, table_out, prediction_col, observed_col, grouping_cols };
            ($work)(written).map_err(ErrorReport::from)
        }
    };
}

metric!(
    /// Counts and rates at each threshold.
    binary_classifier,
    ranking::binary_classifier
);
metric!(
    /// Area under the ROC curve.
    area_under_roc,
    ranking::area_under_roc
);
metric!(
    /// Mean of |prediction - observation|.
    mean_abs_error,
    |written| regression::write(written, Metric::MeanAbsError)
);
metric!(
    /// Mean of (prediction - observation)^2.
    mean_squared_error,
    |written| regression::write(written, Metric::MeanSquaredError)
);
metric!(
    /// Mean of |prediction - observation| / |observation|.
    mean_abs_perc_error,
    |written| regression::write(written, Metric::MeanAbsPercError)
);
metric!(
    /// Mean of (prediction - observation) / |observation|.
    mean_perc_error,
    |written| regression::write(written, Metric::MeanPercError)
);
metric!(
    /// Coefficient of determination.
    r2_score,
    |written| regression::write(written, Metric::R2)
);

/// Coefficient of determination, also adjusted for the number of predictors.
#[pg_extern(volatile, parallel_unsafe)]
fn adjusted_r2_score(
    table_in: Option<&str>,
    table_out: Option<&str>,
    prediction_col: Option<&str>,
    observed_col: Option<&str>,
    num_predictors: Option<i32>,
    training_size: Option<i32>,
    grouping_cols: default!(Option<&str>, "NULL"),
) -> Result<(), ErrorReport> {
    let function = "adjusted_r2_score";
    let positive = |value: Option<i32>, name: &str| {
        value
            .and_then(|value| u64::try_from(value).ok())
            .filter(|value| *value > 0)
            .ok_or_else(|| Failure::parameter(format!("{name} must be a positive integer")))
    };
    let metric = Metric::AdjustedR2 {
        num_predictors: positive(num_predictors, "num_predictors")?,
        training_size: positive(training_size, "training_size")?,
    };
    let written = Written {
        function,
        table_in,
        table_out,
        prediction_col,
        observed_col,
        grouping_cols,
    };
    regression::write(written, metric).map_err(ErrorReport::from)
}

/// How often each class was predicted for each observed class.
#[pg_extern(volatile, parallel_unsafe)]
fn confusion_matrix(
    table_in: Option<&str>,
    table_out: Option<&str>,
    prediction_col: Option<&str>,
    observed_col: Option<&str>,
) -> Result<(), ErrorReport> {
    let function = "confusion_matrix";
    let grouping_cols = None;
    matrix::write(Written {
        function,
        table_in,
        table_out,
        prediction_col,
        observed_col,
        grouping_cols,
    })
    .map_err(ErrorReport::from)
}

entry_point!(
    /// `binary_classifier_auc(table_in, table_out, prediction_col, observed_col, grouping_cols)`
    pglearn_binary_classifier_auc,
    pg_finfo_pglearn_binary_classifier_auc,
    |call| {
        let [table_in, table_out, prediction_col, observed_col, grouping_cols] =
            [0, 1, 2, 3, 4].map(|at| call.text(at));
        let written = Written {
            function: "binary_classifier_auc",
            table_in: table_in.as_deref(),
            table_out: table_out.as_deref(),
            prediction_col: prediction_col.as_deref(),
            observed_col: observed_col.as_deref(),
            grouping_cols: grouping_cols.as_deref(),
        };
        ranking::binary_classifier_auc(written, &mut ResultRows::new(call)?)?;
        Ok(None)
    }
);
