//! `deploy`: a model as a function with typed parameters.
//!
//! The function is plain SQL around `predict_record`, which gets the parameters as one row and finds
//! the model's inputs by name: a later version that reads them in another order, or fewer of them,
//! answers rightly through the same function. A pinned version cannot change: it gets them by place,
//! which is faster. Set-returning and stable, it is put by the planner where
//! it is called in FROM; the row is scored once.

use super::parameters;
use crate::pg::cell::CellKind;
use crate::pg::context::quoted_extension_schema;
use crate::pg::error::Result;
use crate::pg::function::{Function, Parameter};
use crate::pg::types;
use crate::pg::value::ValueKind;
use crate::registry::reference::{Choice, Reference};
use crate::registry::serving::serving;
use pglearn_core::pipeline::{LabelKind, Target, TargetKind};
use pgrx::pg_sys::Oid;
use pgrx::spi::{quote_identifier, quote_literal};

/// How the comments of deployed functions begin.
const MARK: &str = "deployed by pglearn: ";

/// Parameters of a function at the most (FUNC_MAX_ARGS).
const PARAMETERS: usize = 100;

/// Names of the result's columns; a parameter cannot have them.
const RESULT: [&str; 2] = ["prediction", "probability"];

/// Writes the function and returns its OID.
///
/// # Errors
/// Those of [`serving`] and [`Function`]; 54023 for more than 100 inputs.
pub fn deploy(model: &str, function_name: &str) -> Result<Oid> {
    let serving = serving(model)?;
    let pipeline = &serving.pipeline;
    let mut parameters = parameters::of(&pipeline.inputs, PARAMETERS)?;
    let body = body(model, &pipeline.target, &parameters)?;
    for parameter in &mut parameters {
        parameter.name = parameter
            .name
            .take()
            .filter(|name| !RESULT.contains(&name.as_str()));
    }
    let function = Function::new("function_name", function_name, parameters)?;
    let comment = format!("predictions of {} by model {model}", pipeline.target.name);
    function.create(&body, MARK, &comment)
}

/// What follows the parameters of the function.
fn body(model: &str, target: &Target, parameters: &[Parameter]) -> Result<String> {
    let (sql_type, prediction) = prediction(target);
    let (row, from) = row(model, parameters)?;
    // OFFSET 0 keeps the planner from writing the call twice, once for each column.
    Ok(format!(
        "RETURNS TABLE (prediction {sql_type}, probability double precision) \
         LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 \
         BEGIN ATOMIC SELECT {prediction}, (scored.record).probability FROM \
         (SELECT {ml}.predict_record({model}::pg_catalog.text, {row}) AS record{from} OFFSET 0) AS scored; END",
        ml = quoted_extension_schema()?,
        model = quote_literal(model),
    ))
}

/// The row behind the model in the call of `predict_record`, and the FROM clause it needs.
fn row(model: &str, parameters: &[Parameter]) -> Result<(String, String)> {
    let list = |item: &dyn Fn(&Parameter, usize) -> String| {
        let items = parameters.iter().zip(1..).map(|(p, place)| item(p, place));
        items.collect::<Vec<_>>().join(", ")
    };
    let pinned = matches!(Reference::parse(model)?.choice, Choice::Version(_));
    // The model is an argument too.
    if pinned && parameters.len() < PARAMETERS {
        return Ok((list(&|_, place| format!("${place}")), String::new()));
    }
    let columns = list(&|parameter, place| {
        let name = parameter.name.as_deref().unwrap_or_default();
        format!("${place} AS {}", quote_identifier(name))
    });
    let row = free_name(parameters);
    let from = format!(" FROM (SELECT {columns}) AS {row}");
    Ok((row, from))
}

/// The type of the prediction, and how it is taken from the record. A class is read from its text: one
/// that is none of the type (the target of a later version has changed) raises.
fn prediction(target: &Target) -> (String, String) {
    let class = "(scored.record).class";
    let label = match &target.kind {
        TargetKind::Number => {
            let value = "(scored.record).prediction".to_owned();
            return ("double precision".to_owned(), value);
        }
        TargetKind::Classes { label, .. } => label,
    };
    let sql_type = match label {
        LabelKind::Text => return ("text".to_owned(), class.to_owned()),
        LabelKind::Boolean => "boolean".to_owned(),
        LabelKind::Number => match types::named(&target.sql_type) {
            Ok(named) if is_number(named.kind) => types::of(named.base).sql,
            _ => "double precision".to_owned(),
        },
    };
    let prediction = format!("({class})::{sql_type}");
    (sql_type, prediction)
}

fn is_number(kind: Option<ValueKind>) -> bool {
    matches!(kind, Some(ValueKind::Cell(cell)) if cell != CellKind::Bool)
}

/// A name that no parameter has: as a column it would hide the row.
fn free_name(parameters: &[Parameter]) -> String {
    let taken = |name: &str| parameters.iter().any(|p| p.name.as_deref() == Some(name));
    let mut name = "input".to_owned();
    while taken(&name) {
        name.push('_');
    }
    name
}
