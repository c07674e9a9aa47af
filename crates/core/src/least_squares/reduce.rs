//! Rows reduced to the triangular factor of the centred (X, y).

use std::ops::Range;

use super::Rows;
use super::survey::Survey;
use crate::monitor::Monitor;
use crate::parallel::{Watch, for_each_lane, lane_ranges, lanes_at_most};
use crate::tiles::{Span, TILE_ROWS, TILE_STRIDE, zeroed};
use crate::{Error, Result};

/// Features at the most: the factor of so many takes 537 MB.
pub const MAX_FEATURES: usize = 8192;
/// Multiply-adds between two polls at the most.
const FOLD_WORK: usize = 1 << 26;
/// Multiply-adds below which starting threads costs more than it saves.
const THREAD_WORK: usize = 2_000_000;
/// Deviations between a column's mean and its origin beyond which squares lose digits.
const FAR: f64 = 10.0;

/// All that a least-squares solver needs to know of the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduced {
    /// Number of features.
    pub features: usize,
    /// Whether there is an intercept: columns and target are then centred.
    pub intercept: bool,
    /// Upper triangle of order `features + 1`, dense, column after column, the target last.
    pub triangle: Vec<f64>,
    /// Weighted mean of each raw column; 0 without an intercept.
    pub means: Vec<f64>,
    /// Weighted mean of the target; 0 without an intercept.
    pub target_mean: f64,
    /// Sum of the weights as the triangle has them: `unit` times the sum of the user's.
    pub weight: f64,
    /// The power of two the weights were multiplied by.
    pub unit: f64,
    /// Rows with a positive weight.
    pub rows: u64,
    /// The target of every row, where all are equal.
    pub constant_target: Option<f64>,
    /// Columns that are constant although there is an intercept: their coefficient is 0.
    pub constants: Vec<usize>,
}

impl Reduced {
    /// Column `j` of the triangle, down to its diagonal.
    pub(super) fn column(&self, j: usize) -> &[f64] {
        &self.triangle[j * (self.features + 1)..][..=j]
    }

    /// The constant that goes with these coefficients.
    pub(super) fn constant(&self, coefficients: &[f64]) -> f64 {
        if !self.intercept {
            return 0.0;
        }
        self.target_mean - crate::linalg::dot(&self.means, coefficients)
    }
}

/// Bytes a reduction and a solution on it take at the most beyond the tiles, for any number of rows:
/// the lanes' triangles and staging, and six matrices of the solver.
#[must_use]
pub fn working_memory(features: usize, threads: usize) -> u64 {
    const STACK: u64 = 64 << 10;
    let (p, lanes) = (features as u64 + 2, lanes_at_most(features + 2) as u64);
    let square = p.saturating_mul(p);
    let staging = p.saturating_mul(TILE_STRIDE as u64);
    let cells = square.saturating_mul(lanes + 6) + staging.saturating_mul(lanes);
    cells.saturating_mul(8) + STACK.saturating_mul(threads as u64)
}

/// What is done to the rows before they are folded.
struct Design<'a> {
    rows: &'a Rows<'a>,
    survey: &'a Survey,
    intercept: bool,
    /// Subtracted from the stored cells of each column.
    origins: Vec<f64>,
}

impl Design<'_> {
    /// Columns of the factor: the constant where there is one, the features, the target.
    fn order(&self) -> usize {
        self.rows.features + 1 + usize::from(self.intercept)
    }

    /// Writes rows as the fold takes them, each times the root of its weight.
    fn stage(&self, span: Span<'_>, tile: &mut [f64], roots: &mut Vec<f64>) {
        roots.clear();
        match self.rows.weighted {
            false => roots.resize(span.rows, 1.0),
            true => {
                let weights = span.column(self.rows.features + 1);
                roots.extend(weights.iter().map(|w| (w * self.survey.unit).sqrt()));
            }
        }
        let mut columns = tile.chunks_exact_mut(TILE_STRIDE);
        if self.intercept
            && let Some(target) = columns.next()
        {
            target[..span.rows].copy_from_slice(roots);
        }
        for (column, target) in columns.enumerate().take(self.rows.features + 1) {
            let origin = self.origins[column];
            let target = &mut target[..span.rows];
            for ((cell, value), root) in target.iter_mut().zip(span.column(column)).zip(&*roots) {
                *cell = (value - origin) * root;
            }
        }
    }
}

/// One lane: its rows, their factor, its buffers.
struct Lane {
    range: Range<usize>,
    triangle: Vec<f64>,
    tile: Vec<f64>,
    roots: Vec<f64>,
}

/// Reduces the rows.
///
/// # Errors
/// [`Error::NoRows`] where no row has a positive weight, [`Error::InvalidParameter`] for a negative
/// weight or more than 8192 features, [`Error::Shape`], [`Error::Breakdown`] where squares leave the
/// range of doubles, [`Error::OutOfMemory`], [`Error::Stopped`].
pub fn reduce(
    rows: &Rows<'_>,
    intercept: bool,
    threads: usize,
    monitor: &mut dyn Monitor,
) -> Result<Reduced> {
    if rows.features > MAX_FEATURES {
        return Err(Error::InvalidParameter {
            name: "number of encoded features",
            value: rows.features.to_string(),
            expected: "8192 at the most for least squares",
        });
    }
    let mut watch = Watch::new(monitor, "reading", rows.tiles.rows() as u64);
    let survey = Survey::take(rows, &mut watch)?;
    let shifts = &rows.tiles.shifts()[..rows.features];
    let mut design = Design {
        rows,
        survey: &survey,
        intercept,
        origins: shifts.iter().map(|shift| -shift).chain([0.0]).collect(),
    };
    if intercept {
        // A constant column is made exactly 0.
        let constants = survey.constants.iter().map(|cell| cell.unwrap_or(0.0));
        design.origins = constants.chain([survey.centre]).collect();
    }
    let mut factor = factor(&design, threads, &mut watch)?;
    if intercept && move_origins(&mut design, &factor) {
        factor = self::factor(&design, threads, &mut watch)?;
    }
    finish(&design, &factor)
}

/// The factor of all rows.
fn factor(design: &Design<'_>, threads: usize, watch: &mut Watch<'_>) -> Result<Vec<f64>> {
    let p = design.order();
    let tiles = design.rows.tiles;
    let mut lanes = Vec::new();
    for range in lane_ranges(&(0..tiles.rows()), p) {
        lanes.push(Lane {
            range,
            triangle: zeroed(p * p)?,
            tile: zeroed(p * TILE_STRIDE)?,
            roots: Vec::with_capacity(TILE_ROWS),
        });
    }
    let at_once = (FOLD_WORK / (p * p)).clamp(8, TILE_ROWS);
    let work = tiles.rows().saturating_mul(p * p);
    let threads = if work < THREAD_WORK { 1 } else { threads };
    for_each_lane(&mut lanes, threads, watch, |lane, tick| {
        for tile in tiles.spans(lane.range.clone()) {
            for span in tile.parts(at_once) {
                tick()?;
                design.stage(span, &mut lane.tile, &mut lane.roots);
                let (triangle, tile) = (&mut lane.triangle, &mut lane.tile);
                pglearn_kernels::fold_rows(triangle, p, tile, TILE_STRIDE, span.rows, tick)?;
            }
        }
        Ok(())
    })?;
    let Some((first, others)) = lanes.split_first_mut() else {
        return Err(Error::NoRows);
    };
    for lane in others {
        fold_triangle(
            &lane.triangle,
            p,
            &mut first.triangle,
            &mut first.tile,
            watch,
        )?;
    }
    Ok(std::mem::take(&mut first.triangle))
}

/// Folds a triangle of order `p` into another, some rows at a time.
pub(super) fn fold_triangle(
    addend: &[f64],
    p: usize,
    triangle: &mut [f64],
    tile: &mut [f64],
    watch: &mut Watch<'_>,
) -> Result<()> {
    let step = (FOLD_WORK / (p * p)).clamp(8, TILE_ROWS);
    for first in (0..p).step_by(step) {
        watch.tick()?;
        let rows = step.min(p - first);
        for (column, cells) in addend.chunks_exact(p).enumerate() {
            tile[column * TILE_STRIDE..][..rows].copy_from_slice(&cells[first..][..rows]);
        }
        let tick = &mut || watch.tick();
        pglearn_kernels::fold_rows(triangle, p, tile, TILE_STRIDE, rows, tick)?;
    }
    Ok(())
}

/// Moves the origin of columns that lie far from it to their mean; says whether there were any.
fn move_origins(design: &mut Design<'_>, factor: &[f64]) -> bool {
    let p = design.order();
    let mut moved = false;
    for column in 0..=design.rows.features {
        let cells = &factor[(column + 1) * p..][..=column + 1];
        let spread = crate::linalg::norm(&cells[1..]);
        let mean = cells[0] / factor[0];
        if cells[0].abs() > FAR * spread && mean.is_finite() && mean != 0.0 {
            design.origins[column] += mean;
            moved = true;
        }
    }
    moved
}

/// Takes the constant out of the factor.
fn finish(design: &Design<'_>, factor: &[f64]) -> Result<Reduced> {
    let (p, d) = (design.order(), design.rows.features);
    let survey = design.survey;
    if factor.iter().any(|cell| !cell.is_finite()) {
        return Err(Error::Breakdown {
            phase: "sums of squares",
        });
    }
    let skipped = usize::from(design.intercept);
    let mut triangle = zeroed((d + 1) * (d + 1))?;
    for (column, cells) in triangle.chunks_exact_mut(d + 1).enumerate() {
        let source = &factor[(column + skipped) * p + skipped..][..=column];
        cells[..=column].copy_from_slice(source);
    }
    let shifts = design.rows.tiles.shifts();
    let mean = |column: usize| {
        let origin = design.origins[column] + if column < d { shifts[column] } else { 0.0 };
        origin + factor[(column + 1) * p] / factor[0]
    };
    let (means, target_mean, constants) = if design.intercept {
        let constants = (0..d).filter(|column| survey.constants[*column].is_some());
        ((0..d).map(mean).collect(), mean(d), constants.collect())
    } else {
        (zeroed(d)?, 0.0, Vec::new())
    };
    Ok(Reduced {
        features: d,
        intercept: design.intercept,
        triangle,
        means,
        target_mean,
        weight: survey.weight,
        unit: survey.unit,
        rows: survey.rows,
        constant_target: survey.constant_target,
        constants,
    })
}
