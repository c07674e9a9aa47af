//! Many small transactions, by pgbench.

use std::fs;

use super::measure::Cost;
use super::{Bench, DATABASE};
use crate::error::{Attempt, Result, fail};

/// A script that clients run again and again, as prepared statements.
pub struct Script<'a> {
    /// In pgbench's language.
    pub text: &'a str,
    /// Clients at the same time, each with a connection of its own.
    pub clients: u32,
    /// Transactions of each.
    pub transactions: u32,
}

impl Script<'_> {
    /// The average latency of a transaction in seconds: pgbench measures no CPU time.
    pub fn latency(&self, bench: &Bench<'_>) -> Result<Cost> {
        let folder = bench.workspace.home.join("pgbench");
        fs::create_dir_all(&folder).attempt("the folder of pgbench's scripts")?;
        let file = folder.join(format!("{}.sql", std::process::id()));
        fs::write(&file, self.text).attempt("pgbench's script")?;
        let mut pgbench = bench.cluster.client("pgbench");
        // Commits that wait for nobody signal the process that writes the log, at a rate that the number of
        // bytes decides: noise here, and not how servers are run.
        pgbench.env("PGOPTIONS", "-c synchronous_commit=on");
        pgbench.args(["-n", "-M", "prepared", "-f"]).arg(&file);
        pgbench.args([
            "-c",
            &self.clients.to_string(),
            "-t",
            &self.transactions.to_string(),
            DATABASE,
        ]);
        let output = pgbench.output().attempt("pgbench")?;
        fs::remove_file(&file).attempt("pgbench's script")?;
        let text = String::from_utf8_lossy(&output.stdout);
        // A client whose transaction fails ends early, and the average speaks of the others.
        let whole = output.status.success().then_some(text.as_ref());
        let Some(milliseconds) = whole.and_then(average) else {
            fail!(
                "pgbench said:\n{text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let wall = milliseconds * 1e-3;
        Ok(Cost { cpu: wall, wall })
    }
}

/// The average latency in what pgbench prints, in milliseconds.
fn average(text: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix("latency average = ")?.strip_suffix(" ms"))?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_average_latency() {
        let text = "number of clients: 1\nlatency average = 0.093 ms\ntps = 10752.4 (…)\n";
        assert_eq!(average(text), Some(0.093));
        assert_eq!(average("pgbench: error: …\n"), None);
    }
}
