//! Many classes, few rows a class, separated classes, features that say nothing: maxima, gradients and
//! the number of passes.
//!
//! Coefficients: scikit-learn 1.9, `LogisticRegression(C, solver="newton-cg", tol=1e-11,
//! max_iter=3000)` on the standardised columns, averages over the classes taken off.

use super::method::Method;
use super::*;
use crate::logistic::{self, Penalty, fit_penalised};
use crate::monitor::Unattended;
use crate::tiles::{TileBuffer, Tiles};

/// Standardised rows.
struct Data {
    x: Vec<Vec<f64>>,
    class: Vec<usize>,
    classes: usize,
}

impl Data {
    fn new(rows: usize, row: impl Fn(usize) -> (Vec<usize>, usize)) -> Self {
        let (mut x, mut class) = (Vec::new(), Vec::new());
        for i in 0..rows {
            let (cells, label) = row(i);
            x.push(cells.iter().map(|cell| *cell as f64).collect::<Vec<_>>());
            class.push(label);
        }
        for j in 0..x[0].len() {
            let mean = x.iter().map(|x| x[j]).sum::<f64>() / rows as f64;
            let variance = x.iter().map(|x| (x[j] - mean).powi(2)).sum::<f64>() / rows as f64;
            x.iter_mut()
                .for_each(|x| x[j] = (x[j] - mean) / variance.sqrt());
        }
        let classes = class.iter().max().unwrap() + 1;
        Self { x, class, classes }
    }

    fn tiles(&self) -> Tiles {
        let d = self.x[0].len();
        let mut tiles = Tiles::new(d + 1, d, u64::MAX);
        let mut buffer = TileBuffer::new(d + 1).unwrap();
        for (x, class) in self.x.iter().zip(&self.class) {
            let mut row = x.clone();
            row.push(*class as f64);
            buffer.push(&row);
            if buffer.is_full() {
                tiles.append(buffer.span()).unwrap();
                buffer.clear();
            }
        }
        tiles.append(buffer.span()).unwrap();
        tiles
    }

    /// Fits; the loss must be the plain formula's and its gradient 0.
    fn fit(&self, c: f64) -> Softmax {
        let tiles = self.tiles();
        let rows = Rows {
            tiles: &tiles,
            features: self.x[0].len(),
            weighted: false,
        };
        let fitted = fit(&params(c), &rows, self.classes, &mut Unattended).unwrap();
        assert!(fitted.converged);
        let (loss, steepest) = self.loss(&fitted.intercepts, &fitted.coefficients, c);
        assert!(
            (loss / fitted.objective - 1.0).abs() < 1e-12,
            "{loss} {}",
            fitted.objective
        );
        assert!(steepest < 1e-9, "{steepest:e}");
        fitted
    }

    /// The objective and the largest cell of its gradient.
    fn loss(&self, intercepts: &[f64], coefficients: &[f64], c: f64) -> (f64, f64) {
        let d = self.x[0].len();
        let mut loss = coefficients.iter().map(|b| b * b).sum::<f64>() / 2.0 / c;
        let mut constants = vec![0.0; self.classes];
        let mut slopes: Vec<f64> = coefficients.iter().map(|b| b / c).collect();
        for (x, class) in self.x.iter().zip(&self.class) {
            let eta: Vec<f64> = (0..self.classes)
                .map(|k| {
                    let terms = x.iter().zip(&coefficients[k * d..]).map(|(x, b)| x * b);
                    intercepts[k] + terms.sum::<f64>()
                })
                .collect();
            let highest = eta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = eta.iter().map(|eta| (eta - highest).exp()).sum();
            loss += total.ln() + highest - eta[*class];
            for (k, eta) in eta.iter().enumerate() {
                let own = f64::from(u8::from(k == *class));
                let residual = (eta - highest).exp() / total - own;
                constants[k] += residual;
                for (slope, x) in slopes[k * d..][..d].iter_mut().zip(x) {
                    *slope += residual * x;
                }
            }
        }
        let cells = constants.iter().chain(&slopes);
        (loss, cells.fold(0.0, |most, cell| cell.abs().max(most)))
    }
}

fn params(c: f64) -> SoftmaxParams {
    SoftmaxParams {
        lambda: 1.0 / c,
        intercept: true,
        max_iter: 100,
        tolerance: 1e-4,
        threads: 1,
    }
}

/// The objective, the first slopes and intercept, and the sum of the squares of the slopes.
fn same(fitted: &Softmax, loss: f64, slopes: &[f64], intercept: f64, squares: f64) {
    let close = |got: f64, want: f64| {
        assert!(
            (got - want).abs() <= 1e-9 * want.abs().max(0.1),
            "{got} {want}"
        );
    };
    close(fitted.objective, loss);
    close(fitted.intercepts[0], intercept);
    close(fitted.coefficients.iter().map(|b| b * b).sum(), squares);
    for (got, want) in fitted.coefficients.iter().zip(slopes) {
        close(*got, *want);
    }
}

#[test]
fn two_hundred_classes_of_six_rows() {
    let fitted = Data::new(1200, |i| (vec![(i + 1) * 7919 % 997], (i + 1) % 200)).fit(1.0);
    let slopes = [-0.06846375937932099, 0.06342524404802662];
    same(
        &fitted,
        6333.770679266115,
        &slopes,
        0.015278257349118194,
        7.193645364126276,
    );
    assert!(fitted.iterations <= 5, "{}", fitted.iterations);
}

#[test]
fn a_class_a_row() {
    let fitted = Data::new(300, |i| (vec![i * 7919 % 997], i)).fit(1.0);
    let slopes = [-0.9813420238893839, 0.8220387662659074];
    same(
        &fitted,
        1632.6594709075239,
        &slopes,
        -0.27601418505605013,
        89.34214890955886,
    );
    assert!(fitted.iterations <= 5, "{}", fitted.iterations);

    let fitted = Data::new(80, |i| (vec![i * 7919 % 997], i)).fit(1.0);
    let slopes = [-1.0141099235910247, 0.800114009934957];
    same(
        &fitted,
        329.6374557771661,
        &slopes,
        -0.30478162684020366,
        23.843854484984885,
    );
    assert!(fitted.iterations <= 5, "{}", fitted.iterations);
}

#[test]
fn classes_that_the_features_do_not_tell_apart() {
    let fitted = Data::new(600, |i| (vec![i / 6 % 10, i / 60], i % 6)).fit(1.0);
    assert!((fitted.objective - 600.0 * 6.0_f64.ln()).abs() < 1e-10);
    assert!(fitted.coefficients.iter().all(|b| b.abs() < 1e-14));
    assert!(fitted.iterations <= 1, "{}", fitted.iterations);
}

#[test]
fn separated_classes() {
    let data = Data::new(600, |i| (vec![i % 100, i * 7 % 11], i % 100 / 20));
    let fitted = data.fit(1.0);
    let slopes = [-8.802812482026305, -0.01624293547095096];
    same(
        &fitted,
        330.0608013851788,
        &slopes,
        -3.336713535013315,
        183.33220128832627,
    );
    assert!(fitted.iterations <= 8, "{}", fitted.iterations);

    let fitted = data.fit(1e4);
    let slopes = [-225.87504897079327, -0.12877986965649993];
    same(
        &fitted,
        12.696061751756403,
        &slopes,
        -83.34219764132528,
        123618.98245965505,
    );
    assert!(fitted.iterations <= 16, "{}", fitted.iterations);
}

#[test]
fn two_classes_apart_and_together() {
    let halves = |i: usize| usize::from(i % 100 >= 50);
    let parity = |i: usize| i * i % 7 % 2;
    for class in [&halves as &dyn Fn(usize) -> usize, &parity] {
        for c in [1.0, 1e4] {
            let data = Data::new(600, |i| (vec![i % 100, i * 7 % 11], class(i)));
            let tiles = data.tiles();
            let rows = logistic::Rows {
                tiles: &tiles,
                range: 0..600,
                features: 2,
                weighted: false,
            };
            let penalty = Penalty {
                lambda: 1.0 / c,
                intercept: true,
                max_iter: 100,
                tolerance: 1e-4,
                threads: 1,
            };
            let fitted = fit_penalised(&penalty, &rows, &mut Unattended).unwrap();
            assert!(
                fitted.converged && fitted.iterations <= 16,
                "{}",
                fitted.iterations
            );
            // As two classes of half the margin: each square is (b/2)^2 twice, so C is half.
            let half = |b: &f64| b / 2.0;
            let slopes: Vec<f64> = fitted.coefficients.iter().map(half).collect();
            let both: Vec<f64> = slopes.iter().map(|b| -b).chain(slopes.clone()).collect();
            let constant = fitted.intercept / 2.0;
            let (loss, steepest) = data.loss(&[-constant, constant], &both, c / 2.0);
            assert!((loss / fitted.objective - 1.0).abs() < 1e-12);
            assert!(steepest < 1e-9, "{steepest:e}");
        }
    }
}

#[test]
fn a_thousand_classes() {
    let row = |i: usize| {
        let x = vec![i * 7919 % 997, i * 104_729 % 1009, i * i % 1013];
        (x, (i * 31 + i * i % 7) % 1000)
    };
    let fitted = Data::new(5000, row).fit(1.0);
    let slopes = [
        0.40925918143566553,
        -0.0700024564440179,
        -0.10925995113462791,
    ];
    same(
        &fitted,
        33141.339685226805,
        &slopes,
        0.5191876388135959,
        523.0654918846625,
    );
    assert!(fitted.iterations <= 10, "{}", fitted.iterations);
}

#[test]
fn the_cheaper_method() {
    let method = |rows, classes, p| Method::choose(rows, classes, p, &params(1.0));
    assert_eq!(method(150, 3, 5), Method::Newton);
    assert_eq!(method(100_000, 3, 50), Method::Newton);
    assert!(matches!(
        method(1200, 200, 2),
        Method::Steps {
            curvature: true,
            ..
        }
    ));
    assert!(matches!(
        method(5000, 1000, 4),
        Method::Steps {
            curvature: false,
            ..
        }
    ));
}
