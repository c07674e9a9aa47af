//! The inputs of a model as parameters of a function.

use crate::pg::error::{Failure, Result};
use crate::pg::function::Parameter;
use crate::pg::types;
use pglearn_core::pipeline::Input;
use pgrx::PgSqlErrorCode;

/// One parameter an input, named and typed as it; where that is a domain, as what it is over: the model
/// may be another's, and so may be what the domain checks, as whoever calls the function.
///
/// # Errors
/// 54023 for more than `most`, 42704 where a type is gone.
pub fn of(inputs: &[Input], most: usize) -> Result<Vec<Parameter>> {
    if inputs.len() > most {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_TOO_MANY_ARGUMENTS,
            format!(
                "a function for {} inputs cannot be made: {most} are possible",
                inputs.len()
            ),
        )
        .hint("Call predict(model, t) with the row t of a table, train on fewer columns, or put them into one array column."));
    }
    let parameter = |input: &Input| {
        let sql_type = types::named(&input.sql_type)
            .map_err(|failure| failure.within(&format!("input \"{}\"", input.name)))?;
        Ok(Parameter {
            name: Some(input.name.clone()),
            sql_type: sql_type.without_domains(),
        })
    };
    inputs.iter().map(parameter).collect()
}
