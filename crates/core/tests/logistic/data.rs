//! Data sets and comparisons for the tests.

use linfa::ParamGuard;
use pglearn_core::logistic::{LogisticFit, LogisticParams, Rows, fit};
use pglearn_core::monitor::Unattended;
use pglearn_core::tiles::{TileBuffer, Tiles};

/// A design with labels, and weights where not empty.
#[derive(Debug, Clone, Default)]
pub struct Data {
    pub x: Vec<Vec<f64>>,
    pub y: Vec<f64>,
    pub weights: Vec<f64>,
}

impl Data {
    pub fn new(x: Vec<Vec<f64>>, y: Vec<f64>) -> Self {
        Self {
            x,
            y,
            weights: Vec::new(),
        }
    }

    pub fn features(&self) -> usize {
        self.x[0].len()
    }

    /// The same rows with a column of ones first.
    pub fn with_ones(&self) -> Self {
        let mut other = self.clone();
        other.x.iter_mut().for_each(|row| row.insert(0, 1.0));
        other
    }

    pub fn tiles(&self) -> Tiles {
        let weighted = usize::from(!self.weights.is_empty());
        let columns = self.features() + 1 + weighted;
        let mut tiles = Tiles::new(columns, self.features(), u64::MAX);
        let mut buffer = TileBuffer::new(columns).unwrap();
        for (i, row) in self.x.iter().enumerate() {
            let mut cells = row.clone();
            cells.push(self.y[i]);
            cells.extend(self.weights.get(i));
            buffer.push(&cells);
            if buffer.is_full() {
                tiles.append(buffer.span()).unwrap();
                buffer.clear();
            }
        }
        tiles.append(buffer.span()).unwrap();
        tiles
    }

    pub fn fit(&self, params: LogisticParams) -> LogisticFit {
        self.try_fit(params).unwrap()
    }

    pub fn try_fit(&self, params: LogisticParams) -> pglearn_core::Result<LogisticFit> {
        let tiles = self.tiles();
        let rows = rows_of(&tiles, self.features(), !self.weights.is_empty());
        fit(&params.check()?, &rows, None, &mut Unattended)
    }
}

pub fn rows_of(tiles: &Tiles, features: usize, weighted: bool) -> Rows<'_> {
    Rows {
        tiles,
        range: 0..tiles.rows(),
        features,
        weighted,
    }
}

/// MADlib's example of `logregr_train`: treatment and anxiety, second attack.
pub fn patients() -> Data {
    let rows = [
        [1, 1, 70],
        [1, 1, 50],
        [1, 0, 40],
        [1, 0, 75],
        [1, 0, 70],
        [0, 1, 65],
        [0, 1, 45],
        [0, 1, 40],
        [0, 0, 55],
        [0, 0, 50],
        [1, 1, 80],
        [1, 0, 60],
        [1, 0, 65],
        [1, 0, 80],
        [1, 0, 60],
        [0, 1, 50],
        [0, 1, 35],
        [0, 1, 50],
        [0, 0, 45],
        [0, 0, 60],
    ];
    let x = rows
        .iter()
        .map(|r| vec![f64::from(r[1]), f64::from(r[2])])
        .collect();
    Data::new(x, rows.iter().map(|r| f64::from(r[0])).collect())
}

/// Red wine quality (Cortez et al. 2009) from linfa-datasets: quality of 7 or better.
pub fn wine() -> Data {
    let set = linfa_datasets::winequality();
    let x = set.records.outer_iter().map(|row| row.to_vec()).collect();
    Data::new(
        x,
        set.targets
            .iter()
            .map(|q| f64::from(u8::from(*q >= 7)))
            .collect(),
    )
}

/// The draws of `tests/reference/datasets.py`: 20 hashed bits of a natural number.
fn draw(n: u64) -> u64 {
    let w = (n * 1_664_525) & ((1 << 31) - 1);
    ((w * w) >> 21) & ((1 << 20) - 1)
}

/// The synthetic rows of `tests/reference/datasets.py`.
pub fn synthetic(rows: u64) -> Data {
    let mut data = Data::default();
    for i in 1..=rows {
        let u = |j: u64| (draw(16 * i + j) as f64 - 524_288.0) / 524_288.0;
        let x9 = f64::from(u8::from(u(8) >= 0.0));
        let x10 = (draw(16 * i + 9) >> 18) as f64;
        let signal = 4.0 * u(0) - 2.0 * u(1) + u(2) + 2.0 * u(3) + 2.0 * u(4) - u(5) + u(6) - u(7)
            + x9
            + x10 / 2.0
            - 2.0;
        let noise = u(10) + u(11) + u(12) + u(13);
        data.x.push(vec![
            u(0),
            u(1),
            u(2),
            2000.0 + 8.0 * u(3),
            u(4),
            u(4) + u(5) / 8.0,
            1024.0 * u(6),
            u(7) / 1024.0,
            x9,
            x10,
        ]);
        data.y.push(f64::from(u8::from(signal + 3.0 * noise > 0.0)));
    }
    data
}

/// A stream of uniform numbers in [0, 1).
pub struct Uniform(pub u64);

impl Uniform {
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Rows of `d` uniform features with a logistic label of moderate effects.
pub fn random(rows: usize, d: usize, seed: u64) -> Data {
    let mut uniform = Uniform(seed);
    let mut data = Data::default();
    for _ in 0..rows {
        let x: Vec<f64> = (0..d).map(|_| uniform.next() * 2.0 - 1.0).collect();
        let eta: f64 = x
            .iter()
            .enumerate()
            .map(|(j, v)| v * (1.0 - 0.2 * (j % 10) as f64))
            .sum();
        data.y.push(f64::from(u8::from(
            uniform.next() < 1.0 / (1.0 + (-eta - 0.3).exp()),
        )));
        data.x.push(x);
    }
    data
}

/// Fails unless every pair agrees to `tolerance`, relative.
#[track_caller]
pub fn assert_close(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let off = if g == w { 0.0 } else { (g - w).abs() / w.abs() };
        assert!(
            off <= tolerance,
            "{what}[{i}]: got {g}, expected {w}, off by {off:e}"
        );
    }
}
