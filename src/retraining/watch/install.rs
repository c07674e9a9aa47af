//! `watch`: the row, the triggers, the beginning of the count.

use super::model;
use super::settings::Settings;
use super::target::Target;
use crate::pg::at_commit;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{current_role, has_privileges_of, role_name};
use crate::pg::sql::{self, Param};
use crate::retraining::announce::{Attempt, announce_due};
use crate::retraining::watches::Watch;
use crate::retraining::{catalog, sweep};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Watches a relation in the name of the current role, or changes the settings of the watch that there is
/// on the relation for the model.
///
/// # Errors
/// Those of [`model::check`] and [`Target::check`]; 42501 where the watch is another role's; what CREATE
/// TRIGGER raises.
pub fn install(relation: Oid, settings: &Settings) -> Result<i64> {
    let model = settings.model.as_deref();
    let source = match model {
        Some(name) => model::check(name, settings.gate.as_ref())?,
        None => None,
    };
    let target = Target::check(relation, model, settings.columns.as_deref())?;
    if let (Some(name), Some(source)) = (model, source) {
        model::say_what_it_learns_from(name, source, relation);
    }
    sweep::forget_dropped()?;
    let made = match find(relation, settings)? {
        Some(_) => None,
        None => make(relation, settings)?,
    };
    let id = match made {
        Some(id) => id,
        None => change(relation, settings, &target)?,
    };
    target.make_triggers()?;
    target.say_what_is_not_counted()?;
    match made {
        Some(_) => begin(id, relation)?,
        None => announce(id)?,
    }
    Ok(id)
}

fn find(relation: Oid, settings: &Settings) -> Result<Option<Watch>> {
    let watches = Watch::of(relation)?;
    let same = |watch: &&Watch| watch.relation == relation && watch.model == settings.model;
    Ok(watches.iter().find(same).cloned())
}

/// The number of the new watch; `None` where somebody else has made one meanwhile.
fn make(relation: Oid, settings: &Settings) -> Result<Option<i64>> {
    let written = sql::returning(
        "INSERT INTO {ml}.watches (threshold, columns, channel, min_interval, gate, relation, model, owner)
         VALUES ($1, $2, $3, $4::pg_catalog.interval, $5::pg_catalog.jsonb, $6, $7, $8)
         ON CONFLICT DO NOTHING RETURNING watch_id",
        &with_settings(
            settings,
            &gate(settings),
            [
                Param::Relation(Some(relation)),
                settings.model.as_deref().into(),
                Param::Role(Some(current_role())),
            ],
        ),
    )?;
    written.first().map(|row| row.get(0)).transpose()
}

fn change(relation: Oid, settings: &Settings, target: &Target) -> Result<i64> {
    let existing = find(relation, settings)?;
    if let Some(existing) = existing
        .as_ref()
        .filter(|watch| !has_privileges_of(watch.owner))
    {
        return Err(not_yours(existing, target));
    }
    let id = existing.map_or(0, |watch| watch.id);
    let written = sql::execute(
        "UPDATE {ml}.watches SET threshold = $1, columns = $2, channel = $3,
                min_interval = $4::pg_catalog.interval, gate = $5::pg_catalog.jsonb
          WHERE watch_id OPERATOR(pg_catalog.=) $6",
        &with_settings(settings, &gate(settings), [id.into()]),
    )?;
    if written == 0 {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
            "could not serialize access: the watch was made or ended after this transaction began",
        ));
    }
    Ok(id)
}

fn gate(settings: &Settings) -> Option<String> {
    settings.gate.as_ref().map(|(given, _)| given.to_string())
}

/// `$1` to `$5`, and what follows them.
fn with_settings<'a, const N: usize>(
    settings: &'a Settings,
    gate: &'a Option<String>,
    rest: [Param<'a>; N],
) -> Vec<Param<'a>> {
    let mut params = vec![
        settings.threshold.into(),
        Param::Texts(settings.columns.as_deref()),
        settings.channel.as_str().into(),
        settings.min_interval.as_str().into(),
        gate.as_deref().into(),
    ];
    params.extend(rest);
    params
}

/// What waits may be enough by the new settings.
fn announce(id: i64) -> Result<()> {
    if let Some(watch) = Watch::find(id)?
        && announce_due(&watch)? == Attempt::Unresolved
    {
        at_commit::wake_worker();
    }
    Ok(())
}

/// Counting begins with an announcement of nothing.
fn begin(id: i64, relation: Oid) -> Result<()> {
    let _owner = catalog::as_owner()?;
    sql::execute(
        "INSERT INTO {ml}.announcements (watch_id, relation, row_count, xid, snapshot)
         VALUES ($1, $2, 0, pg_catalog.pg_current_xact_id(), pg_catalog.pg_current_snapshot())",
        &[id.into(), Param::Relation(Some(relation))],
    )?;
    sweep::poll::begin(relation)
}

fn not_yours(existing: &Watch, target: &Target) -> Failure {
    let name = target.relation.name();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        match &existing.model {
            Some(model) => format!("{name} is watched for model \"{model}\" by another role"),
            None => format!("{name} is watched by another role"),
        },
    );
    match role_name(existing.owner) {
        Some(owner) => failure
            .detail(format!(
                "Watch {} belongs to role \"{owner}\".",
                existing.id
            ))
            .hint("Ask it for other settings, or watch the table for another model."),
        None => failure
            .detail(format!(
                "The role that watch {} belonged to does not exist any more.",
                existing.id
            ))
            .hint(format!(
                "The owner of the table can end it: SELECT {}.unwatch({});",
                crate::pg::context::extension_schema(),
                pgrx::spi::quote_literal(&name)
            )),
    }
}
