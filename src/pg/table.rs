//! Tables that a training writes: created by SQL under the caller's rights, filled by the table
//! access method in batches, as COPY does.

use super::context::MemoryScope;
use super::error::{Failure, Result};
use super::parse::{self, NewRelation};
use super::query::AnyColumn;
use super::scan::Group;
use pgrx::{IntoDatum, PgSqlErrorCode, PgTryBuilder, Spi, pg_sys};
use std::ffi::CStr;

/// Rows of a batch, as COPY takes them.
const BATCH: usize = 1000;

/// A column of a table to be created.
#[derive(Debug, Clone)]
pub struct NewColumn {
    name: String,
    type_oid: pg_sys::Oid,
    typmod: i32,
}

impl NewColumn {
    /// A column of one of the types that models and metrics consist of.
    pub fn new(name: &str, sql_type: &str) -> Self {
        let type_oid = match sql_type {
            "boolean" => pg_sys::BOOLOID,
            "integer" => pg_sys::INT4OID,
            "bigint" => pg_sys::INT8OID,
            "double precision" => pg_sys::FLOAT8OID,
            "double precision[]" => pg_sys::FLOAT8ARRAYOID,
            "numeric" => pg_sys::NUMERICOID,
            "numeric[]" => pg_sys::NUMERICARRAYOID,
            "text" => pg_sys::TEXTOID,
            "text[]" => pg_sys::TEXTARRAYOID,
            "character varying" => pg_sys::VARCHAROID,
            _ => pg_sys::InvalidOid,
        };
        Self {
            name: name.to_owned(),
            type_oid,
            typmod: -1,
        }
    }

    /// A column like one that a query delivers.
    pub fn like(column: &AnyColumn) -> Self {
        Self {
            name: column.name.clone(),
            type_oid: column.declared,
            typmod: column.typmod,
        }
    }

    /// Its definition, the type qualified by its schema: no search_path has a say in it.
    fn definition(&self) -> String {
        // SAFETY: format_type_extended returns a NUL-terminated string for any OID.
        let sql_type = unsafe {
            let text = pg_sys::format_type_extended(
                self.type_oid,
                self.typmod,
                (pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY) as _,
            );
            CStr::from_ptr(text).to_string_lossy().into_owned()
        };
        format!("{} {sql_type}", pgrx::spi::quote_identifier(&self.name))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A value to be stored.
#[derive(Debug, Clone)]
pub enum Cell {
    /// NULL
    Null,
    /// `double precision`
    Double(f64),
    /// `integer`
    Int(i32),
    /// `bigint`
    BigInt(i64),
    /// `numeric` of an integer
    Count(u64),
    /// `numeric`: a quotient of integers, by PostgreSQL's own division
    Ratio(u64, u64),
    /// `numeric` with the shortest digits that give the double back
    Decimal(f64),
    /// `numeric[]` of integers
    Counts(Vec<u64>),
    /// `boolean`
    Bool(bool),
    /// `text` or `character varying`
    Text(String),
    /// `cstring`
    CString(std::ffi::CString),
    /// `oid` or a type of the same kind
    Oid(pg_sys::Oid),
    /// `text[]`
    Texts(Vec<String>),
    /// `double precision[]`
    Doubles(Vec<f64>),
    /// `double precision[]` of two dimensions, square, row by row
    Matrix(Vec<f64>, usize),
    /// A value that PostgreSQL made: see [`Cell::keys`]
    Made(Made),
}

/// A datum of the type where it is going, which lives long enough.
#[derive(Debug, Clone)]
pub struct Made {
    datum: pg_sys::Datum,
    /// The type, where it is known.
    type_oid: Option<pg_sys::Oid>,
}

impl Cell {
    /// A datum of the type where it is going.
    pub(super) fn from_datum(datum: pg_sys::Datum) -> Self {
        Self::Made(Made {
            datum,
            type_oid: None,
        })
    }

    /// A datum of a type, which lives long enough.
    pub(super) fn typed(datum: pg_sys::Datum, type_oid: pg_sys::Oid) -> Self {
        Self::Made(Made {
            datum,
            type_oid: Some(type_oid),
        })
    }

    /// Whether it is certainly of a column's type. Of numbers, OIDs and what has been said to be of a type this
    /// is known.
    pub(super) fn fits(&self, column: &pg_sys::FormData_pg_attribute) -> bool {
        match self {
            Self::Null => true,
            Self::Int(_) => column.atttypid == pg_sys::INT4OID,
            Self::BigInt(_) => column.atttypid == pg_sys::INT8OID,
            Self::Oid(_) => column.attbyval && column.attlen == 4,
            Self::Made(made) => made.type_oid == Some(column.atttypid),
            _ => false,
        }
    }

    /// The values of a group's columns.
    pub fn keys(group: &Group) -> Vec<Self> {
        group.key.iter().map(|key| Self::from_datum(*key)).collect()
    }

    /// A double, or NULL.
    pub fn optional(value: Option<f64>) -> Self {
        value.map_or(Self::Null, Self::Double)
    }

    #[inline]
    pub(super) fn into_datum(self) -> Option<pg_sys::Datum> {
        match self {
            Self::Null => None,
            Self::Double(value) => value.into_datum(),
            Self::Int(value) => value.into_datum(),
            Self::BigInt(value) => value.into_datum(),
            Self::Count(value) => Some(count(value)),
            Self::Ratio(part, whole) => ratio(part, whole),
            Self::Decimal(value) => decimal(value),
            Self::Counts(values) => {
                let datums: Vec<_> = values.into_iter().map(count).collect();
                Some(array(datums, &[], pg_sys::NUMERICOID, -1, false, b'i'))
            }
            Self::Bool(value) => value.into_datum(),
            Self::Text(value) => value.into_datum(),
            Self::CString(value) => value.into_datum(),
            Self::Oid(value) => Some(pg_sys::Datum::from(value)),
            Self::Texts(values) => values.into_datum(),
            Self::Doubles(values) => {
                let datums: Vec<_> = values.into_iter().filter_map(f64::into_datum).collect();
                Some(array(datums, &[], pg_sys::FLOAT8OID, 8, true, b'd'))
            }
            Self::Matrix(values, side) => {
                let datums: Vec<_> = values.into_iter().filter_map(f64::into_datum).collect();
                Some(array(
                    datums,
                    &[side, side],
                    pg_sys::FLOAT8OID,
                    8,
                    true,
                    b'd',
                ))
            }
            Self::Made(made) => Some(made.datum),
        }
    }
}

fn count(value: u64) -> pg_sys::Datum {
    // SAFETY: allocates a numeric in the current context.
    unsafe { pg_sys::Datum::from(pg_sys::int64_to_numeric(value as i64)) }
}

fn ratio(part: u64, whole: u64) -> Option<pg_sys::Datum> {
    if whole == 0 {
        return None;
    }
    let mut failed = false;
    // SAFETY: two finite numerics, the divisor not zero.
    let quotient = unsafe {
        pg_sys::numeric_div_opt_error(
            pg_sys::int64_to_numeric(part as i64),
            pg_sys::int64_to_numeric(whole as i64),
            &mut failed,
        )
    };
    (!failed).then(|| pg_sys::Datum::from(quotient))
}

/// A double as `numeric` with the shortest digits that give it back (PostgreSQL's cast keeps 15).
pub fn decimal(value: f64) -> Option<pg_sys::Datum> {
    let text = match value {
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        other => other.to_string(),
    };
    let text = parse::c_string(&text).ok()?;
    // SAFETY: numeric_in on a NUL-terminated number, no type modifier.
    unsafe {
        pgrx::direct_function_call_as_datum(
            pg_sys::numeric_in,
            &[
                Some(pg_sys::Datum::from(text.as_ptr())),
                Some(pg_sys::Datum::from(pg_sys::InvalidOid)),
                Some(pg_sys::Datum::from(-1_i32)),
            ],
        )
    }
}

/// An array without NULLs; no dimensions given means one.
fn array(
    mut elements: Vec<pg_sys::Datum>,
    dimensions: &[usize],
    type_oid: pg_sys::Oid,
    length: i32,
    by_value: bool,
    alignment: u8,
) -> pg_sys::Datum {
    let one = [elements.len()];
    let dimensions = if dimensions.is_empty() {
        &one[..]
    } else {
        dimensions
    };
    let mut sizes: Vec<i32> = dimensions.iter().map(|n| *n as i32).collect();
    let mut lower = vec![1; sizes.len()];
    // SAFETY: as many elements as the dimensions say; the type's true storage properties.
    unsafe {
        if elements.is_empty() {
            return pg_sys::Datum::from(pg_sys::construct_empty_array(type_oid));
        }
        pg_sys::Datum::from(pg_sys::construct_md_array(
            elements.as_mut_ptr(),
            std::ptr::null_mut(),
            sizes.len() as i32,
            sizes.as_mut_ptr(),
            lower.as_mut_ptr(),
            type_oid,
            length,
            by_value,
            alignment as _,
        ))
    }
}

/// The columns of `grouping_cols`, none of them named like a column of the output beside it.
///
/// # Errors
/// 42602, 42701.
pub fn group_columns(text: Option<&str>, columns: &[NewColumn]) -> Result<Vec<String>> {
    let grouping = parse::column_list("grouping_cols", text)?;
    let clash = grouping
        .iter()
        .find(|name| columns.iter().any(|c| c.name == **name));
    if let Some(name) = clash {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
            format!("grouping column \"{name}\" is named like a column of the output"),
        )
        .hint(format!(
            "Give it another name: source 'SELECT {0} AS {0}_group, * FROM …'.",
            pgrx::spi::quote_identifier(name)
        )));
    }
    Ok(grouping)
}

/// Creates a table under the caller's rights and opens it for writing.
///
/// # Errors
/// What CREATE TABLE raises.
pub fn create(relation: &NewRelation, columns: &[NewColumn]) -> Result<Writer> {
    let list: Vec<String> = columns.iter().map(NewColumn::definition).collect();
    // Every name is qualified, so the caller's search_path stays: event triggers see what they see
    // for any other CREATE TABLE.
    let sql = format!("CREATE TABLE {} ({})", relation.quoted(), list.join(", "));
    let run = std::panic::AssertUnwindSafe(|| {
        Spi::run(&sql).map_err(|e| Failure::internal(format!("CREATE TABLE: {e}")))
    });
    // The name was free when the training began. Where another transaction has taken it meanwhile,
    // PostgreSQL reports the index of its catalog; caught without a subtransaction, since all that
    // follows is another error.
    let taken = |_| Err(Failure::duplicate_table(&relation.quoted()));
    PgTryBuilder::new(run)
        .catch_when(PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION, taken)
        .execute()?;
    Writer::open(relation, columns)
}

/// Whether a relation is the plain table that was asked for. An event trigger may have altered it, or
/// have put another one in its place; rows that do not fit it would be read as something else.
///
/// # Safety
/// `relation` is open.
unsafe fn is_as_created(relation: pg_sys::Relation, columns: &[NewColumn]) -> bool {
    // SAFETY: the relation's own descriptors.
    unsafe {
        let class = &*(*relation).rd_rel;
        let row = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
        class.relkind as u8 == b'r'
            && !class.relhasindex
            && !class.relhasrules
            && (*relation).trigdesc.is_null()
            && (*(*relation).rd_att).constr.is_null()
            && row.len() == columns.len()
            && row
                .iter()
                .zip(columns)
                .all(|(found, asked)| !found.attisdropped && found.atttypid == asked.type_oid)
    }
}

/// Empties a slot (the twin of an inline function of PostgreSQL).
///
/// # Safety
/// `slot` is a valid slot.
unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: every kind of slot has this operation.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            pg_sys::ffi::pg_guard_ffi_boundary(|| clear(slot));
        }
    }
}

/// Writes rows into a table that this transaction has just created and that was checked to have no
/// index, trigger, rule or constraint.
pub struct Writer {
    relation: pg_sys::Relation,
    state: pg_sys::BulkInsertState,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    filled: usize,
    columns: usize,
    memory: MemoryScope,
    written: u64,
}

impl Writer {
    fn open(relation: &NewRelation, columns: &[NewColumn]) -> Result<Self> {
        let (schema, name) = (
            parse::c_string(&relation.schema)?,
            parse::c_string(&relation.name)?,
        );
        // SAFETY: the relation was created by this transaction; it is closed by `finish` or by the
        // end of the (sub)transaction.
        unsafe {
            pg_sys::CommandCounterIncrement();
            let oid = pg_sys::get_relname_relid(
                name.as_ptr(),
                pg_sys::get_namespace_oid(schema.as_ptr(), true),
            );
            if oid == pg_sys::InvalidOid {
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                    format!(
                        "{} was dropped before it could be written",
                        relation.quoted()
                    ),
                )
                .hint("Look for an event trigger that drops new tables."));
            }
            let opened = pg_sys::relation_open(oid, pg_sys::RowExclusiveLock as i32);
            if !is_as_created(opened, columns) {
                pg_sys::relation_close(opened, pg_sys::NoLock as i32);
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format!("table {} was altered while it was created", relation.quoted()),
                )
                .detail("It has other columns than asked for, or a constraint, an index, a trigger or a rule.")
                .hint("Let the event trigger that alters new tables (see pg_event_trigger) leave this one alone."));
            }
            Ok(Self {
                relation: opened,
                state: pg_sys::GetBulkInsertState(),
                slots: Vec::new(),
                filled: 0,
                columns: columns.len(),
                memory: MemoryScope::default(),
                written: 0,
            })
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// XX000 for a wrong number of cells.
    pub fn write(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<()> {
        if self.filled == self.slots.len() {
            // SAFETY: a slot of the relation's own kind and row type.
            self.slots.push(unsafe {
                pg_sys::MakeSingleTupleTableSlot(
                    (*self.relation).rd_att,
                    pg_sys::table_slot_callbacks(self.relation),
                )
            });
        }
        let slot = self.slots[self.filled];
        let columns = self.columns;
        let count = self.memory.run(|| {
            // SAFETY: the slot has as many places as the table has columns; datums are of the
            // columns' types and live in the batch's context.
            unsafe {
                clear(slot);
                let mut count = 0;
                for cell in cells.into_iter().take(columns) {
                    let datum = cell.into_datum();
                    *(*slot).tts_isnull.add(count) = datum.is_none();
                    *(*slot).tts_values.add(count) = datum.unwrap_or(pg_sys::Datum::from(0));
                    count += 1;
                }
                if count == columns {
                    pg_sys::ExecStoreVirtualTuple(slot);
                }
                count
            }
        });
        if count != self.columns {
            return Err(Failure::internal(format!(
                "{count} cells for {} columns",
                self.columns
            )));
        }
        self.filled += 1;
        if self.filled == BATCH {
            self.flush()?;
            pgrx::check_for_interrupts!();
            super::progress::update("writing", self.written, 0, f64::NAN);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.filled == 0 {
            return Ok(());
        }
        // SAFETY: `filled` valid slots; the access method of an ordinary table has multi_insert.
        unsafe {
            let method = (*self.relation).rd_tableam;
            let Some(insert) = (*method).multi_insert else {
                return Err(Failure::internal("the table access method cannot insert"));
            };
            let (relation, state) = (self.relation, self.state);
            let (slots, filled) = (self.slots.as_mut_ptr(), self.filled as i32);
            self.memory.run(|| {
                pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    insert(
                        relation,
                        slots,
                        filled,
                        pg_sys::GetCurrentCommandId(true),
                        0,
                        state,
                    );
                });
            });
            for slot in &self.slots[..self.filled] {
                clear(*slot);
            }
        }
        self.written += self.filled as u64;
        self.filled = 0;
        self.memory.reset();
        Ok(())
    }

    /// Writes what is left and closes the table.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        // SAFETY: everything was made by `open` and `write` and is used no more.
        unsafe {
            if let Some(done) = (*(*self.relation).rd_tableam).finish_bulk_insert {
                pg_sys::ffi::pg_guard_ffi_boundary(|| done(self.relation, 0));
            }
            pg_sys::FreeBulkInsertState(self.state);
            for slot in self.slots.drain(..) {
                pg_sys::ExecDropSingleTupleTableSlot(slot);
            }
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
            pg_sys::CommandCounterIncrement();
        }
        Ok(())
    }
}
