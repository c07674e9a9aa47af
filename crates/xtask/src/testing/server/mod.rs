//! Tests that need more than one session, database or role, or a restart: one function each.

mod demo;
mod install;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::report::{Outcome, Report};

/// A test against a running server.
struct Test {
    /// What it is called, after `server/`.
    name: &'static str,
    /// Whether it reads the folder `PGLEARN_DATA`.
    needs_data: bool,
    /// Runs it in databases of its own making; an error is a failure.
    run: fn(&Cluster) -> Result<()>,
}

const TESTS: &[Test] = &[
    Test {
        name: "demo",
        needs_data: false,
        run: demo::tells_its_story,
    },
    Test {
        name: "trusted_install",
        needs_data: false,
        run: install::by_database_owner,
    },
    Test {
        name: "dump_and_restore",
        needs_data: false,
        run: install::dump_and_restore,
    },
    Test {
        name: "restart",
        needs_data: false,
        run: install::survives_restart,
    },
];

/// The names of the tests.
pub fn names() -> impl Iterator<Item = String> {
    TESTS.iter().map(full_name)
}

/// Runs them.
pub fn run(cluster: &Cluster, report: &mut Report) {
    for test in TESTS {
        report.test(&full_name(test), || {
            if test.needs_data && super::regress::data_folder().is_none() {
                return Ok(Outcome::Skipped("PGLEARN_DATA is not set".to_owned()));
            }
            (test.run)(cluster).map(|()| Outcome::passed())
        });
    }
}

fn full_name(test: &Test) -> String {
    format!("server/{}", test.name)
}

/// Fails unless both are equal.
fn expect(what: &str, got: &str, wanted: &str) -> Result<()> {
    if got == wanted {
        return Ok(());
    }
    crate::error::fail!("{what}:\n  got    {got}\n  wanted {wanted}");
}
