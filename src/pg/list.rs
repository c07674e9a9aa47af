//! PostgreSQL's `List` seen as a slice.

use pgrx::pg_sys;

/// The pointers of a list of nodes (none for a NULL list).
///
/// # Safety
/// `list` is NULL or a List of pointers, as the parser and the planner make them.
pub unsafe fn pointers<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller says, it holds `length` pointer cells.
    unsafe {
        std::slice::from_raw_parts((*list).elements, (*list).length as usize)
            .iter()
            .map(|cell| cell.ptr_value.cast())
            .collect()
    }
}

/// The OIDs of a list of them (none for a NULL list).
///
/// # Safety
/// `list` is NULL or a List of OIDs.
pub unsafe fn oids(list: *mut pg_sys::List) -> Vec<pg_sys::Oid> {
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: as the caller says, it holds `length` OID cells.
    unsafe {
        std::slice::from_raw_parts((*list).elements, (*list).length as usize)
            .iter()
            .map(|cell| cell.oid_value)
            .collect()
    }
}
