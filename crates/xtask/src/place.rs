//! Where a cluster lives, written down beside it so that later commands find it again.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::account::Account;
use crate::error::{Attempt, Result, fail};

/// The paths of one cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Everything of it is below this.
    pub folder: PathBuf,
    /// PostgreSQL's programs.
    pub bindir: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// The folder of the socket.
    pub socket: PathBuf,
    /// What `LD_LIBRARY_PATH` must be for the programs, if anything.
    pub library_path: Option<String>,
}

impl Place {
    /// Writes the paths down.
    pub fn save(&self) -> Result<()> {
        let file = self.folder.join("place");
        let text = format!(
            "bindir={}\ndata={}\nsocket={}\nlibraries={}\n",
            self.bindir.display(),
            self.data.display(),
            self.socket.display(),
            self.library_path.as_deref().unwrap_or_default()
        );
        fs::write(&file, text).attempt(file.display())
    }

    /// Reads the paths of the cluster in this folder.
    pub fn open(folder: &Path) -> Result<Self> {
        let file = folder.join("place");
        let text = fs::read_to_string(&file).attempt(file.display())?;
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let (Some(bindir), Some(data), Some(socket)) =
            (value("bindir"), value("data"), value("socket"))
        else {
            fail!("{} is damaged: remove {}", file.display(), folder.display());
        };
        Ok(Self {
            folder: folder.to_owned(),
            bindir: bindir.into(),
            data: data.into(),
            socket: socket.into(),
            library_path: value("libraries").filter(|text| !text.is_empty()),
        })
    }

    /// One of PostgreSQL's programs, in an environment that nothing of the user's own servers
    /// reaches. A backtrace setting would put Rust backtraces into error details.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bindir.join(name));
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if (text.starts_with("PG") && !text.starts_with("PGLEARN"))
                || text.starts_with("RUST_")
                || text.starts_with("LC_")
            {
                command.env_remove(&name);
            }
        }
        if let Some(path) = &self.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        command
    }

    /// A client program, pointed at this cluster.
    pub fn client(&self, name: &str) -> Command {
        let mut command = self.program(name);
        command
            .env("PGHOST", &self.socket)
            .env("PGPORT", "5432")
            .env("PGUSER", "postgres");
        command
    }

    /// Whether the server runs.
    pub fn is_running(&self, account: &Account) -> bool {
        let mut status = self.program("pg_ctl");
        status
            .args(["status", "--pgdata"])
            .arg(&self.data)
            .current_dir("/");
        account
            .apply(&mut status)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        status.status().is_ok_and(|status| status.success())
    }

    /// Starts a process that stops the server as soon as we close its input: when we are done, but
    /// also when we are interrupted or killed.
    pub fn watch(&self, account: &Account) -> Result<Child> {
        let script = format!("read -r _; {STOP}");
        let mut shell = self.stopper(&script, account);
        // Its own process group: an interrupt from the keyboard is not for it.
        shell
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .attempt("starting sh")
    }

    /// Stops the server if it runs, gently first.
    pub fn stop(&self, account: &Account) -> Result<()> {
        if self.is_running(account) {
            let stopped = self
                .stopper(STOP, account)
                .stdin(Stdio::null())
                .status()
                .attempt("starting sh")?;
            if !stopped.success() {
                fail!("the server in {} does not stop", self.folder.display());
            }
        }
        Ok(())
    }

    fn stopper(&self, script: &str, account: &Account) -> Command {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(self.bindir.join("pg_ctl"))
            .arg(&self.data);
        shell
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(path) = &self.library_path {
            shell.env("LD_LIBRARY_PATH", path);
        }
        account.apply(&mut shell);
        shell
    }

    /// Removes its files.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.socket);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `$1` is pg_ctl and `$2` the data directory.
const STOP: &str =
    r#""$1" stop -s -m fast -t 10 -D "$2" || "$1" stop -s -m immediate -t 10 -D "$2""#;

/// Stops and removes the clusters of tests and benchmarks whose program no longer runs, and the logs
/// they left.
pub fn sweep(instances: &Path, logs: &Path, account: &Account) {
    for folder in entries(instances).filter(|path| is_abandoned(path)) {
        match Place::open(&folder) {
            Ok(place) if place.stop(account).is_ok() => place.remove(),
            Ok(_) => {}
            // Made no further than its first files.
            Err(_) => drop(fs::remove_dir_all(folder)),
        }
    }
    for log in entries(logs).filter(|path| is_abandoned(path)) {
        let _ = fs::remove_file(log);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}

/// Whether the process in a name like `test-4242` or `test-4242.log` is gone.
fn is_abandoned(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    match name.rsplit_once('-') {
        Some((kind, process)) if kind != "demo" => !Path::new("/proc").join(process).exists(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_uses_is_abandoned() {
        assert!(!is_abandoned(Path::new(&format!(
            "/x/test-{}",
            std::process::id()
        ))));
        assert!(!is_abandoned(Path::new(&format!(
            "/x/bench-{}.log",
            std::process::id()
        ))));
        // Above the kernel's highest process id.
        assert!(is_abandoned(Path::new("/x/test-4194305.log")));
        assert!(!is_abandoned(Path::new("/x/demo-15")));
        assert!(!is_abandoned(Path::new("/x/else")));
    }

    #[test]
    fn paths_survive_being_written_down() {
        let folder = std::env::temp_dir().join(format!("pglearn-place-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut place = Place {
            folder: folder.clone(),
            bindir: "/a b/bin".into(),
            data: "/d=1".into(),
            socket: "/s".into(),
            library_path: None,
        };
        place.save().unwrap();
        assert_eq!(Place::open(&folder).unwrap(), place);
        place.library_path = Some("/x:/y".into());
        place.save().unwrap();
        assert_eq!(Place::open(&folder).unwrap(), place);
        fs::remove_dir_all(&folder).unwrap();
        assert!(Place::open(&folder).is_err());
    }
}
