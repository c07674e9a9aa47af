//! Rows for the tests.

use pglearn_core::learners::{Learned, Problem, Task, algorithm};
use pglearn_core::monitor::Unattended;
use pglearn_core::pipeline::{Linear, Predictor};
use pglearn_core::tiles::{TileBuffer, Tiles};
use pglearn_core::{Error, Result};
use serde_json::Value;

/// Rows of features, a target each, weights where wanted.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    pub weights: Option<Vec<f64>>,
    /// 0 for a regression.
    pub classes: usize,
}

impl Rows {
    pub fn features(&self) -> usize {
        self.x.first().map_or(0, Vec::len)
    }

    pub fn tiles(&self) -> Tiles {
        let features = self.features();
        let columns = features + 1 + usize::from(self.weights.is_some());
        let mut tiles = Tiles::new(columns, features, u64::MAX);
        let mut buffer = TileBuffer::new(columns).unwrap();
        for (i, x) in self.x.iter().enumerate() {
            let mut row = x.clone();
            row.push(self.y[i]);
            row.extend(self.weights.as_ref().map(|w| w[i]));
            buffer.push(&row);
            if buffer.is_full() {
                tiles.append(buffer.span()).unwrap();
                buffer.clear();
            }
        }
        tiles.append(buffer.span()).unwrap();
        tiles
    }

    /// Trains on one thread.
    pub fn learn(&self, name: &str, hyperparams: &Value) -> Result<Learned> {
        self.learn_on(1, name, hyperparams)
    }

    pub fn learn_on(&self, threads: usize, name: &str, hyperparams: &Value) -> Result<Learned> {
        let task = if self.classes > 0 {
            Task::Classification
        } else {
            Task::Regression
        };
        let learner = algorithm(name, task, self.classes, hyperparams)?;
        let names: Vec<String> = (0..self.features()).map(|j| format!("x{j}")).collect();
        let tiles = self.tiles();
        let problem = Problem {
            tiles: &tiles,
            features: &names,
            classes: self.classes,
            weighted: self.weights.is_some(),
            threads,
            seed: 42,
        };
        learner.learn(&problem, &mut Unattended)
    }

    /// The linear function learned.
    pub fn line(&self, name: &str, hyperparams: &Value) -> Linear {
        linear(&self.learn(name, hyperparams).unwrap())
    }

    /// The error raised.
    pub fn refusal(&self, name: &str, hyperparams: &Value) -> Error {
        self.learn(name, hyperparams).unwrap_err()
    }
}

pub fn linear(learned: &Learned) -> Linear {
    match &learned.predictor {
        Predictor::Linear(linear) => linear.clone(),
        other => panic!("{other:?}"),
    }
}
