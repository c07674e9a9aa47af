//! Register blocks: the scalar products of a few columns with a few others, and their combination.

use crate::vector::Vector;

/// Rows handled together: the columns of a block then stay in the first-level cache.
pub const ROWS: usize = 256;
/// Columns on a side of the widest register block.
pub const WIDEST: usize = 4;
/// One cell per pair of columns of a register block.
pub type Pairs = [[f64; WIDEST]; WIDEST];

/// Columns of equal length at equal distances.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// Cell (row, column) is `cells[column * stride + row]`.
    pub cells: &'a [f64],
    /// Distance between two columns.
    pub stride: usize,
}

impl<'a> Columns<'a> {
    /// `rows` cells of each of `N` columns from `first` on.
    #[inline(always)]
    fn take<const N: usize>(self, first: usize, rows: usize) -> [&'a [f64]; N] {
        std::array::from_fn(|column| &self.cells[(first + column) * self.stride..][..rows])
    }
}

/// The scalar products of `counts.0` columns of `a` with `counts.1` columns of `b`, from column
/// `first.0` and `first.1` on, over the first `rows` rows. Both counts are at most `V::BLOCK`.
#[inline(always)]
pub fn dots<V: Vector>(
    a: Columns<'_>,
    b: Columns<'_>,
    first: (usize, usize),
    counts: (usize, usize),
    rows: usize,
) -> Pairs {
    macro_rules! choose {
        ($($i:literal $j:literal),*) => {
            match counts {
                $(($i, $j) if usize::max($i, $j) <= V::BLOCK => {
                    dots_of::<V, $i, $j>(a.take(first.0, rows), b.take(first.1, rows))
                })*
                _ => Pairs::default(),
            }
        };
    }
    choose!(
        1 1, 1 2, 1 3, 1 4, 2 1, 2 2, 2 3, 2 4, 3 1, 3 2, 3 3, 3 4, 4 1, 4 2, 4 3, 4 4
    )
}

#[inline(always)]
fn dots_of<V: Vector, const I: usize, const J: usize>(a: [&[f64]; I], b: [&[f64]; J]) -> Pairs {
    let rows = a[0].len();
    debug_assert!(a.iter().chain(&b).all(|column| column.len() == rows));
    let whole = rows - rows % V::LANES;
    let mut sums = [[V::splat(0.0); J]; I];
    macro_rules! step {
        ($load:expr) => {
            // Loops rather than closures over arrays of vectors: a closure that is not inlined is
            // compiled without the instruction set.
            let mut right = [V::splat(0.0); J];
            for j in 0..J {
                right[j] = $load(b[j]);
            }
            for i in 0..I {
                let left: V = $load(a[i]);
                for j in 0..J {
                    sums[i][j] = left.mul_add(right[j], sums[i][j]);
                }
            }
        };
    }
    for at in (0..whole).step_by(V::LANES) {
        // SAFETY: every column has `whole` cells and more, and `at + LANES` is at most `whole`.
        step!(|column: &[f64]| unsafe { V::load(column.as_ptr().add(at)) });
    }
    if whole < rows {
        step!(|column: &[f64]| V::read(column, whole));
    }
    let mut pairs = Pairs::default();
    for i in 0..I {
        let mut four = [V::splat(0.0); WIDEST];
        for (cell, sum) in four.iter_mut().zip(&sums[i]) {
            *cell = *sum;
        }
        pairs[i] = V::sums(four);
    }
    pairs
}

/// Subtracts combinations of `counts.0` columns of `cells`, from column `first.0` on, from the
/// `counts.1` columns from `first.1` on: column j loses the sum over i of `factors[i][j]` times
/// column i. `shape` is the distance between columns and the number of rows. The columns changed
/// lie behind those combined; both counts are at most `V::BLOCK`.
#[inline(always)]
pub fn subtract<V: Vector>(
    cells: &mut [f64],
    shape: (usize, usize),
    first: (usize, usize),
    counts: (usize, usize),
    factors: &Pairs,
) {
    let (stride, rows) = shape;
    let (left, right) = cells.split_at_mut(first.1 * stride);
    let left = Columns {
        cells: left,
        stride,
    };
    macro_rules! choose {
        ($($i:literal $j:literal),*) => {
            match counts {
                $(($i, $j) if usize::max($i, $j) <= V::BLOCK => {
                    let ranges = std::array::from_fn(|j| j * stride..j * stride + rows);
                    // Columns never overlap, so there is always a split.
                    if let Ok(targets) = right.get_disjoint_mut::<_, $j>(ranges) {
                        subtract_of::<V, $i, $j>(left.take(first.0, rows), factors, targets);
                    }
                })*
                _ => {}
            }
        };
    }
    choose!(1 1, 2 1, 2 2, 3 1, 3 2, 3 3, 4 1, 4 2, 4 3, 4 4)
}

#[inline(always)]
fn subtract_of<V: Vector, const I: usize, const J: usize>(
    sources: [&[f64]; I],
    factors: &Pairs,
    targets: [&mut [f64]; J],
) {
    let rows = sources[0].len();
    debug_assert!(sources.iter().all(|column| column.len() == rows));
    debug_assert!(targets.iter().all(|column| column.len() == rows));
    let mut vectors = [[V::splat(0.0); J]; I];
    for i in 0..I {
        for j in 0..J {
            vectors[i][j] = V::splat(factors[i][j]);
        }
    }
    let whole = rows - rows % V::LANES;
    for at in (0..whole).step_by(V::LANES) {
        // SAFETY: every column has `whole` cells and more, and `at + LANES` is at most `whole`.
        unsafe {
            let mut left = [V::splat(0.0); I];
            for i in 0..I {
                left[i] = V::load(sources[i].as_ptr().add(at));
            }
            for j in 0..J {
                let mut value = V::load(targets[j].as_ptr().add(at));
                for i in 0..I {
                    value = value.sub_mul(left[i], vectors[i][j]);
                }
                value.store(targets[j].as_mut_ptr().add(at));
            }
        }
    }
    if whole < rows {
        for (j, target) in targets.into_iter().enumerate() {
            let mut value = V::read(target, whole);
            for i in 0..I {
                value = value.sub_mul(V::read(sources[i], whole), vectors[i][j]);
            }
            value.write(target, whole);
        }
    }
}
