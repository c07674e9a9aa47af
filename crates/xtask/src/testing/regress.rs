//! PostgreSQL's own regression runner over `tests/sql/*.sql` and `tests/expected/*.out`.
//!
//! Every suite has a database of its own: an empty one if it creates the extension itself, else a
//! copy of one in which `tests/sql/setup.sql` ran. Suites called `data_…` need the folder
//! `PGLEARN_DATA`; `PGLEARN_WINE` is set to a CSV file of the wine data for all of them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cluster::{Cluster, quote_identifier};
use crate::error::{Attempt, Result, fail};
use crate::postgres::Server;
use crate::testing::report::{Outcome, Report};
use crate::workspace::Workspace;
use crate::{process, wine};

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
    if !suites.iter().any(|name| report.wants(name)) {
        return;
    }
    let bench = Bench {
        tests: workspace.root.join("tests"),
        server,
        cluster,
        update,
    };
    let ready = bench.prepare();
    if let Err(error) = &ready {
        report.note(&format!("the suites' common part failed\n{error}"));
    }
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
            bench.create_database(suite, ready.is_ok())?;
            bench.compare(suite)
        });
    }
}

/// The folder of real data, as an absolute path.
pub fn data_folder() -> Option<String> {
    let folder = std::env::var_os("PGLEARN_DATA").filter(|value| !value.is_empty())?;
    let folder = fs::canonicalize(folder).ok()?;
    Some(folder.display().to_string())
}

/// The database that the others are copies of.
const TEMPLATE: &str = "suite_template";

/// What all suites share.
struct Bench<'a> {
    tests: PathBuf,
    server: &'a Server,
    cluster: &'a Cluster,
    update: bool,
}

impl Bench<'_> {
    /// Writes the wine data and makes the template.
    fn prepare(&self) -> Result<()> {
        fs::write(self.wine(), wine::csv()).attempt(self.wine().display())?;
        let setup = self.script("setup");
        if !setup.is_file() {
            return self.cluster.create_database_with_extension(TEMPLATE);
        }
        self.cluster.create_database(TEMPLATE)?;
        let mut psql = self.in_environment(Command::new(self.cluster.place.bindir.join("psql")));
        psql.env("PG_ABS_SRCDIR", &self.tests).args([
            "-Xq",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            TEMPLATE,
            "-f",
        ]);
        process::output(psql.arg(setup)).map(drop)
    }

    fn create_database(&self, suite: &str, ready: bool) -> Result<()> {
        let script = self.script(suite);
        let text = fs::read_to_string(&script).attempt(script.display())?;
        if text.to_uppercase().contains("CREATE EXTENSION") {
            return self.cluster.create_database(suite);
        }
        if !ready {
            fail!("not run: the common part failed");
        }
        let sql = format!(
            "CREATE DATABASE {} TEMPLATE {TEMPLATE}",
            quote_identifier(suite)
        );
        self.cluster.sql("postgres", &sql).map(drop)
    }

    fn compare(&self, suite: &str) -> Result<Outcome> {
        let expected = self.tests.join("expected").join(format!("{suite}.out"));
        if !expected.is_file() {
            if !self.update {
                let advice = format!("`cargo xtask test --update {suite}` makes it");
                return Ok(Outcome::failed(format!(
                    "{} does not exist: {advice}",
                    expected.display()
                )));
            }
            fs::create_dir_all(self.tests.join("expected")).attempt("tests/expected")?;
            fs::write(&expected, "").attempt(expected.display())?;
        }
        let output = self.cluster.place.folder.join("regress").join(suite);
        fs::create_dir_all(&output).attempt(output.display())?;
        let mut runner = self.in_environment(Command::new(self.server.pg_regress()));
        runner.args(["--use-existing", "--port=5432", "--user=postgres"]);
        runner.arg(format!("--host={}", self.cluster.place.socket.display()));
        runner.arg(format!("--bindir={}", self.cluster.place.bindir.display()));
        runner
            .arg(format!("--inputdir={}", self.tests.display()))
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
        if self.update && produced.is_file() {
            fs::copy(&produced, &expected).attempt(expected.display())?;
            return Ok(Outcome::Passed(1, "expected output written".to_owned()));
        }
        if result.status.success() {
            return Ok(Outcome::passed());
        }
        let differences = fs::read_to_string(output.join("regression.diffs")).unwrap_or_default();
        let said = [result.stdout, result.stderr]
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .concat();
        Ok(Outcome::failed(if differences.is_empty() {
            said
        } else {
            differences
        }))
    }

    /// The command in the environment of a client, with the folders of data.
    fn in_environment(&self, mut command: Command) -> Command {
        for (name, value) in self.cluster.client("psql").get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = data_folder() {
            command.env("PGLEARN_DATA", folder);
        }
        command.env("PGLEARN_WINE", self.wine());
        command
    }

    fn script(&self, suite: &str) -> PathBuf {
        self.tests.join("sql").join(format!("{suite}.sql"))
    }

    fn wine(&self) -> PathBuf {
        self.cluster.place.folder.join("wine.csv")
    }
}
