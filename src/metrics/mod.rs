//! How good predictions are, by MADlib's names: each function reads predictions and observations
//! and writes a table.

mod api;
mod confusion_matrix;
mod ranking;
mod regression;
mod request;

pgrx::extension_sql_file!(
    "../../sql/catalog/metrics.sql",
    name = "metrics",
    requires = [
        api::binary_classifier,
        api::area_under_roc,
        api::confusion_matrix,
        api::mean_abs_error,
        api::mean_squared_error,
        api::mean_abs_perc_error,
        api::mean_perc_error,
        api::r2_score,
        api::adjusted_r2_score
    ]
);
