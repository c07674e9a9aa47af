//! Scoring: from coefficients and one row of features to a prediction.

mod entry;
mod margin;

pgrx::extension_sql_file!("../../sql/catalog/predict.sql", name = "predict");
