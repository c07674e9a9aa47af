//! One row after the other into column tiles: which group it belongs to, its outcome, its design.

use super::array::{self, ArrayView};
use super::cell::CellKind;
use super::context::MemoryScope;
use super::error::{Failure, Result};
use super::executor::TakeRow;
use super::labels::{self, Comparison, LabelCoder};
use super::progress;
use super::query::{self, AnyColumn, Column, DesignLayout, Prepared, Request};
use super::scan::{Group, OutcomeKind, RowSink, Scan, Shape};
use pglearn_core::tiles::{TILE_STRIDE, TileBuffer};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::cmp::Ordering;
use std::ops::Range;

/// What a group costs besides its rows, in bytes, with what sinks keep for it.
const GROUP_BYTES: u64 = 512;

/// Elements from which on an array is likely to be stored compressed or out of line, so that reading
/// it makes a copy.
const LONG_ARRAY: usize = 128;

/// The state of a scan while rows come in.
pub(super) struct Reader<'a> {
    sink: &'a mut dyn RowSink,
    outcome: Option<AnyColumn>,
    coder: Option<LabelCoder>,
    number: Option<CellKind>,
    design: DesignLayout,
    /// The attributes of the design where they are doubles side by side, which is quicker to read.
    doubles: Option<Range<usize>>,
    group_columns: Vec<AnyColumn>,
    group_order: Vec<Comparison>,
    names: Vec<String>,
    argument: &'static str,
    last_attribute: usize,
    expected_rows: f64,
    analysed: bool,
    features: usize,
    buffer: Option<TileBuffer>,
    groups: Vec<Group>,
    rows: u64,
    tiles: u64,
    failure: Option<Failure>,
    /// Lives as long as the scan: keys, labels.
    memory: MemoryScope,
    /// Detoasted arrays and the like, reset with every tile.
    row_memory: MemoryScope,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        prepared: Prepared,
        request: &Request<'_>,
        outcome: OutcomeKind,
        sink: &'a mut dyn RowSink,
        memory: MemoryScope,
    ) -> Result<Self> {
        let mut coder = None;
        let mut number = None;
        if let Some(column) = &prepared.outcome {
            match outcome {
                OutcomeKind::TwoClasses => coder = Some(LabelCoder::new(column)?),
                _ => number = Some(number_kind(column)?),
            }
        }
        let mut group_order = Vec::new();
        for column in &prepared.groups {
            group_order.push(
                Comparison::of(column.type_oid, column.collation).ok_or_else(|| {
                    Failure::new(
                        PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                        format!(
                            "cannot group by column \"{}\": its type has no order",
                            column.name
                        ),
                    )
                })?,
            );
        }
        let argument = match &request.design {
            query::DesignInput::Vector(expression) => expression.argument,
            query::DesignInput::Scalars(_) => "the columns",
        };
        let mut reader = Self {
            sink,
            outcome: prepared.outcome,
            coder,
            number,
            doubles: prepared.design.adjacent_doubles(),
            design: prepared.design,
            group_columns: prepared.groups,
            group_order,
            names: prepared.names,
            argument,
            last_attribute: prepared.last_attribute,
            expected_rows: prepared.expected_rows,
            analysed: prepared.analysed,
            features: 0,
            buffer: None,
            groups: Vec::new(),
            rows: 0,
            tiles: 0,
            failure: None,
            memory,
            row_memory: MemoryScope::default(),
        };
        if let DesignLayout::Columns(columns) = &reader.design {
            let features = columns.len();
            reader.start(features)?;
        }
        if reader.group_columns.is_empty() {
            reader.open_group(Vec::new())?;
        }
        Ok(reader)
    }

    /// The width of the design is known.
    fn start(&mut self, features: usize) -> Result<()> {
        if let DesignLayout::Array(_) = self.design {
            let base = self.names.pop().unwrap_or_default();
            let base = base.trim_end_matches("[]").to_owned();
            self.names = (1..=features).map(|i| format!("{base}[{i}]")).collect();
        }
        let shape = Shape {
            features,
            names: &self.names,
            expected_rows: self.analysed.then_some(self.expected_rows),
        };
        self.sink.start(shape)?;
        let columns = features + usize::from(self.outcome.is_some());
        self.buffer = Some(TileBuffer::new(columns).map_err(|e| self.core(e))?);
        self.features = features;
        if !self.groups.is_empty() {
            // Groups that held skipped rows only.
            for _ in 0..self.groups.len() {
                self.sink
                    .begin_group()
                    .map_err(|e| Failure::from_core(e, &|_| String::new()))?;
            }
        }
        Ok(())
    }

    fn core(&self, error: pglearn_core::Error) -> Failure {
        let outcome = self
            .outcome
            .as_ref()
            .map_or("the outcome", |column| &column.name);
        Failure::from_core(error, &|column| {
            self.names
                .get(column)
                .cloned()
                .unwrap_or_else(|| outcome.to_owned())
        })
    }

    fn open_group(&mut self, key: Vec<pg_sys::Datum>) -> Result<()> {
        self.flush()?;
        let needed = (self.groups.len() as u64 + 1) * GROUP_BYTES;
        let reserved = self.groups.try_reserve(1).is_ok();
        if needed > crate::settings::max_memory() || !reserved {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
                format!("more than {} groups", self.groups.len()),
            )
            .detail("pglearn.max_memory does not allow for more.")
            .hint("Group by columns with fewer distinct values, or raise pglearn.max_memory (a superuser can)."));
        }
        self.groups.push(Group {
            key,
            rows: 0,
            skipped: 0,
        });
        if self.buffer.is_some() {
            self.sink.begin_group().map_err(|e| self.core(e))?;
        }
        Ok(())
    }

    fn skip(&mut self) {
        // A tile may never be filled where rows are skipped.
        self.row_memory.reset();
        if let Some(group) = self.groups.last_mut() {
            group.skipped += 1;
        }
    }

    /// # Safety
    /// `datum` is a non-NULL datum of the kind's type.
    #[inline]
    unsafe fn read(&self, kind: CellKind, datum: pg_sys::Datum) -> f64 {
        if kind == CellKind::Numeric {
            // SAFETY: passed on; the text of the number goes into the row's context.
            return self.row_memory.run(|| unsafe { kind.read(datum) });
        }
        // SAFETY: passed on.
        unsafe { kind.read(datum) }
    }

    /// Writes the design of one row; `false` where a cell is NULL.
    ///
    /// # Safety
    /// As [`take`](TakeRow::take).
    #[inline]
    unsafe fn design_row(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) -> Result<bool> {
        if let DesignLayout::Array(column) = self.design {
            if nulls[column.att] {
                return Ok(false);
            }
            // SAFETY: a non-NULL array datum; detoasted copies go into the row's context.
            return unsafe { self.array_row(column, values[column.att]) };
        }
        let (DesignLayout::Columns(columns), Some(buffer)) = (&self.design, &mut self.buffer)
        else {
            return Ok(false);
        };
        let row = buffer.rows();
        let cells = buffer.cells_mut()[row..].iter_mut().step_by(TILE_STRIDE);
        if let Some(at) = &self.doubles {
            if nulls[at.clone()].contains(&true) {
                return Ok(false);
            }
            for (datum, cell) in values[at.clone()].iter().zip(cells) {
                *cell = f64::from_bits(datum.value() as u64);
            }
            return Ok(true);
        }
        for (column, cell) in columns.iter().zip(cells) {
            if nulls[column.att] {
                return Ok(false);
            }
            *cell = if column.kind == CellKind::Numeric {
                // SAFETY: a non-NULL numeric; its text goes into the row's context.
                self.row_memory
                    .run(|| unsafe { column.kind.read(values[column.att]) })
            } else {
                // SAFETY: a non-NULL datum of the column's type.
                unsafe { column.kind.read(values[column.att]) }
            };
        }
        Ok(true)
    }

    /// # Safety
    /// `datum` is a non-NULL array of the column's kind.
    unsafe fn array_row(&mut self, column: Column, datum: pg_sys::Datum) -> Result<bool> {
        if self.features >= LONG_ARRAY {
            // What the row before left.
            self.row_memory.reset();
        }
        // SAFETY: a varlena datum; the copy, if one is made, lives until the next reset.
        let bytes = self
            .row_memory
            .run(|| unsafe { array::varlena_bytes(datum) });
        let view = ArrayView::parse(bytes)
            .ok_or_else(|| Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array"))?;
        if view.dimensions != 1 {
            return Err(self.array_error(match view.dimensions {
                0 => "an empty array".to_owned(),
                n => format!("an array of {n} dimensions"),
            }));
        }
        if view.has_null {
            return Ok(false);
        }
        if self.buffer.is_none() {
            self.start(view.len)?;
        }
        if view.len != self.features {
            return Err(self.array_error(format!(
                "arrays of different lengths: {} and {}",
                self.features, view.len
            )));
        }
        let Some(buffer) = &mut self.buffer else {
            return Ok(false);
        };
        let row = buffer.rows();
        let mut cells = buffer.cells_mut()[row..].iter_mut().step_by(TILE_STRIDE);
        if column.kind == CellKind::Numeric {
            // SAFETY: a numeric[] without NULLs.
            self.row_memory.run(|| unsafe {
                array::numeric_elements(datum, |value| {
                    if let Some(cell) = cells.next() {
                        *cell = value;
                    }
                });
            });
            return Ok(true);
        }
        let elements = view
            .fixed(column.kind)
            .ok_or_else(|| Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array"))?;
        column.kind.read_elements(elements, cells);
        Ok(true)
    }

    fn array_error(&self, what: String) -> Failure {
        Failure::new(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!("{} gives {what}", self.argument),
        )
        .detail("Every row must give a one-dimensional array of the same length.")
        .hint("Leave other rows out: source 'SELECT … WHERE cardinality(x) = n'.")
    }

    /// Opens a new group where the key differs from the last one's (rows come in their order).
    ///
    /// # Safety
    /// As [`take`](TakeRow::take).
    unsafe fn find_group(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) -> Result<()> {
        if let Some(column) = self.group_columns.iter().find(|column| nulls[column.att]) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("grouping column \"{}\" contains NULL values", column.name),
            )
            .hint(format!(
                "Leave them out: source 'SELECT * FROM … WHERE {} IS NOT NULL'.",
                pgrx::spi::quote_identifier(&column.name)
            )));
        }
        let same = self.groups.last().is_some_and(|group| {
            group
                .key
                .iter()
                .zip(&self.group_columns)
                .zip(&self.group_order)
                .all(
                    // SAFETY: non-NULL datums of the group column's type.
                    |((key, column), order)| unsafe {
                        order.order(*key, values[column.att]) == Ordering::Equal
                    },
                )
        });
        if same {
            return Ok(());
        }
        let columns = &self.group_columns;
        let key = self.memory.run(|| {
            // SAFETY: non-NULL datums of the group columns' types.
            columns
                .iter()
                .map(|c| unsafe { labels::copy(values[c.att], c.type_oid) })
                .collect()
        });
        self.open_group(key)
    }

    /// Hands the buffered rows to the sink.
    fn flush(&mut self) -> Result<()> {
        let Some(buffer) = &mut self.buffer else {
            return Ok(());
        };
        let count = buffer.rows() as u64;
        if count == 0 {
            return Ok(());
        }
        let result = self.sink.rows(buffer.span());
        buffer.clear();
        result.map_err(|e| self.core(e))?;
        self.row_memory.reset();
        self.rows += count;
        if let Some(group) = self.groups.last_mut() {
            group.rows += count;
        }
        self.tiles += 1;
        if self.tiles.is_multiple_of(64) {
            progress::update(
                "reading rows",
                self.rows,
                self.expected_rows as u64,
                f64::NAN,
            );
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Scan> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.flush()?;
        let classes = self.coder.as_ref().map(LabelCoder::classes).transpose()?;
        Ok(Scan {
            groups: self.groups,
            group_columns: self.group_columns,
            classes,
            names: self.names,
            memory: self.memory,
        })
    }
}

impl TakeRow for Reader<'_> {
    #[inline]
    fn last_attribute(&self) -> usize {
        self.last_attribute
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
    }

    #[inline]
    unsafe fn take(&mut self, values: &[pg_sys::Datum], nulls: &[bool]) -> Result<()> {
        if !self.group_columns.is_empty() {
            // SAFETY: passed on.
            unsafe { self.find_group(values, nulls)? };
        }
        let mut outcome = 0.0;
        if let Some(column) = &self.outcome {
            let att = column.att;
            if nulls[att] {
                self.skip();
                return Ok(());
            }
            if let Some(kind) = self.number {
                // SAFETY: a non-NULL datum of the outcome's type.
                outcome = unsafe { self.read(kind, values[att]) };
            }
        }
        // SAFETY: passed on.
        if !unsafe { self.design_row(values, nulls)? } {
            self.skip();
            return Ok(());
        }
        if let (Some(coder), Some(column)) = (&mut self.coder, &self.outcome) {
            // After the design: a row that is skipped does not define a class.
            let datum = values[column.att];
            // SAFETY: a non-NULL datum of the outcome's type; labels live in the scan's context.
            outcome = self.memory.run(|| unsafe { coder.code(datum) })?;
        }
        let has_outcome = self.outcome.is_some();
        let features = self.features;
        let Some(buffer) = &mut self.buffer else {
            return Ok(());
        };
        if has_outcome {
            let row = buffer.rows();
            buffer.cells_mut()[features * TILE_STRIDE + row] = outcome;
        }
        buffer.commit_row();
        if buffer.is_full() {
            self.flush()?;
        }
        Ok(())
    }
}

/// How an outcome that must be a number is read.
fn number_kind(column: &AnyColumn) -> Result<CellKind> {
    CellKind::of(column.type_oid).ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "dependent_varname: {} is of type {}, which is no number",
                column.name,
                query::type_name(column.type_oid)
            ),
        )
        .hint(if is_text(column.type_oid) {
            format!("Cast it: '({})::double precision'.", column.name)
        } else {
            "Write an expression that gives a number.".to_owned()
        })
    })
}

fn is_text(type_oid: pg_sys::Oid) -> bool {
    let (mut category, mut preferred) = (0, false);
    // SAFETY: a syscache look-up of an existing type.
    unsafe { pg_sys::get_type_category_preferred(type_oid, &mut category, &mut preferred) };
    category as u8 == b'S'
}
