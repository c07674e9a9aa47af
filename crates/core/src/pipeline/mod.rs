//! A trained model whole: the columns it reads, how they are encoded, what was learned.

mod calendar;
mod category;
mod check;
mod encoder;
mod explain;
mod input;
mod predictor;
mod scorer;
mod stored;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use calendar::civil;
pub use encoder::{Encoder, Encoding, TimeColumn, TimePart, Unknown};
pub use explain::Explanation;
pub use input::{Input, InputKind};
pub use predictor::{Linear, Link, Predictor, logistic};
pub use scorer::Scorer;

/// A trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// The algorithm's name, as `train` takes it.
    pub algorithm: String,
    /// What is predicted.
    pub target: Target,
    /// The columns it reads, in the order of training.
    pub inputs: Vec<Input>,
    /// One a slot, in the order of the inputs' slots.
    pub encoders: Vec<Encoder>,
    /// Mean of each encoded feature over the training rows: the base of explanations.
    pub means: Vec<f64>,
    /// What was learned.
    pub predictor: Predictor,
}

/// What is predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Column name.
    pub name: String,
    /// Its type as SQL writes it.
    pub sql_type: String,
    /// Number or classes.
    pub kind: TargetKind,
}

/// Number or classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// Regression.
    Number,
    /// Classification: the classes in ascending order; with two, the second is the positive one.
    Classes {
        /// What the labels are in SQL.
        label: LabelKind,
        /// The labels, as text.
        classes: Vec<String>,
    },
}

/// What the labels of a classification are in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum LabelKind {
    /// `boolean`: classes `false`, `true`.
    Boolean = 1,
    /// A number: classes as Rust's `{}` writes them, ascending by value.
    Number = 2,
    /// Text or an enum: ascending by bytes, enums in their own order.
    Text = 3,
}

impl Pipeline {
    /// Values of a row.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.encoders.len()
    }

    /// Encoded features.
    #[must_use]
    pub fn width(&self) -> usize {
        self.encoders.iter().map(Encoder::width).sum()
    }

    /// Names of the encoded features, in the order of the coefficients.
    #[must_use]
    pub fn feature_names(&self) -> Vec<String> {
        self.encoders.iter().flat_map(Encoder::features).collect()
    }

    /// Number of classes; 0 for a regression.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names().len()
    }

    /// The classes in their order; none for a regression.
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        match &self.target.kind {
            TargetKind::Number => &[],
            TargetKind::Classes { classes, .. } => classes,
        }
    }
}
