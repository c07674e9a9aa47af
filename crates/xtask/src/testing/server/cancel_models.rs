//! The same for named models: nothing of an interrupted training, evaluation or scoring is left.

use std::thread;
use std::time::{Duration, Instant};

use super::cancel::{LIMIT, Work, interrupt};
use super::expect;
use crate::cluster::Cluster;
use crate::error::{Result, fail};

/// A source without end: a class and two numbers.
const ENDLESS: &str = "SELECT k % 7 AS a, k % 11 AS b, k % 2 = 0 AS y FROM (SELECT generate_series(1, (SELECT 1000000000000)) AS k) AS numbers";
/// Model `m` of such rows.
const MODEL: &str = "SELECT ml.train('m', 'SELECT k % 7 AS a, k % 11 AS b, k % 2 = 0 AS y FROM generate_series(1, 500) AS k', 'y')";

/// While `train` reads rows.
pub fn while_reading(cluster: &Cluster) -> Result<String> {
    interrupt(
        cluster,
        "cancel_train_reading",
        &Work {
            prepared: String::new(),
            settings: "SET pglearn.max_memory = '16GB'",
            statement: format!("SELECT ml.train('m', '{ENDLESS}', 'y')"),
            phase: "reading rows",
        },
    )
}

/// While `train` learns: seconds of iterations on little memory, 300 columns made by formula.
pub fn while_learning(cluster: &Cluster) -> Result<String> {
    let columns: Vec<String> = (1..=300).map(|j| format!("cos({j} * k) AS c{j}")).collect();
    let source = format!(
        "SELECT {}, cos(k) + cos(17 * k * k) > 0 AS y FROM (SELECT generate_series(1, 20000)::float8 AS k) AS numbers",
        columns.join(", ")
    );
    interrupt(
        cluster,
        "cancel_train_learning",
        &Work {
            prepared: String::new(),
            settings: "",
            statement: format!(
                "SELECT ml.train('m', '{source}', 'y', algorithm => 'logistic_regression', hyperparams => '{{\"C\": 1e6, \"tol\": 1e-300, \"max_iter\": 100000}}')"
            ),
            phase: "iteration",
        },
    )
}

/// While the rows of a `predict_batch` without end are scored.
pub fn while_predicting(cluster: &Cluster) -> Result<String> {
    endless_use(
        cluster,
        "cancel_predict_batch",
        format!(
            "SELECT count(*) FROM ml.predict_batch('m', 'SELECT a AS k, * FROM ({ENDLESS}) AS q', 'k')"
        ),
    )
}

/// While `predict` is called for rows without end.
pub fn while_calling(cluster: &Cluster) -> Result<String> {
    endless_use(
        cluster,
        "cancel_predict",
        format!("SELECT max(ml.predict('m', q)) FROM ({ENDLESS}) AS q"),
    )
}

/// While `evaluate` reads rows without end.
pub fn while_evaluating(cluster: &Cluster) -> Result<String> {
    endless_use(
        cluster,
        "cancel_evaluate",
        format!("SELECT * FROM ml.evaluate('m', '{ENDLESS}')"),
    )
}

fn endless_use(cluster: &Cluster, database: &str, statement: String) -> Result<String> {
    interrupt(
        cluster,
        database,
        &Work {
            prepared: MODEL.to_owned(),
            settings: "SET pglearn.max_memory = '16GB'",
            statement,
            phase: "",
        },
    )
}

/// While the predictions of many inserted rows are written: under `warn`, which turns failures into
/// warnings, but not these.
pub fn while_scoring_on_insert(cluster: &Cluster) -> Result<String> {
    let prepared = format!(
        "{MODEL};
         CREATE TABLE arrivals (id int, a int, b int);
         SELECT ml.score_on_insert('arrivals', 'm', 'id', 'arrival_scores');
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.001); RETURN NEW; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON arrival_scores FOR EACH ROW EXECUTE FUNCTION slow()"
    );
    interrupt(
        cluster,
        "cancel_score_on_insert",
        &Work {
            prepared,
            settings: "",
            statement:
                "INSERT INTO arrivals SELECT k, k % 7, k % 11 FROM generate_series(1, 100000) AS k"
                    .to_owned(),
            phase: "",
        },
    )
}

/// At times spread over whole trainings and explanations: reading, deciding, learning, scoring and
/// writing all end at once.
pub fn at_any_time(cluster: &Cluster) -> Result<String> {
    let name = "cancel_any_time";
    cluster.create_database_with_extension(name)?;
    let mut observer = cluster.session(name)?;
    observer.run(
        "SET client_min_messages = error;
         CREATE TABLE d AS SELECT k, cos(k) AS a, CASE WHEN k % 10 > 0 THEN sin(k) END AS b, md5((k % 3000)::text) AS t, 'c' || k % 7 AS u,
                date '2020-01-01' + k % 1500 AS day, (k * 37 % 101) AS n, cos(k) + sin(17 * k) > 0 AS y, (ARRAY['x', 'y', 'z'])[1 + k % 3] AS z
           FROM generate_series(1, 150000) AS k;
         ANALYZE d",
    )?;
    let mut worst = Duration::ZERO;
    for statement in [
        "SELECT version FROM ml.train('m', 'd', 'y', exclude => '{z}')",
        "SELECT version FROM ml.train('m2', 'd', 'n', exclude => '{k}', split => '{\"method\": \"group\", \"column\": \"u\"}')",
        "SELECT version FROM ml.train('m3', 'd', 'z', features => '{a,b,u,day}')",
        "SELECT count(*) FROM ml.global_explain('m')",
    ] {
        let began = Instant::now();
        observer.run(statement)?;
        let whole = began.elapsed();
        for part in 1..=8 {
            let mut session = cluster.session(name)?;
            session.run("SET client_min_messages = error")?;
            session.send(statement)?;
            thread::sleep(whole * part / 9);
            let signalled = Instant::now();
            observer.run(&format!("SELECT pg_cancel_backend({})", session.backend))?;
            let answer = session.finish()?;
            let time = signalled.elapsed();
            if time > LIMIT {
                fail!("{statement}, canceled after {part}/9 of {whole:?}, took {time:?}");
            }
            if answer.sqlstate == "57014" {
                worst = worst.max(time);
            } else if answer.sqlstate != "00000" {
                fail!("{statement}, canceled after {part}/9: {answer:?}");
            }
        }
        // Numbers are given out with the version that has them.
        let left = "SELECT bool_and(m.last_version = (SELECT count(*) FROM ml.model_versions AS v WHERE v.model_id = m.model_id)),
                           (SELECT count(*) FROM ml.progress) FROM ml.models AS m";
        expect("what is left", &observer.run(left)?, "t|0")?;
    }
    Ok(format!("at most {} ms", worst.as_millis()))
}
