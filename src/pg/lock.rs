//! Locks of the extension's own, each on a name.
//!
//! They are tagged `userlock`, which no function of PostgreSQL makes: `pg_advisory_lock` and its kin
//! cannot take, wait for or release one, as theirs are tagged `advisory`. They belong to the lock method of
//! advisory locks, whose session-level locks outlive an aborted transaction.
//!
//! Of everything in SQL only `pg_advisory_unlock_all()` (and `DISCARD ALL`) reaches them: it drops all
//! session-level locks of the method. A transaction-level lock on the same name is beyond its reach, so a
//! process that holds session-level locks runs others' code behind a [`shield`].
//!
//! A transaction that holds both levels of one lock cannot be prepared. Sessions of users take
//! transaction-level locks only; these go with a prepared transaction until it is resolved.

use pgrx::pg_sys;
use pgrx::pg_sys::LockAcquireResult::{LOCKACQUIRE_ALREADY_HELD, LOCKACQUIRE_OK};
use std::cell::RefCell;
use std::marker::PhantomData;

const MODE: pg_sys::LOCKMODE = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;

/// What is locked, in the current database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// The counting of a watch; by its relation where the watch has no number (0).
    Watch(i64, pg_sys::Oid),
    /// The queued jobs of a model. Two models may share a lock, at odds of 1 to 2^64.
    Model(&'a str),
    /// The process that runs a job.
    Job(i64),
    /// One of the `pglearn.max_workers` places of workers, from 0.
    Seat(i32),
    /// The counting of what logical replication changes in a relation.
    Poll(pg_sys::Oid),
    /// The deletion of what is not needed any more.
    Pruning,
}

impl Name<'_> {
    fn tag(self) -> pg_sys::LOCKTAG {
        let (kind, number) = match self {
            Self::Watch(0, relation) => (1, u64::from(relation.to_u32())),
            Self::Watch(id, _) => (2, id as u64),
            Self::Model(name) => (3, hash(name)),
            Self::Job(id) => (4, id as u64),
            Self::Seat(place) => (5, u64::from(place as u32)),
            Self::Poll(relation) => (6, u64::from(relation.to_u32())),
            Self::Pruning => (7, 0),
        };
        // SAFETY: set when the session starts.
        let database = unsafe { pg_sys::MyDatabaseId };
        pg_sys::LOCKTAG {
            locktag_field1: database.to_u32(),
            locktag_field2: (number >> 32) as u32,
            locktag_field3: number as u32,
            locktag_field4: kind,
            locktag_type: pg_sys::LockTagType::LOCKTAG_USERLOCK as u8,
            locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
        }
    }
}

/// FNV-1a (Fowler, Noll, Vo 1991), the same in every process.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Takes a lock until the transaction or the subtransaction ends, if nobody else holds it, and says
/// whether. It never waits; where the server's table of locks is full, it answers no.
pub fn try_for_transaction(name: Name<'_>) -> bool {
    acquire(&name.tag(), false).is_some()
}

/// Whether this session holds a lock, at either level.
pub fn is_held(name: Name<'_>) -> bool {
    let tag = name.tag();
    // SAFETY: looks into this process's own account of its locks.
    unsafe {
        pg_sys::LockHeldByMe(
            &tag,
            MODE,
            #[cfg(any(feature = "pg17", feature = "pg18"))]
            false,
        )
    }
}

/// Gives a lock of the running transaction back before its end, once for each time it was taken, in the
/// statement that took it.
pub fn release_for_transaction(name: Name<'_>) {
    let tag = name.tag();
    // SAFETY: a lock that is not held is a WARNING.
    unsafe { pg_sys::LockRelease(&tag, MODE, false) };
}

/// A lock of the session: it outlives transactions, aborted ones too, and ends when it is dropped or the
/// process exits, in whatever way.
#[derive(Debug)]
pub struct SessionLock {
    tag: pg_sys::LOCKTAG,
    /// Belongs to the session's own thread.
    session: PhantomData<*const ()>,
}

thread_local! {
    /// The session's locks.
    static HELD: RefCell<Vec<pg_sys::LOCKTAG>> = const { RefCell::new(Vec::new()) };
    /// Those that the running transaction holds too, with this process's account of each.
    static SHIELDED: RefCell<Vec<(pg_sys::LOCKTAG, *mut pg_sys::LOCALLOCK)>> =
        const { RefCell::new(Vec::new()) };
}

/// Takes a lock for the session, if nobody holds it, this session included. It never waits.
pub fn try_for_session(name: Name<'_>) -> Option<SessionLock> {
    if is_held(name) {
        return None;
    }
    let tag = name.tag();
    acquire(&tag, true)?;
    HELD.with_borrow_mut(|held| held.push(tag));
    Some(SessionLock {
        tag,
        session: PhantomData,
    })
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        HELD.with_borrow_mut(|held| held.retain(|other| !same(other, &self.tag)));
        // SAFETY: held by the session; a lock that is not is a WARNING.
        unsafe { pg_sys::LockRelease(&self.tag, MODE, true) };
    }
}

/// The process that holds a lock, 0 for a prepared transaction; `None` where nobody does.
pub fn holder(name: Name<'_>) -> Option<i32> {
    let tag = name.tag();
    // SAFETY: a copy of the table of locks in the current memory context, with as many elements as it
    // says.
    unsafe {
        let data = pg_sys::GetLockStatusData();
        let count = usize::try_from((*data).nelements).unwrap_or(0);
        let locks: &[pg_sys::LockInstanceData] = match count {
            0 => &[],
            count => std::slice::from_raw_parts((*data).locks, count),
        };
        locks
            .iter()
            .find(|lock| lock.holdMask != 0 && same(&lock.locktag, &tag))
            .map(|lock| lock.pid)
    }
}

/// Has the running transaction hold the session's locks too, so that nothing that runs in it can give them
/// away. To be called when a transaction has started, and [`unshield`] right before it is committed or
/// aborted.
pub fn shield() {
    let held = HELD.with_borrow(Clone::clone);
    let shielded = |tag| acquire(&tag, false).map(|local| (tag, local));
    SHIELDED.set(held.into_iter().filter_map(shielded).collect());
}

/// Gives the session again what it has lost since [`shield`]. Nothing here can fail or wait: the
/// transaction holds the locks until its end, so that only this process's own account of them changes.
pub fn unshield() {
    for (tag, local) in SHIELDED.take() {
        let held = HELD.with_borrow(|held| held.iter().any(|other| same(other, &tag)));
        // SAFETY: the entry stays while the transaction holds the lock; it has as many owners as it
        // says, and the session is the one without a resource owner.
        let lost = unsafe {
            let count = usize::try_from((*local).numLockOwners).unwrap_or(0);
            let owners = match count {
                0 => &[],
                count => std::slice::from_raw_parts((*local).lockOwners, count),
            };
            !owners.iter().any(|owner| owner.owner.is_null())
        };
        if held && lost {
            acquire(&tag, true);
        }
    }
}

/// Releases the advisory locks that code of others has left with the session; to be called behind a
/// [`shield`], which keeps the session's own.
pub fn release_advisory() {
    // SAFETY: what pg_advisory_unlock_all() does.
    unsafe { pg_sys::LockReleaseSession(pg_sys::USER_LOCKMETHOD as pg_sys::LOCKMETHODID) };
}

/// Takes a lock if it can be had at once.
fn acquire(tag: &pg_sys::LOCKTAG, session: bool) -> Option<*mut pg_sys::LOCALLOCK> {
    let mut local = std::ptr::null_mut();
    // SAFETY: a tag of a kind that PostgreSQL knows, copied; no wait, and no error for a full table.
    let result = unsafe {
        pg_sys::LockAcquireExtended(
            tag,
            MODE,
            session,
            true,
            false,
            &mut local,
            #[cfg(feature = "pg18")]
            false,
        )
    };
    matches!(result, LOCKACQUIRE_OK | LOCKACQUIRE_ALREADY_HELD).then_some(local)
}

fn same(one: &pg_sys::LOCKTAG, other: &pg_sys::LOCKTAG) -> bool {
    let parts = |tag: &pg_sys::LOCKTAG| {
        (
            tag.locktag_field1,
            tag.locktag_field2,
            tag.locktag_field3,
            tag.locktag_field4,
            tag.locktag_type,
            tag.locktag_lockmethodid,
        )
    };
    parts(one) == parts(other)
}
