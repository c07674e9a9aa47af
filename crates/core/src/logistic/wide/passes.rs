//! Passes over the rows that cost no more than reading them twice.

use std::ops::Range;

use pglearn_kernels::{exp_in_place, log_1p_in_place};

use super::layout::{Layout, Stage};
use crate::Result;
use crate::logistic::Rows;
use crate::parallel::{Watch, for_each_lane, lane_ranges, lanes_at_most};
use crate::tiles::{Span, TILE_STRIDE, Tiles, zeroed};

/// Multiply-adds of a pass below which starting threads costs more than it saves.
const THREAD_WORK: usize = 2_000_000;

/// Rows and work space.
pub(super) struct Passes<'a> {
    tiles: &'a Tiles,
    features: usize,
    weighted: bool,
    unit: f64,
    threads: usize,
    lanes: Vec<Lane>,
    /// What a product costs, in cells read.
    pub cost: usize,
}

/// One lane: its rows, what there is to read of them, and sums.
struct Lane {
    range: Range<usize>,
    layouts: Vec<Layout>,
    /// `w mu (1 - mu)` of each row at the point last evaluated.
    curve: Vec<f64>,
    sums: Sums,
    stage: Stage,
    rows: RowTerms,
}

/// What a pass sums up.
pub(super) struct Sums {
    /// The log-likelihood.
    pub value: f64,
    /// Gradient, product, or weighted sums of `(1, z)`.
    pub first: Vec<f64>,
    /// Weighted sums of squares of `(1, z)`.
    pub squares: Vec<f64>,
}

/// One number a row of a tile each.
struct RowTerms {
    eta: Vec<f64>,
    tail: Vec<f64>,
    logarithm: Vec<f64>,
}

impl Sums {
    fn new(p: usize) -> Result<Self> {
        Ok(Self {
            value: 0.0,
            first: zeroed(p)?,
            squares: zeroed(p)?,
        })
    }

    fn clear(&mut self) {
        self.value = 0.0;
        self.first.fill(0.0);
        self.squares.fill(0.0);
    }

    fn merge(&mut self, other: &Self) {
        self.value += other.value;
        let firsts = self.first.iter_mut().zip(&other.first);
        let squares = self.squares.iter_mut().zip(&other.squares);
        firsts.chain(squares).for_each(|(sum, term)| *sum += term);
    }
}

impl<'a> Passes<'a> {
    /// Looks through the rows; weights are multiplied by `unit`. Lists of cells take no more than the
    /// sums of products of a pass with curvature would.
    ///
    /// # Errors
    /// Out of memory, stopped.
    pub fn new(rows: &Rows<'a>, unit: f64, threads: usize, watch: &mut Watch<'_>) -> Result<Self> {
        let (tiles, features) = (rows.tiles, rows.features);
        let p = features + 1;
        let range = rows.range.start..rows.range.end.min(tiles.rows());
        let mut lanes = Vec::new();
        for range in lane_ranges(&range, p.isqrt()) {
            lanes.push(Lane {
                layouts: Vec::new(),
                curve: zeroed(range.len())?,
                range,
                sums: Sums::new(p)?,
                stage: Stage::new(features)?,
                rows: RowTerms {
                    eta: zeroed(TILE_STRIDE)?,
                    tail: zeroed(TILE_STRIDE)?,
                    logarithm: zeroed(TILE_STRIDE)?,
                },
            });
        }
        let allowed = p * p * size_of::<f64>() * lanes_at_most(p) / lanes.len();
        for_each_lane(&mut lanes, threads, watch, |lane, tick| {
            let mut bytes = allowed;
            for span in tiles.spans(lane.range.clone()) {
                tick()?;
                lane.layouts.push(Layout::of(span, features, &mut bytes)?);
            }
            Ok(())
        })?;
        let cost = lanes.iter().flat_map(|lane| {
            let spans = tiles.spans(lane.range.clone());
            spans
                .zip(&lane.layouts)
                .map(|(span, layout)| layout.cost(span.rows))
        });
        Ok(Self {
            tiles,
            features,
            weighted: rows.weighted,
            unit,
            threads,
            cost: cost.sum(),
            lanes,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.lanes.iter().map(|lane| lane.range.len()).sum()
    }

    /// The sums of the last pass.
    pub fn sums(&self) -> &Sums {
        &self.lanes[0].sums
    }

    /// Log-likelihood and gradient at `theta` (constant first), where later passes take the curvature.
    pub fn evaluate(&mut self, theta: &[f64], watch: &mut Watch<'_>) -> Result<()> {
        let (unit, label) = (self.unit, self.features);
        let weights = self.weighted.then_some(label + 1);
        self.pass(watch, |span, layout, lane, curve| {
            let Lane {
                sums, stage, rows, ..
            } = lane;
            layout.predict(span, theta, stage, &mut rows.eta[..span.rows]);
            let weights = weights.map(|column| span.column(column));
            sums.value += rows.terms(span.column(label), weights, unit, curve);
            layout.products(span, &rows.eta[..span.rows], &mut sums.first);
        })
    }

    /// Sums of `(1, z)` and of its squares, weighted by the curvature.
    pub fn moments(&mut self, watch: &mut Watch<'_>) -> Result<()> {
        self.pass(watch, |span, layout, lane, curve| {
            let Lane { sums, stage, .. } = lane;
            layout.products(span, curve, &mut sums.first);
            layout.squares(span, curve, stage, &mut sums.squares);
        })
    }

    /// The product of the curvature `(1, z)'W(1, z)` and a vector.
    pub fn product(&mut self, vector: &[f64], watch: &mut Watch<'_>) -> Result<()> {
        self.pass(watch, |span, layout, lane, curve| {
            let Lane {
                sums, stage, rows, ..
            } = lane;
            let eta = &mut rows.eta[..span.rows];
            layout.predict(span, vector, stage, eta);
            eta.iter_mut().zip(curve).for_each(|(eta, w)| *eta *= *w);
            layout.products(span, eta, &mut sums.first);
        })
    }

    /// Calls `work` with every tile and its part of the curvature's weights, and adds up the lanes'
    /// sums, in lane order.
    fn pass(
        &mut self,
        watch: &mut Watch<'_>,
        work: impl Fn(Span<'_>, &Layout, &mut Lane, &mut [f64]) + Sync,
    ) -> Result<()> {
        let tiles = self.tiles;
        let threads = if 2 * self.cost < THREAD_WORK {
            1
        } else {
            self.threads
        };
        for_each_lane(&mut self.lanes, threads, watch, |lane, tick| {
            lane.sums.clear();
            let mut curve = std::mem::take(&mut lane.curve);
            let layouts = std::mem::take(&mut lane.layouts);
            let mut rest = &mut curve[..];
            for (span, layout) in tiles.spans(lane.range.clone()).zip(&layouts) {
                tick()?;
                let (own, behind) = rest.split_at_mut(span.rows);
                work(span, layout, lane, own);
                rest = behind;
            }
            (lane.curve, lane.layouts) = (curve, layouts);
            Ok(())
        })?;
        if let Some((first, others)) = self.lanes.split_first_mut() {
            others.iter().for_each(|lane| first.sums.merge(&lane.sums));
        }
        watch.tick()
    }
}

impl RowTerms {
    /// Turns linear predictors into `w (y - mu)`, fills `curve` with `w mu (1 - mu)`, and gives the
    /// log-likelihood; all without overflow or cancellation.
    fn terms(
        &mut self,
        labels: &[f64],
        weights: Option<&[f64]>,
        unit: f64,
        curve: &mut [f64],
    ) -> f64 {
        let rows = labels.len();
        let Self {
            eta,
            tail,
            logarithm,
        } = self;
        let (eta, tail, logarithm) = (&mut eta[..rows], &mut tail[..rows], &mut logarithm[..rows]);
        for (tail, eta) in tail.iter_mut().zip(&*eta) {
            *tail = -eta.abs();
        }
        exp_in_place(tail);
        logarithm.copy_from_slice(tail);
        log_1p_in_place(logarithm);
        let mut log_likelihood = 0.0;
        for row in 0..rows {
            let weight = weights.map_or(unit, |weights| weights[row] * unit);
            let sign = 2.0 * labels[row] - 1.0;
            let margin = sign * eta[row];
            // The probability of the likelier class, and of the other.
            let larger = 1.0 / (1.0 + tail[row]);
            let smaller = tail[row] * larger;
            if weight > 0.0 {
                log_likelihood += weight * (margin.min(0.0) - logarithm[row]);
            }
            eta[row] = weight * sign * if margin > 0.0 { smaller } else { larger };
            curve[row] = weight * (smaller * larger);
        }
        log_likelihood
    }
}
