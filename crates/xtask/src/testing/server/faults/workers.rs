//! Workers that are ended, that are two, that come back late.

use std::time::Duration;

use super::trainings::{self, PATIENCE, Phase};
use crate::cluster::Cluster;
use crate::cluster::crash::{Signal, signal};
use crate::error::{Result, fail};
use crate::testing::server::expect;
use crate::testing::server::models::wait_for_lock;

const SETTINGS: [(&str, &str); 2] = [
    ("pglearn.retry_delay", "100ms"),
    ("max_worker_processes", "24"),
];

/// `pg_terminate_backend`: the job is tried again by another worker. `pg_cancel_backend`: it has been cancelled.
/// Nobody else notices.
pub fn terminated(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("terminate", &SETTINGS)?;
    let mut bystander = cluster.session("postgres")?;
    for phase in Phase::ALL {
        let database = phase.name();
        let model = phase.model();
        trainings::database(&cluster, database)?;
        let held = trainings::hold(&cluster, database, phase)?;
        if phase == Phase::Learning {
            trainings::let_go(&cluster, database)?;
        }
        end(&cluster, "pg_terminate_backend", held.worker)?;
        if phase == Phase::Reading {
            trainings::wait_for_job(&cluster, database, &held.job, "running 2 - -")?;
            trainings::let_go(&cluster, database)?;
        }
        trainings::wait_for_job(&cluster, database, &held.job, "done 2 2 -")?;

        let held = trainings::hold(&cluster, database, phase)?;
        end(&cluster, "pg_cancel_backend", held.worker)?;
        trainings::wait_for_job(&cluster, database, &held.job, "failed 1 - 57014")?;
        trainings::let_go(&cluster, database)?;
        let moves = format!("narrow ->1, wide ->1, {model} 1>2");
        trainings::must_be_whole(&cluster, database, &moves)?;
        // And the next one is not disturbed by any of this.
        let job = trainings::queue(&cluster, database, model)?;
        trainings::wait_for_job(&cluster, database, &job, "done 1 3 -")?;
    }
    expect("a bystander", &bystander.run("SELECT 1")?, "1")?;
    Ok(String::new())
}

/// Sends a signal by SQL.
fn end(cluster: &Cluster, function: &str, process: u32) -> Result<()> {
    let sent = cluster.sql("postgres", &format!("SELECT {function}({process})"))?;
    expect(function, &sent, "t")
}

/// Two workers share the queue: both work, no job is done twice, and there is never a third.
pub fn two_at_once(common: &Cluster) -> Result<String> {
    let mut settings = SETTINGS.to_vec();
    settings.push(("pglearn.max_workers", "2"));
    let cluster = common.sibling("two-workers", &settings)?;
    let database = "two";
    trainings::database(&cluster, database)?;
    // Six models of one recipe; each reads slowly enough for both workers to be seen.
    cluster.sql(
        database,
        "SET client_min_messages = error;
         SELECT (SELECT version FROM ml.train('m' || i, 'SELECT k, a, b + 0 * length(pg_sleep(0.002)::text) AS b, a + 2 * b AS y FROM d', 'y',
             algorithm => 'linear_regression', features => '{a,b}', split => '{\"method\": \"random\", \"key\": \"k\"}')) FROM generate_series(1, 6) AS i",
    )?;
    cluster.sql(
        database,
        "SELECT (SELECT job_id FROM ml.retrain('m' || i)) FROM generate_series(1, 6) AS i",
    )?;
    let both = "SELECT count(DISTINCT worker_pid) FROM ml.jobs WHERE state = 'running'";
    cluster.wait_until(PATIENCE, database, both, "2")?;
    let workers = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'pglearn worker%'";
    expect("workers", &cluster.sql(database, workers)?, "2")?;
    let done = "SELECT string_agg(DISTINCT concat_ws(' ', state, attempts, version), ', '), count(*), count(DISTINCT worker_pid) FROM ml.jobs";
    cluster.wait_until(PATIENCE, database, done, "done 1 2|6|2")?;
    let versions = "SELECT count(*), count(DISTINCT (model_id, version)), max(version) FROM ml.model_versions WHERE model_id IN (SELECT model_id FROM ml.models WHERE name LIKE 'm_')";
    expect("versions", &cluster.sql(database, versions)?, "12|12|2").map(|()| String::new())
}

/// A worker that was away while another one finished its job: its result is thrown away.
///
/// First it finds out while it works, then only when it publishes.
pub fn late(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("late-worker", &SETTINGS)?;
    for phase in Phase::ALL {
        let database = phase.name();
        let model = phase.model();
        trainings::database(&cluster, database)?;
        let held = trainings::hold(&cluster, database, phase)?;
        signal(held.worker, Signal::Stop)?;
        trainings::let_go(&cluster, database)?;
        let finished = finish_by_hand(&cluster, database, model, &held.job);
        // A stopped process would outlive this test.
        signal(held.worker, Signal::Continue)?;
        finished?;
        must_have_no_effect(&cluster, database, model, &held.job)?;
    }
    let database = "publishing";
    trainings::database(&cluster, database)?;
    cluster.sql(
        database,
        "SELECT FROM ml.retrain('narrow', async => false); SELECT ml.promote('narrow', 2)",
    )?;
    let held = trainings::hold(&cluster, database, Phase::Reading)?;
    let mut thief = cluster.session(database)?;
    thief.run(&format!(
        "BEGIN; UPDATE ml.jobs SET attempts = attempts + 1, state = 'done', version = 2, finished_at = now() WHERE job_id = {}",
        held.job
    ))?;
    // It sees the job as its own up to the last statement, which waits for the row.
    trainings::let_go(&cluster, database)?;
    wait_for_lock(&mut cluster.session("postgres")?, held.worker)?;
    thief.run("COMMIT")?;
    must_have_no_effect(&cluster, database, "narrow", &held.job)?;
    Ok(String::new())
}

/// What another worker would do, in one transaction: begin the job anew, make version 2, promote it, finish.
fn take_away(model: &str, job: &str) -> String {
    format!(
        "UPDATE ml.jobs SET attempts = attempts + 1 WHERE job_id = {job};
         UPDATE ml.jobs SET state = 'done', finished_at = clock_timestamp(),
           version = (SELECT t.version FROM ml.retrain('{model}', async => false) AS t) WHERE job_id = {job};
         SELECT ml.promote('{model}', 2)"
    )
}

fn finish_by_hand(cluster: &Cluster, database: &str, model: &str, job: &str) -> Result<()> {
    let statements = take_away(model, job);
    let done = cluster.sql(
        database,
        &format!("SET client_min_messages = error; {statements}"),
    )?;
    expect("the promotion by hand", &done, "t")
}

/// The late worker changes nothing, and goes on with other work.
fn must_have_no_effect(cluster: &Cluster, database: &str, model: &str, job: &str) -> Result<()> {
    let mine = "done 2 2 -";
    let moves = format!("narrow ->1, wide ->1, {model} 1>2");
    let idle = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type LIKE 'pglearn%' AND
         (state = 'active' OR pid IN (SELECT pid FROM ml.progress) OR EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = pg_stat_activity.pid AND l.objsubid > 1 AND l.classid = {job}))"
    );
    cluster.wait_until(PATIENCE, database, &idle, "0")?;
    std::thread::sleep(Duration::from_millis(500));
    trainings::wait_for_job(cluster, database, job, mine)?;
    trainings::must_be_whole(cluster, database, &moves)?;
    let next = trainings::queue(cluster, database, model)?;
    if next == job {
        fail!("the job that was done is queued again");
    }
    trainings::wait_for_job(cluster, database, &next, "done 1 3 -")?;
    trainings::wait_for_job(cluster, database, job, mine)
}

/// A training in a worker does not keep VACUUM from removing rows that were deleted after its rows were read.
pub fn vacuum(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("vacuum", &SETTINGS)?;
    let database = "vacuum";
    trainings::database(&cluster, database)?;
    let held = trainings::hold(&cluster, database, Phase::Learning)?;
    let mut session = cluster.session(database)?;
    session.run("DELETE FROM d WHERE k > 100")?;
    let deleted = session.run("SELECT txid_snapshot_xmax(txid_current_snapshot())")?;
    // Its looks at the job are short transactions, which may begin at any time but not have begun before.
    let question = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid = {} AND
           (backend_xid IS NOT NULL OR backend_xmin IS NOT NULL AND backend_xmin::text::bigint < {deleted})",
        held.worker
    );
    for _ in 0..50 {
        expect("a snapshot of the worker", &session.run(&question)?, "0")?;
        std::thread::sleep(Duration::from_millis(10));
    }
    let told = session.run("VACUUM (VERBOSE) d")?;
    if !told.contains("100 removed, 100 remain, 0 are dead but not yet removable") {
        fail!("VACUUM removed something else:\n{told}");
    }
    let state = "SELECT string_agg(phase, ',') FROM ml.progress";
    expect("the training by then", &session.run(state)?, "iteration")?;
    session.run(&format!("SELECT ml.cancel_job({})", held.job))?;
    trainings::wait_for_job(&cluster, database, &held.job, "cancelled 1 - 57014")?;
    trainings::let_go(&cluster, database)?;
    trainings::must_be_whole(&cluster, database, "narrow ->1, wide ->1")?;
    Ok(String::new())
}
