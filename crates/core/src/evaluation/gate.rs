//! Gates: what a challenger must achieve before an alias moves to it.

use serde_json::{Map, Value, json};

use super::metrics::{METRICS, Metrics, greater_is_better, metric_names};
use crate::options::{Fields, one_of};
use crate::{Error, Result};

/// By how much `challenger` is better than `champion` in a metric: positive is better, whichever way
/// the metric runs. `None` where either is undefined or the metric unknown.
#[must_use]
pub fn improvement(metric: &str, champion: Option<f64>, challenger: Option<f64>) -> Option<f64> {
    let difference = challenger? - champion?;
    let better = if greater_is_better(metric)? {
        difference
    } else {
        -difference
    };
    // Not -0, which reads like a loss.
    better.is_finite().then_some(better + 0.0)
}

/// A gate: the argument `gate` of `promote` and `train`, checked.
///
/// | key | meaning | default |
/// |---|---|---|
/// | `metric` | must improve by at least `min_delta` | the version's own metric |
/// | `min_delta` | a number; negative allows a loss | 0 |
/// | `guardrails` | `{metric: number}`: none may worsen by more than its number | none |
/// | `archive_existing_versions` | whether the version that the alias leaves is archived | false |
///
/// Numerics: two regressions that both leave at most 1e-12 of the variance unexplained (`r2`) count as equal
/// in every metric: what still tells them apart is rounding.
///
/// # Example
/// ```
/// use pglearn_core::evaluation::{Gate, Holdout};
/// use pglearn_core::monitor::Unattended;
/// let gate = Gate::parse(&serde_json::json!({"metric": "rmse", "min_delta": 0.5}))?;
/// let metrics = |prediction: f64| {
///     let mut rows = Holdout::new(0);
///     rows.push(1.0, &[prediction])?;
///     rows.metrics(0.5, &mut Unattended)
/// };
/// assert!(gate.judge("r2", &metrics(3.0)?, &metrics(1.5)?).passed);
/// assert!(!gate.judge("r2", &metrics(3.0)?, &metrics(2.9)?).passed);
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gate {
    /// The metric that must improve; `None` is the version's own.
    pub metric: Option<String>,
    /// By how much at the least.
    pub min_delta: f64,
    /// Metrics and by how much each may worsen at the most.
    pub guardrails: Vec<(String, f64)>,
    /// Whether the version that the alias leaves is archived.
    pub archive_existing_versions: bool,
    /// Whether there is nothing to compare: the gate says what to archive, and that alone.
    pub only_archives: bool,
}

/// What a gate says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verdict {
    /// Whether every comparison passed.
    pub passed: bool,
    /// The metric first, then the guardrails.
    pub comparisons: Vec<Comparison>,
}

/// One metric of both versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Its name.
    pub metric: String,
    /// Of the version that serves.
    pub champion: Option<f64>,
    /// Of the version that is to serve.
    pub challenger: Option<f64>,
    /// See [`improvement`].
    pub improvement: Option<f64>,
    /// The improvement that is needed at the least: negative for a guardrail.
    pub at_least: f64,
    /// Whether it is reached.
    pub passed: bool,
    /// Why not, where numbers do not say it.
    pub reason: Option<String>,
}

impl Gate {
    /// Reads the argument; `null` and `{}` ask for no loss in the version's own metric. Where
    /// `archive_existing_versions` is the only key there is nothing to compare.
    ///
    /// # Errors
    /// [`Error::Option`] names the key, value or metric that is not understood.
    pub fn parse(value: &Value) -> Result<Self> {
        let fields = Fields::new("gate", value)?;
        fields.only(&[
            "metric",
            "min_delta",
            "guardrails",
            "archive_existing_versions",
        ])?;
        let metric = fields.text("metric")?;
        if let Some(name) = metric {
            known("gate.metric", name)?;
        }
        let archive = fields.boolean("archive_existing_versions")?;
        let compares = ["metric", "min_delta", "guardrails"];
        Ok(Self {
            only_archives: archive.is_some()
                && compares.iter().all(|key| fields.get(key).is_none()),
            metric: metric.map(str::to_owned),
            min_delta: fields.number("min_delta")?.unwrap_or(0.0),
            guardrails: match fields.get("guardrails") {
                Some(value) => guardrails(value)?,
                None => Vec::new(),
            },
            archive_existing_versions: archive.unwrap_or(false),
        })
    }

    /// That its metrics are of the task; `classes` is 0 for a regression.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that is not.
    pub fn check(&self, classes: usize) -> Result<()> {
        let names = metric_names(classes);
        let metric = self.metric.iter().map(|name| ("gate.metric", name));
        let guardrails = self
            .guardrails
            .iter()
            .map(|(name, _)| ("gate.guardrails", name));
        match metric
            .chain(guardrails)
            .find(|(_, name)| !names.contains(&name.as_str()))
        {
            None => Ok(()),
            Some((path, name)) => Err(Error::Option {
                path: path.to_owned(),
                problem: format!("{name} is not a metric of this model"),
                hint: format!("Its metrics are {}.", names.join(", ")),
            }),
        }
    }

    /// Compares both versions, scored on the same rows. `default_metric` counts where the gate names
    /// none. What is undefined for either fails, with the reason.
    #[must_use]
    pub fn judge(&self, default_metric: &str, champion: &Metrics, challenger: &Metrics) -> Verdict {
        let metric = self.metric.as_deref().unwrap_or(default_metric);
        let first = std::iter::once((metric, self.min_delta));
        let rest = self
            .guardrails
            .iter()
            .map(|(name, most)| (name.as_str(), -most));
        let both_exact = is_exact(champion) && is_exact(challenger);
        let comparisons: Vec<_> = first
            .chain(rest)
            .map(|(name, at_least)| {
                let mut comparison = Comparison::of(name, at_least, champion, challenger);
                if both_exact && comparison.reason.is_none() {
                    comparison.improvement = Some(0.0);
                    comparison.passed = at_least <= 0.0;
                }
                comparison
            })
            .collect();
        Verdict {
            passed: comparisons.iter().all(|comparison| comparison.passed),
            comparisons,
        }
    }

    /// The argument written out, defaults included.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let guardrails: Map<String, Value> = self
            .guardrails
            .iter()
            .map(|(name, most)| (name.clone(), json!(most)))
            .collect();
        if self.only_archives {
            return json!({"archive_existing_versions": self.archive_existing_versions});
        }
        json!({
            "metric": self.metric,
            "min_delta": self.min_delta,
            "guardrails": guardrails,
            "archive_existing_versions": self.archive_existing_versions,
        })
    }
}

/// Whether a regression reproduces its target but for rounding.
fn is_exact(metrics: &Metrics) -> bool {
    metrics.get("r2").is_some_and(|r2| r2 >= 1.0 - 1e-12)
}

fn known(path: &str, name: &str) -> Result<()> {
    if greater_is_better(name).is_some() {
        return Ok(());
    }
    Err(Error::Option {
        path: path.to_owned(),
        problem: format!("\"{name}\" is not a metric"),
        hint: one_of(name, &METRICS.map(|(metric, _)| metric)),
    })
}

fn guardrails(value: &Value) -> Result<Vec<(String, f64)>> {
    let fields = Fields::new("gate.guardrails", value)?;
    let mut read = Vec::new();
    for name in fields.keys() {
        known("gate.guardrails", name)?;
        let expected = "a number from 0, the loss that is allowed";
        let most = fields
            .number_where(name, expected, |most| most >= 0.0)?
            .ok_or_else(|| fields.refuse(name, expected))?;
        read.push((name.to_owned(), most));
    }
    Ok(read)
}

impl Comparison {
    fn of(metric: &str, at_least: f64, champion: &Metrics, challenger: &Metrics) -> Self {
        let (before, after) = (champion.get(metric), challenger.get(metric));
        let improvement = improvement(metric, before, after);
        let reason = match (before, after) {
            _ if !challenger.has(metric) => Some(format!("{metric} is not a metric of this model")),
            (_, None) => Some(format!(
                "{metric} of the challenger is undefined on these rows"
            )),
            (None, _) => Some(format!(
                "{metric} of the champion is undefined on these rows"
            )),
            _ => None,
        };
        Self {
            metric: metric.to_owned(),
            champion: before,
            challenger: after,
            improvement,
            // No guardrail of -0.
            at_least: at_least + 0.0,
            passed: improvement.is_some_and(|better| better >= at_least),
            reason,
        }
    }

    fn to_json(&self) -> Value {
        let mut view = json!({
            "metric": self.metric,
            "champion": self.champion,
            "challenger": self.challenger,
            "improvement": self.improvement,
            "at_least": self.at_least,
            "passed": self.passed,
        });
        if let Some(reason) = &self.reason {
            view["reason"] = json!(reason);
        }
        view
    }
}

impl Verdict {
    /// What is kept in the history of the alias.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let comparisons: Vec<Value> = self.comparisons.iter().map(Comparison::to_json).collect();
        json!({"passed": self.passed, "comparisons": comparisons})
    }

    /// The comparisons that failed, each as part of a sentence.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let failed = self
            .comparisons
            .iter()
            .filter(|comparison| !comparison.passed);
        failed
            .map(
                |comparison| match (&comparison.reason, comparison.improvement) {
                    (Some(reason), _) => reason.clone(),
                    (None, improvement) => format!(
                        "{} improves by {}, at least {} is needed",
                        comparison.metric,
                        improvement.map_or("nothing known".to_owned(), |by| short(by).to_string()),
                        comparison.at_least
                    ),
                },
            )
            .collect()
    }
}

/// A number of six digits, for people.
fn short(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(values: &[(&'static str, Option<f64>)]) -> Metrics {
        Metrics::of(values.iter().copied())
    }

    fn gate(value: Value) -> Gate {
        Gate::parse(&value).unwrap()
    }

    #[test]
    fn improvements_have_one_direction() {
        assert_eq!(improvement("roc_auc", Some(0.5), Some(0.75)), Some(0.25));
        assert_eq!(improvement("log_loss", Some(0.5), Some(0.75)), Some(-0.25));
        assert_eq!(
            improvement("rmse", Some(1.0), Some(1.0)).map(f64::to_bits),
            Some(0)
        );
        assert_eq!(improvement("rmse", None, Some(1.0)), None);
        assert_eq!(improvement("happiness", Some(1.0), Some(2.0)), None);
    }

    #[test]
    fn rounding_is_no_loss() {
        let fit = |r2, rmse| metrics(&[("r2", Some(r2)), ("rmse", Some(rmse))]);
        let judged = |value, before: &Metrics, after: &Metrics| {
            gate(value).judge("rmse", before, after).passed
        };
        let (exact, nearly) = (fit(1.0, 1.2e-16), fit(1.0 - 1e-15, 1.7e-15));
        assert!(judged(json!({}), &exact, &nearly));
        assert!(judged(json!({"guardrails": {"r2": 0.0}}), &exact, &nearly));
        assert!(!judged(json!({"min_delta": 1e-20}), &nearly, &exact));
        let worse = fit(1.0 - 1e-9, 3e-5);
        assert!(!judged(json!({}), &exact, &worse));
        assert!(judged(json!({"min_delta": 1e-6}), &worse, &exact));
    }

    #[test]
    fn the_metric_must_improve_and_guardrails_hold() {
        let gate = gate(
            json!({"metric": "roc_auc", "min_delta": 0.125, "guardrails": {"log_loss": 0.25}}),
        );
        let champion = metrics(&[("roc_auc", Some(0.5)), ("log_loss", Some(0.5))]);
        let judged = |auc, loss| {
            let challenger = metrics(&[("roc_auc", Some(auc)), ("log_loss", Some(loss))]);
            gate.judge("log_loss", &champion, &challenger)
        };
        assert!(judged(0.625, 0.75).passed);
        assert!(!judged(0.62, 0.1).passed);
        let verdict = judged(0.75, 1.0);
        assert!(!verdict.passed);
        assert_eq!(
            verdict.failures(),
            ["log_loss improves by -0.5, at least -0.25 is needed"]
        );
        assert_eq!(
            verdict.to_json(),
            json!({"passed": false, "comparisons": [
                {"metric": "roc_auc", "champion": 0.5, "challenger": 0.75, "improvement": 0.25,
                 "at_least": 0.125, "passed": true},
                {"metric": "log_loss", "champion": 0.5, "challenger": 1.0, "improvement": -0.5,
                 "at_least": -0.25, "passed": false}]})
        );
    }

    #[test]
    fn an_empty_gate_asks_for_no_loss() {
        let gate = gate(json!({}));
        let rmse = |value| metrics(&[("rmse", Some(value))]);
        assert!(gate.judge("rmse", &rmse(2.0), &rmse(2.0)).passed);
        let verdict = gate.judge("rmse", &rmse(2.0), &rmse(2.0 + 1.0 / 3.0));
        assert_eq!(
            verdict.failures(),
            ["rmse improves by -0.333333, at least 0 is needed"]
        );
        assert!(!gate.judge("rmse", &rmse(2.0), &rmse(2.125)).passed);
    }

    #[test]
    fn what_is_undefined_fails_with_the_reason() {
        let gate = gate(json!({"metric": "roc_auc"}));
        let (defined, undefined) = (
            metrics(&[("roc_auc", Some(0.5))]),
            metrics(&[("roc_auc", None)]),
        );
        let verdict = gate.judge("roc_auc", &defined, &undefined);
        assert!(!verdict.passed);
        assert_eq!(
            verdict.failures(),
            ["roc_auc of the challenger is undefined on these rows"]
        );
        assert!(!gate.judge("roc_auc", &undefined, &defined).passed);
        let other = metrics(&[("rmse", Some(1.0))]);
        let verdict = gate.judge("roc_auc", &other, &other);
        assert_eq!(
            verdict.failures(),
            ["roc_auc is not a metric of this model"]
        );
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (json!({"metrics": "roc_auc"}), "gate.metrics: unknown key"),
            (
                json!({"metric": "auc"}),
                "gate.metric: \"auc\" is not a metric",
            ),
            (
                json!({"min_delta": "0.1"}),
                "gate.min_delta: is \"0.1\", expected a number",
            ),
            (
                json!({"guardrails": {"los": 1}}),
                "gate.guardrails: \"los\" is not a metric",
            ),
            (
                json!({"guardrails": {"log_loss": -1}}),
                "gate.guardrails.log_loss: is -1, expected a number from 0, the loss that is allowed",
            ),
            (
                json!({"guardrails": {"log_loss": null}}),
                "gate.guardrails.log_loss: is missing, expected a number from 0, the loss that is allowed",
            ),
            (
                json!({"guardrails": 1}),
                "gate.guardrails: is 1, expected a JSON object",
            ),
        ];
        for (given, message) in cases {
            assert_eq!(Gate::parse(&given).unwrap_err().to_string(), message);
        }
        let gate = gate(json!({"metric": "roc_auc", "guardrails": {"log_loss": 1}}));
        assert_eq!(Gate::parse(&gate.to_json()).unwrap(), gate);
        let archiving = Gate::parse(&json!({"archive_existing_versions": true})).unwrap();
        assert!(archiving.only_archives && !gate.only_archives);
        assert_eq!(Gate::parse(&archiving.to_json()).unwrap(), archiving);
        assert!(gate.check(2).is_ok());
        assert!(matches!(gate.check(0), Err(Error::Option { path, .. }) if path == "gate.metric"));
        assert!(gate.check(3).is_err());
    }
}
