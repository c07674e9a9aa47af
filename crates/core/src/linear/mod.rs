//! Ordinary least squares in one pass, with classical inference.
//!
//! Minimises the sum of squares |y - X b|^2. The design is taken as it is: a constant is a column.
//!
//! **Source.** R of (X, y) by orthogonal reflections, tile by tile (TSQR: Demmel, Grigori, Hoemmen
//! and Langou 2012); then Golub and Van Loan 2013, sections 5.4 and 5.5. Inference: Greene 2018,
//! chapter 4. Definitions of r2 and condition number are those of MADlib's `linregr_train`.
//!
//! **Shapes and units.** Rows of `columns` features and a target, 1 to 8192 features, any number of
//! rows; coefficients in units of the target a unit of the feature.
//!
//! **Dependent columns.** What the other columns leave of a column, as a share of its own norm,
//! decides; so the units of the columns do not. The coefficients are then those of minimum norm,
//! `pinv(X) y`, the covariance is `s^2 pinv(X'X)`, and a [`Finding`] names the columns. A column of
//! zeros has coefficient 0 and no standard error.
//!
//! **Errors.** A NaN or an infinity is refused with its column. Cells may be as large and as small
//! as 1e150 and 1e-150; squares beyond the range of doubles are [`Error::Breakdown`](crate::Error).
//!
//! **Numerics.** X'X is never formed: the relative error of coefficients grows with cond(X) of the
//! equilibrated design. Digits in common with the certified values of NIST (worst coefficient, worst
//! standard error; AVX-512 path): Longley 12.0, 13.2; Filip 7.3, 7.4 (7.9 is the most that powers
//! rounded to doubles leave); Norris 12.5, 13.9; Pontius 13.1, 13.6; Wampler1 to 5 9.3, 12.9, 9.4,
//! 8.2, 6.2, with standard errors of 13.9 digits where they are not zero.
//! p-values have a relative error below 2e-13, in the far tail too. Cost: 2 `columns`^2 operations a
//! row, `columns`^3 for the fit. Merging in another order changes results by rounding only.
//!
//! # Example
//! ```
//! use pglearn_core::{linear::LinearAccumulator, monitor::Unattended};
//! let mut rows = LinearAccumulator::new(2)?;
//! for (x, y) in [(1.0, 3.1), (2.0, 4.9), (3.0, 7.2), (4.0, 8.8)] {
//!     rows.push_row(&[1.0, x], y)?;
//! }
//! let fit = rows.finish(&mut Unattended)?;
//! assert!((fit.coefficients[1] - 1.94).abs() < 1e-12);
//! assert!(fit.r2 > 0.99 && fit.findings.is_empty());
//! # Ok::<(), pglearn_core::Error>(())
//! ```

mod accumulator;
mod fit;
mod heteroskedasticity;
mod params;
mod pivoted;
mod spectrum;
pub mod state;
mod tails;

pub use accumulator::LinearAccumulator;
pub use fit::{Finding, LinearFit, finish};
pub(crate) use fit::{NullSpace, Targets, fit_triangle};
pub use heteroskedasticity::{BreuschPagan, BreuschPaganTest, breusch_pagan};
pub use params::{FittedLinear, LinearParams, LinearValidParams};
pub(crate) use pivoted::Pivoted;
pub use state::{StateMut, state_len};
pub use tails::{chi_squared_upper, student_two_sided};
