//! `cargo xtask bench [NAME…]`: measurements against PostgreSQL's own scan and against peers.
//!
//! A benchmark gets a running cluster of its own with the release build. It reports ratios from
//! one run, medians of interleaved pairs: absolute times of a shared machine mean nothing.

mod scan;

use crate::cluster::{Cluster, Plan};
use crate::error::{Result, fail};
use crate::extension::{Extension, Profile};
use crate::options::Options;
use crate::place;
use crate::prerequisites::Toolbox;
use crate::workspace::Workspace;

/// One measurement.
struct Benchmark {
    /// What it is called on the command line.
    name: &'static str,
    /// One line on what is measured.
    about: &'static str,
    /// Measures and prints.
    run: fn(&Cluster) -> Result<()>,
}

const BENCHMARKS: &[Benchmark] = &[Benchmark {
    name: "scan",
    about: "the base of all ratios: a serial scan by PostgreSQL",
    run: scan::run,
}];

/// Runs the benchmarks whose names are given, or all.
pub fn run(options: &Options, workspace: &Workspace) -> Result<()> {
    for word in &options.words {
        if !BENCHMARKS.iter().any(|benchmark| benchmark.name == word) {
            fail!("there is no benchmark {word}; there are:\n{}", list());
        }
    }
    let toolbox = Toolbox::gather(options, workspace)?;
    let extension = Extension::build(workspace, &toolbox, Profile::Release)?;
    place::sweep(
        &workspace.home.join("instances"),
        &workspace.logs()?,
        &workspace.account,
    );
    let plan = Plan::throwaway("bench")
        .with("shared_buffers", "1GB")
        .with("jit", "off")
        .with("autovacuum", "off")
        .with("max_wal_size", "4GB");
    let cluster = Cluster::start(workspace, &toolbox.server, &extension, &plan)?;
    for benchmark in BENCHMARKS {
        if options.words.is_empty() || options.words.iter().any(|word| benchmark.name == word) {
            println!("{}: {}", benchmark.name, benchmark.about);
            (benchmark.run)(&cluster)?;
        }
    }
    Ok(())
}

/// The benchmarks, one a line.
pub fn list() -> String {
    BENCHMARKS
        .iter()
        .map(|benchmark| format!("  {:<12} {}\n", benchmark.name, benchmark.about))
        .collect()
}
