//! From the triangular factor to coefficients and inference.

use pglearn_kernels::dot;

use super::pivoted::{Pivoted, reflect, reflector};
use super::spectrum::condition_number;
use super::state::{Header, StateRef};
use super::tails::student_two_sided;
use crate::linalg::norm;
use crate::monitor::{Monitor, Progress, check};
use crate::tiles::zeroed;
use crate::{Error, Result};

/// A residual below this share of the norm of the target is rounding.
const ROUNDING_SHARE: f64 = 64.0 * f64::EPSILON;
/// A fact about the data that the user should know.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The columns are linearly dependent; the coefficients are those of minimum norm.
    Collinear {
        /// Columns of one dependency, ascending.
        columns: Vec<usize>,
    },
    /// The column holds nothing but zeros; its coefficient is 0.
    ZeroColumn {
        /// The column.
        column: usize,
    },
    /// All targets are equal; r2 is NaN.
    ConstantTarget {
        /// Their value.
        value: f64,
    },
    /// The residuals are no larger than rounding: standard errors and what follows mean nothing.
    PerfectFit,
    /// There are no more rows than independent columns: no degrees of freedom are left.
    NoDegreesOfFreedom {
        /// Number of rows.
        rows: u64,
        /// Number of linearly independent columns.
        rank: usize,
    },
}

/// An ordinary least squares fit with classical inference.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearFit {
    /// One coefficient a column, of minimum norm where the columns are dependent.
    pub coefficients: Vec<f64>,
    /// 1 - RSS / sum of the squared distances of y from its mean; NaN if y is constant.
    pub r2: f64,
    /// Standard errors; NaN for zero columns and without degrees of freedom.
    pub std_err: Vec<f64>,
    /// Coefficients over their standard errors.
    pub t_stats: Vec<f64>,
    /// Two-sided p-values, `rows - rank` degrees of freedom; `None` unless `rows > rank`.
    pub p_values: Option<Vec<f64>>,
    /// Largest over smallest singular value of X; infinite if the columns are dependent.
    pub condition_number: f64,
    /// Number of rows.
    pub rows: u64,
    /// RSS / (rows - rank) times the pseudo-inverse of X'X, row after row.
    pub covariance: Vec<f64>,
    /// Number of linearly independent columns.
    pub rank: usize,
    /// Sum of the squared residuals.
    pub residual_sum_of_squares: f64,
    /// Sum of the squared distances of y from its mean.
    pub total_sum_of_squares: f64,
    /// What the user should know.
    pub findings: Vec<Finding>,
}

/// Computes the fit of the rows a state has seen.
///
/// # Errors
/// [`Error::Corrupt`], [`Error::NoRows`], [`Error::Breakdown`] where squares of the cells leave the
/// range of doubles, [`Error::Stopped`], [`Error::OutOfMemory`].
pub fn finish(state: &[u8], monitor: &mut dyn Monitor) -> Result<LinearFit> {
    let state = StateRef::open(state)?;
    if state.header.rows() == 0 {
        return Err(Error::NoRows);
    }
    let (header, triangle) = state.folded()?;
    fit(&header, &triangle, monitor)
}

/// What is known of the targets behind a triangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Targets {
    /// Number of features.
    pub columns: usize,
    /// Rows that count as degrees of freedom.
    pub rows: u64,
    /// Sum of the squared distances of the targets from their mean.
    pub squares: f64,
    /// One of the targets.
    pub first: f64,
}

/// Computes the fit of rows that were reduced elsewhere: `triangle` is the factor of (X, y), dense,
/// column after column, the target last.
///
/// # Errors
/// As [`finish`].
pub(crate) fn fit_triangle(
    triangle: &[f64],
    targets: &Targets,
    monitor: &mut dyn Monitor,
) -> Result<LinearFit> {
    let header = Header {
        columns: targets.columns,
        folded: targets.rows,
        squares: targets.squares,
        origin: targets.first,
        ..Header::default()
    };
    fit(&header, triangle, monitor)
}

fn fit(header: &Header, triangle: &[f64], monitor: &mut dyn Monitor) -> Result<LinearFit> {
    let columns = header.columns;
    let factor = Pivoted::new(triangle, columns, header.folded, monitor)?;
    let (rows, rank) = (header.folded, factor.rank);
    let last = triangle[triangle.len() - 1];
    let residual = norm(&factor.target[rank..]).hypot(last);
    let rss = residual * residual;
    if !(rss.is_finite() && header.squares.is_finite() && header.mean.is_finite()) {
        return Err(Error::Breakdown {
            phase: "sums of squares",
        });
    }
    let condition_number = if rank == columns {
        condition_number(triangle, columns, columns + 1, monitor)?
    } else {
        f64::INFINITY
    };
    let null_space = NullSpace::new(&factor, monitor)?;
    let coefficients = coefficients(&factor, &null_space);
    if !coefficients.iter().all(|b| b.is_finite()) {
        // A column of subnormal numbers: its coefficient is beyond 1.8e308.
        return Err(Error::Breakdown {
            phase: "coefficients",
        });
    }
    let freedom = rows.saturating_sub(rank as u64);
    let variance = if freedom > 0 {
        rss / freedom as f64
    } else {
        f64::NAN
    };
    let deviation = if freedom > 0 {
        residual / (freedom as f64).sqrt()
    } else {
        f64::NAN
    };
    let (covariance, lengths) = covariance(&factor, &null_space, variance, monitor)?;
    // Not the roots of variances, whose range ends earlier.
    let mut std_err: Vec<f64> = lengths.iter().map(|length| deviation * length).collect();
    factor.order[factor.nonzero..]
        .iter()
        .for_each(|j| std_err[*j] = f64::NAN);
    let t_stats: Vec<f64> = coefficients
        .iter()
        .zip(&std_err)
        .map(|(b, s)| b / s)
        .collect();
    let p_values = (freedom > 0).then(|| {
        t_stats
            .iter()
            .map(|t| student_two_sided(*t, freedom as f64))
            .collect()
    });
    let r2 = if header.squares > 0.0 {
        1.0 - rss / header.squares
    } else {
        f64::NAN
    };
    let findings = findings(
        header,
        &factor,
        residual,
        norm(&triangle[columns * (columns + 1)..]),
        monitor,
    )?;
    Ok(LinearFit {
        coefficients,
        r2,
        std_err,
        t_stats,
        p_values,
        condition_number,
        rows,
        covariance,
        rank,
        residual_sum_of_squares: rss,
        total_sum_of_squares: header.squares,
        findings,
    })
}

/// An orthonormal basis of the vectors that X maps to zero (zero columns aside), in the user's units.
///
/// The pseudo-inverse solution is the basic one less its share in this space.
pub(crate) struct NullSpace {
    /// Householder vectors, one after the other, `columns` cells each.
    vectors: Vec<f64>,
    taus: Vec<f64>,
    columns: usize,
}

impl NullSpace {
    pub fn new(factor: &Pivoted, monitor: &mut dyn Monitor) -> Result<Self> {
        let columns = factor.norms.len();
        let dimension = factor.nonzero - factor.rank;
        let mut vectors = zeroed(dimension * columns)?;
        let mut taus = Vec::with_capacity(dimension);
        for (i, j) in (factor.rank..factor.nonzero).enumerate() {
            let (done, total) = (i as u64, dimension as u64);
            check(
                monitor,
                Progress {
                    phase: "null space",
                    done,
                    total,
                    loss: f64::NAN,
                },
            )?;
            let (earlier, rest) = vectors.split_at_mut(i * columns);
            let vector = &mut rest[..columns];
            // Undo the equilibration, then scale the vector to 1: only its direction matters.
            for (cell, column) in factor.null_vector(j).iter().zip(&factor.order) {
                vector[*column] = cell / factor.norms[*column];
            }
            let length = norm(vector);
            vector.iter_mut().for_each(|v| *v /= length);
            for ((step, reflection), tau) in earlier.chunks_exact(columns).enumerate().zip(&taus) {
                reflect(&reflection[step..], *tau, &mut vector[step..]);
            }
            taus.push(reflector(&mut vector[i..]));
        }
        Ok(Self {
            vectors,
            taus,
            columns,
        })
    }

    /// Its dimension.
    pub fn dimension(&self) -> usize {
        self.taus.len()
    }

    /// Rotates `v` so that its share in the space becomes its first [`dimension`](Self::dimension)
    /// cells.
    pub fn rotate(&self, v: &mut [f64]) {
        for (step, (reflection, tau)) in self.reflections() {
            reflect(&reflection[step..], *tau, &mut v[step..]);
        }
    }

    /// Undoes [`rotate`](Self::rotate).
    pub fn rotate_back(&self, v: &mut [f64]) {
        for (step, (reflection, tau)) in self.reflections().rev() {
            reflect(&reflection[step..], *tau, &mut v[step..]);
        }
    }

    fn reflections(
        &self,
    ) -> impl DoubleEndedIterator<Item = (usize, (&[f64], &f64))> + ExactSizeIterator {
        let vectors = self.vectors.chunks_exact(self.columns.max(1));
        vectors.zip(&self.taus).enumerate()
    }

    /// Removes from `v` its share in the space.
    fn project_out(&self, v: &mut [f64]) {
        self.rotate(v);
        v[..self.dimension()].fill(0.0);
        self.rotate_back(v);
    }
}

fn coefficients(factor: &Pivoted, null_space: &NullSpace) -> Vec<f64> {
    let mut solution = factor.target[..factor.rank].to_vec();
    factor.solve(&mut solution);
    let mut coefficients = vec![0.0; factor.norms.len()];
    for (value, column) in solution.iter().zip(&factor.order) {
        coefficients[*column] = value / factor.norms[*column];
    }
    null_space.project_out(&mut coefficients);
    coefficients
}

/// `variance * M M'`, where M = (I - N N') D P (T^-1; 0) is the pseudo-inverse of X up to an
/// orthogonal factor; and the lengths of M's rows.
fn covariance(
    factor: &Pivoted,
    null_space: &NullSpace,
    variance: f64,
    monitor: &mut dyn Monitor,
) -> Result<(Vec<f64>, Vec<f64>)> {
    let (columns, rank) = (factor.norms.len(), factor.rank);
    let inverse = factor.inverse(monitor)?;
    let mut roots = zeroed(columns * rank)?;
    for (row, column) in inverse.chunks_exact(rank.max(1)).zip(&factor.order) {
        for (target, value) in roots[column * rank..][..rank].iter_mut().zip(row) {
            *target = value / factor.norms[*column];
        }
    }
    if !null_space.taus.is_empty() {
        let mut vector = zeroed(columns)?;
        for j in 0..rank {
            let (done, total) = (j as u64, rank as u64);
            check(
                monitor,
                Progress {
                    phase: "projection",
                    done,
                    total,
                    loss: f64::NAN,
                },
            )?;
            vector
                .iter_mut()
                .enumerate()
                .for_each(|(i, v)| *v = roots[i * rank + j]);
            null_space.project_out(&mut vector);
            vector
                .iter()
                .enumerate()
                .for_each(|(i, v)| roots[i * rank + j] = *v);
        }
    }
    let mut covariance = zeroed(columns * columns)?;
    for i in 0..columns {
        let (done, total) = (i as u64, columns as u64);
        check(
            monitor,
            Progress {
                phase: "covariance",
                done,
                total,
                loss: f64::NAN,
            },
        )?;
        for j in 0..=i {
            let value = variance * dot(&roots[i * rank..][..rank], &roots[j * rank..][..rank]);
            covariance[i * columns + j] = value;
            covariance[j * columns + i] = value;
        }
    }
    let lengths = (0..columns)
        .map(|i| norm(&roots[i * rank..][..rank]))
        .collect();
    Ok((covariance, lengths))
}

fn findings(
    header: &Header,
    factor: &Pivoted,
    residual: f64,
    target: f64,
    monitor: &mut dyn Monitor,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    // Smaller shares in a null vector may be rounding, which grows as the other columns near
    // dependence themselves.
    let least_share = (256.0 * f64::EPSILON / factor.smallest_pivot()).clamp(1e-11, 1e-3);
    let mut zero = factor.order[factor.nonzero..].to_vec();
    zero.sort_unstable();
    findings.extend(
        zero.into_iter()
            .map(|column| Finding::ZeroColumn { column }),
    );
    for (i, j) in (factor.rank..factor.nonzero).enumerate() {
        let (done, total) = (i as u64, (factor.nonzero - factor.rank) as u64);
        check(
            monitor,
            Progress {
                phase: "dependent columns",
                done,
                total,
                loss: f64::NAN,
            },
        )?;
        let vector = factor.null_vector(j);
        let largest = vector
            .iter()
            .fold(0.0_f64, |largest, v| largest.max(v.abs()));
        let named = vector
            .iter()
            .zip(&factor.order)
            .filter(|(v, _)| v.abs() > least_share * largest);
        let mut columns: Vec<usize> = named.map(|(_, column)| *column).collect();
        columns.sort_unstable();
        findings.push(Finding::Collinear { columns });
    }
    let (rows, rank) = (header.folded, factor.rank);
    if header.squares == 0.0 {
        findings.push(Finding::ConstantTarget {
            value: header.origin,
        });
    }
    if rows <= rank as u64 {
        findings.push(Finding::NoDegreesOfFreedom { rows, rank });
    } else if residual <= ROUNDING_SHARE * target {
        findings.push(Finding::PerfectFit);
    }
    Ok(findings)
}
