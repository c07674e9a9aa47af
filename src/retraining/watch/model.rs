//! The model of a watch: whether the caller may retrain it, and whether it can be.

use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::current_role;
use crate::pg::parse::quoted_name;
use crate::pg::relation::partition_ancestors;
use crate::pg::sql;
use crate::registry::model::OwnModel;
use crate::registry::version::serving_number;
use crate::retraining::queue;
use crate::train::named::check_retraining;
use pglearn_core::evaluation::Gate;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use serde_json::Value as Json;

/// Refuses a model that the current role could not retrain in the background, and a gate that does not fit it:
/// later on nobody would be there to be told. Gives the table that it learns from, where it is one.
///
/// # Errors
/// 42704 and 42501 for the model, 55000 where nothing says how to train it, 22023 for the gate; 42501 where jobs of
/// the role are not run here; what `retrain` refuses.
pub fn check(name: &str, gate: Option<&(Json, Gate)>) -> Result<Option<Oid>> {
    let source = fits(name, gate.map(|(_, gate)| gate))?;
    queue::must_be_run(current_role())?;
    check_retraining(name, gate.map(|(given, _)| given.clone()))?;
    Ok(source)
}

/// Says so where the model learns from another table than the one whose changes would have it retrained. It may
/// be meant: views and queries over the table are not looked into.
pub fn say_what_it_learns_from(name: &str, source: Oid, relation: Oid) {
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
}

/// Whether the version that serves says how to train it, and the gate names metrics of its kind.
fn fits(name: &str, gate: Option<&Gate>) -> Result<Option<Oid>> {
    let model = OwnModel::existing(name)?;
    model.must_have_an_owner()?;
    let rows = sql::query(
        "SELECT COALESCE(pg_catalog.cardinality(v.classes), 0), v.recipe OPERATOR(pg_catalog.?) 'arguments', \
                (SELECT c.oid FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) v.source::pg_catalog.oid \
                    AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p}'::pg_catalog.\"char\"[])) \
           FROM {ml}.model_versions AS v \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
        &[model.id.into(), serving_number(model.id)?.into()],
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
    if let Some(gate) = gate.filter(|gate| !gate.only_archives) {
        let classes = usize::try_from(serving.get::<i32>(0)?).unwrap_or(0);
        gate.check(classes)
            .map_err(|error| Failure::from_core(error, &|_| String::new()))?;
    }
    serving.get(2)
}
