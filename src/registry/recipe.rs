//! How a version was made, as far as others than the training need it: from which rows, and which of
//! them it never saw.

use crate::pg::error::{Failure, Result};
use crate::pg::parse::{self, Source};
use crate::pg::rows::relations;
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::Value as Json;

/// What to do where the rows that a model was trained on cannot be read again.
pub const GIVE_A_SOURCE: &str = "Give a source.";

/// The recipe of a version.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// Name of the model, for messages.
    pub model: &'a str,
    /// The relation it was trained on, where it was one; it may have been dropped.
    pub relation: Option<pg_sys::Oid>,
    /// As it is stored.
    pub json: &'a Json,
}

impl Recipe<'_> {
    /// The search_path under which its source is understood.
    pub fn search_path(&self) -> &str {
        self.json["search_path"].as_str().unwrap_or_default()
    }

    /// Its source, to be understood under its [`search_path`](Self::search_path): a relation by its OID,
    /// whatever its name is now.
    ///
    /// # Errors
    /// 42P01 for a relation that was dropped, 55000 for a version that keeps no source; those of
    /// [`parse::source`].
    pub fn source(&self) -> Result<Source> {
        let model = self.model;
        if let Some(relation) = self.relation {
            let name = parse::quoted_name(relation);
            if name == "\"\"" {
                let written = self.json["relation"].as_str().unwrap_or("?");
                return Err(Failure::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                    format!(
                        "the relation that model \"{model}\" is trained on does not exist any more"
                    ),
                )
                .detail(format!("It was {written}."))
                .hint(GIVE_A_SOURCE));
            }
            return parse::source("source", &name);
        }
        match self.json["query"].as_str() {
            Some(query) => self.same_relations(parse::source("source", query)?),
            None => Err(Failure::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("model \"{model}\" keeps no source to read again"),
            )
            .detail("It was trained on a temporary table, or it was registered.")
            .hint(GIVE_A_SOURCE)),
        }
    }

    /// Refuses a query whose names mean other relations than when it was stored: a table of the same name
    /// in another schema.
    fn same_relations(&self, source: Source) -> Result<Source> {
        let Some(stored) = self.json["relations"].as_array() else {
            return Ok(source);
        };
        let now = relations(&source)?;
        let stored: Vec<&str> = stored.iter().filter_map(Json::as_str).collect();
        if now == stored {
            return Ok(source);
        }
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!(
                "the query that model \"{}\" is trained on reads other relations now",
                self.model
            ),
        )
        .detail(format!(
            "It read {}, and would read {}.",
            stored.join(", "),
            now.join(", ")
        ))
        .hint(GIVE_A_SOURCE))
    }
}
