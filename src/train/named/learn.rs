//! From the rows in memory to a model.

use super::class_weight::ClassWeight;
use super::ingest::Ingested;
use super::request::{self, Request};
use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::parse::excerpt;
use crate::settings;
use pglearn_core::Error;
use pglearn_core::frame::{Frame, RowSet, class_counts};
use pglearn_core::learners::{self, Learned, Learner, Problem, Task};
use pglearn_core::monitor::Monitor;
use pglearn_core::pipeline::{Encoder, Input, Pipeline, Target, TargetKind};
use pglearn_core::preprocess::{self, Decision, Leak};
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// How the reason begins for which held-out rows of a class that training did not see are skipped.
pub const UNSEEN: &str = "class not in the training part";

/// The rows, told apart, with their target.
pub struct Data {
    /// The inputs.
    pub frame: Frame,
    /// What its slots are.
    pub inputs: Vec<Input>,
    /// Number or classes.
    pub kind: TargetKind,
    /// One a row: the number, or the number of the class.
    pub target: Vec<f64>,
    /// One a row, where there are weights.
    pub weights: Option<Vec<f64>>,
    /// The rows to learn from.
    pub training: RowSet,
    /// The rows to judge on.
    pub holdout: RowSet,
    /// The time from which on rows are held out, where that decides.
    pub cutoff: Option<i64>,
    /// Rows that are neither, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Rows of the source.
    pub total: u64,
    /// Training rows of each class.
    pub class_counts: Vec<u64>,
    /// Columns that are no inputs, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// What was learned, and what there is to say about it.
pub struct Fitted {
    /// The model.
    pub pipeline: Pipeline,
    /// The slots of the frame that it reads.
    pub slots: Vec<usize>,
    /// How the search went.
    pub learned: Learned,
    /// In use, defaults included.
    pub hyperparams: Json,
}

impl Data {
    /// Takes target and sides to what a learner works on.
    ///
    /// # Errors
    /// 02000 where no row is left to learn from, 22023 for a target that does not fit the task or has a
    /// single class in the training part.
    pub fn new(request: &Request, ingested: Ingested) -> Result<Self> {
        let Ingested {
            frame,
            inputs,
            labels,
            weights,
            mut holdout,
            cutoff,
            mut skipped,
            total,
            left_out,
        } = ingested;
        if frame.rows() == 0 {
            return Err(no_rows(total, &skipped));
        }
        let (mut kind, mut target) = labels.finish(request.task).map_err(plain)?;
        let training = holdout.complement().map_err(plain)?;
        if training.count() == 0 {
            return Err(no_training_rows(frame.rows()));
        }
        let mut counts = Vec::new();
        if let TargetKind::Classes { classes, .. } = &mut kind {
            counts = class_counts(&target, classes.len(), &training);
            let gone = only_held_out(classes, &mut counts, &mut target);
            if !gone.is_empty() {
                let rows: Vec<usize> = holdout.iter().filter(|row| target[*row].is_nan()).collect();
                for row in &rows {
                    holdout.remove(*row);
                }
                skipped.insert(unseen(&gone), rows.len() as u64);
            }
            if let [only] = classes.as_slice() {
                return Err(one_class(request, only));
            }
        }
        Ok(Self {
            frame,
            inputs,
            kind,
            target,
            weights,
            training,
            holdout,
            cutoff,
            skipped,
            total,
            class_counts: counts,
            left_out: [request.left_out.clone(), left_out].concat(),
        })
    }

    /// Classes; 0 for a regression.
    pub fn classes(&self) -> usize {
        match &self.kind {
            TargetKind::Number => 0,
            TargetKind::Classes { classes, .. } => classes.len(),
        }
    }

    /// Classification or regression.
    pub fn task(&self) -> Task {
        match self.kind {
            TargetKind::Number => Task::Regression,
            TargetKind::Classes { .. } => Task::Classification,
        }
    }

    /// Bytes held.
    fn bytes(&self) -> u64 {
        let columns = 1 + u64::from(self.weights.is_some());
        self.frame.bytes() + columns * 8 * self.frame.rows() as u64
    }

    /// Learns from these rows only: the others miss a value that is not to be imputed.
    fn learn_from(
        &mut self,
        request: &Request,
        training: RowSet,
        skipped: Vec<(String, u64)>,
    ) -> Result<()> {
        self.training = training;
        if skipped.is_empty() {
            return Ok(());
        }
        for (slot, count) in skipped {
            *self.skipped.entry(format!("{slot} is null")).or_default() += count;
        }
        let TargetKind::Classes { classes, .. } = &self.kind else {
            return Ok(());
        };
        self.class_counts = class_counts(&self.target, classes.len(), &self.training);
        let Some(class) = self.class_counts.iter().position(|count| *count == 0) else {
            return Ok(());
        };
        Err(Failure::parameter(format!(
            "target: column \"{}\" has no row of class {} left to learn from",
            request.columns[request.target].name, classes[class]
        ))
        .detail("Its rows miss a value that preprocess says not to impute.")
        .hint("Impute it: preprocess => '{\"…\": {\"impute\": \"median\"}}'."))
    }

    /// What the training rows of each class weigh, in units of the heaviest row: their number where
    /// there are no weights.
    fn class_masses(&self) -> Vec<f64> {
        let Some(weights) = &self.weights else {
            return self.class_counts.iter().map(|n| *n as f64).collect();
        };
        let heaviest = weights.iter().copied().fold(0.0, f64::max);
        let mut masses = vec![0.0; self.class_counts.len()];
        for row in self.training.iter() {
            if let Some(mass) = masses.get_mut(self.target[row] as usize) {
                *mass += weights[row] / heaviest;
            }
        }
        masses
    }

    /// Multiplies the weights of rows by those of their classes.
    fn weigh(&mut self, given: Option<&ClassWeight>) -> Result<()> {
        let (Some(given), TargetKind::Classes { classes, .. }) = (given, &self.kind) else {
            return match given {
                Some(_) => Err(Failure::parameter("class_weight is for classification")),
                None => Ok(()),
            };
        };
        let each = given.weights(classes, &self.class_masses())?;
        let of = |class: f64| each.get(class as usize).copied().unwrap_or(1.0);
        match &mut self.weights {
            Some(weights) => {
                for (weight, class) in weights.iter_mut().zip(&self.target) {
                    *weight *= of(*class);
                }
            }
            None => self.weights = Some(self.target.iter().map(|class| of(*class)).collect()),
        }
        Ok(())
    }
}

/// Decides, encodes and learns.
///
/// # Errors
/// 22023 for hyper-parameters and options, 54000 where memory does not suffice, 57014 on a cancel.
pub fn fit(
    request: &Request,
    data: &mut Data,
    monitor: &mut dyn Monitor,
) -> Result<(Fitted, Vec<Leak>)> {
    let (learner, decision, algorithm) = decide(request, data, monitor)?;
    let features = decision.features();
    data.left_out.extend(decision.left_out);
    data.learn_from(request, decision.training, decision.skipped)?;
    data.weigh(request.class_weight.as_ref())?;
    let limit = settings::max_memory();
    let threads = settings::max_threads();
    let taken = data.bytes().saturating_add(learner.working_memory(
        features.len(),
        data.classes(),
        threads,
    ));
    if taken >= limit {
        return Err(memory_limit(taken, limit));
    }
    let (tiles, means) = preprocess::design(
        &data.frame,
        &decision.slots,
        &decision.encoders,
        &data.training,
        &data.target,
        data.weights.as_deref(),
        limit - taken,
        monitor,
    )
    .map_err(|error| named(error, &features))?;
    let problem = Problem {
        tiles: &tiles,
        features: &features,
        classes: data.classes(),
        weighted: data.weights.is_some(),
        threads,
        seed: request.seed.cast_unsigned(),
    };
    let learned = learner
        .learn(&problem, monitor)
        .map_err(|error| named(error, &features))?;
    let column = &request.columns[request.target];
    let pipeline = Pipeline {
        algorithm: algorithm.to_owned(),
        target: Target {
            name: column.name.clone(),
            sql_type: column.sql_type.clone(),
            kind: data.kind.clone(),
        },
        inputs: decision
            .kept
            .iter()
            .map(|input| data.inputs[*input].clone())
            .collect(),
        encoders: decision.encoders,
        means,
        predictor: learned.predictor.clone(),
    };
    let fitted = Fitted {
        pipeline,
        slots: decision.slots,
        hyperparams: learner.hyperparameters(),
        learned,
    };
    Ok((fitted, decision.leaks))
}

/// The learner, what it makes of the columns, and its name. `auto` looks at the encoded columns to choose.
fn decide<'a>(
    request: &'a Request,
    data: &Data,
    monitor: &mut dyn Monitor,
) -> Result<(Box<dyn Learner>, Decision, &'a str)> {
    let (task, classes) = (data.task(), data.classes());
    let written = request.arguments.algorithm.as_str();
    let make = |name: &str| {
        learners::algorithm(name, task, classes, &request.arguments.hyperparams).map_err(plain)
    };
    let mut last = None;
    for name in request::candidates(written, task) {
        let learner = match make(name) {
            Ok(learner) => learner,
            Err(failure) => {
                last = last.or(Some(failure));
                continue;
            }
        };
        let decision = preprocess::decide(
            &data.frame,
            &data.inputs,
            &data.training,
            (&data.kind, &data.target),
            learner.wishes(),
            &request.options,
            monitor,
        )
        .map_err(plain)?;
        if written != "auto" {
            return Ok((learner, decision, name));
        }
        let features = decision.encoders.iter().map(Encoder::width).sum();
        let chosen = learners::choose(task, classes, data.training.count() as u64, features);
        // Hyper-parameters that only another candidate takes decide as well.
        if chosen == name || make(chosen).is_err() {
            return Ok((learner, decision, name));
        }
    }
    Err(last.unwrap_or_else(|| Failure::internal("no candidate")))
}

/// Takes out the classes that no training row has: nothing can be learned about them. Their rows get NaN
/// for a class.
fn only_held_out(
    classes: &mut Vec<String>,
    counts: &mut Vec<u64>,
    target: &mut [f64],
) -> Vec<String> {
    if !counts.contains(&0) {
        return Vec::new();
    }
    let mut next = 0.0;
    let numbers: Vec<f64> = counts
        .iter()
        .map(|count| {
            if *count == 0 {
                return f64::NAN;
            }
            next += 1.0;
            next - 1.0
        })
        .collect();
    for class in target {
        *class = numbers.get(*class as usize).copied().unwrap_or(f64::NAN);
    }
    let mut gone = Vec::new();
    let mut number = numbers.iter();
    classes.retain(|class| {
        let kept = number.next().is_some_and(|number| !number.is_nan());
        if !kept {
            gone.push(class.clone());
        }
        kept
    });
    counts.retain(|count| *count > 0);
    gone
}

/// The reason why held-out rows of classes without a training row do not count.
fn unseen(classes: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<_> = classes.iter().take(SHOWN).map(|c| excerpt(c)).collect();
    let rest = match classes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{UNSEEN}: {}{rest}", shown.join(", "))
}

fn no_rows(total: u64, skipped: &BTreeMap<String, u64>) -> Failure {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
        "no rows to learn from",
    );
    if total == 0 {
        return failure
            .detail("The source has no rows.")
            .hint("Name a source with rows, or relax the WHERE clause of its SELECT.");
    }
    let reasons: Vec<String> = skipped
        .iter()
        .map(|(reason, count)| format!("{reason} in {count}"))
        .collect();
    failure.detail(format!(
        "All {total} rows were skipped: {}.",
        reasons.join(", ")
    ))
}

fn no_training_rows(rows: usize) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_NO_DATA_FOUND,
        "no rows to learn from",
    )
    .detail(match rows {
        1 => "The only row is held out by the split.".to_owned(),
        _ => format!("All {rows} rows are held out by the split."),
    })
    .hint("Hold out less: split => '{\"test_size\": 0.1}', or nothing: split => '{\"method\": \"none\"}'.")
}

fn one_class(request: &Request, class: &str) -> Failure {
    Failure::parameter(format!(
        "target: column \"{}\" has a single class, {class}, in the training part",
        request.columns[request.target].name
    ))
    .hint("A classification needs rows of two classes to learn from: take more rows, or another split.")
}

/// An error of a design, its column a feature.
fn named(error: Error, features: &[String]) -> Failure {
    Failure::from_core(error, &|column| match features.get(column) {
        Some(feature) => feature.clone(),
        None if column == features.len() => "the target".to_owned(),
        None => "the weight of a row times that of its class".to_owned(),
    })
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
