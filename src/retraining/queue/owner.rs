//! As whom the queue is read and written.

use crate::pg::context::SettingScope;
use crate::pg::error::Result;
use crate::retraining::catalog;

/// Runs statements over the queue as the owner of the table, restricted. Times travel as text, in a form
/// that is read as it was written.
pub(super) fn as_owner<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _owner = catalog::as_owner()?;
    let _style = SettingScope::new(&[(c"datestyle", c"ISO"), (c"intervalstyle", c"postgres")]);
    work()
}
