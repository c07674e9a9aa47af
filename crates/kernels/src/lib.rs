//! SIMD kernels of pglearn over column tiles, each beside its portable twin, chosen at run time.

/// Whether no cell is NaN or infinite.
#[must_use]
pub fn all_finite(cells: &[f64]) -> bool {
    // 0 * x is NaN for NaN and infinities, else 0; the sum keeps a NaN.
    cells.iter().map(|v| v * 0.0).sum::<f64>() == 0.0
}

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
        if memory.is_null() { None } else { Some(Vec::from_raw_parts(memory, cells, cells)) }
    }
}
