//! How a worker comes to be.

use std::thread;
use std::time::Duration;

use super::super::expect;
use super::super::faults::trainings::{self, PATIENCE, Phase};
use super::{WORKERS, wait_for_workers};
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::Session;

/// A role with no rights but its own tables queues a job, without preloading: a worker does it as that role.
/// Nothing starts before the commit, or after a rollback.
pub fn at_commit(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("commit", &[("pglearn.poll_interval", "1h")])?;
    let database = "commit";
    cluster.create_database_with_extension(database)?;
    cluster.sql(
        database,
        "CREATE ROLE plain; CREATE SCHEMA plain AUTHORIZATION plain; GRANT USAGE ON SCHEMA ml TO plain",
    )?;
    let mut writer = cluster.session(database)?;
    writer.run(
        "SET client_min_messages = error; SET SESSION AUTHORIZATION plain;
         CREATE TABLE plain.d AS SELECT k, (k % 11)::float8 AS a, (k % 7)::float8 AS b, current_user::text AS who, k % 11 + 2.0 * (k % 7) AS y
           FROM generate_series(1, 200) AS k;
         SELECT version FROM ml.train('m', 'SELECT a, b, y FROM plain.d WHERE who = current_user', 'y', algorithm => 'linear_regression')",
    )?;
    for (end, workers) in [("ROLLBACK", "0"), ("COMMIT", "1")] {
        writer.run("BEGIN; SELECT job_id FROM ml.retrain('m')")?;
        thread::sleep(Duration::from_millis(100));
        expect("before the end", &cluster.sql(database, WORKERS)?, "0")?;
        writer.run(end)?;
        if workers == "0" {
            thread::sleep(Duration::from_millis(100));
            expect("after a rollback", &cluster.sql(database, WORKERS)?, "0")?;
        }
    }
    let done =
        "SELECT string_agg(concat_ws(' ', state, attempts, version, run_as), ', ') FROM ml.jobs";
    let time = cluster.wait_until(PATIENCE, database, done, "done 1 2 plain")?;
    // Who may see the job may see its worker's name, too.
    writer.run("SELECT job_id FROM ml.retrain('m')")?;
    cluster.wait_until(PATIENCE, database, done, "done 1 2 plain, done 1 3 plain")?;
    let preloaded = cluster.sql(database, "SHOW shared_preload_libraries")?;
    expect("preloaded libraries", &preloaded, "")?;
    wait_for_workers(&cluster, database, 0)?;
    Ok(format!("{} ms from commit to done", time.as_millis()))
}

/// Two databases have workers of their own at the same time.
pub fn in_two_databases(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("two-databases", &[])?;
    let databases = ["one", "other"];
    let mut held = Vec::new();
    for database in databases {
        trainings::database(&cluster, database)?;
        held.push(trainings::hold(&cluster, database, Phase::Reading)?);
    }
    let both = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity WHERE backend_type = 'pglearn worker' AND state = 'active'";
    expect(
        "databases with a worker",
        &cluster.sql("postgres", both)?,
        "one other",
    )?;
    for (database, held) in databases.iter().zip(&held) {
        trainings::let_go(&cluster, database)?;
        trainings::wait_for_job(&cluster, database, &held.job, "done 1 2 -")?;
    }
    Ok(String::new())
}

/// `pglearn.max_workers` jobs run at the same time, in as many processes; with 0 none does. The setting may
/// change meanwhile.
pub fn as_often_as_allowed(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.max_workers", "0"),
        ("pglearn.poll_interval", "50ms"),
        ("pglearn.worker_idle_timeout", "30s"),
    ];
    let cluster = common.sibling("max-workers", &settings)?;
    let database = "seats";
    trainings::database(&cluster, database)?;
    let none = trainings::queue(&cluster, database, "narrow")?;
    thread::sleep(Duration::from_millis(300));
    trainings::wait_for_job(&cluster, database, &none, "queued 0 - -")?;
    expect("workers", &cluster.sql(database, WORKERS)?, "0")?;

    cluster.set("pglearn.max_workers", Some("1"))?;
    cluster.wait_until(PATIENCE, database, "SHOW pglearn.max_workers", "1")?;
    // The next commit that queues one brings a worker for both.
    let reading = trainings::hold(&cluster, database, Phase::Reading)?;
    expect("the queued one", &reading.job, &none)?;
    let learning = trainings::queue(&cluster, database, "wide")?;
    cluster.sql(database, "UPDATE pace.setting SET many = 100")?;
    thread::sleep(Duration::from_millis(300));
    trainings::wait_for_job(&cluster, database, &learning, "queued 0 - -")?;
    expect("workers", &cluster.sql(database, WORKERS)?, "1")?;

    cluster.set("pglearn.max_workers", Some("2"))?;
    cluster.wait_until(PATIENCE, database, "SHOW pglearn.max_workers", "2")?;
    let third = trainings::queue(&cluster, database, "narrow")?;
    let both = "SELECT count(*), count(DISTINCT worker_pid), count(DISTINCT a.pid) FROM ml.jobs AS j
                  JOIN pg_stat_activity AS a ON a.pid = j.worker_pid WHERE j.state = 'running' AND a.state = 'active'";
    cluster.wait_until(PATIENCE, database, both, "2|2|2")?;
    thread::sleep(Duration::from_millis(300));
    trainings::wait_for_job(&cluster, database, &third, "queued 0 - -")?;
    expect("workers", &cluster.sql(database, WORKERS)?, "2")?;

    // Who is at work finishes, and does not begin anew.
    cluster.set("pglearn.max_workers", Some("0"))?;
    cluster.wait_until(PATIENCE, database, "SHOW pglearn.max_workers", "0")?;
    trainings::let_go(&cluster, database)?;
    trainings::wait_for_job(&cluster, database, &reading.job, "done 1 2 -")?;
    cluster.sql(database, &format!("SELECT ml.cancel_job({learning})"))?;
    trainings::wait_for_job(&cluster, database, &learning, "cancelled 1 - 57014")?;
    wait_for_workers(&cluster, database, 0)?;
    trainings::wait_for_job(&cluster, database, &third, "queued 0 - -")?;
    Ok(String::new())
}

/// Jobs that are queued while a worker is about to go: none has to wait for the next commit, whether they come
/// one after the other or from several sessions at once.
pub fn misses_no_job(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.poll_interval", "1h"),
        ("pglearn.worker_idle_timeout", "1h"),
        ("pglearn.max_workers", "2"),
    ];
    let cluster = common.sibling("wake-ups", &settings)?;
    let database = "wakeups";
    trainings::database(&cluster, database)?;
    let (mut jobs, mut longest) = (0, Duration::ZERO);
    for idle in ["0", "5ms", "20ms"] {
        cluster.set("pglearn.worker_idle_timeout", Some(idle))?;
        cluster.wait_until(PATIENCE, database, "SHOW pglearn.worker_idle_timeout", idle)?;
        let mut session = cluster.session(database)?;
        session.run("SET client_min_messages = error")?;
        for pause in 0..20 {
            let job = session.run("SELECT job_id FROM ml.retrain('narrow')")?;
            let done = format!("SELECT state FROM ml.jobs WHERE job_id = {job}");
            longest = longest.max(cluster.wait_until(PATIENCE, database, &done, "done")?);
            jobs += 1;
            thread::sleep(Duration::from_millis(2 * pause));
        }
        at_once(&cluster, database)?;
    }
    let all = "SELECT count(*) >= 60, string_agg(DISTINCT state, ' '), max(attempts) FROM ml.jobs";
    expect("jobs", &cluster.sql(database, all)?, "t|done|1")?;
    Ok(format!(
        "{jobs} jobs one by one, the longest {} ms",
        longest.as_millis()
    ))
}

/// Four sessions queue jobs as they like, and go.
fn at_once(cluster: &Cluster, database: &str) -> Result<()> {
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(cluster.session(database)?);
    }
    let queue = |(number, mut session): (u64, Session)| {
        session.run("SET client_min_messages = error")?;
        for step in 0..15 {
            let model = if (step + number) % 5 == 0 {
                "wide"
            } else {
                "narrow"
            };
            session.run(&format!("SELECT job_id FROM ml.retrain('{model}')"))?;
            thread::sleep(Duration::from_millis((step * 7 + number * 3) % 40));
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..)
            .zip(sessions)
            .map(|session| scope.spawn(move || queue(session)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(outcome) => outcome?,
                Err(_) => fail!("a thread panicked"),
            }
        }
        Ok(())
    })?;
    let left = "SELECT count(*) FROM ml.jobs WHERE state IN ('queued', 'running')";
    cluster.wait_until(PATIENCE, database, left, "0").map(drop)
}
