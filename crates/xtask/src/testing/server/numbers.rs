//! What must not change a number: threads, the order of the rows, parallel plans, dump and restore.

use super::expect;
use super::install::copy_by_dump;
use crate::cluster::Cluster;
use crate::error::{Result, fail};

/// 300,000 rows of six features and a constant.
const DATA: &str = "CREATE TABLE d AS SELECT k, ARRAY[1, cos(k), sin(3 * k), k % 10, (k % 1000) / 1000.0, cos(k) * (k % 3), 1000 + k % 17]::float8[] AS x,
        cos(k) + sin(11 * k) + (k % 10) / 10.0 > 0.5 AS y, cos(k) + 3 * (k % 10) + sin(7 * k) AS t FROM generate_series(1, 300000) AS k";

/// One number for all bits of a query's doubles, whatever their order.
fn bits(query: &str) -> String {
    format!("SELECT count(*), bit_xor(hashfloat8extended(v, 1)) FROM ({query}) AS q(v)")
}

/// One thread and four give the same bits; rows in another order the same numbers to 1e-10 of a standard
/// error.
pub fn threads_and_order(cluster: &Cluster) -> Result<String> {
    let name = "threads_and_order";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(DATA)?;
    session.run("CREATE TABLE shuffled AS SELECT * FROM d ORDER BY md5(k::text)")?;
    for (model, source, threads) in [("one", "d", 1), ("four", "d", 4), ("moved", "shuffled", 4)] {
        session.run(&format!("SET pglearn.max_threads = {threads}"))?;
        session.run(&format!(
            "SELECT ml.logregr_train('{source}', '{model}', 'y', 'x')"
        ))?;
        session.run(&format!(
            "SELECT ml.linregr_train('{source}', 'linear_{model}', 't', 'x')"
        ))?;
    }
    for tables in ["one, four", "linear_one, linear_four"] {
        let (a, b) = tables.split_once(", ").unwrap_or_default();
        let same = format!("SELECT {a} = {b} FROM {tables}");
        expect(
            &format!("the same bits in {tables}"),
            &session.run(&same)?,
            "t",
        )?;
    }
    for tables in ["one, moved", "linear_one, linear_moved"] {
        let (a, b) = tables.split_once(", ").unwrap_or_default();
        let close = format!(
            "SELECT bool_and(abs(c - d) <= 1e-10 * s AND abs(s - t) <= 1e-10 * s) FROM {tables}, LATERAL unnest({a}.coef, {a}.std_err, {b}.coef, {b}.std_err) AS n(c, s, d, t)"
        );
        expect(
            &format!("the same numbers in {tables}"),
            &session.run(&close)?,
            "t",
        )?;
    }
    Ok(String::new())
}

/// Predictions in parallel workers have the bits of serial ones; the aggregate's numbers agree.
pub fn parallel_plans(cluster: &Cluster) -> Result<String> {
    let name = "parallel_plans";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(DATA)?;
    session.run("ANALYZE d")?;
    session.run("SELECT ml.logregr_train('d', 'm', 'y', 'x')")?;
    let predictions = bits("SELECT ml.logregr_predict_prob((SELECT coef FROM m), x) FROM d");
    let aggregate =
        "SELECT (r).coef, (r).std_err FROM (SELECT ml.linregr(t, x) AS r FROM d OFFSET 0) AS q";
    let mut answers = Vec::new();
    for workers in [0, 2] {
        session.run(&format!("SET max_parallel_workers_per_gather = {workers}"))?;
        for statement in [predictions.as_str(), aggregate] {
            let plan = session.run(&format!("EXPLAIN (COSTS OFF) {statement}"))?;
            if plan.contains("Gather") != (workers > 0) {
                fail!("with {workers} workers the plan is\n{plan}");
            }
        }
        answers.push(session.run(&predictions)?);
        session.run(&format!("CREATE TABLE linear_{workers} AS {aggregate}"))?;
    }
    expect("predictions in parallel", &answers[1], &answers[0])?;
    let close = "SELECT bool_and(abs(c - d) <= 1e-10 * s AND abs(s - t) <= 1e-10 * s) FROM linear_0 AS a, linear_2 AS b, LATERAL unnest(a.coef, a.std_err, b.coef, b.std_err) AS n(c, s, d, t)";
    expect("the aggregate in parallel", &session.run(close)?, "t")?;

    // A training inside a function that a parallel query calls: refused, not attempted by a worker.
    session.run("CREATE FUNCTION train(k integer) RETURNS integer LANGUAGE plpgsql PARALLEL SAFE AS $$ BEGIN PERFORM ml.linregr_train('d', 'p', 't', 'x'); RETURN k; END $$")?;
    session.run("SET parallel_leader_participation = off")?;
    session.send("SELECT count(*) FROM d WHERE train(k) < 0")?;
    let answer = session.finish()?;
    if answer.sqlstate != "25000" || !answer.text.contains("during a parallel operation") {
        fail!("a training in a parallel worker was answered {answer:?}");
    }
    Ok(String::new())
}

/// Model tables come back from a dump with every bit of their numbers.
pub fn dump_and_restore(cluster: &Cluster) -> Result<String> {
    let (before, after) = ("models_dumped", "models_restored");
    cluster.create_database_with_extension(before)?;
    cluster.create_database(after)?;
    let mut session = cluster.session(before)?;
    session.run(DATA)?;
    session.run("CREATE TABLE e AS SELECT * FROM d WHERE k <= 5000; DROP TABLE d")?;
    session.run("SELECT ml.logregr_train('e', '\"My model\"', 'y', 'x', NULL)")?;
    session.run("SELECT ml.linregr_train('e', 'linear', 't', 'x')")?;
    session.run("CREATE VIEW scored AS SELECT k, ml.logregr_predict_prob(coef, intercept, x) AS p FROM e, \"My model\"")?;
    session.run("CREATE INDEX ON e (ml.linregr_predict('{1,2,3,4,5,6,7}', x))")?;
    let questions = [
        bits("SELECT p::float8 FROM scored"),
        bits("SELECT ml.linregr_predict(coef, x) FROM e, linear"),
        bits(
            "SELECT unnest(coef || std_err || p_values) FROM \"My model\" UNION ALL SELECT unnest(variance_covariance) FROM \"My model\"",
        ),
        "SELECT status, class_values FROM \"My model_summary\"".to_owned(),
    ];
    copy_by_dump(cluster, before, after)?;
    let mut restored = cluster.session(after)?;
    for question in questions {
        expect(
            &question,
            &restored.run(&question)?,
            &session.run(&question)?,
        )?;
    }
    Ok(String::new())
}
