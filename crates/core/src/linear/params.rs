//! The estimator as linfa knows them: parameters, `Fit`, `Predict`.

use linfa::ParamGuard;
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::{LinearAccumulator, LinearFit};
use crate::monitor::Unattended;
use crate::tiles::TileBuffer;
use crate::{Error, Result};

/// Checked parameters; see [`LinearParams`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinearValidParams {
    intercept: bool,
}

/// Parameters of an ordinary least squares fit.
///
/// | name | default | meaning |
/// |---|---|---|
/// | `intercept` | false | whether a column of ones joins the design, before the others |
///
/// # Example
/// ```
/// use linfa::{Dataset, traits::{Fit, Predict}};
/// use ndarray::array;
/// use pglearn_core::linear::LinearParams;
/// let data = Dataset::new(array![[1.0], [2.0], [4.0]], array![3.0, 5.0, 9.0]);
/// let model = LinearParams::new().intercept(true).fit(&data)?;
/// assert!((model.fit.coefficients[1] - 2.0).abs() < 1e-14);
/// let predicted = model.predict(&array![[10.0]]);
/// assert!((predicted[0] - 21.0).abs() < 1e-13);
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinearParams(LinearValidParams);

impl LinearParams {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a column of ones joins the design.
    #[must_use]
    pub fn intercept(mut self, intercept: bool) -> Self {
        self.0.intercept = intercept;
        self
    }
}

impl ParamGuard for LinearParams {
    type Checked = LinearValidParams;
    type Error = Error;

    fn check_ref(&self) -> Result<&Self::Checked> {
        Ok(&self.0)
    }

    fn check(self) -> Result<Self::Checked> {
        Ok(self.0)
    }
}

/// A fit that predicts `ndarray` records.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLinear {
    /// Coefficients (that of the constant first, if it joined) and inference.
    pub fit: LinearFit,
    /// Whether a constant joined the design.
    pub intercept: bool,
}

impl FittedLinear {
    /// The constant term and the coefficients of the columns.
    #[must_use]
    pub fn terms(&self) -> (f64, &[f64]) {
        match self.fit.coefficients.split_first() {
            Some((constant, rest)) if self.intercept => (*constant, rest),
            _ => (0.0, &self.fit.coefficients),
        }
    }
}

impl<D: Data<Elem = f64>, T: AsSingleTargets<Elem = f64>> Fit<ArrayBase<D, Ix2>, T, Error>
    for LinearValidParams
{
    type Object = FittedLinear;

    /// # Errors
    /// As [`LinearAccumulator`]; [`Error::Shape`] unless there is one target a row.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<FittedLinear> {
        let (records, targets) = (dataset.records(), dataset.as_single_targets());
        if records.nrows() != targets.len() {
            let (expected, got) = (records.nrows(), targets.len());
            return Err(Error::Shape {
                what: "targets",
                expected,
                got,
            });
        }
        let constant = usize::from(self.intercept);
        let columns = records.ncols() + constant;
        let mut accumulator = LinearAccumulator::new(columns)?;
        let mut tile = TileBuffer::new(columns + 1)?;
        let mut row = vec![1.0; columns + 1];
        for (x, y) in records.rows().into_iter().zip(targets) {
            row[constant..columns]
                .iter_mut()
                .zip(x)
                .for_each(|(cell, x)| *cell = *x);
            row[columns] = *y;
            tile.push(&row);
            if tile.is_full() {
                accumulator.update(tile.span())?;
                tile.clear();
            }
        }
        accumulator.update(tile.span())?;
        let fit = accumulator.finish(&mut Unattended)?;
        Ok(FittedLinear {
            fit,
            intercept: self.intercept,
        })
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for FittedLinear {
    /// # Panics
    /// As linfa's own: where the shapes do not fit.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<f64>) {
        let (constant, coefficients) = self.terms();
        assert_eq!(x.ncols(), coefficients.len(), "columns of the records");
        assert_eq!(x.nrows(), y.len(), "length of the predictions");
        for (row, target) in x.rows().into_iter().zip(y) {
            *target = row
                .iter()
                .zip(coefficients)
                .fold(constant, |sum, (x, b)| sum + x * b);
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f64> {
        Array1::zeros(x.nrows())
    }
}
