//! The learners behind `train()`: one trait, one table.
//!
//! [`ALGORITHMS`] lists what there is with its hyper-parameters; [`algorithm`] makes a [`Learner`] of a
//! name and JSON, [`choose`] is the rule of `auto`. A learner turns encoded rows into a
//! [`Predictor`]. A new one is a file here and an entry in the table.

mod choice;
mod elastic_net;
mod linear_regression;
mod logistic_regression;
mod ridge;
mod settings;
mod table;
mod words;

pub use choice::{algorithm, choose};
pub use table::{ALGORITHMS, Algorithm, Hyperparameter, Range, Setting};

use crate::Result;
use crate::monitor::Monitor;
use crate::pipeline::Predictor;
use crate::tiles::Tiles;

/// What is to be learned: encoded rows.
///
/// Columns of `tiles`: the features, then the target (a number, or the number of a class from 0),
/// then the weight where `weighted`.
#[derive(Debug)]
pub struct Problem<'a> {
    /// The training rows, features centred there (`Tiles::new(_, features, _)`).
    pub tiles: &'a Tiles,
    /// Names of the encoded features.
    pub features: &'a [String],
    /// Classes; 0 for a regression.
    pub classes: usize,
    /// Whether the last column is a weight.
    pub weighted: bool,
    /// Threads at the most.
    pub threads: usize,
    /// Seed of whatever is random.
    pub seed: u64,
}

/// What a learner returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// The function.
    pub predictor: Predictor,
    /// What the user should be warned of: whole sentences without a final stop.
    pub warnings: Vec<String>,
    /// Iterations made.
    pub iterations: u32,
    /// Whether the search ended by its own criterion.
    pub converged: bool,
    /// Value of the objective; NaN where there is none.
    pub loss: f64,
}

/// Classification or regression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Of classes.
    Classification,
    /// Of a number.
    Regression,
}

impl Task {
    /// Its name in SQL.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Regression => "regression",
        }
    }
}

/// How a learner wants its features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Standardised numbers: where a penalty makes units matter.
    pub scale: bool,
    /// No redundant column among those of a category: where nothing else would decide between them.
    pub reference: bool,
}

/// A learner with its hyper-parameters checked.
pub trait Learner {
    /// How it wants its features.
    fn wishes(&self) -> Wishes;

    /// Bytes it needs besides the tiles.
    fn working_memory(&self, features: usize, classes: usize, threads: usize) -> u64;

    /// The hyper-parameters in use, defaults included, by their scikit-learn names.
    fn hyperparameters(&self) -> serde_json::Value;

    /// Learns.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped), [`Error::NoRows`](crate::Error::NoRows),
    /// [`Error::Breakdown`](crate::Error::Breakdown), those of memory.
    fn learn(&self, problem: &Problem<'_>, monitor: &mut dyn Monitor) -> Result<Learned>;
}
