//! Stored models: round trip, damage, forgery.

#![allow(clippy::unwrap_used)]

use pglearn_core::Error;
use pglearn_core::model::envelope::{Kind, open, seal};
use pglearn_core::model::{LinearModel, LinearTerms, LogisticModel, Model};
use proptest::prelude::*;

fn terms() -> impl Strategy<Value = LinearTerms> {
    let finite = || prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL;
    (0_usize..12, any::<bool>()).prop_flat_map(move |(width, inference)| {
        let errors = if inference { width + 1 } else { 0 };
        (
            ".{0,20}",
            prop::collection::vec(".{0,20}", width),
            finite(),
            prop::collection::vec(finite(), width),
            prop::collection::vec(prop::num::f64::POSITIVE, errors),
        )
            .prop_map(
                |(target, features, intercept, coefficients, std_err)| LinearTerms {
                    target,
                    features,
                    intercept,
                    coefficients,
                    std_err,
                },
            )
    })
}

fn models() -> impl Strategy<Value = Model> {
    let linear = (terms(), any::<u64>(), -1.0..1.0_f64)
        .prop_map(|(terms, rows, r2)| Model::Linear(LinearModel { terms, rows, r2 }));
    let logistic = (terms(), ".{0,9}", ".{0,9}", any::<u64>(), -1e9..0.0_f64).prop_map(
        |(terms, a, b, rows, log_likelihood)| {
            let classes = [a, b];
            Model::Logistic(LogisticModel {
                terms,
                classes,
                rows,
                log_likelihood,
            })
        },
    );
    prop_oneof![linear, logistic]
}

proptest! {
    #[test]
    fn decoding_gives_back_the_model(model in models()) {
        prop_assert_eq!(Model::decode(&model.encode().unwrap()), Ok(model));
    }

    /// Any change of one byte, and any cut, is noticed.
    #[test]
    fn damage_is_noticed(model in models(), at: prop::sample::Index, change in 1_u8..) {
        let whole = model.encode().unwrap();
        let at = at.index(whole.len());
        let mut damaged = whole.clone();
        damaged[at] ^= change;
        let corrupt = |bytes: &[u8]| matches!(Model::decode(bytes), Err(Error::Corrupt { .. }));
        prop_assert!(corrupt(&damaged) && corrupt(&whole[..at]));
    }

    /// Changes behind a recomputed checksum: refused, or a model that is sound in itself.
    #[test]
    fn forgery_does_no_harm(
        model in models(), at: prop::sample::Index, bytes in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let whole = model.encode().unwrap();
        let (kind, payload) = open(&whole).unwrap();
        let mut payload = payload.to_vec();
        let at = at.index(payload.len());
        let end = payload.len().min(at + bytes.len());
        payload[at..end].copy_from_slice(&bytes[..end - at]);
        match Model::decode(&seal(kind, &payload).unwrap()) {
            Ok(model) => {
                prop_assert_eq!(model.terms().features.len(), model.terms().coefficients.len());
                prop_assert!(model.encode().is_ok());
            }
            Err(error) => prop_assert!(matches!(error, Error::Corrupt { .. }), "{}", error),
        }
    }

    #[test]
    fn any_payload_is_refused_or_read(kind: bool, payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let kind = if kind { Kind::Linear } else { Kind::Logistic };
        let read = Model::decode(&seal(kind, &payload).unwrap());
        let sound = read.is_ok() || matches!(read, Err(Error::Corrupt { .. }));
        prop_assert!(sound);
    }
}

fn two_terms() -> LinearTerms {
    LinearTerms {
        target: "y".into(),
        features: vec!["a".into(), "b \"quoted\"".into()],
        intercept: -1.0,
        coefficients: vec![2.0, 0.5],
        std_err: vec![f64::NAN, 0.25, 0.125],
    }
}

/// The stored form is a promise: this is version 1, byte by byte.
#[test]
fn the_layout_is_fixed() {
    let terms = LinearTerms {
        target: "y".into(),
        features: vec!["ab".into()],
        intercept: 1.0,
        coefficients: vec![-2.0],
        std_err: vec![],
    };
    let bytes = Model::Linear(LinearModel {
        terms,
        rows: 3,
        r2: 0.5,
    })
    .encode()
    .unwrap();
    let one = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
    let expected = [
        b"PGLM\x01\0\x01\0\x37\0\0\0\0\0\0\0".as_slice(),
        b"\x01\0\0\0y\x01\0\0\0\x02\0\0\0ab",
        &one,
        &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xc0],
        &[0, 0, 0, 0],
        &[3, 0, 0, 0, 0, 0, 0, 0],
        &[0, 0, 0, 0, 0, 0, 0xe0, 0x3f],
    ];
    assert_eq!(bytes[..bytes.len() - 4], expected.concat());
}

#[test]
fn predictions_by_hand() {
    let classes = ["no".into(), "yes".into()];
    let logistic = LogisticModel {
        terms: two_terms(),
        classes,
        rows: 9,
        log_likelihood: -1.0,
    };
    assert_eq!(logistic.probability(&[0.0, 2.0]), Ok(0.5));
    let far = logistic.probability(&[-100.0, 0.0]).unwrap();
    assert!((far / (-201.0_f64).exp() - 1.0).abs() < 1e-15);
    assert!(matches!(
        logistic.probability(&[1.0]),
        Err(Error::Shape {
            expected: 2,
            got: 1,
            ..
        })
    ));
    let linear = LinearModel {
        terms: two_terms(),
        rows: 9,
        r2: f64::NAN,
    };
    assert_eq!(linear.predict(&[3.0, 4.0]), Ok(7.0));
    let bytes: Vec<u8> = [3.0_f64, 4.0]
        .iter()
        .flat_map(|v| v.to_ne_bytes())
        .collect();
    assert_eq!(linear.terms.score_bytes(&bytes), Ok(7.0));
    assert!(linear.terms.score_bytes(&bytes[1..]).is_err());
}

#[test]
fn the_view_for_people() {
    let view = Model::Linear(LinearModel {
        terms: two_terms(),
        rows: 9,
        r2: f64::NAN,
    })
    .to_json();
    let expected = serde_json::json!({
        "algorithm": "linear_regression",
        "target": "y",
        "intercept": { "coefficient": -1.0, "std_err": null },
        "terms": [
            { "feature": "a", "coefficient": 2.0, "std_err": 0.25 },
            { "feature": "b \"quoted\"", "coefficient": 0.5, "std_err": 0.125 },
        ],
        "rows": 9,
        "r2": null,
    });
    assert_eq!(view, expected);
}

#[test]
fn a_model_that_contradicts_itself_is_not_stored() {
    let mut terms = two_terms();
    terms.features.pop();
    let model = Model::Linear(LinearModel {
        terms,
        rows: 1,
        r2: 0.0,
    });
    assert!(matches!(model.encode(), Err(Error::Shape { .. })));
    let mut terms = two_terms();
    terms.coefficients[1] = f64::NAN;
    let model = Model::Linear(LinearModel {
        terms,
        rows: 1,
        r2: 0.0,
    });
    assert!(matches!(
        model.encode(),
        Err(Error::NotFinite { column: 1, .. })
    ));
}
