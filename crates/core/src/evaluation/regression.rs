//! Regression: errors of predicted numbers.

use super::holdout::Holdout;
use super::metrics::Metrics;
use crate::Result;
use crate::metrics::{RegressionErrors, Sum};
use crate::monitor::Monitor;
use crate::selection::{by_order, nth};

pub(super) fn metrics(holdout: &Holdout, monitor: &mut dyn Monitor) -> Result<Metrics> {
    let mut errors = RegressionErrors::default();
    holdout.visit(monitor, |truth, scores| errors.push(scores[0], truth))?;
    Ok(Metrics::of([
        ("r2", errors.r2_score()),
        ("rmse", errors.root_mean_squared_error()),
        ("mae", errors.mean_abs_error()),
        ("mape", errors.mean_abs_perc_error()),
        (
            "median_absolute_error",
            median_absolute_error(holdout, monitor)?,
        ),
        ("explained_variance", explained_variance(holdout, monitor)?),
        ("rows", Some(holdout.rows() as f64)),
    ]))
}

/// The middle |error|, the mean of the two middle ones of an even number.
fn median_absolute_error(holdout: &Holdout, monitor: &mut dyn Monitor) -> Result<Option<f64>> {
    let rows = holdout.rows();
    if rows == 0 {
        return Ok(None);
    }
    let key = |row: usize| by_order((holdout.truth[row] - holdout.scores[row]).abs());
    let lower = nth(rows, &key, (rows - 1) / 2, monitor)?;
    let upper = if rows % 2 == 1 {
        lower
    } else {
        nth(rows, &key, rows / 2, monitor)?
    };
    // Errors are not negative: their keys are their bits after the sign.
    let error = |key: u64| f64::from_bits(key & !(1 << 63));
    Ok(Some(error(lower) / 2.0 + error(upper) / 2.0))
}

/// 1 - variance of the errors / variance of the truth; `None` where the truth does not vary.
fn explained_variance(holdout: &Holdout, monitor: &mut dyn Monitor) -> Result<Option<f64>> {
    let rows = holdout.rows() as f64;
    let (mut truth, mut error) = (Sum::default(), Sum::default());
    holdout.visit(monitor, |observed, scores| {
        truth.add(observed);
        error.add(observed - scores[0]);
        Ok(())
    })?;
    let (truth, error) = (truth.value() / rows, error.value() / rows);
    let (mut total, mut left) = (Sum::default(), Sum::default());
    let mut varies = false;
    let first = holdout.truth.first().copied().unwrap_or(f64::NAN);
    holdout.visit(monitor, |observed, scores| {
        varies |= observed != first;
        total.add((observed - truth).powi(2));
        left.add((observed - scores[0] - error).powi(2));
        Ok(())
    })?;
    Ok((varies && total.value() > 0.0).then(|| 1.0 - left.value() / total.value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Unattended;

    #[test]
    fn what_is_undefined_is_none() {
        let none = Holdout::new(0).metrics(0.5, &mut Unattended).unwrap();
        assert!(
            none.iter()
                .all(|(name, value)| value.is_none() || name == "rows")
        );
        let mut constant = Holdout::new(0);
        for predicted in [0.0, 1.0, 4.0] {
            constant.push(0.1, &[predicted]).unwrap();
        }
        let metrics = constant.metrics(0.5, &mut Unattended).unwrap();
        assert_eq!(
            (metrics.get("r2"), metrics.get("explained_variance")),
            (None, None)
        );
        assert_eq!(metrics.get("median_absolute_error"), Some(0.9));
        constant.push(0.0, &[2.1]).unwrap();
        let metrics = constant.metrics(0.5, &mut Unattended).unwrap();
        assert_eq!(metrics.get("mape"), None);
        assert_eq!(metrics.get("median_absolute_error"), Some(1.5));
    }
}
