//! `compile`: a model as plain SQL arithmetic.
//!
//! The function is `LANGUAGE sql IMMUTABLE` with one expression as its body, so the planner puts the
//! expression where the call stood, and it may stand in generated columns, CHECK constraints and
//! indexes. It refers to `pg_catalog` and to the types of its parameters only: a dump restores it
//! without the extension, and dropping the model changes nothing.

mod expression;
mod operand;
mod term;

use super::parameters;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result};
use crate::pg::function::{self, Function};
use crate::registry::serving::serving;
use operand::Operand;
use pglearn_core::pipeline::{Link, Predictor, TargetKind};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// How the comments of compiled functions begin.
const MARK: &str = "compiled by pglearn: ";

/// Parameters of a function at the most (FUNC_MAX_ARGS).
const PARAMETERS: usize = 100;

/// Writes the function and returns its OID.
///
/// # Errors
/// Those of [`serving`] and [`Function`]; 0A000 for three or more classes, 54023 for more than 100
/// inputs, 2BP01 where something depends on the function that would be replaced.
pub fn compile(model: &str, function_name: &str) -> Result<Oid> {
    let serving = serving(model)?;
    let pipeline = &serving.pipeline;
    let Predictor::Linear(linear) = &pipeline.predictor else {
        return Err(no_arithmetic(&serving.model));
    };
    if linear.link == Link::Softmax {
        return Err(no_arithmetic(&serving.model)
            .detail("It has more than two classes; the result would be one number of several."));
    }
    let parameters = parameters::of(&pipeline.inputs, PARAMETERS)?;
    let operands = pipeline.inputs.iter().zip(&parameters).zip(1..);
    let operands = operands
        .map(|((input, parameter), place)| Operand::new(place, input, &parameter.sql_type))
        .collect::<Result<Vec<_>>>()?;
    let function = Function::new("function_name", function_name, parameters)?;
    if let Some(existing) = function.existing()? {
        no_dependents(&function, existing.oid)?;
    }
    let expression = expression::prediction(pipeline, linear, &operands)?;
    let declaration = format!(
        "RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN {expression}"
    );
    let what = match &pipeline.target.kind {
        TargetKind::Classes { classes, .. } => {
            let positive = classes.last().map_or("", String::as_str);
            format!("probability of {} = {positive}", pipeline.target.name)
        }
        TargetKind::Number => format!("prediction of {}", pipeline.target.name),
    };
    let comment = format!(
        "{what}, by version {} of model {}",
        serving.version, serving.model
    );
    function.create(&declaration, MARK, &comment)
}

fn no_arithmetic(model: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("model \"{model}\" cannot be compiled to one SQL expression"),
    )
    .hint(format!(
        "SELECT {}.deploy({}, 'function_name'); makes a function that calls the model.",
        extension_schema(),
        pgrx::spi::quote_literal(model)
    ))
}

/// What was computed by the old expression would silently differ from the new one.
fn no_dependents(function: &Function, existing: Oid) -> Result<()> {
    let dependents = function::dependents(existing)?;
    if dependents.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST,
        format!(
            "cannot replace function {} because other objects depend on it",
            function.quoted()
        ),
    )
    .detail(format!(
        "Values stored by the old expression would stay: {}.",
        dependents.join(", ")
    ))
    .hint("Compile under another name, let the objects use that one, then drop this one."))
}
