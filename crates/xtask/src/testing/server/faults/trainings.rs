//! Trainings that take as long as a test wants: one is held while it reads rows, one while it learns.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::testing::server::expect;

/// How long anything may take that happens by itself.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Table `d`, and two models that have a version and a champion.
///
/// - `narrow` answers `a + 2 b` of `d`. Reading its rows ends when `pace.setting` is not closed, or with an error
///   of the SQLSTATE that stands there.
/// - `wide` learns 20 classes from 60 columns: a third of a second, or about half a minute where
///   `pace.setting.many` is 100. Its rows are made by formula.
const SETUP: &str = r#"
    SET client_min_messages = error;
    CREATE TABLE d (k int PRIMARY KEY, a float8, b float8);
    INSERT INTO d SELECT k, (k * 37) % 11, (k * 53) % 7 FROM generate_series(1, 200) AS k;
    CREATE SCHEMA pace;
    CREATE TABLE pace.setting (closed boolean NOT NULL, many int NOT NULL, raises text);
    INSERT INTO pace.setting VALUES (false, 1, NULL);
    CREATE FUNCTION pace.wait() RETURNS int LANGUAGE plpgsql AS $wait$
    DECLARE now pace.setting;
    BEGIN
      LOOP
        SELECT * INTO now FROM pace.setting;
        IF now.raises IS NOT NULL THEN RAISE EXCEPTION 'the source raises %', now.raises USING ERRCODE = now.raises; END IF;
        EXIT WHEN NOT now.closed;
        PERFORM pg_sleep(0.01);
      END LOOP;
      RETURN 0;
    END $wait$;
    CREATE VIEW pace.narrow AS SELECT k, a, b, a + 2 * b + pace.wait() AS y FROM d;
    DO $make$ BEGIN
      EXECUTE (SELECT 'CREATE VIEW pace.wide AS SELECT k, ' || string_agg(format('cos(%s * k::float8) AS c%s', j, j), ', ')
        || ', ''class '' || width_bucket(cos(k) + cos(3 * k) + cos(17.0 * k * k), -3, 3, 20) AS y
             FROM generate_series(1, (SELECT 400 * s.many FROM pace.setting AS s)) AS k' FROM generate_series(1, 60) AS j);
    END $make$;
    SELECT version FROM ml.train('narrow', 'pace.narrow', 'y', algorithm => 'linear_regression', features => '{a,b}',
      split => '{"method": "random", "key": "k"}');
    SELECT version FROM ml.train('wide', 'pace.wide', 'y', algorithm => 'logistic_regression', exclude => '{k}',
      hyperparams => '{"C": 1000, "tol": 1e-300, "max_iter": 100}', split => '{"method": "random", "key": "k"}');
    SELECT ml.promote(name, 1) FROM ml.models"#;

/// Makes a database with the extension, the table and the models.
pub fn database(cluster: &Cluster, name: &str) -> Result<()> {
    cluster.create_database_with_extension(name)?;
    let made = cluster.sql(name, SETUP)?;
    expect("versions and promotions", &made, "1\n1\nt\nt")
}

/// Where a training is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Within a transaction with a snapshot.
    Reading,
    /// Outside any transaction.
    Learning,
}

impl Phase {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Reading, Self::Learning];

    /// The model whose training can be held there.
    pub fn model(self) -> &'static str {
        match self {
            Self::Reading => "narrow",
            Self::Learning => "wide",
        }
    }

    /// The phase as a name of a database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Learning => "learning",
        }
    }

    /// Trainings that begin from now on stay in this phase.
    fn hold(self, cluster: &Cluster, database: &str) -> Result<()> {
        let change = match self {
            Self::Reading => "UPDATE pace.setting SET closed = true",
            Self::Learning => "UPDATE pace.setting SET many = 100",
        };
        cluster.sql(database, change).map(drop)
    }
}

/// A job in the hands of a worker that does not come to an end by itself.
pub struct Held {
    /// The job.
    pub job: String,
    /// Its worker.
    pub worker: u32,
}

/// Queues a retraining and waits until a worker is held in this phase of it.
pub fn hold(cluster: &Cluster, database: &str, phase: Phase) -> Result<Held> {
    phase.hold(cluster, database)?;
    let job = queue(cluster, database, phase.model())?;
    let there = match phase {
        Phase::Reading => "a.wait_event = 'PgSleep'",
        Phase::Learning => {
            "EXISTS (SELECT FROM ml.progress AS p WHERE p.pid = a.pid AND p.phase = 'iteration')"
        }
    };
    let question = format!(
        "SELECT count(*) FROM ml.jobs AS j JOIN pg_stat_activity AS a ON a.pid = j.worker_pid
          WHERE j.job_id = {job} AND j.state = 'running' AND {there}"
    );
    cluster.wait_until(PATIENCE, database, &question, "1")?;
    let worker = format!("SELECT worker_pid FROM ml.jobs WHERE job_id = {job}");
    let worker = cluster.sql(database, &worker)?;
    let worker = worker.parse().attempt(format!("the worker `{worker}`"))?;
    Ok(Held { job, worker })
}

/// Queues a retraining and returns the job's number.
pub fn queue(cluster: &Cluster, database: &str, model: &str) -> Result<String> {
    let retrain = format!("SELECT job_id FROM ml.retrain('{model}')");
    let job = cluster.sql(database, &retrain)?;
    if job.is_empty() {
        fail!("{retrain} queued no job");
    }
    Ok(job)
}

/// Queues a retraining that may not begin for some seconds.
pub fn queue_later(cluster: &Cluster, database: &str, model: &str) -> Result<String> {
    // One -c of psql is one transaction.
    let queued = cluster.sql(
        database,
        &format!(
            "CREATE TEMPORARY TABLE queued ON COMMIT DROP AS SELECT job_id FROM ml.retrain('{model}');
             UPDATE ml.jobs SET not_before = clock_timestamp() + '4 s' WHERE job_id = (SELECT job_id FROM queued);
             SELECT job_id FROM queued"
        ),
    )?;
    if queued.is_empty() {
        fail!("no job was queued");
    }
    Ok(queued)
}

/// Trainings that read from now on end with an error of this SQLSTATE.
pub fn raise(cluster: &Cluster, database: &str, sqlstate: &str) -> Result<()> {
    let change = format!("UPDATE pace.setting SET raises = '{sqlstate}'");
    cluster.sql(database, &change).map(drop)
}

/// Trainings that begin from now on, and those that read, are not held. One that learns goes on.
pub fn let_go(cluster: &Cluster, database: &str) -> Result<()> {
    let change = "UPDATE pace.setting SET closed = false, many = 1, raises = NULL";
    cluster.sql(database, change).map(drop)
}

/// Waits until a job is as it is wanted: `state attempts version sqlstate`, with `-` for what there is not.
pub fn wait_for_job(cluster: &Cluster, database: &str, job: &str, wanted: &str) -> Result<()> {
    let question = format!(
        "SELECT concat_ws(' ', state, attempts, coalesce(version::text, '-'), coalesce(sqlstate, '-'))
           FROM ml.jobs WHERE job_id = {job}"
    );
    cluster
        .wait_until(PATIENCE, database, &question, wanted)
        .map(drop)
}

/// Fails unless models, versions, aliases and jobs agree: no version without a job that is done but the first
/// one, no job twice, no half version, no transaction or training left; and the moves of the champions
/// are the wanted ones: `model from>to`.
pub fn must_be_whole(cluster: &Cluster, database: &str, moves: &str) -> Result<()> {
    let question = r#"
        SELECT
          (SELECT string_agg(format('%s %s>%s', m.name, coalesce(h.from_version::text, '-'), h.to_version), ', ' ORDER BY h.history_id)
             FROM ml.alias_history AS h JOIN ml.models AS m USING (model_id) WHERE h.alias = 'champion' AND h.action = 'promote'),
          (SELECT count(*) FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id)
            WHERE v.version > 1 AND 1 <> (SELECT count(*) FROM ml.jobs AS j WHERE j.model = m.name AND j.version = v.version AND j.state = 'done')),
          (SELECT count(*) FROM ml.jobs AS j WHERE j.state = 'done' AND NOT EXISTS (
            SELECT FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id) WHERE m.name = j.model AND v.version = j.version)),
          (SELECT count(*) FROM ml.models AS m WHERE m.last_version <> (SELECT count(*) FROM ml.model_versions AS v WHERE v.model_id = m.model_id)),
          (SELECT count(*) FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id)
            WHERE m.name = 'narrow' AND round(ml.predict('narrow@' || v.version, 3.0, 5.0)::numeric, 6) <> 13),
          (SELECT count(*) FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id)
            WHERE m.name = 'wide' AND ml.predict_class('wide@' || v.version, array_fill(0.5::float8, '{60}')) IS NULL),
          (SELECT count(*) FROM ml.jobs WHERE state = 'running'),
          (SELECT count(*) FROM ml.progress)"#;
    expect(
        "moves of champions | versions without a job | jobs without a version | numbers of no version | wrong | not answered | running | in progress",
        &cluster.sql(database, question)?,
        &format!("{moves}|0|0|0|0|0|0|0"),
    )
}
