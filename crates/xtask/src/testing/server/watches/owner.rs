//! A role whose watch has a model retrained, and who loses rights: writers go on, the job says what is missing.

use std::fs;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::session::Session;
use crate::testing::server::expect;

/// How long a worker may take to come and run a small training.
const PATIENCE: Duration = Duration::from_secs(60);

const DATABASE: &str = "watch_owner";
const LOGGED: &str = "LOG:  watch 1 cannot have its model retrained: must be owner of model m";

/// Rights on the table, on the extension's schema and on the model, one after the other.
pub fn without_rights(cluster: &Cluster) -> Result<String> {
    cluster.create_database_with_extension(DATABASE)?;
    for role in ["tests_watching", "tests_writing"] {
        let exists = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'");
        if cluster.sql("postgres", &exists)? == "0" {
            cluster.sql("postgres", &format!("CREATE ROLE {role}"))?;
        }
    }
    let mut admin = cluster.session(DATABASE)?;
    admin.run("SET client_min_messages = error; CREATE TABLE d AS SELECT k, (k * 37 % 11)::float8 AS a, 2.0 * (k * 37 % 11) + k % 5 AS y FROM generate_series(1, 100) AS k")?;
    admin.run("GRANT USAGE ON SCHEMA ml TO tests_watching; GRANT SELECT, TRIGGER ON d TO tests_watching; GRANT INSERT ON d TO tests_writing")?;
    admin.run("SET ROLE tests_watching; SELECT version FROM ml.train('m', 'd', 'y', features => '{a}', algorithm => 'linear_regression'); SELECT ml.watch('d', 'm', threshold => 1, min_interval => '0'); RESET ROLE")?;

    admin.run("REVOKE SELECT ON d FROM tests_watching")?;
    announced(
        cluster,
        &mut admin,
        1,
        "1|failed|42501|target: permission denied for column \"y\" of the source",
    )?;
    admin.run(
        "GRANT SELECT ON d TO tests_watching; REVOKE USAGE ON SCHEMA ml FROM tests_watching",
    )?;
    announced(
        cluster,
        &mut admin,
        2,
        "2|failed|42501|permission denied for schema ml",
    )?;
    admin.run(
        "GRANT USAGE ON SCHEMA ml TO tests_watching; UPDATE ml.models SET owner = 'postgres'",
    )?;
    // Nobody's job: it is announced, and nothing is queued.
    let logged = log(cluster)?.len();
    for times in [3, 4] {
        announced(
            cluster,
            &mut admin,
            times,
            "2|failed|42501|permission denied for schema ml",
        )?;
    }
    logged_once(cluster, logged, &mut admin)?;
    admin.run("UPDATE ml.models SET owner = 'tests_watching'")?;
    announced(cluster, &mut admin, 5, "3|done||")?;
    let versions = "SELECT string_agg(version::text, ' ' ORDER BY version) FROM ml.model_versions";
    expect("versions", &admin.run(versions)?, "1 2").map(|()| String::new())
}

fn log(cluster: &Cluster) -> Result<String> {
    fs::read_to_string(cluster.log()).attempt("the server's log")
}

/// Why nothing was queued is there for who may see the watch and, once a session, in the server's log.
fn logged_once(cluster: &Cluster, since: usize, admin: &mut Session) -> Result<()> {
    let status = "SELECT job_state, job_error FROM ml.watch_status";
    expect(
        "status",
        &admin.run(status)?,
        "failed|must be owner of model m",
    )?;
    let log = log(cluster)?;
    let log = log.get(since..).unwrap_or_default();
    expect("times", &log.matches(LOGGED).count().to_string(), "1")?;
    match log.contains("To end it: SELECT ml.unwatch('public.d');") {
        true => Ok(()),
        false => fail!("the log does not say how to end it:\n{log}"),
    }
}

/// Two rows more, by a writer without rights: announced each time, and the last job ends like this.
fn announced(cluster: &Cluster, admin: &mut Session, times: u32, job: &str) -> Result<()> {
    admin.run("SET ROLE tests_writing; INSERT INTO d VALUES (0, 1, 2), (0, 2, 4); RESET ROLE")?;
    let count = "SELECT count(*), count(*) FILTER (WHERE row_count = 2) FROM ml.announcements WHERE row_count > 0";
    expect(
        "announcements",
        &admin.run(count)?,
        &format!("{times}|{times}"),
    )?;
    let last = "SELECT job_id, state, sqlstate, error FROM ml.jobs ORDER BY job_id DESC LIMIT 1";
    cluster.wait_until(PATIENCE, DATABASE, last, job).map(drop)
}
