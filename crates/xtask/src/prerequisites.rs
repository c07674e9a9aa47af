//! What building and running need: a PostgreSQL with headers, libclang and a C compiler.

use std::path::{Path, PathBuf};

use crate::debian::{self, Wanted};
use crate::error::{Result, fail};
use crate::options::Options;
use crate::postgres::{self, SUPPORTED, Server};
use crate::workspace::Workspace;
use crate::{libclang, process};

/// A complete set of tools.
#[derive(Clone, Debug)]
pub struct Toolbox {
    /// The PostgreSQL to build for and to run.
    pub server: Server,
    /// Folder and arguments of an unpacked libclang; none if the system has one.
    libclang: Option<(PathBuf, String)>,
    /// Folders of unpacked shared libraries.
    libraries: Vec<PathBuf>,
}

impl Toolbox {
    /// Finds the tools, or downloads what is missing.
    pub fn gather(options: &Options, workspace: &Workspace) -> Result<Self> {
        if !process::exists("cc") && !process::exists("gcc") {
            fail!("a C compiler is missing: {}", advice(15));
        }
        let majors = match options.pg_version {
            Some(major) => vec![major],
            None => SUPPORTED.to_vec(),
        };
        // PGLEARN_PG=download ignores what is installed: a way to try what a bare machine does.
        let download = std::env::var_os("PGLEARN_PG").is_some_and(|value| value == "download");
        let downloads = workspace.home.join("pg");
        let local = match &options.pg_config {
            Some(pg_config) => Some(chosen(pg_config, options.pg_version)?),
            None if download => None,
            None => match postgres::find(&majors) {
                Ok(server) => Some(server),
                Err(refused) => {
                    // Said before the first download only.
                    if !downloads.exists() {
                        report_refused(&majors, &refused);
                    }
                    None
                }
            },
        };
        let wanted = Wanted {
            server: local.is_none(),
            libclang: download || !libclang::installed(),
        };
        if let (Some(server), false) = (&local, wanted.libclang) {
            return Ok(Self {
                server: server.clone(),
                libclang: None,
                libraries: Vec::new(),
            });
        }
        // Any libclang will do for a server that is here already; the one it was built with is asked for first.
        let majors = local
            .as_ref()
            .map_or(majors, |server| with_first(server.major));
        if !debian::available() {
            fail!(
                "PostgreSQL {} with its headers, or libclang, is missing: {}",
                majors[0],
                advice(majors[0])
            );
        }
        let (major, unpacked) = debian::unpack(&downloads, &majors, wanted)?;
        let libraries = unpacked.libraries();
        let server = match local {
            Some(server) => server,
            None => Server::read(&unpacked.pg_config(major), &libraries)?,
        };
        server.check()?;
        let libclang = if wanted.libclang {
            unpacked.libclang()
        } else {
            None
        };
        Ok(Self {
            server,
            libclang,
            libraries,
        })
    }

    /// Environment variables for cargo.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![(
            "PGRX_PG_CONFIG_PATH",
            self.server.pg_config.display().to_string(),
        )];
        if let Some((folder, arguments)) = &self.libclang {
            variables.push(("LIBCLANG_PATH", folder.display().to_string()));
            variables.push(("BINDGEN_EXTRA_CLANG_ARGS", arguments.clone()));
        }
        if !self.libraries.is_empty() {
            variables.push(("LD_LIBRARY_PATH", postgres::join(&self.libraries)));
        }
        variables
    }

    /// The environment as lines for a shell to evaluate.
    pub fn shell_environment(&self) -> String {
        let feature = [("PGLEARN_PG_FEATURE", self.server.feature())];
        let variables = self.environment().into_iter().chain(feature);
        variables
            .map(|(name, value)| format!("export {name}={}\n", process::quote(&value)))
            .collect()
    }
}

/// The supported versions, this one first.
fn with_first(major: u16) -> Vec<u16> {
    std::iter::once(major)
        .chain(SUPPORTED.into_iter().filter(|other| *other != major))
        .collect()
}

/// The server the user named.
fn chosen(pg_config: &Path, version: Option<u16>) -> Result<Server> {
    let server = Server::read(pg_config, &[])?;
    if version.is_some_and(|version| version != server.major) || !SUPPORTED.contains(&server.major)
    {
        let wanted = version.map_or(format!("{SUPPORTED:?}"), |version| version.to_string());
        fail!(
            "{} is {}; wanted: {wanted}",
            pg_config.display(),
            server.version
        );
    }
    server.check()?;
    Ok(server)
}

fn report_refused(majors: &[u16], refused: &[String]) {
    eprintln!("no PostgreSQL of version {majors:?} with its headers is installed");
    for reason in refused {
        eprintln!("  {reason}");
    }
}

/// The command that installs what is missing, for the system at hand.
fn advice(major: u16) -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |id: &str| {
        release
            .lines()
            .any(|line| line.starts_with("ID") && line.contains(id))
    };
    let command = if is("fedora") || is("rhel") {
        "sudo dnf install gcc clang-devel postgresql-server postgresql-server-devel".to_owned()
    } else if is("alpine") {
        format!("sudo apk add build-base clang-dev postgresql{major} postgresql{major}-dev")
    } else if is("arch") {
        "sudo pacman -S base-devel clang postgresql".to_owned()
    } else if is("debian") {
        format!(
            "sudo apt-get install gcc libc6-dev postgresql-{major} postgresql-server-dev-{major}"
        )
    } else {
        return format!(
            "install a C compiler, libclang and PostgreSQL {major} with its server headers, and name it: PG_CONFIG=/path/to/pg_config"
        );
    };
    format!("run\n  {command}\nor name one: PG_CONFIG=/path/to/pg_config")
}
