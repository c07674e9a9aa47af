//! The mathematics of pglearn: accumulators, solvers, inference and metrics over column tiles.
//!
//! This crate knows nothing of PostgreSQL. Rows arrive as [`tiles::Tiles`] (kept) or one
//! [`tiles::Span`] after the other (streamed); every solver takes a [`monitor::Monitor`], through
//! which cancellation, deadlines and progress enter; every failure is an [`error::Error`].

mod encoding;
pub mod error;
pub mod evaluation;
pub mod frame;
pub mod learners;
pub mod least_squares;
mod linalg;
pub mod linear;
pub mod logistic;
pub mod metrics;
pub mod monitor;
pub mod options;
mod parallel;
mod penalised;
pub mod pipeline;
pub mod preprocess;
mod quasi_newton;
mod selection;
pub mod softmax;
pub mod split;
pub mod summary;
pub mod tiles;
pub mod value;
mod weights;

pub use error::{Error, Result};
pub use linfa::ParamGuard;
