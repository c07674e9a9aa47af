//! Counts of a two-class decision and the rates derived from them.

/// How many rows were decided how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Positive rows decided positive.
    pub tp: u64,
    /// Negative rows decided positive.
    pub fp: u64,
    /// Positive rows decided negative.
    pub fn_: u64,
    /// Negative rows decided negative.
    pub tn: u64,
}

/// `part / whole`, or `None` where `whole` is 0.
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Confusion {
    /// Counts one row.
    pub fn push(&mut self, predicted: bool, observed: bool) {
        match (predicted, observed) {
            (true, true) => self.tp += 1,
            (true, false) => self.fp += 1,
            (false, true) => self.fn_ += 1,
            (false, false) => self.tn += 1,
        }
    }

    /// Counts rows; the shorter slice ends the count.
    #[must_use]
    pub fn of(predicted: &[bool], observed: &[bool]) -> Self {
        let mut counts = Self::default();
        predicted
            .iter()
            .zip(observed)
            .for_each(|(p, o)| counts.push(*p, *o));
        counts
    }

    /// Adds the counts of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.tp += other.tp;
        self.fp += other.fp;
        self.fn_ += other.fn_;
        self.tn += other.tn;
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tp + self.fp + self.fn_ + self.tn
    }

    /// True positive rate, recall, sensitivity: tp / (tp + fn).
    #[must_use]
    pub fn tpr(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fn_)
    }

    /// True negative rate, specificity: tn / (tn + fp).
    #[must_use]
    pub fn tnr(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// Positive predictive value, precision: tp / (tp + fp).
    #[must_use]
    pub fn ppv(&self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Negative predictive value: tn / (tn + fn).
    #[must_use]
    pub fn npv(&self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fn_)
    }

    /// False positive rate: fp / (fp + tn).
    #[must_use]
    pub fn fpr(&self) -> Option<f64> {
        ratio(self.fp, self.fp + self.tn)
    }

    /// False discovery rate: fp / (fp + tp).
    #[must_use]
    pub fn fdr(&self) -> Option<f64> {
        ratio(self.fp, self.fp + self.tp)
    }

    /// False negative rate: fn / (fn + tp).
    #[must_use]
    pub fn fnr(&self) -> Option<f64> {
        ratio(self.fn_, self.fn_ + self.tp)
    }

    /// Accuracy: (tp + tn) / rows.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.tp + self.tn, self.rows())
    }

    /// Same as [`ppv`](Self::ppv).
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        self.ppv()
    }

    /// Same as [`tpr`](Self::tpr).
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        self.tpr()
    }

    /// F1: 2 tp / (2 tp + fp + fn).
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn_)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_by_hand() {
        let counts = Confusion {
            tp: 6,
            fp: 2,
            fn_: 4,
            tn: 8,
        };
        assert_eq!(counts.tpr(), Some(0.6));
        assert_eq!(counts.tnr(), Some(0.8));
        assert_eq!(counts.ppv(), Some(0.75));
        assert_eq!(counts.npv(), Some(8.0 / 12.0));
        assert_eq!(counts.fpr(), Some(0.2));
        assert_eq!(counts.fdr(), Some(0.25));
        assert_eq!(counts.fnr(), Some(0.4));
        assert_eq!(counts.accuracy(), Some(0.7));
        assert_eq!(counts.f1(), Some(12.0 / 18.0));
    }

    #[test]
    fn a_zero_denominator_has_no_value() {
        let counts = Confusion::of(&[false, false], &[false, false]);
        assert_eq!(
            counts,
            Confusion {
                tn: 2,
                ..Confusion::default()
            }
        );
        assert_eq!(
            (counts.tpr(), counts.ppv(), counts.f1()),
            (None, None, None)
        );
        assert_eq!((counts.tnr(), counts.accuracy()), (Some(1.0), Some(1.0)));
        assert_eq!(Confusion::default().accuracy(), None);
    }
}
