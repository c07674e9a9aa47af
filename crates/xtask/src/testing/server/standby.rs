//! A physical standby predicts, and follows its primary.

use super::models::{ASK, database, must_answer, must_refuse, open, training, two_versions};
use super::{expect, nothing_measured};
use crate::cluster::Cluster;
use crate::error::{Result, fail};

/// Predictions on a standby: by the version its own snapshot sees, in sessions that stay open, in parallel
/// plans, in repeatable transactions; what changes models is refused.
pub fn follows(primary: &Cluster) -> Result<String> {
    let name = "on_standby";
    // A vacuum of the primary would end queries on the standby whose snapshots are older.
    primary.set("autovacuum", Some("off"))?;
    let mut owner = database(primary, name)?;
    two_versions(&mut owner)?;
    owner.run("CREATE TABLE big AS SELECT a, b FROM d, generate_series(1, 200); ANALYZE big")?;
    let standby = primary.standby("standby")?;
    standby.catch_up(primary)?;

    let mut reader = open(&standby, name)?;
    expect("recovery", &reader.run("SELECT pg_is_in_recovery()")?, "t")?;
    reader.run(&format!("PREPARE ask AS {ASK}"))?;
    must_answer(&mut reader, "on the standby", "3")?;
    expect("prepared", &reader.run("EXECUTE ask")?, "3")?;
    reader.run(
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
         SET max_parallel_workers_per_gather = 2",
    )?;
    let parallel = "SELECT count(DISTINCT f), min(f) FROM (SELECT round((ml.predict('m', a, b) / (a + 2 * b))::numeric, 6)::float8 AS f FROM big WHERE a + b > 0) AS q";
    let plan = reader.run(&format!(
        "EXPLAIN (ANALYZE, COSTS off, TIMING off) {parallel}"
    ))?;
    if !plan.contains("Workers Launched: 2") {
        fail!("no parallel plan:\n{plan}");
    }
    expect("in workers", &reader.run(parallel)?, "1|1")?;

    let mut repeatable = open(&standby, name)?;
    repeatable.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")?;
    for (version, answer, factor) in [(2, "30", "1|10"), (1, "3", "1|1"), (2, "30", "1|10")] {
        owner.run(&format!("SELECT ml.promote('m', {version})"))?;
        standby.catch_up(primary)?;
        must_answer(&mut reader, "after a promotion", answer)?;
        expect("prepared", &reader.run("EXECUTE ask")?, answer)?;
        expect("in workers", &reader.run(parallel)?, factor)?;
        must_answer(&mut repeatable, "in a repeatable transaction", "3")?;
    }
    repeatable.run("COMMIT")?;
    must_answer(&mut repeatable, "after it", "30")?;

    // What was rolled back on the primary never shows.
    owner.run("BEGIN; SELECT ml.promote('m', 1)")?;
    owner.run("SELECT pg_switch_wal()")?;
    standby.catch_up(primary)?;
    must_answer(&mut reader, "while it is open on the primary", "30")?;
    owner.run("ROLLBACK")?;

    // A training of the primary, and its end.
    owner.run(&training("fresh", 4))?;
    standby.catch_up(primary)?;
    let fresh = "SELECT round(ml.predict('fresh', 1.0, 1.0)::numeric, 6)::float8";
    expect("a new model", &reader.run(fresh)?, "12")?;
    owner.run("SELECT ml.drop_model('fresh')")?;
    standby.catch_up(primary)?;
    must_refuse(&mut reader, fresh, "42704")?;

    for statement in [
        training("m", 1),
        "SELECT ml.promote('m', 1)".to_owned(),
        "SELECT ml.rollback_alias('m')".to_owned(),
        "SELECT ml.drop_model('m')".to_owned(),
        "SELECT ml.score_on_insert('d', 'm', 'k')".to_owned(),
    ] {
        must_refuse(&mut reader, &statement, "25006")?;
    }
    expect(
        "what only reads",
        &reader.run("SELECT count(*) > 0 FROM ml.evaluate('m', 'SELECT a, b, 10 * (a + 2 * b) AS y FROM d')")?,
        "t",
    )?;
    primary.set("autovacuum", None).map(nothing_measured)
}
