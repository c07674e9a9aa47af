//! linregr aggregate
