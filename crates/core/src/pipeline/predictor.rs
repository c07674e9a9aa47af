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

impl Link {
    /// Probabilities of the classes from the margins: two for [`Link::Logistic`], one a margin for
    /// [`Link::Softmax`], none for [`Link::Identity`]. Each is accurate relative to itself, however
    /// near to 0; `out` beyond the classes is left alone.
    pub fn probabilities(self, margins: &[f64], out: &mut [f64]) {
        match (self, margins, out) {
            (Self::Logistic, [margin], [negative, positive, ..]) => {
                *negative = logistic(-margin);
                *positive = logistic(*margin);
            }
            (Self::Softmax, margins, out) => softmax(margins, out),
            _ => {}
        }
    }

    /// The class: the second where its log odds are positive, the one of the largest margin (the
    /// first of equals). 0 for [`Link::Identity`].
    #[must_use]
    pub fn class(self, margins: &[f64]) -> usize {
        match (self, margins) {
            (Self::Logistic, [margin]) => usize::from(*margin > 0.0),
            (Self::Softmax, margins) => (1..margins.len()).fold(0, |best, class| {
                if margins[class] > margins[best] {
                    class
                } else {
                    best
                }
            }),
            _ => 0,
        }
    }

    /// Margins of a model with that many classes (0: a regression).
    #[must_use]
    pub fn margins(self, classes: usize) -> usize {
        match self {
            Self::Identity | Self::Logistic => 1,
            Self::Softmax => classes,
        }
    }
}

/// `1 / (1 + exp(-margin))`, accurate relative to itself in both tails.
#[must_use]
pub fn logistic(margin: f64) -> f64 {
    let e = (-margin.abs()).exp();
    if margin >= 0.0 {
        1.0 / (1.0 + e)
    } else {
        e / (1.0 + e)
    }
}

/// From the largest margin down, so that nothing overflows.
fn softmax(margins: &[f64], out: &mut [f64]) {
    let largest = margins.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (p, margin) in out.iter_mut().zip(margins) {
        *p = (margin - largest).exp();
        sum += *p;
    }
    for p in out.iter_mut().take(margins.len()) {
        *p /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// mpmath, 30 digits.
    #[test]
    fn probabilities_in_both_tails() {
        let mut p = [0.0; 2];
        let cases = [
            (0.0, 0.5, 0.5),
            (1.0, 0.268_941_421_369_995_1, 0.731_058_578_630_004_9),
            (-40.0, 1.0, 4.248_354_255_291_589e-18),
            (700.0, 9.859_676_543_759_77e-305, 1.0),
            (-800.0, 1.0, 0.0),
        ];
        for (margin, negative, positive) in cases {
            Link::Logistic.probabilities(&[margin], &mut p);
            let near = |got: f64, want: f64| (got - want).abs() <= 4e-16 * want;
            assert!(
                near(p[0], negative) && near(p[1], positive),
                "{margin}: {p:?}"
            );
        }
    }

    #[test]
    fn softmax_of_any_margins() {
        let mut p = [0.0; 3];
        Link::Softmax.probabilities(&[1e308, -1e308, 1e308], &mut p);
        assert_eq!(p, [0.5, 0.0, 0.5]);
        Link::Softmax.probabilities(&[0.0, 2.0_f64.ln(), 5.0_f64.ln()], &mut p);
        for (got, want) in p.iter().zip([0.125, 0.25, 0.625]) {
            assert!((got - want).abs() < 1e-16);
        }
        assert_eq!(Link::Softmax.class(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(Link::Logistic.class(&[0.0]), 0);
        assert_eq!(Link::Logistic.class(&[1e-300]), 1);
        assert_eq!(Link::Identity.class(&[5.0]), 0);
    }
}
