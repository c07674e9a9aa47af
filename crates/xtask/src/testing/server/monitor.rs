//! Counting by many sessions at once: nobody waits, nothing is lost, nothing is counted twice.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::expect;
use super::models::{database, open, wait_until};
use super::queue::NoWorkers;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::listener::Listener;
use crate::session::Session;

/// Clients that write at the same time, and transactions of each.
const CLIENTS: u32 = 8;
const TRANSACTIONS: u32 = 500;
/// How long a notification may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One transaction of a client: a statement or two, some of which are taken back.
const SCRIPT: &str = "\\set rows random(1, 5)
\\set which random(1, 10)
BEGIN;
INSERT INTO events SELECT generate_series(1, :rows);
SAVEPOINT s;
INSERT INTO events SELECT generate_series(1, :which);
\\if :which > 8
ROLLBACK TO s;
\\endif
\\if :which < 2
ROLLBACK;
\\else
COMMIT;
\\endif
";

/// Everything that any watch of a database has counted: announced, or still to be announced.
const COUNTED: &str = "SELECT (SELECT sum(row_count) FROM ml.announcements) + (SELECT sum(pending) FROM ml.watch_status)";

/// A watched table.
fn watched(cluster: &Cluster, name: &str, threshold: u32) -> Result<Session> {
    let mut session = database(cluster, name)?;
    session.run(&format!(
        "CREATE TABLE events (i int); SELECT ml.watch('events', threshold => {threshold})"
    ))?;
    Ok(session)
}

/// As many rows are counted as were inserted, and no session waits for another one's transaction.
pub fn by_eight_clients(cluster: &Cluster) -> Result<String> {
    let name = "monitor_clients";
    let mut session = watched(cluster, name, 100)?;
    let file = std::env::temp_dir().join(format!("pglearn-monitor-{}.sql", std::process::id()));
    fs::write(&file, SCRIPT).attempt("pgbench's script")?;
    let (clients, transactions) = (CLIENTS.to_string(), TRANSACTIONS.to_string());
    let mut pgbench = cluster
        .client("pgbench")
        .args(["-n", "-j", "2", "-c", &clients, "-t", &transactions, "-f"])
        .arg(&file)
        .arg(name)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .attempt("pgbench")?;
    let mut waits = 0_u32;
    while pgbench.try_wait().attempt("pgbench")?.is_none() {
        // Waits for the extension of a file or for the queue of notifications are short and others'.
        let waiting = session.run(
            "SELECT count(*) FROM pg_locks WHERE NOT granted
                AND locktype NOT IN ('extend', 'object', 'page')",
        )?;
        waits += waiting.parse().unwrap_or(1);
    }
    let output = pgbench.wait_with_output().attempt("pgbench")?;
    fs::remove_file(&file).attempt("pgbench's script")?;
    if !output.status.success() {
        fail!("pgbench said: {}", String::from_utf8_lossy(&output.stderr));
    }
    expect("sessions that waited", &waits.to_string(), "0")?;
    let inserted = session.run("SELECT count(*) FROM events")?;
    let written = session.run("SELECT sum(row_count) FROM ml.data_statistics")?;
    expect("rows in data_statistics", &written, &inserted)?;
    expect("rows counted", &session.run(COUNTED)?, &inserted)?;
    session.run("SELECT * FROM ml.check_watches()")?;
    expect(
        "rows counted, after a sweep",
        &session.run(COUNTED)?,
        &inserted,
    )?;
    let odd = session.run(
        "SELECT count(*) FROM ml.announcements WHERE channel IS NOT NULL AND row_count <= 100",
    )?;
    expect("announcements at or below the threshold", &odd, "0")?;
    let announced =
        session.run("SELECT count(*) FROM ml.announcements WHERE channel IS NOT NULL")?;
    Ok(format!("{inserted} rows in {announced} announcements"))
}

/// Writers go on, and nothing is missed, while the indexes that they look into are replaced.
pub fn while_reindexed(cluster: &Cluster) -> Result<String> {
    let name = "monitor_reindexed";
    let mut session = watched(cluster, name, 20)?;
    let file = std::env::temp_dir().join(format!("pglearn-reindex-{}.sql", std::process::id()));
    fs::write(&file, SCRIPT).attempt("pgbench's script")?;
    let mut pgbench = cluster
        .client("pgbench")
        .args(["-n", "-j", "2", "-c", "4", "-T", "4", "-f"])
        .arg(&file)
        .arg(name)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .attempt("pgbench")?;
    let mut rounds = 0;
    while pgbench.try_wait().attempt("pgbench")?.is_none() {
        for table in ["change_log", "announcements", "watches"] {
            session.run(&format!("REINDEX TABLE CONCURRENTLY ml.{table}"))?;
        }
        rounds += 1;
    }
    let output = pgbench.wait_with_output().attempt("pgbench")?;
    fs::remove_file(&file).attempt("pgbench's script")?;
    if !output.status.success() {
        fail!("pgbench said: {}", String::from_utf8_lossy(&output.stderr));
    }
    let inserted = session.run("SELECT count(*) FROM events")?;
    expect("rows counted", &session.run(COUNTED)?, &inserted)?;
    Ok(format!("{inserted} rows, {rounds} rounds"))
}

/// Rows of transactions that do not see each other are announced together, once, when both are committed;
/// meanwhile others write, and are announced, without waiting.
pub fn of_open_transactions(cluster: &Cluster) -> Result<String> {
    // A sweep that happens to look keeps a writer from announcing.
    let _quiet = NoWorkers::on(cluster)?;
    let name = "monitor_open";
    let mut one = watched(cluster, name, 1000)?;
    let mut other = open(cluster, name)?;
    let mut listener = Listener::open(cluster, name, &["retrain_model"])?;
    other.run("SET statement_timeout = '10s'")?;
    let six_hundred = "INSERT INTO events SELECT generate_series(1, 600)";
    one.run(&format!("BEGIN; {six_hundred}"))?;
    other.run(&format!("BEGIN; {six_hundred}"))?;
    one.run("COMMIT")?;
    other.run("COMMIT")?;
    one.run("SELECT * FROM ml.check_watches()")?;
    let heard = listener.wait_for(1, PATIENCE)?;
    if !heard[0].payload.contains("\"count\": 1200") {
        fail!("the listener was told {}", heard[0].payload);
    }

    // Who announces and does not commit keeps nobody from writing; if it is rolled back, a sweep does it.
    one.run("BEGIN; INSERT INTO events SELECT generate_series(1, 1500)")?;
    other.run("INSERT INTO events SELECT generate_series(1, 1300)")?;
    let announced = "SELECT string_agg(row_count::text, ' ' ORDER BY announcement_id) FROM ml.announcements WHERE channel IS NOT NULL";
    expect("announced meanwhile", &other.run(announced)?, "1200")?;
    one.run("ROLLBACK")?;
    one.run("SELECT * FROM ml.check_watches()")?;
    listener.wait_for(2, PATIENCE)?;
    expect("announced after it", &other.run(announced)?, "1200 1300")?;

    // One that was announced and committed leaves what others wrote meanwhile to be counted.
    one.run("BEGIN; INSERT INTO events SELECT generate_series(1, 1500)")?;
    other.run("INSERT INTO events SELECT generate_series(1, 900)")?;
    one.run("COMMIT")?;
    one.run("SELECT * FROM ml.check_watches()")?;
    listener.wait_for(3, PATIENCE)?;
    expect(
        "announced in the end",
        &other.run(announced)?,
        "1200 1300 1500",
    )?;
    let pending = "SELECT pending FROM ml.watch_status";
    expect("left to be counted", &other.run(pending)?, "900")?;
    other.run("INSERT INTO events SELECT generate_series(1, 101)")?;
    listener.wait_for(4, PATIENCE)?;
    expect(
        "counted next",
        &other.run(announced)?,
        "1200 1300 1500 1001",
    )?;

    // Rows of its own that a transaction has announced are not announced again after those of others.
    one.run("BEGIN; INSERT INTO events SELECT generate_series(1, 1100)")?;
    other.run("INSERT INTO events SELECT generate_series(1, 1200)")?;
    one.run("SELECT * FROM ml.check_watches()")?;
    one.run("INSERT INTO events SELECT generate_series(1, 1003); COMMIT")?;
    one.run("SELECT * FROM ml.check_watches()")?;
    listener.wait_for(7, PATIENCE)?;
    expect(
        "counted by one transaction",
        &other.run(announced)?,
        "1200 1300 1500 1001 1100 1200 1003",
    )?;
    expect("left then", &other.run(pending)?, "0")?;
    Ok(String::new())
}

/// PREPARE TRANSACTION works in a transaction that announced; listeners hear of it once, after COMMIT
/// PREPARED, and never after ROLLBACK PREPARED.
pub fn of_prepared_transactions(cluster: &Cluster) -> Result<String> {
    let name = "monitor_prepared";
    let mut session = watched(cluster, name, 10)?;
    let mut listener = Listener::open(cluster, name, &["retrain_model"])?;
    let eleven = "INSERT INTO events SELECT generate_series(1, 11)";
    session.run(&format!("BEGIN; {eleven}; PREPARE TRANSACTION 'kept'"))?;
    session.run(&format!("BEGIN; {eleven}; PREPARE TRANSACTION 'undone'"))?;
    session.run("SELECT * FROM ml.check_watches()")?;
    thread::sleep(Duration::from_millis(200));
    listener.wait_for(0, PATIENCE)?;
    session.run("ROLLBACK PREPARED 'undone'")?;
    session.run("SELECT * FROM ml.check_watches()")?;
    session.run("COMMIT PREPARED 'kept'")?;
    session.run("SELECT * FROM ml.check_watches()")?;
    let heard = listener.wait_for(1, PATIENCE)?;
    if !heard[0].payload.contains("\"count\": 11,") {
        fail!("the listener was told {}", heard[0].payload);
    }
    wait_until(
        &mut session,
        "SELECT count(*) = 0 FROM ml.outbox",
        "a notification stays in the outbox",
    )?;
    let announced = "SELECT sum(row_count) FROM ml.announcements";
    expect("announced", &session.run(announced)?, "11")?;
    // The session that prepared counts on, from the announcement that was committed by then.
    session.run("INSERT INTO events SELECT generate_series(1, 10)")?;
    expect(
        "pending",
        &session.run("SELECT pending FROM ml.watch_status")?,
        "10",
    )?;
    listener.wait_for(1, PATIENCE)?;
    session.run("INSERT INTO events VALUES (1)")?;
    listener.wait_for(2, PATIENCE)?;
    expect("announced in the end", &session.run(announced)?, "22")?;

    // The worker that PREPARE TRANSACTION starts watches what becomes of it.
    session.run(&format!("BEGIN; {eleven}; PREPARE TRANSACTION 'left'"))?;
    thread::sleep(Duration::from_millis(500));
    listener.wait_for(2, PATIENCE)?;
    session.run("COMMIT PREPARED 'left'")?;
    listener.wait_for(3, PATIENCE)?;
    expect("announced by the worker", &session.run(announced)?, "33")?;
    Ok(String::new())
}
