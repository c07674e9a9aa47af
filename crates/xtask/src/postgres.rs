//! Finding a PostgreSQL server with its headers, as `pg_config` describes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Result, fail};
use crate::process;

/// The major versions the extension builds for; the first is preferred.
pub const SUPPORTED: [u16; 4] = [15, 16, 17, 18];

/// A PostgreSQL installation.
#[derive(Clone, Debug)]
pub struct Server {
    /// The `pg_config` that described it.
    pub pg_config: PathBuf,
    /// Major version, such as 15.
    pub major: u16,
    /// What `pg_config --version` says.
    pub version: String,
    /// Programs.
    pub bindir: PathBuf,
    /// Data files, above `extension/`.
    pub sharedir: PathBuf,
    /// Loadable modules.
    pub pkglibdir: PathBuf,
    /// Headers for extensions.
    pub headers: PathBuf,
    /// Folders of shared libraries that the system's linker does not know.
    pub libraries: Vec<PathBuf>,
}

impl Server {
    /// Asks a `pg_config`.
    pub fn read(pg_config: &Path, libraries: &[PathBuf]) -> Result<Self> {
        let ask = |option: &str| {
            let mut command = Command::new(pg_config);
            if !libraries.is_empty() {
                command.env("LD_LIBRARY_PATH", join(libraries));
            }
            process::output(command.arg(option)).map(|text| text.trim().to_owned())
        };
        let version = ask("--version")?;
        let Some(major) = major_of(&version) else {
            fail!(
                "{} calls itself `{version}`, which is no version of PostgreSQL",
                pg_config.display()
            );
        };
        let bindir = PathBuf::from(ask("--bindir")?);
        // Debian's /usr/bin/pg_config is a script that picks one: name the one it picked, so that
        // cargo sees the same path however the server was found, and does not build twice.
        let own = bindir.join("pg_config");
        Ok(Self {
            pg_config: if own.is_file() {
                own
            } else {
                pg_config.to_owned()
            },
            major,
            version,
            sharedir: ask("--sharedir")?.into(),
            pkglibdir: ask("--pkglibdir")?.into(),
            headers: ask("--includedir-server")?.into(),
            bindir,
            libraries: libraries.to_vec(),
        })
    }

    /// Fails with the parts that are not there: `pg_config` alone proves nothing.
    pub fn check(&self) -> Result<()> {
        let mut missing = Vec::new();
        if !self.headers.join("postgres.h").is_file() {
            missing.push(format!(
                "server headers ({})",
                self.headers.join("postgres.h").display()
            ));
        }
        for program in ["postgres", "initdb", "pg_ctl", "psql"] {
            if !self.bindir.join(program).is_file() {
                missing.push(self.bindir.join(program).display().to_string());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        fail!("{} lacks {}", self.version, missing.join(", "));
    }

    /// The regression runner that comes with the headers.
    pub fn pg_regress(&self) -> PathBuf {
        self.pkglibdir.join("pgxs/src/test/regress/pg_regress")
    }

    /// The cargo feature that selects this version.
    pub fn feature(&self) -> String {
        format!("pg{}", self.major)
    }

    /// The value of `LD_LIBRARY_PATH` for this server's programs, if they need one.
    pub fn library_path(&self) -> Option<String> {
        (!self.libraries.is_empty()).then(|| join(&self.libraries))
    }
}

/// Folders as the value of `LD_LIBRARY_PATH`.
pub fn join(folders: &[PathBuf]) -> String {
    folders
        .iter()
        .map(|folder| folder.display().to_string())
        .collect::<Vec<_>>()
        .join(":")
}

/// The major version in the output of `pg_config --version`.
pub fn major_of(version: &str) -> Option<u16> {
    let number = version.strip_prefix("PostgreSQL ")?;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}

/// Finds a complete server of one of the `majors` (in this order of preference) on this machine,
/// or says for each `pg_config` that was seen why it would not do.
pub fn find(majors: &[u16]) -> Result<Server, Vec<String>> {
    let mut complete = Vec::new();
    let mut refused = Vec::new();
    for candidate in candidates() {
        match Server::read(&candidate, &[]).and_then(|server| server.check().map(|()| server)) {
            Ok(server) if majors.contains(&server.major) => complete.push(server),
            Ok(server) => refused.push(format!("{}: {}", candidate.display(), server.version)),
            Err(error) => refused.push(format!("{}: {error}", candidate.display())),
        }
    }
    let rank = |server: &Server| majors.iter().position(|major| *major == server.major);
    complete.sort_by_key(rank);
    complete.into_iter().next().ok_or(refused)
}

/// Every `pg_config` in PATH and in the places where Debian and Red Hat put them.
fn candidates() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<PathBuf> = std::env::split_paths(&path)
        .map(|folder| folder.join("pg_config"))
        .collect();
    for (parent, prefix, bin) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
    ] {
        let mut folders: Vec<PathBuf> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join(bin).join("pg_config"))
            .collect();
        folders.sort();
        found.append(&mut folders);
    }
    found.retain(|path| path.is_file());
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_distributions_write_them() {
        assert_eq!(
            major_of("PostgreSQL 15.20 (Debian 15.20-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_of("PostgreSQL 18beta1"), Some(18));
        assert_eq!(major_of("PostgreSQL 17"), Some(17));
        assert_eq!(major_of("EnterpriseDB 15.1"), None);
        assert_eq!(major_of("PostgreSQL devel"), None);
    }
}
