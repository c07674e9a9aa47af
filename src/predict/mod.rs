//! Scoring: from coefficients and one row of features to a prediction.

pub mod margin;

pgrx::extension_sql_file!("../../sql/catalog/predict.sql", name = "predict");
