//! `cargo xtask test`: every test of the project, in order from the quickest to the slowest.

mod crates;
mod readme;
mod regress;
mod report;
mod server;

use crate::cluster::{Cluster, Plan};
use crate::error::{Result, fail};
use crate::extension::Extension;
use crate::options::Options;
use crate::place;
use crate::prerequisites::Toolbox;
use crate::workspace::Workspace;

use report::Report;

/// How many background workers train in a database.
const WORKERS: &str = "pglearn.max_workers";

/// Runs the tests whose names contain one of the words, or all; false if one failed.
pub fn run(options: &Options, workspace: &Workspace) -> Result<bool> {
    let mut report = Report::new(&options.words);
    crates::run(workspace, &mut report);
    let suites = regress::suites(workspace)?;
    let pages = readme::pages(workspace)?;
    let names = suites
        .iter()
        .cloned()
        .chain(pages.iter().map(|page| page.name.clone()))
        .chain(server::names());
    if names.into_iter().any(|name| report.wants(&name)) {
        with_server(options, workspace, &suites, &pages, &mut report)?;
    }
    if report.is_empty() {
        fail!("no test is called like {}", options.words.join(" or "));
    }
    Ok(report.finish())
}

fn with_server(
    options: &Options,
    workspace: &Workspace,
    suites: &[String],
    pages: &[readme::Page],
    report: &mut Report,
) -> Result<()> {
    let toolbox = Toolbox::gather(options, workspace)?;
    report.note(&format!(
        "building the extension for {}",
        toolbox.server.version
    ));
    let extension = Extension::build(workspace, &toolbox, options.profile())?;
    place::sweep(
        &workspace.home.join("instances"),
        &workspace.logs()?,
        &workspace.account,
    );
    let plan = Plan::throwaway("test")
        .with("max_connections", "60")
        .with("max_prepared_transactions", "5");
    // Whatever a suite queues waits until the suite runs it.
    let plan = plan.with(WORKERS, "0");
    let cluster = Cluster::start(workspace, &toolbox.server, &extension, &plan)?;
    regress::run(
        workspace,
        &toolbox.server,
        &cluster,
        suites,
        options.update,
        report,
    );
    cluster.set(WORKERS, Some("1"))?;
    readme::run(pages, &cluster, report);
    server::run(&cluster, report);
    if report.failed() {
        report.note(&format!(
            "the server's log: {}",
            cluster.keep_log().display()
        ));
    }
    Ok(())
}
