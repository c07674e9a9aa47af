//! What the trigger of a number may do, and in whose name: a row of the table `scorings`.

use crate::pg::catalog_scan::{Indexed, Key, Order, Scan};
use crate::pg::context::extension_namespace;
use crate::pg::error::Result;
use pgrx::pg_sys::Oid;

// Columns in the order of sql/catalog/score_on_insert.sql.
const ID: i16 = 1;
const RELATION: i16 = 2;
const MODEL: i16 = 3;
const KEY: i16 = 4;
const INTO: i16 = 5;
const ON_ERROR: i16 = 6;
const INSTALLER: i16 = 7;

/// What a role has consented to.
#[derive(Debug)]
pub struct Consent {
    /// The relation whose rows are scored.
    relation: Oid,
    /// A reference to the model.
    pub model: String,
    /// The column that names a row.
    pub key: String,
    /// The table of the predictions.
    pub into_table: Oid,
    /// Whether a failure is a WARNING.
    pub warn: bool,
    /// The role.
    pub installer: Oid,
}

impl Consent {
    /// The consent of a number to scoring a relation, whoever the current user is: the writer needs
    /// no rights on what happens behind the insert.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn find(id: i64, relation: Oid) -> Result<Option<Self>> {
        let table = Indexed::find(extension_namespace()?, c"scorings", c"scorings_pkey")?;
        let mut scan = Scan::new(table, &[(ID, Key::BigInt(id))], Order::Forward)?;
        let found = scan.next().map(|row| Self {
            relation: row.oid(RELATION),
            model: row.text(MODEL).unwrap_or_default().to_owned(),
            key: row.text(KEY).unwrap_or_default().to_owned(),
            into_table: row.oid(INTO),
            warn: row.text(ON_ERROR) == Some("warn"),
            installer: row.oid(INSTALLER),
        });
        Ok(found.filter(|consent| consent.relation == relation))
    }
}
