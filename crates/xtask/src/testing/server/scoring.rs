//! Scoring on insert among several sessions: what `warn` must not swallow, and which version scores.

use super::models::{database, must_refuse, open, training, two_versions, wait_for_lock};
use super::{expect, nothing_measured};
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::Session;

/// What was predicted for a key.
const SCORE: &str = "SELECT round(prediction::numeric, 6)::float8 FROM scores WHERE k = 1";
const INSERT: &str = "INSERT INTO arrivals VALUES (1, 1, 1)";

fn prepare(cluster: &Cluster, name: &str) -> Result<Session> {
    let mut session = database(cluster, name)?;
    two_versions(&mut session)?;
    session.run(
        "CREATE TABLE arrivals (k int, a float8, b float8); SELECT ml.score_on_insert('arrivals', 'm', 'k', 'scores')",
    )?;
    Ok(session)
}

/// Serialization failures and deadlocks end the statement under `warn` too: the client must try again.
pub fn conflicts(cluster: &Cluster) -> Result<String> {
    let name = "scoring_conflicts";
    let mut first = prepare(cluster, name)?;
    let mut second = open(cluster, name)?;
    first.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")?;
    second.run(INSERT)?;
    must_refuse(&mut first, INSERT, "40001")?;
    first.run("ROLLBACK")?;

    let insert = |k: i32| format!("INSERT INTO arrivals VALUES ({k}, 1, 1)");
    for session in [&mut first, &mut second] {
        session.run("SET deadlock_timeout = '100ms'; BEGIN")?;
    }
    first.run(&insert(11))?;
    second.run(&insert(12))?;
    first.send(&insert(12))?;
    wait_for_lock(&mut open(cluster, name)?, first.backend)?;
    second.send(&insert(11))?;
    // Either may be the victim; the other's insert then goes through.
    let ends = [first.finish()?.sqlstate, second.finish()?.sqlstate];
    if !ends.iter().any(|end| end == "40P01") || !ends.iter().any(|end| end == "00000") {
        fail!("a deadlock ended as {ends:?}");
    }
    for session in [&mut first, &mut second] {
        session.run("ROLLBACK")?;
    }
    // A time-out of a lock is a failure like any other: a WARNING, and the rows are there.
    first.run("BEGIN; LOCK TABLE scores")?;
    second.run("SET client_min_messages = warning; SET lock_timeout = '50ms'")?;
    second.send(&insert(20))?;
    let answer = second.finish()?;
    if answer.sqlstate != "00000" || !answer.text.contains("are not scored") {
        fail!("behind a lock: {answer:?}");
    }
    first.run("COMMIT")?;
    let rows = "SELECT (SELECT count(*) FROM arrivals WHERE k = 20), (SELECT count(*) FROM scores WHERE k = 20)";
    expect("rows and scores", &first.run(rows)?, "1|0").map(nothing_measured)
}

/// The version that the inserting statement's snapshot sees; what fails leaves the transaction usable.
pub fn versions(cluster: &Cluster) -> Result<String> {
    let name = "scoring_versions";
    let mut writer = prepare(cluster, name)?;
    let mut mover = open(cluster, name)?;
    let scored = |session: &mut Session, when: &str, wanted: &str| {
        session.run(INSERT)?;
        expect(when, &session.run(SCORE)?, wanted)
    };
    scored(&mut writer, "at first", "3")?;
    mover.run("BEGIN; SELECT ml.promote('m', 2)")?;
    scored(&mut writer, "before COMMIT", "3")?;
    mover.run("COMMIT")?;
    scored(&mut writer, "after COMMIT", "30")?;
    writer.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")?;
    mover.run("SELECT ml.promote('m', 1)")?;
    scored(&mut writer, "in a repeatable transaction", "30")?;
    writer.run("COMMIT")?;
    scored(&mut writer, "after it", "3")?;

    // Failures between savepoints, in a block with an exception handler, in a prepared transaction.
    writer.run("BEGIN; SAVEPOINT one; INSERT INTO arrivals VALUES (2, 'Infinity', 1); SAVEPOINT two; INSERT INTO arrivals VALUES (3, 1, 1); ROLLBACK TO two; INSERT INTO arrivals VALUES (4, 1, 1); COMMIT")?;
    let keys = "SELECT string_agg(k::text, ' ' ORDER BY k) FROM scores";
    expect("scored keys", &writer.run(keys)?, "1 4")?;
    writer.run("SELECT ml.unscore_on_insert('arrivals'); SELECT ml.score_on_insert('arrivals', 'm', 'k', 'scores', 'error')")?;
    writer.run("DO $$ BEGIN BEGIN INSERT INTO arrivals VALUES (5, 'Infinity', 1); EXCEPTION WHEN OTHERS THEN INSERT INTO arrivals VALUES (6, 1, 1); END; END $$")?;
    writer.run("BEGIN; INSERT INTO arrivals VALUES (7, 1, 1); PREPARE TRANSACTION 'scored'; COMMIT PREPARED 'scored'")?;
    expect("scored keys", &writer.run(keys)?, "1 4 6 7")?;
    must_refuse(
        &mut writer,
        "INSERT INTO arrivals VALUES (8, 'Infinity', 1)",
        "22023",
    )?;
    // A model that another session drops and trains anew.
    mover.run(&format!("SELECT ml.drop_model('m'); {}", training("m", 5)))?;
    scored(&mut writer, "by the new model", "15").map(nothing_measured)
}

/// Many sessions insert at once, some of the same keys: every row is scored once, nobody fails.
pub fn at_once(cluster: &Cluster) -> Result<String> {
    let name = "scoring_at_once";
    let mut observer = prepare(cluster, name)?;
    let mut sessions = Vec::new();
    for number in 0..4 {
        let mut session = open(cluster, name)?;
        session.send(&format!(
            "DO $$ BEGIN FOR i IN 1..100 LOOP INSERT INTO arrivals VALUES (i * 4 + {number}, i, 1); COMMIT; INSERT INTO arrivals VALUES (-i, i, 1); COMMIT; END LOOP; END $$"
        ))?;
        sessions.push(session);
    }
    for session in &mut sessions {
        let answer = session.finish()?;
        expect(&answer.text, &answer.sqlstate, "00000")?;
    }
    let count = "SELECT (SELECT count(*) FROM arrivals), count(*), count(DISTINCT k), bool_and(round(prediction::numeric, 6) = (SELECT min(a) + 2 FROM arrivals AS r WHERE r.k = s.k)::numeric) FROM scores AS s";
    expect("rows, scores", &observer.run(count)?, "800|500|500|t").map(nothing_measured)
}
