//! Builds, demonstrates, tests, measures and packages pglearn.
fn main() {}
