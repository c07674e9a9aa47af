//! The SQL functions of this room that make functions.

use super::{compile, deploy};
use crate::pg::error::{Failure, Result};
use pgrx::pg_sys::Oid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

fn required<'a>(function: &str, name: &str, value: Option<&'a str>) -> Result<&'a str> {
    value.ok_or_else(|| Failure::missing_argument(function, name))
}

/// Makes a function that computes a model by plain SQL.
#[pg_extern(sql = "
CREATE FUNCTION compile(model text, function_name text) RETURNS regprocedure
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub(super) fn compile(
    model: Option<&str>,
    function_name: Option<&str>,
) -> std::result::Result<Oid, ErrorReport> {
    let compiled = || {
        compile::compile(
            required("compile", "model", model)?,
            required("compile", "function_name", function_name)?,
        )
    };
    compiled().map_err(ErrorReport::from)
}

/// Makes a function that calls a model.
#[pg_extern(sql = "
CREATE FUNCTION deploy(model text, function_name text) RETURNS regprocedure
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';
")]
pub(super) fn deploy(
    model: Option<&str>,
    function_name: Option<&str>,
) -> std::result::Result<Oid, ErrorReport> {
    let deployed = || {
        deploy::deploy(
            required("deploy", "model", model)?,
            required("deploy", "function_name", function_name)?,
        )
    };
    deployed().map_err(ErrorReport::from)
}
