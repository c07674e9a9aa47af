//! The settings of a watch, checked by themselves.

use crate::pg::error::{Failure, Result};
use pglearn_core::evaluation::Gate;
use pgrx::datum::Interval;
use serde_json::Value as Json;

/// A channel is named by as many bytes as fit an identifier.
const CHANNEL: std::ops::RangeInclusive<usize> = 1..=63;
const THRESHOLD: i64 = 1000;
const DEFAULT_CHANNEL: &str = "retrain_model";
const MIN_INTERVAL: &str = "5 minutes";
/// Microseconds in 1000 years of 12 months of 30 days.
const LONGEST_INTERVAL: i128 = 1000 * 12 * 30 * 86_400_000_000;

/// The arguments of `watch` besides the relation; `None` is the default.
#[derive(Debug)]
pub struct Given {
    /// The model to retrain.
    pub model: Option<String>,
    /// How many changes are not enough.
    pub threshold: Option<i64>,
    /// The columns that statistics are made of.
    pub columns: Option<Vec<Option<String>>>,
    /// Where it is announced.
    pub channel: Option<String>,
    /// Between one retraining and the next.
    pub min_interval: Option<Interval>,
    /// On which conditions the new version serves.
    pub gate: Option<Json>,
}

/// The same, understood.
#[derive(Debug)]
pub struct Settings {
    /// The model to retrain.
    pub model: Option<String>,
    /// How many changes are not enough.
    pub threshold: i64,
    /// The columns that statistics are made of.
    pub columns: Option<Vec<String>>,
    /// Where it is announced.
    pub channel: String,
    /// As text that means the same in every session.
    pub min_interval: String,
    /// As it was given, and as it is understood.
    pub gate: Option<(Json, Gate)>,
}

impl Settings {
    /// # Errors
    /// 22023 names the setting that cannot be.
    pub fn check(given: Given) -> Result<Self> {
        let threshold = given.threshold.unwrap_or(THRESHOLD);
        if threshold < 0 {
            return Err(
                Failure::parameter(format!("invalid value for threshold: {threshold}")).detail(
                    "An announcement is made when more rows than this have changed: 0 or more.",
                ),
            );
        }
        if given.gate.is_some() && given.model.is_none() {
            return Err(Failure::parameter("a gate without a model")
                .detail("A gate says on which conditions the new version of the model serves.")
                .hint("Name the model that is to be retrained, or leave the gate out."));
        }
        Ok(Self {
            model: given.model,
            threshold,
            columns: given.columns.map(names).transpose()?,
            channel: channel(given.channel)?,
            min_interval: match given.min_interval {
                Some(interval) => min_interval(&interval)?,
                None => MIN_INTERVAL.to_owned(),
            },
            gate: given.gate.map(gate).transpose()?,
        })
    }
}

fn names(columns: Vec<Option<String>>) -> Result<Vec<String>> {
    let names: Option<Vec<String>> = columns.into_iter().collect();
    names.ok_or_else(|| Failure::parameter("columns contains NULL"))
}

fn channel(given: Option<String>) -> Result<String> {
    let channel = given.unwrap_or_else(|| DEFAULT_CHANNEL.to_owned());
    match CHANNEL.contains(&channel.len()) {
        true => Ok(channel),
        false => Err(Failure::parameter(format!(
            "invalid name of a channel: \"{}\"",
            crate::pg::parse::excerpt(&channel)
        ))
        .detail(format!(
            "It has {} bytes; 1 to 63 are possible.",
            channel.len()
        ))),
    }
}

fn min_interval(interval: &Interval) -> Result<String> {
    let (months, days, time) = (interval.months(), interval.days(), interval.micros());
    // As PostgreSQL compares intervals: a month has 30 days, a day 24 hours.
    let whole = i128::from(time) + (i128::from(days) + 30 * i128::from(months)) * 86_400_000_000;
    if whole > LONGEST_INTERVAL {
        return Err(Failure::parameter("min_interval is too long")
            .detail("It is added to the time of the last retraining: 1000 years at the most."));
    }
    // Signs written out mean the same under every IntervalStyle.
    let text = format!("{months:+} mons {days:+} days {time:+} microseconds");
    match whole < 0 {
        false => Ok(text),
        true => Err(Failure::parameter("min_interval must not be negative")),
    }
}

fn gate(given: Json) -> Result<(Json, Gate)> {
    let gate =
        Gate::parse(&given).map_err(|error| Failure::from_core(error, &|_| String::new()))?;
    Ok((given, gate))
}
