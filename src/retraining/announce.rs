//! More rows than the threshold have changed: that is written down, sent to listeners, and a retraining
//! is queued.
//!
//! Only one transaction at a time announces for a watch; nobody waits for it. Who finds the lock taken
//! leaves the matter to the worker that it asks for, and so does a writer whose rows and those of
//! transactions that are still running are too many together only.

use super::counting::{self, Count, MANY, Mark};
use super::queue::{self, Kind, NewJob};
use super::tables::Tables;
use super::watches::Watch;
use crate::pg::at_commit;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::heap_insert::{clock_timestamp, next_value, text_cell};
use crate::pg::lock::{self, Name};
use crate::pg::parse::quoted_name;
use crate::pg::relation::name_parts;
use crate::pg::snapshot::{Snapshot, own_transaction, own_transaction_if_any, xid_cell};
use crate::pg::table::Cell as Value;
use crate::settings;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long a session does without asking for a worker again because of what is unresolved.
const PAUSE: Duration = Duration::from_millis(100);

thread_local! {
    /// When this session has asked for one, and how many rollbacks it had seen then.
    static ASKED: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
    /// Watches whose models could not be retrained the last time, as this session has logged.
    static LOGGED: RefCell<HashSet<i64>> = RefCell::default();
}

/// What an attempt to announce came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Not more than the threshold has changed.
    Below,
    /// Nor has it been committed, but it will be if all that runs is; or another transaction is
    /// announcing. It is to be tried again soon.
    Unresolved,
    /// It was announced.
    Announced,
}

/// Announces what is due for a watch, counted under a fresh snapshot.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn announce_due(watch: &Watch) -> Result<Attempt> {
    let name = Name::Watch(watch.id, watch.relation);
    if !lock::try_for_transaction(name) {
        return Ok(Attempt::Unresolved);
    }
    let tables = Tables::get()?;
    // With the lock held: an announcement of others has been committed, and is seen by both.
    let now = Snapshot::latest();
    let mark = Mark::latest(&tables, watch);
    let own = own_transaction_if_any();
    let count = counting::count(&tables, watch, mark.as_ref(), &now, own);
    if count.due() <= watch.threshold {
        if own == 0 && count.entries > MANY {
            return carry_over(&tables, watch, &count, &now);
        }
        lock::release_for_transaction(name);
        return Ok(below(watch, &count));
    }
    // Somebody else is queueing a job of the model, perhaps the one that this announcement would ask for.
    let model = watch.model.as_deref();
    if model.is_some_and(|model| !lock::try_for_transaction(Name::Model(model))) {
        lock::release_for_transaction(name);
        return Ok(Attempt::Unresolved);
    }
    // What an announcement of this transaction has counted, the next one has counted too.
    let counted = mark.filter(|mark| mark.xid == own).map(|mark| mark.event);
    let own_event = count.last_own_event.max(counted.unwrap_or(0));
    announce(&tables, watch, &count, own_event, &now)?;
    Ok(Attempt::Announced)
}

/// What is to be said where the threshold is not exceeded.
fn below(watch: &Watch, count: &Count) -> Attempt {
    match count.at_most() > watch.threshold {
        true => Attempt::Unresolved,
        false => Attempt::Below,
    }
}

/// Adds up a long log in a single row, so that who counts next does not read it all again: an announcement
/// to nobody counts what is there, and the row that follows it is that number. Sessions that have counted
/// the long log add the row to it, and find out when they look for the latest announcement, before
/// anything comes of it.
///
/// Only in a transaction that has written nothing: all that is counted was committed by others.
fn carry_over(tables: &Tables, watch: &Watch, count: &Count, now: &Snapshot) -> Result<Attempt> {
    let own = own_transaction();
    mark(tables, watch, now, &Announced::default())?;
    tables.change_log.insert(&[
        (c"watch_id", Value::BigInt(watch.id)),
        (c"relation", Value::Oid(watch.relation)),
        (c"xid", xid_cell(own)),
        (c"event_id", Value::BigInt(count.last_event)),
        (c"row_count", Value::BigInt(count.committed)),
    ])?;
    counting::forget(tables, watch);
    Ok(below(watch, count))
}

/// What a writer does when its statement has been counted.
///
/// # Errors
/// As [`announce_due`].
pub fn counted(watch: &Watch, count: &Count) -> Result<()> {
    if count.at_most() <= watch.threshold {
        return Ok(());
    }
    let due = count.due() > watch.threshold;
    if !due || announce_due(watch)? == Attempt::Unresolved {
        ask_worker();
    }
    Ok(())
}

/// Has a worker look at what is unresolved, unless this session has had one look just now: that one goes on
/// looking as long as anything is unresolved, and stays a while when nothing is.
fn ask_worker() {
    let rollbacks = at_commit::rollbacks();
    let pause = PAUSE.min(settings::worker_idle_timeout() / 2);
    let lately = ASKED.get().is_some_and(|(when, then)| {
        // What was asked for in a transaction that was rolled back was not done.
        then == rollbacks && when.elapsed() < pause
    });
    if !lately {
        ASKED.set(Some((Instant::now(), rollbacks)));
        at_commit::wake_worker();
    }
}

fn announce(
    tables: &Tables,
    watch: &Watch,
    count: &Count,
    own_event: i64,
    now: &Snapshot,
) -> Result<()> {
    let Some((schema, table)) = name_parts(watch.relation) else {
        // Dropped: nobody would know it.
        return Ok(());
    };
    let (job, error) = match queue_job(watch) {
        Ok(job) => (job, None),
        Err(failure) => (None, Some(give_up(watch, failure))),
    };
    let payload = format!(
        r#"{{"table": {}, "schema": {}, "count": {}, "event_id": {}}}"#,
        json!(table),
        json!(schema),
        count.due(),
        count.last_event,
    );
    let announced = Announced {
        own_event: Some(own_event).filter(|event| *event > 0),
        rows: count.due(),
        sent: Some((&watch.channel, &payload)),
        job,
        error: error.as_deref(),
    };
    mark(tables, watch, now, &announced)?;
    counting::forget(tables, watch);
    at_commit::notify(&watch.channel, &payload)
}

/// A row of `announcements`.
#[derive(Default)]
struct Announced<'a> {
    /// The last event of the running transaction that it counts.
    own_event: Option<i64>,
    /// Rows that it counts.
    rows: i64,
    /// Channel and payload.
    sent: Option<(&'a str, &'a str)>,
    /// The job that was queued.
    job: Option<i64>,
    /// Why none was.
    error: Option<&'a str>,
}

/// Writes from where is counted from now on.
fn mark(tables: &Tables, watch: &Watch, now: &Snapshot, announced: &Announced<'_>) -> Result<()> {
    let text = |text: Option<&str>| text.map_or(Value::Null, text_cell);
    let number = |number: Option<i64>| number.map_or(Value::Null, Value::BigInt);
    tables.announcements.insert(&[
        (
            c"announcement_id",
            Value::BigInt(next_value(tables.announcement_numbers)),
        ),
        (c"watch_id", Value::BigInt(watch.id)),
        (c"relation", Value::Oid(watch.relation)),
        (c"event_id", number(announced.own_event)),
        (c"row_count", Value::BigInt(announced.rows)),
        (c"xid", xid_cell(own_transaction())),
        (c"snapshot", now.cell()),
        (c"channel", text(announced.sent.map(|(channel, _)| channel))),
        (c"payload", text(announced.sent.map(|(_, payload)| payload))),
        (c"job_id", number(announced.job)),
        (c"error", text(announced.error)),
        (c"announced_at", clock_timestamp()),
    ])
}

/// Queues the retraining that a watch asks for; its number, where it is a new one.
///
/// # Errors
/// Those of [`queue::enqueue`], before anything is written.
fn queue_job(watch: &Watch) -> Result<Option<i64>> {
    let Some(model) = watch.model.as_deref() else {
        return Ok(None);
    };
    let gate = watch
        .gate
        .as_deref()
        .and_then(|gate| serde_json::from_str(gate).ok());
    let payload = gate.map_or_else(
        || json!({}),
        |gate: serde_json::Value| json!({ "gate": gate }),
    );
    let queued = queue::enqueue(&NewJob {
        watch_id: Some(watch.id),
        min_interval: Some(&watch.min_interval),
        ..NewJob::new(Kind::Retrain, model, watch.owner, &payload)
    })?;
    LOGGED.with_borrow_mut(|logged| logged.remove(&watch.id));
    Ok(queued.created.then_some(queued.job_id))
}

/// A model that cannot be trained any more is no reason to refuse the rows, and no business of who writes
/// them: the server's log says it, once a session, and the announcement to those who may see the watch.
/// Gives what is kept there.
fn give_up(watch: &Watch, failure: Failure) -> String {
    let error = failure.message().to_owned();
    if LOGGED.with_borrow_mut(|logged| logged.insert(watch.id)) {
        failure
            .within(&format!(
                "watch {} cannot have its model retrained",
                watch.id
            ))
            .hint(format!(
                "It is tried again at its next announcement. To end it: SELECT {}.unwatch({});",
                extension_schema(),
                pgrx::spi::quote_literal(quoted_name(watch.relation))
            ))
            .log();
    }
    error
}
