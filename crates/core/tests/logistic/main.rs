//! Logistic regression through the public interface.

#![allow(clippy::excessive_precision)]

mod data;
mod deficient;
mod optimizers;
mod properties;
mod reference;
mod separated;
