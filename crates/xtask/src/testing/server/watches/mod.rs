//! Watches beyond one session: what a dump carries over, what logical replication does, what becomes of jobs
//! in the name of a role that loses its rights.

mod dump;
mod owner;
mod partitions;
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
    Test {
        name: "watches/owner_without_rights",
        needs_data: false,
        run: owner::without_rights,
    },
    Test {
        name: "watches/partitions_are_found",
        needs_data: false,
        run: partitions::are_found,
    },
];
