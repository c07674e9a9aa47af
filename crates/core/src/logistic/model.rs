//! What a fit returns.

/// How an optimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// At the maximum, within the tolerance and to about nine digits of a standard error.
    Converged,
    /// Out of iterations before that.
    MaxIterations,
    /// No maximum exists: some direction separates the classes, the likelihood grows for ever.
    Separated,
    /// No step raises the likelihood any more in floating point, and the gradient is not yet small.
    Stalled,
}

/// Something the user should be told about a fit. Columns are counted from 0.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// A combination of these columns is constant (0 without an intercept): their coefficients are
    /// the minimum-norm ones, and only what the combination leaves free is determined.
    Collinear {
        /// The columns in the combination.
        columns: Vec<usize>,
    },
    /// Constant although an intercept is fitted: the two share the constant's effect.
    ConstantColumn {
        /// The column.
        column: usize,
    },
    /// Zero in every row: coefficient 0, no standard error.
    ZeroColumn {
        /// The column.
        column: usize,
    },
    /// A linear combination of these columns predicts the classes without error, or without error
    /// wherever it decides: coefficients grow without bound, the reported ones are where the search
    /// stopped.
    Separation {
        /// The columns with weight in the direction.
        columns: Vec<usize>,
        /// Whether every row is decided (else some lie on the boundary).
        complete: bool,
    },
    /// Every row has the same label.
    ConstantLabel {
        /// Whether that label is 1.
        positive: bool,
    },
    /// The optimizer ended early.
    NotConverged {
        /// About how much the log-likelihood could still gain.
        gap: f64,
    },
}

/// A fitted logistic regression.
///
/// `k`, the length of the vectors, is the number of columns, plus 1 where an intercept was added;
/// the intercept then comes first. All numbers refer to the raw scale of the columns and to the
/// final coefficients.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticFit {
    /// Coefficients (log odds per unit of the column).
    pub coefficients: Vec<f64>,
    /// Whether the first coefficient is an intercept that the design did not have.
    pub intercept_added: bool,
    /// The log-likelihood.
    pub log_likelihood: f64,
    /// Standard errors: square roots of the covariance's diagonal; NaN for a zero column, and
    /// everywhere where separation has left no curvature to speak of.
    pub std_err: Vec<f64>,
    /// Coefficient by standard error.
    pub z_stats: Vec<f64>,
    /// Two-sided normal tail probabilities of `z_stats`.
    pub p_values: Vec<f64>,
    /// `exp(coefficient)`.
    pub odds_ratios: Vec<f64>,
    /// Square root of the ratio of the extreme eigenvalues of `X'WX`; infinite where it is singular.
    pub condition_number: f64,
    /// The inverse (where singular: pseudo-inverse) of `X'WX`, `k * k`, symmetric.
    pub covariance: Vec<f64>,
    /// Rows read.
    pub rows: u64,
    /// Iterations over the data.
    pub iterations: u32,
    /// How it ended.
    pub status: Status,
    /// What to tell the user.
    pub findings: Vec<Finding>,
}

impl LogisticFit {
    /// The log odds of class 1 for one row of features.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for another number of features.
    pub fn log_odds(&self, features: &[f64]) -> crate::Result<f64> {
        let (constant, slopes) = self.parts();
        if features.len() != slopes.len() {
            let (expected, got) = (slopes.len(), features.len());
            return Err(crate::Error::Shape {
                what: "features",
                expected,
                got,
            });
        }
        Ok(constant + pglearn_kernels::dot(slopes, features))
    }

    /// The added intercept (else 0) and the coefficients of the columns.
    #[must_use]
    pub fn parts(&self) -> (f64, &[f64]) {
        match self.coefficients.split_first() {
            Some((constant, slopes)) if self.intercept_added => (*constant, slopes),
            _ => (0.0, &self.coefficients),
        }
    }
}

/// `1 / (1 + exp(-eta))` without overflow.
#[must_use]
pub fn probability(eta: f64) -> f64 {
    let e = (-eta.abs()).exp();
    if eta >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}
