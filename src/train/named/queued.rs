//! Trainings for the background: checked as far as can be without reading a row, then queued.

use super::arguments::Arguments;
use super::record::Origin;
use super::request::Request;
use super::retrain::Again;
use crate::pg::context::{SettingScope, database_identity, refuse_read_only};
use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity;
use crate::pg::relation::{Lock, OpenRelation};
use crate::pg::rows::temporary_relation;
use crate::registry::recipe::Recipe;
use crate::retraining::queue::{Kind, NewJob, enqueue};
use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::{Value as Json, json};

/// A training that was queued.
#[derive(Debug)]
pub struct Queued {
    /// Name of the model.
    pub model: String,
    /// The job.
    pub job_id: i64,
}

/// Queues a call of `train`, which will run as the current role.
///
/// What a name means is decided now: the source is kept by its OID, a query with the relations that it
/// names, everything else with the search_path in force.
///
/// # Errors
/// Those of [`Request::new`]; 0A000 for a source that only this session sees.
pub fn train_later(arguments: Arguments) -> Result<Queued> {
    refuse_read_only(c"train()");
    let (request, _path) = Request::new(arguments)?;
    refuse_temporary(&request)?;
    let origin = Origin::of(&request)?;
    let mut payload = origin.recipe;
    payload["arguments"] = request.arguments.to_json();
    if let Some(relation) = origin.relation {
        payload["relation_oid"] = json!(relation.to_u32());
        payload["home"] = json!(database_identity());
    }
    let model = request.arguments.model;
    let role = identity::current_role();
    let enqueued = enqueue(&NewJob::new(Kind::Train, &model, role, &payload))?;
    Ok(Queued {
        job_id: enqueued.job_id,
        model,
    })
}

/// Queues a retraining of a model, which will run as the current role.
///
/// # Errors
/// Those of [`check_retraining`].
pub fn retrain_later(model: &str, gate: Option<Json>) -> Result<Queued> {
    refuse_read_only(c"retrain()");
    check_retraining(model, gate.clone())?;
    let payload = match gate {
        Some(gate) => json!({ "gate": gate }),
        None => json!({}),
    };
    let role = identity::current_role();
    let enqueued = enqueue(&NewJob::new(Kind::Retrain, model, role, &payload))?;
    if !enqueued.created {
        notice(&format!(
            "job {} retrains model \"{model}\" already",
            enqueued.job_id
        ));
    }
    Ok(Queued {
        job_id: enqueued.job_id,
        model: model.to_owned(),
    })
}

/// Refuses a model that could not be retrained in the background as things are, without reading a row.
///
/// # Errors
/// Those of [`Again::find_gated`] and [`Request::new`]; 0A000 for a source that only this session sees.
pub fn check_retraining(model: &str, gate: Option<Json>) -> Result<()> {
    Again::find_gated(model, gate)?
        .with_owners_rights(|arguments| refuse_temporary(&Request::new(arguments)?.0))
}

/// The arguments of a queued call of `train`, with the search_path under which they are understood.
///
/// # Errors
/// XX001 for a payload that was not made here; those of [`Recipe::source`].
pub fn arguments(model: &str, payload: &Json) -> Result<(Arguments, SettingScope)> {
    let mut arguments = Arguments::from_job(model, payload)?;
    let recipe = Recipe {
        model,
        relation: relation(payload),
        json: payload,
    };
    let path = identity::search_path(recipe.search_path())?;
    arguments.source = Some(match (recipe.relation, payload["relation"].as_str()) {
        // It came with a dump: here it has another OID.
        (None, Some(name)) => name.to_owned(),
        _ => recipe.source()?.written,
    });
    Ok((arguments, path))
}

/// The OID of the source, where it is one of this database.
fn relation(payload: &Json) -> Option<pg_sys::Oid> {
    if payload["home"].as_i64() != Some(database_identity()) {
        return None;
    }
    let oid = payload["relation_oid"].as_u64()?;
    u32::try_from(oid).ok().map(pg_sys::Oid::from)
}

/// A job runs in another session.
fn refuse_temporary(request: &Request) -> Result<()> {
    let Some(relation) = temporary_relation(&request.source)? else {
        return Ok(());
    };
    let name = OpenRelation::open(relation, Lock::Read).map(|relation| relation.name());
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!(
            "relation {} is temporary: no background worker can read it",
            name.unwrap_or_default()
        ),
    )
    .hint("Run it in this session: async => false."))
}
