//! Speed of the kernels on each path; not part of the suite:
//! `cargo test --release -p pglearn-kernels speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use crate::dot::Dot;
use crate::fold::Fold;
use crate::logistic::Pass;
use crate::pace::Pace;
use crate::path::Path;
use crate::{LogisticSpan, LogisticSums, Scratch};

const ROWS: usize = 256;
const STRIDE: usize = 264;
/// Raise to some thousands to read from main memory.
const TILES: usize = 8;
const WIDTHS: [usize; 5] = [1, 10, 30, 100, 400];

/// Nanoseconds per row: the best of many short batches, as other work may disturb some.
fn per_row(rows: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    while begin.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        let mut calls = 0_u32;
        while start.elapsed().as_secs_f64() < 5e-5 {
            for _ in 0..4 {
                work();
            }
            calls += 4;
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls) / rows as f64);
    }
    best
}

fn cells(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64) * 0.618_034).fract() - 0.5)
        .collect()
}

#[test]
#[ignore = "a measurement"]
fn speed() {
    for path in Path::ALL.iter().copied().filter(|path| path.is_available()) {
        for length in WIDTHS {
            let (a, b) = (cells(length), cells(length));
            let product = per_row(64, || {
                for _ in 0..64 {
                    let b = black_box(&b).as_ptr();
                    black_box(path.run(Dot {
                        a: black_box(&a),
                        b,
                    }));
                }
            });
            eprintln!("{path:?} scalar product of {length}: {product:.1} ns");
        }
        for d in WIDTHS {
            let tiles = (100_000_000 / (d * STRIDE * 8)).clamp(1, TILES);
            let data = cells(tiles * d * STRIDE);
            let y: Vec<f64> = (0..ROWS).map(|row| (row % 2) as f64).collect();
            let theta = vec![0.1; d + 1];
            let mut sums = LogisticSums::try_new(d + 1).unwrap();
            let mut scratch = Scratch::try_new().unwrap();
            let mut tile = 0;
            let mut pass = |curvature| {
                per_row(ROWS, || {
                    tile = (tile + 1) % tiles;
                    let span = LogisticSpan {
                        x: &data[tile * d * STRIDE..][..d * STRIDE],
                        stride: STRIDE,
                        rows: ROWS,
                        columns: d,
                        y: &y,
                        weight: None,
                        theta: &theta,
                    };
                    let (scratch, sums) = (&mut scratch, &mut sums);
                    path.run(Pass {
                        span: black_box(&span),
                        curvature,
                        scratch,
                        sums,
                        pace: Pace::new(&mut || true),
                    });
                })
            };
            let (without, with) = (pass(false), pass(true));
            black_box(&sums);
            let p = d as f64 + 1.0;
            let mut r = vec![0.0; d * d];
            let mut a = data[..d * STRIDE].to_vec();
            let copy = per_row(ROWS, || {
                black_box(&mut a).copy_from_slice(black_box(&data[..d * STRIDE]));
            });
            let fold = per_row(ROWS, || {
                a.copy_from_slice(&data[..d * STRIDE]);
                path.run(Fold {
                    r: &mut r,
                    p: d,
                    a: &mut a,
                    stride: STRIDE,
                    rows: ROWS,
                    pace: Pace::new(&mut || true),
                });
            }) - copy;
            eprintln!(
                "{path:?} d={d}: gradient {without:.2} ns/row, with curvature {with:.2} ({:.1} \
                 GFLOP/s), folding {fold:.2} ({:.1} GFLOP/s)",
                p * (p + 1.0) / with,
                2.0 * (d * d) as f64 / fold,
            );
        }
    }
}
