//! A throwaway cluster: its own PostgreSQL installation, its own data, reachable through a socket
//! in its own folder only.

pub mod crash;
mod sibling;

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::account::Account;
use crate::error::{Attempt, Result, fail};
use crate::extension::Extension;
use crate::place::Place;
use crate::postgres::Server;
use crate::prefix::Prefix;
use crate::process;
use crate::session::Session;
use crate::workspace::Workspace;

/// How long a client may wait for its socket: the kernel's limit is 107 bytes with the file name.
const SOCKET_FOLDER_MAX: usize = 107 - "/.s.PGSQL.5432".len();

/// What sort of cluster to make.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its name: also its folder's.
    pub name: String,
    /// Lines for `postgresql.conf`.
    pub settings: Vec<(String, String)>,
    /// Whether it outlives this program (`demo`) or dies with it, however that dies (tests).
    pub stays: bool,
}

impl Plan {
    /// A cluster for tests and measurements, which may lose its data when the machine fails.
    pub fn throwaway(kind: &str) -> Self {
        let settings = [
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("synchronous_commit", "off"),
        ];
        Self {
            name: format!("{kind}-{}", std::process::id()),
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            stays: false,
        }
    }

    /// The same with one more setting.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running cluster with the extension's files in place. Dropping it stops the server and removes
/// its files, unless it is one that stays.
pub struct Cluster {
    /// Where everything is.
    pub place: Place,
    account: Account,
    log: PathBuf,
    log_kept: Cell<bool>,
    watcher: Option<Child>,
}

impl Cluster {
    /// Makes the installation and the cluster, and starts the server.
    pub fn start(
        workspace: &Workspace,
        server: &Server,
        extension: &Extension,
        plan: &Plan,
    ) -> Result<Self> {
        let folder = workspace.instance(&plan.name);
        let account = workspace.account.clone();
        for needed in [&server.sharedir, &server.pkglibdir] {
            if !account.can_read(needed) {
                fail!(
                    "the server would run as {account:?}, who cannot read {}",
                    needed.display()
                );
            }
        }
        fs::create_dir_all(&folder).attempt(folder.display())?;
        let prefix = Prefix::create(server, &folder.join("prefix"))?;
        prefix.install(extension)?;
        let place = Place {
            bindir: prefix.bindir.clone(),
            data: folder.join("data"),
            socket: socket_folder(&folder, &plan.name),
            library_path: server.library_path(),
            folder,
        };
        let log = workspace.logs()?.join(format!("{}.log", plan.name));
        let mut cluster = Self {
            place,
            account,
            log,
            log_kept: Cell::new(false),
            watcher: None,
        };
        cluster.initialise(&plan.settings)?;
        cluster.launch()?;
        if !plan.stays {
            cluster.watcher = Some(cluster.place.watch(&cluster.account)?);
        }
        Ok(cluster)
    }

    fn make_folders(&self) -> Result<()> {
        for folder in [&self.place.data, &self.place.socket] {
            fs::create_dir_all(folder).attempt(folder.display())?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
                .attempt(folder.display())?;
            self.account.give(folder)?;
        }
        fs::File::create(&self.log).attempt(self.log.display())?;
        self.account.give(&self.log)?;
        self.place.save()
    }

    fn initialise(&self, settings: &[(String, String)]) -> Result<()> {
        self.make_folders()?;
        let options = [
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "--no-instructions",
        ];
        process::output(
            self.as_server("initdb")
                .args(options)
                .arg("--pgdata")
                .arg(&self.place.data),
        )?;
        let socket = self.place.socket.display().to_string();
        let fixed = [
            ("listen_addresses", ""),
            ("unix_socket_directories", &socket),
            ("port", "5432"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
        ];
        self.append_settings(&fixed.map(|(name, value)| (name.to_owned(), value.to_owned())))?;
        self.append_settings(settings)
    }

    /// Adds lines to `postgresql.conf`, where the last one of a name holds.
    fn append_settings(&self, settings: &[(String, String)]) -> Result<()> {
        let conf = self.place.data.join("postgresql.conf");
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(&conf)
            .attempt(conf.display())?;
        for (name, value) in settings {
            writeln!(file, "{name} = '{}'", value.replace('\'', "''")).attempt(conf.display())?;
        }
        Ok(())
    }

    fn launch(&self) -> Result<()> {
        let mut start = self.as_server("pg_ctl");
        start
            .args(["start", "--wait", "--silent", "--timeout=60", "--pgdata"])
            .arg(&self.place.data);
        // The server must not hold our pipes open: pg_ctl hands its own on to it.
        start
            .arg("--log")
            .arg(&self.log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let started = start.status().attempt(process::line(&start))?;
        if !started.success() {
            fail!(
                "the server did not start; it said:\n{}",
                tail(&self.log, 20)
            );
        }
        Ok(())
    }

    /// Stops the server and starts it again.
    pub fn restart(&self) -> Result<()> {
        process::output(
            self.as_server("pg_ctl")
                .args(["stop", "--silent", "--mode=fast", "--pgdata"])
                .arg(&self.place.data),
        )?;
        self.launch()
    }

    /// The server's log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The server's log, which from now on stays when the cluster goes.
    pub fn keep_log(&self) -> &Path {
        self.log_kept.set(true);
        &self.log
    }

    /// One of PostgreSQL's client programs, pointed at this cluster.
    pub fn client(&self, program: &str) -> Command {
        self.place.client(program)
    }

    /// Runs SQL in a database and returns what `psql -XAtq` prints; an error stops it and fails.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.client("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql]);
        process::output(&mut psql).map(|text| text.trim_end().to_owned())
    }

    /// Opens a session that stays open between statements.
    pub fn session(&self, database: &str) -> Result<Session> {
        Session::open(&self.place, database)
    }

    /// Makes an empty database, replacing one of that name.
    pub fn create_database(&self, name: &str) -> Result<()> {
        let name = quote_identifier(name);
        self.sql(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )?;
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template0"),
        )
        .map(drop)
    }

    /// Makes a database with the extension in schema `ml`.
    pub fn create_database_with_extension(&self, name: &str) -> Result<()> {
        self.create_database(name)?;
        self.sql(name, "CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml")
            .map(drop)
    }

    fn as_server(&self, program: &str) -> Command {
        let mut command = self.place.program(program);
        command.current_dir(&self.place.folder);
        self.account.apply(&mut command);
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            // Closing its input is the signal to stop the server.
            drop(watcher.stdin.take());
            let _ = watcher.wait();
            self.place.remove();
            if !self.log_kept.get() {
                let _ = fs::remove_file(&self.log);
            }
        }
    }
}

/// A place for the socket: with the cluster if the path is short enough.
fn socket_folder(folder: &Path, name: &str) -> PathBuf {
    let near = folder.join("socket");
    if near.as_os_str().len() <= SOCKET_FOLDER_MAX {
        return near;
    }
    std::env::temp_dir().join(format!(
        "pglearn-{:08x}-{name}",
        crate::workspace::fingerprint(folder)
    ))
}

/// The name as an SQL identifier.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_checkout_path_moves_the_socket_and_not_the_cluster() {
        assert_eq!(
            socket_folder(Path::new("/a/b"), "x"),
            Path::new("/a/b/socket")
        );
        let deep = PathBuf::from(format!("/{}", "d".repeat(120)));
        let socket = socket_folder(&deep, "test-1");
        assert!(socket.as_os_str().len() <= SOCKET_FOLDER_MAX && !socket.starts_with(&deep));
    }

    #[test]
    fn identifiers_are_quoted() {
        assert_eq!(quote_identifier("a\"b"), "\"a\"\"b\"");
    }
}
