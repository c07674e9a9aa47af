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
use crate::registry::publish::{NewVersion, Published, publish, signature};
use pglearn_core::evaluation::primary_metric;
use pglearn_core::monitor::Monitor;
use pglearn_core::pipeline::{Input, TargetKind};
use pgrx::pg_sys::Oid;
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

/// Where the rows come from and in whose name, in words that mean the same in another session: what the
/// server is asked before a training leaves its transaction.
pub struct Origin {
    /// The relation, where it is one that others can see.
    pub relation: Option<Oid>,
    /// `search_path`, with `relation`, or `query` and its `relations`.
    pub recipe: Json,
    role: String,
}

impl Origin {
    /// That of a request, under the search_path that holds for its source.
    ///
    /// # Errors
    /// Whatever parse analysis of the source raises.
    pub fn of(request: &Request) -> Result<Self> {
        let mut recipe = json!({ "search_path": identity::effective_search_path() });
        match request.source.relation {
            Some(relation) => recipe["relation"] = json!(parse::quoted_name(relation)),
            None => {
                recipe["query"] = json!(request.source.written);
                recipe["relations"] = json!(relations(&request.source)?);
            }
        }
        Ok(Self {
            relation: request
                .source
                .relation
                .filter(|relation| !parse::is_temporary(*relation)),
            recipe,
            role: identity::current_role_name(),
        })
    }
}

/// A version before it has a number: what a training comes to, without anything of the server's.
pub struct Version {
    algorithm: String,
    task: &'static str,
    target: String,
    classes: Option<Vec<String>>,
    inputs: Vec<Input>,
    hyperparams: Json,
    metric: String,
    /// Metrics on the hold-out.
    pub metrics: Json,
    source: Option<Oid>,
    recipe: Json,
    training: Json,
    warnings: Vec<String>,
    artifact: Vec<u8>,
    holdout: Option<Vec<u8>>,
}

impl Version {
    /// Draws up what is to be recorded.
    ///
    /// # Errors
    /// 54000 for a model that no row can hold, 57014 on a cancel.
    pub fn new(
        request: &Request,
        (start, origin): (&Start, Origin),
        data: &Data,
        (fitted, judged): (Fitted, &Judged),
        warnings: Vec<String>,
        monitor: &mut dyn Monitor,
    ) -> Result<Self> {
        let artifact = fitted.pipeline.encode().map_err(plain)?;
        let holdout = match judged.holdout.rows() {
            0 => None,
            _ => Some(judged.holdout.encode().map_err(plain)?),
        };
        let training = training(data, &fitted, judged, (start, &origin), monitor)?;
        let recipe = recipe(request, origin.recipe, data.cutoff, &fitted.pipeline.inputs);
        let metric = request
            .arguments
            .metric
            .clone()
            .unwrap_or_else(|| primary_metric(data.task(), data.classes()).to_owned());
        Ok(Self {
            algorithm: fitted.pipeline.algorithm,
            task: data.task().name(),
            target: fitted.pipeline.target.name,
            classes: match &data.kind {
                TargetKind::Number => None,
                TargetKind::Classes { classes, .. } => Some(classes.clone()),
            },
            inputs: fitted.pipeline.inputs,
            hyperparams: fitted.hyperparams,
            metric,
            metrics: judged.metrics.to_json(),
            source: origin.relation,
            recipe,
            training,
            warnings,
            artifact,
            holdout,
        })
    }

    /// Makes it a version of the model that was asked for.
    ///
    /// # Errors
    /// Those of [`publish`].
    pub fn record(&self, request: &Request) -> Result<Published> {
        let signature: Vec<String> = self.inputs.iter().map(signature).collect();
        publish(&NewVersion {
            model: &request.arguments.model,
            seed: request.seed,
            split_key: request.split_key.as_deref(),
            tags: &request.arguments.tags,
            algorithm: &self.algorithm,
            task: self.task,
            target: &self.target,
            classes: self.classes.as_deref(),
            signature: &signature,
            hyperparams: &self.hyperparams,
            metric: Some(&self.metric),
            metrics: &self.metrics,
            source: self.source,
            recipe: &self.recipe,
            training: &self.training,
            warnings: &self.warnings,
            artifact: &self.artifact,
            holdout: self.holdout.as_deref(),
        })
    }
}

fn training(
    data: &Data,
    fitted: &Fitted,
    judged: &Judged,
    (start, origin): (&Start, &Origin),
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
        "role": origin.role,
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

/// How to train it again.
fn recipe(request: &Request, mut recipe: Json, cutoff: Option<i64>, inputs: &[Input]) -> Json {
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
    recipe["arguments"] = request.arguments.to_recipe();
    let inputs = inputs.iter().map(|input| input.name.as_str());
    recipe["inputs"] = inputs.collect();
    recipe["split"] = split;
    recipe
}

fn plain(error: pglearn_core::Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
