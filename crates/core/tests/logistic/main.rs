//! Logistic regression through the public interface.

#![allow(clippy::excessive_precision)]

mod data;
mod deficient;
mod reference;
mod separated;
