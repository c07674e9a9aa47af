//! Scoring: from coefficients and one row of features to a prediction.

mod entry;
mod margin;
pub mod named;
pub mod row_scorer;
mod score_on_insert;

pgrx::extension_sql_file!("../../sql/catalog/predict.sql", name = "predict");
