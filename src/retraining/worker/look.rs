//! One look at the work of a database.

use crate::pg::context::extension_version;
use crate::pg::error::Result;
use crate::pg::lock::SessionLock;
use crate::pg::transaction::in_transaction;
use crate::retraining::queue::{self, Job};
use crate::retraining::sweep::sweep;
use std::time::Duration;

/// What there is to do.
pub enum Work {
    /// The extension is gone, or another version of it was installed than that of this process.
    Over,
    /// A job, claimed: nobody else runs it while the lock is held.
    Job(Box<Job>, SessionLock),
    /// Nothing at the moment.
    Later(Prospect),
}

/// What there will be to do.
#[derive(Debug, Clone, Copy)]
pub struct Prospect {
    /// When the next job is due.
    pub next_due: Option<Duration>,
    /// Transactions that have not ended may have changed so much that a watch must be announced: who
    /// commits last does not know it.
    pub unresolved: bool,
}

impl Prospect {
    /// Whether there is anything.
    pub fn is_empty(self) -> bool {
        self.next_due.is_none() && !self.unresolved
    }

    /// Whether a job is due, though nobody could claim it at this moment.
    pub fn is_due(self) -> bool {
        self.next_due.is_some_and(|time| time.is_zero())
    }
}

/// The version of the extension that a worker found at its start.
pub struct Extension(String);

impl Extension {
    /// `None` where it is not installed in this database.
    ///
    /// # Errors
    /// Those of a transaction.
    pub fn find() -> Result<Option<Self>> {
        in_transaction(|| Ok(extension_version()?.map(Self)))
    }

    fn is_still_there(&self) -> Result<bool> {
        Ok(extension_version()?.is_some_and(|version| version == self.0))
    }

    /// Announces what is due, then claims a job.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn look(&self) -> Result<Work> {
        let Some(unresolved) = self.sweep()? else {
            return Ok(Work::Over);
        };
        in_transaction(|| {
            if !self.is_still_there()? {
                return Ok(Work::Over);
            }
            if let Some((job, lock)) = queue::claim()? {
                return Ok(Work::Job(Box::new(job), lock));
            }
            Ok(Work::Later(Prospect {
                next_due: queue::next_due()?,
                unresolved,
            }))
        })
    }

    /// Announces what is due, and says what there is, without claiming any of it.
    ///
    /// # Errors
    /// As above.
    pub fn prospect(&self) -> Result<Option<Prospect>> {
        let Some(unresolved) = self.sweep()? else {
            return Ok(None);
        };
        in_transaction(|| {
            Ok(match self.is_still_there()? {
                true => Some(Prospect {
                    next_due: queue::next_due()?,
                    unresolved,
                }),
                false => None,
            })
        })
    }

    /// Whether a job waits that is due.
    ///
    /// # Errors
    /// As above.
    pub fn has_due_job(&self) -> Result<bool> {
        in_transaction(|| {
            Ok(self.is_still_there()? && queue::next_due()?.is_some_and(|time| time.is_zero()))
        })
    }

    /// A transaction of its own: what it announces must be visible to who claims. `None` where the
    /// extension is gone.
    fn sweep(&self) -> Result<Option<bool>> {
        in_transaction(|| {
            Ok(match self.is_still_there()? {
                true => Some(sweep()?.unresolved),
                false => None,
            })
        })
    }
}
