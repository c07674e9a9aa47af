//! `request_retrain`: a wish in JSON becomes a queued job.

use crate::pg::context::{SettingScope, extension_schema};
use crate::pg::error::{Failure, Result};
use crate::pg::identity;
use crate::pg::relation;
use crate::pg::sql;
use crate::registry::model::OwnModel;
use crate::retraining::queue::{Kind, NewJob, enqueue};
use crate::settings;
use crate::train::named::check_retraining;
use pglearn_core::Error;
use pglearn_core::evaluation::Gate;
use pglearn_core::options::Fields;
use pgrx::PgSqlErrorCode;
use serde_json::{Value as Json, json};

/// What a wish may say.
const OPTIONS: [&str; 7] = [
    "model",
    "gate",
    "timeout",
    "max_memory",
    "max_attempts",
    "not_before",
    "delay",
];
/// What a notification of `watch` says.
const NOTIFICATION: [&str; 4] = ["table", "schema", "count", "event_id"];
/// Attempts that the table allows.
const MAX_ATTEMPTS: i64 = 100;

/// Options of a wish, checked.
struct Options {
    payload: Json,
    timeout: Option<String>,
    max_memory: Option<i64>,
    max_attempts: Option<i32>,
    not_before: Option<String>,
}

/// Queues the retrainings that a payload asks for, as the current role; gives the number of the first one.
///
/// `{"model": …}` names the model. The payload of a notification, passed on by who listens, names a table:
/// meant are the models that the caller may train and that either have a watch on it or were
/// trained on it last.
///
/// # Errors
/// 22023 for what is no such payload, 22007 and the like for times that cannot be read; 42704, 42501 and
/// 55000 for models; for one that is named also what `retrain` refuses. One of several keeps none of the
/// others from being retrained: its job says what is wrong.
pub fn request(text: &str) -> Result<i64> {
    let payload: Json = serde_json::from_str(text)
        .map_err(|error| Failure::parameter(format!("payload cannot be read: {error}")))?;
    if !payload.is_object() {
        return Err(Failure::parameter("payload is no JSON object").hint(example()));
    }
    let fields = Fields::new("payload", &payload).map_err(refused)?;
    let known: Vec<&str> = OPTIONS.into_iter().chain(NOTIFICATION).collect();
    fields.only(&known).map_err(refused)?;
    let named = fields.text("model").map_err(refused)?;
    let models = match named {
        Some(model) => vec![own(model)?.name],
        None => models_of_table(&fields)?,
    };
    let options = Options::of(&fields)?;
    if let Some(model) = named {
        check_retraining(model, fields.get("gate").cloned())?;
    }
    let mut first = None;
    for model in &models {
        let job = queue(model, &options)?;
        first.get_or_insert(job);
    }
    first.ok_or_else(|| Failure::internal("a payload that names no model"))
}

/// The model of a name, which the current role may train.
fn own(model: &str) -> Result<OwnModel> {
    let own = OwnModel::find(model)?.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("model \"{model}\" does not exist"),
        )
        .hint("Train it first: a retraining repeats how the version that serves was trained.")
    })?;
    own.must_have_an_owner()?;
    Ok(own)
}

fn queue(model: &str, options: &Options) -> Result<i64> {
    let own = own(model)?;
    let new = NewJob {
        timeout: options.timeout.as_deref(),
        max_memory: options.max_memory,
        max_attempts: options.max_attempts,
        not_before: options.not_before.as_deref(),
        ..NewJob::new(
            Kind::Retrain,
            &own.name,
            identity::current_role(),
            &options.payload,
        )
    };
    enqueue(&new).map(|enqueued| enqueued.job_id)
}

/// The models that a notification is about.
fn models_of_table(fields: &Fields<'_>) -> Result<Vec<String>> {
    let schema = fields.text("schema").map_err(refused)?;
    let Some(table) = fields.text("table").map_err(refused)? else {
        return Err(Failure::parameter("payload names no model").hint(example()));
    };
    let written = match schema {
        Some(schema) => pgrx::spi::quote_qualified_identifier(schema, table),
        None => pgrx::spi::quote_identifier(table),
    };
    let Some(relation) = relation::by_name(schema, table)? else {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("relation {written} does not exist"),
        ));
    };
    let rows = sql::query(
        "SELECT m.name FROM {ml}.models AS m \
          WHERE pg_catalog.pg_has_role(m.owner::pg_catalog.oid, 'USAGE') \
            AND (EXISTS (SELECT FROM {ml}.watches AS w WHERE w.model OPERATOR(pg_catalog.=) m.name \
                            AND w.relation::pg_catalog.oid OPERATOR(pg_catalog.=) $1) \
              OR (SELECT v.source::pg_catalog.oid FROM {ml}.model_versions AS v \
                   WHERE v.model_id OPERATOR(pg_catalog.=) m.model_id ORDER BY v.version DESC LIMIT 1) OPERATOR(pg_catalog.=) $1) \
          ORDER BY m.name",
        &[sql::Param::Oid(Some(relation))],
    )?;
    if rows.is_empty() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            format!("no model of yours is retrained for relation {written}"),
        )
        .detail("None is watched for it, none was trained on it last.")
        .hint(example()));
    }
    rows.iter().map(|row| row.get(0)).collect()
}

impl Options {
    fn of(fields: &Fields<'_>) -> Result<Self> {
        let payload = match fields.get("gate") {
            None => json!({}),
            Some(gate) => {
                Gate::parse(gate).map_err(refused)?;
                json!({ "gate": gate })
            }
        };
        let attempts = "a whole number from 1 to 100";
        let max_attempts = match fields.get("max_attempts") {
            None => None,
            Some(value) => {
                let number = value.as_i64().filter(|n| (1..=MAX_ATTEMPTS).contains(n));
                let number = number.and_then(|n| i32::try_from(n).ok());
                Some(number.ok_or_else(|| refused(fields.refuse("max_attempts", attempts)))?)
            }
        };
        Ok(Self {
            payload,
            timeout: timeout(fields)?,
            max_memory: max_memory(fields)?,
            max_attempts,
            not_before: not_before(fields)?,
        })
    }
}

fn timeout(fields: &Fields<'_>) -> Result<Option<String>> {
    let Some(timeout) = fields.text("timeout").map_err(refused)? else {
        return Ok(None);
    };
    let rows = sql::query(
        "SELECT $1::pg_catalog.interval OPERATOR(pg_catalog.>) '0'::pg_catalog.interval",
        &[timeout.into()],
    )?;
    match rows.first().map(|row| row.get(0)).transpose()? {
        Some(true) => Ok(Some(timeout.to_owned())),
        _ => Err(refused(fields.refuse("timeout", "an interval above 0"))),
    }
}

/// As `SET pglearn.max_memory` reads it: a number of kB, or a text with a unit.
fn max_memory(fields: &Fields<'_>) -> Result<Option<i64>> {
    let Some(value) = fields.get("max_memory") else {
        return Ok(None);
    };
    let kilobytes = match value {
        Json::String(text) => settings::kilobytes(text).map(i64::from),
        other => other.as_i64(),
    };
    match kilobytes {
        Some(kilobytes @ 1..) => Ok(Some(kilobytes)),
        _ => Err(refused(fields.refuse(
            "max_memory",
            "a number of kB, or a text with a unit: \"512MB\"",
        ))),
    }
}

/// The later one of both ways to say it.
fn not_before(fields: &Fields<'_>) -> Result<Option<String>> {
    let time = fields.text("not_before").map_err(refused)?;
    let delay = fields.text("delay").map_err(refused)?;
    if time.is_none() && delay.is_none() {
        return Ok(None);
    }
    // Written in a way that is read as the same time, whatever the session's style.
    let _style = SettingScope::new(&[(c"datestyle", c"ISO")]);
    let rows = sql::query(
        "SELECT $2::pg_catalog.interval OPERATOR(pg_catalog.<) '0'::pg_catalog.interval, \
                GREATEST($1::pg_catalog.timestamptz, pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) $2::pg_catalog.interval)::pg_catalog.text",
        &[time.into(), delay.into()],
    )?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    if row.get::<Option<bool>>(0)? == Some(true) {
        return Err(refused(fields.refuse("delay", "an interval of at least 0")));
    }
    row.get(1)
}

fn example() -> String {
    format!(
        "SELECT {}.request_retrain('{{\"model\": \"…\"}}');",
        extension_schema()
    )
}

fn refused(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
