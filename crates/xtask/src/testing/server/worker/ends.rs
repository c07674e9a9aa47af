//! What makes a worker end.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::super::expect;
use super::super::faults::trainings::{self, PATIENCE, Phase};
use super::super::models::wait_for_lock;
use super::{WORKERS, idle_worker, wait_for_workers};
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::process;

/// What is meant by `at once`.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A cancel means nothing to a worker that waits. A terminate ends it: another one takes over what it was at.
pub fn heeds_signals(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "60s"),
        ("pglearn.poll_interval", "1h"),
    ];
    let cluster = common.sibling("signals", &settings)?;
    let database = "signals";
    trainings::database(&cluster, database)?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    let pid = idle_worker(&cluster, database)?;
    cluster.sql(database, &format!("SELECT pg_cancel_backend({pid})"))?;
    thread::sleep(Duration::from_millis(200));
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 3 -")?;
    let same = idle_worker(&cluster, database)?;
    expect("after a cancel", &same.to_string(), &pid.to_string())?;

    // Nothing to do: nobody takes over.
    cluster.sql(database, &format!("SELECT pg_terminate_backend({pid})"))?;
    wait_for_workers(&cluster, database, 0)?;
    thread::sleep(Duration::from_millis(300));
    expect("workers", &cluster.sql(database, WORKERS)?, "0")?;

    for (phase, version) in [(Phase::Reading, 4), (Phase::Learning, 2)] {
        let held = trainings::hold(&cluster, database, phase)?;
        let began = Instant::now();
        let terminate = format!("SELECT pg_terminate_backend({}, 2000)", held.worker);
        expect("ended", &cluster.sql(database, &terminate)?, "t")?;
        let another = format!(
            "SELECT attempts = 2 AND worker_pid <> {} FROM ml.jobs WHERE job_id = {}",
            held.worker, held.job
        );
        cluster.wait_until(PATIENCE, database, &another, "t")?;
        if began.elapsed() > AT_ONCE {
            fail!("it was taken over after {:?}", began.elapsed());
        }
        trainings::let_go(&cluster, database)?;
        if phase == Phase::Learning {
            cluster.sql(database, &format!("SELECT ml.cancel_job({})", held.job))?;
            trainings::wait_for_job(&cluster, database, &held.job, "cancelled 2 - 57014")?;
        } else {
            let done = format!("done 2 {version} -");
            trainings::wait_for_job(&cluster, database, &held.job, &done)?;
        }
    }
    Ok(String::new())
}

/// `DROP DATABASE` waits for an idle worker to go; with FORCE, a busy one goes at once. A database with an idle
/// worker can be copied, and the copy's jobs wait.
pub fn lets_databases_go(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "1s"),
        ("pglearn.poll_interval", "100ms"),
    ];
    let cluster = common.sibling("drops", &settings)?;
    let mut forced = Duration::ZERO;
    for phase in Phase::ALL {
        let database = phase.name();
        trainings::database(&cluster, database)?;
        trainings::hold(&cluster, database, phase)?;
        let began = Instant::now();
        cluster.sql(
            "postgres",
            &format!("DROP DATABASE {database} WITH (FORCE)"),
        )?;
        forced = forced.max(began.elapsed());
    }
    if forced > AT_ONCE {
        fail!("DROP DATABASE WITH (FORCE) took {forced:?}");
    }
    let database = "kept";
    trainings::database(&cluster, database)?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    idle_worker(&cluster, database)?;
    let began = Instant::now();
    cluster.sql("postgres", "CREATE DATABASE copy TEMPLATE kept")?;
    let copied = began.elapsed();

    // The copy is another database: what was queued in the original is not its business.
    expect(
        "homes",
        &cluster.sql(
            "copy",
            "SELECT count(*) FROM ml.jobs WHERE home = ml.job_home()",
        )?,
        "0",
    )?;
    let job = trainings::queue(&cluster, "copy", "narrow")?;
    trainings::wait_for_job(&cluster, "copy", &job, "done 1 3 -")?;
    idle_worker(&cluster, "copy")?;
    let began = Instant::now();
    cluster.sql("postgres", "DROP DATABASE copy")?;
    let dropped = began.elapsed();
    Ok(format!(
        "forced {} ms, copied after {} ms, dropped after {} ms",
        forced.as_millis(),
        copied.as_millis(),
        dropped.as_millis()
    ))
}

/// `DROP EXTENSION` under a worker that idles or learns: it goes, and the extension can be installed again.
pub fn and_drop_extension(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "60s"),
        ("pglearn.poll_interval", "50ms"),
    ];
    let cluster = common.sibling("drop-extension", &settings)?;
    let database = "idle";
    trainings::database(&cluster, database)?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    idle_worker(&cluster, database)?;
    cluster.sql(database, "DROP EXTENSION pglearn")?;
    wait_for_workers(&cluster, database, 0)?;

    let database = "busy";
    trainings::database(&cluster, database)?;
    trainings::hold(&cluster, database, Phase::Learning)?;
    let began = Instant::now();
    cluster.sql(
        database,
        "SET client_min_messages = error; DROP EXTENSION pglearn CASCADE",
    )?;
    if began.elapsed() > AT_ONCE {
        fail!("DROP EXTENSION took {:?}", began.elapsed());
    }
    // It sees at its next look that the job is gone.
    wait_for_workers(&cluster, database, 0)?;
    let gone = began.elapsed();
    cluster.sql(
        database,
        "CREATE EXTENSION pglearn SCHEMA ml; DROP SCHEMA pace CASCADE; DROP TABLE d",
    )?;
    cluster.sql("postgres", "SELECT 1")?;

    // One that reads rows is waited for, as any session with an open transaction.
    let database = "reading";
    trainings::database(&cluster, database)?;
    trainings::hold(&cluster, database, Phase::Reading)?;
    let mut dropper = cluster.session(database)?;
    dropper.send("SET client_min_messages = error; DROP EXTENSION pglearn CASCADE")?;
    wait_for_lock(&mut cluster.session("postgres")?, dropper.backend)?;
    trainings::let_go(&cluster, database)?;
    expect("DROP EXTENSION", &dropper.finish()?.sqlstate, "00000")?;
    wait_for_workers(&cluster, database, 0)?;
    Ok(format!(
        "a busy worker was gone after {} ms",
        gone.as_millis()
    ))
}

/// `ALTER EXTENSION UPDATE` under a worker that idles or learns: it finishes its job, ends, and one with the new
/// library does the rest.
pub fn and_alter_extension(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "60s"),
        ("pglearn.poll_interval", "50ms"),
    ];
    let cluster = common.sibling("alter-extension", &settings)?;
    let script = update_script(&cluster)?;
    fs::write(&script, "-- nothing changes\n").attempt(script.display())?;
    let outcome = update_under_workers(&cluster);
    fs::remove_file(&script).attempt(script.display())?;
    outcome.map(|()| String::new())
}

/// Where the script of an update that does nothing belongs.
fn update_script(cluster: &Cluster) -> Result<PathBuf> {
    let folder = process::output(cluster.client("pg_config").arg("--sharedir"))?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(PathBuf::from(folder.trim())
        .join("extension")
        .join(format!("pglearn--{version}--{version}.next.sql")))
}

fn update_under_workers(cluster: &Cluster) -> Result<()> {
    let update = format!(
        "ALTER EXTENSION pglearn UPDATE TO '{}.next'",
        env!("CARGO_PKG_VERSION")
    );
    let database = "idle";
    trainings::database(cluster, database)?;
    let job = trainings::queue(cluster, database, "narrow")?;
    trainings::wait_for_job(cluster, database, &job, "done 1 2 -")?;
    let before = idle_worker(cluster, database)?;
    cluster.sql(database, &update)?;
    let replaced = format!("{WORKERS} AND pid <> {before}");
    cluster.wait_until(PATIENCE, database, &replaced, "1")?;
    wait_for_workers(cluster, database, 1)?;

    let database = "busy";
    trainings::database(cluster, database)?;
    let held = trainings::hold(cluster, database, Phase::Reading)?;
    let next = trainings::queue(cluster, database, "wide")?;
    let mut updater = cluster.session(database)?;
    updater.send(&update)?;
    thread::sleep(Duration::from_millis(100));
    trainings::let_go(cluster, database)?;
    expect("the update", &updater.finish()?.sqlstate, "00000")?;
    trainings::wait_for_job(cluster, database, &held.job, "done 1 2 -")?;
    trainings::wait_for_job(cluster, database, &next, "done 1 2 -")?;
    let workers = format!(
        "SELECT worker_pid <> {} FROM ml.jobs WHERE job_id = {next}",
        held.worker
    );
    expect("another worker", &cluster.sql(database, &workers)?, "t")
}
