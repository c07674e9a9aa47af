//! The fixed door of the loop: its tables are written in the name of their owner, who is the extension's.

use crate::pg::catalog_scan::Indexed;
use crate::pg::context::extension_namespace;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{RestrictedUser, Role};
use crate::pg::relation::{Lock, OpenRelation};

/// The role that owns the tables of the loop.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn owner() -> Result<Role> {
    let table = Indexed::find(extension_namespace()?, c"watches", c"watches_pkey")?.table;
    let opened = OpenRelation::open(table, Lock::Read);
    opened
        .map(|relation| relation.owner())
        .ok_or_else(|| Failure::internal("the table watches is gone"))
}

/// Everything runs as that role, restricted, until the scope ends: row-level security shows it all rows.
/// For statements of our own over these tables only.
///
/// # Errors
/// As [`owner`].
pub fn as_owner() -> Result<RestrictedUser> {
    owner().map(RestrictedUser::new)
}
