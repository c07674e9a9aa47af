//! Where the rows of a training go: into memory, or straight into an accumulator.

use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::monitor::SessionMonitor;
use crate::pg::scan::{RowSink, Shape};
use crate::settings;
use pglearn_core::Error;
use pglearn_core::linear::{LinearAccumulator, LinearFit};
use pglearn_core::tiles::{Span, Tiles};
use pgrx::PgSqlErrorCode;
use std::ops::Range;

/// Columns of a design at the most: a covariance of more would not fit one value of a table.
const MAX_COLUMNS: usize = 8192;

/// Keeps all rows, within `pglearn.max_memory`.
pub struct KeptRows {
    tiles: Option<Tiles>,
    starts: Vec<usize>,
    features: usize,
    centred: bool,
    /// Bytes that the solver will need besides the rows, by the number of features.
    working: fn(usize) -> u64,
}

impl KeptRows {
    /// Rows whose features are stored less a constant near their mean, for a solver that needs so
    /// many bytes besides them.
    pub fn centred(working: fn(usize) -> u64) -> Self {
        Self {
            tiles: None,
            starts: Vec::new(),
            features: 0,
            centred: true,
            working,
        }
    }

    /// Rows as they are.
    pub fn raw() -> Self {
        Self {
            centred: false,
            ..Self::centred(|_| 0)
        }
    }

    /// The rows; `None` if there were none.
    pub fn tiles(&self) -> Option<&Tiles> {
        self.tiles.as_ref()
    }

    /// As [`tiles`](Self::tiles).
    pub fn tiles_mut(&mut self) -> Option<&mut Tiles> {
        self.tiles.as_mut()
    }

    /// Columns of the design.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The rows of a group.
    pub fn range(&self, group: usize) -> Range<usize> {
        let end = self.tiles.as_ref().map_or(0, Tiles::rows);
        let start = self.starts.get(group).copied().unwrap_or(end);
        start..self.starts.get(group + 1).copied().unwrap_or(end)
    }
}

impl RowSink for KeptRows {
    fn start(&mut self, shape: Shape<'_>) -> Result<()> {
        refuse_too_wide(shape.features)?;
        let columns = shape.features + 1;
        let (limit, working) = (settings::max_memory(), (self.working)(shape.features));
        if working >= limit {
            return Err(memory_limit(working, limit));
        }
        let limit = limit - working;
        // Statistics may be old: refuse at once only where they say that it is far too much.
        let rows = shape.expected_rows.unwrap_or(0.0) as u64;
        let expected = Tiles::bytes_for(rows, columns);
        if expected > limit.saturating_mul(4) {
            return Err(memory_limit(expected + working, limit + working));
        }
        self.features = shape.features;
        let centred = if self.centred { shape.features } else { 0 };
        self.tiles = Some(Tiles::new(columns, centred, limit));
        Ok(())
    }

    fn begin_group(&mut self) -> pglearn_core::Result<()> {
        self.starts.push(self.tiles.as_ref().map_or(0, Tiles::rows));
        Ok(())
    }

    fn rows(&mut self, span: Span<'_>) -> pglearn_core::Result<()> {
        self.tiles
            .as_mut()
            .map_or(Ok(()), |tiles| tiles.append(span))
    }
}

/// Refuses designs that no model table could describe.
///
/// # Errors
/// 54000.
pub fn refuse_too_wide(features: usize) -> Result<()> {
    if features <= MAX_COLUMNS {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("the design has {features} columns, at most {MAX_COLUMNS} are possible"),
    )
    .hint("Leave columns out, or slice the array: 'features[1:1000]'."))
}

/// Folds the rows of each group into the triangular factor of a linear regression.
#[derive(Default)]
pub struct Folding {
    features: usize,
    current: Option<LinearAccumulator>,
    fits: Vec<Option<LinearFit>>,
    monitor: SessionMonitor,
}

impl Folding {
    fn close_group(&mut self) -> pglearn_core::Result<()> {
        if let Some(accumulator) = self.current.take() {
            self.fits.push(fit_of(&accumulator, &mut self.monitor)?);
        }
        Ok(())
    }

    /// The fit of each group; `None` for one without rows.
    ///
    /// # Errors
    /// Those of the fit.
    pub fn finish(mut self) -> pglearn_core::Result<Vec<Option<LinearFit>>> {
        self.close_group()?;
        Ok(self.fits)
    }
}

/// Folds a span, in parts small enough to be interrupted between.
pub fn fold(
    accumulator: &mut LinearAccumulator,
    span: Span<'_>,
    monitor: &mut SessionMonitor,
) -> pglearn_core::Result<()> {
    for part in span.parts(rows_at_a_time(span.columns)) {
        monitor.breathe()?;
        accumulator.update(part)?;
    }
    Ok(())
}

/// Rows that are folded into a triangle of so many columns within a few hundredths of a second.
pub fn rows_at_a_time(columns: usize) -> usize {
    const CELLS: usize = 1 << 27;
    (CELLS / (columns * columns).max(1)).max(1)
}

/// The fit of the rows taken so far; `None` without rows.
pub fn fit_of(
    accumulator: &LinearAccumulator,
    monitor: &mut SessionMonitor,
) -> pglearn_core::Result<Option<LinearFit>> {
    match accumulator.finish(monitor) {
        Ok(fit) => Ok(Some(fit)),
        Err(Error::NoRows) => Ok(None),
        Err(error) => Err(error),
    }
}

impl RowSink for Folding {
    fn start(&mut self, shape: Shape<'_>) -> Result<()> {
        refuse_too_wide(shape.features)?;
        self.features = shape.features;
        Ok(())
    }

    fn begin_group(&mut self) -> pglearn_core::Result<()> {
        self.close_group()?;
        let k = self.features as u64;
        let needed = (self.fits.len() as u64 + 1).saturating_mul(8 * k * (k + 5));
        let limit = settings::max_memory();
        if needed > limit {
            return Err(Error::MemoryLimit { needed, limit });
        }
        self.current = Some(LinearAccumulator::new(self.features)?);
        Ok(())
    }

    fn rows(&mut self, span: Span<'_>) -> pglearn_core::Result<()> {
        let Some(accumulator) = &mut self.current else {
            return Ok(());
        };
        fold(accumulator, span, &mut self.monitor)
    }
}
