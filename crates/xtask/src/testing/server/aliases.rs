//! Whoever moves an alias waits for whoever moves it already; whoever predicts does not.

use super::expect;
use super::models::{
    ASK, database, must_answer, must_refuse, open, training, two_versions, wait_for_lock,
};
use crate::cluster::Cluster;
use crate::error::Result;

const HISTORY: &str = "SELECT string_agg(action || ' ' || coalesce(from_version::text, '-') || '>' || coalesce(to_version::text, '-'), ' ' ORDER BY history_id) FROM ml.alias_history";

/// Two promotions at once happen one after the other, and the history says so; predictions go on.
pub fn move_one_after_the_other(cluster: &Cluster) -> Result<String> {
    let name = "aliases_in_turn";
    for (end, wanted) in [
        ("COMMIT", "promote ->1 promote 1>2 promote 2>3"),
        ("ROLLBACK", "promote ->1 promote 1>3"),
    ] {
        let mut first = database(cluster, name)?;
        let mut second = open(cluster, name)?;
        let mut reader = open(cluster, name)?;
        two_versions(&mut first)?;
        first.run(&training("m", 100))?;
        first.run("BEGIN; SELECT ml.promote('m', 2)")?;
        second.send("SELECT ml.promote('m', 3)")?;
        wait_for_lock(&mut reader, second.backend)?;
        // Nobody who predicts waits: a lock would run into the time-out.
        let asked = reader.run(&format!("SET lock_timeout = '1s'; {ASK}"))?;
        expect("a prediction meanwhile", &asked, "3")?;
        first.run(end)?;
        expect("the second promotion", &second.finish()?.text, "t")?;
        expect(end, &first.run(HISTORY)?, wanted)?;
        must_answer(&mut reader, "afterwards", "300")?;
    }
    Ok(String::new())
}

/// A version that is about to serve cannot be dropped, and one that is about to be dropped cannot serve.
pub fn and_drops(cluster: &Cluster) -> Result<String> {
    let name = "aliases_and_drops";
    let mut first = database(cluster, name)?;
    let mut second = open(cluster, name)?;
    let mut observer = open(cluster, name)?;
    two_versions(&mut first)?;
    let mut race = |held: &str, waiting: &str, sqlstate: &str| -> Result<()> {
        first.run(&format!("BEGIN; {held}"))?;
        second.send(waiting)?;
        wait_for_lock(&mut observer, second.backend)?;
        first.run("COMMIT")?;
        expect(waiting, &second.finish()?.sqlstate, sqlstate)
    };
    let (promote, drop) = (
        "SELECT ml.promote('m', 2)",
        "SELECT ml.drop_version('m', 2)",
    );
    race(promote, drop, "2BP01")?;
    race("SELECT ml.rollback_alias('m')", drop, "00000")?;
    race("SELECT ml.promote('m', 1, 'other')", promote, "42704")?;
    race(
        "SELECT ml.drop_model('m')",
        "SELECT ml.promote('m', 1)",
        "42704",
    )?;
    Ok(String::new())
}

/// A transaction that cannot see the other's move is told to try again.
pub fn under_repeatable_read(cluster: &Cluster) -> Result<String> {
    let name = "aliases_repeatable";
    let mut first = database(cluster, name)?;
    let mut second = open(cluster, name)?;
    two_versions(&mut first)?;
    second.run(&format!("BEGIN ISOLATION LEVEL REPEATABLE READ; {ASK}"))?;
    // Dropping a version changes no row of the model: nothing to disagree on. A training does.
    first.run("SELECT ml.promote('m', 2)")?;
    must_answer(&mut second, "in its snapshot", "3")?;
    first.run(&training("m", 100))?;
    must_refuse(&mut second, "SELECT ml.promote('m', 2)", "40001")?;
    second.run("ROLLBACK")?;
    must_answer(&mut second, "afterwards", "30")?;
    Ok(String::new())
}
