//! One pass of a logistic regression over a span of rows: log-likelihood, gradient, curvature.

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
    /// `X' diag(w mu (1 - mu)) X`, `p * p` cells, row-major; only the lower triangle is valid.
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

    /// Back to empty.
    pub fn clear(&mut self) {
        self.log_likelihood = 0.0;
        self.gradient.fill(0.0);
        self.hessian.fill(0.0);
        self.min_margin = f64::INFINITY;
        self.max_abs_eta = 0.0;
    }

    /// Adds the sums of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.log_likelihood += other.log_likelihood;
        for (sum, term) in self.gradient.iter_mut().zip(&other.gradient) {
            *sum += term;
        }
        for (sum, term) in self.hessian.iter_mut().zip(&other.hessian) {
            *sum += term;
        }
        self.min_margin = self.min_margin.min(other.min_margin);
        self.max_abs_eta = self.max_abs_eta.max(other.max_abs_eta);
    }
}
