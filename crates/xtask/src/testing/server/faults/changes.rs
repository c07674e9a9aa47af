//! Watches that are made and ended by several sessions at once: they wait for each other in one order, and in
//! the end there are triggers where there is a watch, and nowhere else.

use crate::cluster::Cluster;
use crate::error::Result;
use crate::session::Session;
use crate::testing::server::expect;
use crate::testing::server::models::wait_for_lock;

/// Watches, and the triggers on the table and its partition.
const STATE: &str = "SELECT (SELECT count(*) FROM ml.watches), (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pglearn_watch%')";

/// One makes a watch while another one ends them all: whoever is first, neither fails, and nothing is left
/// half.
pub fn watched_and_unwatched(cluster: &Cluster) -> Result<String> {
    let database = "fault_unwatch";
    cluster.create_database_with_extension(database)?;
    let mut observer = cluster.session(database)?;
    observer.run(
        "CREATE TABLE d (k int) PARTITION BY RANGE (k); CREATE TABLE d1 PARTITION OF d FOR VALUES FROM (0) TO (1000)",
    )?;
    observer.run("SELECT ml.watch('d')")?;
    let mut writer = cluster.session(database)?;
    let mut first = cluster.session(database)?;
    let mut second = cluster.session(database)?;
    // Both wait for a writer of the partition, and one for the other.
    writer.run("BEGIN; INSERT INTO d1 VALUES (1)")?;
    second.send("SELECT ml.unwatch('d')")?;
    wait_for_lock(&mut observer, second.backend)?;
    first.send("SELECT count(ml.watch('d', threshold => 5))")?;
    wait_for_lock(&mut observer, first.backend)?;
    writer.run("COMMIT")?;
    expect("unwatch", &succeeded(&mut second)?, "1")?;
    expect("watch", &succeeded(&mut first)?, "1")?;
    expect("watches and triggers", &observer.run(STATE)?, "1|8")?;

    // Another watch is made but not committed when all are ended.
    first.run("BEGIN; CREATE TEMPORARY TABLE kept AS SELECT ml.watch('d', channel => 'other')")?;
    second.send("SELECT ml.unwatch('d')")?;
    wait_for_lock(&mut observer, second.backend)?;
    first.run("COMMIT")?;
    succeeded(&mut second)?;
    expect("watches and triggers", &observer.run(STATE)?, "0|0")?;

    // The other way round, the new watch has triggers of its own.
    observer.run("SELECT ml.watch('d')")?;
    second.run("BEGIN; SELECT ml.unwatch('d')")?;
    first.send("SELECT count(ml.watch('d', threshold => 7))")?;
    wait_for_lock(&mut observer, first.backend)?;
    second.run("COMMIT")?;
    expect("watch", &succeeded(&mut first)?, "1")?;
    expect("watches and triggers", &observer.run(STATE)?, "1|8")?;

    // Two ends at once: one finds nothing left.
    writer.run("BEGIN; INSERT INTO d1 VALUES (2)")?;
    first.send("SELECT ml.unwatch('d')")?;
    wait_for_lock(&mut observer, first.backend)?;
    second.send("SELECT ml.unwatch('d')")?;
    wait_for_lock(&mut observer, second.backend)?;
    writer.run("COMMIT")?;
    let ended = [succeeded(&mut first)?, succeeded(&mut second)?].concat();
    expect("watches ended by both", &ended, "10")?;
    expect("watches and triggers", &observer.run(STATE)?, "0|0").map(|()| String::new())
}

/// What a statement that was sent printed; it must not have failed.
fn succeeded(session: &mut Session) -> Result<String> {
    let answer = session.finish()?;
    expect(&answer.text, &answer.sqlstate, "00000")?;
    Ok(answer.text)
}
