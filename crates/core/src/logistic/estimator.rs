//! The estimator as linfa knows it: `Fit` and `Predict`.

use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

use super::{LogisticFit, LogisticValidParams, Rows, fit, probability};
use crate::monitor::Unattended;
use crate::tiles::{TileBuffer, Tiles};
use crate::{Error, Result};

impl<D, T, L> Fit<ArrayBase<D, Ix2>, T, Error> for LogisticValidParams
where
    D: Data<Elem = f64>,
    T: AsSingleTargets<Elem = L>,
    L: Copy + Into<f64>,
{
    type Object = LogisticFit;

    /// Labels may be `bool`, or any number that is 0 or 1; the data set's weights count.
    ///
    /// # Errors
    /// As [`fit`]; [`Error::Shape`] unless there is one label a row, [`Error::NotFinite`].
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<LogisticFit> {
        let (records, labels) = (dataset.records(), dataset.as_single_targets());
        let weights = dataset.weights();
        let same = |what, got| match records.nrows() {
            expected if expected == got => Ok(()),
            expected => Err(Error::Shape {
                what,
                expected,
                got,
            }),
        };
        same("labels", labels.len())?;
        same("weights", weights.map_or(records.nrows(), <[f32]>::len))?;
        let features = records.ncols();
        let weighted = weights.is_some();
        let columns = features + 1 + usize::from(weighted);
        let mut tiles = Tiles::new(columns, features, u64::MAX);
        let mut tile = TileBuffer::new(columns)?;
        let mut row = vec![0.0; columns];
        for (i, (x, label)) in records.rows().into_iter().zip(labels).enumerate() {
            row.iter_mut().zip(x).for_each(|(cell, x)| *cell = *x);
            row[features] = (*label).into();
            if let Some(weight) = weights.and_then(|weights| weights.get(i)) {
                row[features + 1] = f64::from(*weight);
            }
            tile.push(&row);
            if tile.is_full() {
                tiles.append(tile.span())?;
                tile.clear();
            }
        }
        tiles.append(tile.span())?;
        let rows = Rows {
            tiles: &tiles,
            range: 0..tiles.rows(),
            features,
            weighted,
        };
        fit(self, &rows, None, &mut Unattended)
    }
}

impl LogisticFit {
    /// The probability of class 1 for each row.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of columns than the fit had.
    pub fn probabilities<D: Data<Elem = f64>>(
        &self,
        records: &ArrayBase<D, Ix2>,
    ) -> Result<Array1<f64>> {
        let (constant, slopes) = self.parts();
        if records.ncols() != slopes.len() {
            let (expected, got) = (slopes.len(), records.ncols());
            return Err(Error::Shape {
                what: "features",
                expected,
                got,
            });
        }
        let log_odds = |row: ndarray::ArrayView1<'_, f64>| {
            row.iter()
                .zip(slopes)
                .fold(constant, |sum, (x, slope)| sum + x * slope)
        };
        Ok(records
            .rows()
            .into_iter()
            .map(|row| probability(log_odds(row)))
            .collect())
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<bool>> for LogisticFit {
    /// Whether class 1 is the more probable.
    ///
    /// # Panics
    /// As linfa's own: where the shapes do not fit. [`LogisticFit::probabilities`] does not.
    fn predict_inplace<'a>(&'a self, x: &'a ArrayBase<D, Ix2>, y: &mut Array1<bool>) {
        assert_eq!(x.nrows(), y.len(), "length of the predictions");
        assert_eq!(x.ncols(), self.parts().1.len(), "columns of the records");
        if let Ok(probabilities) = self.probabilities(x) {
            y.assign(&probabilities.mapv(|p| p > 0.5));
        }
    }

    fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<bool> {
        Array1::from_elem(x.nrows(), false)
    }
}
