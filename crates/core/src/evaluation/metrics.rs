//! Metrics by name.

use serde_json::{Map, Value};

use crate::learners::Task;

/// Metrics in their order of display; `None` is undefined.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics(Vec<(&'static str, Option<f64>)>);

/// Every metric: its name and whether more is better.
///
/// Of two classes: `roc_auc` … `mcc`, `rows`. Of more: `accuracy`, `balanced_accuracy`, `log_loss`,
/// those that end in `_macro`, `roc_auc_ovr`, `rows`. Of a regression: `r2` …
/// `explained_variance`, `rows`.
pub const METRICS: [(&str, bool); 20] = [
    ("roc_auc", true),
    ("average_precision", true),
    ("log_loss", false),
    ("brier_score", false),
    ("accuracy", true),
    ("balanced_accuracy", true),
    ("precision", true),
    ("recall", true),
    ("f1", true),
    ("mcc", true),
    ("precision_macro", true),
    ("recall_macro", true),
    ("f1_macro", true),
    ("roc_auc_ovr", true),
    ("r2", true),
    ("rmse", false),
    ("mae", false),
    ("mape", false),
    ("median_absolute_error", false),
    ("explained_variance", true),
];

const BINARY: [&str; 10] = [
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier_score",
    "accuracy",
    "balanced_accuracy",
    "precision",
    "recall",
    "f1",
    "mcc",
];
const MULTICLASS: [&str; 7] = [
    "log_loss",
    "accuracy",
    "balanced_accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "roc_auc_ovr",
];
const REGRESSION: [&str; 6] = [
    "r2",
    "rmse",
    "mae",
    "mape",
    "median_absolute_error",
    "explained_variance",
];

/// The metrics of a task that models can be compared by; `classes` is 0 for a regression.
#[must_use]
pub fn metric_names(classes: usize) -> &'static [&'static str] {
    match classes {
        0 => &REGRESSION,
        2 => &BINARY,
        _ => &MULTICLASS,
    }
}

/// Whether more of a metric is better; `None` for a name that is none.
#[must_use]
pub fn greater_is_better(name: &str) -> Option<bool> {
    let found = METRICS.iter().find(|(metric, _)| *metric == name);
    found.map(|(_, greater)| *greater)
}

/// The metric that compares versions unless one is named: `roc_auc` of two classes, which no
/// threshold and no class balance moves; `log_loss` of more; `rmse` of a regression.
#[must_use]
pub fn primary_metric(task: Task, classes: usize) -> &'static str {
    match (task, classes) {
        (Task::Regression, _) => "rmse",
        (Task::Classification, 2) => "roc_auc",
        (Task::Classification, _) => "log_loss",
    }
}

impl Metrics {
    pub(super) fn of(values: impl IntoIterator<Item = (&'static str, Option<f64>)>) -> Self {
        let defined = |value: Option<f64>| value.filter(|value| value.is_finite());
        Self(
            values
                .into_iter()
                .map(|(name, value)| (name, defined(value)))
                .collect(),
        )
    }

    /// A metric; `None` where it is undefined or there is none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0
            .iter()
            .find(|(metric, _)| *metric == name)
            .and_then(|(_, value)| *value)
    }

    /// Whether there is a metric of that name, defined or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(metric, _)| *metric == name)
    }

    /// All of them in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> + '_ {
        self.0.iter().copied()
    }

    /// An object of them, `null` for what is undefined.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let members: Map<String, Value> = self
            .iter()
            .map(|(name, value)| (name.to_owned(), number(name, value)))
            .collect();
        Value::Object(members)
    }
}

/// Counts as integers.
fn number(name: &str, value: Option<f64>) -> Value {
    match value {
        Some(value) if name == "rows" => Value::from(value as u64),
        other => Value::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_every_task_has_a_direction() {
        for classes in [0, 2, 3] {
            for name in metric_names(classes) {
                assert!(greater_is_better(name).is_some(), "{name}");
            }
        }
        assert_eq!(greater_is_better("log_loss"), Some(false));
        assert_eq!(greater_is_better("rows"), None);
        assert!(metric_names(0).contains(&primary_metric(Task::Regression, 0)));
        assert!(metric_names(2).contains(&primary_metric(Task::Classification, 2)));
        assert!(metric_names(9).contains(&primary_metric(Task::Classification, 9)));
    }

    #[test]
    fn json_has_no_nan() {
        let metrics = Metrics::of([
            ("rmse", Some(f64::INFINITY)),
            ("r2", None),
            ("rows", Some(3.0)),
        ]);
        assert_eq!(
            metrics.to_json().to_string(),
            r#"{"r2":null,"rmse":null,"rows":3}"#
        );
        assert!(metrics.has("r2") && !metrics.has("mae"));
    }
}
