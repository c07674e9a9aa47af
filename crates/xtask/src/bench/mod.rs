//! `cargo xtask bench [NAME…]`: what pglearn costs, against PostgreSQL's own scan of the same rows and
//! against peers.
//!
//! Everything runs in one throwaway cluster with the release build. Only ratios are reported, medians
//! of interleaved pairs: absolute times of a shared machine mean nothing.

mod data;
mod measure;
mod metrics;
mod named;
mod peers;
mod pgbench;
mod predict;
mod scan;
mod table;
mod train;
mod train_named;
mod watch;

use crate::cluster::{Cluster, Plan};
use crate::error::{Result, fail};
use crate::extension::{Extension, Profile};
use crate::options::Options;
use crate::place;
use crate::prerequisites::Toolbox;
use crate::session::Session;
use crate::workspace::Workspace;
use table::Table;

/// The database in which everything is measured.
const DATABASE: &str = "bench";

/// Where the measurements run and what they found.
struct Bench<'a> {
    workspace: &'a Workspace,
    cluster: &'a Cluster,
    table: Table,
}

impl Bench<'_> {
    /// A session on one thread, workers and compilation of expressions switched off: the base.
    fn session(&self) -> Result<Session> {
        let mut session = self.cluster.session(DATABASE)?;
        session.run("SET max_parallel_workers_per_gather = 0; SET pglearn.max_threads = 1")?;
        Ok(session)
    }
}

/// One measurement.
struct Benchmark {
    /// What it is called on the command line.
    name: &'static str,
    /// One line on what is measured.
    about: &'static str,
    /// Runs only where it is named.
    on_request: bool,
    /// Measures and puts its rows into the table.
    run: fn(&mut Bench<'_>) -> Result<()>,
}

const BENCHMARKS: &[Benchmark] = &[
    Benchmark {
        name: "scan",
        about: "the base against itself: how far to trust the other ratios",
        on_request: false,
        run: scan::run,
    },
    Benchmark {
        name: "logregr",
        about: "logregr_train until converged, against a scan",
        on_request: false,
        run: train::logregr,
    },
    Benchmark {
        name: "linregr",
        about: "linregr_train, against a scan",
        on_request: false,
        run: train::linregr,
    },
    Benchmark {
        name: "train",
        about: "train, hold-out judged and version recorded, against a scan",
        on_request: false,
        run: train_named::run,
    },
    Benchmark {
        name: "predict",
        about: "logregr_predict_prob, against the expression written by hand",
        on_request: false,
        run: predict::run,
    },
    Benchmark {
        name: "named",
        about: "predict_proba of a named model in every form of a row, point queries, loading",
        on_request: false,
        run: named::run,
    },
    Benchmark {
        name: "metrics",
        about: "area_under_roc, binary_classifier, binary_classifier_auc, against a scan",
        on_request: false,
        run: metrics::run,
    },
    Benchmark {
        name: "watch",
        about: "statements on a watched table, large and small ones, against the same on one that is not",
        on_request: false,
        run: watch::run,
    },
    Benchmark {
        name: "memory",
        about: "what logregr_train holds at most, against the dense matrix",
        on_request: false,
        run: train::memory,
    },
    Benchmark {
        name: "peers",
        about: "logregr_train against export + scikit-learn, which pip installs (only when named)",
        on_request: true,
        run: peers::run,
    },
];

/// Runs the benchmarks whose names are given, or all but those on request.
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
    // A table above a quarter of the shared buffers would not stay in them.
    let plan = Plan::throwaway("bench")
        .with("shared_buffers", "1GB")
        .with("jit", "off")
        .with("autovacuum", "off")
        .with("max_wal_size", "4GB");
    let cluster = Cluster::start(workspace, &toolbox.server, &extension, &plan)?;
    cluster.create_database_with_extension(DATABASE)?;
    let mut bench = Bench {
        workspace,
        cluster: &cluster,
        table: Table::default(),
    };
    for benchmark in BENCHMARKS {
        let named = options.words.iter().any(|word| benchmark.name == word);
        if named || options.words.is_empty() && !benchmark.on_request {
            eprintln!("measuring {}: {}", benchmark.name, benchmark.about);
            (benchmark.run)(&mut bench)?;
        }
    }
    let date = cluster.sql(DATABASE, "SELECT current_date")?;
    println!(
        "pglearn {}, {}, {date}",
        workspace.version(),
        toolbox.server.version
    );
    println!("{}\n", table::machine());
    print!("{}", bench.table);
    Ok(())
}

/// The benchmarks, one a line.
pub fn list() -> String {
    BENCHMARKS
        .iter()
        .map(|benchmark| format!("  {:<12} {}\n", benchmark.name, benchmark.about))
        .collect()
}
