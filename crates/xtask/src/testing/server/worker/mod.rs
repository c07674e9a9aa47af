//! The life of the background worker: how it starts, what it shows, what makes it end.

mod bounds;
mod ends;
mod launcher;
mod life;
mod starts;
mod story;

use super::Test;
use super::faults::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result};

/// The tests.
pub const TESTS: &[Test] = &[
    Test {
        name: "worker/story_of_new_rows",
        needs_data: false,
        run: story::of_new_rows,
    },
    Test {
        name: "worker/starts_at_commit",
        needs_data: false,
        run: starts::at_commit,
    },
    Test {
        name: "worker/starts_in_two_databases",
        needs_data: false,
        run: starts::in_two_databases,
    },
    Test {
        name: "worker/starts_as_often_as_allowed",
        needs_data: false,
        run: starts::as_often_as_allowed,
    },
    Test {
        name: "worker/misses_no_job",
        needs_data: false,
        run: starts::misses_no_job,
    },
    Test {
        name: "worker/shows_what_it_does",
        needs_data: false,
        run: life::shows_what_it_does,
    },
    Test {
        name: "worker/looks_without_a_trace",
        needs_data: false,
        run: life::looks_without_a_trace,
    },
    Test {
        name: "worker/takes_over_settings",
        needs_data: false,
        run: life::takes_over_settings,
    },
    Test {
        name: "worker/waits_for_what_is_due_later",
        needs_data: false,
        run: life::waits_for_what_is_due_later,
    },
    Test {
        name: "worker/survives_a_broken_queue",
        needs_data: false,
        run: life::survives_a_broken_queue,
    },
    Test {
        name: "worker/bounds_of_time",
        needs_data: false,
        run: bounds::of_time,
    },
    Test {
        name: "worker/bounds_of_the_past",
        needs_data: false,
        run: bounds::of_the_past,
    },
    Test {
        name: "worker/heeds_signals",
        needs_data: false,
        run: ends::heeds_signals,
    },
    Test {
        name: "worker/lets_databases_go",
        needs_data: false,
        run: ends::lets_databases_go,
    },
    Test {
        name: "worker/and_drop_extension",
        needs_data: false,
        run: ends::and_drop_extension,
    },
    Test {
        name: "worker/and_alter_extension",
        needs_data: false,
        run: ends::and_alter_extension,
    },
    Test {
        name: "worker/launched_after_a_restart",
        needs_data: false,
        run: launcher::after_a_restart,
    },
    Test {
        name: "worker/launched_when_there_is_room",
        needs_data: false,
        run: launcher::when_there_is_room,
    },
    Test {
        name: "worker/launched_after_a_promotion",
        needs_data: false,
        run: launcher::after_a_promotion,
    },
];

/// The workers of the database that asks.
const WORKERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pglearn worker' AND datname = current_database()";

/// Waits until so many workers are there.
fn wait_for_workers(cluster: &Cluster, database: &str, count: u32) -> Result<()> {
    cluster
        .wait_until(PATIENCE, database, WORKERS, &count.to_string())
        .map(drop)
}

/// The process id of the only worker of a database, once it waits for work.
fn idle_worker(cluster: &Cluster, database: &str) -> Result<u32> {
    let waiting = format!("{WORKERS} AND state = 'idle'");
    cluster.wait_until(PATIENCE, database, &waiting, "1")?;
    let pid = cluster.sql(database, &WORKERS.replace("count(*)", "pid"))?;
    pid.parse().attempt(format!("the worker `{pid}`"))
}
