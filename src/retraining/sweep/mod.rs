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
use crate::pg::identity;
use crate::pg::relation::{Lock, OpenRelation};
use crate::pg::subtransaction;
use std::cell::RefCell;
use std::collections::HashSet;

/// What came of a sweep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Announcements made.
    pub announced: u32,
    /// Whether transactions in progress stand in the way: their rows may bring a watch above its threshold,
    /// or they write to a partition that is to be watched. Sweep again soon.
    pub unresolved: bool,
}

/// Does all of it, once: in a worker, whose transaction is short.
///
/// # Errors
/// Those of the statements over the tables of the loop; XX000 where the extension is not whole.
pub fn sweep() -> Result<Swept> {
    sweep_some(|_| true)
}

/// The same within the transaction of a session, for watches whose owner's or whose relation's owner's
/// privileges the current role has: the locks that an announcement and a new trigger take stay until that
/// transaction ends, and it may be a stranger's who leaves it open.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_here() -> Result<Swept> {
    sweep_some(|watch| {
        identity::has_privileges_of(watch.owner)
            || OpenRelation::open(watch.relation, Lock::Read)
                .is_some_and(|relation| identity::has_privileges_of(relation.owner()))
    })
}

fn sweep_some(wanted: impl Fn(&Watch) -> bool) -> Result<Swept> {
    forget_dropped()?;
    outbox::send()?;
    let all = Watch::all()?;
    let watches: Vec<Watch> = all.iter().filter(|watch| wanted(watch)).cloned().collect();
    let mut by_hand = monitor::written_by_hand()?;
    by_hand.retain(wanted);
    let mut swept = Swept {
        unresolved: partitions::install_missing(&watches)?,
        ..Swept::default()
    };
    poll::poll_sometimes(&all)?;
    for watch in watches.iter().chain(&by_hand) {
        pgrx::check_for_interrupts!();
        match announce_alone(watch)? {
            Attempt::Below => {}
            Attempt::Unresolved => swept.unresolved = true,
            Attempt::Announced => swept.announced += 1,
        }
    }
    prune::prune()?;
    Ok(swept)
}

thread_local! {
    /// Watches that this session has warned of.
    static WARNED: RefCell<HashSet<i64>> = RefCell::default();
}

/// What cannot be announced for one watch keeps no other one from being announced: it is a WARNING, once a
/// session.
fn announce_alone(watch: &Watch) -> Result<Attempt> {
    let mut outcome = Attempt::Below;
    let attempt = subtransaction::attempt(|| {
        outcome = announce_due(watch)?;
        Ok(())
    });
    if let Err(failure) = attempt {
        if WARNED.with_borrow_mut(|warned| warned.insert(watch.id)) {
            failure
                .within(&format!("watch {} cannot be announced", watch.id))
                .warn();
        }
        return Ok(Attempt::Below);
    }
    Ok(outcome)
}

/// Removes what belongs to relations that were dropped.
///
/// # Errors
/// As [`sweep`].
pub fn forget_dropped() -> Result<()> {
    prune::forget_dropped()
}
