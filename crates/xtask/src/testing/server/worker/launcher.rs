//! The launcher, which is there with `shared_preload_libraries`.

use std::thread;
use std::time::Duration;

use super::super::expect;
use super::super::faults::trainings::{self, PATIENCE, Phase};
use super::wait_for_workers;
use crate::cluster::Cluster;
use crate::error::Result;

/// The launcher, as far as it is there.
const LAUNCHERS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pglearn launcher'";

/// After a restart, jobs that were left in any database are done, without a commit; what was told not to be
/// done is not. Databases without the extension, templates and those that take no connections are let be.
pub fn after_a_restart(common: &Cluster) -> Result<String> {
    let settings = [
        ("shared_preload_libraries", "pglearn"),
        ("pglearn.max_workers", "0"),
        ("pglearn.launch_interval", "1s"),
        // Longer than the launcher takes from look to look: that keeps nobody.
        ("pglearn.worker_idle_timeout", "2s"),
    ];
    let cluster = common.sibling("launcher", &settings)?;
    let mut jobs = Vec::new();
    for database in ["one", "other"] {
        trainings::database(&cluster, database)?;
        jobs.push((database, trainings::queue(&cluster, database, "narrow")?));
    }
    cluster.create_database("bare")?;
    cluster.create_database_with_extension("closed")?;
    cluster.sql("postgres", "ALTER DATABASE closed ALLOW_CONNECTIONS false")?;
    cluster.wait_until(PATIENCE, "postgres", LAUNCHERS, "1")?;
    cluster.restart()?;
    thread::sleep(Duration::from_millis(500));
    for (database, job) in &jobs {
        trainings::wait_for_job(&cluster, database, job, "queued 0 - -")?;
    }
    cluster.set("pglearn.max_workers", Some("1"))?;
    cluster.restart()?;
    for (database, job) in &jobs {
        trainings::wait_for_job(&cluster, database, job, "done 1 2 -")?;
    }
    let idle = "SELECT state, query, application_name FROM pg_stat_activity WHERE backend_type = 'pglearn launcher'";
    let waiting = "idle|waiting to look into the databases|pglearn launcher";
    cluster.wait_until(PATIENCE, "postgres", idle, waiting)?;

    // Work that nobody was told of is found by the next look.
    cluster.sql(
        "one",
        "INSERT INTO ml.jobs (model, kind, run_as) VALUES ('narrow', 'retrain', current_user::regrole)",
    )?;
    let done =
        "SELECT string_agg(concat_ws(' ', state, version), ', ' ORDER BY job_id) FROM ml.jobs";
    cluster.wait_until(PATIENCE, "one", done, "done 2, done 3")?;
    for database in ["one", "other", "bare"] {
        wait_for_workers(&cluster, database, 0)?;
    }
    let log = std::fs::read_to_string(cluster.log()).unwrap_or_default();
    let fatal: Vec<_> = log
        .lines()
        .filter(|line| line.contains("FATAL") && !line.contains("administrator command"))
        .filter(|line| !line.contains("the database system is"))
        .collect();
    expect("complaints in the log", &fatal.join("\n"), "")?;
    Ok(String::new())
}

/// Where `max_worker_processes` leaves room for one worker, the other database's has its turn afterwards.
pub fn when_there_is_room(common: &Cluster) -> Result<String> {
    // The logical replication launcher, ours, and one.
    let settings = [
        ("shared_preload_libraries", "pglearn"),
        ("max_worker_processes", "3"),
        ("pglearn.launch_interval", "1s"),
        ("pglearn.worker_idle_timeout", "100ms"),
    ];
    let cluster = common.sibling("room", &settings)?;
    for database in ["one", "other"] {
        trainings::database(&cluster, database)?;
    }
    let held = trainings::hold(&cluster, "one", Phase::Reading)?;
    let job = trainings::queue(&cluster, "other", "narrow")?;
    thread::sleep(Duration::from_millis(1500));
    trainings::wait_for_job(&cluster, "other", &job, "queued 0 - -")?;
    trainings::let_go(&cluster, "one")?;
    trainings::wait_for_job(&cluster, "one", &held.job, "done 1 2 -")?;
    trainings::wait_for_job(&cluster, "other", &job, "done 1 2 -")?;
    Ok(String::new())
}

/// A standby has neither launcher nor workers; once promoted, it does the jobs that were replicated.
pub fn after_a_promotion(common: &Cluster) -> Result<String> {
    let settings = [
        ("shared_preload_libraries", "pglearn"),
        ("pglearn.max_workers", "0"),
        ("pglearn.launch_interval", "1s"),
        ("pglearn.worker_idle_timeout", "100ms"),
    ];
    let primary = common.sibling("promoted-from", &settings)?;
    let database = "promoted";
    trainings::database(&primary, database)?;
    let job = trainings::queue(&primary, database, "narrow")?;
    let standby = primary.standby("promoted-to")?;
    standby.catch_up(&primary)?;
    standby.set("pglearn.max_workers", Some("1"))?;
    thread::sleep(Duration::from_millis(500));
    let any = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pglearn%'";
    expect("on the standby", &standby.sql(database, any)?, "0")?;
    trainings::wait_for_job(&standby, database, &job, "queued 0 - -")?;
    standby.sql("postgres", "SELECT pg_promote()")?;
    trainings::wait_for_job(&standby, database, &job, "done 1 2 -")?;
    trainings::wait_for_job(&primary, database, &job, "queued 0 - -")?;
    Ok(String::new())
}
