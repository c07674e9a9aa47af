//! The same fits by products with the curvature and by the whole of it.

use std::time::Instant;

use super::newton::search;
use super::passes::Passes;
use super::*;
use crate::linalg::{SplitMix, dot};
use crate::logistic::outcome::Limits;
use crate::logistic::pass::Problem;
use crate::logistic::penalised::with_curvature;
use crate::logistic::survey::Survey;
use crate::logistic::{Constant, Rows};
use crate::monitor::Unattended;
use crate::parallel::Watch;
use crate::penalised::{Ending, Maximum};
use crate::tiles::{TileBuffer, Tiles};

/// What the columns are like.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Uniform numbers, some of them far from zero.
    Numbers,
    /// The categories of ten columns, the frequent ones first.
    Categories,
    /// A third numbers.
    Both,
}

struct Sample {
    tiles: Tiles,
    features: usize,
    weighted: bool,
}

impl Sample {
    fn rows(&self) -> Rows<'_> {
        Rows {
            tiles: &self.tiles,
            range: 0..self.tiles.rows(),
            features: self.features,
            weighted: self.weighted,
        }
    }
}

fn sample(kind: Kind, n: usize, d: usize, weighted: bool) -> Sample {
    let mut random = SplitMix(7);
    let width = d + 1 + usize::from(weighted);
    let mut tiles = Tiles::new(width, d, u64::MAX);
    let mut buffer = TileBuffer::new(width).unwrap();
    let numbers = match kind {
        Kind::Numbers => d,
        Kind::Categories => 0,
        Kind::Both => d / 3,
    };
    let groups = ((d - numbers) / 10).max(1);
    let mut row = vec![0.0; width];
    for _ in 0..n {
        row.fill(0.0);
        for (j, cell) in row[..numbers].iter_mut().enumerate() {
            *cell = 3.5 * (random.uniform() - 0.5) + (j % 5) as f64;
        }
        for first in (numbers..d).step_by(groups) {
            let size = groups.min(d - first) as f64;
            row[first + (random.uniform().powi(2) * size) as usize] = 1.0;
        }
        let eta: f64 = (0..d)
            .map(|j| row[j] * (((j * 7) % 11) as f64 / 11.0 - 0.45))
            .sum();
        let eta = eta
            * if numbers > 0 {
                3.0 / (numbers as f64).sqrt()
            } else {
                1.0
            };
        row[d] = f64::from(u8::from(random.uniform() < 1.0 / (1.0 + (-eta).exp())));
        if weighted {
            row[d + 1] = (random.uniform() * 4.0).floor();
        }
        buffer.push(&row);
        if buffer.is_full() {
            tiles.append(buffer.span()).unwrap();
            buffer.clear();
        }
    }
    tiles.append(buffer.span()).unwrap();
    Sample {
        tiles,
        features: d,
        weighted,
    }
}

/// By products, and by the whole curvature, with the seconds that each took.
fn both(
    sample: &Sample,
    lambda: f64,
    constant: Constant,
    threads: usize,
) -> [(Vec<f64>, Maximum, f64); 2] {
    let rows = sample.rows();
    let mut unattended = Unattended;
    let watch = &mut Watch::new(&mut unattended, "test", 0);
    let mut problem = Problem::new(&rows, None, threads).unwrap();
    let survey = Survey::take(&mut problem, watch).unwrap();
    let limits = Limits {
        max_iter: 100,
        tolerance: 1e-8,
        constant,
        weight: survey.weight,
    };
    let ending = Ending {
        lambda,
        max_iter: 100,
        tolerance: 1e-8,
        weight: survey.weight,
    };
    let wide = Wide {
        rows: &rows,
        unit: 1.0,
        survey: &survey,
        constant,
        threads,
    };
    let raw = |maximum: &Maximum, shifts: &[f64]| {
        let mut theta = maximum.theta.clone();
        theta[0] -= dot(shifts, &theta[1..]);
        theta
    };
    let start = Instant::now();
    let passes = Passes::new(&rows, 1.0, threads, watch).unwrap();
    let mine = search(&wide, passes, usize::MAX, &ending, watch)
        .unwrap()
        .unwrap();
    let mine = (
        raw(&mine, sample.tiles.shifts()),
        mine,
        start.elapsed().as_secs_f64(),
    );
    let start = Instant::now();
    let (theirs, shifts) =
        with_curvature(problem, survey.clone(), &limits, &ending, watch).unwrap();
    [
        mine,
        (raw(&theirs, &shifts), theirs, start.elapsed().as_secs_f64()),
    ]
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let gaps = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    gaps.fold(0.0, f64::max)
}

#[test]
fn products_lead_where_the_whole_curvature_does() {
    for kind in [Kind::Numbers, Kind::Categories, Kind::Both] {
        for (n, d, weighted) in [(900, 40, false), (300, 25, true), (60, 90, false)] {
            let sample = sample(kind, n, d, weighted);
            for constant in [Constant::Added, Constant::AsGiven] {
                for lambda in [0.01, 1.0, 100.0] {
                    let [(a, mine, _), (b, theirs, _)] = both(&sample, lambda, constant, 2);
                    assert!(mine.converged && theirs.converged);
                    let off = distance(&a, &b);
                    assert!(off < 1e-9, "{n} x {d}, lambda {lambda}: {off:e}");
                    assert!((mine.value / theirs.value - 1.0).abs() < 1e-12);
                }
            }
        }
    }
}

#[test]
fn threads_leave_the_bits_alone() {
    let sample = sample(Kind::Both, 20_000, 60, true);
    let [(one, ..), _] = both(&sample, 1.0, Constant::Added, 1);
    let [(three, ..), _] = both(&sample, 1.0, Constant::Added, 3);
    assert_eq!(one, three);
}

#[test]
fn what_products_cannot_do_is_left_to_the_whole_curvature() {
    let taken = |sample: &Sample, lambda: f64, products: usize| {
        let rows = sample.rows();
        let mut unattended = Unattended;
        let watch = &mut Watch::new(&mut unattended, "test", 0);
        let mut problem = Problem::new(&rows, None, 1).unwrap();
        let survey = Survey::take(&mut problem, watch).unwrap();
        let ending = Ending {
            lambda,
            max_iter: 100,
            tolerance: 1e-8,
            weight: survey.weight,
        };
        let wide = Wide {
            rows: &rows,
            unit: 1.0,
            survey: &survey,
            constant: Constant::Added,
            threads: 1,
        };
        let passes = Passes::new(&rows, 1.0, 1, watch).unwrap();
        search(&wide, passes, products, &ending, watch)
            .unwrap()
            .is_some()
    };
    let good = sample(Kind::Both, 600, 60, false);
    assert!(taken(&good, 1.0, 1000));
    // Too few products, next to no penalty.
    assert!(!taken(&good, 1.0, 5));
    assert!(!taken(&good, 1e-9, 1000));
    // The first tile's rows are elsewhere, but so few that the column lies far from its origin.
    let mut far = Tiles::new(2, 1, u64::MAX);
    let mut buffer = TileBuffer::new(2).unwrap();
    for i in 0..300_000 {
        let elsewhere = if i < 256 { 0.0 } else { 1e6 };
        buffer.push(&[elsewhere + f64::from(i % 7), f64::from(i % 2)]);
        if buffer.is_full() {
            far.append(buffer.span()).unwrap();
            buffer.clear();
        }
    }
    far.append(buffer.span()).unwrap();
    let far = Sample {
        tiles: far,
        features: 1,
        weighted: false,
    };
    assert!(!taken(&far, 1.0, 1000));
}

/// Speed; not part of the suite: `cargo test -p pglearn-core --release wide -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn speed() {
    let shapes = [
        (Kind::Categories, 16_000, 1000),
        (Kind::Numbers, 400, 1590),
        (Kind::Numbers, 2_000, 200),
        (Kind::Numbers, 2_000, 400),
        (Kind::Numbers, 16_000, 200),
        (Kind::Numbers, 16_000, 400),
        (Kind::Numbers, 16_000, 800),
        (Kind::Categories, 2_000, 130),
        (Kind::Categories, 100_000, 130),
        (Kind::Numbers, 100_000, 300),
        (Kind::Numbers, 100_000, 600),
        (Kind::Both, 16_000, 300),
    ];
    for (kind, n, d) in shapes {
        let name = match kind {
            Kind::Numbers => "numbers",
            Kind::Categories => "categories",
            Kind::Both => "both",
        };
        let sample = sample(kind, n, d, false);
        let [(a, mine, new), (b, theirs, old)] = both(&sample, 1.0, Constant::Added, 2);
        println!(
            "{n} x {d} {name}: {new:.3} s ({} steps), whole {old:.3} s ({} steps), off {:.1e}",
            mine.iterations,
            theirs.iterations,
            distance(&a, &b)
        );
    }
}
