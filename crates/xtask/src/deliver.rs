//! `cargo xtask install` and `cargo xtask package`: the extension for a real server.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Attempt, Result, fail};
use crate::extension::{Extension, Profile};
use crate::options::Options;
use crate::prerequisites::Toolbox;
use crate::process;
use crate::workspace::Workspace;

/// Builds for the server of `--pg-config` and puts the files into its folders.
pub fn install(options: &Options, workspace: &Workspace) -> Result<()> {
    if options.pg_config.is_none() {
        fail!("say which server: cargo xtask install --pg-config /path/to/pg_config");
    }
    let toolbox = Toolbox::gather(options, workspace)?;
    let extension = Extension::build(workspace, &toolbox, Profile::Release)?;
    let server = &toolbox.server;
    let stage = workspace.home.join(format!("stage-{}", server.major));
    let mut refused = Vec::new();
    for file in extension.files(&server.sharedir, &server.pkglibdir) {
        let Some(name) = file.path.file_name() else {
            continue;
        };
        let staged = stage.join(name);
        fs::create_dir_all(&stage).attempt(stage.display())?;
        fs::write(&staged, &file.contents).attempt(staged.display())?;
        // `install` removes the old file first: a running server keeps the library it has loaded.
        let mut copy = Command::new("install");
        copy.args(["-m", if name == "pglearn.so" { "755" } else { "644" }])
            .arg(&staged)
            .arg(&file.path);
        match process::output(&mut copy) {
            Ok(_) => println!("{}", file.path.display()),
            Err(_) => refused.push(format!("sudo {}", process::line(&copy))),
        }
    }
    if !refused.is_empty() {
        fail!(
            "you may not write into the folders of {}; run\n  {}",
            server.version,
            refused.join("\n  ")
        );
    }
    println!("\nin a database: CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml;");
    Ok(())
}

/// Builds a tarball that unpacks into a folder with `lib/`, `extension/`, licence, README and `docs/`.
pub fn package(options: &Options, workspace: &Workspace) -> Result<()> {
    let toolbox = Toolbox::gather(options, workspace)?;
    let extension = Extension::build(workspace, &toolbox, Profile::Release)?;
    let name = format!(
        "pglearn-{}-pg{}-linux-{}",
        workspace.version(),
        toolbox.server.major,
        std::env::consts::ARCH
    );
    let folder = workspace.home.join("package").join(&name);
    let _ = fs::remove_dir_all(&folder);
    for file in extension.files(&folder, &folder.join("lib")) {
        write(&file.path, &file.contents)?;
    }
    for document in [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "docs/loop.svg",
        "docs/retraining.md",
    ] {
        let source = workspace.root.join(document);
        if source.is_file() {
            write(
                &folder.join(document),
                &fs::read(&source).attempt(source.display())?,
            )?;
        }
    }
    let archive = workspace.home.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args([
        "--create",
        "--gzip",
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--file",
    ])
    .arg(&archive);
    process::output(
        tar.arg("--directory")
            .arg(workspace.home.join("package"))
            .arg(&name),
    )?;
    println!("{}", archive.display());
    println!(
        "to install: lib/* into `pg_config --pkglibdir`, extension/* into `pg_config --sharedir`/extension"
    );
    Ok(())
}

fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).attempt(parent.display())?;
    }
    fs::write(path, contents).attempt(path.display())
}
