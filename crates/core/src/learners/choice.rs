//! From names to learners, and the rule of `auto`.

use serde_json::Value;

use super::settings::Settings;
use super::table::{ALGORITHMS, PLANNED};
use super::{Learner, Task};
use crate::options::one_of;
use crate::{Error, Result};

/// Rows a linear regression needs for each encoded feature to be chosen by `auto`.
const ROWS_EACH: u64 = 10;

/// The learner of that name, its hyper-parameters checked.
///
/// `classes` is the number of classes (0 for a regression).
///
/// # Errors
/// [`Error::Option`] with path `algorithm` for a name that is unknown, not there yet or of another
/// task, with path `hyperparams.<key>` for a key that is unknown, of another type or out of range;
/// hints name what is valid.
pub fn algorithm(
    name: &str,
    task: Task,
    classes: usize,
    hyperparams: &Value,
) -> Result<Box<dyn Learner>> {
    let fault = |problem: String, hint: String| Error::Option {
        path: "algorithm".into(),
        problem,
        hint,
    };
    let able = || {
        ALGORITHMS
            .iter()
            .filter(|a| a.tasks.contains(&task))
            .map(|a| a.name)
    };
    let choices = || {
        format!(
            "Algorithms for {}: {}.",
            task.name(),
            able().collect::<Vec<_>>().join(", ")
        )
    };
    let Some(algorithm) = ALGORITHMS.iter().find(|algorithm| algorithm.name == name) else {
        if PLANNED.contains(&name) {
            return Err(fault(format!("{name} is not available yet"), choices()));
        }
        let all: Vec<&str> = ALGORITHMS.iter().map(|a| a.name).chain(["auto"]).collect();
        return Err(fault(
            format!("unknown name \"{name}\""),
            one_of(name, &all),
        ));
    };
    if !algorithm.tasks.contains(&task) {
        return Err(fault(
            format!("{name} does not do {}", task.name()),
            choices(),
        ));
    }
    if task == Task::Classification && classes < 2 {
        return Err(Error::OneClass { class: 0 });
    }
    Ok((algorithm.build)(&Settings::read(algorithm, hyperparams)?))
}

/// The algorithm that `auto` stands for.
///
/// A classification is a `logistic_regression` (penalty l2, C 1). A regression is a
/// `linear_regression` where there are at least 10 training rows for each encoded feature (the usual
/// rule of thumb: Harrell, Regression Modeling Strategies, 2nd ed., 4.4), else a `ridge`, which needs
/// no more rows than features.
#[must_use]
pub fn choose(task: Task, _classes: usize, rows: u64, features: usize) -> &'static str {
    match task {
        Task::Classification => "logistic_regression",
        Task::Regression if rows >= ROWS_EACH.saturating_mul(features as u64) => {
            "linear_regression"
        }
        Task::Regression => "ridge",
    }
}
