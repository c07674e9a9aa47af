//! A row as arguments in the order of training.

use super::form::FIRST;
use crate::pg::call::Call;
use crate::pg::cell::CellKind;
use crate::pg::error::{Failure, Result};
use crate::pg::value::ValueKind;
use crate::registry::binding::{Elements, Receiver, Row, counted, signature};
use crate::registry::serving::Serving;
use pglearn_core::value::Value;
use pgrx::pg_sys;
use std::ops::Range;

/// One argument.
enum Argument {
    /// A value of a type.
    Typed { slot: usize, kind: ValueKind },
    /// A literal without a type, read as its input's; `None` for NULL.
    Literal {
        slot: usize,
        text: Option<(Receiver, String)>,
    },
    /// An array, for an input that is one.
    Array(Elements),
    /// An untyped NULL for an input that is an array: its slots.
    MissingArray(Range<usize>),
}

/// A row as arguments.
pub struct ScalarsForm {
    arguments: Vec<Argument>,
    /// Whether all are doubles, one a slot.
    doubles: bool,
}

impl ScalarsForm {
    /// The arguments of a call: one an input, or one a slot.
    ///
    /// # Errors
    /// 22023 for another number of arguments, 42804 for a type that an input does not take.
    pub fn new(call: &Call, serving: &Serving, receivers: Vec<Receiver>) -> Result<Self> {
        let given = call.arguments() - FIRST;
        let inputs = &serving.pipeline.inputs;
        let mut arguments = Vec::new();
        let mut slot = 0;
        if given == inputs.len() {
            for (at, input) in inputs.iter().enumerate() {
                let of_input = &receivers[slot..slot + input.slots()];
                let argument = match (input.length, of_input) {
                    (None, [receiver]) => scalar(call, serving, FIRST + at, slot, receiver)?,
                    _ => array(call, serving, FIRST + at, slot, of_input)?,
                };
                arguments.push(argument);
                slot += input.slots();
            }
        } else if given == receivers.len() {
            for (at, receiver) in receivers.iter().enumerate() {
                arguments.push(scalar(call, serving, FIRST + at, at, receiver)?);
            }
        } else {
            return Err(wrong_number(call, serving, given, &receivers));
        }
        let double = ValueKind::Cell(CellKind::Float8);
        let is_double = |argument: &Argument| matches!(argument, Argument::Typed { kind, .. } if *kind == double);
        Ok(Self {
            doubles: arguments.len() == receivers.len() && arguments.iter().all(is_double),
            arguments,
        })
    }

    /// The numbers of the row, NaN where one is missing, if all are doubles.
    #[inline]
    pub fn numbers<'a>(
        &self,
        call: &'a Call,
    ) -> Option<impl ExactSizeIterator<Item = f64> + Clone + 'a> {
        let arguments = FIRST..FIRST + self.arguments.len();
        self.doubles.then(|| arguments.map(|at| call.number(at)))
    }

    /// See [`Form::read`](super::form::Form::read).
    #[inline]
    pub fn read<'a>(
        &'a self,
        call: &'a Call,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<bool> {
        for (at, argument) in self.arguments.iter().enumerate() {
            match argument {
                Argument::Typed { slot, kind } => row.put(*slot, call.value(FIRST + at, *kind)),
                Argument::Literal { slot, text } => {
                    let value = text
                        .as_ref()
                        .map(|(receiver, text)| receiver.read_text(text));
                    row.put(*slot, value.transpose()?.unwrap_or(Value::Missing));
                }
                Argument::Array(elements) if !call.is_null(FIRST + at) => {
                    elements.read(call.bytes(FIRST + at), serving, row)?;
                }
                Argument::Array(elements) => elements.missing(row),
                Argument::MissingArray(slots) => {
                    slots.clone().for_each(|slot| row.put(slot, Value::Missing));
                }
            }
        }
        Ok(true)
    }
}

fn scalar(
    call: &Call,
    serving: &Serving,
    at: usize,
    slot: usize,
    receiver: &Receiver,
) -> Result<Argument> {
    let given = call.argument_type(at);
    if given == pg_sys::UNKNOWNOID {
        let text = call
            .literal(at)
            .map(|text| (receiver.clone(), text.to_owned()));
        return Ok(Argument::Literal { slot, text });
    }
    let kind = receiver.value_kind(given, serving)?;
    Ok(Argument::Typed { slot, kind })
}

fn array(
    call: &Call,
    serving: &Serving,
    at: usize,
    first: usize,
    receivers: &[Receiver],
) -> Result<Argument> {
    let given = call.argument_type(at);
    if given == pg_sys::UNKNOWNOID && call.literal(at).is_none() {
        return Ok(Argument::MissingArray(first..first + receivers.len()));
    }
    Elements::of_input(serving, given, first, receivers.to_vec()).map(Argument::Array)
}

#[cold]
fn wrong_number(call: &Call, serving: &Serving, given: usize, receivers: &[Receiver]) -> Failure {
    let inputs = serving.pipeline.inputs.len();
    let takes = match receivers.len() {
        slots if slots != inputs => {
            format!("{} ({slots} values)", counted(inputs, "input"))
        }
        _ => counted(inputs, "value"),
    };
    let failure = Failure::parameter(format!(
        "model \"{}\" takes {takes}, {given} given",
        serving.model
    ))
    .detail(signature(serving));
    let text = matches!(
        call.argument_type(FIRST),
        pg_sys::TEXTOID | pg_sys::VARCHAROID
    );
    if given == 1 && text {
        return failure.hint("Cast a text that is an object: …::jsonb.");
    }
    failure
}
