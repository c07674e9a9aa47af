//! `evaluate`: metrics of a model by name.

use super::plain;
use super::rows::{Group, Judged, judged, of_source};
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;

/// Where the positive class begins unless the caller says otherwise.
pub const THRESHOLD: f64 = 0.5;

/// A row of the result: group, metric, value.
pub type MetricRow = (Option<String>, String, Option<f64>);

/// The metrics on a source or on the stored hold-out, group by group where a column is named.
///
/// # Errors
/// 22023 for a threshold that is no probability or that the model has no use for, and for groups
/// without a source; those of the model and of the source.
pub fn evaluate(
    reference: &str,
    source: Option<&str>,
    threshold: f64,
    group_by: Option<&str>,
) -> Result<Vec<MetricRow>> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(
            Failure::parameter(format!("invalid value for threshold: {threshold}"))
                .detail("threshold must be a probability from 0 to 1."),
        );
    }
    let mut result = Vec::new();
    match (source, group_by) {
        (None, Some(_)) => {
            return Err(Failure::parameter("group_by without a source")
                .detail("The stored hold-out holds scores and labels only, no columns.")
                .hint("Name the rows: source => 'table or SELECT'."));
        }
        (Some(source), Some(column)) => {
            let read = of_source(reference, source, Some(column))?;
            read.skipped.tell();
            for (group, judged) in &read.groups {
                add(&mut result, group, judged, threshold)?;
            }
        }
        (source, None) => {
            add(
                &mut result,
                &Group::Nameless,
                &judged(reference, source)?,
                threshold,
            )?;
        }
    }
    Ok(result)
}

fn add(result: &mut Vec<MetricRow>, group: &Group, judged: &Judged, threshold: f64) -> Result<()> {
    if threshold != THRESHOLD && judged.holdout.classes() != 2 {
        return Err(Failure::parameter("threshold is for models of two classes")
            .detail("Of more classes the most probable one is decided for."));
    }
    let mut monitor = SessionMonitor::default();
    let metrics = judged
        .holdout
        .metrics(threshold, &mut monitor)
        .map_err(plain)?;
    let skipped = judged
        .skipped
        .map(|rows| ("rows_skipped", Some(rows as f64)));
    for (metric, value) in metrics.iter().chain(skipped) {
        let key = group.key().map(str::to_owned);
        result.push((key, metric.to_owned(), value));
    }
    Ok(())
}
