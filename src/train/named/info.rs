//! What a version holds: its inputs, its weights, how it was trained.

use crate::pg::error::Result;
use crate::pg::text::time_text;
use crate::registry::serving::serving;
use crate::registry::version::{VersionRow, version_row};
use pglearn_core::pipeline::{Encoder, Encoding, Input, InputKind, Linear, Predictor, TargetKind};
use serde_json::Value as Json;

/// A row of `feature_info`.
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureInfo {
    /// The column, or `column[i]`.
    pub feature: String,
    /// Its type.
    pub sql_type: String,
    /// `number`, `one_hot`, `time` or `ignored`.
    pub encoding: &'static str,
    /// Subtracted from a number.
    pub center: Option<f64>,
    /// A number is divided by it.
    pub scale: Option<f64>,
    /// What stands for a missing value; `None` where a row with one is not scored.
    pub impute: Option<String>,
    /// Whether a column tells that the value is missing.
    pub indicator: bool,
    /// The categories, by falling frequency.
    pub categories: Option<Vec<String>>,
    /// The category without a column.
    pub reference: Option<String>,
    /// The columns of the design that it becomes.
    pub encoded: Vec<String>,
}

/// The inputs of a version in the order of training, a slot a row.
///
/// # Errors
/// Those of [`serving`].
pub fn feature_info(model: &str) -> Result<Vec<FeatureInfo>> {
    let serving = serving(model)?;
    let pipeline = &serving.pipeline;
    let inputs = pipeline
        .inputs
        .iter()
        .flat_map(|input| std::iter::repeat_n(input, input.slots()));
    Ok(inputs
        .zip(&pipeline.encoders)
        .map(|(input, encoder)| feature(input, encoder))
        .collect())
}

fn feature(input: &Input, encoder: &Encoder) -> FeatureInfo {
    let mut info = FeatureInfo {
        feature: encoder.slot.clone(),
        sql_type: input.sql_type.clone(),
        encoding: "ignored",
        center: None,
        scale: None,
        impute: None,
        indicator: encoder.indicator,
        categories: None,
        reference: None,
        encoded: encoder.features(),
    };
    match &encoder.encoding {
        Encoding::Number {
            center,
            scale,
            impute,
        } => {
            info.encoding = "number";
            info.center = Some(*center);
            info.scale = Some(*scale);
            info.impute = Some(match input.kind {
                InputKind::Boolean if *impute == 0.0 => "false".to_owned(),
                InputKind::Boolean if *impute == 1.0 => "true".to_owned(),
                _ => impute.to_string(),
            });
        }
        Encoding::OneHot {
            categories,
            reference,
            impute,
            ..
        } => {
            let category = |number: u32| categories.get(number as usize).cloned();
            info.encoding = "one_hot";
            info.impute = category(*impute).or_else(|| Some("(unknown)".to_owned()));
            info.reference = reference.and_then(category);
            info.categories = Some(categories.clone());
        }
        Encoding::Time { impute, .. } => {
            info.encoding = "time";
            info.impute = Some(time_text(*impute, input.kind == InputKind::Date));
        }
        Encoding::Ignored => {}
    }
    if encoder.refuse_missing {
        info.impute = None;
    }
    info
}

/// A row of `weights`.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// The class whose margin it belongs to; of two classes the positive one.
    pub class: Option<String>,
    /// The encoded feature, or `intercept`.
    pub feature: String,
    /// Of the encoded feature.
    pub weight: f64,
    /// Its standard error, where the method has one.
    pub std_err: Option<f64>,
    /// Of the column in its own units: the weight over the scale; of the intercept, where every number
    /// is 0.
    pub weight_per_unit: f64,
}

/// The weights of a version, margin after margin, the intercept first.
///
/// # Errors
/// Those of [`serving`].
pub fn weights(model: &str) -> Result<Vec<Weight>> {
    let serving = serving(model)?;
    let pipeline = &serving.pipeline;
    let Predictor::Linear(linear) = &pipeline.predictor else {
        return Err(crate::pg::error::Failure::new(
            pgrx::PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!(
                "model \"{}\" is not linear: it has no weights",
                serving.model
            ),
        ));
    };
    let features: Vec<String> = pipeline
        .encoders
        .iter()
        .flat_map(Encoder::features)
        .collect();
    let units: Vec<(f64, f64)> = pipeline.encoders.iter().flat_map(units).collect();
    let mut rows = Vec::new();
    for margin in 0..linear.intercepts.len() {
        let class = class_of(&pipeline.target.kind, margin);
        rows.extend(margin_weights(linear, margin, class, &features, &units));
    }
    Ok(rows)
}

/// The class whose margin it is.
fn class_of(kind: &TargetKind, margin: usize) -> Option<String> {
    match kind {
        TargetKind::Number => None,
        TargetKind::Classes { classes, .. } if classes.len() == 2 => classes.last().cloned(),
        TargetKind::Classes { classes, .. } => classes.get(margin).cloned(),
    }
}

fn margin_weights(
    linear: &Linear,
    margin: usize,
    class: Option<String>,
    features: &[String],
    units: &[(f64, f64)],
) -> Vec<Weight> {
    let width = features.len();
    let coefficients = &linear.coefficients[margin * width..(margin + 1) * width];
    let errors = linear
        .std_err
        .get(margin * (width + 1)..(margin + 1) * (width + 1));
    let error = |place: usize| {
        let error = errors.and_then(|errors| errors.get(place)).copied();
        error.filter(|error| !error.is_nan())
    };
    let intercept = linear.intercepts[margin];
    let shift: f64 = coefficients
        .iter()
        .zip(units)
        .map(|(weight, (center, scale))| weight * center / scale)
        .sum();
    let mut rows = vec![Weight {
        class: class.clone(),
        feature: "intercept".to_owned(),
        weight: intercept,
        std_err: error(0),
        weight_per_unit: intercept - shift,
    }];
    for (place, (weight, feature)) in coefficients.iter().zip(features).enumerate() {
        rows.push(Weight {
            class: class.clone(),
            feature: feature.clone(),
            weight: *weight,
            std_err: error(place + 1),
            weight_per_unit: weight / units[place].1,
        });
    }
    rows
}

/// Center and scale of each column of an encoder.
fn units(encoder: &Encoder) -> Vec<(f64, f64)> {
    let mut units = match &encoder.encoding {
        Encoding::Number { center, scale, .. } => vec![(*center, *scale)],
        Encoding::Time { parts, .. } => {
            parts.iter().map(|part| (part.center, part.scale)).collect()
        }
        Encoding::OneHot { .. } | Encoding::Ignored => Vec::new(),
    };
    units.resize(encoder.width(), (0.0, 1.0));
    units
}

/// How a version was trained, as keys and values.
///
/// # Errors
/// Those of [`version_row`].
pub fn training_info(model: &str) -> Result<Vec<(String, Option<String>)>> {
    let row = version_row(model)?;
    let mut info = Vec::new();
    let mut put = |key: &str, value: Option<String>| info.push((key.to_owned(), value));
    put("model", Some(row.model.clone()));
    put("version", Some(row.version.to_string()));
    put("algorithm", Some(row.algorithm.clone()));
    put("task", Some(row.task.clone()));
    put("target", Some(row.target.clone()));
    if let Some(classes) = &row.classes {
        put("classes", Some(classes.join(", ")));
    }
    put("source", source(&row));
    put(
        "search_path",
        row.recipe["search_path"].as_str().map(str::to_owned),
    );
    put("signature", Some(row.signature.join(", ")));
    put("metric", row.metric.clone());
    put("created_at", Some(row.created_at.clone()));
    put("created_by", Some(row.created_by.clone()));
    put(
        "warnings",
        Some(row.warnings.join("; ")).filter(|text| !text.is_empty()),
    );
    flatten("hyperparams", &row.hyperparams, &mut info);
    flatten("split", &row.recipe["split"], &mut info);
    flatten("", &row.training, &mut info);
    flatten("metrics", &row.metrics, &mut info);
    Ok(info)
}

/// The relation as it is called now, or the query.
fn source(row: &VersionRow) -> Option<String> {
    let current = row.source.map(crate::pg::parse::quoted_name);
    let stored = || {
        row.recipe["relation"]
            .as_str()
            .or_else(|| row.recipe["query"].as_str())
    };
    current
        .filter(|name| name != "\"\"")
        .or_else(|| stored().map(str::to_owned))
}

/// The members of an object, each with the way down to it.
fn flatten(path: &str, value: &Json, into: &mut Vec<(String, Option<String>)>) {
    match value {
        Json::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                flatten(&path, member, into);
            }
        }
        Json::Null => into.push((path.to_owned(), None)),
        Json::String(text) => into.push((path.to_owned(), Some(text.clone()))),
        Json::Array(list) if list.iter().all(Json::is_string) => {
            let texts: Vec<&str> = list.iter().filter_map(Json::as_str).collect();
            into.push((path.to_owned(), Some(texts.join(", "))));
        }
        other => into.push((path.to_owned(), Some(other.to_string()))),
    }
}
