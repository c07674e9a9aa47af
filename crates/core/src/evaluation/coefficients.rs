//! What the coefficients alone say about the importance of features.

use crate::pipeline::{Encoder, Encoding, InputKind, Pipeline, Predictor};

/// The importance of each encoded feature of a linear model, from what the model stores:
///
/// - with standard errors, which fits without a penalty have: |coefficient / standard error|, the
///   absolute t or z statistic;
/// - else |coefficient| times the standard deviation of the feature in training: 1 of a number that was
///   standardised, sqrt(m (1 - m)) of a 0/1 column of mean m. A number whose standardisation was
///   switched off counts by its coefficient alone.
///
/// With three or more classes the mean over their margins. `None` where a standard error is missing.
#[must_use]
pub fn coefficient_importance(pipeline: &Pipeline) -> Vec<(String, Option<f64>)> {
    let Predictor::Linear(linear) = &pipeline.predictor;
    let names = pipeline.feature_names();
    let width = names.len();
    let deviations = deviations(pipeline);
    let margins = linear.intercepts.len();
    let of = |feature: usize, margin: usize| {
        let coefficient = linear.coefficients.get(margin * width + feature)?.abs();
        if linear.std_err.is_empty() {
            return Some(coefficient * deviations.get(feature)?);
        }
        let error = *linear.std_err.get(margin * (width + 1) + 1 + feature)?;
        (error > 0.0).then(|| coefficient / error)
    };
    let mean = |feature: usize| {
        let sum: Option<f64> = (0..margins).map(|margin| of(feature, margin)).sum();
        sum.map(|sum| sum / margins.max(1) as f64)
    };
    names
        .into_iter()
        .enumerate()
        .map(|(feature, name)| (name, mean(feature).filter(|value| value.is_finite())))
        .collect()
}

/// The standard deviation of each feature over the training rows, as far as it is known.
fn deviations(pipeline: &Pipeline) -> Vec<f64> {
    let inputs = pipeline.inputs.iter();
    let kinds = inputs.flat_map(|input| (0..input.slots()).map(|_| input.kind));
    let mut means = pipeline.means.iter().copied();
    let mut deviations = Vec::new();
    for (encoder, kind) in pipeline.encoders.iter().zip(kinds) {
        for column in 0..encoder.width() {
            let mean = means.next().unwrap_or(0.0);
            deviations.push(if is_binary(encoder, kind, column) {
                (mean * (1.0 - mean)).max(0.0).sqrt()
            } else {
                1.0
            });
        }
    }
    deviations
}

/// Whether a column of an encoder holds 0 and 1 only.
fn is_binary(encoder: &Encoder, kind: InputKind, column: usize) -> bool {
    let indicator = encoder.indicator && column + 1 == encoder.width();
    indicator
        || match &encoder.encoding {
            Encoding::OneHot { .. } => true,
            Encoding::Number { center, scale, .. } => {
                kind == InputKind::Boolean && (*center, *scale) == (0.0, 1.0)
            }
            Encoding::Time { .. } | Encoding::Ignored => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Input, LabelKind, Linear, Link, Target, TargetKind, Unknown};

    /// A standardised number with an indicator, a boolean, two categories.
    fn pipeline(link: Link, coefficients: Vec<f64>, std_err: Vec<f64>) -> Pipeline {
        let input = |name: &str, kind| Input {
            name: name.into(),
            sql_type: "x".into(),
            kind,
            length: None,
        };
        let encoder = |slot: &str, encoding, indicator| Encoder {
            slot: slot.into(),
            encoding,
            indicator,
            refuse_missing: false,
        };
        let number = |center, scale| Encoding::Number {
            center,
            scale,
            impute: 0.0,
        };
        let city = Encoding::OneHot {
            categories: vec!["a".into(), "b".into()],
            reference: None,
            rare: false,
            unknown: Unknown::Rare,
            impute: 0,
        };
        Pipeline {
            algorithm: "ridge".into(),
            target: Target {
                name: "y".into(),
                sql_type: "text".into(),
                kind: TargetKind::Classes {
                    label: LabelKind::Text,
                    classes: vec!["n".into(), "y".into()],
                },
            },
            inputs: vec![
                input("age", InputKind::Number),
                input("active", InputKind::Boolean),
                input("city", InputKind::Text),
            ],
            encoders: vec![
                encoder("age", number(40.0, 10.0), true),
                encoder("active", number(0.0, 1.0), false),
                encoder("city", city, false),
            ],
            means: vec![0.0, 0.1, 0.5, 0.2, 0.8],
            predictor: Predictor::Linear(Linear {
                link,
                intercepts: vec![0.0; coefficients.len() / 5],
                coefficients,
                std_err,
            }),
        }
    }

    #[test]
    fn standardised_effects_by_hand() {
        let found = coefficient_importance(&pipeline(
            Link::Logistic,
            vec![-2.0, 1.0, 3.0, 0.5, -0.5],
            vec![],
        ));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["age", "age is null", "active", "city=a", "city=b"]);
        let expected = [2.0, 0.3, 1.5, 0.2, 0.2];
        for ((name, got), expected) in found.iter().zip(expected) {
            assert!((got.unwrap() - expected).abs() < 1e-15, "{name} {got:?}");
        }
    }

    #[test]
    fn statistics_where_there_are_standard_errors() {
        let coefficients = vec![-2.0, 1.0, 3.0, 0.5, -0.5];
        let std_err = vec![9.0, 0.5, 0.25, 1.0, f64::NAN, 0.0];
        let found = coefficient_importance(&pipeline(Link::Logistic, coefficients, std_err));
        let values: Vec<_> = found.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [Some(4.0), Some(4.0), Some(3.0), None, None]);
    }

    #[test]
    fn several_margins_are_averaged() {
        let coefficients = [vec![1.0; 5], vec![-3.0; 5]].concat();
        let found = coefficient_importance(&pipeline(Link::Softmax, coefficients, vec![]));
        assert_eq!(found[0].1, Some(2.0));
    }
}
