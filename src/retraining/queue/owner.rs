//! As whom the queue is written.

use crate::pg::context::extension_namespace;
use crate::pg::error::{Failure, Result};
use crate::pg::heap_insert::Table;
use crate::pg::identity::{RestrictedUser, Role};
use crate::pg::relation::{Lock, OpenRelation};

/// The role that owns the tables of the retraining loop.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn catalog_owner() -> Result<Role> {
    let jobs = Table::find(extension_namespace()?, c"jobs")?;
    OpenRelation::open(jobs.oid(), Lock::Read)
        .map(|jobs| jobs.owner())
        .ok_or_else(|| Failure::internal("table jobs is missing"))
}

/// Runs statements over the queue as its owner, restricted.
pub(super) fn as_owner<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _owner = RestrictedUser::new(catalog_owner()?);
    work()
}
