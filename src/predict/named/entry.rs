//! The functions as PostgreSQL calls them, once a row (`sql/catalog/predict_named.sql`).

use super::output::Output;
use super::site::{predict, predict_number};
use crate::pg::entry_point;

entry_point!(
    /// `predict(model, …)` and `predict_json(model, input)`
    pglearn_predict,
    pg_finfo_pglearn_predict,
    answer_double: |call| predict_number(call, Output::Number)
);

entry_point!(
    /// `predict_class(model, …)` and `predict_class_json(model, input)`
    pglearn_predict_class,
    pg_finfo_pglearn_predict_class,
    |call| predict(call, Output::Class)
);

entry_point!(
    /// `predict_proba(model, …)` and `predict_proba_json(model, input)`
    pglearn_predict_proba,
    pg_finfo_pglearn_predict_proba,
    answer_double: |call| predict_number(call, Output::Probability)
);

entry_point!(
    /// `predict_probas(model, …)`
    pglearn_predict_probas,
    pg_finfo_pglearn_predict_probas,
    |call| predict(call, Output::Probabilities)
);

entry_point!(
    /// `predict_record(model, …)`
    pglearn_predict_record,
    pg_finfo_pglearn_predict_record,
    |call| predict(call, Output::Record)
);
