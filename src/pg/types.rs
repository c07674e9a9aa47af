//! Types by the name a user or a model gives them.

use super::cell::CellKind;
use super::context::SettingScope;
use super::error::{Failure, Result};
use super::rows::element_kind;
use super::text;
use super::value::ValueKind;
use pgrx::{IntoDatum, PgSqlErrorCode, pg_sys};

/// A type that exists.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedType {
    /// Its OID.
    pub oid: pg_sys::Oid,
    /// That of its base type, where it is a domain.
    pub base: pg_sys::Oid,
    /// Its name as our own SQL must write it: with its schema unless that is `pg_catalog`, without
    /// modifier.
    pub sql: String,
    /// How a model reads it; `None` where it cannot, and for arrays.
    pub kind: Option<ValueKind>,
    /// How a model reads its elements, where it is an array of numbers or booleans.
    pub element: Option<CellKind>,
}

/// The type of a name, under the caller's `search_path`; a modifier is read past.
///
/// # Errors
/// 42704 where there is none, 42601 where the text is no name of a type.
pub fn named(name: &str) -> Result<NamedType> {
    // SAFETY: to_regtype takes text and returns an oid or NULL; it raises 42601 for what is no name.
    let oid: Option<pg_sys::Oid> =
        unsafe { pgrx::direct_function_call(pg_sys::to_regtype, &[name.into_datum()]) };
    let oid = oid.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("type \"{name}\" does not exist"),
        )
    })?;
    Ok(of(oid))
}

/// Whether a type is `timestamp with time zone`.
pub fn is_timestamptz(oid: pg_sys::Oid) -> bool {
    oid == pg_sys::TIMESTAMPTZOID
}

/// The type of an OID.
pub fn of(oid: pg_sys::Oid) -> NamedType {
    // SAFETY: a syscache look-up for a type that exists.
    let base = unsafe { pg_sys::getBaseType(oid) };
    NamedType {
        oid,
        base,
        sql: qualified(oid),
        kind: ValueKind::of(base),
        element: element_kind(base),
    }
}

impl NamedType {
    /// The type below domains, those of an array's elements too: no CHECK of others runs where a value
    /// is turned into it.
    #[must_use]
    pub fn without_domains(&self) -> Self {
        // SAFETY: syscache look-ups for types that exist; invalid where there is no array type.
        let array = unsafe {
            match pg_sys::get_element_type(self.base) {
                pg_sys::InvalidOid => pg_sys::InvalidOid,
                element => pg_sys::get_array_type(pg_sys::getBaseType(element)),
            }
        };
        match array {
            pg_sys::InvalidOid => of(self.base),
            array => of(array),
        }
    }
}

/// A type's name with its schema, unless that is `pg_catalog`.
fn qualified(oid: pg_sys::Oid) -> String {
    let _settings = SettingScope::new(&[
        (c"search_path", c"pg_catalog, pg_temp"),
        (c"quote_all_identifiers", c"off"),
    ]);
    // SAFETY: returns a NUL-terminated string for any OID.
    unsafe { text::c_string(pg_sys::format_type_be(oid)).to_owned() }
}
