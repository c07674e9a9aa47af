//! Linear regression: references, dependent columns, states, merging.

#![allow(clippy::unwrap_used)]

use pglearn_core::Error;
use pglearn_core::linear::{
    BreuschPagan, Finding, LinearAccumulator, LinearFit, LinearParams, StateMut, finish, state_len,
};
use pglearn_core::monitor::{Control, Monitor, Progress, Unattended};
use pglearn_core::tiles::TileBuffer;
use proptest::prelude::*;

/// x1, x2, y.
const ROWS: [[f64; 3]; 10] = [
    [2.0, 1.0, 3.1],
    [3.5, -1.0, 4.9],
    [5.0, 0.5, 6.2],
    [7.5, 2.0, 10.4],
    [8.0, -2.5, 7.7],
    [10.0, 1.5, 13.9],
    [12.5, 0.0, 14.1],
    [13.0, 3.0, 19.2],
    [15.5, -0.5, 16.0],
    [17.0, 2.5, 24.5],
];

fn fit<const K: usize>(rows: impl IntoIterator<Item = ([f64; K], f64)>) -> LinearFit {
    accumulate(rows).finish(&mut Unattended).unwrap()
}

fn accumulate<const K: usize>(
    rows: impl IntoIterator<Item = ([f64; K], f64)>,
) -> LinearAccumulator {
    let mut accumulator = LinearAccumulator::new(K).unwrap();
    rows.into_iter()
        .for_each(|(x, y)| accumulator.push_row(&x, y).unwrap());
    accumulator
}

#[track_caller]
fn close(got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len());
    for (g, e) in got.iter().zip(expected) {
        let error = (g - e).abs();
        assert!(
            error <= tolerance * e.abs().max(tolerance),
            "{got:?} instead of {expected:?}"
        );
    }
}

/// statsmodels 0.15.0 `OLS(y, X).fit()`, numpy 2.4.6 `linalg.cond`, `het_breuschpagan(resid, X)`.
#[test]
fn inference_agrees_with_statsmodels() {
    let fit = fit(ROWS.map(|[a, b, y]| ([1.0, a, b], y)));
    close(
        &fit.coefficients,
        &[0.39982988356019256, 1.1564775193515988, 1.1219714377458097],
        1e-12,
    );
    close(
        &fit.std_err,
        &[0.8905096202988453, 0.08812225508755063, 0.2633348241070643],
        1e-12,
    );
    close(
        &fit.t_stats,
        &[0.44898996534817226, 13.123557927593014, 4.260626909297984],
        1e-12,
    );
    let p_values = [
        0.667009564599809,
        3.4798736865633874e-06,
        0.0037436936651102175,
    ];
    close(&fit.p_values.unwrap(), &p_values, 1e-12);
    close(
        &[fit.r2, fit.condition_number],
        &[0.9724684123458353, 23.492625599078192],
        1e-13,
    );
    let sums = [fit.residual_sum_of_squares, fit.total_sum_of_squares];
    close(&sums, &[11.4647037309473, 416.42], 1e-13);
    assert_eq!((fit.rank, fit.rows, fit.findings), (3, 10, vec![]));
    let covariance = [
        0.7930073838447936,
        -0.06840903914932807,
        0.021260101583946818,
        -0.06840903914932807,
        0.007765531841715342,
        -0.007056861788917109,
        0.021260101583946818,
        -0.007056861788917109,
        0.06934522958749852,
    ];
    close(&fit.covariance, &covariance, 1e-12);
}

#[test]
fn breusch_pagan_agrees_with_statsmodels() {
    let coefficients = fit(ROWS.map(|[a, b, y]| ([1.0, a, b], y))).coefficients;
    let mut by_row = BreuschPagan::new(&coefficients).unwrap();
    let mut by_span = by_row.clone();
    let mut tile = TileBuffer::new(4).unwrap();
    for [a, b, y] in ROWS {
        by_row.push_row(&[1.0, a, b], y).unwrap();
        tile.push(&[1.0, a, b, y]);
    }
    by_span.update(tile.span()).unwrap();
    for test in [by_row, by_span] {
        let test = test.finish(&mut Unattended).unwrap();
        close(
            &[test.statistic, test.p_value],
            &[2.471541003855273, 0.2906107599310601],
            1e-11,
        );
        assert_eq!(test.degrees_of_freedom, 2);
    }
}

/// No constant is ever added; r2 still uses the distances from the mean, as MADlib's does.
#[test]
fn no_constant_is_added() {
    let fit = fit(ROWS.map(|[a, b, y]| ([a, b], y)));
    close(
        &fit.coefficients,
        &[1.1909689739266225, 1.1112522135444234],
        1e-12,
    );
    close(&[fit.r2], &[0.9716755341293963], 1e-12);
}

/// Columns 1, a, b, a - 2b and zeros: coefficients and errors of `numpy.linalg.pinv` (2.4.6), with
/// 7 degrees of freedom.
#[test]
fn dependent_columns_take_the_minimum_norm() {
    let fit = fit(ROWS.map(|[a, b, y]| ([1.0, a, b, a - 2.0 * b, 0.0], y)));
    let expected = [
        0.399829883560213,
        1.3377217453749342,
        0.7594829856991377,
        -0.1812442260233359,
        0.0,
    ];
    close(&fit.coefficients, &expected, 1e-11);
    let std_err = [
        0.8905096202988442,
        0.09579810636822135,
        0.08366403571652241,
        0.09329968103842358,
    ];
    close(&fit.std_err[..4], &std_err, 1e-11);
    let p_values = fit.p_values.unwrap();
    close(
        &p_values[..4],
        &[
            0.6670095645997927,
            2.2858207551141786e-06,
            4.033400006208259e-05,
            0.09317717666511362,
        ],
        1e-10,
    );
    assert!(fit.std_err[4].is_nan() && fit.t_stats[4].is_nan() && p_values[4].is_nan());
    assert_eq!((fit.rank, fit.condition_number), (3, f64::INFINITY));
    let collinear = Finding::Collinear {
        columns: vec![1, 2, 3],
    };
    assert_eq!(fit.findings, [Finding::ZeroColumn { column: 4 }, collinear]);
}

#[test]
fn units_do_not_decide_the_rank() {
    let by_unit = |unit: f64| fit(ROWS.map(|[a, b, y]| ([1.0, a * unit, b / unit], y)));
    let reference = by_unit(1.0);
    for unit in [1e-150, 1e-60, 1e12, 1e150] {
        let fit = by_unit(unit);
        assert_eq!((fit.rank, &fit.findings), (3, &vec![]));
        close(
            &[fit.coefficients[1] * unit],
            &reference.coefficients[1..2],
            1e-12,
        );
        close(&fit.t_stats, &reference.t_stats, 1e-12);
    }
}

/// Seconds of the epoch beside a constant, and years: large means, small spreads, full rank.
#[test]
fn large_means_are_not_dependence() {
    let rows = ROWS.map(|[a, b, y]| ([1.0, 1.7e9 + 1e5 * a, 2000.0 + b / 10.0], y));
    let got = fit(rows);
    assert_eq!((got.rank, &got.findings), (3, &vec![]));
    let reference = fit(ROWS.map(|[a, b, y]| ([1.0, a, b], y)));
    close(
        &[got.coefficients[1] * 1e5],
        &reference.coefficients[1..2],
        1e-9,
    );
    close(&got.t_stats[1..], &reference.t_stats[1..], 1e-9);
}

/// Targets in eighths, so that adding 2^40 is exact: the sum of squares must not notice, in one
/// stream or in two that are merged.
#[test]
fn a_large_mean_of_the_target_costs_no_digits() {
    let rows = |i: usize, shift: f64| ([1.0, i as f64], ((i * 37 % 101) as f64) / 8.0 + shift);
    let expected = fit((0..300).map(|i| rows(i, 0.0))).total_sum_of_squares;
    let far = 2_f64.powi(40);
    let whole = fit((0..300).map(|i| rows(i, far)));
    let mut merged = accumulate((0..130).map(|i| rows(i, far)));
    merged
        .merge(&accumulate((130..300).map(|i| rows(i, far))))
        .unwrap();
    let merged = merged.finish(&mut Unattended).unwrap();
    close(
        &[whole.total_sum_of_squares, merged.total_sum_of_squares],
        &[expected; 2],
        1e-14,
    );
}

#[test]
fn without_degrees_of_freedom_nothing_is_inferred() {
    let fit = fit([([1.0, 2.0], 3.0), ([1.0, 4.0], 7.0)]);
    close(&fit.coefficients, &[-1.0, 2.0], 1e-14);
    assert_eq!(fit.p_values, None);
    assert!(fit.std_err.iter().all(|s| s.is_nan()) && fit.covariance.iter().all(|c| c.is_nan()));
    assert_eq!(
        fit.findings,
        [Finding::NoDegreesOfFreedom { rows: 2, rank: 2 }]
    );
}

#[test]
fn a_constant_target_has_no_r2() {
    let fit = fit(ROWS.map(|[a, b, _]| ([a, b], 0.1)));
    assert!(fit.r2.is_nan());
    assert_eq!(fit.findings, [Finding::ConstantTarget { value: 0.1 }]);
}

#[test]
fn all_columns_zero() {
    let fit = fit(ROWS.map(|[_, _, y]| ([0.0, 0.0], y)));
    assert_eq!((fit.rank, fit.coefficients), (0, vec![0.0, 0.0]));
    assert!(fit.std_err.iter().all(|s| s.is_nan()));
    let zero = [
        Finding::ZeroColumn { column: 0 },
        Finding::ZeroColumn { column: 1 },
    ];
    assert_eq!(fit.findings, zero);
}

#[test]
fn no_rows_and_bad_cells_are_errors() {
    let mut accumulator = LinearAccumulator::new(2).unwrap();
    assert_eq!(accumulator.finish(&mut Unattended), Err(Error::NoRows));
    assert!(matches!(
        accumulator.push_row(&[1.0, f64::INFINITY], 0.0),
        Err(Error::NotFinite {
            column: 1,
            value: f64::INFINITY
        })
    ));
    let nan = accumulator.push_row(&[1.0, 2.0], f64::NAN);
    assert!(matches!(nan, Err(Error::NotFinite { column: 2, .. })));
    assert!(matches!(
        accumulator.push_row(&[1.0], 0.0),
        Err(Error::Shape { .. })
    ));
    assert_eq!(accumulator.rows(), Ok(0));
    accumulator.push_row(&[1e200, 2.0], 1e300).unwrap();
    accumulator.push_row(&[2e200, 1.0], 1e300).unwrap();
    assert!(matches!(
        accumulator.finish(&mut Unattended),
        Err(Error::Breakdown { .. })
    ));
    assert!(LinearAccumulator::new(0).is_err() && LinearAccumulator::new(1 << 40).is_err());
}

#[test]
fn a_monitor_stops_the_fit() {
    struct Impatient;
    impl Monitor for Impatient {
        fn poll(&mut self, _: Progress) -> Control {
            Control::Stop
        }
    }
    let accumulator = accumulate(ROWS.map(|[a, b, y]| ([a, b], y)));
    assert_eq!(accumulator.finish(&mut Impatient), Err(Error::Stopped));
}

/// A state at an odd address, rows as bytes: the same bits as the accumulator's.
#[test]
fn a_flat_state_equals_the_accumulator() {
    let rows = |i: usize| {
        let [a, b, y] = ROWS[i % 10];
        ([1.0, a + (i as f64).sin(), b], y + (i as f64).cos())
    };
    let mut memory = vec![0; state_len(3) + 1];
    let state = &mut memory[1..];
    StateMut::init(state, 3).unwrap();
    for (x, y) in (0..200).map(rows) {
        let bytes: Vec<u8> = x.iter().flat_map(|v| v.to_ne_bytes()).collect();
        StateMut::open(state)
            .unwrap()
            .push_bytes(&bytes, y)
            .unwrap();
    }
    let accumulator = accumulate((0..200).map(rows));
    assert_eq!(accumulator.encode(), state);
    assert_eq!(
        finish(state, &mut Unattended),
        accumulator.finish(&mut Unattended)
    );
    let decoded = LinearAccumulator::decode(state).unwrap();
    assert_eq!(
        (decoded.rows(), decoded.encode()),
        (Ok(200), state.to_vec())
    );
}

#[test]
fn foreign_bytes_are_not_a_state() {
    let whole = accumulate(ROWS.map(|[a, b, y]| ([a, b], y))).encode();
    let corrupt =
        |bytes: &[u8]| matches!(finish(bytes, &mut Unattended), Err(Error::Corrupt { .. }));
    assert!((0..whole.len()).all(|length| corrupt(&whole[..length])));
    for (at, value) in [
        (0, 0),
        (4, 9),
        (6, 1),
        (8, 200),
        (10, 255),
        (12, 64),
        (15, 1),
    ] {
        let mut forged = whole.clone();
        forged[at] = value;
        assert!(corrupt(&forged), "byte {at}");
    }
    let other = LinearAccumulator::new(3).unwrap();
    let mut accumulator = LinearAccumulator::decode(&whole).unwrap();
    assert!(matches!(
        accumulator.merge(&other),
        Err(Error::Shape {
            expected: 2,
            got: 3,
            ..
        })
    ));
}

fn rows() -> impl Strategy<Value = Vec<([f64; 3], f64)>> {
    let row = (-1e3..1e3_f64, -1.0..1.0_f64, 0.0..1e-3_f64, -10.0..10.0_f64);
    prop::collection::vec(row.prop_map(|(a, b, c, y)| ([1.0, a, b + c], y)), 8..400)
}

proptest! {
    #[test]
    fn grouping_and_order_do_not_matter(rows in rows(), cut in 0_usize..400, by_span: bool) {
        let cut = cut.min(rows.len());
        let whole = fit(rows.iter().copied());
        let mut merged = LinearAccumulator::new(3).unwrap();
        if by_span {
            for block in rows[cut..].chunks(100) {
                let mut tile = TileBuffer::new(4).unwrap();
                block.iter().for_each(|(x, y)| tile.push(&[x[0], x[1], x[2], *y]));
                merged.update(tile.span()).unwrap();
            }
        } else {
            merged.merge(&accumulate(rows[cut..].iter().rev().copied())).unwrap();
        }
        merged.merge(&accumulate(rows[..cut].iter().copied())).unwrap();
        let merged = merged.finish(&mut Unattended).unwrap();
        prop_assert_eq!(merged.rows, whole.rows);
        for (m, w, s) in paired(&merged, &whole) {
            prop_assert!((m - w).abs() <= 1e-9 * s, "{} {} {}", m, w, s);
        }
        prop_assert!((merged.r2 - whole.r2).abs() < 1e-10);
    }

    /// Any bytes behind a valid header: an error or a fit, never a panic.
    #[test]
    fn damaged_states_do_not_panic(at in 0_usize..3000, value: u8, n in 1_usize..200) {
        let mut bytes = accumulate((0..n).map(|i| ([1.0, i as f64], (i % 7) as f64))).encode();
        let at = at % bytes.len();
        bytes[at] = value;
        let _ = finish(&bytes, &mut Unattended);
        if let Ok(mut state) = StateMut::open(&mut bytes) {
            let _ = state.push(&[1.0, 2.0], 3.0);
        }
    }
}

/// Coefficients of two fits and the standard error to compare them by.
fn paired<'a>(a: &'a LinearFit, b: &'a LinearFit) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    let scale = b
        .std_err
        .iter()
        .zip(&b.coefficients)
        .map(|(s, c)| s + c.abs());
    a.coefficients
        .iter()
        .zip(&b.coefficients)
        .zip(scale)
        .map(|((a, b), s)| (*a, *b, s))
}

#[test]
fn the_linfa_face_gives_the_same_fit() {
    use linfa::traits::{Fit, Predict};
    let records = ndarray::Array2::from_shape_fn((10, 2), |(i, j)| ROWS[i][j]);
    let targets = ndarray::Array1::from_shape_fn(10, |i| ROWS[i][2]);
    let dataset = linfa::Dataset::new(records.clone(), targets);
    let model = LinearParams::new().intercept(true).fit(&dataset).unwrap();
    let expected = fit(ROWS.map(|[a, b, y]| ([1.0, a, b], y)));
    close(&model.fit.coefficients, &expected.coefficients, 1e-12);
    let predicted = model.predict(&records);
    let residuals: f64 = ROWS
        .iter()
        .zip(&predicted)
        .map(|(row, p)| (row[2] - p).powi(2))
        .sum();
    close(&[residuals], &[expected.residual_sum_of_squares], 1e-12);
    let strict = LinearParams::new().fit(&dataset).unwrap();
    assert_eq!((strict.terms().0, strict.terms().1.len()), (0.0, 2));
}
