//! What is not needed any more: watches of relations that were dropped, changes that have been counted,
//! history older than the settings say.

use crate::pg::error::Result;
use crate::pg::lock::{self, Name};
use crate::pg::moment;
use crate::pg::sql::{self, Param};
use crate::retraining::{catalog, queue};
use crate::settings;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How often a session prunes.
const INTERVAL: Duration = Duration::from_secs(10);
/// Rows that one statement deletes at the most: a sweep is short.
const BATCH: i64 = 10_000;

thread_local! {
    static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Removes the watches of relations that were dropped.
///
/// Under REPEATABLE READ nothing is removed, here and below: what another session removes meanwhile would
/// be an error.
///
/// Every statement that may change the table tells all sessions to read it again, also where it finds nothing:
/// so it is looked at first.
///
/// # Errors
/// Those of the statements.
pub fn forget_dropped() -> Result<()> {
    const DROPPED: &str = "NOT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) w.relation::pg_catalog.oid)";
    if moment::is_fixed() {
        return Ok(());
    }
    let _owner = catalog::as_owner()?;
    let look = format!("SELECT FROM {{ml}}.watches AS w WHERE {DROPPED} LIMIT 1");
    if !sql::latest(&look, &[])?.is_empty() {
        sql::execute(
            // Who holds a row may be waiting for what this transaction holds.
            &format!(
                "DELETE FROM {{ml}}.watches AS d WHERE d.watch_id OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT w.watch_id FROM {{ml}}.watches AS w WHERE {DROPPED} FOR UPDATE SKIP LOCKED))"
            ),
            &[],
        )?;
    }
    Ok(())
}

/// Throws away what nobody counts any more and what is too old, if this session has not done so just now.
///
/// # Errors
/// Those of the statements.
pub fn prune() -> Result<()> {
    if LAST.get().is_some_and(|last| last.elapsed() < INTERVAL) {
        return Ok(());
    }
    // Nobody waits for somebody else's pruning.
    if moment::is_fixed() || !lock::try_for_transaction(Name::Pruning) {
        return Ok(());
    }
    LAST.set(Some(Instant::now()));
    let _owner = catalog::as_owner()?;
    counted()?;
    let batch = Param::BigInt(Some(BATCH));
    if let Some(age) = settings::statistics_retention() {
        let minutes = Param::Int(i32::try_from(age.as_secs() / 60).ok());
        sql::execute(OLD_STATISTICS, &[minutes, batch])?;
        sql::execute(OLD_ANNOUNCEMENTS, &[minutes, batch])?;
    }
    queue::prune()?;
    Ok(())
}

/// Changes that the latest announcement of their watch has counted, and those of watches that ended.
///
/// For each watch they are looked up by the index (OFFSET 0 keeps the planner from reading the whole log): of
/// what waits nothing is read. Whoever is counting goes by an announcement at least as late, or does not
/// see these deletions yet.
fn counted() -> Result<()> {
    sql::execute(
        "DELETE FROM {ml}.change_log AS d WHERE d.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
            SELECT l.place
              FROM (SELECT DISTINCT ON (n.watch_id, n.relation) n.watch_id, n.relation, n.xid, n.event_id, n.snapshot
                      FROM {ml}.announcements AS n
                     ORDER BY n.watch_id, n.relation, n.announcement_id DESC) AS a
             CROSS JOIN LATERAL (
                   SELECT c.ctid AS place FROM {ml}.change_log AS c
                    WHERE c.watch_id OPERATOR(pg_catalog.=) a.watch_id
                      AND c.relation::pg_catalog.oid OPERATOR(pg_catalog.=) a.relation::pg_catalog.oid
                      AND c.xid OPERATOR(pg_catalog.<=) GREATEST(pg_catalog.pg_snapshot_xmax(a.snapshot), a.xid)
                      AND CASE WHEN c.xid OPERATOR(pg_catalog.=) a.xid
                               THEN c.event_id OPERATOR(pg_catalog.<=) COALESCE(a.event_id, 0)
                               ELSE pg_catalog.pg_visible_in_snapshot(c.xid, a.snapshot) END
                   OFFSET 0) AS l
             LIMIT 100000))",
        &[],
    )?;
    // The numbers of the watches in the log, by a look into the index for each.
    sql::execute(
        "DELETE FROM {ml}.change_log AS d WHERE d.watch_id OPERATOR(pg_catalog.=) ANY (ARRAY(
            WITH RECURSIVE logged (watch_id) AS (
                SELECT pg_catalog.min(f.watch_id) FROM {ml}.change_log AS f
                 UNION ALL
                SELECT (SELECT pg_catalog.min(c.watch_id) FROM {ml}.change_log AS c
                         WHERE c.watch_id OPERATOR(pg_catalog.>) l.watch_id)
                  FROM logged AS l WHERE l.watch_id IS NOT NULL)
            SELECT l.watch_id FROM logged AS l
             WHERE l.watch_id OPERATOR(pg_catalog.<>) 0
               AND NOT EXISTS (SELECT FROM {ml}.watches AS w WHERE w.watch_id OPERATOR(pg_catalog.=) l.watch_id)))",
        &[],
    )?;
    sql::execute(
        "DELETE FROM {ml}.change_log AS c
          WHERE c.watch_id OPERATOR(pg_catalog.=) 0
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_class AS r
                             WHERE r.oid OPERATOR(pg_catalog.=) c.relation::pg_catalog.oid)",
        &[],
    )
    .map(drop)
}

/// Events come in the order of their numbers, nearly: those before the first one that is young enough.
const OLD_STATISTICS: &str = "
DELETE FROM {ml}.data_statistics AS d
 WHERE d.event_id OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT s.event_id FROM {ml}.data_statistics AS s
     WHERE s.event_id OPERATOR(pg_catalog.<) COALESCE(
            (SELECT y.event_id FROM {ml}.data_statistics AS y
              WHERE y.\"timestamp\" OPERATOR(pg_catalog.>=) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.make_interval(mins => $1))
              ORDER BY y.event_id LIMIT 1), 9223372036854775807)
       AND NOT EXISTS (SELECT FROM {ml}.change_log AS c WHERE c.event_id OPERATOR(pg_catalog.=) s.event_id)
       AND s.event_id OPERATOR(pg_catalog.<=) COALESCE((SELECT pg_catalog.min(p.mark) FROM {ml}.polls AS p), 9223372036854775807)
     ORDER BY s.event_id LIMIT $2))";

/// The latest of each watch is what counting goes by, while there is the watch.
const OLD_ANNOUNCEMENTS: &str = "
DELETE FROM {ml}.announcements AS n
 WHERE n.announcement_id OPERATOR(pg_catalog.=) ANY (ARRAY(
    SELECT a.announcement_id FROM {ml}.announcements AS a
     WHERE a.announced_at OPERATOR(pg_catalog.<) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.make_interval(mins => $1))
       AND (EXISTS (SELECT FROM {ml}.announcements AS l
                     WHERE l.watch_id OPERATOR(pg_catalog.=) a.watch_id
                       AND l.relation::pg_catalog.oid OPERATOR(pg_catalog.=) a.relation::pg_catalog.oid
                       AND l.announcement_id OPERATOR(pg_catalog.>) a.announcement_id)
            OR NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c
                            WHERE c.oid OPERATOR(pg_catalog.=) a.relation::pg_catalog.oid))
     ORDER BY a.announcement_id LIMIT $2))";
