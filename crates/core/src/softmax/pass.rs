//! Passes over the rows: log-likelihood, gradient, curvature, lane by lane.

use std::ops::Range;

use pglearn_kernels::{LogisticSums, Scratch, WeightedSpan, linear_predictor, weighted_products};

use super::Rows;
use super::joint::{self, Joint};
use super::stage::{Stage, probabilities};
use super::survey::Classes;
use crate::linalg::Tick;
use crate::parallel::{Watch, for_each_lane, lane_ranges};
use crate::tiles::{Span, TILE_ROWS, TILE_STRIDE, Tiles, zeroed};
use crate::{Error, Result};

/// Multiply-adds between two polls at the most.
const SPAN_WORK: usize = 40_000_000;
/// Probabilities that stay in the second-level cache.
const SPAN_CELLS: usize = 1 << 16;
/// Multiply-adds below which starting threads costs more than it saves.
const THREAD_WORK: usize = 2_000_000;

/// How the rows are read.
struct Source<'a> {
    tiles: &'a Tiles,
    features: usize,
    weighted: bool,
    unit: f64,
    places: Vec<f64>,
    classes: usize,
    /// Subtracted from the stored cells; empty where nothing is.
    offsets: Vec<f64>,
    span_rows: usize,
}

/// One lane: its rows, sums and buffers.
struct Lane {
    range: Range<usize>,
    sums: Sums,
    scratch: Scratch,
    stage: Stage,
}

/// What a pass sums up, for `K` classes.
pub(super) struct Sums {
    pub log_likelihood: f64,
    /// `K` blocks of the gradient.
    pub gradient: Vec<f64>,
    /// Without room for a curvature one block, for [`Passes::gram`]. Else gradient of class `k` in `k`,
    /// and curvature of class `k` with itself but for the last class;
    /// then, where `joint` has not got it, the curvature of pairs `k < l` of all but the last class,
    /// `l` by `l`.
    pub blocks: Vec<LogisticSums>,
    joint: Option<Joint>,
}

/// Rows and work space.
pub(super) struct Passes<'a> {
    source: Source<'a>,
    lanes: Vec<Lane>,
    threads: usize,
    /// Raw value = cell seen by the passes + shift, per feature.
    pub shifts: Vec<f64>,
}

/// Place of the curvature of a pair of classes, `k <= l`, neither the last of `classes`.
fn pair(classes: usize, k: usize, l: usize) -> usize {
    if k == l {
        k
    } else {
        classes + l * (l - 1) / 2 + k
    }
}

impl Sums {
    /// `curvature` says whether there is room for one.
    fn new(classes: usize, p: usize, curvature: bool) -> Result<Self> {
        let together = curvature && p <= joint::MOST;
        let pairs = if together {
            0
        } else {
            (classes - 1) * (classes - 2) / 2
        };
        let mut blocks = Vec::new();
        let bytes = (p * p * size_of::<f64>()) as u64;
        for _ in 0..if curvature { classes + pairs } else { 1 } {
            blocks.push(LogisticSums::try_new(p).ok_or(Error::OutOfMemory { bytes })?);
        }
        Ok(Self {
            log_likelihood: 0.0,
            gradient: zeroed(classes * p)?,
            blocks,
            joint: match together {
                true => Some(Joint::new(classes, p)?),
                false => None,
            },
        })
    }

    /// A cell of the curvature between classes `k <= l` of `classes`, neither the last.
    pub fn cell(&self, classes: usize, (k, l): (usize, usize), (i, j): (usize, usize)) -> f64 {
        match &self.joint {
            Some(joint) if k < l => joint.cell(k, l, i, j),
            _ => {
                let p = self.gradient.len() / classes;
                self.blocks[pair(classes, k, l)].hessian[i.max(j) * p + i.min(j)]
            }
        }
    }

    fn clear(&mut self, tick: Tick<'_>) -> Result<()> {
        self.log_likelihood = 0.0;
        self.gradient.fill(0.0);
        let joint = self.joint.as_mut().map(|joint| &mut joint.sums);
        let mut blocks = self.blocks.iter_mut().chain(joint);
        blocks.try_for_each(|block| block.clear(tick))
    }

    fn merge(&mut self, other: &Self, tick: Tick<'_>) -> Result<()> {
        self.log_likelihood += other.log_likelihood;
        for (sum, term) in self.gradient.iter_mut().zip(&other.gradient) {
            *sum += term;
        }
        let mut pairs = self.blocks.iter_mut().zip(&other.blocks);
        pairs.try_for_each(|(sum, term)| sum.merge(term, tick))?;
        match (&mut self.joint, &other.joint) {
            (Some(sum), Some(term)) => sum.sums.merge(&term.sums, tick),
            _ => Ok(()),
        }
    }
}

impl<'a> Passes<'a> {
    /// Takes the memory for passes over `rows`, for curvature too where `dense`.
    pub fn new(
        rows: &Rows<'a>,
        classes: &Classes,
        unit: f64,
        dense: bool,
        threads: usize,
    ) -> Result<Self> {
        let (p, k) = (rows.features + 1, classes.present.len());
        let width = if dense { k * p } else { (k * p).isqrt() };
        let out_of_memory = || Error::OutOfMemory { bytes: 1 << 16 };
        let mut lanes = Vec::new();
        for range in lane_ranges(&(0..rows.tiles.rows()), width) {
            lanes.push(Lane {
                range,
                sums: Sums::new(k, p, dense)?,
                scratch: Scratch::try_new().ok_or_else(out_of_memory)?,
                stage: Stage::new(k)?,
            });
        }
        let work = if dense { k * p * k * p / 2 } else { 4 * k * p };
        let source = Source {
            tiles: rows.tiles,
            features: rows.features,
            weighted: rows.weighted,
            unit,
            places: classes.place.clone(),
            classes: k,
            offsets: Vec::new(),
            span_rows: (SPAN_WORK / work)
                .min(SPAN_CELLS / k)
                .next_multiple_of(8)
                .clamp(8, TILE_ROWS),
        };
        Ok(Self {
            source,
            lanes,
            threads,
            shifts: rows.tiles.shifts()[..rows.features].to_vec(),
        })
    }

    pub fn rows(&self) -> usize {
        self.source.tiles.rows()
    }

    pub fn classes(&self) -> usize {
        self.source.classes
    }

    /// The sums of the last [`evaluate`](Self::evaluate).
    pub fn sums(&self) -> &Sums {
        &self.lanes[0].sums
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

    /// Log-likelihood and gradient at `theta`, curvature where asked for, over every `every`-th tile.
    pub fn evaluate(
        &mut self,
        theta: &[f64],
        curvature: bool,
        every: usize,
        watch: &mut Watch<'_>,
    ) -> Result<()> {
        let each = if curvature { theta.len() } else { 4 };
        let work = (self.rows() / every)
            .saturating_mul(theta.len())
            .saturating_mul(each);
        let threads = if work < THREAD_WORK { 1 } else { self.threads };
        let source = &self.source;
        for_each_lane(&mut self.lanes, threads, watch, |lane, tick| {
            lane.sums.clear(tick)?;
            let mut first = lane.range.start;
            for tile in source.tiles.spans(lane.range.clone()) {
                let chosen = (first / TILE_ROWS) % every == every / 2;
                first += tile.rows;
                if chosen {
                    for span in tile.parts(source.span_rows) {
                        tick()?;
                        source.pass(span, theta, curvature, lane, tick)?;
                    }
                }
            }
            Ok(())
        })?;
        self.merge(watch)
    }

    /// Half the weighted products of the columns of `(1, z)`; then the first block of the sums.
    pub fn gram(&mut self, watch: &mut Watch<'_>) -> Result<()> {
        let (source, threads) = (&self.source, self.threads);
        let products = (source.features + 1) * (source.features + 1);
        let span_rows = (SPAN_WORK / products / 8 * 8).clamp(8, source.span_rows);
        for_each_lane(&mut self.lanes, threads, watch, |lane, tick| {
            lane.sums.clear(tick)?;
            for tile in source.tiles.spans(lane.range.clone()) {
                for span in tile.parts(span_rows) {
                    tick()?;
                    let (stage, rows) = (&mut lane.stage, span.rows);
                    stage.take(span, &source.offsets);
                    stage.weigh(rows, source.weights(span), source.unit);
                    stage.weight[..rows].iter_mut().for_each(|w| *w /= 2.0);
                    stage.residual.fill(0.0);
                    let products = WeightedSpan {
                        x: if source.offsets.is_empty() {
                            span.data
                        } else {
                            &stage.cells[..]
                        },
                        stride: TILE_STRIDE,
                        rows,
                        columns: source.features,
                        residual: &stage.residual,
                        weight: &stage.weight,
                    };
                    let block = &mut lane.sums.blocks[0];
                    weighted_products(&products, true, &mut lane.scratch, block, tick)?;
                }
            }
            Ok(())
        })?;
        self.merge(watch)
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

impl Source<'_> {
    fn weights<'s>(&self, span: Span<'s>) -> Option<&'s [f64]> {
        self.weighted.then(|| span.column(self.features + 1))
    }

    fn pass(
        &self,
        span: Span<'_>,
        theta: &[f64],
        curvature: bool,
        lane: &mut Lane,
        tick: &mut dyn FnMut() -> Result<()>,
    ) -> Result<()> {
        let Lane {
            sums,
            scratch,
            stage,
            ..
        } = lane;
        let (rows, p) = (span.rows, self.features + 1);
        stage.take(span, &self.offsets);
        let x = if self.offsets.is_empty() {
            span.data
        } else {
            &stage.cells[..]
        };
        for (theta, eta) in theta
            .chunks_exact(p)
            .zip(stage.eta.chunks_exact_mut(TILE_STRIDE))
        {
            linear_predictor(x, TILE_STRIDE, rows, self.features, theta, eta);
        }
        for (own, label) in stage.own.iter_mut().zip(span.column(self.features)) {
            *own = self.places[*label as usize];
        }
        stage.weigh(rows, self.weights(span), self.unit);
        sums.log_likelihood += probabilities(stage, rows);
        let last = self.classes - 1;
        let Stage {
            cells,
            eta,
            own,
            others,
            total,
            residual,
            weight,
            ..
        } = stage;
        let x = if self.offsets.is_empty() {
            span.data
        } else {
            &cells[..]
        };
        let mut curve = [0.0; TILE_STRIDE];
        let probability = |k: usize| &eta[k * TILE_STRIDE..][..rows];
        for k in 0..self.classes {
            for (row, share) in probability(k).iter().enumerate() {
                // The share of the other classes, without cancellation for the row's own.
                let rest = if own[row] == k as f64 {
                    others[row] / total[row]
                } else {
                    1.0 - share
                };
                residual[row] = weight[row] * if own[row] == k as f64 { rest } else { -share };
                curve[row] = weight[row] * (share * rest);
            }
            let products = WeightedSpan {
                x,
                stride: TILE_STRIDE,
                rows,
                columns: self.features,
                residual,
                weight: &curve,
            };
            match sums.blocks.get_mut(k) {
                Some(block) => {
                    let curvature = curvature && k < last;
                    weighted_products(&products, curvature, scratch, block, tick)?;
                }
                None => gradient(&products, &mut sums.gradient[k * p..][..p]),
            }
        }
        for (block, cells) in sums
            .blocks
            .iter_mut()
            .zip(sums.gradient.chunks_exact_mut(p))
        {
            for (cell, term) in cells.iter_mut().zip(&mut block.gradient) {
                *cell += std::mem::take(term);
            }
        }
        if !curvature {
            return Ok(());
        }
        if let Some(joint) = &mut sums.joint {
            return joint.add(x, eta, &weight[..rows], scratch, tick);
        }
        residual.fill(0.0);
        for l in 1..last {
            tick()?;
            for k in 0..l {
                let pairs = probability(k).iter().zip(probability(l)).zip(&*weight);
                for (cell, ((a, b), w)) in curve.iter_mut().zip(pairs) {
                    *cell = -w * (a * b);
                }
                let products = WeightedSpan {
                    x,
                    stride: TILE_STRIDE,
                    rows,
                    columns: self.features,
                    residual,
                    weight: &curve,
                };
                let block = &mut sums.blocks[pair(self.classes, k, l)];
                weighted_products(&products, true, scratch, block, tick)?;
            }
        }
        Ok(())
    }
}

/// `out += (1, x)' residual`.
fn gradient(span: &WeightedSpan<'_>, out: &mut [f64]) {
    let residual = &span.residual[..span.rows];
    out[0] += residual.iter().sum::<f64>();
    for (column, cell) in out[1..].iter_mut().enumerate() {
        let cells = &span.x[column * span.stride..][..span.rows];
        *cell += pglearn_kernels::dot(cells, residual);
    }
}
