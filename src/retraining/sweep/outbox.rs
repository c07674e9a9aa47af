//! Notifications of transactions that were prepared: sent once those have been committed.

use crate::pg::at_commit;
use crate::pg::error::Result;
use crate::pg::sql;
use crate::retraining::catalog;

/// Sends what is there, when the running transaction commits; what another transaction is sending is left
/// to it.
///
/// # Errors
/// Those of the statement.
pub fn send() -> Result<()> {
    let taken = {
        let _owner = catalog::as_owner()?;
        sql::returning(
            "WITH taken AS (
                DELETE FROM {ml}.outbox AS o WHERE o.outbox_id OPERATOR(pg_catalog.=) ANY (ARRAY(
                    SELECT p.outbox_id FROM {ml}.outbox AS p ORDER BY p.outbox_id LIMIT 1000 FOR UPDATE SKIP LOCKED))
                RETURNING o.outbox_id, o.channel, o.payload)
             SELECT t.channel, t.payload FROM taken AS t ORDER BY t.outbox_id",
            &[],
        )?
    };
    for row in taken {
        at_commit::notify(row.get(0)?, row.get(1)?)?;
    }
    Ok(())
}
