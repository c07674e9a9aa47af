//! PostgreSQL and libclang from Debian's or Ubuntu's packages, unpacked into a folder.
//!
//! Nothing is installed and nothing of the system is changed, so root and ordinary users take the
//! same way. `apt-get` only downloads; if its package lists are missing or stale (a fresh
//! container), private ones are fetched into the same folder.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Attempt, Result, fail};
use crate::{libclang, process};

/// Which packages are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The server, its client programs and its headers.
    pub server: bool,
    /// libclang and its headers.
    pub libclang: bool,
}

/// Packages unpacked below a folder.
#[derive(Clone, Debug)]
pub struct Unpacked {
    root: PathBuf,
}

impl Unpacked {
    /// The server's `pg_config`, which answers with paths relative to itself.
    pub fn pg_config(&self, major: u16) -> PathBuf {
        self.root
            .join(format!("usr/lib/postgresql/{major}/bin/pg_config"))
    }

    /// The folders of shared libraries.
    pub fn libraries(&self) -> Vec<PathBuf> {
        let below = |parent: &str| {
            fs::read_dir(self.root.join(parent))
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
        };
        let mut folders: Vec<PathBuf> = below("lib")
            .chain(below("usr/lib"))
            .filter(|path| is_multiarch(path))
            .collect();
        folders.sort();
        folders
    }

    /// The folder of libclang, if it is here, with the arguments that point it to its headers.
    pub fn libclang(&self) -> Option<(PathBuf, String)> {
        let folders = fs::read_dir(self.root.join("usr/lib"))
            .ok()?
            .flatten()
            .map(|entry| entry.path().join("lib"));
        folders
            .filter_map(|folder| libclang::resources(&folder).map(|headers| (folder, headers)))
            .next()
            .map(|(folder, headers)| {
                let arguments = format!(
                    "-resource-dir={}",
                    process::quote(&headers.display().to_string())
                );
                (folder, arguments)
            })
    }
}

fn is_multiarch(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.to_string_lossy().contains("-linux-gnu"))
}

/// Whether this system has the tools for it.
pub fn available() -> bool {
    process::exists("apt-get") && process::exists("apt-cache") && process::exists("dpkg-deb")
}

/// Downloads and unpacks what is wanted, of the first of the majors that there is, unless an earlier
/// run did. Returns that major.
pub fn unpack(folder: &Path, majors: &[u16], wanted: Wanted) -> Result<(u16, Unpacked)> {
    fs::create_dir_all(folder).attempt(folder.display())?;
    let lock = fs::File::create(folder.join("lock")).attempt(folder.display())?;
    lock.lock().attempt("waiting for another download")?;
    if let Some(found) = majors
        .iter()
        .find(|major| missing_sets(&root_of(folder, **major), wanted).is_empty())
    {
        return Ok((
            *found,
            Unpacked {
                root: root_of(folder, *found),
            },
        ));
    }
    let major = fetch(&Apt::system(), folder, majors, wanted).or_else(|error| {
        let reason = error.to_string();
        eprintln!(
            "{}\nfetching package lists of our own",
            reason.lines().next().unwrap_or_default()
        );
        fetch(&Apt::private(folder)?, folder, majors, wanted)
    })?;
    Ok((
        major,
        Unpacked {
            root: root_of(folder, major),
        },
    ))
}

fn root_of(folder: &Path, major: u16) -> PathBuf {
    folder.join(major.to_string())
}

/// The file that says that a set of packages was unpacked completely.
fn stamp(root: &Path, set: &str) -> PathBuf {
    root.join(format!("{set}.complete"))
}

/// Those sets of packages that are wanted and not there.
fn missing_sets(root: &Path, wanted: Wanted) -> Vec<&'static str> {
    let sets = [("server", wanted.server), ("libclang", wanted.libclang)];
    sets.into_iter()
        .filter(|(set, wanted)| *wanted && !stamp(root, set).is_file())
        .map(|(set, _)| set)
        .collect()
}

/// Downloads and unpacks with these package lists.
fn fetch(apt: &Apt, folder: &Path, majors: &[u16], wanted: Wanted) -> Result<u16> {
    let Some(major) = majors
        .iter()
        .copied()
        .find(|major| apt.knows(&format!("postgresql-server-dev-{major}")))
    else {
        fail!("the package sources offer no PostgreSQL of version {majors:?}");
    };
    let root = root_of(folder, major);
    let sets = missing_sets(&root, wanted);
    let mut packages = Vec::new();
    for set in &sets {
        match *set {
            "server" => packages.extend(server_packages(major)),
            _ => packages.extend(libclang_packages(apt)?),
        }
    }
    eprintln!(
        "downloading Debian's packages ({} {major}) into {}",
        sets.join(", "),
        root.display()
    );
    download(apt, &with_libraries(apt, packages)?, &root)?;
    for set in sets {
        fs::write(stamp(&root, set), "").attempt(root.display())?;
    }
    Ok(major)
}

fn server_packages(major: u16) -> Vec<String> {
    let versioned = ["postgresql", "postgresql-client", "postgresql-server-dev"]
        .map(|name| format!("{name}-{major}"));
    versioned.into_iter().chain(["libpq5".to_owned()]).collect()
}

/// The libclang that this release of the system prefers: any will read the headers.
fn libclang_packages(apt: &Apt) -> Result<Vec<String>> {
    let depends = apt.depends(&["libclang-dev".to_owned()])?;
    let version = |name: &String| {
        Some(
            name.strip_prefix("libclang-")?
                .strip_suffix("-dev")?
                .to_owned(),
        )
    };
    let Some(version) = depends.iter().find_map(version) else {
        fail!("the package sources offer no libclang");
    };
    Ok(vec![
        format!("libclang1-{version}"),
        format!("libclang-common-{version}-dev"),
    ])
}

/// The packages and those shared libraries they need that are not installed.
fn with_libraries(apt: &Apt, packages: Vec<String>) -> Result<Vec<String>> {
    let needed: Vec<String> = apt
        .depends(&packages)?
        .into_iter()
        .filter(|name| {
            name.starts_with("lib") && !name.ends_with("-dev") && !packages.contains(name)
        })
        .collect();
    let mut all = packages;
    for name in apt.missing(&needed)? {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    Ok(all)
}

fn download(apt: &Apt, packages: &[String], root: &Path) -> Result<()> {
    let downloads = root.join("downloads");
    fs::create_dir_all(&downloads).attempt(downloads.display())?;
    process::run(
        apt.command("apt-get")
            .current_dir(&downloads)
            .arg("download")
            .args(packages),
    )?;
    for entry in fs::read_dir(&downloads).attempt(downloads.display())? {
        let package = entry.attempt(downloads.display())?.path();
        process::output(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(&package)
                .arg(root),
        )?;
    }
    fs::remove_dir_all(&downloads).attempt(downloads.display())
}

/// apt, with the system's package lists or with private ones.
struct Apt {
    options: Vec<String>,
}

impl Apt {
    fn system() -> Self {
        // As root, apt would drop to a user who cannot write where we download to.
        Self {
            options: vec!["-oAPT::Sandbox::User=root".to_owned()],
        }
    }

    fn private(folder: &Path) -> Result<Self> {
        let state = folder.join("apt");
        for part in ["lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(state.join(part)).attempt(state.display())?;
        }
        let mut apt = Self::system();
        apt.options.push(format!(
            "-oDir::State::Lists={}",
            state.join("lists").display()
        ));
        apt.options
            .push(format!("-oDir::Cache={}", state.join("cache").display()));
        let lists = state.join("lists");
        let age = fs::metadata(&lists).attempt(lists.display())?.mtime();
        let fresh =
            age + 3600 > now() && fs::read_dir(&lists).is_ok_and(|entries| entries.count() > 2);
        if !fresh {
            process::run(apt.command("apt-get").arg("update"))?;
        }
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.args(&self.options).env("LC_ALL", "C");
        command
    }

    fn knows(&self, package: &str) -> bool {
        process::output(self.command("apt-cache").args(["policy", package])).is_ok_and(|text| {
            text.lines()
                .any(|line| line.contains("Candidate:") && !line.contains("(none)"))
        })
    }

    fn depends(&self, packages: &[String]) -> Result<Vec<String>> {
        process::output(self.command("apt-cache").arg("depends").args(packages))
            .map(|text| parse_depends(&text))
    }

    fn missing(&self, packages: &[String]) -> Result<Vec<String>> {
        let simulate = [
            "--simulate",
            "--quiet=2",
            "--no-install-recommends",
            "install",
        ];
        process::output(self.command("apt-get").args(simulate).args(packages))
            .map(|text| parse_simulation(&text))
    }
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The real packages in the output of `apt-cache depends`.
fn parse_depends(text: &str) -> Vec<String> {
    let dependency = |line: &str| {
        let name = line.strip_prefix("  Depends: ")?;
        (!name.starts_with('<')).then(|| name.to_owned())
    };
    let mut names: Vec<String> = text.lines().filter_map(dependency).collect();
    names.sort();
    names.dedup();
    names
}

/// The packages that `apt-get --simulate install` would install.
fn parse_simulation(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            line.strip_prefix("Inst ")?
                .split(' ')
                .next()
                .map(str::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_dependencies_and_skips_virtual_packages_and_their_providers() {
        let text = "postgresql-15\n |Depends: locales\n  Depends: locales-all\n  Depends: <debconf-2.0>\n    cdebconf\n  Depends: libsystemd0\n    libelogind0\n  Breaks: dbconfig-common\n  Recommends: sysstat\n";
        assert_eq!(parse_depends(text), ["libsystemd0", "locales-all"]);
    }

    #[test]
    fn reads_what_apt_would_install() {
        let text = "NOTE: This is only a simulation!\nInst libicu72 (72.1-3 Debian:12.0/stable [amd64])\nInst libxml2 [2.9.14] (2.9.15 Debian)\nConf libicu72 (72.1-3)\n";
        assert_eq!(parse_simulation(text), ["libicu72", "libxml2"]);
    }
}
