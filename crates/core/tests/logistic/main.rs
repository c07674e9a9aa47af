//! Logistic regression through the public interface.

#![allow(clippy::unwrap_used, clippy::excessive_precision)]

mod data;
mod deficient;
mod optimizers;
mod peer;
mod properties;
mod reference;
mod separated;
