//! A model as the one sees it who may change it.

use super::catalog::Catalog;
use super::serving;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, Role};
use crate::pg::sql::{self, Row};
use pgrx::PgSqlErrorCode;

/// Characters of a model's or an alias's name at the most.
const NAME_LENGTH: usize = 63;

/// What to do where the name of a new model is somebody else's.
const TAKEN: &str = "Names are unique in the database: choose another one, or ask its owner.";

/// A model that the current role may train, promote and drop: it owns it, or inherits its owner.
#[derive(Debug, Clone)]
pub struct OwnModel {
    /// Number of the model.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Role,
    /// Seed of its hold-out, fixed by the first training.
    pub seed: i64,
    /// Columns that decide on the side of a row, once a training has fixed them.
    pub split_key: Option<Vec<String>>,
}

impl OwnModel {
    /// The model of a name as the running statement sees it; `None` where there is none.
    ///
    /// # Errors
    /// 42501 where it belongs to somebody else.
    pub fn find(name: &str) -> Result<Option<Self>> {
        let Some(model) = Catalog::find()?.model(name)? else {
            return Ok(None);
        };
        if !identity::has_privileges_of(model.owner) {
            return Err(must_own(name, Some(model.owner)));
        }
        let rows = sql::query(
            "SELECT m.model_id, m.name, m.owner, m.seed, m.split_key FROM {ml}.models AS m \
             WHERE m.model_id OPERATOR(pg_catalog.=) $1",
            &[model.id.into()],
        )?;
        rows.first().map(Self::of).transpose()
    }

    /// [`find`](Self::find), where there must be one.
    ///
    /// # Errors
    /// 42704 where there is none, 42501 where it belongs to somebody else.
    pub fn existing(name: &str) -> Result<Self> {
        match Self::find(name)? {
            Some(model) => Ok(model),
            None => Err(not_mine(name)?),
        }
    }

    /// The model of a name, as it is now and stays until the transaction ends: whoever else wants to
    /// change it waits. Those who predict do not.
    ///
    /// # Errors
    /// 42704 where there is no such model, 42501 where it belongs to somebody else; 40001 under
    /// REPEATABLE READ where it was changed meanwhile.
    pub fn lock(name: &str) -> Result<Self> {
        let rows = sql::returning(
            "SELECT m.model_id, m.name, m.owner, m.seed, m.split_key FROM {ml}.models AS m \
             WHERE m.name OPERATOR(pg_catalog.=) $1 FOR NO KEY UPDATE",
            &[name.into()],
        )?;
        let Some(row) = rows.first() else {
            return Err(not_mine(name)?);
        };
        let model = Self::of(row)?;
        if !identity::has_privileges_of(model.owner) {
            // The owner of the tables sees every row.
            return Err(must_own(name, Some(model.owner)));
        }
        Ok(model)
    }

    /// Refuses a model that nobody owns any more, where work is to be done in its owner's name.
    ///
    /// # Errors
    /// 55000.
    pub fn must_have_an_owner(&self) -> Result<()> {
        if identity::role_name(self.owner).is_some() {
            return Ok(());
        }
        let failure = Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{}\" has no owner", self.name),
        );
        Err(orphaned(failure, &self.name))
    }

    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            owner: row.get(2)?,
            seed: row.get(3)?,
            split_key: row.get(4)?,
        })
    }
}

/// Why the current role cannot change the model of a name.
pub(super) fn not_mine(name: &str) -> Result<Failure> {
    let catalog = Catalog::find()?;
    match catalog.model(name)? {
        // One of its own that was not found has been dropped since this statement began.
        Some(model) if !identity::has_privileges_of(model.owner) => {
            Ok(must_own(name, Some(model.owner)))
        }
        _ => serving::no_model(&catalog, name),
    }
}

/// 42501, for a model of somebody else or of nobody; `owner` where it is known.
#[cold]
pub(super) fn must_own(name: &str, owner: Option<Role>) -> Failure {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of model {name}"),
    );
    match owner.is_none_or(|owner| identity::role_name(owner).is_some()) {
        true => failure,
        false => orphaned(failure, name),
    }
}

/// The refusal of a name for a new model, with what to do about it, where nothing better is known.
#[cold]
pub(super) fn taken(refused: Failure) -> Failure {
    let is_somebodys = refused.code() == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE;
    match is_somebodys && refused.advice().is_none() {
        true => refused.hint(TAKEN),
        false => refused,
    }
}

/// Says what to do about a model that nobody owns any more.
#[cold]
pub(super) fn orphaned(failure: Failure, name: &str) -> Failure {
    failure
        .detail("The role that owned it does not exist any more.")
        .hint(format!(
            "A superuser can give it a new owner: UPDATE {}.models SET owner = 'role' WHERE name = {};",
            crate::pg::context::extension_schema(),
            pgrx::spi::quote_literal(name)
        ))
}

/// Refuses what cannot be the name of a model.
///
/// # Errors
/// 42602 with the rule.
pub fn check_name(name: &str) -> Result<()> {
    let problem = if name.is_empty() {
        "It is empty."
    } else if name.chars().count() > NAME_LENGTH {
        "It has more than 63 characters."
    } else if name.contains('@') {
        "\"@\" separates the name from an alias or a version."
    } else if name.contains(|c: char| c.is_ascii_control()) {
        "It has a control character."
    } else {
        return Ok(());
    };
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_INVALID_NAME,
        format!(
            "invalid name of a model: \"{}\"",
            crate::pg::parse::excerpt(name)
        ),
    )
    .detail(problem)
    .hint("Up to 63 characters, without \"@\" and control characters."))
}
