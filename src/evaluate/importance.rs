//! `global_explain`: what matters to a model as a whole.

use super::columns::ReadList;
use super::contender::{Contender, as_owner};
use super::membership::Membership;
use super::metrics::THRESHOLD;
use super::observed::{Observed, Truth};
use super::plain;
use super::scoring::{self, Scoring};
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;
use crate::pg::parse::Source;
use crate::pg::rows::{RowView, Rows};
use crate::registry::serving::serving;
use crate::settings;
use pglearn_core::Error;
use pglearn_core::evaluation::{
    Holdout, Permuted, Reservoir, coefficient_importance, greater_is_better,
    permutation_importance, primary_metric,
};
use pglearn_core::learners::Task;
use pglearn_core::monitor::{Progress, check};
use pglearn_core::options::one_of;
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// Rows of the sample at the most.
const ROWS: usize = 10_000;

/// Shuffles of each input.
const REPEATS: u32 = 5;

/// A row of the result: feature, importance, std_dev, rank.
pub type ImportanceRow = (String, Option<f64>, Option<f64>, i32);

/// A feature, its importance, the standard deviation of that.
type Found = (String, Option<f64>, Option<f64>);

/// How importance is measured.
const METHODS: [&str; 2] = ["permutation", "coefficients"];

/// The features by falling importance.
///
/// # Errors
/// 22023 for another method; those of the model, and of [`on_holdout`](super::compare::on_holdout) for
/// `permutation`.
pub fn global_explain(reference: &str, method: &str) -> Result<Vec<ImportanceRow>> {
    let found = match method {
        "permutation" => permutation(reference)?,
        "coefficients" => {
            let served = serving(reference)?;
            let features = coefficient_importance(&served.pipeline).into_iter();
            features.map(|(name, value)| (name, value, None)).collect()
        }
        other => {
            return Err(
                Failure::parameter(format!("method: \"{other}\" is not known"))
                    .hint(one_of(other, &METHODS)),
            );
        }
    };
    Ok(ranked(found))
}

fn ranked(mut found: Vec<Found>) -> Vec<ImportanceRow> {
    // What is undefined comes last; equals stay in the order of training.
    let key = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    found.sort_by(|a, b| key(b.1).total_cmp(&key(a.1)));
    let rows = found.into_iter().zip(1..);
    rows.map(|((name, importance, std_dev), rank)| (name, importance, std_dev, rank))
        .collect()
}

/// By how much the metric of the version worsens, on rows that it held out, when the values of an input
/// are shuffled among them.
fn permutation(reference: &str) -> Result<Vec<Found>> {
    let served = serving(reference)?;
    let contender = Contender::load(&served.model, served.version)?;
    let recipe = contender.recipe();
    let sample = as_owner(served.owner, &recipe, || {
        Sample::read(&contender, &recipe.source()?)
    })?;
    if sample.truth.is_empty() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "{} holds out none of the rows of its source",
                contender.label()
            ),
        )
        .hint("method => 'coefficients' needs no rows."));
    }
    sample.importance(&contender)
}

/// Held-out rows as the sum of what each value adds: enough to score them with an input shuffled,
/// because a linear margin takes one contribution from each.
struct Sample {
    slots: usize,
    margins: usize,
    /// Of each row the target, or the number of its class.
    truth: Vec<f64>,
    /// Row after row its margins.
    totals: Vec<f64>,
    /// Row after row, margin after margin, one a slot.
    parts: Vec<f64>,
}

impl Sample {
    fn read(contender: &Contender, source: &Source) -> Result<Self> {
        let mut list = ReadList::of(source)?;
        let mut membership = Membership::new(contender.split(), &contender.label(), &mut list)?;
        let observed = Observed::new(&contender.serving.pipeline.target, &mut list)?;
        let mut scoring = Scoring::new(Rc::clone(&contender.serving), &mut list)?;
        let scorer = &contender.serving.scorer;
        let mut sample = Self {
            slots: scorer.slots(),
            margins: scorer.outputs(),
            truth: Vec::new(),
            totals: Vec::new(),
            parts: Vec::new(),
        };
        let row_bytes = (8 * (sample.slots + 1) * sample.margins + 8) as u64;
        let affordable = usize::try_from(settings::max_memory() / row_bytes).unwrap_or(ROWS);
        let mut reservoir = Reservoir::new(ROWS.min(affordable).max(1));
        let mut parts = Vec::new();
        Rows::open(source, list.names())?.read(&mut |row: &RowView<'_>| {
            if observed.is_missing(row) || !membership.holds(row)? {
                return Ok(());
            }
            let Truth::Is(truth) = observed.truth(row)? else {
                return Ok(());
            };
            parts.clear();
            if scoring.score(row)? && scoring.attributions(row, &mut parts)? {
                sample.put(reservoir.place(), truth, scoring.margins(), &parts)?;
            }
            Ok(())
        })?;
        Ok(sample)
    }

    fn put(
        &mut self,
        place: Option<usize>,
        truth: f64,
        totals: &[f64],
        parts: &[f64],
    ) -> Result<()> {
        let Some(place) = place else { return Ok(()) };
        if place == self.truth.len() {
            self.reserve(totals.len(), parts.len())?;
            self.truth.push(truth);
            self.totals.extend_from_slice(totals);
            self.parts.extend_from_slice(parts);
            return Ok(());
        }
        self.truth[place] = truth;
        self.totals[place * totals.len()..][..totals.len()].copy_from_slice(totals);
        self.parts[place * parts.len()..][..parts.len()].copy_from_slice(parts);
        Ok(())
    }

    fn reserve(&mut self, totals: usize, parts: usize) -> Result<()> {
        let full = |_| {
            plain(Error::OutOfMemory {
                bytes: 8 * (1 + totals + parts) as u64,
            })
        };
        self.truth.try_reserve(1).map_err(full)?;
        self.totals.try_reserve(totals).map_err(full)?;
        self.parts.try_reserve(parts).map_err(full)
    }

    fn importance(&self, contender: &Contender) -> Result<Vec<Found>> {
        let pipeline = &contender.serving.pipeline;
        let task = match pipeline.classes() {
            0 => Task::Regression,
            _ => Task::Classification,
        };
        let default = primary_metric(task, pipeline.classes());
        let metric = contender.metric.as_deref().unwrap_or(default);
        let sign = if greater_is_better(metric) == Some(false) {
            -1.0
        } else {
            1.0
        };
        let mut monitor = SessionMonitor::default();
        let total = self.slots as u64 * u64::from(REPEATS) + 1;
        let mut done = 0;
        let mut score = |permuted: Option<Permuted<'_>>| {
            let state = Progress {
                phase: "shuffling",
                done,
                total,
                loss: f64::NAN,
            };
            check(&mut monitor, state)?;
            done += 1;
            let holdout = self.scored(contender, permuted)?;
            let metrics = holdout.metrics(THRESHOLD, &mut monitor)?;
            Ok(metrics.get(metric).map(|value| sign * value))
        };
        let rows = u32::try_from(self.truth.len()).unwrap_or(u32::MAX);
        let seed = contender.seed.cast_unsigned();
        let found = permutation_importance(rows, self.slots, REPEATS, seed, &mut score);
        let names = pipeline.encoders.iter().map(|encoder| encoder.slot.clone());
        let found = found.map_err(plain)?.into_iter().zip(names);
        Ok(found
            .map(|(i, name)| (name, i.importance, i.std_dev))
            .collect())
    }

    /// The rows scored, one input taken from other rows.
    fn scored(
        &self,
        contender: &Contender,
        permuted: Option<Permuted<'_>>,
    ) -> pglearn_core::Result<Holdout> {
        let (scorer, pipeline) = (&contender.serving.scorer, &contender.serving.pipeline);
        let mut holdout = Holdout::new(pipeline.classes());
        let mut margins = vec![0.0; self.margins];
        let mut outputs = vec![0.0; scoring::width(scorer)];
        for (row, truth) in self.truth.iter().enumerate() {
            margins.copy_from_slice(&self.totals[row * self.margins..][..self.margins]);
            if let Some(Permuted { input, order }) = permuted {
                let other = order.get(row).map_or(row, |other| *other as usize);
                for (margin, value) in margins.iter_mut().enumerate() {
                    *value += self.part(other, margin, input) - self.part(row, margin, input);
                }
            }
            scoring::link(scorer.link(), &margins, &mut outputs);
            holdout.push(*truth, scoring::scores(scorer.link(), &outputs))?;
        }
        Ok(holdout)
    }

    fn part(&self, row: usize, margin: usize, slot: usize) -> f64 {
        self.parts[(row * self.margins + margin) * self.slots + slot]
    }
}
