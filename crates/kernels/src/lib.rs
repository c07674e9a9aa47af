//! SIMD kernels of pglearn over column tiles, each beside its portable twin, chosen at run time.
//!
//! A kernel is written once, over vectors of any width; `path` compiles it for AVX-512, for AVX2
//! and for what the target has in any case, and picks by what the processor says it can. Matrices
//! are column-major, cell (row, column) being `x[column * stride + row]`; nothing past a column's
//! last row is read. The same input on the same path gives the same bits. What may take longer than a few
//! milliseconds calls a `tick` that can end it.

mod block;
mod chosen;
mod dot;
mod elementary;
mod fold;
mod logistic;
mod pace;
mod path;
#[cfg(test)]
mod plain;
mod predictor;
mod products;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use chosen::{Look, Seen, look};
pub use dot::{SHORT as SHORT_DOT, all_finite, dot, dot_bytes, dot_each};
pub use elementary::{exp_in_place, log_1p_in_place, logistic_in_place};
pub use fold::fold_rows;
pub use logistic::{LogisticSpan, LogisticSums, Scratch, logistic_pass};
pub use predictor::linear_predictor;
pub use products::{WeightedSpan, weighted_products};

/// Zeroed cells straight from the allocator (pages stay untouched until used), or `None`.
#[must_use]
pub fn try_zeroed(cells: usize) -> Option<Vec<f64>> {
    let layout = std::alloc::Layout::array::<f64>(cells).ok()?;
    if layout.size() == 0 {
        return Some(Vec::new());
    }
    // SAFETY: the layout has a non-zero size; all-zero bytes are valid f64; the vector takes over
    // exactly the allocation that `alloc_zeroed` made, with the global allocator and this layout.
    unsafe {
        let memory = std::alloc::alloc_zeroed(layout).cast::<f64>();
        if memory.is_null() {
            None
        } else {
            Some(Vec::from_raw_parts(memory, cells, cells))
        }
    }
}
