//! The form of a row, settled once for a place in a statement.

use super::array::ArrayForm;
use super::json::JsonForm;
use super::row::RowForm;
use super::scalars::ScalarsForm;
use crate::pg::call::Call;
use crate::pg::composite::is_composite;
use crate::pg::elements::element_type;
use crate::pg::error::{Failure, Result};
use crate::registry::binding::{Receiver, Row};
use crate::registry::serving::Serving;
use pglearn_core::value::Value;
use pgrx::pg_sys;

/// Where the row's arguments begin: behind the model.
pub const FIRST: usize = 1;

/// A row of numbers, NaN where one is missing.
pub struct Numbers<'r>(pub &'r mut [f64]);

impl Row<'_> for Numbers<'_> {
    #[inline]
    fn put(&mut self, slot: usize, value: Value<'_>) {
        self.0[slot] = match value {
            Value::Number(number) => number,
            _ => f64::NAN,
        };
    }
}

/// Whether a literal is meant as an object.
fn is_object(text: &str) -> bool {
    let inside = text.trim_start().strip_prefix('{').map(str::trim_start);
    inside.is_some_and(|inside| inside.starts_with(['"', '}']))
}

/// The form of a row.
pub enum Form {
    /// A NULL without a type.
    Null,
    /// Scalars in the order of training.
    Scalars(ScalarsForm),
    /// An array in the order of training.
    Array(ArrayForm),
    /// A composite value.
    Row(RowForm),
    /// A `jsonb` object.
    Json(JsonForm),
}

impl Form {
    /// The form of the arguments of a call.
    ///
    /// # Errors
    /// 42804 for types that the model's inputs do not take, 22023 for another number of values.
    pub fn new(call: &Call, serving: &Serving) -> Result<Self> {
        let receivers = Receiver::of_model(serving);
        if call.arguments() != FIRST + 1 {
            return ScalarsForm::new(call, serving, receivers).map(Self::Scalars);
        }
        let given = call.argument_type(FIRST);
        if given == pg_sys::InvalidOid {
            return Err(Failure::internal(
                "the types of the arguments are not known",
            ));
        }
        if given == pg_sys::UNKNOWNOID {
            return match call.literal(FIRST) {
                Some(text) if is_object(text) => {
                    JsonForm::literal(serving, receivers, text).map(Self::Json)
                }
                Some(text) if text.trim_start().starts_with('{') => Err(Failure::parameter(
                    "a literal that begins with { is taken for a JSON object, which this is not",
                )
                .hint(
                    "Write an array as ARRAY[…], or give the literal its type: '{…}'::float8[].",
                )),
                None if serving.pipeline.inputs.len() > 1 => Ok(Self::Null),
                _ => ScalarsForm::new(call, serving, receivers).map(Self::Scalars),
            };
        }
        if matches!(given, pg_sys::JSONBOID | pg_sys::JSONOID) {
            return Ok(Self::Json(JsonForm::new(serving, receivers, given)));
        }
        if is_composite(given) {
            return Ok(Self::Row(RowForm::default()));
        }
        match element_type(given) {
            Some(element) => ArrayForm::new(serving, receivers, element).map(Self::Array),
            None => ScalarsForm::new(call, serving, receivers).map(Self::Scalars),
        }
    }

    /// Reads the row of a call; `false` where it is NULL.
    ///
    /// # Errors
    /// What is wrong with the row.
    #[inline]
    pub fn read<'a>(
        &'a mut self,
        call: &'a Call,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<bool> {
        match self {
            Self::Null => Ok(false),
            Self::Scalars(form) => form.read(call, serving, row),
            Self::Array(form) => form.read(call, serving, row),
            Self::Row(form) => form.read(call, serving, row),
            Self::Json(form) => form.read(call, serving, row),
        }
    }
}
