//! In which database a job was queued.

use crate::pg::entry_point;
use crate::pg::error::Result;
use crate::pg::table::Cell;

/// Identifies this database among all databases of all servers: jobs that a dump carried elsewhere are
/// told apart by it.
pub fn home() -> i64 {
    crate::pg::context::database_identity()
}

entry_point!(
    /// `job_home() -> bigint`
    pglearn_job_home,
    pg_finfo_pglearn_job_home,
    |_call| -> Result<Option<Cell>> { Ok(Some(Cell::BigInt(home()))) }
);
