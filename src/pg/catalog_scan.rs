//! Rows of the extension's own tables by index, under the active snapshot or as they are by now: what a
//! look-up inside `predict` or a trigger needs, at a fraction of the cost of a query.
//!
//! A scan under the active snapshot sees exactly what the running statement sees. Any scan runs on a standby, takes no transaction
//! number, and goes by no privilege and no row-level security: who calls it checks what the user may.

use super::array::varlena_bytes;
use super::error::{Failure, Result};
use super::labels;
use super::snapshot::{FullXid, Snapshot};
use super::text;
use pgrx::pg_sys;
use std::ffi::CStr;
use std::marker::PhantomData;

/// A table of the extension with one of its indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Indexed {
    /// The table.
    pub table: pg_sys::Oid,
    /// The index.
    pub index: pg_sys::Oid,
    /// Its name: REINDEX CONCURRENTLY replaces an index by another one of the same name.
    pub name: &'static CStr,
}

impl Indexed {
    /// Finds a table and its index by name in a schema.
    ///
    /// # Errors
    /// XX000 where one is not there.
    pub fn find(schema: pg_sys::Oid, table: &CStr, index: &'static CStr) -> Result<Self> {
        Ok(Self {
            table: relation(schema, table)?,
            index: relation(schema, index)?,
            name: index,
        })
    }
}

impl Indexed {
    /// The number of a column of the table.
    ///
    /// # Errors
    /// XX000 where there is none of the name.
    pub fn column(&self, name: &CStr) -> Result<i16> {
        // SAFETY: a syscache look-up by a NUL-terminated name.
        match unsafe { pg_sys::get_attnum(self.table, name.as_ptr()) } {
            column @ 1.. => Ok(column),
            _ => Err(Failure::internal(format!(
                "column {} of the extension's tables is missing",
                name.to_string_lossy()
            ))),
        }
    }
}

/// Opens an index, or the one that has taken its place since it was found.
///
/// # Safety
/// `table` is the open table of the index: while it is locked, no index of it is replaced.
unsafe fn open_index(
    relation: Indexed,
    table: pg_sys::Relation,
    lock: pg_sys::LOCKMODE,
) -> pg_sys::Relation {
    // SAFETY: an open relation has a catalog row, and one more if it is an index; the name ends in NUL.
    unsafe {
        let known = pg_sys::try_relation_open(relation.index, lock);
        if !known.is_null() {
            let form = (*known).rd_index;
            if !form.is_null() && (*form).indisvalid {
                return known;
            }
            pg_sys::relation_close(known, lock);
        }
        let schema = (*(*table).rd_rel).relnamespace;
        match pg_sys::get_relname_relid(relation.name.as_ptr(), schema) {
            pg_sys::InvalidOid => pg_sys::index_open(relation.index, lock),
            present => pg_sys::index_open(present, lock),
        }
    }
}

/// # Errors
/// XX000 where there is none.
fn relation(schema: pg_sys::Oid, name: &CStr) -> Result<pg_sys::Oid> {
    // SAFETY: a syscache look-up by a NUL-terminated name.
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), schema) };
    if oid == pg_sys::InvalidOid {
        return Err(Failure::internal(format!(
            "relation {} of the extension is missing",
            name.to_string_lossy()
        )));
    }
    Ok(oid)
}

/// What a column of the index must be.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// `text COLLATE "C"`
    Text(&'a str),
    /// `name`
    Name(&'a CStr),
    /// `bigint`
    BigInt(i64),
    /// `integer`
    Int(i32),
    /// `oid` or a type of the same kind
    Oid(pg_sys::Oid),
    /// `xid8`
    Xid(FullXid),
    /// `xid8`, or any later one
    XidFrom(FullXid),
    /// `bigint`, or any greater one
    BigIntFrom(i64),
}

/// In which order of the index rows come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Ascending.
    Forward,
    /// Descending.
    Backward,
}

/// Columns of an index that a scan may compare.
const MAX_KEYS: usize = 4;

/// A scan of an index.
pub struct Scan {
    table: pg_sys::Relation,
    index: pg_sys::Relation,
    scan: pg_sys::SysScanDesc,
    direction: pg_sys::ScanDirection::Type,
    values: Vec<pg_sys::Datum>,
    nulls: Vec<bool>,
    /// The snapshot, where it is the scan's own.
    _snapshot: Option<Box<pg_sys::SnapshotData>>,
}

/// Which rows a scan of what is there by now sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// What has been committed, and what this transaction did itself, its running command included.
    Committed,
    /// The same, and what others have inserted and neither committed nor rolled back so far.
    Uncommitted,
}

impl Scan {
    /// Opens a scan for the rows whose columns (by number) equal the keys; the columns are the first
    /// ones of the index. No keys: all rows.
    ///
    /// # Errors
    /// XX000 where no statement is running.
    pub fn new(relation: Indexed, keys: &[(i16, Key<'_>)], order: Order) -> Result<Self> {
        // SAFETY: a flag of the session.
        if !unsafe { pg_sys::ActiveSnapshotSet() } {
            return Err(Failure::internal("no statement is running"));
        }
        // SAFETY: the active snapshot lives as long as the statement.
        unsafe {
            Ok(Self::open(
                relation,
                keys,
                order,
                pg_sys::GetActiveSnapshot(),
            ))
        }
    }

    /// The same for the rows that are there now: what has been committed, whatever snapshot the
    /// transaction goes by, and what it did itself.
    pub fn latest(relation: Indexed, keys: &[(i16, Key<'_>)], order: Order) -> Self {
        // SAFETY: without a snapshot the scan takes one of its own.
        unsafe { Self::open(relation, keys, order, std::ptr::null_mut()) }
    }

    /// The same for rows as they stand while the scan goes on, not at one moment. It leaves no trace for
    /// SERIALIZABLE: for tables whose rows are only inserted.
    pub fn present(
        relation: Indexed,
        keys: &[(i16, Key<'_>)],
        order: Order,
        which: Present,
    ) -> Self {
        let mut snapshot = Box::new(pg_sys::SnapshotData {
            snapshot_type: match which {
                Present::Committed => pg_sys::SnapshotType::SNAPSHOT_SELF,
                Present::Uncommitted => pg_sys::SnapshotType::SNAPSHOT_DIRTY,
            },
            ..Default::default()
        });
        // SAFETY: such a snapshot is not registered; it stays where it is until the scan is dropped.
        let mut scan = unsafe { Self::open(relation, keys, order, &raw mut *snapshot) };
        scan._snapshot = Some(snapshot);
        scan
    }

    /// # Safety
    /// The snapshot is registered, active or of a kind that need not be, as long as the scan lives; or
    /// it is null.
    unsafe fn open(
        relation: Indexed,
        keys: &[(i16, Key<'_>)],
        order: Order,
        snapshot: pg_sys::Snapshot,
    ) -> Self {
        // SAFETY: both relations exist, or index_open and table_open raise; the scan keys are copied.
        // What is open when an ERROR is raised, PostgreSQL closes.
        unsafe {
            let mut scan_keys = [pg_sys::ScanKeyData::default(); MAX_KEYS];
            let count = keys.len().min(MAX_KEYS);
            for (place, (column, key)) in scan_keys.iter_mut().zip(keys) {
                key.write(place, *column);
            }
            let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
            let table = pg_sys::table_open(relation.table, lock);
            let index = open_index(relation, table, lock);
            check(table, index, keys);
            let scan = pg_sys::systable_beginscan_ordered(
                table,
                index,
                snapshot,
                count as i32,
                scan_keys.as_mut_ptr(),
            );
            let columns = usize::try_from((*(*table).rd_att).natts).unwrap_or(0);
            Self {
                table,
                index,
                scan,
                direction: match order {
                    Order::Forward => pg_sys::ScanDirection::ForwardScanDirection,
                    Order::Backward => pg_sys::ScanDirection::BackwardScanDirection,
                },
                values: vec![pg_sys::Datum::from(0); columns],
                nulls: vec![true; columns],
                _snapshot: None,
            }
        }
    }

    /// The next row.
    #[expect(clippy::should_implement_trait, reason = "the row borrows the scan")]
    pub fn next(&mut self) -> Option<Row<'_>> {
        // SAFETY: the scan is open; the tuple it returns is valid until the next one is fetched,
        // which needs the scan mutable; values and nulls have the table's number of columns.
        unsafe {
            let tuple = pg_sys::systable_getnext_ordered(self.scan, self.direction);
            if tuple.is_null() {
                return None;
            }
            pg_sys::heap_deform_tuple(
                tuple,
                (*self.table).rd_att,
                self.values.as_mut_ptr(),
                self.nulls.as_mut_ptr(),
            );
            let header = (*tuple).t_data;
            Some(Row {
                row_type: (*self.table).rd_att,
                values: &self.values,
                nulls: &self.nulls,
                stamp: Stamp {
                    xmin: (*header).t_choice.t_heap.t_xmin.into_inner(),
                    block: (
                        (*tuple).t_self.ip_blkid.bi_hi,
                        (*tuple).t_self.ip_blkid.bi_lo,
                    ),
                    item: (*tuple).t_self.ip_posid,
                },
                scan: PhantomData,
            })
        }
    }
}

/// A column of a row type, by its number.
///
/// # Safety
/// `row_type` is valid.
unsafe fn attribute(
    row_type: pg_sys::TupleDesc,
    column: i16,
) -> Option<pg_sys::FormData_pg_attribute> {
    // SAFETY: as the caller says; it is not kept.
    let columns = unsafe { pgrx::PgTupleDesc::from_pg_unchecked(row_type) };
    let at = usize::try_from(column).ok()?.checked_sub(1)?;
    columns.get(at).copied()
}

/// Raises where a scan would take something for what it is not: the owner of a trusted extension is no
/// superuser, and may have altered its tables or put other ones in their place.
///
/// # Safety
/// Both are open.
unsafe fn check(table: pg_sys::Relation, index: pg_sys::Relation, keys: &[(i16, Key<'_>)]) {
    // SAFETY: the catalog rows of open relations.
    let fits = unsafe {
        let form = (*index).rd_index;
        (*(*table).rd_rel).relkind as u8 == pg_sys::RELKIND_RELATION
            && !form.is_null()
            && (*form).indrelid == (*table).rd_id
            && (*(*index).rd_rel).relam == pg_sys::BTREE_AM_OID
            && keys.iter().all(|(column, key)| {
                attribute((*table).rd_att, *column).is_some_and(|column| key.fits(&column))
            })
    };
    if !fits {
        Failure::internal("a table of the extension has been altered").raise();
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `new`, closed here only.
            unsafe {
                let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
                pg_sys::systable_endscan_ordered(self.scan);
                pg_sys::index_close(self.index, lock);
                pg_sys::table_close(self.table, lock);
            }
        }
    }
}

impl Key<'_> {
    /// Whether it can be compared with a column.
    fn fits(self, column: &pg_sys::FormData_pg_attribute) -> bool {
        match self {
            Self::Text(_) => column.atttypid == pg_sys::TEXTOID,
            Self::Name(_) => column.atttypid == pg_sys::NAMEOID,
            Self::BigInt(_) | Self::BigIntFrom(_) => column.atttypid == pg_sys::INT8OID,
            Self::Int(_) => column.atttypid == pg_sys::INT4OID,
            Self::Oid(_) => column.attbyval && column.attlen == 4,
            Self::Xid(_) | Self::XidFrom(_) => column.atttypid == pg_sys::XID8OID,
        }
    }

    /// # Safety
    /// The column is of the key's type; the current memory context outlives the scan.
    unsafe fn write(self, place: &mut pg_sys::ScanKeyData, column: i16) {
        let (operator, datum) = match self {
            // SAFETY: copied into the current memory context.
            Self::Text(text) => (pg_sys::F_TEXTEQ, unsafe { text::datum(text) }),
            Self::Name(name) => (pg_sys::F_NAMEEQ, pg_sys::Datum::from(name.as_ptr())),
            Self::BigInt(number) => (pg_sys::F_INT8EQ, pg_sys::Datum::from(number)),
            Self::Int(number) => (pg_sys::F_INT4EQ, pg_sys::Datum::from(number)),
            Self::Oid(oid) => (pg_sys::F_OIDEQ, pg_sys::Datum::from(oid)),
            Self::Xid(xid) => (pg_sys::F_XID8EQ, pg_sys::Datum::from(xid)),
            Self::XidFrom(xid) => (pg_sys::F_XID8GE, pg_sys::Datum::from(xid)),
            Self::BigIntFrom(number) => (pg_sys::F_INT8GE, pg_sys::Datum::from(number)),
        };
        let strategy = match self {
            Self::XidFrom(_) | Self::BigIntFrom(_) => pg_sys::BTGreaterEqualStrategyNumber,
            _ => pg_sys::BTEqualStrategyNumber,
        };
        // SAFETY: fills the place; an operator of the column's type, under collation "C".
        unsafe {
            pg_sys::ScanKeyInit(
                place,
                column,
                strategy as u16,
                pg_sys::Oid::from(operator),
                datum,
            );
        }
    }
}

/// Which tuple a row is: no other one of the same table has the same stamp while a session that saw
/// it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    xmin: u32,
    block: (u16, u16),
    item: u16,
}

/// A row of a scan. Columns are numbered from 1, as in the catalogs; a reader of a column must be the
/// one of its type.
pub struct Row<'a> {
    row_type: pg_sys::TupleDesc,
    values: &'a [pg_sys::Datum],
    nulls: &'a [bool],
    /// Which tuple it is.
    pub stamp: Stamp,
    scan: PhantomData<&'a mut Scan>,
}

impl<'a> Row<'a> {
    fn datum(&self, column: i16) -> Option<pg_sys::Datum> {
        let at = usize::try_from(column).ok()?.checked_sub(1)?;
        (!self.nulls.get(at)?).then(|| self.values[at])
    }

    /// The value of a column, if it is of the type; another one must not be taken for it: the owner of a trusted
    /// extension is no superuser, and may have altered its tables.
    fn exact(&self, column: i16, type_oid: pg_sys::Oid) -> Option<pg_sys::Datum> {
        // SAFETY: the row type of the open table.
        let found = unsafe { attribute(self.row_type, column) }?;
        self.datum(column).filter(|_| found.atttypid == type_oid)
    }

    /// The value of a column that is passed as such, not by its address.
    fn word(&self, column: i16) -> Option<pg_sys::Datum> {
        // SAFETY: as above.
        let found = unsafe { attribute(self.row_type, column) }?;
        self.datum(column).filter(|_| found.attbyval)
    }

    /// Whether a column is NULL.
    pub fn is_null(&self, column: i16) -> bool {
        self.datum(column).is_none()
    }

    /// A `bigint`; 0 for NULL.
    pub fn big_int(&self, column: i16) -> i64 {
        self.word(column).map_or(0, |datum| datum.value() as i64)
    }

    /// An `integer`; 0 for NULL.
    pub fn int(&self, column: i16) -> i32 {
        self.word(column).map_or(0, |datum| datum.value() as i32)
    }

    /// An `oid` or a type of the same kind; invalid for NULL.
    pub fn oid(&self, column: i16) -> pg_sys::Oid {
        let oid = self.word(column).map_or(0, |datum| datum.value() as u32);
        pg_sys::Oid::from(oid)
    }

    /// A `text`.
    pub fn text(&self, column: i16) -> Option<&'a str> {
        // SAFETY: a text of the tuple, which lives as long as the row.
        self.exact(column, pg_sys::TEXTOID)
            .map(|datum| unsafe { text::utf8(varlena_bytes(datum)) })
    }

    /// An `xid8`; 0 for NULL.
    pub fn xid(&self, column: i16) -> FullXid {
        self.word(column).map_or(0, |datum| datum.value() as u64)
    }

    /// A `pg_snapshot`.
    pub fn snapshot(&self, column: i16) -> Option<Snapshot> {
        // SAFETY: a varlena of the tuple.
        let bytes = unsafe { varlena_bytes(self.exact(column, pg_sys::PG_SNAPSHOTOID)?) };
        Snapshot::parse(bytes)
    }

    /// An `interval`, in words that mean the same under every IntervalStyle; none for NULL.
    pub fn interval(&self, column: i16) -> Option<String> {
        // SAFETY: an interval of the tuple.
        let interval = unsafe {
            self.exact(column, pg_sys::INTERVALOID)?
                .cast_mut_ptr::<pg_sys::Interval>()
                .read()
        };
        let (months, days, time) = (interval.month, interval.day, interval.time);
        Some(format!(
            "{months:+} mons {days:+} days {time:+} microseconds"
        ))
    }

    /// A `jsonb`, as text.
    pub fn json(&self, column: i16) -> Option<String> {
        // SAFETY: a jsonb of the tuple.
        self.exact(column, pg_sys::JSONBOID)
            .map(|datum| unsafe { labels::output(datum, pg_sys::JSONBOID) })
    }

    /// A `text[]`; NULLs in it are left out.
    pub fn texts(&self, column: i16) -> Option<Vec<String>> {
        // SAFETY: a text[] of the tuple.
        let elements: Vec<Option<String>> = unsafe {
            pgrx::FromDatum::from_datum(self.exact(column, pg_sys::TEXTARRAYOID)?, false)?
        };
        Some(elements.into_iter().flatten().collect())
    }

    /// A `bytea`, detoasted into the current memory context.
    ///
    /// # Errors
    /// What `refuse` says of its length, before it is read.
    pub fn bytes(&self, column: i16, refuse: impl FnOnce(usize) -> Result<()>) -> Result<&'a [u8]> {
        let Some(datum) = self.exact(column, pg_sys::BYTEAOID) else {
            return Ok(&[]);
        };
        // SAFETY: a varlena of the tuple.
        unsafe {
            refuse(pg_sys::toast_raw_datum_size(datum))?;
            Ok(varlena_bytes(datum))
        }
    }

    /// An array of `oid` or a type of the same kind, without NULLs; empty for NULL.
    pub fn oids(&self, column: i16) -> Vec<pg_sys::Oid> {
        // SAFETY: the row type of the open table.
        let varlena = unsafe { attribute(self.row_type, column) }.is_some_and(|a| a.attlen == -1);
        let Some(datum) = self.datum(column).filter(|_| varlena) else {
            return Vec::new();
        };
        // SAFETY: a varlena of the tuple; that it is an array is looked at.
        let bytes = unsafe { varlena_bytes(datum) };
        let elements = super::array::ArrayView::parse(bytes).filter(|array| !array.has_null);
        let (words, _) = elements
            .map_or(&[][..], |array| array.payload)
            .as_chunks::<4>();
        words
            .iter()
            .map(|word| pg_sys::Oid::from(u32::from_ne_bytes(*word)))
            .collect()
    }
}
