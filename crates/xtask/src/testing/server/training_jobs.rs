//! Trainings in background workers: what they hold while they run, how they are stopped, what becomes of
//! data that cannot be learned from, who hears of a new champion.

use std::thread;
use std::time::{Duration, Instant};

use super::expect;
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::listener::Listener;
use crate::session::Session;

const PATIENCE: Duration = Duration::from_secs(60);
/// What the issue asks for.
const STOPS_WITHIN: Duration = Duration::from_secs(1);

/// A source without end.
const ENDLESS: &str = "SELECT k % 7 AS a, k % 11 AS b, k % 2 = 0 AS y FROM (SELECT generate_series(1, (SELECT 1000000000000)) AS k) AS numbers";
/// One that never comes to its first row.
const ROWLESS: &str = "SELECT count(*) AS a, true AS y FROM generate_series(1, (SELECT 1000000000000)) AS k GROUP BY k";

/// A database in which an ordinary role trains.
fn database(cluster: &Cluster, name: &str) -> Result<Session> {
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error; \
         DO $$ BEGIN CREATE ROLE job_trainer; EXCEPTION WHEN duplicate_object THEN END $$; \
         DO $$ BEGIN CREATE ROLE job_stranger; EXCEPTION WHEN duplicate_object THEN END $$; \
         GRANT USAGE ON SCHEMA ml TO job_trainer, job_stranger; \
         GRANT CREATE ON SCHEMA public TO job_trainer; \
         SET ROLE job_trainer",
    )?;
    Ok(session)
}

/// Every move of an alias by `promote`, `rollback_alias` and a training is heard when it is committed: also
/// where the transaction was prepared first, not where it was rolled back.
pub fn announce_promotions(common: &Cluster) -> Result<String> {
    let cluster = common.sibling(
        "promotions",
        &[
            ("max_prepared_transactions", "5"),
            ("pglearn.max_workers", "0"),
        ],
    )?;
    let name = "promotions";
    cluster.create_database_with_extension(name)?;
    let mut listener = Listener::open(&cluster, name, &["model_promoted"])?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error; \
         CREATE TABLE t AS SELECT k, k % 7 AS a, k % 7 > 3 AS y FROM generate_series(1, 500) AS k; \
         ALTER TABLE t ADD PRIMARY KEY (k)",
    )?;
    let mut told = Vec::new();
    let mut tell = |alias: &str, version: u32, from: &str| {
        told.push(format!(
            r#"{{"model": "m", "alias": "{alias}", "version": {version}, "from_version": {from}}}"#
        ));
    };
    session.run("SELECT ml.train('m', 't', 'y', alias => 'champion')")?;
    tell("champion", 1, "null");
    // Unmoved, refused, rolled back: nothing.
    session.run("SELECT ml.promote('m', 1)")?;
    session.run(
        "SELECT ml.train('m', 't', 'y', alias => 'champion', gate => '{\"min_delta\": 0.9}')",
    )?;
    session.run("BEGIN; SELECT ml.promote('m', 2); ROLLBACK")?;
    session.run(
        "BEGIN; SAVEPOINT s; SELECT ml.promote('m', 2); ROLLBACK TO s; SELECT ml.promote('m', 2, 'staging'); COMMIT",
    )?;
    tell("staging", 2, "null");
    session.run("BEGIN; SELECT ml.promote('m', 2); PREPARE TRANSACTION 'undone'; ROLLBACK PREPARED 'undone'")?;
    session.run("BEGIN; SELECT ml.promote('m', 2); PREPARE TRANSACTION 'later'")?;
    session.run("SELECT ml.check_watches()")?;
    expect(
        "heard before COMMIT PREPARED",
        &listener.wait_for(2, PATIENCE)?.len().to_string(),
        "2",
    )?;
    session.run("COMMIT PREPARED 'later'; SELECT ml.check_watches()")?;
    tell("champion", 2, "1");
    session.run("SELECT ml.rollback_alias('m')")?;
    tell("champion", 1, "2");
    session.run("SELECT job_id FROM ml.retrain('m'); SELECT ml.run_pending()")?;
    tell("champion", 3, "1");
    let heard: Vec<String> = listener
        .wait_for(told.len(), PATIENCE)?
        .into_iter()
        .map(|one| one.payload)
        .collect();
    expect("what was heard", &heard.join("\n"), &told.join("\n"))?;
    Ok(String::new())
}

/// A call of `train` that iterates for hours on little memory: 300 columns made by formula.
fn hours_of_iterations() -> String {
    let columns: Vec<String> = (1..=300).map(|j| format!("cos({j} * k) AS c{j}")).collect();
    format!(
        "ml.train('m', 'SELECT {}, cos(k) + cos(17 * k * k) > 0 AS y FROM (SELECT generate_series(1, 20000)::float8 AS k) AS numbers', \
         'y', algorithm => 'logistic_regression', hyperparams => '{{\"C\": 1e6, \"tol\": 1e-300, \"max_iter\": 100000}}', async => true)",
        columns.join(", ")
    )
}

/// Queues a training and waits until it is in a phase.
fn begin(session: &mut Session, call: &str, phase: &str) -> Result<String> {
    let job = session.run(&format!("SELECT job_id FROM {call}"))?;
    let question = format!("SELECT phase FROM ml.progress WHERE job_id = {job}");
    wait(session, &question, phase)?;
    Ok(job)
}

fn wait(session: &mut Session, question: &str, wanted: &str) -> Result<Duration> {
    let began = Instant::now();
    loop {
        let answer = session.run(question)?;
        if answer == wanted {
            return Ok(began.elapsed());
        }
        if began.elapsed() > PATIENCE {
            fail!("after {PATIENCE:?} {question}\n  gives  {answer}\n  wanted {wanted}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn state(job: &str) -> String {
    format!("SELECT state FROM ml.jobs WHERE job_id = {job}")
}

/// A worker that learns holds no snapshot: vacuum removes what was deleted after the training began. Its
/// role sees what it does, others do not.
pub fn hold_no_snapshot(cluster: &Cluster) -> Result<String> {
    let name = "jobs_snapshot";
    let mut trainer = database(cluster, name)?;
    let mut admin = cluster.session(name)?;
    admin.run("CREATE TABLE junk AS SELECT k FROM generate_series(1, 10000) AS k")?;
    let job = begin(&mut trainer, &hours_of_iterations(), "iteration")?;
    let seen =
        format!("SELECT model, pid > 0, relation IS NULL FROM ml.progress WHERE job_id = {job}");
    expect("seen by its role", &trainer.run(&seen)?, "m|t|t")?;
    trainer.run("RESET ROLE; SET ROLE job_stranger")?;
    expect("seen by a stranger", &trainer.run(&seen)?, "")?;
    trainer.run("RESET ROLE; SET ROLE job_trainer")?;
    let worker = admin.run(&format!(
        "SELECT worker_pid FROM ml.jobs WHERE job_id = {job}"
    ))?;
    expect(
        "pg_stat_activity",
        &admin.run(&format!(
            "SELECT state, query FROM pg_stat_activity WHERE pid = {worker}"
        ))?,
        &format!("active|pglearn: training model \"m\", job {job}"),
    )?;
    let mut free = 0;
    for _ in 0..20 {
        let holds = format!(
            "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = {worker}"
        );
        free += u32::from(admin.run(&holds)? == "t");
        thread::sleep(Duration::from_millis(37));
    }
    // It looks at its job five times a second, each time for a moment; a busy machine may stretch that.
    if free < 10 {
        fail!("the worker holds a snapshot: only {free} of 20 looks found none");
    }
    admin.run("DELETE FROM junk")?;
    // Truncates the table only where no snapshot could see the rows; a look of the worker may be that one.
    let began = Instant::now();
    while admin.run("VACUUM junk; SELECT pg_relation_size('junk')")? != "0" {
        if began.elapsed() > Duration::from_secs(5) {
            fail!("vacuum cannot remove rows that were deleted while the worker learned");
        }
    }
    trainer.run(&format!("SELECT ml.cancel_job({job})"))?;
    wait(&mut trainer, &state(&job), "cancelled")?;
    expect(
        "progress after the end",
        &trainer.run("SELECT count(*) FROM ml.progress")?,
        "0",
    )?;
    Ok(format!("{free} of 20 looks found no snapshot"))
}

/// `cancel_job` by the job's role ends the attempt at once, whatever it does, and leaves nothing.
pub fn are_cancelled(cluster: &Cluster) -> Result<String> {
    let mut session = database(cluster, "jobs_cancelled")?;
    let reading = |source: &str| format!("ml.train('m', '{source}', 'y', async => true)");
    let works = [
        ("reading", reading(ENDLESS), "reading rows"),
        ("before the first row", reading(ROWLESS), "reading rows"),
        ("learning", hours_of_iterations(), "iteration"),
    ];
    let mut times = Vec::new();
    for (what, call, phase) in works {
        let job = begin(&mut session, &call, phase)?;
        // Far from its beginning.
        thread::sleep(Duration::from_millis(300));
        expect(
            "cancel_job",
            &session.run(&format!("SELECT ml.cancel_job({job})"))?,
            "t",
        )?;
        let time = wait(&mut session, &state(&job), "cancelled")?;
        if time > STOPS_WITHIN {
            fail!("cancelled while {what}: it ended after {time:?}");
        }
        expect(
            "what is left",
            &session.run("SELECT count(*) FROM ml.models; SELECT count(*) FROM ml.progress")?,
            "0\n0",
        )?;
        times.push(format!("{what} {} ms", time.as_millis()));
    }
    // The worker has survived all of it.
    session.run(
        "CREATE TABLE t AS SELECT k, k % 3 AS a, k % 2 = 0 AS y FROM generate_series(1, 200) AS k",
    )?;
    let job = session.run("SELECT job_id FROM ml.train('m', 't', 'y', async => true)")?;
    wait(&mut session, &state(&job), "done")?;
    Ok(times.join(", "))
}

/// A job ends when its time is up, whatever it does, and what it may use of memory is its own limit. The
/// worker's next job has neither.
pub fn keep_to_their_limits(cluster: &Cluster) -> Result<String> {
    const LIMIT: Duration = Duration::from_millis(700);
    let name = "jobs_limits";
    let mut trainer = database(cluster, name)?;
    trainer.run("RESET ROLE")?;
    let source =
        "SELECT k % 7 AS a, k % 11 AS b, k % 2 = 0 AS y FROM generate_series(1, 100000) AS k";
    let works = [
        (
            "reading",
            format!("ml.train('m', '{ENDLESS}', 'y', async => true)"),
        ),
        (
            "before the first row",
            format!("ml.train('m', '{ROWLESS}', 'y', async => true)"),
        ),
        ("learning", hours_of_iterations()),
    ];
    let last = "FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
    let mut times = Vec::new();
    for (what, call) in works {
        trainer.run(&format!(
            "BEGIN; SELECT FROM {call}; UPDATE ml.jobs SET timeout = '{} ms' WHERE state = 'queued'; COMMIT",
            LIMIT.as_millis()
        ))?;
        wait(&mut trainer, &format!("SELECT state {last}"), "failed")?;
        expect(
            what,
            &trainer.run(&format!("SELECT sqlstate, error {last}"))?,
            "57014|the attempt took longer than 0.7 s",
        )?;
        let took = "SELECT (extract(epoch FROM finished_at - started_at) * 1000)::int";
        let took: u64 = trainer
            .run(&format!("{took} {last}"))?
            .parse()
            .unwrap_or(u64::MAX);
        if Duration::from_millis(took) > LIMIT + STOPS_WITHIN {
            fail!("a limit of {LIMIT:?} while {what}: it ended after {took} ms");
        }
        times.push(format!("{what} {took} ms"));
    }
    trainer.run(&format!(
        "BEGIN; SELECT FROM ml.train('m', '{source}', 'y', async => true); \
         UPDATE ml.jobs SET max_memory = 1024 WHERE state = 'queued'; COMMIT"
    ))?;
    wait(&mut trainer, &format!("SELECT state {last}"), "failed")?;
    expect(
        "memory",
        &trainer.run(&format!("SELECT sqlstate, error {last}"))?,
        "53400|the rows need more than the job may use (1 MB)",
    )?;
    trainer.run(&format!(
        "SELECT FROM ml.train('m', '{source}', 'y', async => true)"
    ))?;
    wait(&mut trainer, &format!("SELECT state {last}"), "done")?;
    Ok(times.join(", "))
}

/// Data that have become useless fail the job with the error that a session would see; the champion serves
/// on.
pub fn fail_on_useless_data(cluster: &Cluster) -> Result<String> {
    let mut session = database(cluster, "jobs_useless")?;
    session.run(
        "CREATE TABLE t AS SELECT k, k % 7 AS a, k % 7 > 3 AS y FROM generate_series(1, 500) AS k; \
         ALTER TABLE t ADD PRIMARY KEY (k); \
         SELECT ml.train('m', 't', 'y', alias => 'champion')",
    )?;
    let champion = "SELECT v.version, ml.predict_class('m', 5) FROM ml.model_aliases AS v";
    let before = session.run(champion)?;
    for (what, change, error) in [
        (
            "one class",
            "UPDATE t SET y = true",
            "22023|target: column \"y\" has a single value, true",
        ),
        (
            "all NULL",
            "UPDATE t SET y = NULL",
            "P0002|no rows to learn from",
        ),
        ("no rows", "DELETE FROM t", "P0002|no rows to learn from"),
    ] {
        session.run(change)?;
        let job = session.run("SELECT job_id FROM ml.retrain('m')")?;
        wait(&mut session, &state(&job), "failed")?;
        let got = session.run(&format!(
            "SELECT sqlstate, error FROM ml.jobs WHERE job_id = {job}"
        ))?;
        expect(what, &got, error)?;
        expect("the champion", &session.run(champion)?, &before)?;
    }
    // Columns and tables that go while the job waits: what retrain itself would have refused.
    session.run("INSERT INTO t SELECT k, k % 7, k % 7 > 3 FROM generate_series(1, 500) AS k")?;
    for (what, change, error) in [
        (
            "target dropped",
            "ALTER TABLE t DROP COLUMN y",
            "42703|target: the source has no column \"y\"",
        ),
        (
            "table dropped",
            "DROP TABLE t",
            "42P01|the relation that model \"m\" is trained on does not exist any more",
        ),
    ] {
        session.run(&format!("BEGIN; SELECT ml.retrain('m'); {change}; COMMIT"))?;
        let last = "FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
        wait(&mut session, &format!("SELECT state {last}"), "failed")?;
        let got = session.run(&format!("SELECT sqlstate, error {last}"))?;
        expect(what, &got, error)?;
        expect("the champion", &session.run(champion)?, &before)?;
        session.run("ALTER TABLE IF EXISTS t ADD COLUMN y boolean")?;
    }
    expect(
        "versions",
        &session.run("SELECT count(*) FROM ml.model_versions")?,
        "1",
    )?;
    Ok(String::new())
}

/// Several workers make versions of one model at the same time, as several sessions would: one after the
/// other, each counted once. The alias ends at a version that was compared with the one before.
pub fn share_a_model(common: &Cluster) -> Result<String> {
    const JOBS: usize = 12;
    let cluster = common.sibling("sharing", &[("pglearn.max_workers", "3")])?;
    let name = "sharing";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error; \
         CREATE TABLE t AS SELECT k, cos(k) AS a, sin(k * k) AS b, cos(k) > 0.3 AS y FROM generate_series(1, 20000) AS k; \
         ALTER TABLE t ADD PRIMARY KEY (k)",
    )?;
    session.run(&format!(
        "DO $$ BEGIN FOR i IN 1..{JOBS} LOOP \
             PERFORM ml.train('m', 't', 'y', alias => 'champion', gate => '{{}}', async => true); \
         END LOOP; END $$"
    ))?;
    let states = "SELECT string_agg(DISTINCT state, ',') FROM ml.jobs";
    wait(&mut session, states, "done")?;
    let all: Vec<String> = (1..=JOBS).map(|n| n.to_string()).collect();
    expect(
        "versions",
        &session.run(
            "SELECT string_agg(version::text, ',' ORDER BY version) FROM ml.model_versions; \
             SELECT string_agg(version::text, ',' ORDER BY version) FROM ml.jobs",
        )?,
        &format!("{0}\n{0}", all.join(",")),
    )?;
    expect(
        "moves that do not follow the one before",
        &session.run(
            "SELECT count(*) FROM (SELECT from_version, lag(to_version) OVER (ORDER BY history_id) AS before \
               FROM ml.alias_history WHERE action = 'promote') AS h WHERE from_version IS DISTINCT FROM before",
        )?,
        "0",
    )?;
    expect(
        "the alias",
        &session.run(
            "SELECT version = (SELECT to_version FROM ml.alias_history WHERE action = 'promote' ORDER BY history_id DESC LIMIT 1) \
               FROM ml.model_aliases",
        )?,
        "t",
    )?;
    let workers = session.run("SELECT count(DISTINCT worker_pid) FROM ml.jobs")?;
    Ok(format!("{JOBS} jobs, {workers} workers"))
}

/// A job reads what its call meant: not the table that has taken the name since, nor that of another
/// search_path. Who listens hears of every version that serves.
pub fn read_what_was_meant(cluster: &Cluster) -> Result<String> {
    let name = "jobs_meaning";
    let mut session = database(cluster, name)?;
    let mut listener = Listener::open(cluster, name, &["model_promoted"])?;
    session.run(
        "RESET ROLE; GRANT CREATE ON DATABASE jobs_meaning TO job_trainer; SET ROLE job_trainer",
    )?;
    session.run(
        "CREATE SCHEMA one; CREATE SCHEMA other; \
         CREATE TABLE one.t AS SELECT k, k % 7 AS a, k % 7 > 3 AS y FROM generate_series(1, 500) AS k; \
         CREATE TABLE other.t AS SELECT k, k % 7 AS a, k % 7 > 3 AS y FROM generate_series(1, 90) AS k; \
         SET search_path = one",
    )?;
    let rows = |session: &mut Session, model: &str| -> Result<String> {
        session.run(&format!(
            "SELECT v.version, v.training #>> '{{rows,total}}' FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id) \
              WHERE m.name = '{model}' ORDER BY v.version DESC LIMIT 1"
        ))
    };
    let done = |session: &mut Session, text: &str| -> Result<()> {
        session.run(text)?;
        let last = "SELECT state FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
        wait(session, last, "done").map(drop)
    };
    done(
        &mut session,
        "SELECT ml.train('by_name', 't', 'y', alias => 'champion', async => true)",
    )?;
    expect("by name", &rows(&mut session, "by_name")?, "1|500")?;
    done(
        &mut session,
        "SELECT ml.train('by_query', 'SELECT * FROM t', 'y', alias => 'champion', async => true)",
    )?;
    expect("by query", &rows(&mut session, "by_query")?, "1|500")?;
    // The name means another table when the job runs.
    done(
        &mut session,
        "BEGIN; SELECT ml.train('renamed', 't', 'y', async => true); \
         ALTER TABLE one.t RENAME TO was_t; CREATE TABLE one.t AS SELECT 1 AS k, 1 AS a, true AS y; COMMIT",
    )?;
    expect("renamed", &rows(&mut session, "renamed")?, "1|500")?;
    session.run("DROP TABLE one.t; ALTER TABLE one.was_t RENAME TO t; SET search_path = other")?;
    done(&mut session, "SELECT ml.retrain('by_name')")?;
    expect(
        "retrained by name",
        &rows(&mut session, "by_name")?,
        "2|500",
    )?;
    done(&mut session, "SELECT ml.retrain('by_query')")?;
    expect(
        "retrained by query",
        &rows(&mut session, "by_query")?,
        "2|500",
    )?;
    let heard: Vec<String> = listener
        .wait_for(4, PATIENCE)?
        .into_iter()
        .map(|one| one.payload)
        .collect();
    let told = |model: &str, version: u32, from: &str| {
        format!(
            r#"{{"model": "{model}", "alias": "champion", "version": {version}, "from_version": {from}}}"#
        )
    };
    expect(
        "what was heard",
        &heard.join("\n"),
        &[
            told("by_name", 1, "null"),
            told("by_query", 1, "null"),
            told("by_name", 2, "1"),
            told("by_query", 2, "1"),
        ]
        .join("\n"),
    )?;
    Ok(String::new())
}
