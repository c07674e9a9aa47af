//! `unwatch`: what the caller may end, and the triggers that nobody needs any more.

use super::target::{self, gone};
use super::triggers;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::has_privileges_of;
use crate::pg::relation::{Lock, OpenRelation};
use crate::pg::sql::{self, Param};
use crate::retraining::sweep;
use crate::retraining::watches::Watch;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Ends the watches of a relation: all of them where the current role owns it, else its own. Returns how
/// many were ended.
///
/// No lock is made stronger: two sessions that do so wait for each other.
///
/// # Errors
/// 42501 where there are only others' watches, 42P01 where there is no relation.
pub fn uninstall(relation: Oid) -> Result<i32> {
    let opened = open(relation)?;
    let (name, owned) = (opened.name(), has_privileges_of(opened.owner()));
    sweep::forget_dropped()?;
    let ended = sql::execute(
        "DELETE FROM {ml}.watches AS w WHERE w.relation::pg_catalog.oid OPERATOR(pg_catalog.=) $1",
        &[Param::Oid(Some(relation))],
    )?;
    let left = Watch::of(relation)?;
    if ended == 0 && !owned && left.iter().any(|watch| watch.relation == relation) {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of table {name}"),
        )
        .detail("Others watch it."));
    }
    let mut kept = Vec::new();
    for part in target::tables_of(relation)? {
        if is_idle(part)? {
            kept.extend(clear(part)?);
        }
    }
    if let Some(first) = kept.first() {
        let whose = if owned { "partition" } else { "table" };
        notice(&format!(
            "nothing is counted any more; the owner of the {whose} can remove what is left: {}",
            triggers::drop_commands(first)
        ));
    }
    Ok(i32::try_from(ended).unwrap_or(i32::MAX))
}

/// Drops the triggers of a relation that nobody watches; its name where others own it.
fn clear(relation: Oid) -> Result<Option<String>> {
    let seen = OpenRelation::glance(relation, |opened| {
        (opened.name(), has_privileges_of(opened.owner()))
    });
    match seen {
        Some((name, false)) => return Ok(Some(name)),
        Some((_, true)) => {}
        None => return Ok(None),
    }
    // Somebody who was just beginning to watch it is waited for.
    if let Some(locked) = OpenRelation::open(relation, Lock::Exclusive)
        && is_idle(relation)?
    {
        triggers::drop_all(&locked)?;
    }
    Ok(None)
}

/// Whether it has triggers for nobody.
fn is_idle(relation: Oid) -> Result<bool> {
    Ok(Watch::of(relation)?.is_empty() && triggers::any(relation)?)
}

/// Opens the relation; where the current role owns it, and so may drop its triggers, nobody else uses it
/// from now on.
///
/// `watch` opens it before it touches a row. Were that the other way round here, or the lock raised later,
/// two sessions could wait for each other, with writers in between.
fn open(relation: Oid) -> Result<OpenRelation> {
    let rows = sql::returning(
        "SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) $1",
        &[Param::Oid(Some(relation))],
    )?;
    let owner: Option<Oid> = rows.first().map(|row| row.get(0)).transpose()?;
    let lock = match owner.is_some_and(has_privileges_of) {
        true => Lock::Exclusive,
        false => Lock::Read,
    };
    OpenRelation::open(relation, lock).ok_or_else(|| gone(relation))
}
