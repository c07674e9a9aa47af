//! The Breusch-Pagan test on a second pass over the rows.

use super::accumulator::LinearAccumulator;
use super::tails::chi_squared_upper;
use crate::monitor::Monitor;
use crate::tiles::{Span, TILE_ROWS};
use crate::{Error, Result};

/// Result of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreuschPaganTest {
    /// n R2 of the regression of the squared residuals on the columns.
    pub statistic: f64,
    /// P(chi-squared > statistic); NaN without degrees of freedom.
    pub p_value: f64,
    /// Independent columns less one.
    pub degrees_of_freedom: usize,
}

/// Regresses squared residuals on the columns: the Lagrange multiplier test of Breusch and Pagan
/// (1979) in the studentised form of Koenker (1981), `n R2`.
///
/// This is `het_breuschpagan(residuals, X)` of statsmodels with its default `robust=True` and
/// `bptest` of R's lmtest. As there, the columns are expected to span the constant.
#[derive(Debug, Clone)]
pub struct BreuschPagan {
    coefficients: Vec<f64>,
    squares: LinearAccumulator,
}

impl BreuschPagan {
    /// A test of the residuals that `coefficients` leave.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`], [`Error::OutOfMemory`].
    pub fn new(coefficients: &[f64]) -> Result<Self> {
        let squares = LinearAccumulator::new(coefficients.len())?;
        Ok(Self {
            coefficients: coefficients.to_vec(),
            squares,
        })
    }

    /// Takes the rows of a span whose last column is the target.
    ///
    /// # Errors
    /// As [`LinearAccumulator::update`].
    pub fn update(&mut self, span: Span<'_>) -> Result<()> {
        let columns = self.coefficients.len();
        if span.columns != columns + 1 {
            let (expected, got) = (columns + 1, span.columns);
            return Err(Error::Shape {
                what: "columns",
                expected,
                got,
            });
        }
        let mut residuals = [0.0; TILE_ROWS];
        residuals[..span.rows].copy_from_slice(span.column(columns));
        let residuals = &mut residuals[..span.rows];
        for (column, coefficient) in self.coefficients.iter().enumerate() {
            for (residual, x) in residuals.iter_mut().zip(span.column(column)) {
                *residual -= coefficient * x;
            }
        }
        residuals
            .iter_mut()
            .for_each(|residual| *residual *= *residual);
        let residuals = &*residuals;
        self.squares.take(span.rows, |column| {
            if column == columns {
                residuals
            } else {
                span.column(column)
            }
        })
    }

    /// Takes one row.
    ///
    /// # Errors
    /// As [`LinearAccumulator::push_row`].
    pub fn push_row(&mut self, x: &[f64], y: f64) -> Result<()> {
        let residual = y - pglearn_kernels::dot(&self.coefficients, x);
        self.squares.push_row(x, residual * residual)
    }

    /// Takes the rows of another test of the same coefficients.
    ///
    /// # Errors
    /// As [`LinearAccumulator::merge`]; [`Error::InvalidParameter`] if the coefficients differ.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.coefficients != other.coefficients {
            return Err(Error::InvalidParameter {
                name: "coefficients",
                value: format!("{:?}", other.coefficients),
                expected: "those of the test it is merged into",
            });
        }
        self.squares.merge(&other.squares)
    }

    /// Computes the test.
    ///
    /// # Errors
    /// As [`LinearAccumulator::finish`].
    pub fn finish(&self, monitor: &mut dyn Monitor) -> Result<BreuschPaganTest> {
        let fit = self.squares.finish(monitor)?;
        Ok(breusch_pagan(&fit))
    }
}

/// The test, given the regression of the squared residuals on the columns.
///
/// NaN where the columns do not span the constant and explain the squared residuals worse than their
/// mean does: the statistic, a share of variance, does not exist then.
#[must_use]
pub fn breusch_pagan(squares: &super::LinearFit) -> BreuschPaganTest {
    let degrees_of_freedom = squares.rank.saturating_sub(1);
    const ROUNDING: f64 = 1e-8;
    let share = if squares.r2 < -ROUNDING {
        f64::NAN
    } else {
        squares.r2
    };
    let statistic = squares.rows as f64 * share;
    let p_value = chi_squared_upper(statistic, degrees_of_freedom as f64);
    BreuschPaganTest {
        statistic,
        p_value,
        degrees_of_freedom,
    }
}
