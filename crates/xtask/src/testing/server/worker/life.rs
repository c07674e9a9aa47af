//! What a worker does while it lives.

use std::fs;
use std::thread;
use std::time::Duration;

use super::super::expect;
use super::super::faults::trainings::{self, PATIENCE, Phase};
use super::{WORKERS, idle_worker, wait_for_workers};
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::session::cpu_time;

/// `pg_stat_activity` says what it is at, for how long it has been idle, and that it holds nothing then.
pub fn shows_what_it_does(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("shows", &[("pglearn.worker_idle_timeout", "60s")])?;
    let database = "shows";
    trainings::database(&cluster, database)?;
    let shown = |what: &str| {
        format!(
            "SELECT {what} FROM pg_stat_activity WHERE backend_type = 'pglearn worker' AND datname = current_database()"
        )
    };
    let now = shown(
        "application_name, state, query, backend_xmin IS NULL, backend_xid IS NULL, xact_start IS NULL",
    );
    for phase in Phase::ALL {
        let held = trainings::hold(&cluster, database, phase)?;
        // While it reads it has a snapshot, while it learns nothing.
        let free = if phase == Phase::Learning { "t" } else { "f" };
        let busy = format!(
            "pglearn worker|active|pglearn: training model \"{}\", job {}|{free}|t|{free}",
            phase.model(),
            held.job
        );
        // It looks several times a second whether the job is still wanted.
        cluster.wait_until(PATIENCE, database, &now, &busy)?;
        trainings::let_go(&cluster, database)?;
        cluster.sql(database, &format!("SELECT ml.cancel_job({})", held.job))?;
        let running = "SELECT count(*) FROM ml.jobs WHERE state = 'running'";
        cluster.wait_until(PATIENCE, database, running, "0")?;
    }
    let idle = "pglearn worker|idle|waiting for work|t|t|t";
    cluster.wait_until(PATIENCE, database, &now, idle)?;
    let pid = idle_worker(&cluster, database)?;
    let locks = format!(
        "SELECT string_agg(concat_ws(' ', locktype, mode), ', ') FROM pg_locks WHERE pid = {pid}"
    );
    expect(
        "locks of an idle worker",
        &cluster.sql(database, &locks)?,
        "userlock ExclusiveLock",
    )?;
    expect(
        "who connects",
        &cluster.sql(database, &shown("usename, client_addr IS NULL, wait_event"))?,
        "postgres|t|Extension",
    )?;
    Ok(String::new())
}

/// A worker that looks in vain writes nothing, and tells no session to read anything again.
pub fn looks_without_a_trace(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "60s"),
        ("pglearn.poll_interval", "10ms"),
        ("autovacuum", "off"),
    ];
    let cluster = common.sibling("trace", &settings)?;
    let database = "trace";
    trainings::database(&cluster, database)?;
    cluster.sql(
        database,
        "SELECT ml.watch('d', 'narrow'); INSERT INTO d VALUES (0, 1, 2)",
    )?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    let pid = idle_worker(&cluster, database)?;
    let mut observer = cluster.session(database)?;
    // Pages that were read for the first time are tidied up by who reads them.
    observer.run("CHECKPOINT")?;
    thread::sleep(Duration::from_millis(500));
    let place = "SELECT pg_current_wal_insert_lsn()";
    let (before, cpu) = (observer.run(place)?, cpu_time(pid)?);
    thread::sleep(Duration::from_secs(1));
    let cpu = cpu_time(pid)? - cpu;
    let written = observer.run(&format!("SELECT ({place}) - '{before}'::pg_lsn"))?;
    let written: u32 = written.parse().attempt(format!("`{written}`"))?;
    // About a hundred looks; the background writer notes running transactions now and then.
    if written > 500 {
        fail!("{written} bytes of WAL in a second");
    }
    expect(
        "the same worker",
        &idle_worker(&cluster, database)?.to_string(),
        &pid.to_string(),
    )?;
    Ok(format!(
        "{} ms of CPU for a second of looks",
        cpu.as_millis()
    ))
}

/// A worker that waits reads its settings again on SIGHUP; those that a database prescribes for transactions of
/// its sessions do not keep it from its work.
pub fn takes_over_settings(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "1h"),
        ("pglearn.poll_interval", "1h"),
    ];
    let cluster = common.sibling("settings", &settings)?;
    let database = "settings";
    trainings::database(&cluster, database)?;
    for prescribed in [
        "default_transaction_read_only = on",
        "default_transaction_deferrable = on",
        "default_transaction_isolation = 'serializable'",
    ] {
        cluster.sql(
            "postgres",
            &format!("ALTER DATABASE {database} SET {prescribed}"),
        )?;
    }
    let queue = "SET default_transaction_read_only = off; SELECT job_id FROM ml.retrain('narrow')";
    let job = cluster.session(database)?.run(queue)?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    let pid = idle_worker(&cluster, database)?;
    thread::sleep(Duration::from_millis(300));
    expect(
        "the same worker",
        &idle_worker(&cluster, database)?.to_string(),
        &pid.to_string(),
    )?;
    cluster.set("pglearn.worker_idle_timeout", Some("200ms"))?;
    wait_for_workers(&cluster, database, 0)?;
    Ok(String::new())
}

/// A worker stays for a job that is due later, whatever the idle timeout, and does it then. Where there is
/// a second one, that one goes.
pub fn waits_for_what_is_due_later(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "100ms"),
        ("pglearn.poll_interval", "1h"),
        ("pglearn.max_workers", "2"),
    ];
    let cluster = common.sibling("later", &settings)?;
    let database = "later";
    trainings::database(&cluster, database)?;
    let queued = cluster.sql(
        database,
        "SELECT ml.request_retrain('{\"model\": \"narrow\"}'); UPDATE ml.jobs SET not_before = clock_timestamp() + '2 s'",
    )?;
    let staying =
        format!("{WORKERS} AND state = 'idle' AND query = 'waiting for a job to become due'");
    cluster.wait_until(PATIENCE, database, &staying, "1")?;
    let wide = trainings::queue(&cluster, database, "wide")?;
    trainings::wait_for_job(&cluster, database, &wide, "done 1 2 -")?;
    wait_for_workers(&cluster, database, 1)?;
    let early = "SELECT count(*) FROM ml.jobs WHERE model = 'narrow' AND state <> 'queued' AND started_at < not_before";
    expect("early", &cluster.sql(database, early)?, "0")?;
    trainings::wait_for_job(&cluster, database, &queued, "done 1 2 -")?;
    let late = "SELECT extract(milliseconds FROM started_at - not_before)::int FROM ml.jobs WHERE model = 'narrow'";
    let late = cluster.sql(database, late)?;
    if late.parse::<u32>().attempt(format!("`{late}`"))? > 1000 {
        fail!("begun {late} ms too late");
    }
    wait_for_workers(&cluster, database, 0)?;

    // What waits for ever keeps no worker from other jobs, nor from its end.
    cluster.sql(
        database,
        r#"SELECT ml.request_retrain('{"model": "narrow", "not_before": "infinity"}')"#,
    )?;
    let wide = trainings::queue(&cluster, database, "wide")?;
    trainings::wait_for_job(&cluster, database, &wide, "done 1 3 -")?;
    wait_for_workers(&cluster, database, 0)?;
    Ok(format!("begun {late} ms after it was due"))
}

/// A queue that cannot be read is no reason to give up at once, nor to spin.
pub fn survives_a_broken_queue(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.worker_idle_timeout", "60s"),
        ("pglearn.poll_interval", "20ms"),
    ];
    let cluster = common.sibling("broken", &settings)?;
    let database = "broken";
    trainings::database(&cluster, database)?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 2 -")?;
    let pid = idle_worker(&cluster, database)?;
    cluster.sql(database, "ALTER TABLE ml.jobs RENAME TO hidden")?;
    let troubled = format!("{WORKERS} AND query = 'waiting after an error'");
    cluster.wait_until(PATIENCE, database, &troubled, "1")?;
    thread::sleep(Duration::from_millis(500));
    cluster.sql(database, "ALTER TABLE ml.hidden RENAME TO jobs")?;
    let again = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &again, "done 1 3 -")?;
    expect(
        "the same worker",
        &idle_worker(&cluster, database)?.to_string(),
        &pid.to_string(),
    )?;
    // What cannot be swept keeps no job from being done.
    cluster.sql(database, "ALTER TABLE ml.outbox RENAME TO hidden")?;
    let job = trainings::queue(&cluster, database, "narrow")?;
    trainings::wait_for_job(&cluster, database, &job, "done 1 4 -")?;
    cluster.sql(database, "ALTER TABLE ml.hidden RENAME TO outbox")?;
    let log = fs::read_to_string(cluster.log()).attempt("the server's log")?;
    let complaints = log
        .lines()
        .filter(|line| line.contains("LOG:  pglearn worker:"));
    match complaints.count() {
        1..=8 => Ok(String::new()),
        count => fail!("{count} complaints in the log"),
    }
}
