//! A worker killed and a server shut down without a checkpoint, in each state of a job: the job is completed
//! exactly once.

use std::thread;
use std::time::Duration;

use super::trainings::{self, Held, PATIENCE, Phase};
use crate::cluster::Cluster;
use crate::cluster::crash::{Signal, signal};
use crate::error::{Attempt, Result};
use crate::testing::server::expect;

/// Of clusters whose jobs are tried again quickly.
const QUICK: (&str, &str) = ("pglearn.retry_delay", "100ms");
/// How often a worker is killed at some time or other.
const KILLS: u32 = 20;
/// With a launcher that looks every second.
const PRELOADED: [(&str, &str); 4] = [
    ("shared_preload_libraries", "pglearn"),
    ("pglearn.launch_interval", "1s"),
    ("max_worker_processes", "24"),
    QUICK,
];
/// Processes of pglearn in this database.
const WORKERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'pglearn%'";

/// A process that is another one after each recovery.
const CHECKPOINTER: &str = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";

/// Kills the worker, which makes the whole cluster recover, and waits until it has.
fn kill(cluster: &Cluster, held: &Held) -> Result<()> {
    let before = cluster.sql("postgres", CHECKPOINTER)?;
    signal(held.worker, Signal::Kill)?;
    wait_for_recovery(cluster, &before)
}

fn wait_for_recovery(cluster: &Cluster, checkpointer: &str) -> Result<()> {
    let another = format!("SELECT ({CHECKPOINTER}) <> {checkpointer}");
    cluster
        .wait_until(PATIENCE, "postgres", &another, "t")
        .map(drop)
}

/// With shared_preload_libraries the job is completed without anybody's help.
pub fn killed_with_preload(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("kill-preloaded", &PRELOADED)?;
    for phase in Phase::ALL {
        let database = phase.name();
        trainings::database(&cluster, database)?;
        let held = trainings::hold(&cluster, database, phase)?;
        if phase == Phase::Learning {
            // The rows of this attempt are read; the next one will have fewer.
            trainings::let_go(&cluster, database)?;
            kill(&cluster, &held)?;
        } else {
            kill(&cluster, &held)?;
            trainings::wait_for_job(&cluster, database, &held.job, "running 2 - -")?;
            trainings::let_go(&cluster, database)?;
        }
        trainings::wait_for_job(&cluster, database, &held.job, "done 2 2 -")?;
        let moves = format!("narrow ->1, wide ->1, {} 1>2", phase.model());
        trainings::must_be_whole(&cluster, database, &moves)?;
    }
    Ok(String::new())
}

/// Without it, at the next commit that touches pglearn, and not before.
pub fn killed_without_preload(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("kill-lazy", &[QUICK])?;
    for (phase, touch, moves) in [
        (
            Phase::Reading,
            "INSERT INTO watched SELECT generate_series(1, 5)",
            "narrow ->1, wide ->1, narrow 1>2",
        ),
        (
            Phase::Learning,
            "SELECT FROM ml.retrain('narrow')",
            "narrow ->1, wide ->1, wide 1>2, narrow 1>2",
        ),
    ] {
        let database = phase.name();
        trainings::database(&cluster, database)?;
        cluster.sql(
            database,
            "CREATE TABLE watched (k int); SELECT ml.watch('watched', threshold => 1000)",
        )?;
        let held = trainings::hold(&cluster, database, phase)?;
        kill(&cluster, &held)?;
        // This commit touches tables of the user only.
        trainings::let_go(&cluster, database)?;
        thread::sleep(Duration::from_millis(1500));
        trainings::wait_for_job(&cluster, database, &held.job, "running 1 - -")?;
        expect("workers", &cluster.sql(database, WORKERS)?, "0")?;
        cluster.sql(
            database,
            &format!("SET client_min_messages = error; {touch}"),
        )?;
        trainings::wait_for_job(&cluster, database, &held.job, "done 2 2 -")?;
        let others = "SELECT count(*) FROM ml.jobs WHERE state <> 'done'";
        cluster.wait_until(PATIENCE, database, others, "0")?;
        trainings::must_be_whole(&cluster, database, moves)?;
    }
    Ok(String::new())
}

/// The worker is killed at times spread over whole jobs, their first and last statements included: each job
/// makes one version, however often it was begun.
pub fn killed_at_any_time(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("kill-any-time", &PRELOADED)?;
    let database = "kills";
    trainings::database(&cluster, database)?;
    let worker = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'pglearn worker' AND datname = current_database()";
    let first = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &first, "done 1 2 -")?;
    let whole = "SELECT ceil(1e6 * extract(epoch FROM finished_at - created_at)) FROM ml.jobs";
    let whole = cluster.sql(database, whole)?;
    let whole = Duration::from_micros(whole.parse().attempt(whole)?);
    let mut moves = "narrow ->1, wide ->1, narrow 1>2".to_owned();
    let mut killed = 0;
    for round in 1..=KILLS {
        let checkpointer = cluster.sql("postgres", CHECKPOINTER)?;
        let mut observer = cluster.session(database)?;
        let job = observer.run("SELECT job_id FROM ml.retrain('narrow')")?;
        thread::sleep(whole * (round - 1) / KILLS);
        if let Some(worker) = observer.run(worker)?.lines().next() {
            signal(worker.parse().attempt(worker)?, Signal::Kill)?;
            wait_for_recovery(&cluster, &checkpointer)?;
            killed += 1;
        }
        drop(observer);
        let question = format!("SELECT state, version FROM ml.jobs WHERE job_id = {job}");
        let (before, version) = (round + 1, round + 2);
        let done = format!("done|{version}");
        cluster.wait_until(PATIENCE, database, &question, &done)?;
        moves.push_str(&format!(", narrow {before}>{version}"));
    }
    trainings::must_be_whole(&cluster, database, &moves)?;
    let again = "SELECT count(*) FILTER (WHERE attempts > 1) FROM ml.jobs";
    let again = cluster.sql(database, again)?;
    Ok(format!("{killed} kills, {again} jobs begun again"))
}

/// A state in which the server is shut down, and what has become of the job afterwards.
struct State {
    database: &'static str,
    /// What puts a job into this state.
    reach: fn(&Cluster, &str) -> Result<String>,
    /// The job before the shutdown.
    before: &'static str,
    /// The job in the end.
    after: &'static str,
    /// Moves of the champions in the end.
    moves: &'static str,
}

const STATES: &[State] = &[
    State {
        database: "queued",
        reach: |cluster, database| {
            // One that may not begin yet.
            trainings::queue_later(cluster, database, "narrow")
        },
        before: "queued 0 - -",
        after: "done 1 2 -",
        moves: "narrow ->1, wide ->1, narrow 1>2",
    },
    State {
        database: "reading",
        reach: |cluster, database| {
            trainings::hold(cluster, database, Phase::Reading).map(|held| held.job)
        },
        before: "running 1 - -",
        after: "done 2 2 -",
        moves: "narrow ->1, wide ->1, narrow 1>2",
    },
    State {
        database: "learning",
        reach: |cluster, database| {
            let held = trainings::hold(cluster, database, Phase::Learning)?;
            trainings::let_go(cluster, database)?;
            Ok(held.job)
        },
        before: "running 1 - -",
        after: "done 2 2 -",
        moves: "narrow ->1, wide ->1, wide 1>2",
    },
    State {
        database: "done",
        reach: |cluster, database| trainings::queue(cluster, database, "narrow"),
        before: "done 1 2 -",
        after: "done 1 2 -",
        moves: "narrow ->1, wide ->1, narrow 1>2",
    },
    State {
        database: "failed",
        reach: |cluster, database| {
            // An error that trying again would not mend.
            trainings::raise(cluster, database, "22012")?;
            trainings::queue(cluster, database, "narrow")
        },
        before: "failed 1 - 22012",
        after: "failed 1 - 22012",
        moves: "narrow ->1, wide ->1",
    },
    State {
        database: "dead",
        reach: |cluster, database| {
            trainings::raise(cluster, database, "40001")?;
            let once = r#"SELECT ml.request_retrain('{"model": "narrow", "max_attempts": 1}')"#;
            cluster.sql(database, once)
        },
        before: "dead 1 - 40001",
        after: "dead 1 - 40001",
        moves: "narrow ->1, wide ->1",
    },
    State {
        database: "cancelled",
        reach: |cluster, database| {
            let job = trainings::queue_later(cluster, database, "narrow")?;
            cluster.sql(database, &format!("SELECT ml.cancel_job({job})"))?;
            Ok(job)
        },
        before: "cancelled 0 - -",
        after: "cancelled 0 - -",
        moves: "narrow ->1, wide ->1",
    },
    State {
        database: "waiting",
        reach: |cluster, database| {
            // One that may pass.
            trainings::raise(cluster, database, "40001")?;
            trainings::queue(cluster, database, "narrow")
        },
        before: "queued 1 - 40001",
        after: "done 2 2 -",
        moves: "narrow ->1, wide ->1, narrow 1>2",
    },
];

/// An immediate shutdown while one database's job is in each of the states: after the restart each is
/// where it was, or is completed, once.
pub fn shut_down_in_each_state(common: &Cluster) -> Result<String> {
    let mut settings = PRELOADED.to_vec();
    settings.push(("pglearn.retry_delay", "4s"));
    let cluster = common.sibling("shutdown", &settings)?;
    let mut jobs = Vec::new();
    for state in STATES {
        trainings::database(&cluster, state.database)?;
    }
    for state in STATES {
        let job = (state.reach)(&cluster, state.database)?;
        trainings::wait_for_job(&cluster, state.database, &job, state.before)?;
        jobs.push(job);
    }
    cluster.stop_immediately()?;
    cluster.start_again()?;
    for state in STATES {
        trainings::let_go(&cluster, state.database)?;
    }
    for (state, job) in STATES.iter().zip(&jobs) {
        trainings::wait_for_job(&cluster, state.database, job, state.after)?;
        trainings::must_be_whole(&cluster, state.database, state.moves)?;
    }
    Ok(format!("{} states", STATES.len()))
}
