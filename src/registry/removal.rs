//! Versions and models that go.

use super::aliases;
use super::model::OwnModel;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::sql;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_literal;

/// Drops a version. Its number is not used again; the history keeps it.
///
/// # Errors
/// 42704 where there is no such model or version, 42501 where it belongs to somebody else, 2BP01 while
/// an alias stands for it.
pub fn drop_version(model: &str, version: i32) -> Result<()> {
    let model = OwnModel::lock(model)?;
    let aliases = aliases::standing(&model, Some(version))?;
    if let Some(alias) = aliases.first() {
        let (schema, name) = (extension_schema(), quote_literal(&model.name));
        let plural = if aliases.len() == 1 {
            "Alias"
        } else {
            "Aliases"
        };
        let verb = if aliases.len() == 1 {
            "stands"
        } else {
            "stand"
        };
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
            format!("cannot drop version {version} of model \"{}\"", model.name),
        )
        .detail(format!("{plural} {} {verb} for it.", aliases.join(", ")))
        .hint(format!(
            "Move the alias (SELECT {schema}.promote({name}, version, {0});) or drop it (SELECT {schema}.drop_alias({name}, {0});).",
            quote_literal(alias)
        )));
    }
    let dropped = sql::execute(
        "DELETE FROM {ml}.model_versions AS v WHERE v.model_id OPERATOR(pg_catalog.=) $1 \
            AND v.version OPERATOR(pg_catalog.=) $2",
        &[model.id.into(), version.into()],
    )?;
    match dropped {
        0 => Err(aliases::no_version(&model, version)?),
        _ => Ok(()),
    }
}

/// Drops a model with its versions, aliases and history, and says so.
///
/// # Errors
/// 42704 where there is no such model, 42501 where it belongs to somebody else.
pub fn drop_model(name: &str) -> Result<()> {
    let model = OwnModel::lock(name)?;
    let aliases = aliases::standing(&model, None)?;
    let rows = sql::returning(
        "SELECT pg_catalog.count(*) FROM {ml}.model_versions AS v WHERE v.model_id OPERATOR(pg_catalog.=) $1",
        &[model.id.into()],
    )?;
    let versions: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
    // The foreign keys take the rest along.
    sql::execute(
        "DELETE FROM {ml}.models AS m WHERE m.model_id OPERATOR(pg_catalog.=) $1",
        &[model.id.into()],
    )?;
    let versions = match versions {
        1 => "1 version".to_owned(),
        n => format!("{n} versions"),
    };
    let aliases = match aliases.as_slice() {
        [] => "no alias".to_owned(),
        [one] => format!("alias {one}"),
        several => format!("aliases {}", several.join(", ")),
    };
    notice(&format!(
        "model \"{name}\" is dropped with {versions} and {aliases}"
    ));
    Ok(())
}
