//! A dump is restored where a role or a table that it mentions is missing.

use std::process::Stdio;

use super::expect;
use super::models::must_refuse;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result};

const MODELS: &str =
    "SELECT string_agg(concat_ws(' ', name, owner, grantees), '; ' ORDER BY name) FROM ml.models";
const VERSIONS: &str = "SELECT string_agg(concat_ws(' ', m.name, v.version, v.source), '; ' ORDER BY m.name, v.version) FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id)";
const ASK: &str = "SELECT ml.predict('kept', 1.0, 1.0)";

/// Every model comes through. What is missing is nobody: a model without an owner is for superusers
/// only, until one gives it an owner; and the number of a role that was dropped means no other one.
pub fn missing_where_restored(cluster: &Cluster) -> Result<String> {
    let name = "references_missing";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error;
         DROP ROLE IF EXISTS tests_here, tests_also_here, tests_only_here, tests_dropped;
         CREATE ROLE tests_here; CREATE ROLE tests_only_here; CREATE ROLE tests_dropped;
         CREATE TABLE d AS SELECT ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b, (k * 37) % 11 + (k * 53) % 7 AS y FROM generate_series(1, 100) AS k;
         CREATE TABLE gone (LIKE d); INSERT INTO gone TABLE d;
         SELECT ml.train('kept', 'd', 'y'); SELECT ml.train('kept', 'gone', 'y'); SELECT ml.train('lost', 'd', 'y');
         SELECT ml.grant_model('kept', 'tests_here'); SELECT ml.grant_model('kept', 'tests_only_here'); SELECT ml.grant_model('kept', 'tests_dropped');
         SELECT ml.grant_model('lost', 'tests_here');
         UPDATE ml.models SET owner = 'tests_here' WHERE name = 'kept'; UPDATE ml.models SET owner = 'tests_only_here' WHERE name = 'lost';
         DROP ROLE tests_dropped; DROP TABLE gone;",
    )?;
    expect(
        "roles before",
        &session.run(MODELS)?,
        "kept tests_here {tests_here,tests_only_here,-}; lost tests_only_here {tests_here}",
    )?;
    expect(
        "sources before",
        &session.run(VERSIONS)?,
        "kept 1 d; kept 2 -; lost 1 d",
    )?;
    let answer = session.run(ASK)?;

    let fresh = cluster.empty_sibling("fresh")?;
    // Every number that a role of the other cluster had may be another one's here.
    fresh.sql("postgres", "DO $$ BEGIN FOR i IN 1 .. 100 LOOP EXECUTE 'CREATE ROLE tests_other_' || i; END LOOP; END $$; CREATE ROLE tests_here LOGIN")?;
    fresh.create_database(name)?;
    let file = cluster.place.folder.join(format!("{name}.dump"));
    let mut dump = cluster.client("pg_dump");
    dump.args(["--exclude-table=d", "-d", name, "-f"])
        .arg(&file);
    let mut load = fresh.client("psql");
    load.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", name, "-f"])
        .arg(&file);
    for command in [&mut dump, &mut load] {
        let line = crate::process::line(command);
        let result = command.stdin(Stdio::null()).output().attempt(&line)?;
        let said = String::from_utf8_lossy(&result.stderr).into_owned();
        if !result.status.success() {
            crate::error::fail!("`{line}`: {said}");
        }
    }

    let mut restored = fresh.session(name)?;
    restored.run("SET client_min_messages = error")?;
    expect(
        "roles after",
        &restored.run(MODELS)?,
        "kept tests_here {tests_here,-,-}; lost - {tests_here}",
    )?;
    expect(
        "sources after",
        &restored.run(VERSIONS)?,
        "kept 1 -; kept 2 -; lost 1 -",
    )?;
    expect("a prediction", &restored.run(ASK)?, &answer)?;
    restored.run("GRANT USAGE ON SCHEMA ml TO PUBLIC; SET ROLE tests_here")?;
    expect("the owner's prediction", &restored.run(ASK)?, &answer)?;
    let said = must_refuse(
        &mut restored,
        "SELECT ml.predict('lost', 1.0, 1.0)",
        "42501",
    )?;
    if !said.contains("UPDATE ml.models SET owner") {
        crate::error::fail!("no word of what to do: {said}");
    }
    restored.run("RESET ROLE; UPDATE ml.models SET owner = 'tests_other_1' WHERE name = 'lost'; SET ROLE tests_here")?;
    restored.run("SELECT ml.predict('lost', 1.0, 1.0)")?;
    Ok(String::new())
}
