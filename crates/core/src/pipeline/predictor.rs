//! What a learner learned: a function of the encoded features.

/// A learned function. Later learners add variants.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Predictor {
    /// Linear in the encoded features.
    Linear(Linear),
}

/// How margins become predictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// The prediction is the margin.
    Identity = 1,
    /// The probability of the second of two classes is the logistic function of the margin.
    Logistic = 2,
    /// One margin a class (three or more); probabilities are their softmax.
    Softmax = 3,
}

/// Margins linear in the encoded features: one for [`Link::Identity`] and [`Link::Logistic`], one a
/// class for [`Link::Softmax`].
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// From margins to predictions.
    pub link: Link,
    /// One a margin.
    pub intercepts: Vec<f64>,
    /// Margin after margin, one coefficient an encoded feature.
    pub coefficients: Vec<f64>,
    /// Margin after margin, the intercept's (NaN if there is none) and each coefficient's; empty where
    /// the method has none (penalised fits).
    pub std_err: Vec<f64>,
}
