//! `retrain`: the stored recipe on current data.

use super::arguments::Arguments;
use super::model::Newest;
use super::train::{Trained, train};
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, RestrictedUser};
use crate::registry::model::OwnModel;
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;

/// Trains a new version of a model as the newest one was trained, with the rights of the model's owner,
/// restricted, whoever calls: what it may read does not depend on the caller.
///
/// With a gate the alias champion moves to it if it passes.
///
/// # Errors
/// 42704 and 42501 for the model, 55000 where there is no version; those of [`train`].
pub fn retrain(model: &str, gate: Option<Json>) -> Result<Trained> {
    let own = OwnModel::find(model)?.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("model \"{model}\" does not exist"),
        )
        .hint("Train it first: retrain repeats what its newest version did.")
    })?;
    own.must_have_an_owner()?;
    let newest = Newest::find(own.id)?.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{model}\" has no version whose recipe could be used"),
        )
        .hint("Train it.")
    })?;
    let mut arguments = Arguments::from_recipe(model, &newest.recipe)?;
    // By OID, or under the search_path of the recipe.
    arguments.source = None;
    arguments.alias = gate.as_ref().map(|_| "champion".to_owned());
    arguments.gate = gate;
    // Restricted too where the caller has taken the owner's role on: the source may call functions of
    // others, and SET ROLE goes back.
    if own.owner == identity::current_role() && identity::is_session_user() {
        return train(arguments);
    }
    let _owner = RestrictedUser::new(own.owner);
    train(arguments)
}
