//! Many small statements from many clients at once, and the count that must come out.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::listener::Listener;
use crate::testing::server::expect;

/// How many clients.
const CLIENTS: u32 = 8;
/// For how many seconds; `PGLEARN_LOAD_SECONDS` says otherwise.
const SECONDS: u32 = 8;
/// So many statements a second must come through where the test was asked to last.
const ASKED_FOR: f64 = 1000.0;

/// What the clients do, with weights: a row, three rows in two statements, a row that is taken back, one of two that is.
const SCRIPTS: [(&str, u32, &str); 4] = [
    ("row", 12, "INSERT INTO d (v) VALUES (1);"),
    (
        "rows",
        1,
        "BEGIN; INSERT INTO d (v) VALUES (1), (2); INSERT INTO d (v) SELECT 3; COMMIT;",
    ),
    (
        "rollback",
        1,
        "BEGIN; INSERT INTO d (v) VALUES (-1); ROLLBACK;",
    ),
    (
        "savepoint",
        1,
        "BEGIN; SAVEPOINT s; INSERT INTO d (v) VALUES (-1); ROLLBACK TO s; INSERT INTO d (v) VALUES (1); COMMIT;",
    ),
];

/// What was inserted is what the statistics say and what announcements and pending rows sum up to; the model
/// is retrained meanwhile, one job after the other.
const CONSISTENT: &str = "SELECT count(*) = (SELECT sum(row_count) FROM ml.data_statistics),
    count(*) = (SELECT sum(row_count) FROM ml.announcements) + (SELECT sum(pending) FROM ml.watch_status),
    (SELECT max(pending) <= 1000 FROM ml.watch_status),
    (SELECT min(row_count) > 1000 FROM ml.announcements WHERE row_count > 0),
    count(*) FILTER (WHERE v < 0)
  FROM d";

/// Events of eight clients, while the model is retrained: none is lost, none is counted twice, the listener hears all.
pub fn of_eight_clients(common: &Cluster) -> Result<String> {
    let asked = std::env::var("PGLEARN_LOAD_SECONDS").ok();
    let seconds = match &asked {
        Some(text) => text.parse().attempt("PGLEARN_LOAD_SECONDS")?,
        None => SECONDS,
    };
    let cluster = common.sibling("load", &[("pglearn.poll_interval", "200ms")])?;
    let database = "load";
    prepare(&cluster, database)?;
    let mut listener = Listener::open(&cluster, database, &["retrain_model"])?;
    let output = clients(&cluster, database, seconds)?
        .output()
        .attempt("starting pgbench")?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        fail!("pgbench: {told}{}", String::from_utf8_lossy(&output.stderr));
    }
    settle(&cluster, database)?;
    let announced = "SELECT count(*) FROM ml.announcements WHERE row_count > 0";
    let count = cluster.sql(database, announced)?;
    let count = count.parse().attempt(count)?;
    let heard = listener.wait_for(count, PATIENCE)?;
    let mut payloads: Vec<_> = heard.into_iter().map(|one| one.payload).collect();
    payloads.sort();
    let sent =
        "SELECT payload FROM ml.announcements WHERE row_count > 0 ORDER BY payload COLLATE \"C\"";
    expect(
        "what was heard",
        &payloads.join("\n"),
        &cluster.sql(database, sent)?,
    )?;
    let statements = cluster.sql(database, "SELECT count(*) FROM ml.data_statistics")?;
    let rate = statements.parse::<f64>().attempt("statements")? / f64::from(seconds);
    if asked.is_some() && rate < ASKED_FOR {
        fail!("{rate:.0} statements a second of {CLIENTS} clients instead of {ASKED_FOR}");
    }
    let done = "SELECT count(*) FILTER (WHERE state = 'done') FROM ml.jobs";
    Ok(format!(
        "{rate:.0} statements/s, {count} announcements, {} retrainings",
        cluster.sql(database, done)?
    ))
}

/// The same clients when the server is shut down without a checkpoint: what is there is what was counted.
pub fn over_a_crash(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("load-crash", &[("pglearn.poll_interval", "200ms")])?;
    let database = "load";
    prepare(&cluster, database)?;
    for _ in 0..2 {
        let mut pgbench = clients(&cluster, database, 60)?
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .attempt("starting pgbench")?;
        std::thread::sleep(Duration::from_millis(1500));
        cluster.stop_immediately()?;
        pgbench.wait().attempt("waiting for pgbench")?;
        cluster.start_again()?;
        settle(&cluster, database)?;
    }
    let rows = cluster.sql(database, "SELECT count(*) FROM d")?;
    Ok(format!("{rows} rows"))
}

fn prepare(cluster: &Cluster, database: &str) -> Result<()> {
    cluster.create_database_with_extension(database)?;
    cluster
        .sql(
            database,
            "SET client_min_messages = error;
         CREATE TABLE d (k bigint GENERATED ALWAYS AS IDENTITY, v float8);
         CREATE TABLE learned AS SELECT k % 10 AS x, k % 10 * 2 AS y FROM generate_series(1, 100) AS k;
         SELECT version FROM ml.train('m', 'learned', 'y', algorithm => 'linear_regression');
         SELECT ml.watch('d', 'm', threshold => 1000, min_interval => '0')",
        )
        .map(drop)
}

fn clients(cluster: &Cluster, database: &str, seconds: u32) -> Result<Command> {
    let mut pgbench = cluster.client("pgbench");
    pgbench.args(["-n", "-M", "prepared", "-j", "2", "-c"]);
    pgbench.arg(CLIENTS.to_string());
    pgbench.arg("-T").arg(seconds.to_string());
    for (name, weight, script) in SCRIPTS {
        let file = cluster.place.folder.join(format!("{name}.sql"));
        std::fs::write(&file, script.replace("; ", ";\n")).attempt(file.display())?;
        pgbench
            .arg("-f")
            .arg(format!("{}@{weight}", file.display()));
    }
    pgbench.arg(database).stdin(Stdio::null());
    Ok(pgbench)
}

/// Waits until all that was written is counted and every job has ended, and checks it.
fn settle(cluster: &Cluster, database: &str) -> Result<()> {
    cluster.sql(database, "SELECT ml.check_watches()")?;
    cluster.wait_until(PATIENCE, database, CONSISTENT, "t|t|t|t|0")?;
    let jobs = "SELECT count(*) FILTER (WHERE state IN ('queued', 'running')),
        count(*) FILTER (WHERE state = 'done') > 0,
        count(*) FILTER (WHERE state = 'done') = (SELECT count(*) - 1 FROM ml.model_versions),
        count(*) FILTER (WHERE state NOT IN ('queued', 'running', 'done')) FROM ml.jobs";
    cluster
        .wait_until(PATIENCE, database, jobs, "0|t|t|0")
        .map(drop)
}
