//! A query of some columns of a source, planned and run.

use super::column::element_kind;
use super::key::{Hash, hash_function};
use super::view::RowView;
use crate::pg::cell::CellKind;
use crate::pg::context::{MemoryScope, SettingScope};
use crate::pg::error::{Failure, Result};
use crate::pg::executor::{TakeRow, execute};
use crate::pg::list;
use crate::pg::parse::{self, Source};
use crate::pg::progress;
use crate::pg::query;
use crate::pg::targets::{Target, replace_targets, whole_row};
use crate::pg::value::ValueKind;
use crate::pg::watchdog;
use pglearn_core::Error;
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CString;

/// Rows between two reports of progress.
const REPORT: u64 = 1 << 14;

/// A column that is read: where it stands in a row and how it is read.
pub(super) struct Column {
    pub(super) name: String,
    /// Attribute of the slot, from 0.
    pub(super) att: usize,
    pub(super) type_oid: pg_sys::Oid,
    pub(super) collation: pg_sys::Oid,
    pub(super) kind: Option<ValueKind>,
    pub(super) element: Option<CellKind>,
    pub(super) hash: Option<Hash>,
    pub(super) output: *mut pg_sys::FmgrInfo,
}

/// A planned query of some columns of a source.
pub struct Rows {
    columns: Vec<Column>,
    plan: *mut pg_sys::PlannedStmt,
    text: CString,
    last_attribute: usize,
    /// Rows the planner expects.
    pub expected_rows: f64,
    /// Whether that rests on statistics of the one table that is read.
    pub analysed: bool,
    /// The plan, for as long as it may be run.
    memory: MemoryScope,
}

impl Rows {
    /// Plans a query of the named columns, in this order.
    ///
    /// # Errors
    /// 42703 for a column that is not there, 42702 for one that is there twice; whatever planning
    /// raises.
    pub fn open(source: &Source, columns: &[String]) -> Result<Self> {
        let quoted: Vec<String> = columns.iter().map(pgrx::spi::quote_identifier).collect();
        let text = format!("SELECT {} FROM {}", quoted.join(", "), source.from_item);
        let text = parse::c_string(&text)?;
        let memory = MemoryScope::default();
        let (columns, plan, expected_rows) = memory.run(|| plan(&text, columns))?;
        Ok(Self {
            last_attribute: columns
                .iter()
                .map(|column| column.att + 1)
                .max()
                .unwrap_or(0),
            columns,
            plan,
            text,
            expected_rows,
            analysed: source.relation.is_some_and(query::analysed),
            memory,
        })
    }

    /// Runs the query into a sink, whose error ends it; the current memory context is then one that is
    /// reset with every row. Returns how many rows there were.
    ///
    /// # Errors
    /// Those of the query and of the sink.
    pub fn read(self, sink: &mut dyn FnMut(&RowView<'_>) -> Result<()>) -> Result<u64> {
        // Rows in a defined order: no shared start in the middle of the table.
        let _settings = SettingScope::new(&[(c"synchronize_seqscans", c"off")]);
        let mut reading = Reading {
            columns: &self.columns,
            last_attribute: self.last_attribute,
            sink,
            rows: 0,
            expected: self.expected_rows as u64,
            failure: None,
            row_memory: MemoryScope::default(),
        };
        self.memory
            .run(|| execute(self.plan, &self.text, &mut reading));
        match reading.failure.take() {
            None => Ok(reading.rows),
            Some(failure) => Err(failure),
        }
    }
}

/// Reads the named columns of every row of a source: [`Rows::open`] and [`Rows::read`].
///
/// # Errors
/// As they.
pub fn read(
    source: &Source,
    columns: &[String],
    sink: &mut dyn FnMut(&RowView<'_>) -> Result<()>,
) -> Result<u64> {
    Rows::open(source, columns)?.read(sink)
}

/// Analyses, shapes and plans; also how many rows the planner expects. Nodes live in the current memory context.
fn plan(
    text: &std::ffi::CStr,
    names: &[String],
) -> Result<(Vec<Column>, *mut pg_sys::PlannedStmt, f64)> {
    let query = query::analyse(text)?;
    // SAFETY: parse analysis returned a Query, whose target list holds TargetEntry nodes.
    let entries = unsafe { list::pointers::<pg_sys::TargetEntry>((*query).targetList) };
    if entries.len() != names.len() {
        return Err(Failure::internal("a column gave several"));
    }
    let mut columns = Vec::with_capacity(names.len());
    let mut targets = Vec::with_capacity(names.len());
    for (name, entry) in names.iter().zip(entries) {
        // SAFETY: `entry` is a target of the query.
        let expr = unsafe { (*entry).expr.cast::<pg_sys::Node>() };
        // SAFETY: nodes are told apart by their tags. The name of the source itself means a whole
        // row, and there are system columns: neither is a column of the source.
        let plain = unsafe {
            (*expr).type_ == pg_sys::NodeTag::T_Var && (*expr.cast::<pg_sys::Var>()).varattno > 0
        };
        if !plain {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{name}\" does not exist"),
            ));
        }
        // SAFETY: an expression of an analysed query.
        columns.push(unsafe { column(name, expr, targets.len()) });
        targets.push(Target { expr, entry: None });
    }
    match whole_row(query, &targets) {
        Some(attributes) => {
            for (column, att) in columns.iter_mut().zip(attributes) {
                column.att = att;
            }
        }
        None => replace_targets(query, &targets),
    }
    let plan = query::plan(query, text)?;
    // SAFETY: the planner returned a plan tree.
    let expected_rows = unsafe { (*(*plan).planTree).plan_rows };
    Ok((columns, plan, expected_rows))
}

/// # Safety
/// `expr` is an expression of an analysed query; the current memory context outlives the column.
unsafe fn column(name: &str, expr: *mut pg_sys::Node, att: usize) -> Column {
    // SAFETY: reads a node and the syscache; the output function's record keeps to the current
    // context.
    unsafe {
        let type_oid = pg_sys::getBaseType(pg_sys::exprType(expr));
        let output: *mut pg_sys::FmgrInfo = pg_sys::palloc0(size_of::<pg_sys::FmgrInfo>()).cast();
        let (mut function, mut varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo(type_oid, &mut function, &mut varlena);
        pg_sys::fmgr_info(function, output);
        Column {
            name: name.to_owned(),
            att,
            type_oid,
            collation: pg_sys::exprCollation(expr),
            kind: ValueKind::of(type_oid),
            element: element_kind(type_oid),
            hash: hash_function(type_oid),
            output,
        }
    }
}

/// A query that is running.
struct Reading<'a> {
    columns: &'a [Column],
    last_attribute: usize,
    sink: &'a mut dyn FnMut(&RowView<'_>) -> Result<()>,
    rows: u64,
    expected: u64,
    failure: Option<Failure>,
    row_memory: MemoryScope,
}

impl TakeRow for Reading<'_> {
    #[inline]
    fn last_attribute(&self) -> usize {
        self.last_attribute
    }

    #[inline]
    unsafe fn take(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) -> Result<()> {
        if watchdog::called_off() {
            return Err(Failure::from_core(Error::Stopped, &|_| String::new()));
        }
        self.row_memory.reset();
        let view = RowView {
            columns: self.columns,
            values,
            nulls,
        };
        self.row_memory.run(|| (self.sink)(&view))?;
        self.rows += 1;
        if self.rows.is_multiple_of(REPORT) {
            progress::update("reading rows", self.rows, self.expected, f64::NAN);
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }
}
