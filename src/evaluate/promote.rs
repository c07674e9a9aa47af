//! `promote`: an alias moves to another version, if a gate lets it.

use super::compare::{Compared, on_holdout};
use super::contender::Contender;
use crate::pg::error::{Failure, Result, notice};
use crate::registry::aliases::{self, Action, Move};
use crate::registry::model::OwnModel;
use pglearn_core::evaluation::{Gate, Verdict, primary_metric};
use pglearn_core::learners::Task;
use pgrx::PgSqlErrorCode;
use serde_json::{Value as Json, json};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Promotion<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// The version that is to serve.
    pub version: i32,
    /// The alias; `champion` if `None`.
    pub alias: Option<&'a str>,
    /// On which conditions.
    pub gate: Option<&'a Gate>,
    /// In the words of the caller.
    pub reason: Option<&'a str>,
    /// Whether other inputs than those of the version that serves are accepted.
    pub force: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The alias stands for the version.
    Promoted,
    /// The gate refused, which a NOTICE says and the history records.
    Refused {
        /// What was missing.
        reason: String,
    },
    /// The version takes other inputs than the one that serves; nothing was changed.
    OtherInputs {
        /// What is wrong.
        message: String,
        /// What each takes.
        detail: String,
    },
}

/// Moves an alias; `false` where the gate refused, which is recorded too.
///
/// # Errors
/// Those of [`attempt`]; 55000 where the new version takes other inputs than the one that serves.
pub fn promote(asked: &Promotion<'_>) -> Result<bool> {
    match attempt(asked)? {
        Outcome::Promoted => Ok(true),
        Outcome::Refused { .. } => Ok(false),
        Outcome::OtherInputs { message, detail } => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message,
        )
        .detail(detail)
        .hint("Calls that pass values by position would be silently wrong; force => true promotes it all the same.")),
    }
}

/// Moves an alias if nothing stands against it.
///
/// A gate compares the version that the alias stands for with the new one on the rows that both held
/// out ([`on_holdout`]). Where `champion` is not set yet, that is the newest other version, which served
/// without it; a gate that refuses then sets the alias to that version, so that the new one, though the
/// newest, does not serve. Where there is nothing to compare with, the gate passes. A gate that only says
/// what to archive compares nothing.
///
/// # Errors
/// 42704 and 42501 for model and version, 42602 for the alias, 22023 for the gate; those of
/// [`on_holdout`].
pub fn attempt(asked: &Promotion<'_>) -> Result<Outcome> {
    let alias = aliases::name(asked.alias)?;
    let model = OwnModel::lock(asked.model)?;
    let Some(contract) = aliases::contract(&model, asked.version)? else {
        return Err(aliases::no_version(&model, asked.version)?);
    };
    let from = aliases::current(&model, &alias)?;
    if from == Some(asked.version) {
        aliases::say_unmoved(&model, &alias, asked.version);
        return Ok(Outcome::Promoted);
    }
    if let Some(from) = from.filter(|_| !asked.force)
        && let Some(serving) = aliases::contract(&model, from)?
        && let Some(detail) = contract.difference(asked.version, &serving, from)
    {
        let version = asked.version;
        let message = format!(
            "version {version} takes other inputs than version {from}, which alias \"{alias}\" stands for"
        );
        return Ok(Outcome::OtherInputs { message, detail });
    }
    let gate = asked.gate.filter(|gate| !gate.only_archives);
    let before = match (from, gate) {
        (None, Some(_)) => aliases::serving_unset(&model, &alias, asked.version)?,
        (from, _) => from,
    };
    let judged = gate
        .map(|gate| judge(&model, gate, before, asked.version))
        .transpose()?;
    let passed = judged.as_ref().is_none_or(|(verdict, _)| verdict.passed);
    let entry = Move {
        action: if passed {
            Action::Promote
        } else {
            Action::Refuse
        },
        from: before,
        to: Some(asked.version),
        reason: asked.reason,
        gate: judged.as_ref().map(|(_, measured)| measured),
    };
    if !passed {
        aliases::record(&model, &alias, &entry)?;
        let failures = judged
            .map(|(verdict, _)| verdict.failures())
            .unwrap_or_default();
        let reason = failures.join("; ");
        notice(&format!(
            "the gate refused version {} of model \"{}\": {reason}",
            asked.version, model.name,
        ));
        if let Some(before) = before.filter(|_| from.is_none()) {
            keep_serving(&model, &alias, before, asked.version)?;
        }
        return Ok(Outcome::Refused { reason });
    }
    aliases::move_to(&model, &alias, asked.version, &entry)?;
    if let Some(left) = before.filter(|_| asked.gate.is_some_and(|g| g.archive_existing_versions)) {
        aliases::archive(&model, left)?;
    }
    Ok(Outcome::Promoted)
}

/// Writes a line of the history about a version that was not even compared, where nobody may be there to
/// read the message.
///
/// # Errors
/// Those of [`OwnModel::lock`] and of the statements.
pub fn record_refusal(model: &str, alias: &str, version: i32, why: &str) -> Result<()> {
    let model = OwnModel::lock(model)?;
    let entry = Move {
        action: Action::Refuse,
        from: aliases::current(&model, alias)?,
        to: Some(version),
        reason: Some(why),
        gate: None,
    };
    aliases::record(&model, alias, &entry)
}

/// Sets an alias to the version that served without it.
fn keep_serving(model: &OwnModel, alias: &str, version: i32, refused: i32) -> Result<()> {
    let reason = format!("served before version {refused}, which the gate refused");
    let entry = Move {
        action: Action::Promote,
        from: None,
        to: Some(version),
        reason: Some(&reason),
        gate: None,
    };
    aliases::move_to(model, alias, version, &entry)?;
    notice(&format!(
        "alias \"{alias}\" of model \"{}\" is set to version {version}, which goes on serving",
        model.name
    ));
    Ok(())
}

/// The verdict, and what is kept of it.
fn judge(model: &OwnModel, gate: &Gate, from: Option<i32>, to: i32) -> Result<(Verdict, Json)> {
    let challenger = Contender::load(&model.name, to)?;
    let classes = challenger.serving.pipeline.classes();
    gate.check(classes).map_err(super::plain)?;
    let Some(from) = from else {
        let verdict = Verdict {
            passed: true,
            comparisons: Vec::new(),
        };
        let measured = json!({
            "gate": gate.to_json(),
            "passed": true,
            "note": "the alias stood for no version: nothing to compare with",
        });
        return Ok((verdict, measured));
    };
    let task = match classes {
        0 => Task::Regression,
        _ => Task::Classification,
    };
    let default = challenger.metric.clone();
    let default = default.unwrap_or_else(|| primary_metric(task, classes).to_owned());
    let contenders = [Contender::load(&model.name, from)?, challenger];
    let Compared { metrics, skipped } = on_holdout(&contenders)?;
    let [champion, challenger] = &metrics;
    let verdict = gate.judge(&default, champion, challenger);
    let mut measured = verdict.to_json();
    measured["gate"] = gate.to_json();
    measured["rows"] = json!(challenger.get("rows").unwrap_or_default() as u64);
    measured["rows_skipped"] = json!(skipped.rows());
    Ok((verdict, measured))
}
