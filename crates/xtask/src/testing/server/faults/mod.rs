//! What the retraining loop survives: each test does to a cluster of its own, or to processes of the common
//! one, what a bad day would.

mod tools;
pub(super) mod trainings;

use super::Test;

/// The tests.
pub const TESTS: &[Test] = &[Test {
    name: "faults/tools",
    needs_data: false,
    run: tools::do_what_they_say,
}];
