//! What tests do to a cluster to see what it survives: processes killed or stopped, shutdown without a
//! checkpoint.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use super::Cluster;
use crate::error::{Result, fail};
use crate::process;

/// How often [`Cluster::wait_until`] asks.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(20);

/// A signal of the operating system.
#[derive(Clone, Copy, Debug)]
pub enum Signal {
    /// Ends the process at once. The postmaster answers the death of a backend with a crash restart.
    Kill,
    /// Keeps it from running, whatever it holds.
    Stop,
    /// Lets it run again.
    Continue,
}

/// Sends a signal to a process.
pub fn signal(process: u32, signal: Signal) -> Result<()> {
    let name = match signal {
        Signal::Kill => "KILL",
        Signal::Stop => "STOP",
        Signal::Continue => "CONT",
    };
    let mut kill = Command::new("sh");
    kill.args(["-c", r#"kill -s "$0" "$1""#, name, &process.to_string()]);
    process::output(&mut kill).map(drop)
}

impl Cluster {
    /// Stops the server without a checkpoint, as if the machine had lost its power, but for what the
    /// operating system had not written yet. [`Cluster::start_again`] begins with recovery.
    pub fn stop_immediately(&self) -> Result<()> {
        let mut stop = self.as_server("pg_ctl");
        stop.args(["stop", "--silent", "--mode=immediate", "--pgdata"])
            .arg(&self.place.data);
        process::output(&mut stop).map(drop)
    }

    /// Starts a server that was stopped.
    pub fn start_again(&self) -> Result<()> {
        self.launch()
    }

    /// Gives a folder to the account that the server runs as.
    pub fn give(&self, folder: &Path) -> Result<()> {
        self.account.give(folder)
    }

    /// Changes a setting and has it read by all processes that run; `None` takes it back.
    pub fn set(&self, name: &str, value: Option<&str>) -> Result<()> {
        let change = match value {
            Some(value) => format!("ALTER SYSTEM SET {name} = '{}'", value.replace('\'', "''")),
            None => format!("ALTER SYSTEM RESET {name}"),
        };
        // ALTER SYSTEM refuses to share its statement with another.
        self.sql("postgres", &change)?;
        self.sql("postgres", "SELECT pg_reload_conf()").map(drop)
    }

    /// Asks until the answer is the wanted one, through a crash restart if there is one: a server that
    /// does not answer is asked again. Each question has a connection, and so a snapshot, of its own.
    pub fn wait_until(
        &self,
        patience: Duration,
        database: &str,
        question: &str,
        wanted: &str,
    ) -> Result<Duration> {
        let began = Instant::now();
        loop {
            let answer = self.sql(database, question);
            if answer.as_ref().is_ok_and(|answer| answer == wanted) {
                return Ok(began.elapsed());
            }
            if began.elapsed() > patience {
                let answer = answer.unwrap_or_else(|error| error.to_string());
                fail!("after {patience:?} {question}\n  gives  {answer}\n  wanted {wanted}");
            }
            thread::sleep(BETWEEN_QUESTIONS);
        }
    }
}
