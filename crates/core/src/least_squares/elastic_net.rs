//! Least squares with a penalty on absolute values (and squares) of the coefficients.

use super::Solution;
use super::reduce::Reduced;
use super::ridge::ridge;
use super::triangular::{Triangle, all_finite, without_noise};
use crate::linalg::{add_scaled, dot};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::tiles::{TILE_ROWS, TILE_STRIDE, zeroed};
use crate::{Error, Result};

/// Sweeps that make a solution precise beyond the criterion, at the most.
const MORE_SWEEPS: u32 = 20_000;
/// Sweeps between two attempts to solve for the active coefficients at once.
const SWEEPS_BETWEEN: u32 = 50;
/// A relative change of the coefficients that is rounding.
const STILL: f64 = 1e-15;
/// How far beyond its bound a correlation may be for rounding.
const SLACK: f64 = 1e-10;
/// Multiply-adds between two polls.
const POLL_WORK: usize = 1 << 22;

/// What is minimised and when a search ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElasticNet {
    /// Strength of the penalty, at least 0.
    pub alpha: f64,
    /// Share of the absolute values, 0 to 1.
    pub l1_ratio: f64,
    /// Sweeps at the most.
    pub max_iter: u32,
    /// Converged where the duality gap is below this share of the squared norm of the target.
    pub tolerance: f64,
}

/// A minimum of the elastic net.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse {
    /// The function and the objective there.
    pub solution: Solution,
    /// Sweeps until the criterion was met.
    pub iterations: u32,
    /// Whether the criterion was met (or the solution is exact).
    pub converged: bool,
    /// Whether the conditions of optimality hold to rounding (Karush, Kuhn and Tucker).
    pub exact: bool,
}

/// Minimises `sum w (y - c - x'b)^2 / (2 W) + alpha (l1_ratio |b|_1 + (1 - l1_ratio) |b|^2 / 2)`.
///
/// Coordinate descent on the triangular factor finds the active coefficients and their signs, to
/// scikit-learn's criterion (the duality gap); then the equations that hold for those are solved at
/// once, and the conditions of the others checked: such a solution is exact. Where the active columns
/// are dependent, the minimum is not unique and descent goes on until nothing moves any more.
///
/// # Errors
/// [`Error::Breakdown`], [`Error::OutOfMemory`], [`Error::Stopped`].
pub fn elastic_net(
    reduced: &Reduced,
    params: &ElasticNet,
    monitor: &mut dyn Monitor,
) -> Result<Sparse> {
    if params.alpha == 0.0 || params.l1_ratio == 0.0 {
        let weight = reduced.weight / reduced.unit;
        let mut solution = ridge(reduced, params.alpha * weight, monitor)?;
        solution.objective /= 2.0 * weight;
        return Ok(Sparse {
            solution,
            iterations: 1,
            converged: true,
            exact: true,
        });
    }
    let mut watch = Watch::new(monitor, "sweep", u64::from(params.max_iter));
    let mut descent = Descent::new(reduced, params)?;
    descent.run(params, &mut watch)
}

/// A search: minimises `|z - R b|^2 / 2 + lasso |b|_1 + ridge |b|^2 / 2`.
struct Descent<'r> {
    reduced: &'r Reduced,
    lasso: f64,
    ridge: f64,
    /// Squared lengths of the columns; 0 for those that have no part.
    squares: Vec<f64>,
    coefficients: Vec<f64>,
    /// `z - R b`.
    residual: Vec<f64>,
    /// Squared length of what no coefficients explain.
    unexplained: f64,
    /// Squared length of the target.
    target: f64,
    iterations: u32,
}

impl<'r> Descent<'r> {
    fn new(reduced: &'r Reduced, params: &ElasticNet) -> Result<Self> {
        let d = reduced.features;
        let z = reduced.column(d);
        let strength = params.alpha * reduced.weight;
        let squares = (0..d).map(|j| dot(reduced.column(j), reduced.column(j)));
        Ok(Self {
            reduced,
            lasso: strength * params.l1_ratio,
            ridge: strength * (1.0 - params.l1_ratio),
            squares: squares.collect(),
            coefficients: zeroed(d)?,
            residual: z[..d].to_vec(),
            unexplained: z[d] * z[d],
            target: dot(z, z),
            iterations: 0,
        })
    }

    fn run(&mut self, params: &ElasticNet, watch: &mut Watch<'_>) -> Result<Sparse> {
        let mut converged = false;
        while self.iterations < params.max_iter && !converged {
            let change = self.sweep(watch)?;
            if change <= params.tolerance || self.iterations == params.max_iter {
                self.refresh_residual();
                converged = self.gap() <= params.tolerance * self.target;
            }
        }
        let iterations = self.iterations;
        let mut exact = self.solve_active(watch)?;
        let mut more = 0;
        while converged && !exact && more < MORE_SWEEPS {
            let change = self.sweep(watch)?;
            more += 1;
            if change <= STILL {
                break;
            }
            if more % SWEEPS_BETWEEN == 0 {
                exact = self.solve_active(watch)?;
            }
        }
        self.refresh_residual();
        all_finite(&self.coefficients)?;
        let coefficients = std::mem::take(&mut self.coefficients);
        let size: f64 = coefficients.iter().map(|b| b.abs()).sum();
        let squares = dot(&self.residual, &self.residual) + self.unexplained;
        let penalty = self.lasso * size + self.ridge * dot(&coefficients, &coefficients) / 2.0;
        Ok(Sparse {
            solution: Solution {
                intercept: self.reduced.constant(&coefficients),
                coefficients,
                objective: (squares / 2.0 + penalty) / self.reduced.weight,
            },
            iterations,
            converged: converged || exact,
            exact,
        })
    }

    /// Minimises over one coefficient after the other; the largest change as a share of the largest
    /// coefficient.
    fn sweep(&mut self, watch: &mut Watch<'_>) -> Result<f64> {
        let (mut largest, mut change, mut work) = (0.0_f64, 0.0_f64, 0);
        watch.progress.done = u64::from(self.iterations);
        watch.tick()?;
        for j in 0..self.squares.len() {
            let square = self.squares[j];
            if square == 0.0 {
                continue;
            }
            let column = self.reduced.column(j);
            let old = self.coefficients[j];
            let along = dot(column, &self.residual) + square * old;
            let shrunk = (along.abs() - self.lasso).max(0.0);
            let new = shrunk.copysign(along) / (square + self.ridge);
            if new != old {
                add_scaled(&mut self.residual, old - new, column);
                self.coefficients[j] = new;
            }
            largest = largest.max(new.abs());
            change = change.max((new - old).abs());
            work += j + 1;
            if work > POLL_WORK {
                work = 0;
                watch.tick()?;
            }
        }
        self.iterations += 1;
        if change.is_nan() {
            return Err(Error::Breakdown { phase: "descent" });
        }
        Ok(if largest == 0.0 {
            0.0
        } else {
            change / largest
        })
    }

    /// The residual from scratch, without the rounding of many updates.
    fn refresh_residual(&mut self) {
        let d = self.squares.len();
        self.residual.copy_from_slice(&self.reduced.column(d)[..d]);
        for (j, b) in self.coefficients.iter().enumerate() {
            if *b != 0.0 {
                add_scaled(&mut self.residual, -b, self.reduced.column(j));
            }
        }
    }

    /// The duality gap, as scikit-learn computes it (Kim, Koh, Lustig, Boyd and Gorinevsky 2007, for
    /// the lasso on the columns with `sqrt(ridge) I` below them).
    fn gap(&self) -> f64 {
        let d = self.squares.len();
        let b = &self.coefficients;
        let correlation =
            |j: usize| dot(self.reduced.column(j), &self.residual) - self.ridge * b[j];
        let dual = (0..d).map(correlation).fold(0.0_f64, |m, c| m.max(c.abs()));
        let squares = dot(&self.residual, &self.residual) + self.unexplained;
        let along = dot(&self.residual, &self.reduced.column(d)[..d]) + self.unexplained;
        let shrink = if dual > self.lasso {
            self.lasso / dual
        } else {
            1.0
        };
        let size: f64 = b.iter().map(|b| b.abs()).sum();
        let quadratic = (1.0 + shrink * shrink) / 2.0;
        quadratic * (squares + self.ridge * dot(b, b)) + self.lasso * size - shrink * along
    }

    /// Solves for the coefficients that are not 0, their signs given; keeps the solution and says
    /// true where it meets the conditions of optimality.
    fn solve_active(&mut self, watch: &mut Watch<'_>) -> Result<bool> {
        let active: Vec<usize> = (0..self.squares.len())
            .filter(|j| self.coefficients[*j] != 0.0)
            .collect();
        let Some(triangle) = self.factor(&active, watch)? else {
            return Ok(false);
        };
        let signs: Vec<f64> = active
            .iter()
            .map(|j| self.coefficients[*j].signum())
            .collect();
        let solved = triangle.solve_shrunk(&signs, self.lasso);
        let kept = solved.iter().zip(&signs).all(|(b, sign)| b * sign > 0.0);
        if !kept {
            return Ok(false);
        }
        let before = self.coefficients.clone();
        for (j, b) in active.iter().zip(&solved) {
            self.coefficients[*j] = *b;
        }
        self.refresh_residual();
        let allowed = self.lasso * (1.0 + SLACK);
        let mut optimal = true;
        for j in 0..self.squares.len() {
            watch.tick()?;
            let idle = self.coefficients[j] == 0.0;
            optimal &= !idle || dot(self.reduced.column(j), &self.residual).abs() <= allowed;
        }
        if !optimal {
            self.coefficients = before;
            self.refresh_residual();
        }
        Ok(optimal)
    }

    /// The factor of the active columns with `sqrt(ridge) I` below them, and the target; `None` where
    /// they are dependent.
    fn factor(&self, active: &[usize], watch: &mut Watch<'_>) -> Result<Option<Triangle>> {
        let (d, p) = (self.squares.len(), active.len() + 1);
        let mut triangle = Triangle {
            columns: active.len(),
            cells: zeroed(p * p)?,
        };
        let mut tile = zeroed(p * TILE_STRIDE)?;
        let step = (POLL_WORK / (p * p)).clamp(8, TILE_ROWS);
        for first in (0..d).step_by(step) {
            watch.tick()?;
            let rows = step.min(d - first);
            for (column, j) in active.iter().chain([&d]).enumerate() {
                let cells = self.reduced.column(*j);
                for (i, cell) in tile[column * TILE_STRIDE..][..rows].iter_mut().enumerate() {
                    *cell = cells.get(first + i).copied().unwrap_or(0.0);
                }
            }
            let (cells, tick) = (&mut triangle.cells, &mut || watch.tick());
            pglearn_kernels::fold_rows(cells, p, &mut tile, TILE_STRIDE, rows, tick)?;
        }
        triangle.add_multiple_of_identity(self.ridge.sqrt(), watch)?;
        Ok(without_noise(triangle))
    }
}
