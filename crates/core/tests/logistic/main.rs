//! Logistic regression through the public interface.

mod data;
mod reference;
