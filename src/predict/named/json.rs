//! A row as a `jsonb` object: members by name, understood as `jsonb_populate_record` would, but for two
//! things. A number for an input of type `interval` or `time` is its seconds (`jsonb_populate_record`
//! reads 90 as the text `90`, which as an interval is 90 seconds and as a time none). And an object or
//! an array for an input that is one value is refused, also where the input is text
//! (`jsonb_populate_record` would take its JSON as the text): a category was never meant by it.

use super::form::FIRST;
use crate::pg::call::Call;
use crate::pg::error::{Failure, Result};
use crate::pg::jsonb::{Container, Damaged, Json, key_order};
use crate::pg::literal;
use crate::pg::text;
use crate::registry::binding::{Receiver, Row, counted, list};
use crate::registry::serving::Serving;
use pglearn_core::options::nearest;
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};

/// An input, in the order of an object's keys.
struct Member {
    /// Its name in the database's encoding.
    key: Vec<u8>,
    first: usize,
    /// Whether it is an array.
    array: bool,
    receivers: Vec<Receiver>,
}

impl AsRef<[u8]> for Member {
    #[inline]
    fn as_ref(&self) -> &[u8] {
        &self.key
    }
}

/// Where the object is.
enum Source {
    /// A `jsonb` argument.
    Binary,
    /// A `json` argument, as `jsonb` in this buffer.
    Text(Vec<u8>),
    /// A literal.
    Literal(Vec<u8>),
}

/// A row as an object.
pub struct JsonForm {
    members: Vec<Member>,
    source: Source,
}

impl JsonForm {
    /// An argument of type `jsonb` or `json`.
    pub fn new(serving: &Serving, receivers: Vec<Receiver>, given: pg_sys::Oid) -> Self {
        let source = match given {
            pg_sys::JSONOID => Source::Text(Vec::new()),
            _ => Source::Binary,
        };
        Self {
            members: members(serving, receivers),
            source,
        }
    }

    /// A literal without a type.
    ///
    /// # Errors
    /// 22P02 where it is no JSON.
    pub fn literal(serving: &Serving, receivers: Vec<Receiver>, text: &str) -> Result<Self> {
        Ok(Self {
            members: members(serving, receivers),
            source: Source::Literal(literal::jsonb(text)?),
        })
    }

    /// See [`Form::read`](super::form::Form::read).
    #[inline]
    pub fn read<'a>(
        &'a mut self,
        call: &'a Call,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<bool> {
        if call.is_null(FIRST) {
            return Ok(false);
        }
        let bytes = match &mut self.source {
            Source::Binary => call.bytes(FIRST),
            Source::Text(buffer) => {
                *buffer = literal::jsonb(call.str(FIRST))?;
                buffer
            }
            Source::Literal(object) => object,
        };
        let object = Container::parse(bytes).map_err(damaged)?;
        if !object.is_object() {
            return Err(no_object(&object, serving));
        }
        let members = &self.members;
        let missing = object.members(members, |at, json| members[at].read(json, serving, row))?;
        match missing {
            None => Ok(true),
            Some(at) => Err(missing_key(serving, &members[at], &object)),
        }
    }
}

fn members(serving: &Serving, receivers: Vec<Receiver>) -> Vec<Member> {
    let mut receivers = receivers.into_iter();
    let mut first = 0;
    let mut members: Vec<Member> = serving
        .pipeline
        .inputs
        .iter()
        .map(|input| {
            let member = Member {
                key: text::server_bytes(&input.name),
                first,
                array: input.length.is_some(),
                receivers: receivers.by_ref().take(input.slots()).collect(),
            };
            first += input.slots();
            member
        })
        .collect();
    members.sort_by(|a, b| key_order(&a.key, &b.key));
    members
}

impl From<Damaged> for Failure {
    fn from(_: Damaged) -> Self {
        Self::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid jsonb")
    }
}

#[cold]
fn damaged(damaged: Damaged) -> Failure {
    damaged.into()
}

impl Member {
    #[inline]
    fn read<'a>(&self, json: Json<'a>, serving: &Serving, row: &mut impl Row<'a>) -> Result<()> {
        match (&self.receivers[..], self.array) {
            ([receiver], false) => {
                row.put(self.first, value(json, receiver, serving)?);
                Ok(())
            }
            _ => self.read_array(json, serving, row),
        }
    }

    fn read_array<'a>(
        &self,
        json: Json<'a>,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<()> {
        let wanted = self.receivers.len();
        match json {
            Json::Null => {
                for at in 0..wanted {
                    row.put(self.first + at, Value::Missing);
                }
                Ok(())
            }
            Json::Array(array) if array.len() == wanted => array.elements(|at, json| {
                row.put(self.first + at, value(json, &self.receivers[at], serving)?);
                Ok(())
            }),
            Json::Array(array) => Err(Failure::new(
                PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
                format!(
                    "input {} of model \"{}\" takes {}, the array has {}",
                    String::from_utf8_lossy(&self.key),
                    serving.model,
                    counted(wanted, "element"),
                    array.len()
                ),
            )),
            other => Err(self.receivers.first().map_or_else(
                || Failure::internal("an array input without elements"),
                |receiver| mismatch(other, receiver, serving),
            )),
        }
    }
}

/// The value of a member for an input.
#[inline]
fn value<'a>(json: Json<'a>, receiver: &Receiver, serving: &Serving) -> Result<Value<'a>> {
    match json {
        Json::Number(number) if receiver.is_number() => Ok(Value::Number(number.to_double())),
        Json::Null => Ok(Value::Missing),
        Json::String(bytes) => receiver.read_text(text::of_server(bytes)),
        Json::Bool(value) if receiver.is_boolean() => Ok(Value::Number(f64::from(u8::from(value)))),
        Json::Bool(value) if receiver.is_text() => {
            Ok(Value::Text(if value { "true" } else { "false" }))
        }
        Json::Number(number) if receiver.is_text() => Ok(Value::Text(number.to_text())),
        Json::Number(number) if receiver.is_boolean() => match number.to_double() {
            truth @ (0.0 | 1.0) => Ok(Value::Number(truth)),
            _ => Err(mismatch(json, receiver, serving)),
        },
        other => Err(mismatch(other, receiver, serving)),
    }
}

#[cold]
fn mismatch(json: Json<'_>, receiver: &Receiver, serving: &Serving) -> Failure {
    let given = match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    receiver.wrong_json(given, serving)
}

#[cold]
fn no_object(container: &Container<'_>, serving: &Serving) -> Failure {
    let failure = Failure::parameter(format!(
        "model \"{}\" needs a JSON object, one member an input",
        serving.model
    ));
    if container.is_scalar() {
        return failure.detail("The value is a JSON scalar.");
    }
    failure
        .detail("The value is a JSON array.")
        .hint("Pass an object by name, or an SQL array in the order of training.")
}

#[cold]
fn missing_key(serving: &Serving, member: &Member, object: &Container<'_>) -> Failure {
    let name = text::of_server(&member.key);
    let keys: Vec<&str> = object.keys().map(text::of_server).collect();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!(
            "the object has no key \"{name}\", which is an input of model \"{}\"",
            serving.model
        ),
    )
    .detail(format!("Its keys are {}.", list(&keys)));
    match nearest(name, &keys)[..] {
        [near, ..] => failure.hint(format!("Perhaps \"{near}\" should be \"{name}\".")),
        [] => failure.hint(format!(
            "Write \"{name}\": null where the value is missing."
        )),
    }
}
