//! The extension's SQL script, rendered from the descriptions that pgrx's macros leave in the
//! compiled library. `cargo pgrx schema` does the same; this spares the user that program.

use pgrx_sql_entity_graph::section::{ELF_SECTION_NAME, decode_entities};
use pgrx_sql_entity_graph::{ControlFile, PgrxSql, SqlGraphEntity};

use crate::elf;
use crate::error::{Attempt, Error, Result};

/// The SQL script of the library, given the text of the control file with its version filled in.
pub fn render(library: &[u8], control: &str) -> Result<String> {
    let section =
        elf::section(library, ELF_SECTION_NAME).attempt("reading the compiled extension")?;
    let readable = |error| {
        Error::new(format!(
            "decoding the SQL in the compiled extension: {error}"
        ))
    };
    let control = ControlFile::from_str(control).attempt("pglearn.control")?;
    let mut entities = vec![SqlGraphEntity::ExtensionRoot(control)];
    entities.extend(decode_entities(section).map_err(readable)?);
    let sql =
        PgrxSql::build(entities.into_iter(), "pglearn".to_owned(), false).map_err(readable)?;
    sql.to_sql().map_err(readable)
}
