//! A job is queued.

use super::job::Kind;
use super::owner::as_owner;
use super::vouch::objection;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{self, Role};
use crate::pg::lock::{self, Name};
use crate::pg::{at_commit, sql};
use crate::registry::catalog::{Catalog, Model};
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;

/// A job to be queued.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'a> {
    /// Name of the model.
    pub model: &'a str,
    /// What it does.
    pub kind: Kind,
    /// As whom: the caller vouches that whoever asks for the job may act as this role.
    pub run_as: Role,
    /// Its arguments, a JSON object.
    pub payload: &'a Json,
    /// The watch that asks for it.
    pub watch_id: Option<i64>,
    /// The least time from the start of the watch's last job, as text of an interval.
    pub min_interval: Option<&'a str>,
    /// Not before this time, as text of a `timestamptz`.
    pub not_before: Option<&'a str>,
    /// How often it is begun at the most.
    pub max_attempts: Option<i32>,
    /// The longest that an attempt may take, as text of an interval.
    pub timeout: Option<&'a str>,
    /// kB that it may use for its rows.
    pub max_memory: Option<i64>,
}

impl<'a> NewJob<'a> {
    /// A job without a watch and without limits of its own.
    pub fn new(kind: Kind, model: &'a str, run_as: Role, payload: &'a Json) -> Self {
        Self {
            model,
            kind,
            run_as,
            payload,
            watch_id: None,
            min_interval: None,
            not_before: None,
            max_attempts: None,
            timeout: None,
            max_memory: None,
        }
    }

    /// Whether any queued retraining of the model does what is asked for.
    fn is_plain(&self) -> bool {
        let options = self.payload.as_object().is_some_and(|o| !o.is_empty());
        !options
            && self.not_before.is_none()
            && self.max_attempts.is_none()
            && self.timeout.is_none()
            && self.max_memory.is_none()
    }
}

/// What became of the wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job that does it.
    pub job_id: i64,
    /// Whether it is a new one.
    pub created: bool,
}

/// Queues a job, and wakes a worker when the transaction commits. Where a retraining of the model is
/// queued already, that one is meant: by a watch and by a wish without options whatever its own options are,
/// else where they are the same; but not what somebody put off to a later time on purpose. What
/// `min_interval` or a failed attempt put off is moved forward for a wish.
///
/// It waits for nobody, and for a watch it updates nothing, so that a writer under REPEATABLE READ is
/// safe. `Err` comes before anything is written.
///
/// # Errors
/// 42704 for a retraining of a model that does not exist, 42501 where `run_as` may not train it, 55000
/// where it has no owner any more; 42501 for a role whose jobs are not run here.
pub fn enqueue(new: &NewJob<'_>) -> Result<Enqueued> {
    let owner = check(new)?;
    let alone = lock::try_for_transaction(Name::Model(new.model));
    let enqueued = as_owner(|| {
        if let Some(objection) = objection(new.run_as)? {
            return Err(objection);
        }
        let not_before = not_before(new)?;
        if alone
            && new.kind == Kind::Retrain
            && let Some(owner) = owner
            && let Some(job_id) = queued(new, &not_before, owner)?
        {
            return Ok(Enqueued {
                job_id,
                created: false,
            });
        }
        insert(new, &not_before)
    })?;
    at_commit::wake_worker();
    Ok(enqueued)
}

/// Refuses a job that could never run; gives the owner of the model, if it exists.
fn check(new: &NewJob<'_>) -> Result<Option<Role>> {
    let role = identity::role_name(new.run_as);
    if role.is_none() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!(
                "the role that is to train model \"{}\" does not exist any more",
                new.model
            ),
        ));
    }
    match Catalog::find()?.model(new.model)? {
        Some(model) => trainable(&model, new.run_as).map(|()| Some(model.owner)),
        None if new.kind == Kind::Train => Ok(None),
        None => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("model \"{}\" does not exist", new.model),
        )
        .hint("Train it first: a retraining repeats how the version that serves was trained.")),
    }
}

/// Whether a role may train new versions of a model.
fn trainable(model: &Model, role: Role) -> Result<()> {
    if model.is_orphan() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{}\" has no owner", model.name),
        ));
    }
    if identity::role_has_privileges_of(role, model.owner) {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of model {}", model.name),
    )
    .detail(format!(
        "The job would run as {}.",
        identity::role_name(role).unwrap_or_default()
    )))
}

/// The time from which it may begin, as text.
fn not_before(new: &NewJob<'_>) -> Result<String> {
    let rows = sql::latest(
        "SELECT GREATEST(pg_catalog.clock_timestamp(), $1::pg_catalog.timestamptz, \
            (SELECT pg_catalog.max(j.started_at) OPERATOR(pg_catalog.+) $3::pg_catalog.interval \
               FROM {ml}.jobs AS j \
              WHERE j.watch_id OPERATOR(pg_catalog.=) $2))::pg_catalog.text",
        &[
            new.not_before.into(),
            new.watch_id.into(),
            new.min_interval.into(),
        ],
    )?;
    rows.first()
        .ok_or_else(|| Failure::internal("a SELECT without FROM gave no row"))?
        .get(0)
}

/// The queued retraining that does what is asked for, moved forward where no watch asks.
///
/// A wish is met by jobs that who asks may see and cancel, a watch by all that may train the model still.
fn queued(new: &NewJob<'_>, not_before: &str, owner: Role) -> Result<Option<i64>> {
    let watched = new.watch_id.is_some();
    let payload = new.payload.to_string();
    let rows = sql::latest(
        "SELECT j.job_id FROM {ml}.jobs AS j \
          WHERE j.model OPERATOR(pg_catalog.=) $1 AND j.state OPERATOR(pg_catalog.=) 'queued' \
            AND j.kind OPERATOR(pg_catalog.=) 'retrain' AND j.home OPERATOR(pg_catalog.=) {ml}.job_home() \
            AND pg_catalog.pg_has_role(j.run_as::pg_catalog.oid, $9, 'USAGE') \
            AND ($2 OR pg_catalog.pg_has_role($10, j.run_as::pg_catalog.oid, 'USAGE')) \
            AND (j.watch_id IS NOT NULL OR j.attempts OPERATOR(pg_catalog.>) 0 \
                 OR j.not_before OPERATOR(pg_catalog.<=) $3::pg_catalog.timestamptz) \
            AND ($2 OR $4 OR j.payload OPERATOR(pg_catalog.=) $5::pg_catalog.jsonb \
                 AND j.max_attempts OPERATOR(pg_catalog.=) coalesce($6, 3) \
                 AND j.timeout IS NOT DISTINCT FROM $7::pg_catalog.interval \
                 AND j.max_memory IS NOT DISTINCT FROM $8) \
          ORDER BY j.not_before, j.job_id LIMIT 1",
        &[
            new.model.into(),
            watched.into(),
            not_before.into(),
            new.is_plain().into(),
            (&payload).into(),
            new.max_attempts.into(),
            new.timeout.into(),
            new.max_memory.into(),
            sql::Param::Oid(Some(owner)),
            sql::Param::Oid(Some(new.run_as)),
        ],
    )?;
    let Some(job_id) = rows.first().map(|row| row.get(0)).transpose()? else {
        return Ok(None);
    };
    if watched {
        return Ok(Some(job_id));
    }
    // Also where the time stays: who runs it under an older snapshot sees that it was meant anew.
    let rows = sql::returning(
        "UPDATE {ml}.jobs AS j SET not_before = LEAST(j.not_before, $2::pg_catalog.timestamptz) \
          WHERE j.job_id OPERATOR(pg_catalog.=) \
                (SELECT q.job_id FROM {ml}.jobs AS q WHERE q.job_id OPERATOR(pg_catalog.=) $1 \
                    AND q.state OPERATOR(pg_catalog.=) 'queued' FOR UPDATE SKIP LOCKED) \
         RETURNING j.job_id",
        &[job_id.into(), not_before.into()],
    )?;
    rows.first().map(|row| row.get(0)).transpose()
}

fn insert(new: &NewJob<'_>, not_before: &str) -> Result<Enqueued> {
    let payload = new.payload.to_string();
    let rows = sql::returning(
        "INSERT INTO {ml}.jobs (model, kind, run_as, payload, watch_id, not_before, max_attempts, timeout, max_memory) \
         VALUES ($1, $2, $3, $4::pg_catalog.jsonb, $5, $6::pg_catalog.timestamptz, coalesce($7, 3), \
                 $8::pg_catalog.interval, $9) RETURNING job_id",
        &[
            new.model.into(),
            new.kind.name().into(),
            sql::Param::Role(Some(new.run_as)),
            (&payload).into(),
            new.watch_id.into(),
            not_before.into(),
            new.max_attempts.into(),
            new.timeout.into(),
            new.max_memory.into(),
        ],
    )?;
    let row = rows
        .first()
        .ok_or_else(|| Failure::internal("INSERT RETURNING gave no row"))?;
    Ok(Enqueued {
        job_id: row.get(0)?,
        created: true,
    })
}
