//! Partitions that were attached to a watched relation: triggers for them, in the name of who watches it.

use crate::pg::error::{Failure, Result};
use crate::pg::identity::{RestrictedUser, role_name};
use crate::pg::moment;
use crate::pg::parse;
use crate::pg::relation::{Lock, OpenRelation, is_table_without};
use crate::pg::sql::{self, Param};
use crate::pg::subtransaction;
use crate::retraining::catalog;
use crate::retraining::watch::triggers;
use crate::retraining::watches::Watch;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};

/// Relations that a session remembers.
const REMEMBERED: usize = 4096;

thread_local! {
    /// The number of changes of relations at which nothing was missing.
    static COMPLETE: Cell<Option<u64>> = const { Cell::new(None) };
    /// Of relations that statements named: at how many changes of relations they were looked at, and how
    /// many partitions they had.
    static SEEN: RefCell<HashMap<Oid, (u64, usize)>> = RefCell::default();
    /// Partitions that this session has warned of.
    static WARNED: RefCell<HashSet<Oid>> = RefCell::default();
}

/// Watched relations, each with a partition that has none of the triggers. A relation itself is left alone:
/// what its owner dropped stays dropped.
///
/// It must have one itself, which somebody with the right to make it has made: of the owner of a trusted extension,
/// who may write any watch, nobody else's table learns.
const BARE: &str = "
WITH RECURSIVE tree (root, part) AS (
    SELECT DISTINCT w.relation::pg_catalog.oid, w.relation::pg_catalog.oid FROM {ml}.watches AS w
     UNION ALL
    SELECT t.root, i.inhrelid FROM tree AS t
      JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) t.part AND p.relkind OPERATOR(pg_catalog.=) 'p'
      JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) t.part AND NOT i.inhdetachpending)
SELECT t.root, t.part FROM tree AS t
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.part
   AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog.\"char\"[])
 WHERE t.part OPERATOR(pg_catalog.<>) t.root
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                    WHERE g.tgrelid OPERATOR(pg_catalog.=) t.part
                      AND g.tgname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1))
   AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS g
                WHERE g.tgrelid OPERATOR(pg_catalog.=) t.root
                  AND g.tgname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($1))
 ORDER BY t.root, t.part";

/// Installs what is missing, as far as it can be had without waiting, and says whether it is to be tried
/// again soon. What fails is a WARNING, once a session.
///
/// # Errors
/// Those of the look-up.
pub fn install_missing(watches: &[Watch]) -> Result<bool> {
    let changes = moment::relation_changes();
    if COMPLETE.get() == Some(changes) {
        return Ok(false);
    }
    let bare = {
        let _owner = catalog::as_owner()?;
        sql::returning(BARE, &[Param::Texts(Some(&triggers::names()))])?
    };
    let mut busy = false;
    for row in &bare {
        let (root, part): (Oid, Oid) = (row.get(0)?, row.get(1)?);
        let mut owners = watches
            .iter()
            .filter(|watch| watch.relation == root)
            .peekable();
        if owners.peek().is_none() {
            continue;
        }
        busy |= !install(part, owners);
    }
    if bare.is_empty() {
        COMPLETE.set(Some(changes));
    }
    Ok(busy)
}

/// Whether a relation that is being written to has come to have partitions without triggers, as far as it
/// takes a look at the number of those right below it to know.
pub fn have_come(relation: Oid) -> bool {
    let changes = moment::relation_changes();
    let seen = SEEN.with_borrow(|seen| seen.get(&relation).copied());
    if seen.is_some_and(|(then, _)| then == changes) {
        return false;
    }
    let opened = OpenRelation::open(relation, Lock::Read);
    let parts = opened.map_or_else(Vec::new, |opened| opened.partitions());
    SEEN.with_borrow_mut(|seen| {
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(relation, (changes, parts.len()));
    });
    seen.is_none_or(|(_, count)| count != parts.len())
        && parts
            .iter()
            .any(|part| is_table_without(*part, triggers::FIRST))
}

/// In the name of the first one who may; `false` where somebody is writing to it.
fn install<'a>(part: Oid, watches: impl Iterator<Item = &'a Watch>) -> bool {
    let mut refused = None;
    for watch in watches {
        let Some(watcher) = role_name(watch.owner) else {
            continue;
        };
        // Writers who are busy there are not kept from going on.
        let Some(relation) = OpenRelation::try_for_triggers(part) else {
            return false;
        };
        let attempt = subtransaction::attempt(|| {
            let _watcher = RestrictedUser::new(watch.owner);
            triggers::create(&relation)
        });
        match attempt {
            Ok(()) => return true,
            Err(failure) => refused = Some((failure, watcher)),
        }
    }
    if WARNED.with_borrow_mut(|warned| warned.insert(part)) {
        warn(part, refused);
    }
    true
}

fn warn(part: Oid, refused: Option<(Failure, String)>) {
    let name = parse::quoted_name(part);
    let message = format!("rows written to partition {name} under its own name are not counted");
    match refused {
        Some((refused, watcher)) => Failure::new(refused.code(), message)
            .detail(format!("{}.", refused.message()))
            .hint(format!(
                "Its owner can let the trigger be made: GRANT TRIGGER ON {name} TO {};",
                pgrx::spi::quote_identifier(watcher)
            )),
        None => Failure::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, message)
            .detail("The role that watches the table does not exist any more."),
    }
    .warn();
}
