//! What the features of a stored model weigh, for the view `ml_models`.

use pglearn_core::pipeline::{Pipeline, Predictor};
use serde_json::{Map, Value as Json, json};

/// Absolute coefficients by feature, the mean over the margins; `None` for bytes that are no model, so
/// that one damaged version does not hide the others.
pub fn of(artifact: &[u8]) -> Option<Json> {
    let pipeline = Pipeline::decode(artifact).ok()?;
    let Predictor::Linear(linear) = &pipeline.predictor else {
        return None;
    };
    let names = pipeline.feature_names();
    let margins = linear.intercepts.len();
    let weight = |feature: usize| {
        let each = linear
            .coefficients
            .iter()
            .skip(feature)
            .step_by(names.len());
        each.map(|coefficient| coefficient.abs() / margins as f64)
            .sum::<f64>()
    };
    let pairs = names.iter().enumerate();
    let pairs = pairs.map(|(feature, name)| (name.clone(), json!(weight(feature))));
    Some(Json::Object(pairs.collect::<Map<_, _>>()))
}
