//! The model of a watch: whether the caller may retrain it, and whether it can be.

use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::current_role;
use crate::pg::parse::quoted_name;
use crate::pg::relation::partition_ancestors;
use crate::pg::sql;
use crate::registry::model::OwnModel;
use crate::retraining::queue;
use crate::train::named::check_retraining;
use pglearn_core::evaluation::Gate;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use serde_json::Value as Json;

/// Refuses a model that the current role could not retrain in the background, and a gate that does not fit it:
/// later on nobody would be there to be told.
///
/// # Errors
/// 42704 and 42501 for the model, 55000 where nothing says how to train it, 22023 for the gate; 42501 where jobs of
/// the role are not run here; what `retrain` refuses.
pub fn check(name: &str, gate: Option<&(Json, Gate)>) -> Result<()> {
    fits(name, gate.map(|(_, gate)| gate))?;
    queue::must_be_run(current_role())?;
    check_retraining(name, gate.map(|(given, _)| given.clone()))
}

/// Says so where the model learns from another table than the one whose changes would have it retrained. It may
/// be meant: views and queries over the table are not looked into.
///
/// # Errors
/// Those of the look-up.
pub fn say_what_it_learns_from(name: &str, relation: Oid) -> Result<()> {
    let rows = sql::query(
        "SELECT v.source::pg_catalog.oid FROM {ml}.model_versions AS v JOIN {ml}.models AS m \
             ON m.model_id OPERATOR(pg_catalog.=) v.model_id \
           JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) v.source::pg_catalog.oid \
          WHERE m.name OPERATOR(pg_catalog.=) $1 AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog.\"char\"[]) \
          ORDER BY v.version USING OPERATOR(pg_catalog.>) LIMIT 1",
        &[name.into()],
    )?;
    let Some(source) = rows.first().map(|row| row.get::<Oid>(0)).transpose()? else {
        return Ok(());
    };
    let related = source == relation
        || partition_ancestors(source).contains(&relation)
        || partition_ancestors(relation).contains(&source);
    if !related {
        notice(&format!(
            "model \"{name}\" learns from {}, not from {}",
            quoted_name(source),
            quoted_name(relation)
        ));
    }
    Ok(())
}

fn fits(name: &str, gate: Option<&Gate>) -> Result<()> {
    let model = OwnModel::existing(name)?;
    model.must_have_an_owner()?;
    let rows = sql::query(
        "SELECT COALESCE(pg_catalog.cardinality(v.classes), 0), v.recipe OPERATOR(pg_catalog.?) 'arguments' \
           FROM {ml}.model_versions AS v WHERE v.model_id OPERATOR(pg_catalog.=) $1 \
          ORDER BY EXISTS (SELECT FROM {ml}.model_aliases AS a WHERE a.model_id OPERATOR(pg_catalog.=) v.model_id \
                       AND a.alias OPERATOR(pg_catalog.=) 'champion' AND a.version OPERATOR(pg_catalog.=) v.version) \
                   USING OPERATOR(pg_catalog.>), v.version USING OPERATOR(pg_catalog.>) LIMIT 1",
        &[model.id.into()],
    )?;
    let refuse = |problem: &str, detail: &str| {
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("model \"{name}\" {problem}"),
        )
        .detail(detail)
        .hint("Train it with a source and a target."))
    };
    let Some(serving) = rows.first() else {
        return refuse(
            "has no version",
            "A retraining repeats how the version that serves was trained.",
        );
    };
    if !serving.get::<bool>(1)? {
        return refuse(
            "cannot be retrained",
            "The version that serves was registered from a model table: how to train it again is not known.",
        );
    }
    let Some(gate) = gate.filter(|gate| !gate.only_archives) else {
        return Ok(());
    };
    let classes = usize::try_from(serving.get::<i32>(0)?).unwrap_or(0);
    gate.check(classes)
        .map_err(|error| Failure::from_core(error, &|_| String::new()))
}
