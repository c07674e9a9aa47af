//! Fits and metrics against the reference numbers of `tests/reference` (statsmodels and scikit-learn,
//! computed again with 50 digits; see `generate.py` there for versions and formulas).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are not seen as tests

mod data;
mod encoders;
mod evaluation;
mod expected;
mod linear;
mod logistic;
mod metrics;
