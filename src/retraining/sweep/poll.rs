//! Rows that logical replication changed: its apply process fires no statement triggers.
//!
//! The server's statistics count the rows that were inserted, updated and deleted in a table, by whomever.
//! `data_statistics` knows those that statements changed. What is left was applied:
//!
//! - The statistics come later than a commit (a second, rarely a minute), so at first they may show less
//!   than the statements did; such a surplus is carried over to the next poll.
//! - They count rows of transactions that were rolled back. Those are announced although nothing has
//!   changed: a retraining too many does no harm.
//! - Where they were reset, what came since counts, and nothing of before.
//! - A table that was attached counts with all that was ever written to it.
//!
//! Events are added up from a mark on. It moves up to the last event of an earlier poll when all
//! transactions have ended that ran then: no event below it can still be committed.

use crate::pg::error::{Failure, Result};
use crate::pg::heap_insert::{Table, clock_timestamp, next_value, show, text_cell};
use crate::pg::lock::{self, Name};
use crate::pg::relation::name_parts;
use crate::pg::snapshot::{FullXid, Snapshot};
use crate::pg::sql::{self, Param};
use crate::pg::table::Cell as Value;
use crate::retraining::catalog;
use crate::retraining::counting;
use crate::retraining::tables::Tables;
use crate::retraining::watches::Watch;
use pgrx::pg_sys::Oid;
use serde_json::{Map, Value as Json};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often a session polls by itself.
const INTERVAL: Duration = Duration::from_secs(10);

thread_local! {
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The relations among the given ones that a subscription writes to, in the whole or in parts.
const SUBSCRIBED: &str = "
WITH RECURSIVE down (root, part) AS (
    SELECT r, r FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r
     UNION ALL
    SELECT d.root, i.inhrelid FROM down AS d
      JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) d.part AND p.relkind OPERATOR(pg_catalog.=) 'p'
      JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) d.part)
SELECT DISTINCT d.root FROM down AS d
 WHERE EXISTS (SELECT FROM pg_catalog.pg_subscription_rel AS s
                WHERE s.srrelid OPERATOR(pg_catalog.=) d.part
                   OR s.srrelid OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT a.relid::pg_catalog.oid FROM pg_catalog.pg_partition_ancestors(d.root) AS a)))
 ORDER BY d.root";

/// Of each table of a tree: its OID, and the rows changed.
const CHANGED: &str = "
WITH RECURSIVE tree (part) AS (
    SELECT $1::pg_catalog.oid
     UNION ALL
    SELECT i.inhrelid FROM tree AS t JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) t.part)
SELECT c.oid, c.relkind OPERATOR(pg_catalog.=) 'r',
       COALESCE(pg_catalog.pg_stat_get_tuples_inserted(c.oid), 0) OPERATOR(pg_catalog.+)
       COALESCE(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0) OPERATOR(pg_catalog.+)
       COALESCE(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0)
  FROM tree AS t JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.part";

/// Rows that statements changed in a tree, in the events after one up to another.
const LOGGED: &str = "
SELECT COALESCE(pg_catalog.sum(d.row_count), 0)::pg_catalog.int8 FROM {ml}.data_statistics AS d
 WHERE d.event_id OPERATOR(pg_catalog.>) $1 AND d.relid::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.oid[])
   AND d.operation OPERATOR(pg_catalog.<>) 'POLL'";

/// [`poll_all`], unless this session has done so just now.
///
/// # Errors
/// As there.
pub fn poll_sometimes(watches: &[Watch]) -> Result<()> {
    if LAST.get().is_some_and(|last| last.elapsed() < INTERVAL) {
        return Ok(());
    }
    poll_all(watches)
}

/// Counts for each watched relation what was applied since the last time.
///
/// # Errors
/// Those of the statements.
pub fn poll_all(watches: &[Watch]) -> Result<()> {
    LAST.set(Some(Instant::now()));
    let mut relations: Vec<Oid> = watches.iter().map(|watch| watch.relation).collect();
    relations.sort_unstable_by_key(|oid| oid.to_u32());
    relations.dedup();
    let subscribed = subscribed(&relations)?;
    forget_others(&subscribed)?;
    for relation in subscribed {
        poll(relation)?;
    }
    Ok(())
}

/// Has what is applied to a relation counted from now on, where a subscription writes to it.
///
/// # Errors
/// Those of the statements.
pub fn begin(relation: Oid) -> Result<()> {
    match subscribed(&[relation])?.is_empty() {
        true => Ok(()),
        false => poll(relation),
    }
}

fn subscribed(relations: &[Oid]) -> Result<Vec<Oid>> {
    let _owner = catalog::as_owner()?;
    let any = sql::returning("SELECT FROM pg_catalog.pg_subscription_rel LIMIT 1", &[])?;
    if any.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sql::returning(SUBSCRIBED, &[oids(relations).as_str().into()])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// What is no target of a subscription any more begins anew if it becomes one again.
fn forget_others(subscribed: &[Oid]) -> Result<()> {
    let _owner = catalog::as_owner()?;
    sql::execute(
        "DELETE FROM {ml}.polls AS d WHERE d.relation::pg_catalog.oid OPERATOR(pg_catalog.=) ANY (ARRAY(
            SELECT p.relation::pg_catalog.oid FROM {ml}.polls AS p
             WHERE p.relation::pg_catalog.oid OPERATOR(pg_catalog.<>) ALL ($1::pg_catalog.oid[]) FOR UPDATE SKIP LOCKED))",
        &[oids(subscribed).as_str().into()],
    )
    .map(drop)
}

/// An array of OIDs as text.
fn oids(oids: &[Oid]) -> String {
    let numbers: Vec<String> = oids.iter().map(|oid| oid.to_u32().to_string()).collect();
    format!("{{{}}}", numbers.join(","))
}

/// How far a relation has been counted: a row of `polls`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Account {
    changed: Map<String, Json>,
    logged: i64,
    mark: i64,
    surplus: i64,
    horizon_event: i64,
    horizon: FullXid,
}

impl Account {
    /// The account, and whether no transaction of the time of its horizon runs any more.
    fn find(relation: Oid) -> Result<Option<(Self, bool)>> {
        let rows = sql::returning(
            "SELECT p.changed::pg_catalog.text, p.logged, p.mark, p.surplus, p.horizon_event, p.horizon::pg_catalog.text,
                    pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot()) OPERATOR(pg_catalog.>=) p.horizon
               FROM {ml}.polls AS p WHERE p.relation::pg_catalog.oid OPERATOR(pg_catalog.=) $1",
            &[Param::Oid(Some(relation))],
        )?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let account = Self {
            changed: serde_json::from_str(row.get(0)?).unwrap_or_default(),
            logged: row.get(1)?,
            mark: row.get(2)?,
            surplus: row.get(3)?,
            horizon_event: row.get(4)?,
            horizon: row.get::<&str>(5)?.parse().unwrap_or_default(),
        };
        Ok(Some((account, row.get(6)?)))
    }

    fn write(&self, relation: Oid) -> Result<()> {
        let changed = Json::from(self.changed.clone()).to_string();
        let horizon = self.horizon.to_string();
        sql::execute(
            "INSERT INTO {ml}.polls AS p (relation, changed, logged, mark, surplus, horizon_event, horizon)
             VALUES ($1, $2::pg_catalog.jsonb, $3, $4, $5, $6, $7::pg_catalog.xid8)
             ON CONFLICT (relation) DO UPDATE SET changed = excluded.changed, logged = excluded.logged, mark = excluded.mark,
                surplus = excluded.surplus, horizon_event = excluded.horizon_event, horizon = excluded.horizon,
                polled_at = pg_catalog.clock_timestamp()",
            &[
                Param::Relation(Some(relation)),
                changed.as_str().into(),
                self.logged.into(),
                self.mark.into(),
                self.surplus.into(),
                self.horizon_event.into(),
                horizon.as_str().into(),
            ],
        )
        .map(drop)
    }
}

fn poll(relation: Oid) -> Result<()> {
    if !lock::try_for_transaction(Name::Poll(relation)) {
        return Ok(());
    }
    let applied = {
        let _owner = catalog::as_owner()?;
        settle(relation)?
    };
    match applied > 0 {
        true => log(relation, applied),
        false => Ok(()),
    }
}

/// Brings the account of a relation up to date; how many rows were applied since it was last.
fn settle(relation: Oid) -> Result<i64> {
    let last_event = last_event()?;
    // Taken after that number was read: who has a lower one has begun before.
    let horizon = Snapshot::latest().end();
    let (tree, changed) = changed(relation)?;
    let Some((known, reached)) = Account::find(relation)? else {
        let account = Account {
            changed,
            logged: 0,
            mark: last_event,
            surplus: 0,
            horizon_event: last_event,
            horizon,
        };
        account.write(relation)?;
        return Ok(0);
    };
    let logged = logged(&tree, known.mark)?;
    let (increase, reset) = increase(&known.changed, &changed);
    let surplus = if reset { 0 } else { known.surplus };
    let applied = increase - (logged - known.logged) + surplus;
    let mut account = Account {
        changed,
        logged,
        surplus: applied.min(0),
        ..known.clone()
    };
    if reached && known.horizon_event != last_event {
        account.mark = known.horizon_event;
        account.logged = self::logged(&tree, account.mark)?;
        (account.horizon_event, account.horizon) = (last_event, horizon);
    }
    // Where nothing happens nothing is written.
    if account != known {
        account.write(relation)?;
    }
    Ok(applied.max(0))
}

/// The last event whose number was given out.
fn last_event() -> Result<i64> {
    let rows = sql::returning(
        "SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END FROM {ml}.data_statistics_event_id_seq AS s",
        &[],
    )?;
    match rows.first() {
        Some(row) => row.get(0),
        None => Err(Failure::internal("the sequence of events is empty")),
    }
}

/// The relations of a tree, and of its tables the rows changed.
fn changed(relation: Oid) -> Result<(Vec<Oid>, Map<String, Json>)> {
    let (mut tree, mut changed) = (Vec::new(), Map::new());
    for row in sql::returning(CHANGED, &[Param::Oid(Some(relation))])? {
        let part: Oid = row.get(0)?;
        tree.push(part);
        if row.get(1)? {
            let rows: i64 = row.get(2)?;
            changed.insert(part.to_u32().to_string(), rows.into());
        }
    }
    Ok((tree, changed))
}

fn logged(tree: &[Oid], mark: i64) -> Result<i64> {
    let rows = sql::returning(LOGGED, &[mark.into(), oids(tree).as_str().into()])?;
    rows.first().map_or(Ok(0), |row| row.get(0))
}

/// By how much the statistics have grown, and whether some began anew.
fn increase(before: &Map<String, Json>, now: &Map<String, Json>) -> (i64, bool) {
    let mut reset = false;
    let grown = now.iter().map(|(part, rows)| {
        let rows = rows.as_i64().unwrap_or_default();
        let known = before.get(part).and_then(Json::as_i64).unwrap_or_default();
        let anew = rows < known;
        reset |= anew;
        if anew { rows } else { rows - known }
    });
    (grown.sum(), reset)
}

/// An event of rows that were applied.
fn log(relation: Oid, rows: i64) -> Result<()> {
    let Some((_, name)) = name_parts(relation) else {
        return Ok(());
    };
    let tables = Tables::get()?;
    let statistics: Table = tables.statistics;
    let event = next_value(tables.events);
    statistics.insert(&[
        (c"event_id", Value::BigInt(event)),
        (c"timestamp", clock_timestamp()),
        (c"table_name", text_cell(&name)),
        (c"relid", Value::Oid(relation)),
        (c"operation", text_cell("POLL")),
        (c"row_count", Value::BigInt(rows)),
    ])?;
    for watch in Watch::of(relation)?.iter() {
        if watch.relation == relation {
            counting::add(&tables, watch, event, rows)?;
        }
    }
    show();
    Ok(())
}
