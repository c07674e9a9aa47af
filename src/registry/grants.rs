//! Who may use a model besides its owner.

use super::model::OwnModel;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::{self, Role};
use crate::pg::sql::{self, Param};
use pgrx::PgSqlErrorCode;

/// Lets a role, and those who inherit from it, use a model: predict, evaluate, read its rows of the
/// registry. To train, promote and drop takes the owner.
///
/// # Errors
/// 42704 where there is no such model or role, 42501 where the model belongs to somebody else.
pub fn grant(model: &str, role: Role) -> Result<()> {
    let model = OwnModel::lock(model)?;
    let name = existing(role)?;
    let grantees = grantees(&model)?;
    if role == model.owner || grantees.contains(&role) {
        notice(&format!(
            "role \"{name}\" can use model \"{}\" already",
            model.name
        ));
        return Ok(());
    }
    write(
        &model,
        "pg_catalog.array_append(ARRAY(SELECT g FROM pg_catalog.unnest(m.grantees) AS g \
                                        WHERE EXISTS (SELECT FROM pg_catalog.pg_roles AS r \
                                                       WHERE r.oid OPERATOR(pg_catalog.=) g::pg_catalog.oid)), $2::{ml}.role_reference)",
        role,
    )
}

/// Takes back what [`grant`] gave; counts from the next statement of every session on.
///
/// # Errors
/// As [`grant`].
pub fn revoke(model: &str, role: Role) -> Result<()> {
    let model = OwnModel::lock(model)?;
    let name = existing(role)?;
    if !grantees(&model)?.contains(&role) {
        let failure = format!(
            "model \"{}\" was not granted to role \"{name}\"",
            model.name
        );
        notice(&failure);
        return Ok(());
    }
    write(
        &model,
        "pg_catalog.array_remove(m.grantees, $2::{ml}.role_reference)",
        role,
    )
}

fn existing(role: Role) -> Result<String> {
    identity::role_name(role).ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("role with OID {role} does not exist"),
        )
    })
}

fn grantees(model: &OwnModel) -> Result<Vec<Role>> {
    let rows = sql::returning(
        "SELECT m.grantees FROM {ml}.models AS m WHERE m.model_id OPERATOR(pg_catalog.=) $1",
        &[model.id.into()],
    )?;
    rows.first().map_or(Ok(Vec::new()), |row| row.get(0))
}

/// `grantees` is an expression of ours; `$2` in it is the role.
fn write(model: &OwnModel, grantees: &'static str, role: Role) -> Result<()> {
    let text = format!(
        "UPDATE {{ml}}.models AS m SET grantees = {grantees} WHERE m.model_id OPERATOR(pg_catalog.=) $1"
    );
    sql::execute(&text, &[model.id.into(), Param::Role(Some(role))])?;
    Ok(())
}
