//! Tests that need more than one session, database or role, or a restart: one function each.

mod aliases;
mod cancel;
mod cancel_models;
mod demo;
mod dump;
mod faults;
mod install;
mod memory;
mod models;
mod monitor;
mod names;
mod numbers;
mod queue;
mod references;
mod scoring;
mod standby;
mod training_jobs;
mod transactions;
mod visibility;
mod watches;
mod worker;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::report::{Outcome, Report};

/// A test against a running server.
struct Test {
    /// What it is called, after `server/`.
    name: &'static str,
    /// Whether it reads the folder `PGLEARN_DATA`.
    needs_data: bool,
    /// Runs it in databases of its own making; an error is a failure. The text, which may be empty, is
    /// what was measured.
    run: fn(&Cluster) -> Result<String>,
}

const TESTS: &[Test] = &[
    Test {
        name: "monitor/eight_clients",
        needs_data: false,
        run: monitor::by_eight_clients,
    },
    Test {
        name: "monitor/while_reindexed",
        needs_data: false,
        run: monitor::while_reindexed,
    },
    Test {
        name: "monitor/open_transactions",
        needs_data: false,
        run: monitor::of_open_transactions,
    },
    Test {
        name: "monitor/prepared",
        needs_data: false,
        run: monitor::of_prepared_transactions,
    },
    Test {
        name: "demo",
        needs_data: false,
        run: |cluster| demo::tells_its_story(cluster).map(nothing_measured),
    },
    Test {
        name: "trusted_install",
        needs_data: false,
        run: |cluster| install::by_database_owner(cluster).map(nothing_measured),
    },
    Test {
        name: "hostile_operators",
        needs_data: false,
        run: |cluster| install::over_hostile_operators(cluster).map(nothing_measured),
    },
    Test {
        name: "dump_and_restore",
        needs_data: false,
        run: |cluster| install::dump_and_restore(cluster).map(nothing_measured),
    },
    Test {
        name: "restart",
        needs_data: false,
        run: |cluster| install::survives_restart(cluster).map(nothing_measured),
    },
    Test {
        name: "public_refused",
        needs_data: false,
        run: |cluster| install::refused_in_public(cluster).map(nothing_measured),
    },
    Test {
        name: "transactions/rollback",
        needs_data: false,
        run: transactions::rollback,
    },
    Test {
        name: "transactions/visibility",
        needs_data: false,
        run: transactions::visibility,
    },
    Test {
        name: "transactions/same_name",
        needs_data: false,
        run: transactions::same_name,
    },
    Test {
        name: "numbers/threads_and_order",
        needs_data: false,
        run: numbers::threads_and_order,
    },
    Test {
        name: "numbers/parallel_plans",
        needs_data: false,
        run: numbers::parallel_plans,
    },
    Test {
        name: "numbers/dump_and_restore",
        needs_data: false,
        run: numbers::dump_and_restore,
    },
    Test {
        name: "visibility/of_a_commit",
        needs_data: false,
        run: visibility::of_a_commit,
    },
    Test {
        name: "visibility/in_every_statement",
        needs_data: false,
        run: visibility::in_every_statement,
    },
    Test {
        name: "visibility/in_parallel_workers",
        needs_data: false,
        run: visibility::in_parallel_workers,
    },
    Test {
        name: "visibility/under_repeatable_read",
        needs_data: false,
        run: visibility::under_repeatable_read,
    },
    Test {
        name: "visibility/within_one_statement",
        needs_data: false,
        run: visibility::within_one_statement,
    },
    Test {
        name: "visibility/of_a_rollback",
        needs_data: false,
        run: visibility::of_a_rollback,
    },
    Test {
        name: "visibility/of_two_phases",
        needs_data: false,
        run: visibility::of_two_phases,
    },
    Test {
        name: "visibility/of_an_end",
        needs_data: false,
        run: visibility::of_an_end,
    },
    Test {
        name: "visibility/of_databases_and_restarts",
        needs_data: false,
        run: visibility::of_databases_and_restarts,
    },
    Test {
        name: "visibility/without_a_transaction_number",
        needs_data: false,
        run: visibility::without_a_transaction_number,
    },
    Test {
        name: "names/of_an_existing_model",
        needs_data: false,
        run: names::of_an_existing_model,
    },
    Test {
        name: "names/of_a_new_model",
        needs_data: false,
        run: names::of_a_new_model,
    },
    Test {
        name: "names/in_a_rush",
        needs_data: false,
        run: names::in_a_rush,
    },
    Test {
        name: "names/under_repeatable_read",
        needs_data: false,
        run: names::under_repeatable_read,
    },
    Test {
        name: "scoring/conflicts",
        needs_data: false,
        run: scoring::conflicts,
    },
    Test {
        name: "scoring/versions",
        needs_data: false,
        run: scoring::versions,
    },
    Test {
        name: "scoring/at_once",
        needs_data: false,
        run: scoring::at_once,
    },
    Test {
        name: "standby/follows",
        needs_data: false,
        run: standby::follows,
    },
    Test {
        name: "dump/by_superuser",
        needs_data: false,
        run: dump::by_superuser,
    },
    Test {
        name: "dump/by_database_owner",
        needs_data: false,
        run: dump::by_database_owner,
    },
    Test {
        name: "aliases/move_one_after_the_other",
        needs_data: false,
        run: aliases::move_one_after_the_other,
    },
    Test {
        name: "aliases/and_drops",
        needs_data: false,
        run: aliases::and_drops,
    },
    Test {
        name: "aliases/under_repeatable_read",
        needs_data: false,
        run: aliases::under_repeatable_read,
    },
    Test {
        name: "references/missing_where_restored",
        needs_data: false,
        run: references::missing_where_restored,
    },
    Test {
        name: "memory/peak_of_a_training",
        needs_data: false,
        run: memory::peak_of_a_training,
    },
    Test {
        name: "memory/failing_calls",
        needs_data: false,
        run: memory::failing_calls,
    },
    Test {
        name: "memory/peak_of_named_models",
        needs_data: false,
        run: memory::peak_of_named_models,
    },
    Test {
        name: "memory/refused_before_the_start",
        needs_data: false,
        run: memory::refused_before_the_start,
    },
    Test {
        name: "memory/many_models",
        needs_data: false,
        run: memory::many_models,
    },
    Test {
        name: "cancel/while_reading",
        needs_data: false,
        run: cancel::while_reading,
    },
    Test {
        name: "cancel/while_folding",
        needs_data: false,
        run: cancel::while_folding,
    },
    Test {
        name: "cancel/while_iterating",
        needs_data: false,
        run: cancel::while_iterating,
    },
    Test {
        name: "cancel/while_iterating_in_threads",
        needs_data: false,
        run: cancel::while_iterating_in_threads,
    },
    Test {
        name: "cancel/while_iterating_by_cg",
        needs_data: false,
        run: cancel::while_iterating_by_cg,
    },
    Test {
        name: "cancel/while_iterating_by_igd",
        needs_data: false,
        run: cancel::while_iterating_by_igd,
    },
    Test {
        name: "cancel/while_sorting",
        needs_data: false,
        run: cancel::while_sorting,
    },
    Test {
        name: "cancel_models/while_reading",
        needs_data: false,
        run: cancel_models::while_reading,
    },
    Test {
        name: "cancel_models/while_learning",
        needs_data: false,
        run: cancel_models::while_learning,
    },
    Test {
        name: "cancel_models/at_any_time",
        needs_data: false,
        run: cancel_models::at_any_time,
    },
    Test {
        name: "cancel_models/while_predicting",
        needs_data: false,
        run: cancel_models::while_predicting,
    },
    Test {
        name: "cancel_models/while_calling",
        needs_data: false,
        run: cancel_models::while_calling,
    },
    Test {
        name: "cancel_models/while_evaluating",
        needs_data: false,
        run: cancel_models::while_evaluating,
    },
    Test {
        name: "cancel_models/while_scoring_on_insert",
        needs_data: false,
        run: cancel_models::while_scoring_on_insert,
    },
    Test {
        name: "jobs/run_once",
        needs_data: false,
        run: queue::run_once,
    },
    Test {
        name: "jobs/session_dies",
        needs_data: false,
        run: queue::session_dies,
    },
    Test {
        name: "jobs/repeatable_read",
        needs_data: false,
        run: queue::repeatable_read,
    },
    Test {
        name: "jobs/open_transactions",
        needs_data: false,
        run: queue::open_transactions,
    },
    Test {
        name: "jobs/late_finish",
        needs_data: false,
        run: queue::late_finish,
    },
    Test {
        name: "jobs/two_phases",
        needs_data: false,
        run: queue::two_phases,
    },
    Test {
        name: "jobs/locks_stay",
        needs_data: false,
        run: queue::locks_stay,
    },
    Test {
        name: "jobs/defiant_code",
        needs_data: false,
        run: queue::defiant_code,
    },
    Test {
        name: "jobs/nobody_waits",
        needs_data: false,
        run: queue::nobody_waits,
    },
    Test {
        name: "jobs/forged_roles",
        needs_data: false,
        run: queue::forged_roles,
    },
    Test {
        name: "training_jobs/hold_no_snapshot",
        needs_data: false,
        run: training_jobs::hold_no_snapshot,
    },
    Test {
        name: "training_jobs/are_cancelled",
        needs_data: false,
        run: training_jobs::are_cancelled,
    },
    Test {
        name: "training_jobs/keep_to_their_limits",
        needs_data: false,
        run: training_jobs::keep_to_their_limits,
    },
    Test {
        name: "training_jobs/fail_on_useless_data",
        needs_data: false,
        run: training_jobs::fail_on_useless_data,
    },
    Test {
        name: "training_jobs/announce_promotions",
        needs_data: false,
        run: training_jobs::announce_promotions,
    },
    Test {
        name: "training_jobs/share_a_model",
        needs_data: false,
        run: training_jobs::share_a_model,
    },
    Test {
        name: "training_jobs/read_what_was_meant",
        needs_data: false,
        run: training_jobs::read_what_was_meant,
    },
];

fn nothing_measured((): ()) -> String {
    String::new()
}

/// The tests, but for those in which something breaks.
fn tests() -> impl Iterator<Item = &'static Test> {
    TESTS.iter().chain(watches::TESTS).chain(worker::TESTS)
}

/// The names of the tests.
pub fn names() -> impl Iterator<Item = String> {
    tests().map(full_name).chain(faults::names())
}

/// Runs them.
pub fn run(cluster: &Cluster, report: &mut Report) {
    for test in tests() {
        report.test(&full_name(test), || {
            if test.needs_data && super::regress::data_folder().is_none() {
                return Ok(Outcome::Skipped("PGLEARN_DATA is not set".to_owned()));
            }
            (test.run)(cluster).map(|remark| Outcome::Passed(1, remark))
        });
    }
    // Last, because they are the slowest.
    faults::run(cluster, report);
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
