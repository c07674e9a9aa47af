//! Arrays whose elements are the values of a row, or of an input.

use super::receiver::{Receiver, signature};
use super::{array_kind, counted};
use crate::pg::array::ArrayView;
use crate::pg::cell::CellKind;
use crate::pg::elements;
use crate::pg::error::{Failure, Result};
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::InputKind;
use pglearn_core::value::Value;
use pgrx::{PgSqlErrorCode, pg_sys};

/// A row that is being read.
pub trait Row<'a> {
    /// Puts the value of a slot.
    fn put(&mut self, slot: usize, value: Value<'a>);
}

/// A row of any values.
pub struct Values<'r, 'a>(pub &'r mut [Value<'a>]);

impl<'a> Row<'a> for Values<'_, 'a> {
    #[inline]
    fn put(&mut self, slot: usize, value: Value<'a>) {
        self.0[slot] = value;
    }
}

/// The elements of an array, put into slots that follow each other.
pub struct Elements {
    kind: ValueKind,
    first: usize,
    receivers: Vec<Receiver>,
    /// Whether the elements are texts to be read as the receivers' types.
    texts: bool,
    /// Whether they are the whole row.
    whole: bool,
}

impl Elements {
    /// Elements of a type for all slots of a model: numbers for booleans too (0 and 1), texts for all.
    ///
    /// # Errors
    /// 42804 where a receiver does not take them.
    pub fn of_row(
        serving: &Serving,
        element: pg_sys::Oid,
        receivers: Vec<Receiver>,
    ) -> Result<Self> {
        let Some(kind) = ValueKind::of(element) else {
            return Err(match receivers.first() {
                Some(receiver) => receiver.wrong_type(element, serving),
                None => Failure::internal("a model without inputs"),
            });
        };
        let texts = kind.input_kind() == InputKind::Text;
        let texts = texts && !receivers.iter().all(Receiver::is_text);
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
            first: 0,
            receivers,
            texts,
            whole: true,
        })
    }

    /// Elements of an array of a type for an input that is one, its slots from `first` on.
    ///
    /// # Errors
    /// 42804 where the input does not take them.
    pub fn of_input(
        serving: &Serving,
        array: pg_sys::Oid,
        first: usize,
        receivers: Vec<Receiver>,
    ) -> Result<Self> {
        let Some(receiver) = receivers.first() else {
            return Err(Failure::internal("an array input without elements"));
        };
        match array_kind(array) {
            Some(kind) if receiver.accepts(kind) => Ok(Self {
                kind,
                first,
                receivers,
                texts: false,
                whole: false,
            }),
            _ => Err(receiver.wrong_array(array, serving)),
        }
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
        if let Some(doubles) = self.doubles_of(&array) {
            let (doubles, _) = doubles.as_chunks();
            for (at, double) in doubles.iter().enumerate() {
                row.put(self.first + at, Value::Number(f64::from_ne_bytes(*double)));
            }
            return Ok(());
        }
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
            return Err(self.wrong_dimensions(array.dimensions, serving));
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
        Ok(self.doubles_of(&array))
    }

    #[inline]
    fn doubles_of<'a>(&self, array: &ArrayView<'a>) -> Option<&'a [u8]> {
        if self.kind != ValueKind::Cell(CellKind::Float8) || array.has_null {
            return None;
        }
        array.fixed(CellKind::Float8)
    }

    /// Puts a missing value into every slot.
    pub fn missing<'a>(&self, row: &mut impl Row<'a>) {
        for at in 0..self.receivers.len() {
            row.put(self.first + at, Value::Missing);
        }
    }

    /// What takes the elements, as messages call it.
    fn taker(&self, serving: &Serving) -> String {
        if self.whole {
            return format!("model \"{}\"", serving.model);
        }
        let name = self.receivers.first().map_or("", Receiver::input);
        format!("input {name} of model \"{}\"", serving.model)
    }

    #[cold]
    fn wrong_dimensions(&self, given: i32, serving: &Serving) -> Failure {
        Failure::new(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "{} takes an array of one dimension, the array has {given}",
                self.taker(serving)
            ),
        )
    }

    #[cold]
    fn wrong_length(&self, given: usize, serving: &Serving) -> Failure {
        Failure::new(
            PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
            format!(
                "{} takes {}, the array has {given}",
                self.taker(serving),
                counted(self.receivers.len(), "element")
            ),
        )
        .detail(signature(serving))
    }
}

#[cold]
fn damaged() -> Failure {
    Failure::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, "invalid array")
}
