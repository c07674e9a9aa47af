//! The base of every ratio: reading all columns once, by PostgreSQL itself, on one thread.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::session::Session;

const ROWS: u32 = 1_000_000;
const COLUMNS: u32 = 10;
const RUNS: usize = 5;

/// Prints the CPU time of the scan over a million rows of ten columns.
pub fn run(cluster: &Cluster) -> Result<()> {
    cluster.create_database_with_extension("scan")?;
    let mut session = cluster.session("scan")?;
    session.run("SET max_parallel_workers_per_gather = 0")?;
    let columns: Vec<String> = (1..=COLUMNS).map(|i| format!("random() AS c{i}")).collect();
    session.run("SELECT setseed(0.5)")?;
    session.run(&format!(
        "CREATE TABLE points AS SELECT {} FROM generate_series(1, {ROWS})",
        columns.join(", ")
    ))?;
    session.run("VACUUM (FREEZE, ANALYZE) points")?;
    let sums: Vec<String> = (1..=COLUMNS).map(|i| format!("sum(c{i})")).collect();
    let scan = format!("SELECT {} FROM points", sums.join(" + "));
    session.run(&scan)?;
    let mut times = (0..RUNS)
        .map(|_| cpu_of(&mut session, &scan))
        .collect::<Result<Vec<_>>>()?;
    println!(
        "  {ROWS} rows, {COLUMNS} columns: {} ms of CPU, {} MB at most",
        median(&mut times).as_millis(),
        session.peak_memory()? >> 20
    );
    Ok(())
}

/// CPU time that one statement takes in the session's backend.
pub fn cpu_of(session: &mut Session, sql: &str) -> Result<Duration> {
    let before = session.cpu_time()?;
    session.run(sql)?;
    Ok(session.cpu_time()?.saturating_sub(before))
}

/// The middle one; of an even number the higher of the two.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
