//! One pass of a logistic regression over a span of rows: log-likelihood, gradient, curvature.
//!
//! Rows are taken 256 at a time. First the linear predictor, then per row the residual and the
//! curvature's weight; both become the first columns of a panel whose others are the columns of
//! `x` times that weight. Scalar products of the columns of `x` with those of the panel, a register
//! block at a time, are then the gradient and the Hessian. The panel stays in the first-level cache
//! while the columns of `x` stream past it.

use crate::block::{self, Columns, ROWS, WIDEST};
use crate::elementary::{exp, log_1p};
use crate::pace::{FETCH, Pace, ticking};
use crate::path::{self, Kernel};
use crate::predictor::predict;
use crate::vector::Vector;

/// A linear predictor beyond this is cut to it: sums over any number of rows stay finite.
pub(crate) const ETA_LIMIT: f64 = 1e290;
/// Columns that one panel multiplies with; a multiple of every block width.
const PANEL: usize = 12;
/// Distance between columns of the panel: whole cache lines, and not a power of two.
const STRIDE: usize = ROWS + 8;
/// Residual and curvature weight, kept in front of the panels.
const KEPT: usize = 2;
/// Cells of a cache line.
const LINE: usize = 8;
/// Cells added or cleared between two polls: 8 MB.
const BETWEEN_TICKS: usize = 1 << 20;

/// One span of a logistic regression with the design `(1, x)`.
#[derive(Debug, Clone, Copy)]
pub struct LogisticSpan<'a> {
    /// Cell (row, column) is `x[column * stride + row]`; all finite.
    pub x: &'a [f64],
    /// Distance between two columns, in cells.
    pub stride: usize,
    /// Number of rows.
    pub rows: usize,
    /// Number of columns, without the constant.
    pub columns: usize,
    /// The classes: 0 or 1, one per row.
    pub y: &'a [f64],
    /// Weights, one per row, finite and at least 0; 1 where absent.
    pub weight: Option<&'a [f64]>,
    /// The `columns + 1` coefficients, the constant first.
    pub theta: &'a [f64],
}

/// What [`logistic_pass`](crate::logistic_pass) sums up; `p` is the number of columns plus 1.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticSums {
    /// Sum of `w (y eta - log(1 + exp(eta)))`.
    pub log_likelihood: f64,
    /// `X' w (y - mu)`, `p` cells.
    pub gradient: Vec<f64>,
    /// `X' diag(w mu (1 - mu)) X`, `p * p` cells, row-major; the lower triangle is valid, the cells
    /// above the diagonal mean nothing.
    pub hessian: Vec<f64>,
    /// The smallest `(2 y - 1) eta` of the rows with a positive weight; infinite before the first.
    pub min_margin: f64,
    /// The largest `|eta|` of the rows with a positive weight.
    pub max_abs_eta: f64,
}

impl LogisticSums {
    /// Empty sums for `p` coefficients, or `None` without memory.
    #[must_use]
    pub fn try_new(p: usize) -> Option<Self> {
        Some(Self {
            log_likelihood: 0.0,
            gradient: crate::try_zeroed(p)?,
            hessian: crate::try_zeroed(p.checked_mul(p)?)?,
            min_margin: f64::INFINITY,
            max_abs_eta: 0.0,
        })
    }

    /// Back to empty. Calls `tick` every few milliseconds; its error ends the work half done.
    ///
    /// # Errors
    /// That of `tick`.
    pub fn clear<E>(&mut self, tick: &mut dyn FnMut() -> Result<(), E>) -> Result<(), E> {
        self.log_likelihood = 0.0;
        self.gradient.fill(0.0);
        for cells in self.hessian.chunks_mut(BETWEEN_TICKS) {
            tick()?;
            cells.fill(0.0);
        }
        self.min_margin = f64::INFINITY;
        self.max_abs_eta = 0.0;
        Ok(())
    }

    /// Adds the sums of other rows. Calls `tick` every few milliseconds; its error ends the work half
    /// done.
    ///
    /// # Errors
    /// That of `tick`.
    pub fn merge<E>(
        &mut self,
        other: &Self,
        tick: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        self.log_likelihood += other.log_likelihood;
        for (sum, term) in self.gradient.iter_mut().zip(&other.gradient) {
            *sum += term;
        }
        let chunks = self.hessian.chunks_mut(BETWEEN_TICKS);
        for (sums, terms) in chunks.zip(other.hessian.chunks(BETWEEN_TICKS)) {
            tick()?;
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += term;
            }
        }
        self.min_margin = self.min_margin.min(other.min_margin);
        self.max_abs_eta = self.max_abs_eta.max(other.max_abs_eta);
        Ok(())
    }
}

/// Work space of [`logistic_pass`], one per thread.
#[derive(Debug)]
pub struct Scratch {
    cells: Vec<f64>,
}

impl Scratch {
    /// Empty work space, or `None` without memory.
    #[must_use]
    pub fn try_new() -> Option<Self> {
        Some(Self {
            cells: crate::try_zeroed((KEPT + PANEL) * STRIDE + LINE)?,
        })
    }

    /// The first cells of the two kept columns.
    pub(crate) fn kept(&mut self, rows: usize) -> (&mut [f64], &mut [f64]) {
        let (first, second) = self.columns().split_at_mut(STRIDE);
        (&mut first[..rows], &mut second[..rows])
    }

    /// The columns, from the start of a cache line on.
    pub(crate) fn columns(&mut self) -> &mut [f64] {
        let start = self
            .cells
            .as_ptr()
            .align_offset(LINE * size_of::<f64>())
            .min(LINE);
        &mut self.cells[start..][..(KEPT + PANEL) * STRIDE]
    }
}

/// Adds the rows of `span` to `sums`, the Hessian only where `curvature` is asked for.
///
/// With `eta = theta_0 + x theta` and `mu = 1 / (1 + exp(-eta))`, each row adds to the
/// log-likelihood `w (y eta - log(1 + exp(eta)))`, to the gradient `w (y - mu) (1, x)` and to the
/// Hessian `w mu (1 - mu) (1, x)'(1, x)` (McCullagh and Nelder, Generalized Linear Models, 2nd ed.,
/// 1989, section 4.4), each row's term without overflow or cancellation. `eta` is cut to 1e290 in
/// magnitude; where it is not a number because both infinities met, it counts as 1e290. Calls `tick`
/// every few milliseconds; its error ends the work half done.
///
/// # Errors
/// That of `tick`.
///
/// # Panics
/// If a slice is shorter than the shape says, or the sums are for another number of columns.
///
/// # Examples
/// ```
/// use pglearn_kernels::{LogisticSpan, LogisticSums, Scratch, logistic_pass};
///
/// let (x, y) = ([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0]);
/// let span = LogisticSpan {
///     x: &x, stride: 4, rows: 4, columns: 1, y: &y, weight: None, theta: &[0.0, 0.0],
/// };
/// let (Some(mut scratch), Some(mut sums)) = (Scratch::try_new(), LogisticSums::try_new(2)) else {
///     return;
/// };
/// let Ok(()) = logistic_pass(&span, true, &mut scratch, &mut sums, &mut || Ok::<(), ()>(())) else {
///     return;
/// };
/// assert_eq!(sums.gradient, [0.0, 1.0]); // sums of y - 1/2 and (y - 1/2) x
/// assert_eq!(sums.hessian[3], 3.5); // a quarter of the sum of squares
/// ```
pub fn logistic_pass<E>(
    span: &LogisticSpan<'_>,
    curvature: bool,
    scratch: &mut Scratch,
    sums: &mut LogisticSums,
    tick: &mut dyn FnMut() -> Result<(), E>,
) -> Result<(), E> {
    ticking(tick, |go_on| {
        path::run(Pass {
            span,
            curvature,
            scratch,
            sums,
            pace: Pace::new(go_on),
        });
    })
}

pub(crate) struct Pass<'a> {
    pub span: &'a LogisticSpan<'a>,
    pub curvature: bool,
    pub scratch: &'a mut Scratch,
    pub sums: &'a mut LogisticSums,
    pub pace: Pace<'a>,
}

impl Kernel for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self {
            span,
            curvature,
            scratch,
            sums,
            mut pace,
        } = self;
        let theta = &span.theta[..=span.columns];
        let panel = scratch.columns();
        for start in (0..span.rows).step_by(ROWS) {
            let rows = ROWS.min(span.rows - start);
            predict::<V>(span.x, span.stride, start, theta, &mut panel[..rows]);
            let y = &span.y[start..][..rows];
            let weight = span.weight.map(|weight| &weight[start..][..rows]);
            let curves = row_terms::<V>(y, weight, panel, sums);
            if curvature {
                sums.hessian[0] += curves;
            }
            let x = Columns {
                cells: span.x.get(start..).unwrap_or_default(),
                stride: span.stride,
            };
            let shape = (span.columns, rows, curvature);
            if !products::<V>(x, shape, panel, sums, &mut pace) {
                return;
            }
        }
    }
}

/// Turns the first column of the panel from linear predictors into `w (y - mu)` and fills the
/// second with `w mu (1 - mu)`, whose sum it gives; sums up what is one number per row.
#[inline(always)]
fn row_terms<V: Vector>(
    y: &[f64],
    weight: Option<&[f64]>,
    panel: &mut [f64],
    sums: &mut LogisticSums,
) -> f64 {
    let rows = y.len();
    let (zero, one) = (V::splat(0.0), V::splat(1.0));
    let (eta, panel) = panel.split_at_mut(STRIDE);
    let curve = &mut panel[..rows];
    let eta = &mut eta[..rows];
    let mut log_likelihood = zero;
    let (mut residuals, mut curves) = (zero, zero);
    let (mut min_margin, mut max_abs_eta) = (V::splat(f64::INFINITY), zero);
    for at in (0..rows).step_by(V::LANES) {
        let limit = V::splat(ETA_LIMIT);
        let bounded = V::read(eta, at).min(limit).max(zero - limit);
        // Lanes past the last row have weight 0, and so add nothing anywhere.
        let w = match weight {
            Some(weight) => V::read(weight, at),
            None => V::read(&ONES[..V::LANES.min(rows - at)], 0),
        };
        // mu and 1 - mu of the right class and of the wrong one, from the margin: as e is at most
        // 1, neither overflows, and the smaller one does not cancel.
        let sign = V::read(y, at).mul_add(V::splat(2.0), zero - one);
        let margin = sign * bounded;
        let e = exp(zero - margin.abs());
        let inverse = one / (one + e);
        let smaller = e * inverse;
        let residual = w * sign * margin.if_positive(smaller, inverse);
        let curvature = w * (smaller * inverse);
        residual.write(eta, at);
        curvature.write(curve, at);
        residuals = residuals + residual;
        curves = curves + curvature;
        log_likelihood = w.mul_add(margin.min(zero) - log_1p(e), log_likelihood);
        min_margin = min_margin.min(w.if_positive(margin, min_margin));
        max_abs_eta = max_abs_eta.max(w.if_positive(bounded.abs(), zero));
    }
    sums.log_likelihood += log_likelihood.sum();
    sums.gradient[0] += residuals.sum();
    sums.min_margin = sums.min_margin.min(min_margin.least());
    sums.max_abs_eta = sums.max_abs_eta.max(-(zero - max_abs_eta).least());
    curves.sum()
}

static ONES: [f64; 8] = [1.0; 8];

/// Gradient and Hessian of the columns of `x`, from the residuals and weights in `panel`; `false` where
/// that was ended.
#[inline(always)]
pub(crate) fn products<V: Vector>(
    x: Columns<'_>,
    (columns, rows, curvature): (usize, usize, bool),
    panel: &mut [f64],
    sums: &mut LogisticSums,
    pace: &mut Pace<'_>,
) -> bool {
    // Panel columns: 0 the residual, 1 the weight (the constant times it), 2.. the columns of x
    // times it. Row i of the products, a column of x, needs those up to its own, i + 2.
    let all = if curvature { columns + KEPT } else { 1 };
    for first in (0..all).step_by(PANEL) {
        let end = all.min(first + PANEL);
        // The first panel contains the kept columns, the others lie behind them.
        let behind = if first == 0 { 0 } else { KEPT };
        for c in first.max(KEPT)..end {
            let source = &x.cells[(c - KEPT) * x.stride..][..rows];
            let (kept, staged) = panel.split_at_mut(KEPT * STRIDE);
            let at = (c - first + behind - KEPT) * STRIDE;
            stage::<V>(source, &kept[STRIDE..][..rows], &mut staged[at..][..rows]);
        }
        let staged = Columns {
            cells: &panel[behind * STRIDE..],
            stride: STRIDE,
        };
        for i in (first.saturating_sub(KEPT)..columns).step_by(V::BLOCK) {
            let high = V::BLOCK.min(columns - i);
            let needed = end.min(i + high + KEPT);
            for c in (first..needed).step_by(V::BLOCK) {
                let wide = V::BLOCK.min(needed - c);
                let pairs = block::dots::<V>(x, staged, (i, c - first), (high, wide), rows);
                for (i, row) in (i..).zip(&pairs[..high]) {
                    add_products(sums, i + 1, c, *row);
                }
            }
        }
        if !pace.after((end - first) * (columns - first.min(columns)) * (rows + FETCH)) {
            return false;
        }
    }
    true
}

/// Adds one row of a block: the products of design column `i` with the panel's columns from `c` on.
///
/// Always all cells of a block's row, as that is one vector: the surplus ones are 0 or lie above the
/// diagonal.
#[inline(always)]
fn add_products(sums: &mut LogisticSums, i: usize, c: usize, mut row: [f64; WIDEST]) {
    let p = sums.gradient.len();
    if c == 0 {
        sums.gradient[i] += row[0];
        row.copy_within(1.., 0);
        row[WIDEST - 1] = 0.0;
    }
    let cells = &mut sums.hessian[i * p + c.max(1) - 1..];
    if let Some(cells) = cells.first_chunk_mut::<WIDEST>() {
        for (cell, value) in cells.iter_mut().zip(row) {
            *cell += value;
        }
    } else {
        for (cell, value) in cells.iter_mut().zip(row) {
            *cell += value;
        }
    }
}

/// `out = column * weight`.
#[inline(always)]
fn stage<V: Vector>(column: &[f64], weight: &[f64], out: &mut [f64]) {
    for at in (0..out.len()).step_by(V::LANES) {
        (V::read(column, at) * V::read(weight, at)).write(out, at);
    }
}
