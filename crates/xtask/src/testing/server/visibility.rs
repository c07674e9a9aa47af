//! Which version answers: what a statement's own snapshot sees, in every kind of statement, transaction
//! and session.

use super::models::{
    ASK, database, must_answer, must_refuse, open, training, two_versions, wait_for_lock,
    wait_until,
};
use super::{expect, nothing_measured};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::session::Session;

const PROMOTE: &str = "SELECT ml.promote('m', 2)";
const BACK: &str = "SELECT ml.promote('m', 1)";

/// An alias moved in an open transaction is seen by it alone, and by all from COMMIT on.
pub fn of_a_commit(cluster: &Cluster) -> Result<String> {
    let name = "visible_commit";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    let mut reader = open(cluster, name)?;
    must_answer(&mut reader, "a new session", "3")?;
    mover.run("BEGIN")?;
    mover.run(PROMOTE)?;
    must_answer(&mut mover, "the mover before COMMIT", "30")?;
    must_answer(&mut reader, "the reader before COMMIT", "3")?;
    let mut late = open(cluster, name)?;
    must_answer(&mut late, "a session opened before COMMIT", "3")?;
    mover.run("COMMIT")?;
    for session in [&mut mover, &mut reader, &mut late] {
        must_answer(session, "after COMMIT", "30")?;
    }
    Ok(String::new())
}

/// Every kind of statement in a session that has predicted before follows with its next execution.
pub fn in_every_statement(cluster: &Cluster) -> Result<String> {
    let name = "visible_everywhere";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    let mut reader = open(cluster, name)?;
    reader.run(&format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE without_table AS {ASK};
         PREPARE with_parameter(float8) AS SELECT round(ml.predict('m', $1, 1.0)::numeric, 6)::float8;
         PREPARE of_a_table AS SELECT DISTINCT round(ml.predict('m', a / a, 1.0)::numeric, 6)::float8 FROM d WHERE a > 0;
         CREATE FUNCTION pg_temp.simple() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN RETURN ml.predict('m', 1.0, 1.0); END $$;
         CREATE FUNCTION pg_temp.of_sql() RETURNS float8 LANGUAGE sql STABLE AS $$ SELECT ml.predict('m', 1.0, 1.0) $$;
         CREATE FUNCTION pg_temp.looping() RETURNS float8 LANGUAGE plpgsql STABLE AS $$ DECLARE s float8 := 0; x float8; BEGIN
            FOR x IN SELECT 1.0 FROM generate_series(1, 3) LOOP s := s + ml.predict('m', x, x) / 3; END LOOP; RETURN s; END $$"
    ))?;
    let statements = [
        "EXECUTE without_table",
        "EXECUTE with_parameter(1)",
        "EXECUTE of_a_table",
        "SELECT round(pg_temp.simple()::numeric, 6)::float8",
        "SELECT round(pg_temp.of_sql()::numeric, 6)::float8",
        "SELECT round(pg_temp.looping()::numeric, 6)::float8",
        "SELECT round(ml.predict(r, 1.0, 1.0)::numeric, 6)::float8 FROM (SELECT 'm'::text || left(k::text, 0) AS r FROM d LIMIT 1) AS q",
    ];
    for round in 0..3 {
        for (order, wanted) in [(BACK, "3"), (PROMOTE, "30")] {
            mover.run(order)?;
            for statement in statements {
                // More than the five after which a plan may be kept.
                for _ in 0..if round == 0 { 7 } else { 1 } {
                    expect(statement, &reader.run(statement)?, wanted)?;
                }
            }
        }
    }
    // Inside one long READ COMMITTED transaction, too; and in one DO block, whose statements have
    // snapshots of their own.
    reader.run("BEGIN")?;
    must_answer(&mut reader, "in a transaction", "30")?;
    mover.run(BACK)?;
    for statement in statements {
        expect(statement, &reader.run(statement)?, "3")?;
    }
    reader.run("COMMIT")?;
    // The block waits between its statements until the promotion is committed.
    mover.run("CREATE TABLE seen (n int, answer float8); SELECT pg_advisory_lock(1)")?;
    reader.send(
        "DO $$ BEGIN
            INSERT INTO seen SELECT 1, round(ml.predict('m', 1.0, 1.0)::numeric, 6);
            PERFORM pg_advisory_lock(1);
            INSERT INTO seen SELECT 2, round(ml.predict('m', 1.0, 1.0)::numeric, 6);
         END $$",
    )?;
    wait_for_lock(&mut mover, reader.backend)?;
    mover.run(&format!("{PROMOTE}; SELECT pg_advisory_unlock(1)"))?;
    reader.finish()?;
    let seen = "SELECT string_agg(answer::text, ' ' ORDER BY n) FROM seen";
    expect("within one block", &reader.run(seen)?, "3 30").map(nothing_measured)
}

/// Parallel workers answer by the leader's version, and see a promotion with the next statement.
pub fn in_parallel_workers(cluster: &Cluster) -> Result<String> {
    let name = "visible_parallel";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    mover.run("CREATE TABLE big AS SELECT a, b FROM d, generate_series(1, 500); ANALYZE big")?;
    let mut reader = open(cluster, name)?;
    reader.run(
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
         SET max_parallel_workers_per_gather = 2",
    )?;
    let question = "SELECT count(DISTINCT f), min(f) FROM (SELECT round((ml.predict('m', a, b) / (a + 2 * b))::numeric, 6)::float8 AS f FROM big WHERE a + b > 0) AS q";
    let plan = reader.run(&format!(
        "EXPLAIN (ANALYZE, COSTS off, TIMING off) {question}"
    ))?;
    if !plan.contains("Workers Launched: 2") {
        crate::error::fail!("no parallel plan:\n{plan}");
    }
    reader.run(&format!("PREPARE ask AS {question}"))?;
    for (order, wanted) in [(BACK, "1|1"), (PROMOTE, "1|10"), (BACK, "1|1")] {
        mover.run(order)?;
        expect("in workers", &reader.run("EXECUTE ask")?, wanted)?;
    }
    // Workers see what their leader's open transaction did.
    reader.run("BEGIN")?;
    reader.run(PROMOTE)?;
    expect(
        "of their own transaction",
        &reader.run("EXECUTE ask")?,
        "1|10",
    )?;
    expect("elsewhere", &mover.run(ASK)?, "3")?;
    reader.run("ROLLBACK")?;
    expect("after ROLLBACK", &reader.run("EXECUTE ask")?, "1|1")?;
    Ok(String::new())
}

/// REPEATABLE READ and SERIALIZABLE transactions keep the version of their snapshot, whether or not it
/// was used before; the session then is current at once.
pub fn under_repeatable_read(cluster: &Cluster) -> Result<String> {
    let name = "visible_repeatable";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        for used_before in [false, true] {
            mover.run(BACK)?;
            // A session that knows nothing yet, and loads the model under the old snapshot.
            let mut reader = open(cluster, name)?;
            reader.run(&format!("BEGIN ISOLATION LEVEL {level}"))?;
            reader.run(if used_before { ASK } else { "SELECT 1" })?;
            mover.run(PROMOTE)?;
            for _ in 0..2 {
                must_answer(&mut reader, level, "3")?;
            }
            reader.run("COMMIT")?;
            must_answer(&mut reader, "after it", "30")?;
            // The same session once more: what it keeps must not reach into an older snapshot.
            mover.run(BACK)?;
            reader.run(&format!("BEGIN ISOLATION LEVEL {level}; SELECT 1"))?;
            mover.run(PROMOTE)?;
            must_answer(&mut reader, level, "3")?;
            reader.run("ROLLBACK")?;
            must_answer(&mut reader, "after it", "30")?;
        }
    }
    // The version that a snapshot sees may be gone for everybody else.
    mover.run(BACK)?;
    let mut reader = open(cluster, name)?;
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")?;
    mover.run("SELECT ml.drop_model('m')")?;
    must_answer(&mut reader, "of a model dropped since", "3")?;
    reader.run("COMMIT")?;
    must_refuse(&mut reader, ASK, "42704")?;
    Ok(String::new())
}

/// A slow statement answers all its rows by one version, and the statement after it by the new one.
pub fn within_one_statement(cluster: &Cluster) -> Result<String> {
    let name = "visible_statement";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    let mut reader = open(cluster, name)?;
    let slow = "SELECT min(p), max(p), count(*) FROM (SELECT round(ml.predict(r, 1.0, 1.0)::numeric, 6)::float8 AS p, pg_sleep(0.02)
                  FROM (SELECT CASE WHEN k % 2 = 0 THEN 'm' ELSE 'm@champion' END AS r FROM d LIMIT 60) AS q) AS q";
    reader.send(slow)?;
    let running = format!(
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = {} AND wait_event = 'PgSleep'",
        reader.backend
    );
    wait_until(&mut mover, &running, "the slow statement never slept")?;
    mover.run(PROMOTE)?;
    must_answer(&mut mover, "the mover", "30")?;
    mover.run(&running)?;
    expect("the slow statement", &reader.finish()?.text, "3|3|60")?;
    must_answer(&mut reader, "the next statement", "30")?;
    // A cursor is one statement.
    reader.run(&format!(
        "BEGIN; DECLARE c CURSOR FOR {ASK} FROM d; FETCH c"
    ))?;
    mover.run(BACK)?;
    expect("the cursor", &reader.run("FETCH c")?, "30")?;
    must_answer(&mut reader, "beside the cursor", "3")?;
    expect("the cursor again", &reader.run("FETCH c")?, "30")?;
    reader.run("COMMIT")?;
    Ok(String::new())
}

/// ROLLBACK, and ROLLBACK TO SAVEPOINT, take a promotion back everywhere, the mover included.
pub fn of_a_rollback(cluster: &Cluster) -> Result<String> {
    let name = "visible_rollback";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    let mut reader = open(cluster, name)?;
    must_answer(&mut reader, "the reader", "3")?;
    for begin in ["BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"] {
        mover.run(begin)?;
        mover.run(PROMOTE)?;
        must_answer(&mut mover, "the mover", "30")?;
        mover.run("ROLLBACK")?;
        must_answer(&mut mover, "the mover after ROLLBACK", "3")?;
        must_answer(&mut reader, "the reader after ROLLBACK", "3")?;

        mover.run(begin)?;
        must_answer(&mut mover, "in the transaction", "3")?;
        mover.run("SAVEPOINT one")?;
        mover.run(PROMOTE)?;
        must_answer(&mut mover, "after the promotion", "30")?;
        mover.run("SAVEPOINT two")?;
        mover.run(BACK)?;
        must_answer(&mut mover, "after moving back", "3")?;
        mover.run("ROLLBACK TO two")?;
        must_answer(&mut mover, "after ROLLBACK TO two", "30")?;
        must_answer(&mut reader, "the reader", "3")?;
        mover.run("ROLLBACK TO one")?;
        must_answer(&mut mover, "after ROLLBACK TO one", "3")?;
        mover.run("COMMIT")?;
        must_answer(&mut mover, "after COMMIT", "3")?;
        must_answer(&mut reader, "the reader in the end", "3")?;
    }
    // An error ends the transaction; a version trained in it is gone with it.
    mover.run("BEGIN")?;
    let third = mover.run(&training("m", 100))?;
    mover.run(&format!("SELECT ml.promote('m', {third})"))?;
    must_answer(&mut mover, "by a version of this transaction", "300")?;
    must_refuse(&mut mover, "SELECT 1 / 0", "22012")?;
    mover.run("ROLLBACK")?;
    must_answer(&mut mover, "after the error", "3")?;
    must_refuse(
        &mut mover,
        &format!("SELECT ml.predict('m@{third}', 1.0, 1.0)"),
        "42704",
    )?;
    // Its number may be given out anew: to another version.
    let again = mover.run(&training("m", 1000))?;
    expect(
        "the version trained after that",
        &mover.run(&format!(
            "SELECT round(ml.predict('m@{again}', 1.0, 1.0)::numeric, 4)::float8"
        ))?,
        "3000",
    )
    .map(nothing_measured)
}

/// A prepared transaction's promotion is seen from COMMIT PREPARED on, by nobody after ROLLBACK PREPARED.
pub fn of_two_phases(cluster: &Cluster) -> Result<String> {
    let name = "visible_two_phases";
    let mut mover = database(cluster, name)?;
    two_versions(&mut mover)?;
    let mut reader = open(cluster, name)?;
    for (end, wanted) in [("ROLLBACK", "3"), ("COMMIT", "30")] {
        must_answer(&mut reader, "before", "3")?;
        mover.run(&format!("BEGIN; {PROMOTE}; PREPARE TRANSACTION 'moved'"))?;
        must_answer(&mut reader, "while it is prepared", "3")?;
        must_answer(&mut mover, "the mover, while it is prepared", "3")?;
        let mut other = open(cluster, name)?;
        other.run(&format!("{end} PREPARED 'moved'"))?;
        for session in [&mut mover, &mut reader, &mut other] {
            must_answer(session, end, wanted)?;
        }
    }
    // A training, too.
    let training = training("fresh", 2);
    mover.run(&format!("BEGIN; {training}; PREPARE TRANSACTION 'trained'"))?;
    let ask = "SELECT round(ml.predict('fresh', 1.0, 1.0)::numeric, 6)::float8";
    must_refuse(&mut reader, ask, "42704")?;
    mover.run("COMMIT PREPARED 'trained'")?;
    expect("the model", &reader.run(ask)?, "6").map(nothing_measured)
}

/// What was dropped, dropped and trained anew, or revoked answers no longer, in sessions that used it
/// before.
pub fn of_an_end(cluster: &Cluster) -> Result<String> {
    let name = "visible_end";
    let mut owner = database(cluster, name)?;
    two_versions(&mut owner)?;
    let mut reader = open(cluster, name)?;
    reader.run(&format!("PREPARE ask AS {ASK}"))?;
    let all = |session: &mut Session, wanted: &str| {
        for statement in [ASK, "EXECUTE ask"] {
            expect(statement, &session.run(statement)?, wanted)?;
        }
        Ok(())
    };
    all(&mut reader, "3")?;
    owner.run("SELECT ml.drop_model('m')")?;
    for statement in [ASK, "EXECUTE ask"] {
        must_refuse(&mut reader, statement, "42704")?;
        must_refuse(&mut owner, ASK, "42704")?;
    }
    expect(
        "the number of a new model's version",
        &owner.run(&training("m", 7))?,
        "1",
    )?;
    all(&mut reader, "21")?;
    // Dropped and trained anew in one transaction.
    owner.run(&format!(
        "BEGIN; SELECT ml.drop_model('m'); {}",
        training("m", 8)
    ))?;
    all(&mut reader, "21")?;
    owner.run("COMMIT")?;
    all(&mut reader, "24")?;
    // One version dropped.
    let second = owner.run(&training("m", 9))?;
    all(&mut reader, "27")?;
    owner.run(&format!("SELECT ml.drop_version('m', {second})"))?;
    all(&mut reader, "24")?;

    owner.run("DROP ROLE IF EXISTS tests_reader; CREATE ROLE tests_reader; GRANT USAGE ON SCHEMA ml TO tests_reader")?;
    must_refuse(&mut reader, "SET ROLE tests_reader; EXECUTE ask", "42501")?;
    owner.run("SELECT ml.grant_model('m', 'tests_reader')")?;
    all(&mut reader, "24")?;
    owner.run("SELECT ml.revoke_model('m', 'tests_reader')")?;
    for statement in [ASK, "EXECUTE ask"] {
        must_refuse(&mut reader, statement, "42501")?;
    }
    // By role: the same session as its own user may, as the role may not.
    reader.run("RESET ROLE")?;
    all(&mut reader, "24")?;
    must_refuse(&mut reader, "SET ROLE tests_reader; EXECUTE ask", "42501")?;
    reader.run("RESET ROLE")?;
    // By membership.
    owner.run("CREATE ROLE tests_group; SELECT ml.grant_model('m', 'tests_group'); GRANT tests_group TO tests_reader")?;
    reader.run("SET ROLE tests_reader")?;
    all(&mut reader, "24")?;
    owner.run("REVOKE tests_group FROM tests_reader")?;
    must_refuse(&mut reader, "EXECUTE ask", "42501")?;
    reader.run("RESET ROLE")?;
    owner.run("SELECT ml.drop_model('m'); DROP OWNED BY tests_reader, tests_group; DROP ROLE tests_reader, tests_group")?;
    Ok(String::new())
}

/// Databases whose models have the same numbers keep to their own; after a restart the first prediction
/// of a session works.
pub fn of_databases_and_restarts(cluster: &Cluster) -> Result<String> {
    let names = ["visible_here", "visible_there"];
    for (name, factor) in names.iter().zip([1, 5]) {
        let mut session = database(cluster, name)?;
        session.run(&training("m", factor))?;
    }
    let ids = "SELECT m.model_id, v.version_id FROM ml.models AS m JOIN ml.model_versions AS v USING (model_id)";
    expect(
        "their numbers",
        &cluster.sql(names[0], ids)?,
        &cluster.sql(names[1], ids)?,
    )?;
    let check = || {
        let mut here = open(cluster, names[0])?;
        let mut there = open(cluster, names[1])?;
        for _ in 0..2 {
            must_answer(&mut here, names[0], "3")?;
            must_answer(&mut there, names[1], "15")?;
        }
        Ok(())
    };
    check()?;
    cluster.restart()?;
    check()?;
    // One session of the program, two databases.
    let switched = format!("{ASK};\n\\c {}\n{ASK}", names[1]);
    let mut session = open(cluster, names[0])?;
    expect("after \\c", &session.run(&switched)?, "3\n15").map(nothing_measured)
}

/// A prediction takes no transaction number and works in a read-only transaction.
pub fn without_a_transaction_number(cluster: &Cluster) -> Result<String> {
    let name = "visible_read_only";
    let mut owner = database(cluster, name)?;
    two_versions(&mut owner)?;
    let mut reader = open(cluster, name)?;
    reader.run("BEGIN READ ONLY")?;
    must_answer(&mut reader, "read only", "3")?;
    let number = "SELECT pg_current_xact_id_if_assigned() IS NULL";
    expect("no number", &reader.run(number)?, "t")?;
    reader.run("COMMIT; SET default_transaction_read_only = on")?;
    must_answer(&mut reader, "read only by default", "3")?;
    must_refuse(&mut reader, PROMOTE, "25006")?;
    must_refuse(&mut reader, &training("m", 3), "25006")?;
    reader.run("SET default_transaction_read_only = off; BEGIN")?;
    must_answer(&mut reader, "in a transaction", "3")?;
    expect("no number", &reader.run(number)?, "t").map(nothing_measured)
}
