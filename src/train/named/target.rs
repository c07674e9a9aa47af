//! What is predicted, and which task that makes.

use super::arguments::Arguments;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::{SourceColumn, enum_labels};
use crate::pg::value::ValueKind;
use pglearn_core::frame::LabelSource;
use pglearn_core::learners::{ALGORITHMS, Task};
use pglearn_core::options::one_of;
use pglearn_core::pipeline::InputKind;
use pgrx::PgSqlErrorCode;

/// The task that the arguments name or imply.
///
/// # Errors
/// 22023 for a task that there is not.
pub fn task_of(arguments: &Arguments) -> Result<Option<Task>> {
    let named = match arguments.task.as_deref() {
        None => None,
        Some("classification") => Some(Task::Classification),
        Some("regression") => Some(Task::Regression),
        Some(other) => {
            let failure = Failure::parameter(format!("task: \"{other}\" is not available"));
            return Err(failure.hint(one_of(other, &["classification", "regression"])));
        }
    };
    let algorithm = ALGORITHMS
        .iter()
        .find(|algorithm| algorithm.name == arguments.algorithm);
    Ok(match (named, algorithm.map(|algorithm| algorithm.tasks)) {
        (None, Some([only])) => Some(*only),
        _ => named,
    })
}

/// The task that the type of the target leaves.
pub fn task_of_type(target: &SourceColumn) -> Option<Task> {
    match target.kind?.input_kind() {
        InputKind::Boolean | InputKind::Text => Some(Task::Classification),
        _ => None,
    }
}

/// Refuses a target that no model predicts.
///
/// # Errors
/// 42804.
pub fn check(target: &SourceColumn, task: Option<Task>) -> Result<()> {
    let refuse = |why: &str, hint: &str| {
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "target: column \"{}\" is of type {}, {why}",
                target.name, target.sql_type
            ),
        )
        .hint(hint.to_owned()))
    };
    match target.kind {
        Some(ValueKind::Cell(_)) => Ok(()),
        Some(kind) if kind.input_kind() == InputKind::Text => match task {
            Some(Task::Regression) => refuse(
                "which a regression cannot predict",
                "Use task => 'classification', or cast it in a SELECT given as the source.",
            ),
            _ => Ok(()),
        },
        Some(_) => refuse(
            "which is neither a number nor a class",
            "Give a SELECT as the source that computes a number: extract(epoch from …), or a class.",
        ),
        None => refuse(
            "which is neither a number nor a class",
            "A target is a number, a boolean, a text or an enum.",
        ),
    }
}

/// What the target is to the mathematics.
///
/// # Errors
/// None but what the server raises.
pub fn label_source(target: &SourceColumn) -> Result<LabelSource> {
    Ok(match target.kind {
        Some(ValueKind::Enum) => LabelSource::Enum(enum_labels(target.type_oid)?),
        Some(kind) => match kind.input_kind() {
            InputKind::Boolean => LabelSource::Boolean,
            InputKind::Text => LabelSource::Text,
            _ => LabelSource::Number,
        },
        None => LabelSource::Number,
    })
}
