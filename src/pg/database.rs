//! The databases of the server.

use super::error::Result;
use pgrx::pg_sys;

/// `datconnlimit` of a database whose DROP was interrupted.
const INVALID: i32 = -2;

/// The databases that take connections, templates left out.
///
/// # Errors
/// None of its own: it is for [`in_transaction`](super::transaction::in_transaction).
pub fn connectable() -> Result<Vec<pg_sys::Oid>> {
    let mut databases = Vec::new();
    // SAFETY: a scan of a catalog that is shared by all databases, which can be read in a process that is
    // connected to none; its rows begin with the fields of the struct.
    unsafe {
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::DatabaseRelationId, lock);
        let scan = pg_sys::table_beginscan_catalog(relation, 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            let database = &*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            if database.datallowconn && !database.datistemplate && database.datconnlimit != INVALID
            {
                databases.push(database.oid);
            }
        }
        pg_sys::heap_endscan(scan);
        pg_sys::table_close(relation, lock);
    }
    databases.sort_unstable_by_key(|oid| oid.to_u32());
    Ok(databases)
}
