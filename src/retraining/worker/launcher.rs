//! The launcher: looks into every database now and then, by a worker that ends at once where there is
//! nothing to do. It is there only with `shared_preload_libraries`.

use crate::pg::background::{Launched, Process};
use crate::pg::database;
use crate::pg::error::Result;
use crate::pg::transaction::in_transaction;
use crate::settings;
use pgrx::pg_sys::Oid;
use std::time::{Duration, Instant};

/// How long the launcher waits for a worker that finds nothing to do, before it looks into the next
/// database.
const TURN: Duration = Duration::from_secs(1);
/// How often it asks whether it has ended, or whether the server has room for another one.
const STEP: Duration = Duration::from_millis(100);

/// What the launcher does, until the server stops.
pub fn run(process: &Process) {
    loop {
        if settings::max_workers() > 0
            && let Err(failure) = look_into_all(process)
        {
            failure.within("pglearn launcher").log();
        }
        let began = Instant::now();
        while let Some(left) = settings::launch_interval().checked_sub(began.elapsed()) {
            pause(process, left, "waiting to look into the databases");
        }
    }
}

/// Waits; settings that cannot be read stay as they were, which PostgreSQL has logged.
fn pause(process: &Process, time: Duration, what: &str) {
    if let Err(failure) = process.wait(time, what) {
        failure.within("pglearn launcher").log();
    }
}

fn look_into_all(process: &Process) -> Result<()> {
    for oid in in_transaction(database::connectable)? {
        look_into(process, oid);
    }
    Ok(())
}

/// One database after the other, so that of the server's `max_worker_processes` one is enough.
fn look_into(process: &Process, database: Oid) {
    let worker = loop {
        match Launched::start(database) {
            Some(worker) => break worker,
            None if settings::max_workers() == 0 => return,
            None => pause(process, STEP * 10, "waiting for a free worker process"),
        }
    };
    let began = Instant::now();
    while began.elapsed() < TURN && !worker.has_ended() {
        pause(process, STEP, "looking into a database");
    }
}
