//! The log of changes after a restore.

use crate::pg::entry_point;
use crate::pg::restore::set_column;
use crate::pg::snapshot::{own_transaction, xid_cell};

entry_point!(
    /// `restored_change() -> trigger`: what a dump brings was changed by the transaction that restores it.
    pglearn_restored_change,
    pg_finfo_pglearn_restored_change,
    |call| set_column(call, c"xid", xid_cell(own_transaction()))
);
