//! What a version remembers of its training.

use super::holdout::Judged;
use super::learn::{Data, Fitted};
use super::model::CONTENT;
use super::request::Request;
use crate::pg::error::{Failure, Result};
use crate::pg::identity;
use crate::pg::parse;
use crate::pg::rows::relations;
use crate::pg::sql;
use crate::registry::publish::{NewVersion, Published, publish};
use pglearn_core::evaluation::primary_metric;
use pglearn_core::monitor::Monitor;
use pglearn_core::pipeline::{Input, TargetKind};
use serde_json::{Map, Value as Json, json};

/// When and in which state of the database a training began.
pub struct Start {
    clock: std::time::Instant,
    at: String,
    snapshot: String,
}

impl Start {
    /// Now.
    ///
    /// # Errors
    /// None but what the server raises.
    pub fn now() -> Result<Self> {
        let rows = sql::query(
            "SELECT pg_catalog.clock_timestamp()::pg_catalog.text, \
                    pg_catalog.pg_current_snapshot()::pg_catalog.text",
            &[],
        )?;
        let row = rows.first().ok_or_else(|| Failure::internal("no row"))?;
        Ok(Self {
            clock: std::time::Instant::now(),
            at: row.get(0)?,
            snapshot: row.get(1)?,
        })
    }
}

/// Makes the version.
///
/// # Errors
/// Those of [`publish`]; 54000 for a model that no row can hold.
pub fn record(
    request: &Request,
    data: &Data,
    fitted: &Fitted,
    judged: &Judged,
    warnings: &[String],
    start: &Start,
    monitor: &mut dyn Monitor,
) -> Result<Published> {
    let artifact = fitted.pipeline.encode().map_err(plain)?;
    let holdout = match judged.holdout.rows() {
        0 => None,
        _ => Some(judged.holdout.encode().map_err(plain)?),
    };
    let training = training(data, fitted, judged, start, monitor)?;
    let recipe = recipe(request, data.cutoff)?;
    let classes = match &data.kind {
        TargetKind::Number => None,
        TargetKind::Classes { classes, .. } => Some(classes.as_slice()),
    };
    let metric = request
        .arguments
        .metric
        .clone()
        .unwrap_or_else(|| primary_metric(data.task(), data.classes()).to_owned());
    let signature: Vec<String> = fitted.pipeline.inputs.iter().map(signature).collect();
    publish(&NewVersion {
        model: &request.arguments.model,
        seed: request.seed,
        split_key: request.split_key.as_deref(),
        tags: &request.arguments.tags,
        algorithm: &fitted.pipeline.algorithm,
        task: data.task().name(),
        target: &fitted.pipeline.target.name,
        classes,
        signature: &signature,
        hyperparams: &fitted.hyperparams,
        metric: Some(&metric),
        metrics: &judged.metrics.to_json(),
        source: request
            .source
            .relation
            .filter(|relation| !parse::is_temporary(*relation)),
        recipe: &recipe,
        training: &training,
        warnings,
        artifact: &artifact,
        holdout: holdout.as_deref(),
    })
}

/// An input as a signature shows it.
fn signature(input: &Input) -> String {
    let name = pgrx::spi::quote_identifier(&input.name);
    format!("{name} {}", input.sql_type)
}

fn training(
    data: &Data,
    fitted: &Fitted,
    judged: &Judged,
    start: &Start,
    monitor: &mut dyn Monitor,
) -> Result<Json> {
    let mut extra: Vec<&[f64]> = vec![&data.target];
    extra.extend(data.weights.as_deref());
    let hash = data
        .frame
        .fingerprint(&data.training, &extra, monitor)
        .map_err(plain)?;
    let mut skipped = data.skipped.clone();
    if judged.refused > 0 {
        skipped.insert(
            "held out, but refused by the model".to_owned(),
            judged.refused,
        );
    }
    let mut training = json!({
        "rows": {
            "total": data.total,
            "training": data.training.count(),
            "holdout": judged.holdout.seen(),
            "skipped": skipped,
        },
        "duration_ms": (start.clock.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        "rows_hash": format!("{hash:032x}"),
        "role": identity::current_role_name(),
        "snapshot": start.snapshot,
        "started_at": start.at,
        "iterations": fitted.learned.iterations,
        "converged": fitted.learned.converged,
        "loss": fitted.learned.loss,
    });
    if let TargetKind::Classes { classes, .. } = &data.kind {
        let counts = classes
            .iter()
            .cloned()
            .zip(data.class_counts.iter().map(|n| json!(n)));
        training["classes"] = Json::Object(counts.collect());
    }
    if !data.left_out.is_empty() {
        let reasons: Map<String, Json> = data
            .left_out
            .iter()
            .map(|(column, reason)| (column.clone(), json!(reason)))
            .collect();
        training["left_out"] = Json::Object(reasons);
    }
    Ok(training)
}

fn recipe(request: &Request, cutoff: Option<i64>) -> Result<Json> {
    let mut split = request.split.to_json();
    if let Some(key) = &request.split_key {
        let content = key.first().is_some_and(|first| first == CONTENT);
        split["key"] = json!(&key[usize::from(content)..]);
        split["content"] = json!(content);
        split["seed"] = json!(request.seed);
    }
    if let Some(cutoff) = cutoff {
        // As core::split counts times: microseconds since 2000, or the order of a number.
        split["cutoff"] = json!(cutoff);
    }
    let mut recipe = json!({
        "arguments": request.arguments.to_recipe(),
        "search_path": identity::effective_search_path(),
        "split": split,
    });
    match request.source.relation {
        Some(relation) => recipe["relation"] = json!(parse::quoted_name(relation)),
        None => {
            recipe["query"] = json!(request.source.written);
            recipe["relations"] = json!(relations(&request.source)?);
        }
    }
    Ok(recipe)
}

fn plain(error: pglearn_core::Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
