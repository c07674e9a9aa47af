//! PostgreSQL's `List` seen as a slice.

use pgrx::pg_sys;

/// The pointers of a list of nodes (none for a NULL list).
pub fn pointers<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: a non-NULL List of the parser or planner holds `length` pointer cells.
    unsafe {
        std::slice::from_raw_parts((*list).elements, (*list).length as usize)
            .iter()
            .map(|cell| cell.ptr_value.cast())
            .collect()
    }
}
