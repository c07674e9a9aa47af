//! The data of the reference numbers: literal, by formula, from linfa-datasets, or from a file.

use std::path::PathBuf;

use pglearn_core::tiles::{Span, TileBuffer};

/// Features (column by column, the constant first) and a target.
pub struct Data {
    pub columns: Vec<Vec<f64>>,
    pub target: Vec<f64>,
}

impl Data {
    /// From rows of features without the constant.
    fn from_rows(rows: impl IntoIterator<Item = (Vec<f64>, f64)>) -> Self {
        let mut data = Self {
            columns: Vec::new(),
            target: Vec::new(),
        };
        for (x, y) in rows {
            data.columns.resize_with(x.len() + 1, Vec::new);
            data.columns[0].push(1.0);
            for (column, value) in data.columns[1..].iter_mut().zip(x) {
                column.push(value);
            }
            data.target.push(y);
        }
        data
    }

    /// One row of features, the constant first.
    pub fn row(&self, index: usize) -> Vec<f64> {
        self.columns.iter().map(|column| column[index]).collect()
    }

    /// Rows tile by tile, the target in the last column, leaving out the first `skip` columns.
    pub fn for_each_span(&self, skip: usize, mut take: impl FnMut(Span<'_>)) {
        let columns = &self.columns[skip..];
        let mut tile = TileBuffer::new(columns.len() + 1).expect("a small tile");
        let mut row = vec![0.0; columns.len() + 1];
        for (index, y) in self.target.iter().enumerate() {
            for (cell, column) in row.iter_mut().zip(columns) {
                *cell = column[index];
            }
            row[columns.len()] = *y;
            tile.push(&row);
            if tile.is_full() {
                take(tile.span());
                tile.clear();
            }
        }
        if tile.rows() > 0 {
            take(tile.span());
        }
    }
}

/// MADlib's example of logregr_train: second attack, treatment, trait anxiety.
const PATIENTS: [[f64; 3]; 20] = [
    [1.0, 1.0, 70.0],
    [1.0, 1.0, 50.0],
    [1.0, 0.0, 40.0],
    [1.0, 0.0, 75.0],
    [1.0, 0.0, 70.0],
    [0.0, 1.0, 65.0],
    [0.0, 1.0, 45.0],
    [0.0, 1.0, 40.0],
    [0.0, 0.0, 55.0],
    [0.0, 0.0, 50.0],
    [1.0, 1.0, 80.0],
    [1.0, 0.0, 60.0],
    [1.0, 0.0, 65.0],
    [1.0, 0.0, 80.0],
    [1.0, 0.0, 60.0],
    [0.0, 1.0, 50.0],
    [0.0, 1.0, 35.0],
    [0.0, 1.0, 50.0],
    [0.0, 0.0, 45.0],
    [0.0, 0.0, 60.0],
];

/// Second attack by treatment and anxiety.
pub fn patients() -> Data {
    Data::from_rows(PATIENTS.map(|[attack, treatment, anxiety]| (vec![treatment, anxiety], attack)))
}

/// Second attack by anxiety, of the patients with that treatment.
pub fn patients_by_treatment(treatment: f64) -> Data {
    let chosen = PATIENTS.iter().filter(|patient| patient[1] == treatment);
    Data::from_rows(chosen.map(|patient| (vec![patient[2]], patient[0])))
}

/// MADlib's example of linregr_train: tax, bedroom, bath, price, size.
const HOUSES: [[f64; 5]; 15] = [
    [590.0, 2.0, 1.0, 50000.0, 770.0],
    [1050.0, 3.0, 2.0, 85000.0, 1410.0],
    [20.0, 3.0, 1.0, 22500.0, 1060.0],
    [870.0, 2.0, 2.0, 90000.0, 1300.0],
    [1320.0, 3.0, 2.0, 133_000.0, 1500.0],
    [1350.0, 2.0, 1.0, 90500.0, 820.0],
    [2790.0, 3.0, 2.5, 260_000.0, 2130.0],
    [680.0, 2.0, 1.0, 142_500.0, 1170.0],
    [1840.0, 3.0, 2.0, 160_000.0, 1500.0],
    [3680.0, 4.0, 2.0, 240_000.0, 2790.0],
    [1660.0, 3.0, 1.0, 87000.0, 1030.0],
    [1620.0, 3.0, 2.0, 118_600.0, 1250.0],
    [3100.0, 3.0, 2.0, 140_000.0, 1760.0],
    [2070.0, 2.0, 3.0, 148_000.0, 1550.0],
    [650.0, 3.0, 1.5, 65000.0, 1450.0],
];

/// Price by tax, bath and size, of all houses or those with so many bedrooms.
pub fn houses(bedrooms: Option<f64>) -> Data {
    let chosen = HOUSES
        .iter()
        .filter(|house| bedrooms.is_none_or(|number| number == house[1]));
    Data::from_rows(chosen.map(|house| (vec![house[0], house[2], house[4]], house[3])))
}

/// Red wine quality of linfa-datasets.
pub fn wine(target: impl Fn(usize) -> f64) -> Data {
    let wine = linfa_datasets::winequality();
    let rows = wine.records().rows().into_iter().zip(wine.targets());
    Data::from_rows(rows.map(|(x, quality)| (x.to_vec(), target(*quality))))
}

/// A customer of the Telco churn data without NULL.
pub struct Customer {
    pub tenure: f64,
    pub monthly: f64,
    pub total: f64,
    pub services: f64,
    pub dummies: [f64; 5],
    pub churn: f64,
}

/// The rows of telco_churn.csv in the folder named by `PGLEARN_DATA`; `None`, said on the terminal, where
/// it is unset.
pub fn telco() -> Option<Vec<Customer>> {
    let Some(folder) = std::env::var_os("PGLEARN_DATA") else {
        eprintln!("skipped: PGLEARN_DATA is unset");
        return None;
    };
    let text = std::fs::read_to_string(PathBuf::from(folder).join("telco_churn.csv"))
        .expect("telco_churn.csv");
    Some(text.lines().skip(1).filter_map(customer).collect())
}

/// One line: id, customer, tenure, monthly, total, services, contract, payment, churn.
fn customer(line: &str) -> Option<Customer> {
    let fields: Vec<&str> = line.trim_end().split(',').collect();
    let number = |index: usize| fields[index].parse::<f64>();
    let is = |index: usize, level: &str| f64::from(u8::from(fields[index] == level));
    Some(Customer {
        tenure: number(2).expect("tenure"),
        monthly: number(3).expect("monthly charges"),
        total: number(4).ok()?,
        services: number(5).expect("number of services"),
        dummies: [
            is(6, "One year"),
            is(6, "Two year"),
            is(7, "Credit card (automatic)"),
            is(7, "Electronic check"),
            is(7, "Mailed check"),
        ],
        churn: is(8, "t"),
    })
}

/// Total charges by everything but churn.
pub fn telco_charges(customers: &[Customer]) -> Data {
    Data::from_rows(customers.iter().map(|c| {
        let mut x = vec![c.tenure, c.monthly, c.services];
        x.extend(c.dummies);
        (x, c.total)
    }))
}

/// Churn by everything.
pub fn telco_churn(customers: &[Customer]) -> Data {
    Data::from_rows(customers.iter().map(|c| {
        let mut x = vec![c.tenure, c.monthly, c.total, c.services];
        x.extend(c.dummies);
        (x, c.churn)
    }))
}

/// 20 hashed bits of a natural number: the formula of `tests/reference/datasets.py`.
pub fn draw(n: u64) -> u64 {
    let w = (n * 1_664_525) & 0x7fff_ffff;
    ((w * w) >> 21) & 0xf_ffff
}

/// What `synthetic` learns.
#[derive(Clone, Copy)]
pub enum Wanted {
    Label,
    Target,
}

/// A million rows by the formula of `tests/reference/datasets.py`, the same doubles as numpy's.
pub fn synthetic(wanted: Wanted) -> Data {
    Data::from_rows((1..=1_000_000).map(|i| {
        let u = |j: u64| (draw(16 * i + j) as f64 - 524_288.0) / 524_288.0;
        let x9 = f64::from(u8::from(u(8) >= 0.0));
        let x10 = (draw(16 * i + 9) >> 18) as f64;
        let x = vec![
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
        ];
        let s = 4.0 * u(0) - 2.0 * u(1) + u(2) + 2.0 * u(3) + 2.0 * u(4) - u(5) + u(6) - u(7)
            + x9
            + x10 / 2.0
            - 2.0;
        let e = u(10) + u(11) + u(12) + u(13);
        let y = match wanted {
            Wanted::Label => f64::from(u8::from(s + 3.0 * e > 0.0)),
            Wanted::Target => s + (1.0 + x9) * e,
        };
        (x, y)
    }))
}

/// The rows of `scores` in `tests/reference/datasets.py`: (score, label, observed, predicted).
pub fn scores(rows: u64) -> impl Iterator<Item = (f64, bool, f64, f64)> {
    (1..=rows).map(|i| {
        let (a, b, c) = (draw(4 * i), draw(4 * i + 1), draw(4 * i + 2));
        let sign = if b & 1 == 1 { -1.0 } else { 1.0 };
        let observed = sign * (1 + (a >> 16)) as f64;
        let predicted = observed + ((c >> 16) as f64 - 8.0) / 4.0;
        (
            (a >> 14) as f64 / 64.0,
            a + b > 1 << 20,
            observed,
            predicted,
        )
    })
}
