//! Rows that are there already, seen as the rows of a source.

use super::column::element_kind;
use super::key::hash_function;
use super::open::Column;
use super::view::RowView;
use crate::pg::error::{Failure, Result};
use crate::pg::relation::{Attribute, base_type};
use crate::pg::value::ValueKind;
use pgrx::{PgSqlErrorCode, pg_sys};

/// Where columns asked for stand in the rows of a relation.
pub struct RowLayout(Vec<Column>);

impl RowLayout {
    /// The named columns, in this order.
    ///
    /// # Errors
    /// 42703 for a column that is not there.
    pub fn of(attributes: &[Attribute], names: &[String]) -> Result<Self> {
        let columns = names.iter().map(|name| {
            let attribute = attributes.iter().find(|a| a.name == *name).ok_or_else(|| {
                Failure::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                    format!("column \"{name}\" does not exist"),
                )
            })?;
            Ok(column(attribute))
        });
        columns.collect::<Result<_>>().map(Self)
    }

    /// A row of the relation: values and null flags of all its columns, dropped ones included.
    pub(in crate::pg) fn view<'a>(
        &'a self,
        values: &'a [pg_sys::Datum],
        nulls: &'a [bool],
    ) -> RowView<'a> {
        RowView {
            columns: &self.0,
            values,
            nulls,
        }
    }
}

fn column(attribute: &Attribute) -> Column {
    let type_oid = base_type(attribute.type_oid);
    // SAFETY: syscache look-ups; the output function's record lives in the current context, which
    // outlives the layout.
    let output = unsafe {
        let output: *mut pg_sys::FmgrInfo = pg_sys::palloc0(size_of::<pg_sys::FmgrInfo>()).cast();
        let (mut function, mut varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut varlena);
        pg_sys::fmgr_info(function, output);
        output
    };
    Column {
        name: attribute.name.clone(),
        att: usize::try_from(attribute.number - 1).unwrap_or(0),
        type_oid,
        collation: attribute.collation,
        kind: ValueKind::of(type_oid),
        element: element_kind(type_oid),
        hash: hash_function(type_oid),
        output,
    }
}
