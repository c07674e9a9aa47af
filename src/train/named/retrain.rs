//! `retrain`: the stored recipe on current data, with the inputs of the version that serves.

use super::arguments::Arguments;
use super::model::Template;
use super::train::{Trained, train};
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, RestrictedUser, Role};
use crate::registry::catalog::CHAMPION;
use crate::registry::model::OwnModel;
use crate::registry::recipe::GIVE_A_SOURCE;
use pgrx::PgSqlErrorCode;
use serde_json::{Value as Json, json};

/// What a retraining of a model does, and in whose name.
pub struct Again {
    /// The model's owner: whoever asks, its rights decide what may be read.
    pub owner: Role,
    /// Those of the version that serves.
    pub arguments: Arguments,
}

impl Again {
    /// Reads the recipe of the version that serves, the champion or the newest one. With a gate the alias champion moves to the new one if it
    /// passes.
    ///
    /// # Errors
    /// 42704 and 42501 for the model, 55000 where it has no owner or no version that was trained.
    pub fn find(model: &str, gate: Option<Json>) -> Result<Self> {
        let own = find(model)?;
        let template = Template::serving(own.id)?.ok_or_else(|| {
            Failure::new(
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                format!("model \"{model}\" has no version whose recipe could be used"),
            )
            .hint("Train it.")
        })?;
        let mut arguments = Arguments::from_recipe(model, &template.recipe)?;
        arguments.keep_inputs(&template.recipe);
        arguments.again = true;
        // By OID, or under the search_path of the recipe.
        arguments.source = None;
        arguments.alias = gate.as_ref().map(|_| CHAMPION.to_owned());
        arguments.gate = gate;
        Ok(Self {
            owner: own.owner,
            arguments,
        })
    }

    /// The same in the background, where nobody looks at the new version before it serves: without a gate
    /// of its own it must not be worse than the one that serves.
    ///
    /// # Errors
    /// As [`Self::find`]; 55000 for a model that holds out no rows to compare on.
    pub fn find_gated(model: &str, gate: Option<Json>) -> Result<Self> {
        let given = gate.is_some();
        let again = Self::find(model, Some(gate.unwrap_or_else(|| json!({}))))?;
        if given || again.arguments.split["method"] != "none" {
            return Ok(again);
        }
        let literal = pgrx::spi::quote_literal(model);
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{model}\" holds out no rows on which a new version could be compared"),
        )
        .detail("Its split method is none; in the background a new version serves only if it is not worse.")
        .hint(format!(
            "SELECT * FROM {}.retrain({literal}, async => false) trains one without comparing.",
            extension_schema()
        )))
    }

    /// Runs `work` with the rights of the model's owner, restricted also where the caller has taken the
    /// owner's role on: the source may call functions of others, and SET ROLE goes back.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn with_owners_rights<T>(self, work: impl FnOnce(Arguments) -> Result<T>) -> Result<T> {
        let own = self.owner == identity::current_role() && identity::is_session_user();
        let _owner = (!own).then(|| RestrictedUser::new(self.owner));
        let schema = extension_schema();
        let model = pgrx::spi::quote_literal(&self.arguments.model);
        let target = self
            .arguments
            .target
            .as_deref()
            .map(pgrx::spi::quote_literal);
        work(self.arguments).map_err(|failure| {
            // Neither inputs nor source were the caller's to name.
            let inputs = failure.code() == PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN
                && failure.message().starts_with("features:");
            if inputs {
                return failure.hint(format!(
                    "A retraining reads the columns that the version in service was trained with. SELECT * FROM {schema}.train({model}); chooses them anew."
                ));
            }
            match target.filter(|_| failure.advice() == Some(GIVE_A_SOURCE)) {
                Some(target) => failure.hint(format!(
                    "SELECT * FROM {schema}.train({model}, 'another_source', {target}); learns from another one."
                )),
                None => failure,
            }
        })
    }
}

/// The model that is to be trained again.
///
/// # Errors
/// 42704, 42501, 55000.
pub fn find(model: &str) -> Result<OwnModel> {
    let own = OwnModel::find(model)?.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("model \"{model}\" does not exist"),
        )
        .hint("Train it first: retrain repeats how the version that serves was trained.")
    })?;
    own.must_have_an_owner()?;
    Ok(own)
}

/// Trains a new version of a model as the one that serves was trained, in the caller's transaction.
///
/// # Errors
/// Those of [`Again::find`] and [`train`].
pub fn retrain(model: &str, gate: Option<Json>) -> Result<Trained> {
    Again::find(model, gate)?.with_owners_rights(train)
}
