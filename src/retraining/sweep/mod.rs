//! The sweep: what no writer could do. It announces what concurrent transactions brought above a threshold
//! together, sends the notifications of prepared transactions, installs triggers on partitions that came
//! later, counts what logical replication applied, and throws away what has been counted or is too old.
//!
//! The worker sweeps each round; `check_watches()` and `run_pending()` sweep where there is no worker. It
//! runs in the caller's transaction, as the owner of the tables, whoever calls.

pub(super) mod api;
mod outbox;
pub(super) mod partitions;
pub(super) mod poll;
mod prune;
mod restored;

use super::announce::{Attempt, announce_due};
use super::monitor;
use super::watches::Watch;
use crate::pg::error::Result;

/// What came of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Announcements made.
    pub announced: u32,
    /// Whether transactions in progress stand in the way: their rows may bring a watch above its threshold,
    /// or they write to a partition that is to be watched. Sweep again soon.
    pub unresolved: bool,
}

/// Does all of it, once.
///
/// # Errors
/// Those of the statements over the tables of the loop; XX000 where the extension is not whole.
pub fn sweep() -> Result<Swept> {
    forget_dropped()?;
    outbox::send()?;
    let watches = Watch::all()?;
    let mut swept = Swept {
        unresolved: partitions::install_missing(&watches)?,
        ..Swept::default()
    };
    poll::poll_sometimes(&watches)?;
    for watch in watches.iter().chain(&monitor::written_by_hand()?) {
        pgrx::check_for_interrupts!();
        match announce_due(watch)? {
            Attempt::Below => {}
            Attempt::Unresolved => swept.unresolved = true,
            Attempt::Announced => swept.announced += 1,
        }
    }
    prune::prune()?;
    Ok(swept)
}

/// Removes what belongs to relations that were dropped.
///
/// # Errors
/// As [`sweep`].
pub fn forget_dropped() -> Result<()> {
    prune::forget_dropped()
}
