//! Rows made here, as a relation that one SQL statement can read: a tuplestore (which spills to disk
//! beyond `work_mem`) under a name, as transition tables are.

use super::error::{Failure, Result};
use super::parse;
use super::table::Cell;
use pgrx::{Spi, pg_sys};
use std::ffi::CStr;

/// A column of such a relation.
#[derive(Debug, Clone)]
pub struct StoredColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub type_oid: pg_sys::Oid,
    /// Its collation.
    pub collation: pg_sys::Oid,
}

/// Rows under a name.
pub struct TupleStore {
    store: *mut pg_sys::Tuplestorestate,
    row: pg_sys::TupleDesc,
    rows: u64,
}

impl TupleStore {
    /// An empty one, in the current memory context.
    ///
    /// # Errors
    /// 22023 for a name with a NUL byte.
    pub fn new(columns: &[StoredColumn]) -> Result<Self> {
        let names: Vec<_> = columns
            .iter()
            .map(|column| parse::c_string(&column.name))
            .collect::<Result<_>>()?;
        let count = i32::try_from(columns.len()).unwrap_or(i32::MAX);
        // SAFETY: the row type is filled column by column; names are copied.
        unsafe {
            let row = pg_sys::CreateTemplateTupleDesc(count);
            for ((column, name), at) in columns.iter().zip(&names).zip(1_i16..) {
                pg_sys::TupleDescInitEntry(row, at, name.as_ptr(), column.type_oid, -1, 0);
                pg_sys::TupleDescInitEntryCollation(row, at, column.collation);
            }
            Ok(Self {
                store: pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem),
                row,
                rows: 0,
            })
        }
    }

    /// Adds a row, which is copied: cells of the columns' types.
    ///
    /// # Errors
    /// XX000 for a wrong number of cells.
    pub fn put(&mut self, cells: impl IntoIterator<Item = Cell>) -> Result<()> {
        let datums: Vec<_> = cells.into_iter().map(Cell::into_datum).collect();
        let mut nulls: Vec<_> = datums.iter().map(Option::is_none).collect();
        let mut values: Vec<_> = datums
            .into_iter()
            .map(|datum| datum.unwrap_or(pg_sys::Datum::from(0)))
            .collect();
        // SAFETY: reads the descriptor made by `new`.
        let columns = unsafe { (*self.row).natts };
        if usize::try_from(columns) != Ok(values.len()) {
            return Err(Failure::internal(format!(
                "{} cells for {columns} columns",
                values.len()
            )));
        }
        // SAFETY: as many datums as columns, of their types.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.row,
                values.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        self.rows += 1;
        Ok(())
    }

    /// Runs one statement, as the current user, in which the rows are the relation `name`. It must
    /// mean the relation `target`: another one that has come to bear its name meanwhile is refused.
    ///
    /// # Errors
    /// 40001 where the name of `target` means another relation by now.
    pub fn run(&self, name: &CStr, sql: &str, target: pg_sys::Oid) -> Result<u64> {
        let sql = parse::c_string(sql)?;
        let mut relation = pg_sys::EphemeralNamedRelationData {
            md: pg_sys::EphemeralNamedRelationMetadataData {
                name: name.as_ptr().cast_mut(),
                reliddesc: pg_sys::InvalidOid,
                tupdesc: self.row,
                enrtype: pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE,
                enrtuples: self.rows as f64,
            },
            reldata: self.store.cast(),
        };
        // SAFETY: within this connection the relation, which outlives it, is known by its name; the
        // plan has no parameters.
        Spi::connect(|_| unsafe {
            registered(pg_sys::SPI_register_relation(&raw mut relation))?;
            let plan = pg_sys::SPI_prepare(sql.as_ptr(), 0, std::ptr::null_mut());
            if plan.is_null() {
                return Err(spi_failure(pg_sys::SPI_result));
            }
            let sources = super::list::pointers::<pg_sys::CachedPlanSource>(
                pg_sys::SPI_plan_get_plan_sources(plan),
            );
            if !sources
                .iter()
                .all(|source| pg_sys::list_member_oid((**source).relationOids, target))
            {
                return Err(Failure::new(
                    pgrx::PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
                    "the table was renamed while it was written",
                ));
            }
            let status =
                pg_sys::SPI_execute_plan(plan, std::ptr::null_mut(), std::ptr::null(), false, 0);
            if status < 0 {
                return Err(spi_failure(status));
            }
            Ok(pg_sys::SPI_processed)
        })
    }
}

impl Drop for TupleStore {
    fn drop(&mut self) {
        // After an ERROR its memory context and its files go with the (sub)transaction.
        if !std::thread::panicking() {
            // SAFETY: made by `new`; no statement reads it any more.
            unsafe { pg_sys::tuplestore_end(self.store) };
        }
    }
}

fn registered(status: i32) -> Result<()> {
    if status < 0 {
        return Err(spi_failure(status));
    }
    Ok(())
}

fn spi_failure(status: i32) -> Failure {
    // SAFETY: gives a static text for any number.
    let name = unsafe { CStr::from_ptr(pg_sys::SPI_result_code_string(status)) };
    Failure::internal(format!("SPI: {}", name.to_string_lossy()))
}
