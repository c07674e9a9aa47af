//! Why a margin is what it is: what each value of the row adds to the mean one.

use super::{Pipeline, Predictor};
use crate::value::Value;
use crate::{Error, Result};

/// The margin of a row as the mean margin of the training rows plus what each value adds to it.
///
/// These are the Shapley values of a linear model whose features are taken as independent
/// (S. Lundberg and S.-I. Lee, "A unified approach to interpreting model predictions", 2017,
/// corollary 1): the weight times the deviation from the training mean, summed over the columns
/// that a value is encoded as. Exact: `base + attributions` is the margin, to rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The mean margin over the training rows.
    pub base: f64,
    /// One a slot, in units of the margin: of the target for a regression, log odds for two classes,
    /// the class's score for more.
    pub attributions: Vec<f64>,
}

impl Pipeline {
    /// Explains one of a row's margins (0 where there is but one; a class's else); `None` where a
    /// value is missing and the model refuses that.
    ///
    /// # Errors
    /// As [`Encoder::encode`](super::Encoder::encode); [`Error::Shape`] for a row of another length or a
    /// margin that does not exist.
    pub fn explain(&self, margin: usize, row: &[Value<'_>]) -> Result<Option<Explanation>> {
        let Predictor::Linear(linear) = &self.predictor;
        let shape = |what, expected, got| Error::Shape {
            what,
            expected,
            got,
        };
        if row.len() != self.encoders.len() {
            return Err(shape("values of a row", self.encoders.len(), row.len()));
        }
        let margins = linear.intercepts.len();
        let missing = shape("margins", margins, margin + 1);
        let intercept = linear.intercepts.get(margin).ok_or(missing)?;
        let width = self.width();
        let mut weights = linear
            .coefficients
            .iter()
            .skip(margin * width)
            .zip(&self.means);
        let mut base = *intercept;
        let mut attributions = Vec::new();
        let mut columns = Vec::new();
        for (encoder, value) in self.encoders.iter().zip(row) {
            columns.resize(encoder.width(), 0.0);
            if !encoder.encode(*value, &mut columns)? {
                return Ok(None);
            }
            let mut attribution = 0.0;
            for (column, (weight, mean)) in columns.iter().zip(weights.by_ref()) {
                attribution += weight * (column - mean);
                base += weight * mean;
            }
            attributions.push(attribution);
        }
        Ok(Some(Explanation { base, attributions }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{
        Encoder, Encoding, Input, InputKind, Linear, Link, Target, TargetKind, Unknown,
    };

    /// price = 10 + 3 (area - 4) / 2 + 5 [city=b] + 7 [city is null]: the base 10 + 0.5 3 + 0.25 5
    /// + 0.125 7 is 13.625.
    #[test]
    fn by_hand() {
        let encoder = |slot: &str, encoding, indicator| Encoder {
            slot: slot.to_owned(),
            encoding,
            indicator,
            refuse_missing: slot == "area",
        };
        let input = |name: &str, kind| Input {
            name: name.to_owned(),
            sql_type: String::new(),
            kind,
            length: None,
        };
        let number = Encoding::Number {
            center: 4.0,
            scale: 2.0,
            impute: 0.0,
        };
        let one_hot = Encoding::OneHot {
            categories: vec!["a".to_owned(), "b".to_owned()],
            reference: Some(0),
            rare: false,
            unknown: Unknown::Ignore,
            impute: 0,
        };
        let pipeline = Pipeline {
            algorithm: "linear_regression".to_owned(),
            target: Target {
                name: "price".to_owned(),
                sql_type: "integer".to_owned(),
                kind: TargetKind::Number,
            },
            inputs: vec![
                input("area", InputKind::Number),
                input("city", InputKind::Text),
            ],
            encoders: vec![
                encoder("area", number, false),
                encoder("city", one_hot, true),
            ],
            means: vec![0.5, 0.25, 0.125],
            predictor: Predictor::Linear(Linear {
                link: Link::Identity,
                intercepts: vec![10.0],
                coefficients: vec![3.0, 5.0, 7.0],
                std_err: vec![],
            }),
        };
        let explain = |row: [Value<'_>; 2]| pipeline.explain(0, &row).unwrap();
        let area = Value::Number(8.0);
        let known = explain([area, Value::Text("b")]).unwrap();
        assert_eq!(known.base, 13.625);
        assert_eq!(known.attributions, [4.5, 3.75 - 0.875]);
        let missing = explain([area, Value::Missing]).unwrap();
        assert_eq!(missing.attributions, [4.5, -1.25 + 6.125]);
        assert_eq!(explain([Value::Missing, Value::Text("b")]), None);
        assert!(pipeline.explain(1, &[area, area]).is_err());
        assert!(pipeline.explain(0, &[area]).is_err());
    }
}
