//! Which columns are learned from, and how they are encoded.

use super::categories;
use super::design::MOST_FEATURES;
use super::leak::Target;
use super::number;
use super::options::{ColumnOptions, Impute, Options};
use super::scan::Training;
use super::time;
use crate::frame::{Frame, RowSet};
use crate::learners::Wishes;
use crate::monitor::Monitor;
use crate::pipeline::{Encoder, Encoding, Input, InputKind, TargetKind};
use crate::{Error, Result};

/// Share of missing training rows from which a column tells that the value is missing.
const FREQUENTLY_MISSING: f64 = 0.05;
/// Names shown where there are many.
const SHOWN: usize = 3;

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The inputs that are learned from, by their place among the inputs given.
    pub kept: Vec<usize>,
    /// Their slots in the frame.
    pub slots: Vec<usize>,
    /// One for each of `slots`.
    pub encoders: Vec<Encoder>,
    /// The rows to learn from: the training rows less those that `skipped` counts.
    pub training: RowSet,
    /// Training rows without a value that must not be missing (impute `none`), by the first such slot.
    pub skipped: Vec<(String, u64)>,
    /// What is left out, and why. For elements of an array whose other elements are kept, their names.
    pub left_out: Vec<(String, String)>,
    /// Columns that alone tell the target.
    pub leaks: Vec<Leak>,
}

/// A column that alone tells the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Which and how: a sentence without a final stop.
    pub problem: String,
    /// What to do about it: a sentence.
    pub advice: String,
}

impl Decision {
    /// Names of the encoded features, in the order of the design.
    #[must_use]
    pub fn features(&self) -> Vec<String> {
        self.encoders.iter().flat_map(Encoder::features).collect()
    }
}

/// What becomes of a slot.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It is encoded so, with an indicator or without.
    Encoded(Encoding, bool),
    /// It is left out, for a reason in words.
    LeftOut(String),
}

impl Outcome {
    /// There is no value in any training row.
    pub fn all_missing() -> Self {
        Self::LeftOut("is null in every training row".to_owned())
    }

    /// There is nothing to learn from its values; from their absence perhaps.
    pub fn constant(indicator: bool, missing: usize) -> Self {
        match missing {
            _ if indicator => Self::Encoded(Encoding::Ignored, true),
            0 => Self::LeftOut("is constant in the training rows".to_owned()),
            _ => Self::LeftOut("is constant in the training rows where it is not null".to_owned()),
        }
    }
}

/// Whether one more column tells that the value is missing.
pub(super) fn wants_indicator(options: &ColumnOptions, missing: usize, present: usize) -> bool {
    let share = missing as f64 / (missing + present).max(1) as f64;
    missing > 0 && options.indicator.unwrap_or(share >= FREQUENTLY_MISSING)
}

/// Decides on the encodings, looking at the training rows only.
///
/// The slots of `inputs` are the frame's, in order. `target` has a number, or the number of a class, for
/// each row of the frame. `wishes` are the learner's.
///
/// # Errors
/// [`Error::Option`] where an option does not suit its column, where no column is left, and where there
/// would be more than [`MOST_FEATURES`] features; [`Error::NoRows`] where there is no training row;
/// [`Error::Row`] for an infinity; [`Error::Shape`]; [`Error::Stopped`]; [`Error::OutOfMemory`].
///
/// Numerics: the order of the rows changes means and deviations by rounding only, and nothing else. Cost:
/// three passes over a column of numbers, one over others; beside the frame at most 1.25 bytes a row and,
/// one column at a time, what its distinct values take (their number is bounded).
#[allow(clippy::too_many_arguments)] // the contract with `train`
pub fn decide(
    frame: &Frame,
    inputs: &[Input],
    training: &RowSet,
    target: (&TargetKind, &[f64]),
    wishes: Wishes,
    options: &Options,
    monitor: &mut dyn Monitor,
) -> Result<Decision> {
    check_shapes(frame, inputs, training, target.1)?;
    for input in inputs {
        if let Some(options) = options.of(&input.name) {
            options.check_kind(&input.name, input.kind)?;
        }
    }
    let (rows, skipped) = complete(frame, inputs, training, options, monitor)?;
    if rows.count() == 0 {
        return Err(Error::NoRows);
    }
    let mut work = Training::new(frame, &rows, monitor);
    let classes = match target.0 {
        TargetKind::Classes { classes, .. } => classes.len(),
        TargetKind::Number => 0,
    };
    let told = Target::new(target.1, classes, &mut work)?;
    let mut decision = Decision {
        kept: Vec::new(),
        slots: Vec::new(),
        encoders: Vec::new(),
        training: RowSet::new(),
        skipped,
        left_out: Vec::new(),
        leaks: Vec::new(),
    };
    let mut first = 0;
    for (place, input) in inputs.iter().enumerate() {
        let mut outcomes = Vec::new();
        for slot in first..first + input.slots() {
            work.watch.tick()?;
            work.watch.progress.done = slot as u64;
            let outcome = decide_slot(&mut work, slot, input, wishes, options)?;
            if matches!(outcome, Outcome::Encoded(..))
                && let Some(how) = told.leak(&mut work, slot)?
            {
                decision.leaks.push(leak(input, slot - first, how));
            }
            outcomes.push(outcome);
        }
        decision.take(place, input, first, outcomes, options);
        first += input.slots();
    }
    decision.training = rows;
    decision.check_width()?;
    decision.check_any()?;
    Ok(decision)
}

fn decide_slot(
    work: &mut Training<'_>,
    slot: usize,
    input: &Input,
    wishes: Wishes,
    options: &Options,
) -> Result<Outcome> {
    let automatic = ColumnOptions::default();
    let given = options.of(&input.name).unwrap_or(&automatic);
    // The elements of an array are no identifiers.
    let insists = input.length.is_some() || options.insists(&input.name);
    match input.kind {
        InputKind::Text => categories::decide(work, slot, given, wishes.reference, insists),
        InputKind::Number | InputKind::Boolean if given.one_hot == Some(true) => {
            categories::decide(work, slot, given, wishes.reference, insists)
        }
        InputKind::Number | InputKind::Boolean => {
            number::decide(work, slot, given, wishes.scale, insists)
        }
        InputKind::Date | InputKind::Timestamp => time::decide(work, slot, given, wishes.scale),
    }
}

impl Decision {
    /// Takes note of what becomes of the slots of an input.
    fn take(
        &mut self,
        place: usize,
        input: &Input,
        first: usize,
        outcomes: Vec<Outcome>,
        options: &Options,
    ) {
        let reasons = outcomes
            .iter()
            .enumerate()
            .filter_map(|(slot, outcome)| match outcome {
                Outcome::LeftOut(reason) => Some((slot, reason.clone())),
                Outcome::Encoded(..) => None,
            });
        let reasons: Vec<(usize, String)> = reasons.collect();
        if reasons.len() == outcomes.len() {
            let reason = match (reasons.first(), input.length) {
                (Some((_, reason)), None) => reason.clone(),
                _ => "has no element that varies in the training rows".to_owned(),
            };
            self.left_out.push((input.name.clone(), reason));
            return;
        }
        if let Some((_, reason)) = reasons.first() {
            let names = reasons.iter().map(|(slot, _)| input.slot_name(*slot));
            self.left_out
                .push((listed(names.collect()), reason.clone()));
        }
        let refuse_missing = options
            .of(&input.name)
            .is_some_and(|options| options.impute == Some(Impute::None));
        self.kept.push(place);
        for (slot, outcome) in outcomes.into_iter().enumerate() {
            let (encoding, indicator) = match outcome {
                Outcome::Encoded(encoding, indicator) => (encoding, indicator),
                Outcome::LeftOut(_) => (Encoding::Ignored, false),
            };
            self.slots.push(first + slot);
            self.encoders.push(Encoder {
                slot: input.slot_name(slot),
                encoding,
                indicator,
                refuse_missing,
            });
        }
    }

    fn check_any(&self) -> Result<()> {
        if self.encoders.iter().any(|encoder| encoder.width() > 0) {
            return Ok(());
        }
        let reason = |(name, reason): &(String, String)| format!("\"{name}\" {reason}");
        let reasons: Vec<_> = self.left_out.iter().take(SHOWN).map(reason).collect();
        let colon = if reasons.is_empty() { "" } else { ": " };
        Err(Error::Option {
            path: "features".to_owned(),
            problem: format!("no column is left to learn from{colon}{}", reasons.join("; ")),
            hint: "A column that is left out for its looks is kept if features names it, or preprocess says how to encode it.".to_owned(),
        })
    }

    fn check_width(&self) -> Result<()> {
        let width: usize = self.encoders.iter().map(Encoder::width).sum();
        if width <= MOST_FEATURES {
            return Ok(());
        }
        let mut widest: Vec<(usize, &str)> = Vec::new();
        for encoder in &self.encoders {
            widest.push((encoder.width(), &encoder.slot));
        }
        widest.sort_by_key(|(width, _)| std::cmp::Reverse(*width));
        widest.truncate(SHOWN);
        let names: Vec<_> = widest
            .iter()
            .map(|(width, slot)| format!("\"{slot}\" {width}"))
            .collect();
        let hint = match widest.first() {
            Some((width, slot)) if *width > 2 => format!(
                "Lower max_categories, e.g. preprocess => '{}', or leave columns out with exclude.",
                serde_json::json!({ *slot: { "max_categories": 100 } })
            ),
            _ => "Leave columns out with exclude.".to_owned(),
        };
        Err(Error::Option {
            path: "preprocess".to_owned(),
            problem: format!(
                "{width} encoded features, at most {MOST_FEATURES} are possible; the widest columns: {}",
                names.join(", ")
            ),
            hint,
        })
    }
}

/// The training rows in which nothing is missing that must not be, and how many are not among them.
fn complete(
    frame: &Frame,
    inputs: &[Input],
    training: &RowSet,
    options: &Options,
    monitor: &mut dyn Monitor,
) -> Result<(RowSet, Vec<(String, u64)>)> {
    let mut rows = training.try_clone()?;
    let mut skipped = Vec::new();
    let mut first = 0;
    for input in inputs {
        let strict = options
            .of(&input.name)
            .is_some_and(|options| options.impute == Some(Impute::None));
        for slot in (first..first + input.slots()).filter(|_| strict) {
            let mut kept = rows.try_clone()?;
            Training::new(frame, &rows, monitor).scan_missing(slot, |row| {
                kept.remove(row);
                true
            })?;
            let gone = rows.count() - kept.count();
            if gone > 0 {
                skipped.push((input.slot_name(slot - first), gone as u64));
            }
            rows = kept;
        }
        first += input.slots();
    }
    Ok((rows, skipped))
}

fn check_shapes(frame: &Frame, inputs: &[Input], training: &RowSet, target: &[f64]) -> Result<()> {
    let slots = inputs.iter().map(Input::slots).sum();
    for (what, expected, got) in [
        ("slots", frame.slots(), slots),
        ("rows", frame.rows(), training.rows()),
        ("rows", frame.rows(), target.len()),
    ] {
        if expected != got {
            return Err(Error::Shape {
                what,
                expected,
                got,
            });
        }
    }
    Ok(())
}

fn leak(input: &Input, element: usize, how: &str) -> Leak {
    let slot = input.slot_name(element);
    let name = input.name.replace('\'', "''");
    Leak {
        problem: format!("column \"{slot}\" alone tells the target in the training rows: {how}"),
        advice: format!(
            "Unless it is known when predictions are made, leave it out: exclude => ARRAY['{name}']."
        ),
    }
}

/// Names, the first few of many.
fn listed(names: Vec<String>) -> String {
    match names.len().checked_sub(SHOWN + 1) {
        None => names.join(", "),
        Some(more) => format!("{} and {} more", names[..SHOWN].join(", "), more + 1),
    }
}
