//! What must hold in every pipeline that is stored or scored with.

use std::collections::HashSet;
use std::hash::Hash;

use super::calendar::is_infinite;
use super::encoder::{Encoder, Encoding};
use super::{Input, InputKind, LabelKind, Pipeline, Predictor, Target, TargetKind};
use crate::{Error, Result};

/// Values of a row at the most.
pub(super) const MAX_SLOTS: usize = 1 << 17;
/// Margins times slots that need no coefficients to show for it.
const EMPTY_CELLS: usize = 1 << 20;

impl Pipeline {
    /// That every part fits the others.
    pub(super) fn check(&self) -> Result<()> {
        holds(!self.inputs.is_empty(), "a model without inputs")?;
        let names = self.inputs.iter().map(|input| &input.name);
        holds(distinct(names), "two inputs of one name")?;
        check_target(&self.target)?;
        holds(self.encoders.len() <= MAX_SLOTS, "number of encoders")?;
        self.check_encoders()?;
        let features = self.width();
        let fits = self.means.len() == features && finite(&self.means);
        holds(fits, "means of the features")?;
        let Predictor::Linear(linear) = &self.predictor;
        let classes = self.classes();
        let link = match classes {
            0 => super::Link::Identity,
            2 => super::Link::Logistic,
            _ => super::Link::Softmax,
        };
        holds(linear.link == link, "link")?;
        let margins = link.margins(classes);
        let fits = linear.intercepts.len() == margins && finite(&linear.intercepts);
        holds(fits, "intercepts")?;
        let fits = margins.checked_mul(features) == Some(linear.coefficients.len());
        holds(fits, "number of coefficients")?;
        holds(finite(&linear.coefficients), "a coefficient")?;
        // Slots without a column cost no bytes here, but memory in a scorer.
        let cells = margins.saturating_mul(self.encoders.len());
        let most = EMPTY_CELLS.max(linear.coefficients.len().saturating_mul(4));
        holds(cells <= most, "more classes than columns are worth")?;
        let errors = margins.checked_mul(features + 1);
        let fits = linear.std_err.is_empty() || errors == Some(linear.std_err.len());
        holds(fits, "number of standard errors")?;
        let sound = |error: &f64| error.is_nan() || *error >= 0.0;
        holds(linear.std_err.iter().all(sound), "a standard error")
    }

    fn check_encoders(&self) -> Result<()> {
        let slots = self
            .inputs
            .iter()
            .flat_map(|input| (0..input.slots()).map(move |slot| (input, slot)));
        let mut encoders = self.encoders.iter();
        for (input, slot) in slots {
            let encoder = encoders.next();
            let encoder = encoder.ok_or(Error::Corrupt {
                what: "number of encoders",
            })?;
            let named = match input.length {
                None => encoder.slot == input.name,
                Some(_) => encoder.slot == input.slot_name(slot),
            };
            holds(named, "name of a slot")?;
            check_encoder(encoder, input)?;
        }
        holds(encoders.next().is_none(), "number of encoders")
    }
}

fn holds(fact: bool, what: &'static str) -> Result<()> {
    if fact {
        Ok(())
    } else {
        Err(Error::Corrupt { what })
    }
}

fn finite(numbers: &[f64]) -> bool {
    pglearn_kernels::all_finite(numbers)
}

fn distinct<T: Eq + Hash>(items: impl ExactSizeIterator<Item = T>) -> bool {
    let count = items.len();
    items.collect::<HashSet<_>>().len() == count
}

fn check_target(target: &Target) -> Result<()> {
    let TargetKind::Classes { label, classes } = &target.kind else {
        return Ok(());
    };
    holds(classes.len() >= 2, "fewer than two classes")?;
    holds(distinct(classes.iter()), "two classes of one name")?;
    match label {
        LabelKind::Boolean => holds(classes[..] == ["false", "true"], "classes of a boolean"),
        LabelKind::Number => {
            let numbers: Vec<f64> = classes.iter().flat_map(|class| class.parse()).collect();
            let all = numbers.len() == classes.len() && finite(&numbers);
            holds(all && numbers.is_sorted(), "classes that are numbers")
        }
        LabelKind::Text => Ok(()),
    }
}

fn check_encoder(encoder: &Encoder, input: &Input) -> Result<()> {
    let number = matches!(input.kind, InputKind::Number | InputKind::Boolean);
    let time = matches!(input.kind, InputKind::Date | InputKind::Timestamp);
    let elements = number && input.length != Some(0);
    holds(elements || input.length.is_none(), "elements of an array")?;
    let scaled = |center: f64, scale: f64| {
        center.is_finite() && scale.is_finite() && scale > 0.0 && (1.0 / scale).is_finite()
    };
    match &encoder.encoding {
        Encoding::Number {
            center,
            scale,
            impute,
        } => {
            holds(number, "encoding of an input")?;
            holds(scaled(*center, *scale), "scale of a number")?;
            holds(impute.is_finite(), "number for missing values")
        }
        Encoding::OneHot {
            categories,
            reference,
            impute,
            ..
        } => {
            holds(!time, "encoding of an input")?;
            holds(distinct(categories.iter()), "two categories of one name")?;
            let known = |place: u32| (place as usize) < categories.len();
            holds(reference.is_none_or(known), "reference category")?;
            let none = *impute as usize == categories.len();
            holds(known(*impute) || none, "category for missing values")
        }
        Encoding::Time { parts, impute } => {
            holds(time, "encoding of an input")?;
            holds(!parts.is_empty(), "a time without parts")?;
            let kinds = parts.iter().map(|column| column.part as u8);
            holds(distinct(kinds), "two columns of one part of a time")?;
            let scaled = parts.iter().all(|part| scaled(part.center, part.scale));
            holds(scaled, "scale of a part of a time")?;
            holds(!is_infinite(*impute), "time for missing values")
        }
        Encoding::Ignored => Ok(()),
    }
}
