//! Arguments of type `jsonb`.

use super::error::Failure;
use super::text;
use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, PgSqlErrorCode, pg_sys};

/// A `jsonb` argument. PostgreSQL takes numbers of any size and thousands of levels; what doubles and
/// our parser do not reach is refused in plain words.
#[derive(Debug)]
pub struct Jsonb(pub serde_json::Value);

impl FromDatum for Jsonb {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _type: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the output function of jsonb on one of its datums; the copy lives as long as the
        // call.
        let written = unsafe {
            pgrx::direct_function_call_as_datum(pg_sys::jsonb_out, &[Some(datum)])
                .map(|written| text::c_string(written.cast_mut_ptr()))
        };
        match serde_json::from_str(written?) {
            Ok(value) => Some(Self(value)),
            Err(error) => refuse(&error.to_string()).raise(),
        }
    }
}

fn refuse(problem: &str) -> Failure {
    if problem.starts_with("recursion limit") {
        return Failure::parameter("a JSON argument is nested too deeply")
            .detail("Options have no more than a few levels.");
    }
    Failure::new(
        PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        "a number in a JSON argument is out of range",
    )
    .detail("Options and tags hold numbers within the range of double precision.")
}

// SAFETY: reads the argument as what SQL declares it to be.
unsafe impl<'fcx> ArgAbi<'fcx> for Jsonb {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: passed on; functions with such an argument take it as an Option.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(Self(serde_json::Value::Null))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: passed on.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: the type in SQL is jsonb.
unsafe impl SqlTranslatable for Jsonb {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(Jsonb);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}
