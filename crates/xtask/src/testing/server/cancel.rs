//! Cancel, time-out and terminate in every part of the work: it ends at once, leaves no table and the
//! server alive.

use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::{Answer, Session};

/// What the design asks for is 100 ms; the rest is for busy machines.
pub(super) const LIMIT: Duration = Duration::from_secs(1);
/// How long a part of the work may take to be reached.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a statement without progress runs before it is interrupted.
const WHILE: Duration = Duration::from_millis(500);

/// A source without end, and without a number of rows that the planner could know.
const ENDLESS: &str = "SELECT k % 7 AS a, k % 2 AS y FROM (SELECT generate_series(1, (SELECT 1000000000000)) AS k) AS numbers";

/// A statement, and the phase of its progress in which it is interrupted.
pub(super) struct Work {
    /// Run once in the database, before anything else.
    pub prepared: String,
    /// Run first in each session.
    pub settings: &'static str,
    /// What is interrupted.
    pub statement: String,
    /// The phase of its progress; nothing for a statement that reports none: it is interrupted when it
    /// has run for a while.
    pub phase: &'static str,
}

/// While rows are read and kept.
pub fn while_reading(cluster: &Cluster) -> Result<String> {
    interrupt(
        cluster,
        "cancel_reading",
        &Work {
            prepared: String::new(),
            settings: "SET pglearn.max_memory = '16GB'",
            statement: format!("SELECT ml.logregr_train('{ENDLESS}', 'm', 'y', 'ARRAY[1, a]')"),
            phase: "reading rows",
        },
    )
}

/// While rows are read and folded, none kept.
pub fn while_folding(cluster: &Cluster) -> Result<String> {
    interrupt(
        cluster,
        "cancel_folding",
        &Work {
            prepared: String::new(),
            settings: "",
            statement: format!("SELECT ml.linregr_train('{ENDLESS}', 'm', 'y', 'ARRAY[1, a]')"),
            phase: "reading rows",
        },
    )
}

/// While Newton's method iterates on one thread.
pub fn while_iterating(cluster: &Cluster) -> Result<String> {
    let settings = "SET pglearn.max_threads = 1";
    interrupt(cluster, "cancel_iterating", &iterations(settings, "irls"))
}

/// While Newton's method iterates on four threads.
pub fn while_iterating_in_threads(cluster: &Cluster) -> Result<String> {
    let settings = "SET pglearn.max_threads = 4";
    interrupt(cluster, "cancel_threads", &iterations(settings, "irls"))
}

/// While conjugate gradients iterate.
pub fn while_iterating_by_cg(cluster: &Cluster) -> Result<String> {
    interrupt(cluster, "cancel_cg", &iterations("", "cg"))
}

/// While incremental gradients iterate.
pub fn while_iterating_by_igd(cluster: &Cluster) -> Result<String> {
    interrupt(cluster, "cancel_igd", &iterations("", "igd"))
}

/// Seconds of iterations on little memory: 300 columns made by formula.
fn iterations(settings: &'static str, optimizer: &str) -> Work {
    let columns: Vec<String> = (1..=300).map(|j| format!("cos({j} * k)")).collect();
    let source = "SELECT k, cos(k) + cos(17 * k * k) > 0 AS y FROM (SELECT generate_series(1, 60000)::float8 AS k) AS numbers";
    Work {
        prepared: String::new(),
        settings,
        statement: format!(
            "SELECT ml.logregr_train('{source}', 'm', 'y', 'ARRAY[1, {}]', NULL, 1000, '{optimizer}', 0)",
            columns.join(", ")
        ),
        phase: "iteration",
    }
}

/// While scores are sorted; a time-out may come as late as the table of ten million rows is written.
pub fn while_sorting(cluster: &Cluster) -> Result<String> {
    let source = "SELECT cos(k) AS score, k % 2 AS label FROM (SELECT generate_series(1, 10000000) AS k) AS numbers";
    interrupt(
        cluster,
        "cancel_sorting",
        &Work {
            prepared: String::new(),
            settings: "",
            statement: format!("SELECT ml.binary_classifier('{source}', 'm', 'score', 'label')"),
            phase: "sorting",
        },
    )
}

/// Interrupts the work in each way and says how long its end took.
pub(super) fn interrupt(cluster: &Cluster, database: &str, work: &Work) -> Result<String> {
    cluster.create_database_with_extension(database)?;
    let mut observer = cluster.session(database)?;
    observer.run("SET client_min_messages = error")?;
    if !work.prepared.is_empty() {
        observer.run(&work.prepared)?;
    }
    // What the interrupted work must not change.
    observer.run(
        "CREATE TABLE public.versions_before AS SELECT version_id, archived_at FROM ml.model_versions",
    )?;
    let (canceled, reached) = by_cancel(cluster, &mut observer, database, work)?;
    let timed_out = by_timeout(cluster, &mut observer, database, work, reached)?;
    let terminated = by_terminate(cluster, &mut observer, database, work)?;
    let remark = format!(
        "cancel {}, timeout {}, terminate {} ms",
        canceled.as_millis(),
        timed_out.as_millis(),
        terminated.as_millis()
    );
    for (way, time) in [
        ("cancel", canceled),
        ("timeout", timed_out),
        ("terminate", terminated),
    ] {
        if time > LIMIT {
            fail!("{way} took {} ms: {remark}", time.as_millis());
        }
    }
    Ok(remark)
}

/// Also returns how long after its start the work was in its phase.
fn by_cancel(
    cluster: &Cluster,
    observer: &mut Session,
    database: &str,
    work: &Work,
) -> Result<(Duration, Duration)> {
    let mut session = start(cluster, database, work)?;
    let began = Instant::now();
    session.send(&work.statement)?;
    wait_for(observer, session.backend, work.phase)?;
    let reached = began.elapsed();
    let signalled = Instant::now();
    observer.run(&format!("SELECT pg_cancel_backend({})", session.backend))?;
    let answer = session.finish()?;
    let time = signalled.elapsed();
    must_say(&answer, "57014", "canceling statement due to user request")?;
    must_be_clean(observer)?;
    // The session goes on as if nothing had been.
    let again = "SELECT ml.linregr_train('SELECT k, k % 3 AS y FROM generate_series(1, 50) AS k', 'after', 'y', 'ARRAY[1, k]')";
    session.run(again)?;
    session.run("DROP TABLE after, after_summary")?;
    Ok((time, reached))
}

fn by_timeout(
    cluster: &Cluster,
    observer: &mut Session,
    database: &str,
    work: &Work,
    reached: Duration,
) -> Result<Duration> {
    let mut session = start(cluster, database, work)?;
    let timeout = reached + Duration::from_millis(50);
    session.run(&format!("SET statement_timeout = {}", timeout.as_millis()))?;
    let began = Instant::now();
    session.send(&work.statement)?;
    let answer = session.finish()?;
    let time = began.elapsed().saturating_sub(timeout);
    must_say(
        &answer,
        "57014",
        "canceling statement due to statement timeout",
    )?;
    must_be_clean(observer)?;
    Ok(time)
}

fn by_terminate(
    cluster: &Cluster,
    observer: &mut Session,
    database: &str,
    work: &Work,
) -> Result<Duration> {
    let mut session = start(cluster, database, work)?;
    session.send(&work.statement)?;
    wait_for(observer, session.backend, work.phase)?;
    let signalled = Instant::now();
    observer.run(&format!("SELECT pg_terminate_backend({})", session.backend))?;
    let ended = session.finish();
    let time = signalled.elapsed();
    match ended {
        Err(error) if error.to_string().contains("due to administrator command") => {}
        Err(error) => fail!("terminated, the session said: {error}"),
        Ok(answer) => fail!("terminated, the session answered: {answer:?}"),
    }
    must_be_clean(observer)?;
    Ok(time)
}

fn start(cluster: &Cluster, database: &str, work: &Work) -> Result<Session> {
    let mut session = cluster.session(database)?;
    if !work.settings.is_empty() {
        session.run(work.settings)?;
    }
    Ok(session)
}

/// Waits until the backend's training is in a phase.
fn wait_for(observer: &mut Session, backend: u32, phase: &str) -> Result<()> {
    let began = Instant::now();
    if phase.is_empty() {
        thread::sleep(WHILE);
        let active = format!("SELECT state FROM pg_stat_activity WHERE pid = {backend}");
        let state = observer.run(&active)?;
        if state != "active" {
            fail!("the work was over before it could be interrupted: the session is {state}");
        }
        return Ok(());
    }
    let question = format!("SELECT phase FROM ml.progress WHERE pid = {backend}");
    let mut seen = String::new();
    while began.elapsed() < PATIENCE {
        let now = observer.run(&question)?;
        if now == phase {
            return Ok(());
        }
        if !now.is_empty() {
            seen = now;
        }
        thread::sleep(Duration::from_millis(2));
    }
    fail!("the work never was in phase \"{phase}\"; it was last seen in \"{seen}\"");
}

fn must_say(answer: &Answer, sqlstate: &str, text: &str) -> Result<()> {
    if answer.sqlstate == sqlstate && answer.text.contains(text) {
        return Ok(());
    }
    fail!("wanted {sqlstate} and \"{text}\", got {answer:?}");
}

/// No table, no progress, no lock of the interrupted work is left, and the server has not restarted:
/// else this session would be gone.
fn must_be_clean(observer: &mut Session) -> Result<()> {
    let left = "SELECT (SELECT count(*) FROM pg_class WHERE relname IN ('m', 'm_summary')),
                (SELECT count(*) FROM (SELECT version_id, archived_at FROM ml.model_versions EXCEPT SELECT * FROM versions_before) AS new),
                (SELECT count(*) FROM ml.progress),
                (SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let began = Instant::now();
    loop {
        // A terminated backend says farewell before it has left.
        let answer = observer.run(left)?;
        if answer == "0|0|0|0" {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            fail!("left behind (tables|versions|progress|locks): {answer}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
