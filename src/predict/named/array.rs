//! A row as an array, and inputs that are arrays.

use super::form::{FIRST, Row};
use super::receiver::{Receiver, signature};
use crate::pg::array::ArrayView;
use crate::pg::call::Call;
use crate::pg::cell::CellKind;
use crate::pg::elements;
use crate::pg::error::{Failure, Result};
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::InputKind;
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};

/// The elements of an array, put into slots that follow each other.
pub struct Elements {
    kind: ValueKind,
    first: usize,
    receivers: Vec<Receiver>,
    /// Whether the elements are texts to be read as the receivers' types.
    texts: bool,
}

impl Elements {
    /// Elements of a type for the slots from `first` on.
    ///
    /// # Errors
    /// 42804 where a receiver does not take them.
    pub fn new(
        serving: &Serving,
        element: pg_sys::Oid,
        first: usize,
        receivers: Vec<Receiver>,
    ) -> Result<Self> {
        let texts = |kind: ValueKind| kind.input_kind() == InputKind::Text;
        let Some(kind) = ValueKind::of(element) else {
            return Err(match receivers.first() {
                Some(receiver) => receiver.wrong_type(element, serving),
                None => Failure::internal("a model without inputs"),
            });
        };
        let texts = texts(kind) && !receivers.iter().all(Receiver::is_text);
        let mut refusing = receivers.iter();
        if !texts && let Some(receiver) = refusing.find(|receiver| !receiver.accepts_element(kind))
        {
            return Err(receiver
                .wrong_type(element, serving)
                .detail(signature(serving))
                .hint("Pass a row, an object or a text[], whose elements are read as the inputs' types."));
        }
        Ok(Self {
            kind,
            first,
            receivers,
            texts,
        })
    }

    /// Puts the elements of an array (the bytes behind its varlena header) into a row.
    ///
    /// # Errors
    /// 2202E for another number of elements or of dimensions.
    pub fn read<'a>(
        &self,
        bytes: &'a [u8],
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<()> {
        let array = self.view(bytes, serving)?;
        let put = |at: usize, value: Value<'a>| {
            let receiver = &self.receivers[at];
            let value = match value {
                Value::Text(text) if self.texts => receiver.read_text(text)?,
                other => other,
            };
            row.put(self.first + at, value);
            Ok::<_, Failure>(())
        };
        if elements::each(&array, self.kind, put)? {
            Ok(())
        } else {
            Err(damaged())
        }
    }

    /// The array, if it has as many elements as there are receivers.
    #[inline]
    fn view<'a>(&self, bytes: &'a [u8], serving: &Serving) -> Result<ArrayView<'a>> {
        let array = ArrayView::parse(bytes).ok_or_else(damaged)?;
        if array.dimensions > 1 {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
                format!(
                    "an array of {} dimensions where one is needed",
                    array.dimensions
                ),
            ));
        }
        if array.len != self.receivers.len() {
            return Err(self.wrong_length(array.len, serving));
        }
        Ok(array)
    }

    /// The doubles of an array without NULLs, if that is what it is.
    #[inline]
    pub fn doubles<'a>(&self, bytes: &'a [u8], serving: &Serving) -> Result<Option<&'a [u8]>> {
        if self.kind != ValueKind::Cell(CellKind::Float8) {
            return Ok(None);
        }
        let array = self.view(bytes, serving)?;
        if array.has_null {
            return Ok(None);
        }
        Ok(array.fixed(CellKind::Float8))
    }

    #[cold]
    fn wrong_length(&self, given: usize, serving: &Serving) -> Failure {
        let whole = self.receivers.len() == serving.scorer.slots();
        let what = if whole {
            format!("model \"{}\"", serving.model)
        } else {
            let name = self.receivers.first().map_or("", Receiver::input);
            format!("input {name} of model \"{}\"", serving.model)
        };
        Failure::new(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "{what} takes {} elements, the array has {given}",
                self.receivers.len()
            ),
        )
        .detail(signature(serving))
    }

    /// Puts a missing value into every slot.
    pub fn missing<'a>(&self, row: &mut impl Row<'a>) {
        for at in 0..self.receivers.len() {
            row.put(self.first + at, Value::Missing);
        }
    }
}

#[cold]
fn damaged() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array")
}

/// A row as an array.
pub struct ArrayForm(Elements);

impl ArrayForm {
    /// An array of elements of a type.
    ///
    /// # Errors
    /// 42804 where the model does not take them.
    pub fn new(serving: &Serving, receivers: Vec<Receiver>, element: pg_sys::Oid) -> Result<Self> {
        Elements::new(serving, element, 0, receivers).map(Self)
    }

    /// See [`Form::read`](super::form::Form::read).
    pub fn read<'a>(
        &'a self,
        call: &'a Call,
        serving: &Serving,
        row: &mut impl Row<'a>,
    ) -> Result<bool> {
        if call.is_null(FIRST) {
            return Ok(false);
        }
        self.0.read(call.bytes(FIRST), serving, row)?;
        Ok(true)
    }

    /// The doubles of the array, where they can be scored in place.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub fn doubles<'a>(&self, call: &'a Call, serving: &Serving) -> Result<Option<&'a [u8]>> {
        if call.is_null(FIRST) {
            return Ok(None);
        }
        self.0.doubles(call.bytes(FIRST), serving)
    }
}
