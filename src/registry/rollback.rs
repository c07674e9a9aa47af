//! `rollback_alias`: an alias goes back to what it stood for before.

use super::aliases::{Action, Move, contract, current, move_to, name, no_alias};
use super::model::OwnModel;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result, warn};
use crate::pg::sql;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_literal;

/// Moves an alias back to the version that it stood for before and that still exists; again and again:
/// further back. Gives the version that serves again.
///
/// # Errors
/// 42704 where the model has no such alias, 55000 where there is nothing to go back to, 42501 where it
/// belongs to somebody else.
pub fn rollback(model: &str, alias: Option<&str>) -> Result<i32> {
    let alias = name(alias)?;
    let model = OwnModel::lock(model)?;
    let Some(from) = current(&model, &alias)? else {
        return Err(no_alias(&model, &alias)?);
    };
    let left = contract(&model, from)?;
    for version in served_before(&model, &alias, from)? {
        let Some(contract) = contract(&model, version)? else {
            continue;
        };
        let entry = Move {
            action: Action::Rollback,
            from: Some(from),
            to: Some(version),
            reason: None,
            gate: None,
        };
        move_to(&model, &alias, version, &entry)?;
        if let Some(difference) = left.and_then(|left| contract.difference(version, &left, from)) {
            warn(
                PgSqlErrorCode::ERRCODE_WARNING,
                &format!("version {version} takes other inputs than version {from} did"),
                &difference,
            );
        }
        return Ok(version);
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("alias \"{alias}\" of model \"{}\" has no version to go back to", model.name),
    )
    .detail(format!(
        "It stands for version {from}; what it stood for before has been dropped, or there was nothing."
    ))
    .hint(format!(
        "SELECT {}.promote({}, version, {}) chooses one.",
        extension_schema(),
        quote_literal(&model.name),
        quote_literal(&alias)
    )))
}

/// The versions an alias stood for before, latest first.
fn served_before(model: &OwnModel, alias: &str, current: i32) -> Result<Vec<i32>> {
    let rows = sql::returning(
        "SELECT h.action, h.to_version FROM {ml}.alias_history AS h \
          WHERE h.model_id OPERATOR(pg_catalog.=) $1 AND h.alias OPERATOR(pg_catalog.=) $2 \
            AND h.to_version IS NOT NULL ORDER BY h.history_id",
        &[model.id.into(), alias.into()],
    )?;
    let mut served: Vec<i32> = Vec::new();
    for row in &rows {
        let (action, to): (&str, i32) = (row.get(0)?, row.get(1)?);
        match Action::of(action) {
            Some(Action::Promote) => served.push(to),
            // What was rolled back over has been undone: the next step goes further back.
            Some(Action::Rollback) => match served.iter().rposition(|version| *version == to) {
                Some(place) => served.truncate(place + 1),
                None => served.push(to),
            },
            _ => {}
        }
    }
    // Those that were never left: the alias stands there now.
    while served.last() == Some(&current) {
        served.pop();
    }
    served.retain(|version| *version != current);
    served.reverse();
    Ok(served)
}
