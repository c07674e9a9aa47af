//! The SQL functions of this room.

use super::{aliases, grants, importance, register, removal, rollback};
use crate::pg::error::{Failure, Result};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

fn required<T>(value: Option<T>, function: &str, argument: &str) -> Result<T> {
    value.ok_or_else(|| Failure::missing_argument(function, argument))
}

/// Moves an alias back to the version that served before.
#[pg_extern(volatile, parallel_unsafe)]
fn rollback_alias(
    model: Option<&str>,
    alias: default!(Option<&str>, "'champion'"),
) -> std::result::Result<i32, ErrorReport> {
    let run = || rollback::rollback(required(model, "rollback_alias", "model")?, alias);
    run().map_err(ErrorReport::from)
}

/// Removes an alias.
#[pg_extern(volatile, parallel_unsafe)]
fn drop_alias(model: Option<&str>, alias: Option<&str>) -> std::result::Result<(), ErrorReport> {
    let run = || {
        aliases::drop(
            required(model, "drop_alias", "model")?,
            required(alias, "drop_alias", "alias")?,
        )
    };
    run().map_err(ErrorReport::from)
}

/// Drops a version.
#[pg_extern(volatile, parallel_unsafe)]
fn drop_version(model: Option<&str>, version: Option<i32>) -> std::result::Result<(), ErrorReport> {
    let run = || {
        removal::drop_version(
            required(model, "drop_version", "model")?,
            required(version, "drop_version", "version")?,
        )
    };
    run().map_err(ErrorReport::from)
}

/// Drops a model.
#[pg_extern(volatile, parallel_unsafe)]
fn drop_model(model: Option<&str>) -> std::result::Result<(), ErrorReport> {
    let run = || removal::drop_model(required(model, "drop_model", "model")?);
    run().map_err(ErrorReport::from)
}

/// Lets a role use a model.
#[pg_extern(sql = r#"
CREATE FUNCTION grant_model(model text, role regrole) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
fn grant_model(model: Option<&str>, role: Option<Oid>) -> std::result::Result<(), ErrorReport> {
    let run = || {
        grants::grant(
            required(model, "grant_model", "model")?,
            required(role, "grant_model", "role")?,
        )
    };
    run().map_err(ErrorReport::from)
}

/// Takes back what `grant_model` gave.
#[pg_extern(sql = r#"
CREATE FUNCTION revoke_model(model text, role regrole) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
fn revoke_model(model: Option<&str>, role: Option<Oid>) -> std::result::Result<(), ErrorReport> {
    let run = || {
        grants::revoke(
            required(model, "revoke_model", "model")?,
            required(role, "revoke_model", "role")?,
        )
    };
    run().map_err(ErrorReport::from)
}

/// Makes a version of a MADlib-style model table.
#[pg_extern(sql = r#"
CREATE FUNCTION register_model(model text, model_table regclass) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
fn register_model(
    model: Option<&str>,
    model_table: Option<Oid>,
) -> std::result::Result<i32, ErrorReport> {
    let run = || {
        register::register(
            required(model, "register_model", "model")?,
            required(model_table, "register_model", "model_table")?,
        )
    };
    run().map_err(ErrorReport::from)
}

/// What the features of a stored model weigh.
#[pg_extern(immutable, strict, parallel_safe)]
fn feature_importance(model_binary: &[u8]) -> Option<pgrx::JsonB> {
    importance::of(model_binary).map(pgrx::JsonB)
}
