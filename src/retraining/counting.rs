//! How many rows have changed since the latest announcement of a watch: without a counter that writers
//! would wait for.
//!
//! Each statement adds a row to `change_log`. An announcement keeps the snapshot under which it counted;
//! what that snapshot does not see is still to be counted, so that each row is counted once, whatever the
//! order in which transactions commit. Of the announcement's own transaction it is what came after it.
//!
//! A session remembers up to which snapshot it has added up what others committed, and reads from the
//! index what is newer. What is running there is read again the next time; it is counted apart, as
//! unresolved. Of its own transaction's rows the session keeps the sum.

use super::tables::Tables;
use super::watches::Watch;
use crate::pg::at_commit;
use crate::pg::catalog_scan::{Key, Order, Present, Scan};
use crate::pg::error::Result;
use crate::pg::snapshot::{FullXid, Snapshot, own_transaction, xid_cell};
use crate::pg::table::Cell;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;

/// Rows of the log that are worth adding up: reading them takes some milliseconds.
pub const MANY: u64 = 10_000;
/// Watches whose sums a session remembers.
const REMEMBERED: usize = 4096;

/// Transactions before the end of a snapshot that are read over where one of them was running.
const NEAR: FullXid = 32;

/// The latest announcement of a watch: from where is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Its number.
    pub id: i64,
    /// Its transaction.
    pub xid: FullXid,
    /// The last event of its transaction that it counted.
    pub event: i64,
    /// What else it counted.
    pub snapshot: Snapshot,
}

impl Mark {
    /// As it has been committed by now, or made by this transaction.
    pub fn latest(tables: &Tables, watch: &Watch) -> Option<Self> {
        let columns = &tables.latest;
        let keys = [
            (columns.watch, Key::BigInt(watch.id)),
            (columns.relation, Key::Oid(watch.relation)),
        ];
        let order = Order::Backward;
        let mut scan = Scan::present(columns.index, &keys, order, Present::Committed);
        scan.next().map(|row| Self {
            id: row.big_int(columns.id),
            xid: row.xid(columns.xid),
            event: row.big_int(columns.event),
            snapshot: row.snapshot(columns.snapshot).unwrap_or_default(),
        })
    }

    /// Whether it has not counted an event.
    fn leaves(&self, xid: FullXid, event: i64) -> bool {
        if xid == self.xid {
            event > self.event
        } else {
            !self.snapshot.sees(xid)
        }
    }
}

/// Rows that changed since an announcement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// By transactions that have been committed.
    pub committed: i64,
    /// By this transaction.
    pub own: i64,
    /// By transactions of others that are running or prepared.
    pub unresolved: i64,
    /// The last event of this transaction, or 0.
    pub last_own_event: i64,
    /// The last event that is counted, or 0.
    pub last_event: i64,
    /// Rows of the log that were read.
    pub entries: u64,
}

impl Count {
    /// What an announcement counts now.
    pub fn due(&self) -> i64 {
        self.committed.saturating_add(self.own)
    }

    /// What it would count if all that runs were committed.
    pub fn at_most(&self) -> i64 {
        self.due().saturating_add(self.unresolved)
    }
}

/// One reading of the log of a watch.
struct Reading<'a> {
    tables: &'a Tables,
    watch: &'a Watch,
    mark: Option<&'a Mark>,
    now: &'a Snapshot,
    /// The running transaction, whose rows are not read.
    own: FullXid,
}

impl Reading<'_> {
    /// Adds the rows of other transactions that a snapshot does not see.
    fn others(&self, since: &Snapshot, count: &mut Count) {
        // What came after the announcement in its own transaction, which its snapshot may take for over;
        // a later snapshot that sees the transaction saw all of it.
        let single = self.mark.filter(|mark| mark.snapshot == *since);
        let single = single.map(|mark| mark.xid);
        let single = single.filter(|xid| since.sees(*xid) && *xid != self.own);
        // One scan from the first of the latest transactions that were running, one each for older ones.
        let running = since.running();
        let near = since.end().saturating_sub(NEAR);
        let (far, near) = running.split_at(running.partition_point(|xid| *xid < near));
        let from = near.first().copied().unwrap_or(since.end());
        let unseen = |xid| !since.sees(xid);
        for xid in far.iter().copied().filter(|xid| *xid != self.own) {
            self.scan(Key::Xid(xid), &unseen, count);
        }
        if let Some(xid) = single {
            self.scan(Key::Xid(xid), &|_| true, count);
        }
        if self.scan(Key::XidFrom(from), &unseen, count) {
            self.scan(Key::XidFrom(self.own + 1), &unseen, count);
        }
    }

    /// Adds rows of others that are wanted; whether it ended at rows of the running transaction.
    fn scan(&self, xids: Key<'_>, wanted: &dyn Fn(FullXid) -> bool, count: &mut Count) -> bool {
        let columns = &self.tables.counting;
        let keys = keys(self.tables, self.watch, xids);
        let which = Present::Uncommitted;
        let mut scan = Scan::present(columns.index, &keys, Order::Forward, which);
        while let Some(row) = scan.next() {
            count.entries += 1;
            let (xid, event) = (row.xid(columns.xid), row.big_int(columns.event));
            if xid == self.own {
                return true;
            }
            if !wanted(xid) || self.mark.is_some_and(|mark| !mark.leaves(xid, event)) {
                continue;
            }
            let rows = row.big_int(columns.rows);
            if self.now.sees(xid) {
                count.committed = count.committed.saturating_add(rows);
                count.last_event = count.last_event.max(event);
            } else {
                count.unresolved = count.unresolved.saturating_add(rows);
            }
        }
        false
    }

    /// Adds the rows of the running transaction.
    fn own(&self, count: &mut Count) {
        if self.own == 0 {
            return;
        }
        let columns = &self.tables.counting;
        let [watch, relation, xid] = keys(self.tables, self.watch, Key::Xid(self.own));
        let marked = self.mark.filter(|mark| mark.xid == self.own);
        let after = marked.map_or(i64::MIN, |mark| mark.event);
        let keys = [
            watch,
            relation,
            xid,
            (columns.event, Key::BigIntFrom(after)),
        ];
        let which = Present::Committed;
        let mut scan = Scan::present(columns.index, &keys, Order::Forward, which);
        while let Some(row) = scan.next() {
            let event = row.big_int(columns.event);
            if self.mark.is_none_or(|mark| mark.leaves(self.own, event)) {
                count.own = count.own.saturating_add(row.big_int(columns.rows));
                count.last_own_event = count.last_own_event.max(event);
                count.last_event = count.last_event.max(event);
            }
        }
    }
}

fn keys<'a>(tables: &Tables, watch: &Watch, xids: Key<'a>) -> [(i16, Key<'a>); 3] {
    let columns = &tables.counting;
    [
        (columns.watch, Key::BigInt(watch.id)),
        (columns.relation, Key::Oid(watch.relation)),
        (columns.xid, xids),
    ]
}

/// All that changed since an announcement, read anew; `own` is the running transaction, or 0.
pub fn count(
    tables: &Tables,
    watch: &Watch,
    mark: Option<&Mark>,
    now: &Snapshot,
    own: FullXid,
) -> Count {
    let reading = Reading {
        tables,
        watch,
        mark,
        now,
        own,
    };
    let mut count = Count::default();
    let everything = Snapshot::default();
    reading.others(mark.map_or(&everything, |mark| &mark.snapshot), &mut count);
    reading.own(&mut count);
    count
}

/// What a session remembers of a watch.
struct Ledger {
    /// The announcement from which is counted.
    mark: Option<Mark>,
    /// Up to where the transactions of others are added up.
    seen: Snapshot,
    /// Their sum.
    committed: i64,
    /// The session's transaction.
    transaction: FullXid,
    /// Its sum, what it has taken back included.
    own: i64,
    /// The number of rollbacks at which nothing of it had been taken back.
    rollbacks: u64,
    /// The announcement was made by a transaction of this session that ran when it was read.
    provisional: bool,
}

thread_local! {
    static LEDGERS: RefCell<Ledgers> = RefCell::default();
}

#[derive(Default)]
struct Ledgers {
    change_log: Oid,
    by_watch: HashMap<(i64, Oid), Ledger>,
}

impl Ledgers {
    /// Takes a ledger out: after an ERROR it is not there any more and is made anew.
    fn take(tables: &Tables, watch: &Watch) -> Option<Ledger> {
        LEDGERS.with_borrow_mut(|ledgers| {
            if ledgers.change_log != tables.change_log.oid() {
                // The extension was created anew, and its numbers begin from 1.
                *ledgers = Self {
                    change_log: tables.change_log.oid(),
                    ..Self::default()
                };
            }
            ledgers.by_watch.remove(&(watch.id, watch.relation))
        })
    }

    fn put(watch: &Watch, ledger: Ledger) {
        LEDGERS.with_borrow_mut(|ledgers| {
            if ledgers.by_watch.len() >= REMEMBERED {
                ledgers.by_watch.clear();
            }
            ledgers.by_watch.insert((watch.id, watch.relation), ledger);
        });
    }
}

impl Ledger {
    /// Everything read anew.
    fn read(tables: &Tables, watch: &Watch, own: FullXid) -> (Self, Count) {
        let rollbacks = at_commit::rollbacks();
        let mark = Mark::latest(tables, watch);
        let now = Snapshot::latest();
        let count = count(tables, watch, mark.as_ref(), &now, own);
        let ledger = Self {
            provisional: mark.as_ref().is_some_and(|mark| mark.xid == own),
            mark,
            seen: now,
            committed: count.committed,
            transaction: own,
            own: count.own,
            rollbacks,
        };
        (ledger, count)
    }

    /// Reads what has been committed since the last time.
    fn update(&mut self, tables: &Tables, watch: &Watch, own: FullXid) -> Count {
        let now = Snapshot::latest();
        let reading = Reading {
            tables,
            watch,
            mark: self.mark.as_ref(),
            now: &now,
            own,
        };
        let mut count = Count {
            committed: self.committed,
            ..Count::default()
        };
        reading.others(&self.seen, &mut count);
        if self.transaction != own {
            (self.transaction, self.own) = (own, 0);
            self.rollbacks = at_commit::rollbacks();
        }
        count.own = self.own;
        (self.seen, self.committed) = (now, count.committed);
        count
    }

    /// Reads the session's own rows anew, if some may have been taken back.
    fn correct(&mut self, tables: &Tables, watch: &Watch, count: &mut Count) {
        let rollbacks = at_commit::rollbacks();
        if self.rollbacks == rollbacks {
            return;
        }
        count.own = 0;
        let reading = Reading {
            tables,
            watch,
            mark: self.mark.as_ref(),
            now: &self.seen,
            own: self.transaction,
        };
        reading.own(count);
        (self.own, self.rollbacks) = (count.own, rollbacks);
    }

    /// Whether the announcement it counts from is still the latest one.
    fn is_current(&self, tables: &Tables, watch: &Watch) -> bool {
        let latest = Mark::latest(tables, watch).map(|mark| mark.id);
        latest == self.mark.as_ref().map(|mark| mark.id)
    }

    /// Whether the announcement it counts from may have been undone.
    fn is_doubtful(&self) -> bool {
        self.provisional && self.rollbacks != at_commit::rollbacks()
    }
}

/// Writes an event of the running transaction into the log of a watch; what has changed since the latest
/// announcement then. It may be more than has, as long as it is not above the threshold: an announcement
/// made by others is looked for only then.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn add(tables: &Tables, watch: &Watch, event: i64, rows: i64) -> Result<Count> {
    let own = own_transaction();
    let known = Ledgers::take(tables, watch)
        .filter(|ledger| !ledger.is_doubtful() || ledger.is_current(tables, watch));
    let (mut ledger, mut count) = match known {
        Some(mut ledger) => {
            let count = ledger.update(tables, watch, own);
            (ledger, count)
        }
        None => {
            let (ledger, count) = Ledger::read(tables, watch, own);
            if count.entries > MANY {
                // Each new session would read them all: a worker adds them up.
                at_commit::wake_worker();
            }
            (ledger, count)
        }
    };
    if count.at_most().saturating_add(rows) > watch.threshold {
        if ledger.is_current(tables, watch) {
            ledger.correct(tables, watch, &mut count);
        } else {
            (ledger, count) = Ledger::read(tables, watch, own);
        }
    }
    tables.change_log.insert(&[
        (c"watch_id", Cell::BigInt(watch.id)),
        (c"relation", Cell::Oid(watch.relation)),
        (c"xid", xid_cell(own)),
        (c"event_id", Cell::BigInt(event)),
        (c"row_count", Cell::BigInt(rows)),
    ])?;
    ledger.own = ledger.own.saturating_add(rows);
    count.own = ledger.own;
    Ledgers::put(watch, ledger);
    Ok(count)
}

/// Forgets what the session remembers of a watch: an announcement was made in it.
pub fn forget(tables: &Tables, watch: &Watch) {
    drop(Ledgers::take(tables, watch));
}
