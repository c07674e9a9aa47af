//! Rows as values: a composite argument and where its columns are.

use super::array::is_plain;
use super::call::Call;
use super::moment;
use super::query::type_name;
use super::text;
use super::value::ValueKind;
use pglearn_core::value::Value;
use pgrx::pg_sys;
use std::marker::PhantomData;

/// A composite value.
#[derive(Clone, Copy)]
pub struct Composite<'a> {
    header: pg_sys::HeapTupleHeader,
    owner: PhantomData<&'a Call>,
}

/// Whether values of a type are rows: composite types, domains over them, `record`.
pub fn is_composite(type_oid: pg_sys::Oid) -> bool {
    // SAFETY: a syscache look-up.
    unsafe { pg_sys::type_is_rowtype(type_oid) }
}

impl Call {
    /// A composite argument; `None` for NULL.
    #[inline]
    pub fn composite(&self, at: usize) -> Option<Composite<'_>> {
        let argument = self.argument(at);
        if argument.isnull {
            return None;
        }
        let mut datum: *mut pg_sys::varlena = argument.value.cast_mut_ptr();
        // SAFETY: a row type by contract; a stored or expanded one is copied out first.
        unsafe {
            if !is_plain(datum) {
                datum = pg_sys::pg_detoast_datum(datum);
            }
        }
        Some(Composite {
            header: datum.cast(),
            owner: PhantomData,
        })
    }
}

impl Composite<'_> {
    /// The row type, and the number that tells anonymous ones apart.
    #[inline]
    fn row_type(self) -> (pg_sys::Oid, i32) {
        // SAFETY: a composite datum starts with these.
        unsafe {
            let fields = &(*self.header).t_choice.t_datum;
            (fields.datum_typeid, fields.datum_typmod)
        }
    }
}

/// A column of a row type.
#[derive(Debug, Clone)]
pub struct RowColumn {
    /// Its name.
    pub name: String,
    /// Its place in the row, from 0.
    pub at: usize,
    /// Its type.
    pub type_oid: pg_sys::Oid,
}

impl RowColumn {
    /// What messages call its type.
    pub fn type_name(&self) -> String {
        type_name(self.type_oid)
    }
}

/// A row type as it is now, with room for one row.
pub struct Layout {
    row_type: (pg_sys::Oid, i32),
    /// The number of relation changes up to which it is known to be current.
    changes: u64,
    /// What the type cache calls this version of the row type.
    version: u64,
    /// A copy of our own, in the memory of the place of the call.
    row: pg_sys::TupleDesc,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
}

impl Layout {
    /// The layout of a row.
    pub fn new(call: &Call, row: Composite<'_>) -> Self {
        let row_type = row.row_type();
        // Read before: what changes meanwhile makes the layout outdated.
        let changes = moment::relation_changes();
        // SAFETY: the type of an existing row; the copy lives as long as the place of the call.
        let (version, row) = call.in_lasting_memory(|| unsafe {
            (
                pg_sys::assign_record_type_identifier(row_type.0, row_type.1),
                pg_sys::lookup_rowtype_tupdesc_copy(row_type.0, row_type.1),
            )
        });
        // SAFETY: just made.
        let columns = usize::try_from(unsafe { (*row).natts }).unwrap_or(0);
        Self {
            row_type,
            changes,
            version,
            row,
            values: vec![pg_sys::Datum::from(0); columns],
            nulls: vec![true; columns],
        }
    }

    /// Whether a row has this layout. The type cache is asked only after some relation changed.
    #[inline]
    pub fn fits(&mut self, row: Composite<'_>) -> bool {
        row.row_type() == self.row_type
            && (moment::relation_changes() == self.changes || self.is_current())
    }

    #[cold]
    fn is_current(&mut self) -> bool {
        let changes = moment::relation_changes();
        let (type_oid, typmod) = self.row_type;
        // SAFETY: a type that a row at hand has.
        let version = unsafe { pg_sys::assign_record_type_identifier(type_oid, typmod) };
        self.changes = changes;
        version == self.version
    }

    /// The columns that have not been dropped.
    pub fn columns(&self) -> Vec<RowColumn> {
        (0..self.values.len())
            .map(|at| (at, self.attribute(at)))
            .filter(|(_, attribute)| !attribute.attisdropped)
            .map(|(at, attribute)| RowColumn {
                // SAFETY: a NameData ends in NUL.
                name: unsafe { text::c_string(attribute.attname.data.as_ptr()) }.to_owned(),
                at,
                type_oid: attribute.atttypid,
            })
            .collect()
    }

    /// An attribute of the row, from 0.
    fn attribute(&self, at: usize) -> &pg_sys::FormData_pg_attribute {
        // SAFETY: the descriptor has as many attributes as there are places for values.
        #[cfg(feature = "pg18")]
        unsafe {
            &*pg_sys::TupleDescAttr(self.row, at as i32)
        }
        // SAFETY: as above.
        #[cfg(not(feature = "pg18"))]
        unsafe {
            &(*self.row).attrs.as_slice(self.values.len())[at]
        }
    }

    /// Takes a row apart; its values are read by [`value`](Self::value) until the next row.
    #[inline]
    pub fn open(&mut self, row: Composite<'_>) {
        // SAFETY: the row has this layout (`fits`); the tuple header is that of the composite;
        // values and nulls have as many places as the descriptor has attributes.
        unsafe {
            let mut tuple = pg_sys::HeapTupleData {
                t_len: pgrx::varsize_4b(row.header.cast()) as u32,
                t_self: pg_sys::ItemPointerData::default(),
                t_tableOid: pg_sys::InvalidOid,
                t_data: row.header,
            };
            pg_sys::heap_deform_tuple(
                &mut tuple,
                self.row,
                self.values.as_mut_ptr(),
                self.nulls.as_mut_ptr(),
            );
        }
    }

    /// The value of a column, whose type is of this kind, of the row that was opened last.
    #[inline]
    pub fn value<'a>(&self, _row: Composite<'a>, at: usize, kind: ValueKind) -> Value<'a> {
        if self.nulls[at] {
            return Value::Missing;
        }
        // SAFETY: a datum of that column, which lives as long as the row.
        unsafe { kind.read(self.values[at]) }
    }

    /// The bytes of a column of a varlena type, of the row that was opened last; `None` for NULL.
    pub fn varlena<'a>(&self, _row: Composite<'a>, at: usize) -> Option<&'a [u8]> {
        // SAFETY: a datum of that column, which lives as long as the row.
        (!self.nulls[at]).then(|| unsafe { super::array::varlena_bytes(self.values[at]) })
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: a copy of our own, made by `new`, in memory that outlives what the place of the
            // call remembers.
            unsafe { pg_sys::FreeTupleDesc(self.row) };
        }
    }
}
