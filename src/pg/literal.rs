//! Text read as a value of a type, by PostgreSQL's own rules.

use super::array::varlena_bytes;
use super::error::{Failure, Result};
use super::value::ValueKind;
use super::{parse, text};
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CString;

/// The value that a text means as one of a type that is not text.
///
/// # Errors
/// 22P02 for what is no number or boolean, named by `what`; PostgreSQL's own for a time.
pub fn value(text: &str, type_oid: pg_sys::Oid, what: &str) -> Result<Value<'static>> {
    let invalid = |type_name: &str| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!(
                "{what}: invalid input syntax for type {type_name}: \"{}\"",
                parse::excerpt(text)
            ),
        )
    };
    match type_oid {
        pg_sys::FLOAT8OID => text
            .trim()
            .parse()
            .map(Value::Number)
            .map_err(|_| invalid("double precision")),
        pg_sys::BOOLOID => {
            let text = text.trim();
            let mut value = false;
            // SAFETY: reads that many bytes.
            let valid = unsafe {
                pg_sys::parse_bool_with_len(text.as_ptr().cast(), text.len(), &mut value)
            };
            valid
                .then(|| Value::Number(f64::from(u8::from(value))))
                .ok_or_else(|| invalid("boolean"))
        }
        other => time(text, other),
    }
}

/// A JSON text as the bytes of a `jsonb`, without their varlena header.
///
/// # Errors
/// 22P02, PostgreSQL's own.
pub fn jsonb(text: &str) -> Result<Vec<u8>> {
    let text = server_string(text)?;
    // SAFETY: jsonb_in on a NUL-terminated text gives a jsonb or raises.
    unsafe {
        let text = Some(pg_sys::Datum::from(text.as_ptr()));
        let datum = pgrx::direct_function_call_as_datum(pg_sys::jsonb_in, &[text]);
        let bytes = datum.map(|datum| varlena_bytes(datum).to_vec());
        bytes.ok_or_else(|| Failure::internal("jsonb_in gave NULL"))
    }
}

/// A date, a timestamp, a time or an interval.
fn time(text: &str, type_oid: pg_sys::Oid) -> Result<Value<'static>> {
    let kind =
        ValueKind::of(type_oid).ok_or_else(|| Failure::internal("no input type of a model"))?;
    let text = server_string(text)?;
    // SAFETY: the type's own input function; times and numbers refer to no memory.
    unsafe {
        let (mut function, mut parameter) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        pg_sys::getTypeInputInfo(type_oid, &mut function, &mut parameter);
        let text = text.as_ptr().cast_mut();
        let datum = pg_sys::OidInputFunctionCall(function, text, parameter, -1);
        Ok(match kind.read(datum) {
            Value::Number(number) => Value::Number(number),
            Value::Time(time) => Value::Time(time),
            Value::Missing | Value::Text(_) => Value::Missing,
        })
    }
}

/// A NUL-terminated text in the database's encoding.
fn server_string(text: &str) -> Result<CString> {
    CString::new(text::server_bytes(text))
        .map_err(|_| Failure::parameter("text contains a NUL byte"))
}
