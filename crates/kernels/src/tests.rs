//! Every path of this processor against [`crate::plain`], and hand-computed cases.

use proptest::prelude::*;

use crate::fold::Fold;
use crate::logistic::Pass;
use crate::pace::Pace;
use crate::path::Path;
use crate::predictor::Predictor;
use crate::{LogisticSpan, LogisticSums, Scratch, fold_rows, logistic_pass, plain};

fn always() -> Result<(), ()> {
    Ok(())
}

fn paths() -> impl Iterator<Item = Path> {
    Path::ALL.iter().copied().filter(|path| path.is_available())
}

/// Some rows, at an offset in their columns, with everything around them not a number.
#[derive(Debug, Clone)]
struct Sample {
    x: Vec<f64>,
    stride: usize,
    rows: usize,
    columns: usize,
    y: Vec<f64>,
    weight: Option<Vec<f64>>,
    theta: Vec<f64>,
}

impl Sample {
    /// Cells from -1 to 1, of which a tenth are 0; reproducible from the seed.
    fn new(seed: u64, rows: usize, columns: usize, offset: usize, weighted: bool) -> Self {
        let mut state = seed;
        let mut next = move || {
            // SplitMix64 (Steele, Lea and Flood, 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z >> 11) as f64 / (1_u64 << 53) as f64
        };
        let stride = rows + offset + 3;
        let mut x = vec![f64::NAN; columns * stride];
        for column in x.chunks_exact_mut(stride) {
            for cell in &mut column[offset..][..rows] {
                *cell = if next() < 0.1 {
                    0.0
                } else {
                    2.0 * next() - 1.0
                };
            }
        }
        // No cell after the last row of the last column.
        x.drain(..offset.min(x.len()));
        x.truncate(x.len().saturating_sub(3));
        Self {
            x,
            stride,
            rows,
            columns,
            y: (0..rows).map(|_| next().round()).collect(),
            weight: weighted.then(|| (0..rows).map(|_| (4.0 * next() - 1.0).max(0.0)).collect()),
            theta: (0..=columns).map(|_| 2.0 * next() - 1.0).collect(),
        }
    }

    fn span(&self) -> LogisticSpan<'_> {
        LogisticSpan {
            x: &self.x,
            stride: self.stride,
            rows: self.rows,
            columns: self.columns,
            y: &self.y,
            weight: self.weight.as_deref(),
            theta: &self.theta,
        }
    }

    /// Column 0 is the constant.
    fn cell(&self, row: usize, column: usize) -> f64 {
        if column == 0 {
            1.0
        } else {
            self.x[(column - 1) * self.stride + row]
        }
    }

    /// Sum of the magnitudes of weighted products of two columns of the design.
    fn size(&self, i: usize, j: usize) -> f64 {
        (0..self.rows)
            .map(|row| {
                let weight = self.weight.as_ref().map_or(1.0, |weight| weight[row]);
                weight * (self.cell(row, i) * self.cell(row, j)).abs()
            })
            .sum()
    }

    fn pass(&self, path: Path, curvature: bool) -> LogisticSums {
        let mut sums = LogisticSums::try_new(self.columns + 1).unwrap();
        let mut scratch = Scratch::try_new().unwrap();
        let span = self.span();
        path.run(Pass {
            span: &span,
            curvature,
            scratch: &mut scratch,
            sums: &mut sums,
            pace: Pace::new(&mut || true),
        });
        sums
    }
}

fn samples() -> impl Strategy<Value = Sample> {
    (
        any::<u64>(),
        0_usize..600,
        0_usize..41,
        0_usize..9,
        any::<bool>(),
    )
        .prop_map(|(seed, rows, columns, offset, w)| Sample::new(seed, rows, columns, offset, w))
}

proptest! {
    // Errors are relative to the sums of magnitudes: |eta| is at most 41, so that its rounding and
    // that of up to 600 additions move a term by less than 1e-13 of its bound.
    #[test]
    fn every_path_passes_like_the_formulas(sample in samples()) {
        let p = sample.columns + 1;
        let mut plain = LogisticSums::try_new(p).unwrap();
        plain::logistic_pass(&sample.span(), true, &mut plain);
        for path in paths() {
            let sums = sample.pass(path, true);
            let rows = sample.size(0, 0);
            prop_assert!((sums.log_likelihood - plain.log_likelihood).abs() <= 1e-13 * 42.0 * rows);
            for i in 0..p {
                let off = (sums.gradient[i] - plain.gradient[i]).abs();
                prop_assert!(off <= 1e-13 * sample.size(0, i), "{path:?} gradient {i}: {off:e}");
                for j in 0..=i {
                    let off = (sums.hessian[i * p + j] - plain.hessian[i * p + j]).abs();
                    prop_assert!(off <= 1e-13 * sample.size(i, j), "{path:?} {i} {j}: {off:e}");
                }
            }
            if plain.min_margin == f64::INFINITY {
                prop_assert_eq!(sums.min_margin, f64::INFINITY);
            } else {
                prop_assert!((sums.min_margin - plain.min_margin).abs() <= 1e-13 * 42.0);
            }
            prop_assert!((sums.max_abs_eta - plain.max_abs_eta).abs() <= 1e-13 * 42.0);
            prop_assert_eq!(&sums, &sample.pass(path, true), "same input, same bits");
            let without = sample.pass(path, false);
            prop_assert_eq!(without.log_likelihood, sums.log_likelihood);
            prop_assert!(without.hessian.iter().all(|cell| *cell == 0.0));
            for i in 0..p {
                let off = (without.gradient[i] - plain.gradient[i]).abs();
                prop_assert!(off <= 1e-13 * sample.size(0, i), "{path:?} gradient {i}: {off:e}");
            }
        }
    }

    #[test]
    fn every_path_predicts_like_the_formula(sample in samples()) {
        let mut plain = vec![0.0; sample.rows];
        let Sample { x, stride, rows, columns, theta, .. } = &sample;
        plain::linear_predictor(x, *stride, *rows, *columns, theta, &mut plain);
        for path in paths() {
            let mut out = vec![7.0; *rows + 1];
            path.run(Predictor { x, stride: *stride, theta, out: &mut out[..*rows] });
            for (got, expected) in out.iter().zip(&plain) {
                prop_assert!((got - expected).abs() <= 1e-14 * 42.0, "{path:?}");
            }
            prop_assert_eq!(out[*rows], 7.0);
        }
    }

    // R'R = A'A column by column, relative to the lengths of the two columns; R0 from earlier rows.
    #[test]
    fn every_path_keeps_the_gram_matrix(sample in samples(), exponent in -300_i32..300) {
        let p = sample.columns;
        let unit = 2_f64.powi(exponent);
        for path in paths() {
            let mut r = vec![0.0; p * p];
            for k in 0..p {
                r[k * p + k] = unit * (k as f64 - 3.0);
            }
            let mut a: Vec<f64> = sample.x.iter().map(|cell| cell * unit).collect();
            path.run(Fold { r: &mut r, p, a: &mut a, stride: sample.stride, rows: sample.rows, pace: Pace::new(&mut || true) });
            for i in 0..p {
                prop_assert!(r[i * p + i + 1..(i + 1) * p].iter().all(|cell| *cell == 0.0));
                for j in 0..=i {
                    let gram = |i: usize, j: usize| {
                        let start = if i == j { (i as f64 - 3.0).powi(2) } else { 0.0 };
                        (0..sample.rows)
                            .map(|row| sample.cell(row, i + 1) * sample.cell(row, j + 1))
                            .sum::<f64>() + start
                    };
                    let got: f64 =
                        (0..p).map(|k| (r[i * p + k] / unit) * (r[j * p + k] / unit)).sum();
                    let size = (gram(i, i) * gram(j, j)).sqrt();
                    prop_assert!((got - gram(i, j)).abs() <= 1e-13 * size, "{path:?} {i} {j}");
                }
            }
        }
    }
}

#[test]
fn one_row_by_hand() {
    // theta = 0: mu = 1/2, ll = -ln 2, gradient = (y - 1/2)(1, 3), hessian = 1/4 (1, 3)'(1, 3).
    let span = LogisticSpan {
        x: &[3.0],
        stride: 1,
        rows: 1,
        columns: 1,
        y: &[1.0],
        weight: None,
        theta: &[0.0, 0.0],
    };
    let mut sums = LogisticSums::try_new(2).unwrap();
    let scratch = &mut Scratch::try_new().unwrap();
    logistic_pass(&span, true, scratch, &mut sums, &mut always).unwrap();
    assert_eq!(sums.log_likelihood, -std::f64::consts::LN_2);
    assert_eq!(sums.gradient, [0.5, 1.5]);
    assert_eq!(
        (sums.hessian[0], sums.hessian[2], sums.hessian[3]),
        (0.25, 0.75, 2.25)
    );
    assert_eq!((sums.min_margin, sums.max_abs_eta), (0.0, 0.0));
    let twice = {
        let mut twice = sums.clone();
        twice.merge(&sums, &mut || Ok::<(), ()>(())).unwrap();
        twice
    };
    assert_eq!(twice.gradient, [1.0, 3.0]);
    sums.clear(&mut || Ok::<(), ()>(())).unwrap();
    assert_eq!(sums, LogisticSums::try_new(2).unwrap());
}

#[test]
fn extreme_predictors_stay_finite() {
    let cases: [(f64, f64, f64, f64, f64, f64); 7] = [
        // x, theta_1, y: log-likelihood, gradient_0, margin
        (1e3, 1.0, 1.0, 0.0, 0.0, 1e3),
        (1e3, 1.0, 0.0, -1e3, -1.0, -1e3),
        (-1e3, 1.0, 1.0, -1e3, 1.0, -1e3),
        (1e308, 1e308, 0.0, -1e290, -1.0, -1e290),
        (-1e308, 1e308, 0.0, 0.0, 0.0, 1e290),
        // exp(-40) = 4.248354255291589e-18, where 1 - mu would be 0.
        (
            40.0,
            1.0,
            1.0,
            -4.248_354_255_291_589e-18,
            4.248_354_255_291_589e-18,
            40.0,
        ),
        (
            -40.0,
            1.0,
            0.0,
            -4.248_354_255_291_589e-18,
            -4.248_354_255_291_589e-18,
            40.0,
        ),
    ];
    for path in paths() {
        for (x, theta, y, log_likelihood, gradient, margin) in cases {
            let sample = Sample {
                x: vec![x],
                stride: 1,
                rows: 1,
                columns: 1,
                y: vec![y],
                weight: None,
                theta: vec![0.0, theta],
            };
            let sums = sample.pass(path, true);
            let near = |got: f64, expected: f64| (got - expected).abs() <= 1e-15 * expected.abs();
            assert!(
                near(sums.log_likelihood, log_likelihood),
                "{path:?} {x} {sums:?}"
            );
            assert!(near(sums.gradient[0], gradient), "{path:?} {x} {sums:?}");
            assert_eq!((sums.min_margin, sums.max_abs_eta), (margin, margin.abs()));
            assert!(sums.hessian.iter().all(|cell| cell.is_finite()));
        }
        // Both infinities meet.
        let sample = Sample {
            x: vec![1e308, 1e308],
            stride: 1,
            rows: 1,
            columns: 2,
            y: vec![0.0],
            weight: None,
            theta: vec![0.0, 1e308, -1e308],
        };
        let sums = sample.pass(path, true);
        assert_eq!(sums.log_likelihood, -1e290);
        assert!(
            sums.gradient
                .iter()
                .chain(&sums.hessian)
                .all(|cell| cell.is_finite())
        );
    }
}

#[test]
fn rows_of_weight_zero_do_not_count() {
    let mut sample = Sample::new(1, 9, 2, 0, true);
    let weight = sample.weight.insert(vec![0.0; 9]);
    weight[4] = 2.0;
    sample.x[4] = 0.5;
    sample.y[4] = 1.0;
    sample.theta = vec![0.0, 2.0, 0.0];
    for path in paths() {
        let sums = sample.pass(path, true);
        assert_eq!((sums.min_margin, sums.max_abs_eta), (1.0, 1.0));
        // 2 log(mu), mu = 1 / (1 + exp(-1)) = 0.7310585786300049.
        assert!((sums.log_likelihood - 2.0 * 0.731_058_578_630_004_9_f64.ln()).abs() < 1e-15);
    }
}

#[test]
fn folding_by_hand() {
    // Rows (3, 1) and (4, 2): R = +-(5, 11/5; 0, 2/5).
    let (mut r, mut a) = ([0.0; 4], [3.0, 4.0, 1.0, 2.0]);
    fold_rows(&mut r, 2, &mut a, 2, 2, &mut always).unwrap();
    assert!((r[0].abs() - 5.0).abs() < 1e-15);
    assert!((r[2] * r[0].signum() - 2.2).abs() < 1e-15);
    assert!((r[3].abs() - 0.4).abs() < 1e-15);
    assert_eq!(r[1], 0.0);
    // No rows and no columns.
    fold_rows(&mut r, 2, &mut a, 2, 0, &mut always).unwrap();
    fold_rows(&mut [], 0, &mut [], 0, 5, &mut always).unwrap();
    // A column of zeros leaves R alone.
    let before = r;
    fold_rows(&mut r, 2, &mut [0.0; 6], 3, 3, &mut always).unwrap();
    assert_eq!(r, before);
}

// Lauchli's matrix: A'A rounds to a singular matrix, R keeps the small singular value.
#[test]
fn folding_keeps_what_the_gram_matrix_loses() {
    let small = 1e-9;
    for path in paths() {
        let mut r = vec![0.0; 4];
        let mut a = vec![1.0, small, 0.0, 1.0, 0.0, small];
        path.run(Fold {
            r: &mut r,
            p: 2,
            a: &mut a,
            stride: 3,
            rows: 3,
            pace: Pace::new(&mut || true),
        });
        let expected = small * 2_f64.sqrt();
        assert!(
            (r[3].abs() - expected).abs() < 1e-6 * expected,
            "{path:?} {r:?}"
        );
    }
}

#[test]
fn folding_takes_extreme_magnitudes() {
    for path in paths() {
        for unit in [1e300, 1e-300, 5e-324, 1e160, 1e-170] {
            let mut r = vec![0.0; 4];
            let mut a = vec![3.0 * unit, 4.0 * unit, unit, 2.0 * unit];
            path.run(Fold {
                r: &mut r,
                p: 2,
                a: &mut a,
                stride: 2,
                rows: 2,
                pace: Pace::new(&mut || true),
            });
            assert!(
                (r[0].abs() / unit - 5.0).abs() < 1e-14,
                "{path:?} {unit:e} {r:?}"
            );
        }
    }
}

// What takes long asks whether to go on, again and again, and ends at once where not.
#[test]
fn long_work_can_be_ended() {
    const COLUMNS: usize = 1500;
    let x = vec![0.25; COLUMNS * 8];
    let (y, theta) = ([1.0; 8], vec![0.0; COLUMNS + 1]);
    let span = LogisticSpan {
        x: &x,
        stride: 8,
        rows: 8,
        columns: COLUMNS,
        y: &y,
        weight: None,
        theta: &theta,
    };
    let mut sums = LogisticSums::try_new(COLUMNS + 1).unwrap();
    let scratch = &mut Scratch::try_new().unwrap();
    let mut r = vec![0.0; COLUMNS * COLUMNS];
    for patience in [1, 2] {
        let mut asked = 0;
        let mut tick = || {
            asked += 1;
            if asked < patience {
                Ok(())
            } else {
                Err("enough")
            }
        };
        let ended = logistic_pass(&span, true, scratch, &mut sums, &mut tick);
        assert_eq!((ended, asked), (Err("enough"), patience));
        asked = 0;
        let mut tick = || {
            asked += 1;
            if asked < patience {
                Ok(())
            } else {
                Err("enough")
            }
        };
        let ended = fold_rows(&mut r, COLUMNS, &mut x.clone(), 8, 8, &mut tick);
        assert_eq!((ended, asked), (Err("enough"), patience));
    }
}
