//! What a value of a row has to be, and texts that are read as one.

use super::counted;
use crate::pg::elements::element_type;
use crate::pg::error::{Failure, Result};
use crate::pg::literal;
use crate::pg::query::type_name;
use crate::pg::relation::base_type;
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{Input, InputKind};
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};

/// The place in a row where a value goes.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// The input, `input[i]` for an element.
    pub name: String,
    /// Its type, as SQL writes it.
    sql_type: String,
    /// The type as which a text is read.
    type_oid: pg_sys::Oid,
    kind: InputKind,
}

impl Receiver {
    /// Those of an input: one, or one an element.
    pub fn of(input: &Input) -> impl Iterator<Item = Self> + '_ {
        let type_oid = match input.kind {
            InputKind::Boolean => pg_sys::BOOLOID,
            InputKind::Text => pg_sys::TEXTOID,
            InputKind::Date => pg_sys::DATEOID,
            InputKind::Timestamp if input.sql_type.contains("with time zone") => {
                pg_sys::TIMESTAMPTZOID
            }
            InputKind::Timestamp => pg_sys::TIMESTAMPOID,
            InputKind::Number if input.sql_type.starts_with("interval") => pg_sys::INTERVALOID,
            InputKind::Number if input.sql_type.starts_with("time") => pg_sys::TIMEOID,
            InputKind::Number => pg_sys::FLOAT8OID,
        };
        (0..input.slots()).map(move |slot| Self {
            name: input.slot_name(slot),
            sql_type: input.sql_type.clone(),
            type_oid,
            kind: input.kind,
        })
    }

    /// All those of a model.
    pub fn of_model(serving: &Serving) -> Vec<Self> {
        serving.pipeline.inputs.iter().flat_map(Self::of).collect()
    }

    /// Whether it takes values of a type: numbers for numbers, text for text, and so on; a time or an
    /// interval also as a number of seconds.
    pub fn accepts(&self, kind: ValueKind) -> bool {
        match kind {
            ValueKind::Time => self.type_oid == pg_sys::TIMEOID,
            ValueKind::Interval => self.type_oid == pg_sys::INTERVALOID,
            ValueKind::Date | ValueKind::Timestamp => {
                matches!(self.kind, InputKind::Date | InputKind::Timestamp)
            }
            other => other.input_kind() == self.kind,
        }
    }

    /// How values of a type are read here.
    ///
    /// # Errors
    /// 42804 for a type that it does not take.
    pub fn value_kind(&self, given: pg_sys::Oid, serving: &Serving) -> Result<ValueKind> {
        match ValueKind::of(given) {
            Some(kind) if self.accepts(kind) => Ok(kind),
            _ => Err(self.wrong_type(given, serving)),
        }
    }

    /// Whether it takes the elements of an array that is a whole row: as [`accepts`](Self::accepts), and a number for a
    /// boolean, which an array of numbers has to hold as 0 or 1.
    pub fn accepts_element(&self, kind: ValueKind) -> bool {
        self.accepts(kind)
            || (self.kind == InputKind::Boolean && kind.input_kind() == InputKind::Number)
    }

    /// Whether its values are text.
    pub fn is_text(&self) -> bool {
        self.kind == InputKind::Text
    }

    /// Whether its values are booleans.
    pub fn is_boolean(&self) -> bool {
        self.kind == InputKind::Boolean
    }

    /// Whether its values are numbers, or seconds.
    pub fn is_number(&self) -> bool {
        self.kind == InputKind::Number
    }

    /// The value that a text means here.
    ///
    /// # Errors
    /// 22P02 where it means none.
    pub fn read_text<'a>(&self, text: &'a str) -> Result<Value<'a>> {
        if self.is_text() {
            return Ok(Value::Text(text));
        }
        literal::value(text, self.type_oid, &self.name)
    }

    /// The refusal of a value of another type.
    #[cold]
    pub fn wrong_type(&self, given: pg_sys::Oid, serving: &Serving) -> Failure {
        let name = pgrx::spi::quote_identifier(&self.name);
        let times = [
            ValueKind::Date,
            ValueKind::Timestamp,
            ValueKind::Time,
            ValueKind::Interval,
        ];
        let kind = ValueKind::of(given);
        let seconds = self.is_number() && kind.is_some_and(|kind| times.contains(&kind));
        let is = |wanted: InputKind| kind.is_some_and(|kind| kind.input_kind() == wanted);
        let cast = if seconds {
            format!("extract(epoch FROM {name})")
        } else if self.is_number() && is(InputKind::Boolean) {
            format!("{name}::integer")
        } else if self.is_boolean() && is(InputKind::Number) {
            format!("{name} <> 0")
        } else {
            format!("{name}::{}", self.sql_type)
        };
        self.refuse(&self.name, &type_name(base_type(given)), serving)
            .hint(format!("Convert it: {cast}."))
    }

    /// The refusal of a value for an input that is an array: of one that is none, or an array of others.
    #[cold]
    pub fn wrong_array(&self, given: pg_sys::Oid, serving: &Serving) -> Failure {
        let input = self.input();
        let failure = self.refuse(input, &type_name(base_type(given)), serving);
        failure.hint(match element_type(given) {
            None => format!("Pass an array: {}.", self.sql_type),
            Some(_) => format!(
                "Convert it: {}::{}.",
                pgrx::spi::quote_identifier(input),
                self.sql_type
            ),
        })
    }

    /// The refusal of JSON that cannot be a value here.
    #[cold]
    pub fn wrong_json(&self, given: &str, serving: &Serving) -> Failure {
        self.refuse(&self.name, &format!("JSON {given}"), serving)
    }

    /// The input, without the number of the element.
    pub fn input(&self) -> &str {
        let end = self
            .name
            .rfind('[')
            .filter(|_| self.sql_type.ends_with("[]"));
        &self.name[..end.unwrap_or(self.name.len())]
    }

    fn refuse(&self, name: &str, given: &str, serving: &Serving) -> Failure {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "input {name} of model \"{}\" is of type {} but the value is of type {given}",
                serving.model, self.sql_type
            ),
        )
    }
}

/// Inputs that messages list before they break off.
const LISTED: usize = 20;

/// The inputs of a model in the order of training, for a DETAIL.
pub fn signature(serving: &Serving) -> String {
    let inputs = &serving.pipeline.inputs;
    let listed: Vec<String> = inputs
        .iter()
        .take(LISTED)
        .map(|input| match input.length {
            None => format!("{} {}", input.name, input.sql_type),
            Some(length) => format!(
                "{} {} ({})",
                input.name,
                input.sql_type,
                counted(length as usize, "element")
            ),
        })
        .collect();
    let rest = match inputs.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "Its inputs are, in this order: {}{rest}.",
        listed.join(", ")
    )
}
