//! Work that nobody is told of any more: what a crash or a restart of a server without a launcher left, or
//! a transaction that another session prepared and committed. Whoever writes next has a worker look at it.

use super::super::home::home;
use crate::pg::at_commit;
use crate::pg::catalog_scan::{Indexed, Key, Order, Present, Scan};
use crate::pg::context::extension_namespace;
use crate::pg::error::Result;
use crate::pg::lock::{self, Name};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often a session looks; its first counted statement does.
const INTERVAL: Duration = Duration::from_secs(60);

thread_local! {
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Wakes a worker at the commit where there is something left, if this session has not looked just now.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn look() -> Result<()> {
    if LAST.get().is_some_and(|last| last.elapsed() < INTERVAL) {
        return Ok(());
    }
    LAST.set(Some(Instant::now()));
    if is_anything_left()? {
        at_commit::wake_worker();
    }
    Ok(())
}

fn is_anything_left() -> Result<bool> {
    let schema = extension_namespace()?;
    let outbox = Indexed::find(schema, c"outbox", c"outbox_pkey")?;
    let mut unsent = Scan::present(outbox, &[], Order::Forward, Present::Committed);
    if unsent.next().is_some() {
        return Ok(true);
    }
    let jobs = Indexed::find(schema, c"jobs", c"jobs_by_state")?;
    let (state, id) = (jobs.column(c"state")?, jobs.column(c"job_id")?);
    let of_this_database = jobs.column(c"home")?;
    let own = home();
    for word in ["running", "queued"] {
        let keys = [(state, Key::Text(word))];
        let mut scan = Scan::present(jobs, &keys, Order::Forward, Present::Committed);
        while let Some(row) = scan.next() {
            let is_orphan =
                || word == "queued" || lock::holder(Name::Job(row.big_int(id))).is_none();
            if row.big_int(of_this_database) == own && is_orphan() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
