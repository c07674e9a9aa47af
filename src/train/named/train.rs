//! `train`: the way through the room, in three steps of which only the first and the last need a
//! transaction. A session takes them in one; a worker lets go of its snapshot while it learns.

use super::arguments::Arguments;
use super::holdout::{self, Judged};
use super::ingest::{Ingested, ingest};
use super::learn::{self, Data, UNSEEN};
use super::record::{Origin, Start, Version};
use super::request::Request;
use crate::evaluate::promote::{self, Outcome, Promotion};
use crate::pg::context::refuse_read_only;
use crate::pg::error::{Result, notice, warn};
use crate::pg::monitor::SessionMonitor;
use crate::pg::progress::{self, Report};
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
    /// Why it was refused.
    pub refusal: Option<String>,
    /// Metrics on the hold-out.
    pub metrics: Json,
}

/// A request with the rows that it asked for: memory of our own, and nothing that the end of a
/// transaction would take away.
pub struct Prepared {
    request: Request,
    rows: Ingested,
    start: Start,
    origin: Origin,
    report: Report,
}

/// A version that is made but for its number.
pub struct Learned {
    request: Request,
    version: Version,
    /// Shown until it is published.
    _report: Report,
}

/// Trains a version of a model, all in the caller's transaction.
///
/// # Errors
/// Those of every step; nothing is changed then.
pub fn train(arguments: Arguments) -> Result<Trained> {
    let mut monitor = SessionMonitor::default();
    publish(learn(prepare(arguments, &mut monitor)?, &mut monitor)?)
}

/// Checks the arguments and reads the rows: within a transaction, which may end afterwards.
///
/// # Errors
/// Those of [`Request::new`] and [`ingest`]; 25006 where nothing can be written in the end.
pub fn prepare(arguments: Arguments, monitor: &mut SessionMonitor) -> Result<Prepared> {
    refuse_read_only(c"train()");
    let start = Start::now()?;
    let (request, _path) = Request::new(arguments)?;
    let report = Report::new(request.source.relation, &request.arguments.model);
    let origin = Origin::of(&request)?;
    let rows = ingest(&request, monitor)?;
    Ok(Prepared {
        request,
        rows,
        start,
        origin,
        report,
    })
}

/// Learns from the rows and judges what was learned: no transaction is needed, and where there is one
/// it is not used. Settings are read, messages are sent.
///
/// # Errors
/// Those of [`Data::new`], [`learn::fit`], [`holdout::judge`] and [`Version::new`].
pub fn learn(prepared: Prepared, monitor: &mut SessionMonitor) -> Result<Learned> {
    let Prepared {
        request,
        rows,
        start,
        origin,
        report,
    } = prepared;
    let mut data = Data::new(&request, rows)?;
    request.check_metrics(data.classes())?;
    let (fitted, leaks) = learn::fit(&request, &mut data, monitor)?;
    let judged = holdout::judge(&data, &fitted, monitor)?;
    tell(&request, &data, &judged);
    let mut warnings = Warnings::default();
    for leak in &leaks {
        warnings.add("", &leak.problem, &leak.advice);
    }
    for warning in &fitted.learned.warnings {
        warnings.add("", warning, "");
    }
    let warnings = warnings.finish("model_versions");
    let version = Version::new(
        &request,
        (&start, origin),
        &data,
        (fitted, &judged),
        warnings,
        monitor,
    )?;
    Ok(Learned {
        request,
        version,
        _report: report,
    })
}

/// Records the version and moves the alias, if one was asked for: within a transaction, with the rights
/// of who trains.
///
/// # Errors
/// Those of [`Version::record`] and [`promote::attempt`].
pub fn publish(learned: Learned) -> Result<Trained> {
    let Learned {
        request, version, ..
    } = &learned;
    progress::update("publishing", 0, 0, f64::NAN);
    let published = version.record(request)?;
    let (status, refusal) = status(request, published.version)?;
    Ok(Trained {
        status,
        refusal,
        version: published.version,
        metrics: version.metrics.clone(),
        model: request.arguments.model.clone(),
    })
}

/// Lets the alias stand for the new version, if one was asked for.
fn status(request: &Request, version: i32) -> Result<(&'static str, Option<String>)> {
    let Some(alias) = &request.arguments.alias else {
        return Ok(("ready", None));
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
        Outcome::Promoted => ("promoted", None),
        Outcome::Refused { reason } => ("refused", Some(reason)),
        // The training is done and recorded: that its version does not serve is no reason to lose it.
        Outcome::OtherInputs { message, detail } => {
            warn(pgrx::PgSqlErrorCode::ERRCODE_WARNING, &message, &detail);
            promote::record_refusal(&request.arguments.model, alias, version, &message)?;
            ("refused", Some(message))
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
