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
    /// The extension is not there any more.
    Gone,
    /// It is, in another version than the one this process began with.
    Updated,
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
    /// As it is now.
    fn now(unresolved: bool) -> Result<Self> {
        Ok(Self {
            next_due: queue::next_due()?,
            unresolved,
        })
    }

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

    /// Announces what is due, then claims a job. Where announcing fails, jobs are done all the same.
    ///
    /// # Errors
    /// Those of the catalog.
    pub fn look(&self) -> Result<Work> {
        let swept = self.if_there(|| Ok(sweep()?.unresolved));
        let claimed = self.if_there(queue::claim)?;
        match (swept, claimed) {
            (Ok(None), _) | (_, None) => Ok(match Self::find()? {
                Some(_) => Work::Updated,
                None => Work::Gone,
            }),
            (swept, Some(Some((job, lock)))) => {
                if let Err(failure) = swept {
                    failure.within("pglearn worker").log();
                }
                Ok(Work::Job(Box::new(job), lock))
            }
            (Err(failure), Some(None)) => Err(failure),
            (Ok(Some(unresolved)), Some(None)) => {
                let prospect = self.if_there(|| Prospect::now(unresolved))?;
                Ok(prospect.map_or(Work::Updated, Work::Later))
            }
        }
    }

    /// Announces what is due, and says what there is, without claiming any of it. `None` where it is not for
    /// this process.
    ///
    /// # Errors
    /// As above.
    pub fn prospect(&self) -> Result<Option<Prospect>> {
        match self.if_there(|| Ok(sweep()?.unresolved))? {
            Some(unresolved) => self.if_there(|| Prospect::now(unresolved)),
            None => Ok(None),
        }
    }

    /// Whether a job waits that is due.
    ///
    /// # Errors
    /// As above.
    pub fn has_due_job(&self) -> Result<bool> {
        let prospect = self.if_there(|| Prospect::now(false))?;
        Ok(prospect.is_some_and(Prospect::is_due))
    }

    /// Works in a transaction of its own, so that what one step writes is visible to the next one; `None`
    /// where the extension is not the one that was found at the start.
    fn if_there<R>(&self, work: impl FnOnce() -> Result<R>) -> Result<Option<R>> {
        in_transaction(|| match self.is_still_there()? {
            true => work().map(Some),
            false => Ok(None),
        })
    }
}
