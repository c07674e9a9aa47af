//! Sources whose functions do what they should not, and databases with odd settings: a job ends as it should, and
//! the worker works on.

use super::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::server::expect;

/// What a function of the source does while the rows are read, and how the job ends.
const DEEDS: &[(&str, &str, &str)] = &[
    // Would give away the locks that say that the job is being run, and by whom.
    ("unlock", "SELECT pg_advisory_unlock_all()", "done -"),
    ("discard", "DISCARD ALL", "failed 42501"),
    ("role", "RESET ROLE", "failed 42501"),
    ("session", "RESET SESSION AUTHORIZATION", "failed 42501"),
    ("superuser", "SET ROLE postgres", "failed 42501"),
    ("lock", "LOCK TABLE ml.jobs", "failed 42501"),
    (
        "terminate",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "failed 42501",
    ),
    ("endless", "SELECT deeper()", "failed 54001"),
    ("run", "SELECT ml.run_pending(5)", "failed 42501"),
    (
        "train",
        "SELECT version FROM ml.train('inner', 'd', 'y')",
        "done -",
    ),
    (
        "retrain",
        "SELECT job_id FROM ml.retrain('unlock')",
        "done -",
    ),
    (
        "cancel",
        "SELECT ml.cancel_job(job_id) FROM ml.jobs WHERE state = 'running'",
        "cancelled -",
    ),
    ("drop", "SELECT ml.drop_model('drop')", "failed 42704"),
    ("sweep", "SELECT ml.check_watches()", "done -"),
    (
        "write",
        "INSERT INTO watched SELECT generate_series(1, 2000)",
        "done -",
    ),
];

/// A role without any rights of importance has all these done by jobs of its own.
pub fn sources(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("hostile", &[("pglearn.max_workers", "2")])?;
    let database = "hostile";
    cluster.create_database_with_extension(database)?;
    cluster.sql(
        database,
        "CREATE ROLE hostile; GRANT CREATE ON SCHEMA public TO hostile; GRANT USAGE ON SCHEMA ml TO hostile",
    )?;
    let mut session = cluster.session(database)?;
    session.run(
        "SET client_min_messages = error; SET SESSION AUTHORIZATION hostile;
         CREATE TABLE d AS SELECT k, (k % 10)::float8 AS x, (k % 7)::float8 AS z, (k % 10)::float8 * 2 AS y FROM generate_series(1, 300) AS k;
         CREATE TABLE watched (k int); SELECT ml.watch('watched', threshold => 10);
         CREATE TABLE deeds (name text, statement text); CREATE TABLE armed (yes boolean);
         CREATE FUNCTION deeper() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deeper(); END $$;
         CREATE FUNCTION deed(deed text) RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN
           IF EXISTS (SELECT FROM armed) THEN EXECUTE (SELECT statement FROM deeds WHERE name = deed); END IF; RETURN 0; END $$",
    )?;
    for (name, statement, _) in DEEDS {
        let statement = statement.replace('\'', "''");
        session.run(&format!(
            "INSERT INTO deeds VALUES ('{name}', '{statement}');
             SELECT version FROM ml.train('{name}', 'SELECT k, x, z, y + CASE WHEN k = 1 THEN deed(''{name}'') ELSE 0 END AS y FROM d', 'y',
               algorithm => 'linear_regression', features => '{{x,z}}', split => '{{\"method\": \"random\", \"key\": \"k\"}}')"
        ))?;
    }
    session.run("INSERT INTO armed VALUES (true)")?;
    for (name, _, wanted) in DEEDS {
        let job = session.run(&format!("SELECT job_id FROM ml.retrain('{name}')"))?;
        let question = format!(
            "SELECT concat_ws(' ', state, coalesce(sqlstate, '-')), attempts FROM ml.jobs WHERE job_id = {job}"
        );
        cluster.wait_until(PATIENCE, database, &question, &format!("{wanted}|1"))?;
    }
    // Theirs have not kept the worker from anything.
    session.run("DELETE FROM armed")?;
    let left = "SELECT count(*) FROM ml.jobs WHERE state IN ('queued', 'running')";
    cluster.wait_until(PATIENCE, database, left, "0")?;
    let once = "SELECT count(*) FROM ml.jobs WHERE attempts <> 1";
    expect(
        "jobs tried more than once",
        &cluster.sql(database, once)?,
        "0",
    )?;
    Ok(format!("{} deeds", DEEDS.len()))
}

/// What the owner of a database may have set for it.
const SETTINGS: &[(&str, &str)] = &[
    ("default_transaction_read_only", "on"),
    ("default_transaction_isolation", "serializable"),
    ("default_transaction_deferrable", "on"),
    ("lock_timeout", "1ms"),
    ("statement_timeout", "1ms"),
    ("idle_in_transaction_session_timeout", "1ms"),
    ("search_path", "nowhere"),
    ("row_security", "off"),
    ("quote_all_identifiers", "on"),
    ("transform_null_equals", "on"),
    ("datestyle", "German"),
    ("intervalstyle", "iso_8601"),
    ("timezone", "Asia/Kathmandu"),
    ("bytea_output", "escape"),
    ("extra_float_digits", "-15"),
    ("standard_conforming_strings", "off"),
    ("session_replication_role", "replica"),
];

/// A worker does its work whatever the settings of its database are for.
pub fn settings(cluster: &Cluster) -> Result<String> {
    let database = "fault_settings";
    cluster.create_database_with_extension(database)?;
    let mut session = cluster.session(database)?;
    session.run(
        "SET client_min_messages = error;
         CREATE TABLE d AS SELECT k, (k % 10)::float8 AS x, date '2020-01-01' + k AS day, (k % 10)::float8 * 2 AS y FROM generate_series(1, 300) AS k;
         SELECT version FROM ml.train('m', 'SELECT k, x, day, y FROM d', 'y', algorithm => 'linear_regression', features => '{x,day}',
           split => '{\"method\": \"random\", \"key\": \"k\"}');
         SELECT ml.promote('m', 1);
         SELECT ml.watch('d', 'm', threshold => 1, min_interval => '0', gate => '{\"min_delta\": -1}')",
    )?;
    for (name, value) in SETTINGS {
        session.run(&format!("ALTER DATABASE {database} SET {name} = '{value}'"))?;
    }
    session.run("INSERT INTO d SELECT k, k % 10, date '2020-01-01' + k, (k % 10) * 2 FROM generate_series(301, 400) AS k")?;
    let question =
        "SELECT string_agg(concat_ws(' ', state, attempts, version, status), ', ') FROM ml.jobs";
    for _ in 0..500 {
        if session.run(question)?.starts_with("done") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    expect("the job", &session.run(question)?, "done 1 2 promoted")?;
    drop(session);
    cluster.sql("postgres", &format!("ALTER DATABASE {database} RESET ALL"))?;
    Ok(format!("{} settings", SETTINGS.len()))
}
