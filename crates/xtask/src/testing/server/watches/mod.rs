//! Watches where several databases take part: what a dump carries over, what logical replication does.

mod dump;
mod replication;

use super::Test;

/// The tests.
pub const TESTS: &[Test] = &[
    Test {
        name: "watches/dump_by_superuser",
        needs_data: false,
        run: dump::by_superuser,
    },
    Test {
        name: "watches/dump_by_database_owner",
        needs_data: false,
        run: dump::by_database_owner,
    },
    Test {
        name: "watches/replication",
        needs_data: false,
        run: replication::applied_rows_are_polled,
    },
];
