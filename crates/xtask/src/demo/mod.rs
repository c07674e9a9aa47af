//! `cargo xtask demo`: a model of real data, trained inside PostgreSQL, in front of one's eyes, and a model that
//! learns on as rows come in.

mod retraining;
mod roc;
mod story;

use std::fs::{self, TryLockError};
use std::os::unix::process::CommandExt;

use crate::cluster::{Cluster, Plan};
use crate::error::{Attempt, Error, Result, fail};
use crate::extension::{Extension, Profile};
use crate::options::Options;
use crate::place::Place;
use crate::prerequisites::Toolbox;
use crate::process;
use crate::workspace::Workspace;

pub use story::tell;

const DATABASE: &str = "demo";

/// Builds, starts a cluster, loads, trains, evaluates, predicts, retrains.
pub fn run(options: &Options, workspace: &Workspace) -> Result<()> {
    let lock = fs::File::create(workspace.home.join("demo.lock")).attempt("demo.lock")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            fail!("another `cargo xtask demo` is at work in this checkout")
        }
        Err(TryLockError::Error(error)) => fail!("demo.lock: {error}"),
    }
    let toolbox = Toolbox::gather(options, workspace)?;
    let (profile, word) = if options.dev {
        (Profile::Dev, "dev")
    } else {
        (Profile::Release, "release")
    };
    step(&format!(
        "building the extension for {} ({word})",
        toolbox.server.version
    ));
    let extension = Extension::build(workspace, &toolbox, profile)?;

    let name = format!("demo-{}", toolbox.server.major);
    if let Ok(earlier) = Place::open(&workspace.instance(&name)) {
        step("replacing the cluster of an earlier demo");
        earlier.stop(&workspace.account)?;
        earlier.remove();
    }
    step("starting a throwaway cluster, reachable through a socket only");
    let plan = Plan {
        name,
        settings: Vec::new(),
        stays: true,
    };
    let cluster = Cluster::start(workspace, &toolbox.server, &extension, &plan)?;
    tell(&cluster, DATABASE, &mut std::io::stdout())?;
    farewell(&cluster.place);
    Ok(())
}

fn step(text: &str) {
    println!("\n-- {text}");
}

fn farewell(place: &Place) {
    println!("-- the cluster stays up; go on with\n");
    println!("cargo xtask psql");
    println!("cargo xtask stop\n");
    println!("or, with any psql:\n");
    println!("{}", psql_line(place));
}

/// A line that opens a shell on the cluster, to be pasted.
fn psql_line(place: &Place) -> String {
    let libraries = place
        .library_path
        .as_ref()
        .map(|path| format!("LD_LIBRARY_PATH={} ", process::quote(path)));
    format!(
        "{}{} -h {} -U postgres {DATABASE}",
        libraries.unwrap_or_default(),
        process::quote(&place.bindir.join("psql").display().to_string()),
        process::quote(&place.socket.display().to_string())
    )
}

/// `cargo xtask psql`: becomes a psql on the demo's cluster.
pub fn psql(arguments: &[String], workspace: &Workspace) -> Result<()> {
    let Some(place) = running(workspace).into_iter().next() else {
        fail!("no demo is running: `cargo xtask demo` starts one");
    };
    let mut psql = place.client("psql");
    // Wide results would open a pager, which swallows the rest of what was pasted.
    psql.env("PGDATABASE", DATABASE)
        .args(["-P", "pager=off"])
        .args(arguments);
    Err(Error::new(format!(
        "{}: {}",
        process::line(&psql),
        psql.exec()
    )))
}

/// `cargo xtask stop`: ends the demo and removes its cluster.
pub fn stop(workspace: &Workspace) -> Result<()> {
    let places = all(workspace);
    for place in &places {
        place.stop(&workspace.account)?;
        place.remove();
        println!("stopped and removed {}", place.folder.display());
    }
    if places.is_empty() {
        println!("no demo is running");
    }
    Ok(())
}

fn running(workspace: &Workspace) -> Vec<Place> {
    all(workspace)
        .into_iter()
        .filter(|place| place.is_running(&workspace.account))
        .collect()
}

fn all(workspace: &Workspace) -> Vec<Place> {
    let instances = workspace.home.join("instances");
    let mut folders: Vec<_> = fs::read_dir(instances)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("demo-"))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
        .iter()
        .filter_map(|folder| Place::open(folder).ok())
        .collect()
}
