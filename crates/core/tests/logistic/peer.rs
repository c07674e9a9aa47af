//! Through linfa's traits, and against linfa-logistic 0.8.1.
//!
//! That crate calls the more frequent class positive whatever its name, so that its coefficients
//! come with the opposite sign where class 1 is the rarer one; it minimises by L-BFGS to a gradient
//! tolerance, hence few digits, and gives no standard errors.

use linfa::Dataset;
use linfa::traits::{Fit, Predict};
use ndarray::{Array1, Array2};
use pglearn_core::Error;
use pglearn_core::logistic::LogisticParams;

use super::data::{Data, assert_close, patients, random};

fn arrays(data: &Data) -> (Array2<f64>, Array1<bool>) {
    let cells: Vec<f64> = data.x.iter().flatten().copied().collect();
    let records = Array2::from_shape_vec((data.x.len(), data.features()), cells).unwrap();
    (records, data.y.iter().map(|y| *y > 0.5).collect())
}

#[test]
fn linfa_logistic_finds_the_same_maximum() {
    for positive_are_rare in [false, true] {
        let mut data = random(400, 4, 17);
        let positive: f64 = data.y.iter().sum();
        if (positive < 200.0) != positive_are_rare {
            data.y.iter_mut().for_each(|y| *y = 1.0 - *y);
        }
        let (records, labels) = arrays(&data);
        let ours = LogisticParams::new()
            .fit(&Dataset::new(records.clone(), labels.clone()))
            .unwrap();
        assert_eq!(ours, data.fit(LogisticParams::new()));
        let theirs = linfa_logistic::LogisticRegression::default()
            .alpha(0.0)
            .max_iterations(10_000)
            .gradient_tolerance(1e-9)
            .fit(&Dataset::new(records, labels))
            .unwrap();
        let sign = if positive_are_rare { -1.0 } else { 1.0 };
        assert_eq!(theirs.labels().pos.class, !positive_are_rare);
        let mut expected = vec![sign * theirs.intercept()];
        expected.extend(theirs.params().iter().map(|c| sign * c));
        assert_close("coefficients", &ours.coefficients, &expected, 1e-7);
    }
}

#[test]
fn labels_and_weights_of_a_data_set() {
    let data = patients();
    let (records, labels) = arrays(&data);
    let numbers: Array1<f64> = labels.mapv(|label| f64::from(u8::from(label)));
    let of_numbers = LogisticParams::new()
        .fit(&Dataset::new(records.clone(), numbers))
        .unwrap();
    let set = Dataset::new(records.clone(), labels.clone());
    let of_booleans = LogisticParams::new().fit(&set).unwrap();
    assert_eq!(of_numbers, of_booleans);
    // Weight 2 halves the covariance and moves nothing.
    let doubled = LogisticParams::new()
        .fit(&set.with_weights(Array1::from_elem(20, 2.0)))
        .unwrap();
    assert_close(
        "coefficients",
        &doubled.coefficients,
        &of_booleans.coefficients,
        1e-12,
    );
    let half: Vec<f64> = of_booleans.covariance.iter().map(|c| c / 2.0).collect();
    assert_close("covariance", &doubled.covariance, &half, 1e-9);
    let predicted: Array1<bool> = of_booleans.predict(&records);
    let right = predicted
        .iter()
        .zip(&labels)
        .filter(|(a, b)| a == b)
        .count();
    // By hand from the published coefficients: eta > 0 from anxiety 53.5 on untreated, 62.1 treated;
    // rows 2, 3, 6, 9 and 20 are on the wrong side.
    assert_eq!(right, 15);
    let wrong = of_booleans.probabilities(&Array2::zeros((3, 5)));
    assert_eq!(
        wrong,
        Err(Error::Shape {
            what: "features",
            expected: 2,
            got: 5
        })
    );
}
