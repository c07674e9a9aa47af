//! The relation of a watch, and its partitions.

use super::triggers;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::{current_role_name, has_privileges_of};
use crate::pg::parse;
use crate::pg::relation::{Kind, Lock, OpenRelation};
use crate::pg::sql::{self, Param};
use pglearn_core::options::nearest;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use pgrx::spi::quote_identifier;

/// Why a view cannot be watched.
const NO_TRIGGERS: &str = "Its changes fire no triggers that could count them.";

/// A relation that can be watched, and those of its parts that need triggers of their own; none of them
/// can be dropped, or lose a trigger, before the transaction ends.
pub struct Target {
    /// The relation.
    pub relation: OpenRelation,
    /// It and its partitions, as far as they are tables here and lack the triggers.
    bare: Vec<Oid>,
}

impl Target {
    /// Refuses what cannot be watched, or not by the current role, before anything is done or locked.
    ///
    /// # Errors
    /// 42809 for what is no permanent table, 0A000 for a distributed one, 42501 without the privilege
    /// TRIGGER, 42703 for columns that it does not have, 42710 where a name of ours is taken.
    pub fn check(relation: Oid, model: Option<&str>, columns: Option<&[String]>) -> Result<Self> {
        let opened = OpenRelation::open(relation, Lock::Read).ok_or_else(|| gone(relation))?;
        must_be_table(&opened, model)?;
        must_allow_triggers(&opened)?;
        must_be_here(&opened, model)?;
        must_have_no_foreign_part(&opened)?;
        must_have(&opened, columns.unwrap_or_default())?;
        let mut bare = Vec::new();
        for part in tables_of(relation)? {
            let Some(part) = OpenRelation::open(part, Lock::Read) else {
                continue;
            };
            if !triggers::missing(part.oid())?.is_empty() {
                must_allow_triggers(&part)?;
                bare.push(part.oid());
            }
        }
        Ok(Self {
            relation: opened,
            bare,
        })
    }

    /// Makes the triggers that are missing. Writers are waited for, and wait, where one is.
    pub fn make_triggers(&self) -> Result<()> {
        for part in &self.bare {
            // Somebody else may have made them meanwhile.
            if let Some(locked) = OpenRelation::open(*part, Lock::Triggers) {
                triggers::create(&locked)?;
            }
        }
        Ok(())
    }

    /// Says which triggers do nothing.
    pub fn say_what_is_not_counted(&self) -> Result<()> {
        for table in tables_of(self.relation.oid())? {
            let name = parse::quoted_name(table);
            for trigger in triggers::disabled(table)? {
                notice(&format!(
                    "what trigger {trigger} of {name} would count is not counted, as it is disabled: ALTER TABLE {name} ENABLE TRIGGER {trigger};"
                ));
            }
        }
        Ok(())
    }
}

/// A relation and its partitions, as far as they are tables here, those that are partitioned first.
pub(super) fn tables_of(relation: Oid) -> Result<Vec<Oid>> {
    let mut tables = tree(relation, Kind::Partitioned)?;
    tables.extend(tree(relation, Kind::Table)?);
    Ok(tables)
}

/// A relation and all below it in its tree of partitions, those of one kind; foreign tables also where they inherit.
fn tree(relation: Oid, kind: Kind) -> Result<Vec<Oid>> {
    let kind = match kind {
        Kind::Partitioned => "p",
        Kind::Foreign => "f",
        _ => "r",
    };
    let rows = sql::returning(
        "WITH RECURSIVE tree (part) AS (
            SELECT $1::pg_catalog.oid
             UNION ALL
            SELECT i.inhrelid FROM tree AS t
              JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) t.part AND (p.relkind OPERATOR(pg_catalog.=) 'p' OR $2 OPERATOR(pg_catalog.=) 'f')
              JOIN pg_catalog.pg_inherits AS i ON i.inhparent OPERATOR(pg_catalog.=) t.part)
         SELECT c.oid FROM tree AS t JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.part
          WHERE c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) $2 ORDER BY c.oid",
        &[Param::Oid(Some(relation)), Param::Text(Some(kind))],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn must_be_table(relation: &OpenRelation, model: Option<&str>) -> Result<()> {
    let name = relation.name();
    let refuse = |what: &str, detail: &str| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("{name} is {what}"),
        )
        .detail(detail)
    };
    let poll = |what: &str, detail: &str| polling(refuse(what, detail), model);
    Err(match relation.kind() {
        _ if relation.is_own() => refuse(
            "a relation of pglearn itself",
            "Only tables of your own can be watched.",
        ),
        _ if relation.is_system() => refuse(
            "a system catalog",
            "Only tables of your own can be watched.",
        ),
        _ if relation.is_temporary() => refuse(
            "a temporary table",
            "It belongs to this session: the background worker could not read it.",
        )
        .hint("Use a permanent table, or train in this session."),
        Kind::Table | Kind::Partitioned => return Ok(()),
        Kind::Foreign => poll(
            "a foreign table",
            "It may change without this server knowing.",
        ),
        Kind::View => poll("a view", NO_TRIGGERS),
        Kind::MaterializedView => poll("a materialized view", NO_TRIGGERS),
        Kind::Other => refuse(
            "not a table",
            "Only tables can be watched, partitioned or not.",
        ),
    })
}

/// What to do about a relation whose changes cannot be counted.
fn polling(failure: Failure, model: Option<&str>) -> Failure {
    let schema = crate::pg::context::extension_schema();
    let request = serde_json::json!({"model": model.unwrap_or("…")}).to_string();
    failure.hint(format!(
        "Ask for a retraining regularly instead: SELECT {schema}.request_retrain({});",
        pgrx::spi::quote_literal(request)
    ))
}

fn must_allow_triggers(relation: &OpenRelation) -> Result<()> {
    if relation.may_have_triggers() {
        return Ok(());
    }
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for table {}", relation.name()),
    );
    Err(match has_privileges_of(relation.owner()) {
        true => failure,
        false => failure.hint(format!(
            "Its owner can grant it: GRANT TRIGGER ON {} TO {};",
            relation.name(),
            quote_identifier(current_role_name())
        )),
    })
}

/// Citus keeps the rows of distributed tables on other servers, and refuses triggers on them.
fn must_be_here(relation: &OpenRelation, model: Option<&str>) -> Result<()> {
    let distributes = sql::returning(
        "SELECT pg_catalog.to_regclass('pg_catalog.pg_dist_partition') IS NOT NULL",
        &[],
    )?;
    if !distributes.first().map_or(Ok(false), |row| row.get(0))? {
        return Ok(());
    }
    let named = sql::returning(
        "SELECT FROM pg_catalog.pg_dist_partition AS d WHERE d.logicalrelid::pg_catalog.oid OPERATOR(pg_catalog.=) $1",
        &[Param::Oid(Some(relation.oid()))],
    )?;
    if named.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{} is distributed by Citus", relation.name()),
    )
    .detail("Its rows are written on other servers, where no trigger of this one counts them.");
    Err(polling(failure, model))
}

/// PostgreSQL cannot collect transition tables from foreign tables: statements that reach one through the
/// watched table would fail.
fn must_have_no_foreign_part(relation: &OpenRelation) -> Result<()> {
    let Some(part) = tree(relation.oid(), Kind::Foreign)?.first().copied() else {
        return Ok(());
    };
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{} has a foreign table among its parts", relation.name()),
    )
    .detail(format!(
        "The triggers of a watch would have PostgreSQL refuse what reaches {} through it.",
        parse::quoted_name(part)
    ))
    .hint("Watch the other partitions by their own names, and write to them by these."))
}

fn must_have(relation: &OpenRelation, columns: &[String]) -> Result<()> {
    let attributes = relation.attributes();
    let names: Vec<&str> = attributes.iter().map(|a| a.name.as_str()).collect();
    let Some(missing) = columns.iter().find(|name| !names.contains(&name.as_str())) else {
        return Ok(());
    };
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!(
            "column \"{}\" of {} does not exist",
            parse::excerpt(missing),
            relation.name()
        ),
    );
    let near = nearest(missing, &names);
    Err(match near.first() {
        Some(near) => failure.hint(format!("Perhaps you mean \"{near}\".")),
        None => failure.hint(format!("Its columns are {}.", names.join(", "))),
    })
}

pub(super) fn gone(relation: Oid) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
        format!("relation {} does not exist", relation.to_u32()),
    )
}
