//! In whose name the owner of the tables can vouch for a job.
//!
//! Whoever owns the table `jobs` can write any role into it. Where the extension was installed by a superuser
//! that is nothing new; where the owner of a database installed it, his word must not be enough for what a
//! superuser, or a role that can make itself one, would do in the background.

use super::owner::as_owner;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, Role};
use crate::pg::sql::{self, Param};
use pgrx::PgSqlErrorCode;

/// Refuses a role whose jobs are not run here.
///
/// # Errors
/// 42501.
pub fn must_be_run(run_as: Role) -> Result<()> {
    match as_owner(|| objection(run_as))? {
        Some(objection) => Err(objection),
        None => Ok(()),
    }
}

/// Why a job of a role is not run, if it is not; to be called as the owner of the tables.
///
/// It is run where the owner has the privileges of that role anyway, or the role has no power over the
/// server: it is no superuser, cannot make roles, reach files or run programs, nor act as one that can.
pub(super) fn objection(run_as: Role) -> Result<Option<Failure>> {
    let owner = identity::current_role();
    let rows = sql::latest(
        "SELECT pg_catalog.pg_has_role($1, $2, 'USAGE') OR NOT EXISTS ( \
            SELECT FROM pg_catalog.pg_roles AS r \
             WHERE (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolname OPERATOR(pg_catalog.=) ANY \
                    ('{pg_execute_server_program,pg_read_server_files,pg_write_server_files}'::pg_catalog.name[])) \
               AND pg_catalog.pg_has_role($2, r.oid, 'USAGE'))",
        &[Param::Oid(Some(owner)), Param::Oid(Some(run_as))],
    )?;
    if rows.first().map(|row| row.get(0)).transpose()? == Some(true) {
        return Ok(None);
    }
    let name = |role| identity::role_name(role).unwrap_or_default();
    Ok(Some(
        Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("jobs of role {} are not run here", name(run_as)),
        )
        .detail(format!(
            "The extension belongs to {}, who could write jobs in the name of a role with power over the server.",
            name(owner)
        ))
        .hint("Ask for it as an ordinary role, or train in the session: async => false."),
    ))
}
