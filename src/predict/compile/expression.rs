//! The whole expression: the sum of the terms, and the link.

use super::operand::Operand;
use super::term::{Term, double, raise};
use crate::pg::error::{Failure, Result};
use pglearn_core::pipeline::{Linear, Link, Pipeline};

/// `exp` of this is still a double, and so is the inverse of what it gives.
const LARGEST_EXPONENT: f64 = 709.0;

/// The value of a regression, or the probability of the positive of two classes; one operand an input.
///
/// # Errors
/// XX000 where the parts of the pipeline do not fit together.
pub fn prediction(pipeline: &Pipeline, linear: &Linear, operands: &[Operand]) -> Result<String> {
    let mut weights = linear.coefficients.as_slice();
    let mut encoders = pipeline.encoders.iter();
    let intercept = linear.intercepts.first().copied().unwrap_or(0.0);
    let mut terms = vec![double(intercept)];
    for (input, operand) in pipeline.inputs.iter().zip(operands) {
        if let Some(length) = input.length {
            terms.push(length_check(&input.name, operand, length));
        }
        for slot in 0..input.slots() {
            let encoder = encoders.next();
            let split = encoder.and_then(|e| weights.split_at_checked(e.width()));
            let (Some(encoder), Some((own, rest))) = (encoder, split) else {
                return Err(Failure::internal("a model with too few encoders"));
            };
            weights = rest;
            let element = input.length.map(|_| operand.element(slot + 1));
            let operand = element.as_ref().unwrap_or(operand);
            let term = Term {
                encoder,
                weights: own,
                operand,
            };
            terms.extend(term.sql());
        }
    }
    let margin = sum(&terms);
    Ok(match linear.link {
        Link::Identity => format!("({margin})"),
        // Strict functions, unlike LEAST and GREATEST: NULL stays NULL.
        _ => format!(
            "({one} / ({one} + pg_catalog.exp(pg_catalog.float8larger({low}, pg_catalog.float8smaller({high}, - {margin})))))",
            one = double(1.0),
            low = double(-LARGEST_EXPONENT),
            high = double(LARGEST_EXPONENT),
        ),
    })
}

/// 0, or an error where an array is not one of so many elements counted from 1.
fn length_check(name: &str, operand: &Operand, length: u32) -> String {
    let x = &operand.sql;
    let problem = raise(
        &format!("{name}: expected an array of {length} elements, got one of "),
        &format!("(pg_catalog.array_dims({x}))"),
    );
    // array_dims of an empty array is NULL, and so would be the message.
    let empty = raise(
        &format!("{name}: expected an array of {length} elements, got "),
        &format!("(pg_catalog.cardinality({x}))"),
    );
    format!(
        "CASE WHEN {x} IS NULL OR pg_catalog.array_dims({x}) = '[1:{length}]'::pg_catalog.text THEN {zero} \
         WHEN pg_catalog.cardinality({x}) = 0 THEN {empty} ELSE {problem} END",
        zero = double(0.0),
    )
}

/// The sum as a balanced tree: its depth is the parser's.
fn sum(terms: &[String]) -> String {
    match terms {
        [] => double(0.0),
        [term] => term.clone(),
        terms => {
            let (left, right) = terms.split_at(terms.len() / 2);
            format!("({} + {})", sum(left), sum(right))
        }
    }
}
