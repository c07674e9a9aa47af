//! The sweep: what no writer could do. It announces what concurrent transactions brought above a threshold
//! together, sends the notifications of prepared transactions, installs triggers on partitions that came
//! later, and throws away what has been counted or is too old.
//!
//! The worker sweeps each round; `check_watches()` and `run_pending()` sweep where there is no worker. It
//! runs in the caller's transaction, as the owner of the tables, whoever calls.

mod prune;

use super::watches::Watch;
use crate::pg::error::Result;

/// What came of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Announcements made.
    pub announced: u32,
    /// Whether rows of transactions in progress may bring a watch above its threshold: sweep again soon.
    pub unresolved: bool,
}

/// Does all of it, once.
///
/// # Errors
/// Those of the statements over the tables of the loop; XX000 where the extension is not whole.
pub fn sweep() -> Result<Swept> {
    prune::forget_dropped()?;
    let swept = Swept::default();
    for _watch in Watch::all()? {
        pgrx::check_for_interrupts!();
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
