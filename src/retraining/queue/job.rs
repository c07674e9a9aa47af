//! A job as its runner knows it.

use crate::pg::error::{Failure, Result};
use crate::pg::identity::Role;
use crate::pg::sql::Row;
use serde_json::Value as Json;
use std::time::Duration;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call of `train`, with its arguments as payload.
    Train,
    /// The stored recipe of the model's version that serves, on current data.
    Retrain,
}

impl Kind {
    /// As the table has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Retrain => "retrain",
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It waits.
    Queued,
    /// A process has it.
    Running,
    /// It made its version.
    Done,
    /// An error that trying again would not mend.
    Failed,
    /// Given up after as many attempts as it had.
    Dead,
    /// Somebody did not want it any more.
    Cancelled,
}

impl State {
    /// Of its name in the table.
    ///
    /// # Errors
    /// XX000 for another text.
    pub fn of(name: &str) -> Result<Self> {
        Ok(match name {
            "queued" => Self::Queued,
            "running" => Self::Running,
            "done" => Self::Done,
            "failed" => Self::Failed,
            "dead" => Self::Dead,
            "cancelled" => Self::Cancelled,
            other => return Err(Failure::internal(format!("a job is in state \"{other}\""))),
        })
    }
}

/// A job that this process runs.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// Name of the model.
    pub model: String,
    /// What it does.
    pub kind: Kind,
    /// Which attempt this is, from 1: the fencing token.
    pub attempt: i32,
    /// How many it has.
    pub max_attempts: i32,
    /// The role whose rights it has.
    pub run_as: Role,
    /// Its arguments.
    pub payload: Json,
    /// How long this attempt may take: its own limit, else `pglearn.job_timeout`.
    pub timeout: Option<Duration>,
    /// Bytes that it may use for its rows, where it has a limit of its own.
    pub max_memory: Option<u64>,
    /// The watch that asked for it.
    pub watch_id: Option<i64>,
}

/// The columns that [`Job::of`] reads, of a row `j`.
pub(super) const COLUMNS: &str = "j.job_id, j.model, j.kind, j.attempts, j.max_attempts, \
    j.run_as::pg_catalog.oid, j.payload::pg_catalog.text, \
    pg_catalog.ceil(extract(epoch FROM j.timeout) OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8, \
    j.max_memory, j.watch_id";

impl Job {
    pub(super) fn of(row: &Row) -> Result<Self> {
        let payload: &str = row.get(6)?;
        let timeout: Option<i64> = row.get(7)?;
        let max_memory: Option<i64> = row.get(8)?;
        let own_limit =
            timeout.map(|limit| Duration::from_millis(u64::try_from(limit).unwrap_or(0)));
        Ok(Self {
            id: row.get(0)?,
            model: row.get(1)?,
            kind: match row.get(2)? {
                "train" => Kind::Train,
                _ => Kind::Retrain,
            },
            attempt: row.get(3)?,
            max_attempts: row.get(4)?,
            run_as: row.get(5)?,
            payload: serde_json::from_str(payload).map_err(|error| {
                Failure::parameter(format!("the payload of a job cannot be read: {error}"))
            })?,
            timeout: own_limit.or_else(crate::settings::job_timeout),
            max_memory: max_memory.and_then(|kb| u64::try_from(kb).ok()?.checked_mul(1024)),
            watch_id: row.get(9)?,
        })
    }
}
