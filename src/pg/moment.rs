//! What a look-up in the extension's tables depends on: who looks, and what he sees.

use super::call::Call;
use super::error::{Failure, Result};
use super::table::Cell;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

/// PostgreSQL's own functions, called directly: they only read variables, and a guard against their
/// errors would cost more than they do.
mod unguarded {
    use pgrx::pg_sys;

    #[allow(clashing_extern_declarations, reason = "declared with a guard by pgrx")]
    unsafe extern "C-unwind" {
        pub safe fn ActiveSnapshotSet() -> bool;
        /// Only where one is set.
        pub fn GetActiveSnapshot() -> pg_sys::Snapshot;
        pub safe fn GetUserId() -> pg_sys::Oid;
        pub safe fn GetTopTransactionIdIfAny() -> pg_sys::TransactionId;
        pub safe fn GetCurrentSubTransactionId() -> pg_sys::SubTransactionId;
    }
}

/// Who looks, under which snapshot, after which changes of the catalog. Two looks at equal moments
/// see the same.
///
/// Snapshots are compared by what they hold. Of a given `xmin`, `xmax` and number of running
/// transactions there is one only, as nothing below `xmax` can start any more; `curcid` counts this
/// transaction's own commands. What the transaction did itself and then undid shows in its own
/// number, in that of the subtransaction (a savepoint that is rolled back to gets a new one) and in
/// the generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    user: u32,
    xmin: u32,
    xmax: u32,
    running: u32,
    running_sub: i32,
    command: u32,
    overflowed: bool,
    recovery: bool,
    transaction: u32,
    subtransaction: u32,
    generation: u64,
}

impl Moment {
    /// The present one.
    ///
    /// # Errors
    /// XX000 where no statement is running.
    #[inline]
    pub fn now() -> Result<Self> {
        if !unguarded::ActiveSnapshotSet() {
            return Err(Failure::internal("no statement is running"));
        }
        // SAFETY: a snapshot is active; it is valid at least until this function returns.
        let snapshot = unsafe { &*unguarded::GetActiveSnapshot() };
        Ok(Self {
            user: unguarded::GetUserId().to_u32(),
            xmin: snapshot.xmin.into_inner(),
            xmax: snapshot.xmax.into_inner(),
            running: snapshot.xcnt,
            running_sub: snapshot.subxcnt,
            command: snapshot.curcid,
            overflowed: snapshot.suboverflowed,
            recovery: snapshot.takenDuringRecovery,
            transaction: unguarded::GetTopTransactionIdIfAny().into_inner(),
            subtransaction: unguarded::GetCurrentSubTransactionId(),
            generation: CATALOG.load(Relaxed),
        })
    }
}

/// Runs work under a snapshot that sees what has been committed by now; under REPEATABLE READ it is the
/// transaction's.
///
/// # Errors
/// Those of `work`.
pub fn under_fresh_snapshot<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // SAFETY: popped below; after an ERROR PostgreSQL does it with the (sub)transaction.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot()) };
    let outcome = work();
    // SAFETY: the one pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    outcome
}

/// Whether the transaction sees the same until it ends: REPEATABLE READ or SERIALIZABLE.
pub fn is_fixed() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

// Plain variables would do: a backend has one thread. Atomics cost the same and need no `unsafe`;
// thread-locals of a shared library are found by a call.

/// Counts changes of the watched tables.
static CATALOG: AtomicU64 = AtomicU64::new(0);
/// Counts changes of any relation.
static RELATIONS: AtomicU64 = AtomicU64::new(0);
static LISTENING: AtomicBool = AtomicBool::new(false);
/// The tables that are watched; zeros until [`watch`] is called.
static WATCHED: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

/// Number of changes of relations that the session was told of: while it stays, no table and no
/// composite type has other columns.
#[inline]
pub fn relation_changes() -> u64 {
    listen();
    RELATIONS.load(Relaxed)
}

/// Hears what sessions that have committed had to say: [`relation_changes`] counts it from now on. A
/// transaction that takes no new lock hears nothing by itself.
pub fn hear() {
    // SAFETY: within a transaction; as whoever opens a relation does.
    unsafe { pg_sys::AcceptInvalidationMessages() };
}

/// Number of changes of the watched tables that the session was told of.
pub fn catalog_changes() -> u64 {
    listen();
    CATALOG.load(Relaxed)
}

/// Watches these tables, and no others.
pub fn watch(tables: [pg_sys::Oid; 3]) {
    listen();
    for (place, table) in WATCHED.iter().zip(tables) {
        place.store(table.to_u32(), Relaxed);
    }
}

#[inline]
fn listen() {
    if !LISTENING.load(Relaxed) {
        register();
    }
}

#[cold]
fn register() {
    LISTENING.store(true, Relaxed);
    // SAFETY: a function that lives as long as the library, registered once a session.
    unsafe { pg_sys::CacheRegisterRelcacheCallback(Some(changed), pg_sys::Datum::from(0)) };
}

/// Called by PostgreSQL for a relation that changed (0: any may have). Must not fail.
unsafe extern "C-unwind" fn changed(_: pg_sys::Datum, relation: pg_sys::Oid) {
    RELATIONS.fetch_add(1, Relaxed);
    let relation = relation.to_u32();
    if relation == 0
        || WATCHED
            .iter()
            .any(|watched| watched.load(Relaxed) == relation)
    {
        CATALOG.fetch_add(1, Relaxed);
    }
}

/// The body of a statement trigger: every session is told, at the end of the transaction, that the
/// trigger's table changed; this one at the end of the command, and again if it is undone.
///
/// # Errors
/// 39P01 where it is not called as a trigger.
pub fn announce(call: &Call) -> Result<Option<Cell>> {
    // SAFETY: a trigger's context is its TriggerData, whose relation is open.
    unsafe {
        if !pgrx::trigger_support::called_as_trigger(call.0) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                "catalog_changed can only be called as a trigger",
            ));
        }
        let trigger: *const pg_sys::TriggerData = (*call.0).context.cast();
        pg_sys::CacheInvalidateRelcacheByRelid((*(*trigger).tg_relation).rd_id);
    }
    // A trigger answers a null pointer, which is not NULL.
    Ok(Some(Cell::from_datum(pg_sys::Datum::from(0))))
}
