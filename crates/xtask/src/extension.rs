//! Building the extension: cargo makes the library, and the library tells its SQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Attempt, Result};
use crate::prerequisites::Toolbox;
use crate::workspace::Workspace;
use crate::{process, schema};

/// How the extension is compiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Profile {
    /// Quick to build.
    Dev,
    /// What users run.
    Release,
}

/// The built extension, held in memory so that all its files belong together.
pub struct Extension {
    version: String,
    library: Vec<u8>,
    control: String,
    script: String,
    /// Upgrade scripts: name and contents.
    upgrades: Vec<(String, Vec<u8>)>,
}

/// One file to install.
pub struct File {
    /// Where it goes.
    pub path: PathBuf,
    /// What it holds.
    pub contents: Vec<u8>,
}

impl Extension {
    /// Compiles the extension (cargo shows its progress) and renders its SQL.
    pub fn build(workspace: &Workspace, toolbox: &Toolbox, profile: Profile) -> Result<Self> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .current_dir(&workspace.root)
            .envs(toolbox.environment())
            .arg("build");
        cargo.args([
            "--package",
            "pglearn",
            "--lib",
            "--no-default-features",
            "--features",
            &toolbox.server.feature(),
        ]);
        cargo.arg("--target-dir").arg(&workspace.target);
        if profile == Profile::Release {
            cargo.arg("--release");
        }
        process::run(&mut cargo)?;
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        Self::collect(
            workspace,
            &workspace.target.join(folder).join("libpglearn.so"),
        )
    }

    fn collect(workspace: &Workspace, library: &Path) -> Result<Self> {
        let version = workspace.version().to_owned();
        let library = fs::read(library).attempt(library.display())?;
        let control = workspace.root.join("pglearn.control");
        let control = fs::read_to_string(&control)
            .attempt(control.display())?
            .replace("@CARGO_VERSION@", &version);
        let script = schema::render(&library, &control)?;
        let upgrades = upgrade_scripts(&workspace.root.join("sql"))?;
        Ok(Self {
            version,
            library,
            control,
            script,
            upgrades,
        })
    }

    /// The files, for an installation with these folders.
    pub fn files(&self, sharedir: &Path, pkglibdir: &Path) -> Vec<File> {
        let share = sharedir.join("extension");
        let mut files = vec![
            File {
                path: pkglibdir.join("pglearn.so"),
                contents: self.library.clone(),
            },
            File {
                path: share.join("pglearn.control"),
                contents: self.control.clone().into_bytes(),
            },
            File {
                path: share.join(format!("pglearn--{}.sql", self.version)),
                contents: self.script.clone().into_bytes(),
            },
        ];
        files.extend(self.upgrades.iter().map(|(name, contents)| File {
            path: share.join(name),
            contents: contents.clone(),
        }));
        files
    }
}

/// `sql/pglearn--A--B.sql`, in order of name.
fn upgrade_scripts(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut scripts = Vec::new();
    for entry in fs::read_dir(folder).attempt(folder.display())? {
        let entry = entry.attempt(folder.display())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("pglearn--") && name.ends_with(".sql") {
            scripts.push((
                name,
                fs::read(entry.path()).attempt(entry.path().display())?,
            ));
        }
    }
    scripts.sort();
    Ok(scripts)
}
