//! What a fit found out about the data, told to the user and kept for the summary table.

use crate::pg::error::warn;
use pgrx::PgSqlErrorCode;

/// WARNINGs sent by one call; the rest is counted and recorded only.
const SENT: usize = 10;
/// Warnings recorded in the summary table.
const RECORDED: usize = 1000;

/// Collects the warnings of one call.
#[derive(Default)]
pub struct Warnings {
    recorded: Vec<String>,
    total: usize,
}

impl Warnings {
    /// Sends and records one.
    pub fn add(&mut self, group: &str, message: &str, detail: &str) {
        let text = if group.is_empty() {
            message.to_owned()
        } else {
            format!("group {group}: {message}")
        };
        if self.total < SENT {
            warn(PgSqlErrorCode::ERRCODE_WARNING, &text, detail);
        }
        if self.recorded.len() < RECORDED {
            self.recorded.push(text);
        }
        self.total += 1;
    }

    /// Says how many were not sent, and gives what the summary shows.
    pub fn finish(self, summary: &str) -> Vec<String> {
        if self.total > SENT {
            warn(
                PgSqlErrorCode::ERRCODE_WARNING,
                &format!("{} more warnings", self.total - SENT),
                &format!("The column warnings of {summary} has them."),
            );
        }
        self.recorded
    }
}

/// Names in a sentence: `a`, `a and b`, `a, b and c`.
pub fn join(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The columns of a design by name.
pub fn named(names: &[String], columns: &[usize]) -> String {
    let list: Vec<String> = columns
        .iter()
        .map(|c| names.get(*c).cloned().unwrap_or_else(|| c.to_string()))
        .collect();
    join(&list)
}
