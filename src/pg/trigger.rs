//! A call by a statement trigger, and the rows of its transition table.

use super::call::Call;
use super::context::MemoryScope;
use super::error::{Failure, Result};
use super::rows::{RowLayout, RowView};
use super::table::Cell;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CStr;

/// Rows between two looks at whether the user wants to stop.
const BREATH: usize = 256;

/// A call by an AFTER INSERT trigger FOR EACH STATEMENT that has a transition table.
pub struct Insertion {
    data: *mut pg_sys::TriggerData,
}

impl Insertion {
    /// The trigger that makes this call.
    ///
    /// # Errors
    /// 39P01 where the call is by no trigger, or by one of another kind.
    pub fn of(call: &Call, function: &str) -> Result<Self> {
        let refuse = |what: &str| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
                format!("{function} {what}"),
            )
        };
        // SAFETY: a valid call; a trigger's context is a TriggerData node.
        let data = unsafe {
            let context = (*call.0).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return Err(refuse("can only be called as a trigger"));
            }
            context.cast::<pg_sys::TriggerData>()
        };
        // SAFETY: as above.
        let (event, table) = unsafe { ((*data).tg_event, (*data).tg_newtable) };
        let after_insert = pg_sys::TRIGGER_EVENT_INSERT | pg_sys::TRIGGER_EVENT_AFTER;
        let kind = pg_sys::TRIGGER_EVENT_OPMASK
            | pg_sys::TRIGGER_EVENT_TIMINGMASK
            | pg_sys::TRIGGER_EVENT_ROW;
        if event & kind != after_insert || table.is_null() {
            return Err(refuse("is for AFTER INSERT triggers FOR EACH STATEMENT")
                .detail("It reads the new rows from a transition table."));
        }
        Ok(Self { data })
    }

    /// The relation into which rows were inserted.
    pub fn relation(&self) -> pg_sys::Oid {
        // SAFETY: the trigger's relation is open during the call.
        unsafe { (*(*self.data).tg_relation).rd_id }
    }

    /// Whether the values of a column (counted from 1) differ from row to row by a primary key.
    pub fn is_primary_key(&self, column: i16) -> bool {
        // SAFETY: the relation is open; the set is ours.
        unsafe {
            let keys = pg_sys::RelationGetIndexAttrBitmap(
                (*self.data).tg_relation,
                pg_sys::IndexAttrBitmapKind::INDEX_ATTR_BITMAP_PRIMARY_KEY,
            );
            let member = i32::from(column) - pg_sys::FirstLowInvalidHeapAttributeNumber;
            pg_sys::bms_num_members(keys) == 1 && pg_sys::bms_is_member(member, keys)
        }
    }

    /// The name of the trigger.
    pub fn name(&self) -> String {
        // SAFETY: the trigger's description is there during the call.
        unsafe {
            CStr::from_ptr((*(*self.data).tg_trigger).tgname)
                .to_string_lossy()
                .into_owned()
        }
    }

    /// An argument of CREATE TRIGGER.
    pub fn argument(&self, at: usize) -> Option<String> {
        // SAFETY: as above; there are as many arguments as it says.
        unsafe {
            let trigger = &*(*self.data).tg_trigger;
            (at < usize::try_from(trigger.tgnargs).unwrap_or(0)).then(|| {
                CStr::from_ptr(*trigger.tgargs.add(at))
                    .to_string_lossy()
                    .into_owned()
            })
        }
    }

    /// Rows that were inserted.
    pub fn row_count(&self) -> u64 {
        // SAFETY: `of` found a transition table.
        let count = unsafe { pg_sys::tuplestore_tuple_count((*self.data).tg_newtable) };
        u64::try_from(count).unwrap_or(0)
    }

    /// Gives each inserted row to `sink`, its columns as the layout says. The current memory context is
    /// then one that is reset with every row.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn each_row(
        &self,
        layout: &RowLayout,
        sink: &mut dyn FnMut(&RowView<'_>) -> Result<()>,
    ) -> Result<()> {
        let row_memory = MemoryScope::default();
        // SAFETY: a read pointer of our own, so that other readers keep their place; the slot is of
        // the transition table's row type and is dropped with its context after an ERROR.
        unsafe {
            let store = (*self.data).tg_newtable;
            let place = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as _);
            pg_sys::tuplestore_select_read_pointer(store, place);
            pg_sys::tuplestore_rescan(store);
            let row_type = (*(*self.data).tg_relation).rd_att;
            let columns = usize::try_from((*row_type).natts).unwrap_or(0);
            let slot =
                pg_sys::MakeSingleTupleTableSlot(row_type, &raw const pg_sys::TTSOpsMinimalTuple);
            let mut outcome = Ok(());
            let mut row = 0_usize;
            loop {
                if row.is_multiple_of(BREATH) {
                    pgrx::check_for_interrupts!();
                }
                row += 1;
                // A trigger that the sink fires may read the table through a pointer of its own.
                pg_sys::tuplestore_select_read_pointer(store, place);
                if !pg_sys::tuplestore_gettupleslot(store, true, false, slot) {
                    break;
                }
                pg_sys::slot_getsomeattrs_int(slot, columns as std::ffi::c_int);
                let values = std::slice::from_raw_parts((*slot).tts_values, columns);
                let nulls = std::slice::from_raw_parts((*slot).tts_isnull, columns);
                row_memory.reset();
                outcome = row_memory.run(|| sink(&layout.view(values, nulls)));
                if outcome.is_err() {
                    break;
                }
            }
            pg_sys::ExecDropSingleTupleTableSlot(slot);
            outcome
        }
    }

    /// What a statement trigger answers.
    pub fn done() -> Cell {
        Cell::from_datum(pg_sys::Datum::from(0))
    }
}
