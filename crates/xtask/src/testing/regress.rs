//! PostgreSQL's own regression runner over `tests/sql/*.sql` and `tests/expected/*.out`.
//!
//! Every suite has a database of its own, with the extension in schema `ml` unless the suite
//! creates the extension itself. Suites called `data_…` need the folder `PGLEARN_DATA`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::cluster::Cluster;
use crate::error::{Attempt, Result};
use crate::postgres::Server;
use crate::testing::report::{Outcome, Report};
use crate::workspace::Workspace;

/// The names of the suites, as `sql/<file>`, in order.
pub fn suites(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("tests/sql");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).attempt(folder.display())? {
        let name = entry.attempt(folder.display())?.file_name();
        if let Some(name) = name.to_string_lossy().strip_suffix(".sql") {
            names.push(format!("sql/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

/// Runs the suites; with `update`, their results become what is expected.
pub fn run(
    workspace: &Workspace,
    server: &Server,
    cluster: &Cluster,
    suites: &[String],
    update: bool,
    report: &mut Report,
) {
    for name in suites {
        let suite = name.trim_start_matches("sql/");
        report.test(name, || {
            if suite.starts_with("data_") && data_folder().is_none() {
                return Ok(Outcome::Skipped("PGLEARN_DATA is not set".to_owned()));
            }
            if !server.pg_regress().is_file() {
                return Ok(Outcome::Skipped(format!(
                    "{} does not exist",
                    server.pg_regress().display()
                )));
            }
            prepare_database(
                cluster,
                suite,
                &workspace
                    .root
                    .join("tests/sql")
                    .join(format!("{suite}.sql")),
            )?;
            compare(workspace, server, cluster, suite, update)
        });
    }
}

/// The folder of real data, as an absolute path.
pub fn data_folder() -> Option<String> {
    let folder = std::env::var_os("PGLEARN_DATA").filter(|value| !value.is_empty())?;
    let folder = fs::canonicalize(folder).ok()?;
    Some(folder.display().to_string())
}

fn prepare_database(cluster: &Cluster, database: &str, script: &Path) -> Result<()> {
    let text = fs::read_to_string(script).attempt(script.display())?;
    if text.to_uppercase().contains("CREATE EXTENSION") {
        cluster.create_database(database)
    } else {
        cluster.create_database_with_extension(database)
    }
}

fn compare(
    workspace: &Workspace,
    server: &Server,
    cluster: &Cluster,
    suite: &str,
    update: bool,
) -> Result<Outcome> {
    let tests = workspace.root.join("tests");
    let expected = tests.join("expected").join(format!("{suite}.out"));
    if !expected.is_file() {
        if !update {
            return Ok(Outcome::failed(format!(
                "{} does not exist: `cargo xtask test --update {suite}` makes it",
                expected.display()
            )));
        }
        fs::write(&expected, "").attempt(expected.display())?;
    }
    let output = cluster.place.folder.join("regress").join(suite);
    fs::create_dir_all(&output).attempt(output.display())?;
    let mut runner = Command::new(server.pg_regress());
    for (name, value) in cluster.client("psql").get_envs() {
        match value {
            Some(value) => runner.env(name, value),
            None => runner.env_remove(name),
        };
    }
    if let Some(folder) = data_folder() {
        runner.env("PGLEARN_DATA", folder);
    }
    runner.args(["--use-existing", "--port=5432", "--user=postgres"]);
    runner.arg(format!("--host={}", cluster.place.socket.display()));
    runner.arg(format!("--bindir={}", cluster.place.bindir.display()));
    runner
        .arg(format!("--inputdir={}", tests.display()))
        .arg(format!("--outputdir={}", output.display()));
    runner
        .arg(format!("--dbname={suite}"))
        .arg(suite)
        .current_dir(&output);
    let result = runner
        .stdin(Stdio::null())
        .output()
        .attempt("starting pg_regress")?;
    let produced = output.join("results").join(format!("{suite}.out"));
    if update && produced.is_file() {
        fs::copy(&produced, &expected).attempt(expected.display())?;
        return Ok(Outcome::Passed(1, "expected output written".to_owned()));
    }
    if result.status.success() {
        return Ok(Outcome::passed());
    }
    let differences = fs::read_to_string(output.join("regression.diffs")).unwrap_or_default();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&result.stdout),
        String::from_utf8_lossy(&result.stderr)
    );
    Ok(Outcome::failed(if differences.is_empty() {
        said
    } else {
        differences
    }))
}
