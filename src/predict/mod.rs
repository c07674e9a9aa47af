//! Scoring: from coefficients and one row of features to a prediction.

mod api;
mod compile;
mod deploy;
mod entry;
mod explain;
mod margin;
pub mod named;
mod parameters;
mod score_on_insert;

pgrx::extension_sql_file!("../../sql/catalog/predict.sql", name = "predict");
pgrx::extension_sql_file!(
    "../../sql/catalog/functions.sql",
    name = "functions",
    requires = [api::compile, api::deploy, "predict_named"]
);
