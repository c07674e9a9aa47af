//! Model tables follow the transaction that writes them, like any other table.

use std::thread;
use std::time::Duration;

use super::expect;
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::Session;

const DATA: &str = "CREATE TABLE d AS SELECT k, (k * 37) % 11 AS a, (k * 7) % 5 < 2 AS y FROM generate_series(1, 500) AS k";
const TRAIN: &str = "SELECT ml.logregr_train('d', 'm', 'y', 'ARRAY[1, a]')";
const TABLES: &str = "SELECT count(*) FROM pg_class WHERE relname IN ('m', 'm_summary')";

fn database(cluster: &Cluster, name: &str) -> Result<Session> {
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(DATA)?;
    Ok(session)
}

/// ROLLBACK, and ROLLBACK TO SAVEPOINT, leave nothing; COMMIT leaves both tables.
pub fn rollback(cluster: &Cluster) -> Result<String> {
    let mut session = database(cluster, "rolled_back")?;
    session.run("BEGIN")?;
    session.run(TRAIN)?;
    session.run("ROLLBACK")?;
    expect("tables after ROLLBACK", &session.run(TABLES)?, "0")?;

    session.run("BEGIN; SAVEPOINT before")?;
    session.run(TRAIN)?;
    session.run("ROLLBACK TO before")?;
    expect("tables after ROLLBACK TO", &session.run(TABLES)?, "0")?;
    // The name is free again within the same transaction; an error after that takes it all back.
    session.run(TRAIN)?;
    session.run("SAVEPOINT after")?;
    session.send(TRAIN)?;
    expect("the second training", &session.finish()?.sqlstate, "42P07")?;
    session.run("ROLLBACK TO after; COMMIT")?;
    expect("tables after COMMIT", &session.run(TABLES)?, "2")?;
    expect(
        "rows of the model",
        &session.run("SELECT num_rows_processed FROM m")?,
        "500",
    )?;

    // An error in the middle: the first of the two tables is there already.
    session.run("DROP TABLE m, m_summary")?;
    session.run("CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%summary') THEN RAISE EXCEPTION 'not this one'; END IF; END $$")?;
    session.run("CREATE EVENT TRIGGER refuse ON ddl_command_end EXECUTE FUNCTION refuse()")?;
    session.send(TRAIN)?;
    expect("the refused training", &session.finish()?.sqlstate, "P0001")?;
    expect("tables of half a training", &session.run(TABLES)?, "0")?;
    Ok(String::new())
}

/// A model is seen by others from its COMMIT on, not before; two-phase commit works.
pub fn visibility(cluster: &Cluster) -> Result<String> {
    let mut writer = database(cluster, "visibility")?;
    let mut reader = cluster.session("visibility")?;
    writer.run("BEGIN")?;
    writer.run(TRAIN)?;
    expect(
        "the writer's view",
        &writer.run("SELECT count(*) FROM m, m_summary")?,
        "1",
    )?;
    expect("the reader's view before COMMIT", &reader.run(TABLES)?, "0")?;
    reader.send("SELECT coef FROM m")?;
    expect("reading it", &reader.finish()?.sqlstate, "42P01")?;
    writer.run("COMMIT")?;
    expect(
        "the reader's view after COMMIT",
        &reader.run("SELECT num_rows_processed FROM m")?,
        "500",
    )?;

    // A training reads its own transaction's snapshot.
    writer.run("DROP TABLE m, m_summary")?;
    writer.run("BEGIN ISOLATION LEVEL REPEATABLE READ")?;
    writer.run("SELECT count(*) FROM d")?;
    reader.run("INSERT INTO d VALUES (501, 3, true)")?;
    writer.run(TRAIN)?;
    expect(
        "rows in the old snapshot",
        &writer.run("SELECT num_rows_processed FROM m")?,
        "500",
    )?;
    writer.run("COMMIT")?;
    Ok(String::new())
}

/// Two sessions train a model of the same name at once: one wins, the other is told that the table
/// exists, and nobody's tables are mixed.
pub fn same_name(cluster: &Cluster) -> Result<String> {
    let mut first = database(cluster, "same_name")?;
    let mut second = cluster.session("same_name")?;
    first.run("BEGIN")?;
    first.run(TRAIN)?;
    second.send(
        "SELECT ml.linregr_train('SELECT * FROM d WHERE k <= 100', 'm', 'k', 'ARRAY[1, a]')",
    )?;
    // The second finds the name free, computes, and waits for the first where it creates its table.
    wait_for_lock(&mut first, second.backend)?;
    first.run("COMMIT")?;
    let answer = second.finish()?;
    if answer.sqlstate != "42P07" || !answer.text.contains("already exists") {
        fail!("the loser was told {answer:?}");
    }
    expect(
        "the model",
        &first.run("SELECT m.num_rows_processed, s.method FROM m, m_summary s")?,
        "500|logregr",
    )?;

    // The other way round: the first gives up, the second gets the name.
    first.run("DROP TABLE m, m_summary")?;
    first.run("BEGIN")?;
    first.run(TRAIN)?;
    second.send(
        "SELECT ml.linregr_train('SELECT * FROM d WHERE k <= 100', 'm', 'k', 'ARRAY[1, a]')",
    )?;
    wait_for_lock(&mut first, second.backend)?;
    first.run("ROLLBACK")?;
    expect("the second training", &second.finish()?.sqlstate, "00000")?;
    expect(
        "its model",
        &first.run("SELECT m.num_rows_processed, s.method FROM m, m_summary s")?,
        "100|linregr",
    )?;
    Ok(String::new())
}

fn wait_for_lock(observer: &mut Session, backend: u32) -> Result<()> {
    for _ in 0..1000 {
        let waiting =
            format!("SELECT count(*) FROM pg_locks WHERE pid = {backend} AND NOT granted");
        if observer.run(&waiting)? != "0" {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    fail!("the second session never waited for the first");
}
