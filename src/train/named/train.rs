//! `train`: the way through the room.

use super::arguments::Arguments;
use super::holdout::{self, Judged};
use super::ingest::ingest;
use super::learn::{self, Data, UNSEEN};
use super::record::{self, Start};
use super::request::Request;
use crate::evaluate::promote::{self, Outcome, Promotion};
use crate::pg::context::refuse_read_only;
use crate::pg::error::{Result, notice, warn};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::Report;
use crate::train::warnings::Warnings;
use pglearn_core::pipeline::{LabelKind, TargetKind};
use pglearn_core::split::Method;
use serde_json::Value as Json;

/// Columns that a NOTICE names.
const SHOWN: usize = 10;

/// What `train` returns.
#[derive(Debug)]
pub struct Trained {
    /// Name of the model.
    pub model: String,
    /// Number of the new version.
    pub version: i32,
    /// `ready`, `promoted`, or `refused` by the gate.
    pub status: &'static str,
    /// Metrics on the hold-out.
    pub metrics: Json,
}

/// Trains a version of a model.
///
/// # Errors
/// Those of every step; nothing is changed then.
pub fn train(arguments: Arguments) -> Result<Trained> {
    refuse_read_only(c"train()");
    let start = Start::now()?;
    let request = Request::new(arguments)?;
    let _report = Report::new(request.source.relation, &request.arguments.model);
    let mut monitor = SessionMonitor::default();
    let ingested = ingest(&request, &mut monitor)?;
    let mut data = Data::new(&request, ingested)?;
    request.check_metrics(data.classes())?;
    let (fitted, leaks) = learn::fit(&request, &mut data, &mut monitor)?;
    let judged = holdout::judge(&data, &fitted, &mut monitor)?;
    tell(&request, &data, &judged);
    let mut warnings = Warnings::default();
    for leak in &leaks {
        warnings.add("", &leak.problem, &leak.advice);
    }
    for warning in &fitted.learned.warnings {
        warnings.add("", warning, "");
    }
    let warnings = warnings.finish("model_versions");
    let published = record::record(
        &request,
        &data,
        &fitted,
        &judged,
        &warnings,
        &start,
        &mut monitor,
    )?;
    Ok(Trained {
        status: status(&request, published.version)?,
        version: published.version,
        metrics: judged.metrics.to_json(),
        model: request.arguments.model,
    })
}

/// Lets the alias stand for the new version, if one was asked for.
fn status(request: &Request, version: i32) -> Result<&'static str> {
    let Some(alias) = &request.arguments.alias else {
        return Ok("ready");
    };
    let outcome = promote::attempt(&Promotion {
        model: &request.arguments.model,
        version,
        alias: Some(alias),
        gate: request.gate.as_ref(),
        reason: Some("trained"),
        force: false,
    })?;
    Ok(match outcome {
        Outcome::Promoted => "promoted",
        Outcome::Refused => "refused",
        // The training is done and recorded: that its version does not serve is no reason to lose it.
        Outcome::OtherInputs { message, detail } => {
            warn(pgrx::PgSqlErrorCode::ERRCODE_WARNING, &message, &detail);
            "refused"
        }
    })
}

/// Says what the user may not expect.
fn tell(request: &Request, data: &Data, judged: &Judged) {
    if !data.left_out.is_empty() {
        let shown: Vec<String> = data
            .left_out
            .iter()
            .take(SHOWN)
            .map(|(column, reason)| format!("\"{column}\" ({reason})"))
            .collect();
        let more = data.left_out.len().saturating_sub(SHOWN);
        let rest = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        notice(&format!("left out: {}{rest}", shown.join(", ")));
    }
    let target = &request.columns[request.target].name;
    if let TargetKind::Classes { label, classes } = &data.kind
        && let [negative, positive] = classes.as_slice()
        && *label != LabelKind::Boolean
        && (negative.as_str(), positive.as_str()) != ("0", "1")
    {
        notice(&format!(
            "\"{positive}\" is the positive class of {target}, \"{negative}\" the negative one"
        ));
    }
    if request.new_content_key {
        notice(
            "the source has no primary key: rows are told apart by their content (name a key: split => '{\"key\": \"…\"}')",
        );
    }
    if request.split.method == Method::None {
        return;
    }
    let unseen = data.skipped.iter().find(|(r, _)| r.starts_with(UNSEEN));
    if let Some((reason, rows)) = unseen {
        notice(&format!(
            "{rows} held-out rows count for no metric, {reason}"
        ));
    }
    let truth = judged.holdout.truth();
    match truth.first() {
        None => notice("no row was held out: there are no metrics"),
        Some(first) if data.classes() > 0 && truth.iter().all(|class| class == first) => {
            notice("the hold-out has rows of one class only: some metrics are undefined");
        }
        Some(_) => {}
    }
}
