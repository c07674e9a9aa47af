//! The four statement triggers of a watched relation: one an event, as transition tables want it.

use crate::pg::context::quoted_extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::relation::OpenRelation;
use crate::pg::sql::{self, Param};
use crate::retraining::monitor::MADE_BY_WATCH;
use pgrx::pg_sys::Oid;
use pgrx::{PgSqlErrorCode, Spi};
use std::ffi::CStr;

/// A trigger's name, and what stands before and after the relation in its definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    name: &'static str,
    event: &'static str,
    transition: &'static str,
}

/// The name of one of them: where it is, they all are.
pub const FIRST: &CStr = c"pglearn_watch_insert";

const TRIGGERS: [Trigger; 4] = [
    Trigger {
        name: "pglearn_watch_insert",
        event: "INSERT",
        transition: "REFERENCING NEW TABLE AS pglearn_new",
    },
    Trigger {
        name: "pglearn_watch_update",
        event: "UPDATE",
        transition: "REFERENCING NEW TABLE AS pglearn_new",
    },
    Trigger {
        name: "pglearn_watch_delete",
        event: "DELETE",
        transition: "REFERENCING OLD TABLE AS pglearn_old",
    },
    Trigger {
        name: "pglearn_watch_truncate",
        event: "TRUNCATE",
        transition: "",
    },
];

/// Their names.
pub fn names() -> Vec<String> {
    TRIGGERS
        .iter()
        .map(|trigger| trigger.name.to_owned())
        .collect()
}

/// Those that a relation does not have.
///
/// # Errors
/// 42710 where a trigger of such a name does something else.
pub fn missing(relation: Oid) -> Result<Vec<Trigger>> {
    let present = present(relation)?;
    if let Some((name, _)) = present.iter().find(|(_, ours)| !ours) {
        let relation = crate::pg::parse::quoted_name(relation);
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!("trigger \"{name}\" for relation {relation} already exists"),
        )
        .detail("It was not made by watch, whose trigger has that name.")
        .hint(format!("ALTER TRIGGER {name} ON {relation} RENAME TO …;")));
    }
    let absent = |trigger: &Trigger| !present.iter().any(|(name, _)| name == trigger.name);
    Ok(TRIGGERS.into_iter().filter(absent).collect())
}

/// Whether it has any of them.
///
/// # Errors
/// Those of the statement.
pub fn any(relation: Oid) -> Result<bool> {
    Ok(present(relation)?.iter().any(|(_, ours)| *ours))
}

/// The names of ours that are taken, and whether by ours.
fn present(relation: Oid) -> Result<Vec<(String, bool)>> {
    let rows = sql::returning(
        "SELECT t.tgname::pg_catalog.text,
                p.proname OPERATOR(pg_catalog.=) 'monitor_new_data'
                AND p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace($3)::pg_catalog.oid
                AND t.tgargs OPERATOR(pg_catalog.=) $4
           FROM pg_catalog.pg_trigger AS t
           JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
          WHERE t.tgrelid OPERATOR(pg_catalog.=) $1 AND NOT t.tgisinternal
            AND t.tgname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2)
          ORDER BY t.oid",
        &[
            Param::Oid(Some(relation)),
            Param::Texts(Some(&names())),
            Param::Text(Some(&quoted_extension_schema()?)),
            Param::Bytes(Some(format!("{MADE_BY_WATCH}\0").as_bytes())),
        ],
    )?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, row.get(1)?)))
        .collect()
}

/// The names of those that were disabled.
///
/// # Errors
/// Those of the statement.
pub fn disabled(relation: Oid) -> Result<Vec<String>> {
    let rows = sql::returning(
        "SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t
          WHERE t.tgrelid OPERATOR(pg_catalog.=) $1 AND t.tgenabled OPERATOR(pg_catalog.=) 'D'
            AND t.tgname::pg_catalog.text OPERATOR(pg_catalog.=) ANY ($2)
          ORDER BY t.oid",
        &[Param::Oid(Some(relation)), Param::Texts(Some(&names()))],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Makes those that a relation lacks, as the current role.
///
/// # Errors
/// What CREATE TRIGGER raises; those of [`missing`].
pub fn create(relation: &OpenRelation) -> Result<()> {
    let (name, schema) = (relation.name(), quoted_extension_schema()?);
    for trigger in missing(relation.oid())? {
        let Trigger {
            name: called,
            event,
            transition,
        } = trigger;
        run(&format!(
            "CREATE TRIGGER {called} AFTER {event} ON {name} {transition} \
             FOR EACH STATEMENT EXECUTE FUNCTION {schema}.monitor_new_data('{MADE_BY_WATCH}')"
        ))?;
    }
    Ok(())
}

/// Drops those that a relation has, as the current role.
///
/// # Errors
/// What DROP TRIGGER raises.
pub fn drop_all(relation: &OpenRelation) -> Result<()> {
    let name = relation.name();
    for (trigger, ours) in present(relation.oid())? {
        if ours {
            run(&format!("DROP TRIGGER {trigger} ON {name}"))?;
        }
    }
    Ok(())
}

/// The commands that drop them, ready to be typed.
pub fn drop_commands(relation: &str) -> String {
    TRIGGERS
        .map(|trigger| format!("DROP TRIGGER IF EXISTS {} ON {relation};", trigger.name))
        .join(" ")
}

/// Runs a command in which every name is qualified, as the caller: the search_path stays, so that event
/// triggers see what they see for any other command.
fn run(command: &str) -> Result<()> {
    Spi::run(command).map_err(|error| Failure::internal(error.to_string()))
}
