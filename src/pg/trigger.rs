//! A call by a statement trigger, and the rows of its transition table.

use super::call::Call;
use super::context::MemoryScope;
use super::error::{Failure, Result};
use super::relation::Attribute;
use super::rows::{RowLayout, RowView};
use super::table::Cell;
use super::text;
use super::value::ValueKind;
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CStr;

/// PostgreSQL's own function, called directly: it takes a row apart that is in memory, which raises
/// nothing, and a guard against its errors would cost as much as it does.
mod unguarded {
    use pgrx::pg_sys;
    use std::ffi::c_int;

    #[allow(clashing_extern_declarations, reason = "declared with a guard by pgrx")]
    unsafe extern "C-unwind" {
        pub fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, columns: c_int);
    }
}

/// Rows between two looks at whether the user wants to stop.
const BREATH: usize = 256;

/// What a statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// INSERT, COPY, or as far as ON CONFLICT and MERGE insert.
    Insert,
    /// UPDATE, or as far as ON CONFLICT and MERGE update.
    Update,
    /// DELETE, or as far as MERGE deletes.
    Delete,
    /// TRUNCATE
    Truncate,
}

impl Operation {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
        }
    }

    /// What its trigger calls the rows that it reads.
    fn transition_table(self) -> &'static str {
        match self {
            Self::Delete => "OLD TABLE AS old_rows",
            _ => "NEW TABLE AS new_rows",
        }
    }
}

/// A call by an AFTER trigger FOR EACH STATEMENT that has a transition table, unless it is for TRUNCATE.
pub struct StatementTrigger {
    data: *mut pg_sys::TriggerData,
    operation: Operation,
    /// The rows: new ones, or those that were deleted; null for TRUNCATE.
    rows: *mut pg_sys::Tuplestorestate,
}

impl StatementTrigger {
    /// The trigger that makes this call.
    ///
    /// # Errors
    /// 39P01 where the call is by no trigger, or by one of another kind.
    pub fn of(call: &Call, function: &str) -> Result<Self> {
        // SAFETY: a valid call; a trigger's context is a TriggerData node.
        let data = unsafe {
            let context = (*call.0).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return Err(refuse(format!(
                    "{function} can only be called as a trigger"
                )));
            }
            context.cast::<pg_sys::TriggerData>()
        };
        // SAFETY: as above.
        let (event, new, old) =
            unsafe { ((*data).tg_event, (*data).tg_newtable, (*data).tg_oldtable) };
        let (operation, rows) = match event & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => (Operation::Insert, new),
            pg_sys::TRIGGER_EVENT_UPDATE => (Operation::Update, new),
            pg_sys::TRIGGER_EVENT_DELETE => (Operation::Delete, old),
            _ => (Operation::Truncate, std::ptr::null_mut()),
        };
        let trigger = Self {
            data,
            operation,
            rows,
        };
        let kind = pg_sys::TRIGGER_EVENT_TIMINGMASK | pg_sys::TRIGGER_EVENT_ROW;
        let rows_missing = rows.is_null() && operation != Operation::Truncate;
        if event & kind != pg_sys::TRIGGER_EVENT_AFTER || rows_missing {
            return Err(trigger.refused(function));
        }
        Ok(trigger)
    }

    /// The trigger that makes this call, where it is for INSERT.
    ///
    /// # Errors
    /// 39P01 where it is not.
    pub fn insertion(call: &Call, function: &str) -> Result<Self> {
        let kind = || {
            refuse(format!(
                "{function} is for AFTER INSERT triggers FOR EACH STATEMENT"
            ))
        };
        match Self::of(call, function) {
            Ok(trigger) if trigger.operation == Operation::Insert => Ok(trigger),
            Ok(_) => Err(kind().detail("It reads the new rows from a transition table.")),
            Err(failure) => Err(failure),
        }
    }

    fn refused(&self, function: &str) -> Failure {
        let event = self.operation.name();
        refuse(format!("{function} is for AFTER {event} triggers FOR EACH STATEMENT"))
            .detail("It reads the rows from a transition table.")
            .hint(format!(
                "CREATE OR REPLACE TRIGGER {} AFTER {event} ON {} REFERENCING {} FOR EACH STATEMENT EXECUTE FUNCTION {}.{function};",
                pgrx::spi::quote_identifier(self.name()),
                super::parse::quoted_name(self.relation()),
                self.operation.transition_table(),
                super::context::extension_schema(),
            ))
    }

    /// What the statement did.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The relation that the statement named.
    pub fn relation(&self) -> pg_sys::Oid {
        // SAFETY: the trigger's relation is open during the call.
        unsafe { (*(*self.data).tg_relation).rd_id }
    }

    /// Its bare name.
    pub fn relation_name(&self) -> String {
        // SAFETY: the catalog row of an open relation, whose name ends in NUL.
        unsafe {
            let class = (*(*self.data).tg_relation).rd_rel;
            text::c_string((*class).relname.data.as_ptr()).to_owned()
        }
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

    /// Rows that were inserted, updated or deleted; none for TRUNCATE.
    pub fn row_count(&self) -> u64 {
        if self.rows.is_null() {
            return 0;
        }
        // SAFETY: a transition table.
        let count = unsafe { pg_sys::tuplestore_tuple_count(self.rows) };
        u64::try_from(count).unwrap_or(0)
    }

    /// Gives each row to `sink`, its columns as the layout says. The current memory context is then one
    /// that is reset with every row.
    ///
    /// # Errors
    /// Those of `sink`.
    pub fn each_row(
        &self,
        layout: &RowLayout,
        sink: &mut dyn FnMut(&RowView<'_>) -> Result<()>,
    ) -> Result<()> {
        self.each(usize::MAX, true, |values, nulls| {
            sink(&layout.view(values, nulls))
        })
    }

    /// Gives each value of some columns to `sink`, with the number of the column among them: `None` for
    /// NULL, a missing value where it is another one that cannot be read. The current memory context is
    /// then one that is reset with every row.
    ///
    /// # Errors
    /// XX000 where a column is not one of the relation's.
    pub fn each_value(
        &self,
        columns: &[ReadColumn],
        mut sink: impl FnMut(usize, Option<Value<'_>>),
    ) -> Result<()> {
        self.check(columns)?;
        let width = columns.iter().map(|column| column.at + 1).max();
        self.each(width.unwrap_or(0), false, |values, nulls| {
            for (number, column) in columns.iter().enumerate() {
                let value = (!nulls[column.at]).then(|| match column.kind {
                    // SAFETY: a datum of the column's type; copies go into the row's context.
                    Some(kind) => unsafe { kind.read(values[column.at]) },
                    None => Value::Missing,
                });
                sink(number, value);
            }
            Ok(())
        })
    }

    fn check(&self, columns: &[ReadColumn]) -> Result<()> {
        // SAFETY: the relation is open during the call.
        let row =
            unsafe { pgrx::PgTupleDesc::from_pg_unchecked((*(*self.data).tg_relation).rd_att) };
        let fits = |column: &ReadColumn| {
            row.get(column.at)
                .is_some_and(|found| !found.attisdropped && found.atttypid == column.type_oid)
        };
        match columns.iter().all(fits) {
            true => Ok(()),
            false => Err(Failure::internal(
                "the trigger's relation has other columns",
            )),
        }
    }

    /// Gives values and null flags of the first columns of each row to `sink`, which may run other readers
    /// of the rows where that is said.
    fn each(
        &self,
        width: usize,
        with_others: bool,
        mut sink: impl FnMut(&[pg_sys::Datum], &[bool]) -> Result<()>,
    ) -> Result<()> {
        if self.rows.is_null() {
            return Ok(());
        }
        let row_memory = MemoryScope::default();
        // SAFETY: a read pointer of our own, so that other readers keep their place; the slot is of
        // the transition table's row type and is dropped with its context after an ERROR.
        unsafe {
            let store = self.rows;
            let place = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as _);
            pg_sys::tuplestore_select_read_pointer(store, place);
            pg_sys::tuplestore_rescan(store);
            let row_type = (*(*self.data).tg_relation).rd_att;
            let columns = usize::try_from((*row_type).natts).unwrap_or(0).min(width);
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
                if with_others {
                    pg_sys::tuplestore_select_read_pointer(store, place);
                }
                if !pg_sys::tuplestore_gettupleslot(store, true, false, slot) {
                    break;
                }
                if columns > 0 {
                    unguarded::slot_getsomeattrs_int(slot, columns as std::ffi::c_int);
                }
                let values = std::slice::from_raw_parts((*slot).tts_values, columns);
                let nulls = std::slice::from_raw_parts((*slot).tts_isnull, columns);
                row_memory.reset();
                outcome = row_memory.run(|| sink(values, nulls));
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

/// A column of which each value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadColumn {
    at: usize,
    type_oid: pg_sys::Oid,
    kind: Option<ValueKind>,
}

impl ReadColumn {
    /// A column of the trigger's relation, by its number; whether its values are read, or only whether they
    /// are NULL.
    pub(crate) fn of(attribute: &Attribute, read: bool) -> Self {
        Self {
            at: usize::try_from(attribute.number - 1).unwrap_or(0),
            type_oid: attribute.type_oid,
            kind: ValueKind::of(attribute.type_oid).filter(|_| read),
        }
    }
}

fn refuse(message: String) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
        message,
    )
}
