//! Rows for the extension's own tables, put there without the executor: what a trigger does on behalf of
//! a writer who has no rights on them.
//!
//! Nothing of a user's runs: no trigger, default, constraint or policy of the table is looked at; the
//! caller gives values that keep them. All indexes are maintained.

use super::error::{Failure, Result};
use super::identity::RestrictedUser;
use super::list;
use super::table::Cell;
use super::text;
use pgrx::pg_sys;
use std::ffi::CStr;

unsafe extern "C-unwind" {
    fn nextval_internal(sequence: pg_sys::Oid, check_permissions: bool) -> i64;
}

/// A table of the extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table(pg_sys::Oid);

/// The next value of a sequence, whoever asks.
pub fn next_value(sequence: pg_sys::Oid) -> i64 {
    // SAFETY: raises where it is no sequence.
    unsafe { pgrx::pg_sys::ffi::pg_guard_ffi_boundary(|| nextval_internal(sequence, false)) }
}

/// A `text`, in the database's encoding.
pub fn text_cell(value: &str) -> Cell {
    // SAFETY: lives in the current memory context, as every cell does that PostgreSQL made.
    Cell::typed(unsafe { text::datum(value) }, pg_sys::TEXTOID)
}

/// What `clock_timestamp()` gives.
pub fn clock_timestamp() -> Cell {
    // SAFETY: reads the clock.
    Cell::typed(
        unsafe { pg_sys::GetCurrentTimestamp() }.into(),
        pg_sys::TIMESTAMPTZOID,
    )
}

/// Lets what this transaction wrote be seen by what it does next.
pub fn show() {
    // SAFETY: within a transaction.
    unsafe { pg_sys::CommandCounterIncrement() };
}

impl Table {
    /// Finds a table by name in a schema.
    ///
    /// # Errors
    /// XX000 where it is not there.
    pub fn find(schema: pg_sys::Oid, name: &CStr) -> Result<Self> {
        // SAFETY: a syscache look-up by a NUL-terminated name.
        match unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) } {
            pg_sys::InvalidOid => Err(Failure::internal(format!(
                "relation {} of the extension is missing",
                name.to_string_lossy()
            ))),
            table => Ok(Self(table)),
        }
    }

    /// Its OID.
    pub fn oid(self) -> pg_sys::Oid {
        self.0
    }

    /// The sequence of an identity column.
    ///
    /// # Errors
    /// XX000 where the column is not there.
    pub fn identity(self, column: &CStr) -> Result<pg_sys::Oid> {
        // SAFETY: look-ups in the catalogs; the second raises where the column has no sequence.
        unsafe {
            match pg_sys::get_attnum(self.0, column.as_ptr()) {
                #[cfg(any(feature = "pg15", feature = "pg16"))]
                number @ 1.. => Ok(pg_sys::getIdentitySequence(self.0, number, false)),
                #[cfg(not(any(feature = "pg15", feature = "pg16")))]
                number @ 1.. => {
                    let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
                    let table = pg_sys::table_open(self.0, lock);
                    let sequence = pg_sys::getIdentitySequence(table, number, false);
                    pg_sys::table_close(table, lock);
                    Ok(sequence)
                }
                _ => Err(missing_column(column)),
            }
        }
    }

    /// Inserts a row: cells of the columns' types by name, NULL in the other columns. Its transaction sees
    /// it after the next command, or [`show`].
    ///
    /// # Errors
    /// XX000 for a column that is not there.
    pub fn insert(self, row: &[(&CStr, Cell)]) -> Result<()> {
        // SAFETY: the table is open until the end; the slot is of its row type and as wide.
        unsafe {
            let lock = pg_sys::RowExclusiveLock as pg_sys::LOCKMODE;
            let table = pg_sys::table_open(self.0, lock);
            // A trusted extension is its owner's, who is no superuser and may have altered its tables.
            let slot = pg_sys::MakeSingleTupleTableSlot(
                (*table).rd_att,
                pg_sys::table_slot_callbacks(table),
            );
            let outcome = match (*(*table).rd_rel).relkind as u8 {
                pg_sys::RELKIND_RELATION => fill(slot, row),
                _ => Err(Failure::internal("a table of the extension is none")),
            };
            if outcome.is_ok() {
                pg_sys::simple_table_tuple_insert(table, slot);
                insert_into_indexes(table, slot);
            }
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            // The lock stays until the transaction ends, as for INSERT.
            pg_sys::table_close(table, pg_sys::NoLock as pg_sys::LOCKMODE);
            outcome
        }
    }
}

fn missing_column(column: &CStr) -> Failure {
    Failure::internal(format!(
        "column {} of the extension's tables is missing",
        column.to_string_lossy()
    ))
}

/// # Safety
/// `slot` is an empty slot; cells are of the columns' types.
unsafe fn fill(slot: *mut pg_sys::TupleTableSlot, row: &[(&CStr, Cell)]) -> Result<()> {
    // SAFETY: the slot has as many places as its row type has columns.
    unsafe {
        let columns = pgrx::PgTupleDesc::from_pg_unchecked((*slot).tts_tupleDescriptor);
        let width = columns.len();
        let values = std::slice::from_raw_parts_mut((*slot).tts_values, width);
        let nulls = std::slice::from_raw_parts_mut((*slot).tts_isnull, width);
        values.fill(pg_sys::Datum::from(0));
        nulls.fill(true);
        for (name, cell) in row {
            let at = columns
                .iter()
                .position(|a| !a.attisdropped && CStr::from_ptr(a.attname.data.as_ptr()) == *name)
                .ok_or_else(|| missing_column(name))?;
            if columns.get(at).is_none_or(|column| !cell.fits(column)) {
                return Err(Failure::internal(format!(
                    "column {} of the extension's tables has another type",
                    name.to_string_lossy()
                )));
            }
            let datum = cell.clone().into_datum();
            nulls[at] = datum.is_none();
            values[at] = datum.unwrap_or(pg_sys::Datum::from(0));
        }
        pg_sys::ExecStoreVirtualTuple(slot);
        Ok(())
    }
}

/// # Safety
/// `slot` holds a row that has just been inserted into the open table.
unsafe fn insert_into_indexes(table: pg_sys::Relation, slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the caller says; each index is opened, written and closed here.
    unsafe {
        let list = pg_sys::RelationGetIndexList(table);
        let indexes: Vec<_> = list::oids(list)
            .into_iter()
            .map(|index| pg_sys::index_open(index, pg_sys::RowExclusiveLock as pg_sys::LOCKMODE))
            .collect();
        pg_sys::list_free(list);
        let plain = indexes.iter().all(|index| is_plain(*index));
        if plain {
            for index in &indexes {
                insert_into_index(table, *index, slot);
            }
        }
        for index in indexes {
            pg_sys::index_close(index, pg_sys::NoLock as pg_sys::LOCKMODE);
        }
        if !plain {
            by_executor(table, slot);
        }
    }
}

/// Whether an index is a B-tree over columns alone, and checked at once: an access method of another kind may
/// keep something open from row to row that the executor closes.
///
/// # Safety
/// `index` is open.
unsafe fn is_plain(index: pg_sys::Relation) -> bool {
    // SAFETY: the catalog rows of an open index.
    unsafe {
        let form = &*(*index).rd_index;
        let nulls = |attribute: u32| {
            pg_sys::heap_attisnull(
                (*index).rd_indextuple,
                attribute as i32,
                std::ptr::null_mut(),
            )
        };
        (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
            && form.indimmediate
            && !form.indisexclusion
            && nulls(pg_sys::Anum_pg_index_indexprs)
            && nulls(pg_sys::Anum_pg_index_indpred)
    }
}

/// # Safety
/// As [`insert_into_indexes`]; the index is plain and open.
unsafe fn insert_into_index(
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    slot: *mut pg_sys::TupleTableSlot,
) {
    // SAFETY: room for as many values as an index may have; a plain index needs no executor state.
    unsafe {
        let info = pg_sys::BuildIndexInfo(index);
        if !(*info).ii_ReadyForInserts {
            return;
        }
        let mut values = [pg_sys::Datum::from(0); pg_sys::INDEX_MAX_KEYS as usize];
        let mut nulls = [false; pg_sys::INDEX_MAX_KEYS as usize];
        pg_sys::FormIndexDatum(
            info,
            slot,
            std::ptr::null_mut(),
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        let unique = if (*(*index).rd_index).indisunique {
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES
        } else {
            pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO
        };
        pg_sys::index_insert(
            index,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            &raw mut (*slot).tts_tid,
            table,
            unique,
            false,
            info,
        );
    }
}

/// The way for a table to which its owner has added an index of expressions, a partial one or the like:
/// what runs there runs as him.
///
/// # Safety
/// As [`insert_into_indexes`].
unsafe fn by_executor(table: pg_sys::Relation, slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: as the executor does for one row; the state is freed at the end, or with its memory
    // context after an ERROR.
    unsafe {
        let _owner = RestrictedUser::new((*(*table).rd_rel).relowner);
        let state = pg_sys::CreateExecutorState();
        let target: *mut pg_sys::ResultRelInfo =
            pg_sys::palloc0(size_of::<pg_sys::ResultRelInfo>()).cast();
        pg_sys::InitResultRelInfo(target, table, 1, std::ptr::null_mut(), 0);
        pg_sys::ExecOpenIndices(target, false);
        pg_sys::ExecInsertIndexTuples(
            target,
            slot,
            state,
            false,
            false,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            #[cfg(not(feature = "pg15"))]
            false,
        );
        pg_sys::ExecCloseIndices(target);
        pg_sys::FreeExecutorState(state);
    }
}
