//! Inputs chosen to break the numerics: units at the ends of the range of doubles, columns that all
//! but coincide, groups on other scales, exact oracles of separation.

#![allow(clippy::unwrap_used, clippy::needless_range_loop)]

use linfa::ParamGuard;
use pglearn_core::linear::{BreuschPagan, LinearAccumulator};
use pglearn_core::logistic::{
    Finding, InterceptDecision, LogisticFit, LogisticParams, Rows, Status, fit,
};
use pglearn_core::metrics::RegressionErrors;
use pglearn_core::monitor::Unattended;
use pglearn_core::tiles::{TileBuffer, Tiles};
use pglearn_core::{Error, Result};
use proptest::prelude::*;

const X: [f64; 8] = [1.0, -2.0, 3.0, 0.0, 5.0, -1.0, 2.0, 4.0];
const Z: [f64; 8] = [0.0, 1.0, 1.0, -1.0, 2.0, 3.0, -2.0, 1.0];
const Y: [f64; 8] = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0];

/// Rows of features, then the label, then a weight if `weighted`.
fn tiles(rows: &[Vec<f64>], features: usize) -> Tiles {
    let mut tiles = Tiles::new(rows[0].len(), features, u64::MAX);
    append(&mut tiles, rows);
    tiles
}

fn append(tiles: &mut Tiles, rows: &[Vec<f64>]) {
    let mut buffer = TileBuffer::new(tiles.columns()).unwrap();
    for row in rows {
        buffer.push(row);
        if buffer.is_full() {
            tiles.append(buffer.span()).unwrap();
            buffer.clear();
        }
    }
    tiles.append(buffer.span()).unwrap();
}

fn logistic(rows: &[Vec<f64>], features: usize) -> Result<LogisticFit> {
    let tiles = tiles(rows, features);
    let rows = Rows {
        tiles: &tiles,
        range: 0..tiles.rows(),
        features,
        weighted: tiles.columns() == features + 2,
    };
    fit(
        &LogisticParams::new().check()?,
        &rows,
        None,
        &mut Unattended,
    )
}

fn in_units(unit: f64) -> Vec<Vec<f64>> {
    (0..8).map(|i| vec![X[i] * unit, Z[i], Y[i]]).collect()
}

#[track_caller]
fn close(got: f64, want: f64, tolerance: f64) {
    let off = (got / want - 1.0).abs();
    assert!(off <= tolerance, "got {got:e}, expected {want:e}");
}

/// Singular values of (1, unit x, z), and of the same times the square root of the weights at the
/// maximum of the likelihood: mpmath 1.4.1, 400 digits, `eigsy` of the Gram matrices.
#[test]
fn condition_numbers_of_any_units() {
    let references = [
        (1.0, 3.7061072449075456, 3.6481138849101806),
        (1e100, 3.522938495405147e+100, 3.4181403025716058e+100),
        (1e-100, 7.35303169773568e+99, 7.498204555679119e+99),
        (1e140, 3.522938495405147e+140, 3.4181403025716057e+140),
        (1e-140, 7.353031697735681e+139, 7.498204555679119e+139),
    ];
    for (unit, least_squares, likelihood) in references {
        let mut rows = LinearAccumulator::new(3).unwrap();
        for i in 0..8 {
            rows.push_row(&[1.0, X[i] * unit, Z[i]], Y[i]).unwrap();
        }
        let fit = rows.finish(&mut Unattended).unwrap();
        close(fit.condition_number, least_squares, 1e-13);
        let fit = logistic(&in_units(unit), 2).unwrap();
        assert!(fit.intercept_added && fit.status == Status::Converged);
        close(fit.coefficients[0], -0.5950443414179888, 1e-11);
        close(fit.coefficients[1] * unit, 0.43768145923230867, 1e-11);
        close(fit.condition_number, likelihood, 1e-9);
    }
}

/// A unit changes a coefficient and its standard error, never their ratio: also where squares of
/// cells have no place among the doubles.
#[test]
fn t_statistics_do_not_know_the_units() {
    let fit = |unit: f64, target: f64| {
        let mut rows = LinearAccumulator::new(3).unwrap();
        for i in 0..8 {
            let x = [1.0, X[i] * unit, Z[i]];
            rows.push_row(&x, (Y[i] + X[i]) * target).unwrap();
        }
        rows.finish(&mut Unattended).unwrap()
    };
    let plain = fit(1.0, 1.0);
    let tiny = f64::MIN_POSITIVE * 1e10;
    let units = [1e170, 1e-170, 1e290, tiny];
    let others = units.map(|u| (u, 1.0)).into_iter().chain([(1.0, 1e-170)]);
    for (unit, target) in others {
        let fit = fit(unit, target);
        let p_values = fit.p_values.unwrap();
        for j in 0..3 {
            close(fit.t_stats[j], plain.t_stats[j], 1e-12);
            close(p_values[j], plain.p_values.as_ref().unwrap()[j], 1e-12);
        }
        close(
            fit.coefficients[1] * (unit / target),
            plain.coefficients[1],
            1e-12,
        );
    }
}

/// The curvature holds squares: where they have no place, the fit says so.
#[test]
fn logistic_columns_beyond_the_range_are_refused() {
    for unit in [1e155, 1e-160, 1e-300] {
        let outcome = logistic(&in_units(unit), 2);
        assert!(
            matches!(outcome, Err(Error::Breakdown { .. })),
            "{unit:e}: {outcome:?}"
        );
    }
    // A constant serves in any unit.
    for unit in [1e-300, 1e300] {
        let rows: Vec<Vec<f64>> = (0..8).map(|i| vec![unit, X[i], Y[i]]).collect();
        let fit = logistic(&rows, 2).unwrap();
        assert!(!fit.intercept_added);
        let plain: Vec<Vec<f64>> = (0..8).map(|i| vec![X[i], Y[i]]).collect();
        let plain = logistic(&plain, 1).unwrap();
        close(fit.coefficients[0] * unit, plain.coefficients[0], 1e-10);
        close(fit.z_stats[0], plain.z_stats[0], 1e-10);
    }
}

/// A stream of uniform numbers in [0, 1).
fn uniform(state: &mut u64) -> f64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

/// A column and its copy in single precision differ by noise; its mean is not the constant.
#[test]
fn a_copy_in_single_precision_is_no_intercept() {
    let mut state = 3;
    for n in [20, 100, 500] {
        let mut alone = Vec::new();
        for _ in 0..n {
            let x = 5.0 + 4.0 * (uniform(&mut state) - 0.5);
            let y = f64::from(u8::from(
                uniform(&mut state) < 1.0 / (1.0 + (5.0 - x).exp()),
            ));
            alone.push(vec![x, y]);
        }
        let both: Vec<Vec<f64>> = alone
            .iter()
            .map(|row| vec![row[0], f64::from(row[0] as f32), row[1]])
            .collect();
        let (alone, both) = (logistic(&alone, 1).unwrap(), logistic(&both, 2).unwrap());
        assert!(both.intercept_added);
        assert!(
            matches!(&both.findings[..], [Finding::Collinear { columns }] if *columns == [0, 1])
        );
        close(both.coefficients[0], alone.coefficients[0], 1e-6);
        close(
            both.coefficients[1] + both.coefficients[2],
            alone.coefficients[1],
            1e-6,
        );
    }
}

/// Groups share tiles, and with them the number that is subtracted from a column.
#[test]
fn a_group_does_not_feel_the_scale_of_the_one_before() {
    let mut state = 8;
    let mut group = Vec::new();
    for _ in 0..600 {
        let x = uniform(&mut state) / 2.0;
        let y = f64::from(u8::from(
            uniform(&mut state) < 1.0 / (1.0 + (2.0 - 8.0 * x).exp()),
        ));
        group.push(vec![x, y]);
    }
    let alone = logistic(&group, 1).unwrap();
    for scale in [1e3, 1.7e9, 1e15, 1e18, 1.7e308] {
        let before: Vec<Vec<f64>> = (0..600)
            .map(|i| vec![scale * (0.5 + uniform(&mut state) / 2.0), f64::from(i % 2)])
            .collect();
        // A span never holds rows of two groups.
        let mut tiles = tiles(&before, 1);
        append(&mut tiles, &group);
        append(&mut tiles, &[vec![-scale, 0.0], vec![scale, 1.0]]);
        let rows = Rows {
            tiles: &tiles,
            range: 600..1200,
            features: 1,
            weighted: false,
        };
        let params = LogisticParams::new().check().unwrap();
        let added = Some(InterceptDecision { added: true });
        let fit = fit(&params, &rows, added, &mut Unattended).unwrap();
        for j in 0..2 {
            close(fit.coefficients[j], alone.coefficients[j], 1e-11);
            close(fit.std_err[j], alone.std_err[j], 1e-11);
        }
    }
}

/// Weights of any size have the same maximum.
#[test]
fn small_weights_do_not_end_the_search() {
    let weighted = |w: f64| -> Vec<Vec<f64>> {
        (0..8)
            .map(|i| vec![X[i], Y[i], w * (1.0 + Z[i].abs())])
            .collect()
    };
    let plain = logistic(&weighted(1.0), 1).unwrap();
    for w in [1e-3, 1e-14, 1e-100, 1e12] {
        let fit = logistic(&weighted(w), 1).unwrap();
        assert_eq!(fit.status, Status::Converged, "{w:e}");
        for j in 0..2 {
            close(fit.coefficients[j], plain.coefficients[j], 1e-9);
            close(fit.std_err[j] * w.sqrt(), plain.std_err[j], 1e-9);
        }
    }
}

/// Separated, by counting: one column separates where the classes meet in one value at most; dummies
/// of all cells of a table where a cell has one class only.
fn check_separation(rows: &[Vec<f64>], features: usize, separated: bool) {
    let fit = logistic(rows, features).unwrap();
    let found = fit.findings.iter().any(|finding| {
        matches!(
            finding,
            Finding::Separation { .. } | Finding::ConstantLabel { .. }
        )
    });
    assert_eq!(
        fit.status == Status::Separated,
        separated,
        "{rows:?} {fit:?}"
    );
    assert_eq!(found, separated, "{rows:?}");
    assert!(separated || fit.status == Status::Converged, "{rows:?}");
}

proptest! {
    #[test]
    fn separation_by_one_column(
        cells in prop::collection::vec((-6_i32..7, any::<bool>()), 2..40),
        origin in 0..7,
        unit in -6..7,
    ) {
        let raw = |x: i32| (f64::from(x) + 10_f64.powi(origin)) * 10_f64.powi(unit);
        let rows: Vec<Vec<f64>> = cells
            .iter()
            .map(|(x, y)| vec![raw(*x), f64::from(u8::from(*y))])
            .collect();
        let of = |class: bool| cells.iter().filter(move |(_, y)| *y == class).map(|(x, _)| *x);
        let range = |class: bool| Some((of(class).min()?, of(class).max()?));
        let separated = match (range(false), range(true)) {
            (Some(zero), Some(one)) => {
                let varies = zero.0.min(one.0) < zero.1.max(one.1);
                varies && (zero.1 <= one.0 || one.1 <= zero.0)
            }
            _ => true,
        };
        check_separation(&rows, 1, separated);
    }

    #[test]
    fn separation_by_the_cells_of_a_table(
        cells in prop::collection::vec((0_usize..4, any::<bool>()), 4..60),
    ) {
        let rows: Vec<Vec<f64>> = cells
            .iter()
            .map(|(cell, y)| {
                let (a, b) = ((cell & 1) as f64, (cell >> 1) as f64);
                vec![a, b, a * b, f64::from(u8::from(*y))]
            })
            .collect();
        let mut counts = [[0; 2]; 4];
        cells.iter().for_each(|(cell, y)| counts[*cell][usize::from(*y)] += 1);
        let pure = |[zero, one]: &[i32; 2]| zero + one > 0 && (*zero == 0 || *one == 0);
        check_separation(&rows, 3, counts.iter().any(pure));
    }
}

proptest! {
    /// A state comes back from a table: any bytes behind a valid header give a result or an error.
    #[test]
    fn forged_states_do_not_panic(
        changes in prop::collection::vec((16_usize..1000, any::<u64>()), 1..12),
        specials in any::<bool>(),
    ) {
        let mut rows = LinearAccumulator::new(3).unwrap();
        for i in 0..88 {
            rows.push_row(&[1.0, X[i % 8] + i as f64, Z[i % 8]], Y[i % 8]).unwrap();
        }
        let mut bytes = rows.encode();
        for (at, value) in changes {
            let cells = [f64::NAN, f64::INFINITY, f64::MAX, 5e-324, -0.0, -f64::MAX];
            let value = if specials { cells[(value % 6) as usize].to_bits() } else { value };
            let at = at % (bytes.len() - 16) / 8 * 8 + 16;
            let end = bytes.len().min(at + 8);
            bytes[at..end].copy_from_slice(&value.to_le_bytes()[..end - at]);
        }
        if let Ok(mut forged) = LinearAccumulator::decode(&bytes) {
            // Every outcome is fine but a panic and a NaN for a coefficient.
            if let Ok(fit) = forged.finish(&mut Unattended) {
                prop_assert!(fit.coefficients.iter().all(|b| !b.is_nan()), "{fit:?}");
            }
            let _ = rows.clone().merge(&forged);
            let _ = forged.merge(&rows);
            let _ = forged.finish(&mut Unattended);
        }
    }
}

/// Squared residuals around a constant, on a column that is far from any constant: the share of
/// variance explained is negative, which no chi-squared statistic can be.
#[test]
fn breusch_pagan_without_a_constant_is_undefined_not_negative() {
    let mut test = BreuschPagan::new(&[0.0]).unwrap();
    for i in 0..40 {
        let (x, y) = (
            f64::from(i % 2 * 2 - 1),
            f64::from(i % 4 / 2 * 2 - 1) + 0.01 * f64::from(i),
        );
        test.push_row(&[x], y).unwrap();
    }
    let test = test.finish(&mut Unattended).unwrap();
    assert!(test.statistic.is_nan() && test.p_value.is_nan(), "{test:?}");
}

#[test]
fn errors_beyond_the_range_of_doubles_have_no_r2() {
    let mut errors = RegressionErrors::default();
    for (predicted, observed) in [(1e200, -1e200), (-1e200, 1e200)] {
        errors.push(predicted, observed).unwrap();
    }
    assert_eq!(errors.r2_score(), None);
    assert_eq!(errors.mean_squared_error(), Some(f64::INFINITY));
}
