//! The scorer against the plain definition, and against itself in its other forms.

use proptest::prelude::*;

use super::arbitrary::{Case, cases, number_cases};
use crate::pipeline::{Pipeline, Predictor, Scorer};
use crate::value::Value;
use crate::{Error, Result};

/// Margins by the definition, and the sum of the sizes of what they are made of.
fn naive(pipeline: &Pipeline, row: &[Value<'_>]) -> Result<Option<Vec<(f64, f64)>>> {
    let mut features = vec![];
    for (encoder, value) in pipeline.encoders.iter().zip(row) {
        let at = features.len();
        features.resize(at + encoder.width(), f64::NAN);
        if !encoder.encode(*value, &mut features[at..])? {
            return Ok(None);
        }
    }
    let Predictor::Linear(linear) = &pipeline.predictor;
    let margins = linear.intercepts.iter().enumerate().map(|(k, intercept)| {
        let coefficients = &linear.coefficients[k * features.len()..][..features.len()];
        let terms = || coefficients.iter().zip(&features).map(|(w, x)| w * x);
        // What a center costs where it is folded into the intercept.
        let centers: f64 = coefficients.iter().map(|w| 1e3 * w.abs()).sum();
        let size = terms().map(f64::abs).sum::<f64>() + intercept.abs() + centers;
        (intercept + terms().sum::<f64>(), size)
    });
    Ok(Some(margins.collect()))
}

fn agrees(case: &Case) -> std::result::Result<(), TestCaseError> {
    let (pipeline, rows) = case;
    let scorer = Scorer::new(pipeline).unwrap();
    prop_assert_eq!(scorer.slots(), pipeline.encoders.len());
    for row in rows {
        let row: Vec<Value<'_>> = row.iter().map(|cell| cell.value()).collect();
        let mut margins = vec![f64::NAN; scorer.outputs()];
        let scored = scorer.margins(&row, &mut margins);
        match (naive(pipeline, &row), &scored) {
            (Ok(None), Ok(false)) => {}
            (Ok(Some(wanted)), Err(Error::Row { problem, .. })) => {
                prop_assert!(wanted.iter().any(|(margin, _)| !margin.is_finite()));
                prop_assert!(problem.contains("beyond the range"));
            }
            (Ok(Some(wanted)), Ok(true)) => {
                for ((wanted, size), got) in wanted.into_iter().zip(&margins) {
                    prop_assert!((wanted - got).abs() <= 1e-14 * size, "{wanted} {got}");
                }
            }
            (Err(wanted), Err(got)) => prop_assert_eq!(&wanted, got),
            (naive, _) => prop_assert!(false, "{:?} {:?}", naive, scored),
        }
        if let Ok(true) = scored {
            explained(pipeline, &row, &margins)?;
        }
        if scorer.plain() {
            other_forms(&scorer, &row, scored, margins[0])?;
        }
    }
    Ok(())
}

/// The explanation of each margin sums to it.
fn explained(
    pipeline: &Pipeline,
    row: &[Value<'_>],
    margins: &[f64],
) -> std::result::Result<(), TestCaseError> {
    for (k, margin) in margins.iter().enumerate() {
        let explanation = pipeline.explain(k, row).unwrap().unwrap();
        prop_assert_eq!(explanation.attributions.len(), row.len());
        let sum = explanation.base + explanation.attributions.iter().sum::<f64>();
        let Predictor::Linear(linear) = &pipeline.predictor;
        let weights = linear.coefficients[k * pipeline.width()..].iter();
        // Columns are below 1e5 in size, or the center's 1.7e9 over a scale of 0.1.
        let size: f64 = weights.take(pipeline.width()).map(|w| 2e10 * w.abs()).sum();
        prop_assert!(
            (sum - margin).abs() <= 1e-14 * size + 1e-14 * margin.abs(),
            "{sum} {margin}"
        );
    }
    Ok(())
}

/// The same bits from an array of doubles and from bytes, at any alignment.
fn other_forms(
    scorer: &Scorer,
    row: &[Value<'_>],
    scored: Result<bool>,
    margin: f64,
) -> std::result::Result<(), TestCaseError> {
    let number = |value: &Value<'_>| match value {
        Value::Number(number) => Some(*number),
        Value::Missing => Some(f64::NAN),
        _ => None,
    };
    let Some(numbers) = row.iter().map(number).collect::<Option<Vec<f64>>>() else {
        return Ok(());
    };
    let bits = |margin: Option<f64>| margin.map(f64::to_bits);
    let wanted = scored.map(|scored| bits(scored.then_some(margin)));
    prop_assert_eq!(&scorer.margin_of_numbers(&numbers).map(bits), &wanted);
    for offset in 0..9 {
        let mut bytes = vec![0xff; offset];
        bytes.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
        prop_assert_eq!(&scorer.margin_of_bytes(&bytes[offset..]).map(bits), &wanted);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_scorer_is_encoders_then_dot(case in cases(4)) {
        agrees(&case)?;
    }

    #[test]
    fn rows_of_numbers_have_the_same_bits_in_every_form(case in number_cases(4)) {
        agrees(&case)?;
    }

    #[test]
    fn names_are_as_many_as_columns(case in cases(0)) {
        let (pipeline, _) = case;
        for encoder in &pipeline.encoders {
            prop_assert_eq!(encoder.features().len(), encoder.width());
        }
        prop_assert_eq!(pipeline.feature_names().len(), pipeline.width());
    }
}

#[test]
fn rows_of_another_length_are_refused() {
    let scorer = Scorer::new(&super::speed::numbers(3)).unwrap();
    let refused = |result: Result<Option<f64>>, what, expected, got| {
        let shape = Error::Shape {
            what,
            expected,
            got,
        };
        assert_eq!(result, Err(shape));
    };
    refused(
        scorer.margin_of_numbers(&[1.0, 2.0]),
        "values of a row",
        3,
        2,
    );
    refused(scorer.margin_of_numbers(&[1.0; 4]), "values of a row", 3, 4);
    refused(scorer.margin_of_bytes(&[0; 32]), "values of a row", 3, 4);
    refused(scorer.margin_of_bytes(&[0; 23]), "bytes of a row", 24, 23);
    refused(scorer.margin_of_bytes(&[0; 25]), "bytes of a row", 24, 25);
    assert!(
        scorer
            .margins(&[Value::Number(1.0); 4], &mut [0.0])
            .is_err()
    );
    assert!(
        scorer
            .margins(&[Value::Number(1.0); 3], &mut [0.0; 2])
            .is_err()
    );
}

#[test]
fn what_cannot_be_scored_is_named() {
    let scorer = Scorer::new(&super::speed::numbers(3)).unwrap();
    let problem = |x: [f64; 3]| scorer.margin_of_numbers(&x).unwrap_err().to_string();
    assert_eq!(
        problem([0.0, f64::NEG_INFINITY, 0.0]),
        "column \"c1\" is infinite"
    );
    let beyond =
        "column \"c2\" is so large that the prediction is beyond the range of double precision";
    assert_eq!(problem([1e308, 1.0, 1.7e308]), beyond);
    let text = scorer
        .margins(&[Value::Text("1"); 3], &mut [0.0])
        .unwrap_err();
    assert_eq!(text.to_string(), "column \"c0\" is text, expected a number");
}
