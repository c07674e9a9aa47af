//! Passes over the rows: sums of likelihood, gradient and curvature, lane by lane.

use std::ops::Range;

use pglearn_kernels::{LogisticSpan, LogisticSums, Scratch, linear_predictor, logistic_pass};

use super::Rows;
use crate::parallel::{Watch, for_each_lane, lane_ranges};
use crate::tiles::{TILE_ROWS, TILE_STRIDE, Tiles, zeroed};
use crate::{Error, Result};

/// Multiply-adds between two polls at the most: well below 50 ms on a slow machine.
const SPAN_WORK: usize = 40_000_000;
/// Multiply-adds below which starting threads costs more than it saves.
const THREAD_WORK: usize = 2_000_000;

/// One lane: its rows, sums and buffers.
struct Lane {
    range: Range<usize>,
    sums: LogisticSums,
    scratch: Scratch,
    stage: Stage,
}

/// Where a span is changed before the kernel sees it.
struct Stage {
    weights: Vec<f64>,
    cells: Vec<f64>,
    eta: Vec<f64>,
}

/// How the rows are read.
struct Source<'a> {
    tiles: &'a Tiles,
    features: usize,
    weighted: bool,
    class_weight: Option<[f64; 2]>,
    /// Subtracted from the stored cells; empty where nothing is.
    offsets: Vec<f64>,
    span_rows: usize,
}

/// The rows of one regression and the work space of passes over them.
pub(crate) struct Problem<'a> {
    source: Source<'a>,
    lanes: Vec<Lane>,
    range: Range<usize>,
    threads: usize,
    /// Raw value = cell seen by the passes + shift, per feature.
    shifts: Vec<f64>,
}

impl<'a> Problem<'a> {
    /// Takes the memory for passes over `rows`.
    ///
    /// # Errors
    /// Shapes that do not fit, no rows, out of memory.
    pub fn new(rows: &Rows<'a>, class_weight: Option<[f64; 2]>, threads: usize) -> Result<Self> {
        let expected = rows.features + 1 + usize::from(rows.weighted);
        if rows.tiles.columns() < expected {
            let got = rows.tiles.columns();
            return Err(Error::Shape {
                what: "columns of the tiles",
                expected,
                got,
            });
        }
        let range = rows.range.start..rows.range.end.min(rows.tiles.rows());
        if range.is_empty() {
            return Err(Error::NoRows);
        }
        let p = rows.features + 1;
        let out_of_memory = || Error::OutOfMemory {
            bytes: (p * p * size_of::<f64>()) as u64,
        };
        let mut lanes = Vec::new();
        for range in lane_ranges(&range, p) {
            lanes.push(Lane {
                range,
                sums: LogisticSums::try_new(p).ok_or_else(out_of_memory)?,
                scratch: Scratch::try_new().ok_or_else(out_of_memory)?,
                stage: Stage {
                    weights: zeroed(TILE_STRIDE)?,
                    cells: Vec::new(),
                    eta: zeroed(TILE_STRIDE)?,
                },
            });
        }
        let source = Source {
            tiles: rows.tiles,
            features: rows.features,
            weighted: rows.weighted,
            class_weight,
            offsets: Vec::new(),
            span_rows: (SPAN_WORK / (p * p) / 8 * 8).clamp(8, TILE_ROWS),
        };
        let shifts = rows.tiles.shifts()[..rows.features].to_vec();
        Ok(Self {
            source,
            lanes,
            range,
            threads,
            shifts,
        })
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.source.features
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.range.len()
    }

    /// Raw value minus the value seen by the passes, per feature.
    pub fn shifts(&self) -> &[f64] {
        &self.shifts
    }

    /// The sums of the last [`evaluate`](Self::evaluate).
    pub fn sums(&self) -> &LogisticSums {
        &self.lanes[0].sums
    }

    /// Whether the coefficients of the last pass classify every row rightly.
    pub fn separates(&self) -> bool {
        let sums = self.sums();
        sums.max_abs_eta > 0.0 && sums.min_margin > 1e-12 * sums.max_abs_eta
    }

    /// Number of tiles that the rows touch.
    pub fn tile_count(&self) -> usize {
        self.range.end.div_ceil(TILE_ROWS) - self.range.start / TILE_ROWS
    }

    /// Subtracts `offsets` from the stored cells in every later pass.
    pub fn recentre(&mut self, offsets: Vec<f64>) -> Result<()> {
        for lane in &mut self.lanes {
            lane.stage.cells = zeroed(self.source.features * TILE_STRIDE)?;
        }
        for (shift, offset) in self.shifts.iter_mut().zip(&offsets) {
            *shift += offset;
        }
        self.source.offsets = offsets;
        Ok(())
    }

    /// Likelihood and gradient at `theta` (constant first), curvature where asked for, over every
    /// `every`-th tile; then in [`sums`](Self::sums).
    pub fn evaluate(
        &mut self,
        theta: &[f64],
        curvature: bool,
        every: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let p = theta.len();
        let work = self.rows() / every * if curvature { p * p } else { 4 * p };
        let threads = if work < THREAD_WORK { 1 } else { self.threads };
        let source = &self.source;
        for_each_lane(&mut self.lanes, threads, watch, |lane, tick| {
            lane.sums.clear(tick)?;
            let Lane {
                sums,
                scratch,
                stage,
                range,
            } = lane;
            let portion = source.portion(range, every);
            source.visit(portion, stage, tick, |span, _, tick| {
                let here = LogisticSpan { theta, ..*span };
                logistic_pass(&here, curvature, scratch, sums, tick)
            })
        })?;
        self.merge(watch)
    }

    /// Curvature at zero (a quarter of the weighted Gram matrix) of the rows that `keep` chooses by
    /// the linear predictor of `direction`, each with weight 1; then in [`sums`](Self::sums).
    pub fn gram_of_chosen(
        &mut self,
        direction: &[f64],
        keep: impl Fn(f64) -> bool + Sync,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let zero = zeroed(direction.len())?;
        let (source, threads) = (&self.source, self.threads);
        for_each_lane(&mut self.lanes, threads, watch, |lane, tick| {
            lane.sums.clear(tick)?;
            let Lane {
                sums,
                scratch,
                stage,
                range,
            } = lane;
            let portion = source.portion(range, 1);
            source.visit(portion, stage, tick, |span, eta, tick| {
                predict(span, direction, eta);
                let mut mask = [0.0; TILE_STRIDE];
                for (row, cell) in mask.iter_mut().enumerate().take(span.rows) {
                    let positive = span.weight.is_none_or(|w| w[row] > 0.0);
                    *cell = f64::from(u8::from(positive && keep(eta[row])));
                }
                let chosen = LogisticSpan {
                    theta: &zero,
                    weight: Some(&mask),
                    ..*span
                };
                logistic_pass(&chosen, true, scratch, sums, tick)
            })
        })?;
        self.merge(watch)
    }

    /// Calls `visit` with every span and the linear predictor of `direction` there, in row order on
    /// the calling thread, until it says that it has seen enough.
    pub fn scan(
        &mut self,
        direction: &[f64],
        watch: &mut Watch<'_>,
        mut visit: impl FnMut(&LogisticSpan<'_>, &[f64]) -> Seen,
    ) -> Result<()> {
        let mut enough = false;
        let stage = &mut self.lanes[0].stage;
        let scanned = self.source.visit(
            self.source.portion(&self.range, 1),
            stage,
            &mut || watch.tick(),
            |span, eta, _| {
                if !direction.is_empty() {
                    predict(span, direction, eta);
                }
                enough = visit(span, &eta[..span.rows]) == Seen::Enough;
                if enough { Err(Error::Stopped) } else { Ok(()) }
            },
        );
        if enough { Ok(()) } else { scanned }
    }

    /// Calls `work` with spans of at most `batch` rows, tile after tile in the given order, on the
    /// calling thread. Tiles are numbered from the first that the rows touch.
    pub fn batches(
        &mut self,
        tiles: &[u32],
        batch: usize,
        watch: &mut Watch<'_>,
        mut work: impl FnMut(&LogisticSpan<'_>) -> Result<()>,
    ) -> Result<()> {
        let Self {
            source,
            lanes,
            range,
            ..
        } = self;
        let first = range.start / TILE_ROWS;
        for tile in tiles {
            let start = (first + *tile as usize) * TILE_ROWS;
            let rows = start.max(range.start)..(start + TILE_ROWS).min(range.end);
            let portion = Portion {
                rows,
                every: 1,
                batch: batch.min(source.span_rows),
            };
            let tick = &mut || watch.tick();
            source.visit(portion, &mut lanes[0].stage, tick, |span, _, _| work(span))?;
        }
        Ok(())
    }

    /// Adds up the lanes' sums, in lane order, in the first lane.
    fn merge(&mut self, watch: &mut Watch<'_>) -> Result<()> {
        if let Some((first, others)) = self.lanes.split_first_mut() {
            for lane in others {
                first.sums.merge(&lane.sums, &mut || watch.tick())?;
            }
        }
        Ok(())
    }
}

/// Some of the rows, and how many to show at once.
struct Portion {
    rows: Range<usize>,
    every: usize,
    batch: usize,
}

/// Whether a scan goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Show me more.
    More,
    /// The answer is known.
    Enough,
}

fn predict(span: &LogisticSpan<'_>, theta: &[f64], out: &mut [f64]) {
    linear_predictor(span.x, span.stride, span.rows, span.columns, theta, out);
}

impl Source<'_> {
    /// Every `every`-th tile of the rows, in spans that keep the monitor informed.
    fn portion(&self, rows: &Range<usize>, every: usize) -> Portion {
        Portion {
            rows: rows.clone(),
            every,
            batch: self.span_rows,
        }
    }

    /// Calls `work` with each span of the portion, a buffer for the linear predictor, and `tick`. The
    /// span has no coefficients yet.
    fn visit(
        &self,
        portion: Portion,
        stage: &mut Stage,
        tick: &mut dyn FnMut() -> Result<()>,
        mut work: impl FnMut(
            &LogisticSpan<'_>,
            &mut [f64],
            &mut dyn FnMut() -> Result<()>,
        ) -> Result<()>,
    ) -> Result<()> {
        let Stage {
            weights,
            cells,
            eta,
        } = stage;
        let Portion { rows, every, batch } = portion;
        let mut first = rows.start;
        for tile in self.tiles.spans(rows) {
            let chosen = (first / TILE_ROWS) % every == every / 2;
            first += tile.rows;
            if !chosen {
                continue;
            }
            for start in (0..tile.rows).step_by(batch) {
                tick()?;
                let rows = batch.min(tile.rows - start);
                let column = |j: usize| &tile.column(j)[start..start + rows];
                let y = column(self.features);
                let weight = self.weighted.then(|| column(self.features + 1));
                let weight = match self.class_weight {
                    None => weight,
                    Some(of_class) => {
                        for (row, (cell, label)) in weights.iter_mut().zip(y).enumerate() {
                            *cell = of_class[usize::from(*label > 0.5)]
                                * weight.map_or(1.0, |w| w[row]);
                        }
                        Some(&weights[..rows])
                    }
                };
                let mut x = &tile.data[start..];
                if !self.offsets.is_empty() {
                    for (j, offset) in self.offsets.iter().enumerate() {
                        let staged = &mut cells[j * TILE_STRIDE..][..rows];
                        for (cell, value) in staged.iter_mut().zip(column(j)) {
                            *cell = value - offset;
                        }
                    }
                    x = cells;
                }
                let span = LogisticSpan {
                    x,
                    stride: TILE_STRIDE,
                    rows,
                    columns: self.features,
                    y,
                    weight,
                    theta: &[],
                };
                work(&span, eta, tick)?;
            }
        }
        Ok(())
    }
}
