//! What is done when the running transaction commits: notifications are sent, a worker is woken, or
//! interrupted.
//!
//! Notifications are kept here until the transaction is about to commit, because PREPARE TRANSACTION
//! refuses one that has notified already. A transaction that is prepared writes them to the table
//! `outbox` instead, from where a worker sends them once it has committed. What a savepoint that is
//! rolled back to had asked for is forgotten with it.

use super::background::{self, Interruption};
use super::context;
use super::error::{Failure, Result};
use super::heap_insert::{self, Table};
use super::table::Cell;
use super::{parse, text};
use pgrx::pg_sys;
use pgrx::pg_sys::SubXactEvent::{SUBXACT_EVENT_ABORT_SUB, SUBXACT_EVENT_COMMIT_SUB};
use pgrx::pg_sys::XactEvent::{
    XACT_EVENT_ABORT, XACT_EVENT_COMMIT, XACT_EVENT_PRE_COMMIT, XACT_EVENT_PRE_PREPARE,
    XACT_EVENT_PREPARE,
};
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// `NOTIFY_PAYLOAD_MAX_LENGTH` of `async.c`.
const PAYLOAD_LIMIT: usize = (pg_sys::BLCKSZ - pg_sys::NAMEDATALEN - 128) as usize;

unsafe extern "C-unwind" {
    fn Async_Notify(channel: *const c_char, payload: *const c_char);
}

/// A notification of the running transaction, in the database's encoding.
struct Notification {
    channel: CString,
    payload: CString,
    /// The subtransaction that asked for it, or the one it has become part of.
    subtransaction: pg_sys::SubTransactionId,
}

/// How a worker is started: by the room that knows workers, see [`set_launcher`].
#[derive(Debug, Clone, Copy)]
pub struct Launcher {
    /// Before the commit, where errors are still allowed: gets everything ready.
    pub prepare: fn() -> Result<()>,
    /// After the commit. It must not allocate, raise or panic: an ERROR there is a PANIC of the server.
    pub launch: fn(),
}

static LAUNCHER: OnceLock<Launcher> = OnceLock::new();
static LISTENING: AtomicBool = AtomicBool::new(false);
/// A worker is wanted when the transaction commits.
static WAKE: AtomicBool = AtomicBool::new(false);
/// It has been prepared.
static READY: AtomicBool = AtomicBool::new(false);
/// Transactions and subtransactions of this session that were rolled back.
static ROLLBACKS: AtomicU64 = AtomicU64::new(0);
static PENDING: Mutex<Vec<Notification>> = Mutex::new(Vec::new());
/// Processes to be interrupted.
static INTERRUPTED: Mutex<Vec<Interrupt>> = Mutex::new(Vec::new());

/// A process to be interrupted.
#[derive(Debug, Clone, Copy)]
struct Interrupt {
    process: i32,
    how: Interruption,
    /// The process may be at something else after this time.
    until: Instant,
    /// The subtransaction that asked for it, or the one it has become part of.
    subtransaction: pg_sys::SubTransactionId,
}

/// Says how a worker is started; the first one to say so counts.
pub fn set_launcher(launcher: Launcher) {
    let _ = LAUNCHER.set(launcher);
}

/// Notifies the listeners of a channel when the transaction commits; the same notification twice is sent
/// once. Where the transaction is prepared instead, it goes to the outbox.
///
/// # Errors
/// 22023 for a channel or a payload that NOTIFY would refuse.
pub fn notify(channel: &str, payload: &str) -> Result<()> {
    if channel.is_empty() || channel.len() >= pg_sys::NAMEDATALEN as usize {
        return Err(Failure::parameter(format!(
            "channel name \"{channel}\" is empty or longer than {} bytes",
            pg_sys::NAMEDATALEN - 1
        )));
    }
    if payload.len() >= PAYLOAD_LIMIT {
        return Err(Failure::parameter(format!(
            "payload of {} bytes for channel \"{channel}\" is too long",
            payload.len()
        )));
    }
    listen();
    let notification = Notification {
        channel: server_text(channel)?,
        payload: server_text(payload)?,
        // SAFETY: reads a variable of the backend.
        subtransaction: unsafe { pg_sys::GetCurrentSubTransactionId() },
    };
    pending().push(notification);
    Ok(())
}

/// Starts a worker, or wakes those that run, when the transaction has been committed or prepared. A
/// savepoint that is rolled back to does not take it back: a worker that finds nothing to do ends.
pub fn wake_worker() {
    listen();
    WAKE.store(true, Relaxed);
}

/// Interrupts what another process does when the transaction commits: for a
/// process that goes on to no other work for `patience`. Not where the transaction commits later than that, or
/// is prepared.
pub fn interrupt(process: i32, how: Interruption, patience: Duration) {
    listen();
    interrupted().push(Interrupt {
        process,
        how,
        until: Instant::now() + patience,
        // SAFETY: reads a variable of the backend.
        subtransaction: unsafe { pg_sys::GetCurrentSubTransactionId() },
    });
}

/// Number of transactions and savepoints of this session that were rolled back: while it stays, what the
/// session wrote is there.
pub fn rollbacks() -> u64 {
    listen();
    ROLLBACKS.load(Relaxed)
}

fn server_text(text: &str) -> Result<CString> {
    let whole = parse::c_string(text)?;
    CString::new(text::server_bytes(text)).or(Ok(whole))
}

fn interrupted() -> MutexGuard<'static, Vec<Interrupt>> {
    INTERRUPTED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pending() -> MutexGuard<'static, Vec<Notification>> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen() {
    if !LISTENING.swap(true, Relaxed) {
        // SAFETY: functions that live as long as the library, registered once a session.
        unsafe {
            pg_sys::RegisterXactCallback(Some(transaction), std::ptr::null_mut());
            pg_sys::RegisterSubXactCallback(Some(subtransaction), std::ptr::null_mut());
        }
    }
}

/// Called by PostgreSQL at the end of each transaction. What is done once it has ended frees and sets
/// variables, and calls [`Launcher::launch`]: nothing that could fail.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn transaction(event: pg_sys::XactEvent::Type, _argument: *mut c_void) {
    match event {
        XACT_EVENT_PRE_COMMIT => {
            send();
            prepare_launch();
        }
        XACT_EVENT_PRE_PREPARE => {
            if let Err(failure) = to_outbox() {
                failure.raise();
            }
            prepare_launch();
        }
        XACT_EVENT_COMMIT => {
            let now = Instant::now();
            for interrupt in interrupted().drain(..).filter(|one| now < one.until) {
                background::interrupt(interrupt.process, interrupt.how);
            }
            launch();
            forget();
        }
        XACT_EVENT_PREPARE => {
            // What becomes of it is not known here: the worker looks.
            ROLLBACKS.fetch_add(1, Relaxed);
            launch();
            forget();
        }
        XACT_EVENT_ABORT => {
            ROLLBACKS.fetch_add(1, Relaxed);
            forget();
        }
        _ => {}
    }
}

fn send() {
    let notifications = std::mem::take(&mut *pending());
    for notification in &notifications {
        let (channel, payload) = (&notification.channel, &notification.payload);
        // SAFETY: copies two NUL-terminated texts, whose lengths `notify` has checked.
        unsafe {
            pgrx::pg_sys::ffi::pg_guard_ffi_boundary(|| {
                Async_Notify(channel.as_ptr(), payload.as_ptr());
            });
        }
    }
}

fn prepare_launch() {
    if WAKE.load(Relaxed)
        && let Some(launcher) = LAUNCHER.get()
    {
        if let Err(failure) = (launcher.prepare)() {
            failure.raise();
        }
        READY.store(true, Relaxed);
    }
}

fn launch() {
    if READY.load(Relaxed)
        && let Some(launcher) = LAUNCHER.get()
    {
        (launcher.launch)();
    }
}

fn forget() {
    WAKE.store(false, Relaxed);
    READY.store(false, Relaxed);
    pending().clear();
    interrupted().clear();
}

/// Keeps the notifications of a transaction that is being prepared for who finds them committed.
fn to_outbox() -> Result<()> {
    let notifications = std::mem::take(&mut *pending());
    if notifications.is_empty() {
        return Ok(());
    }
    wake_worker();
    let schema = context::extension_namespace()?;
    let outbox = Table::find(schema, c"outbox")?;
    let numbers = outbox.identity(c"outbox_id")?;
    for notification in &notifications {
        outbox.insert(&[
            (c"outbox_id", Cell::BigInt(heap_insert::next_value(numbers))),
            (c"channel", text_cell(&notification.channel)),
            (c"payload", text_cell(&notification.payload)),
        ])?;
    }
    Ok(())
}

fn text_cell(text: &CStr) -> Cell {
    // SAFETY: copies a NUL-terminated text of the database's encoding.
    Cell::typed(
        unsafe { pg_sys::cstring_to_text(text.as_ptr()).into() },
        pg_sys::TEXTOID,
    )
}

/// Called by PostgreSQL at the end of each subtransaction.
unsafe extern "C-unwind" fn subtransaction(
    event: pg_sys::SubXactEvent::Type,
    own: pg_sys::SubTransactionId,
    parent: pg_sys::SubTransactionId,
    _: *mut c_void,
) {
    match event {
        SUBXACT_EVENT_ABORT_SUB => {
            ROLLBACKS.fetch_add(1, Relaxed);
            pending().retain(|pending| pending.subtransaction != own);
            interrupted().retain(|interrupt| interrupt.subtransaction != own);
        }
        SUBXACT_EVENT_COMMIT_SUB => {
            for pending in pending().iter_mut() {
                if pending.subtransaction == own {
                    pending.subtransaction = parent;
                }
            }
            for interrupt in interrupted().iter_mut() {
                if interrupt.subtransaction == own {
                    interrupt.subtransaction = parent;
                }
            }
        }
        _ => {}
    }
}
