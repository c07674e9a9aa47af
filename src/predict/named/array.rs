//! A row as an array.

use super::form::FIRST;
use crate::pg::call::Call;
use crate::pg::error::Result;
use crate::registry::binding::{Elements, Receiver, Row};
use crate::registry::serving::Serving;
use pgrx::pg_sys;

/// A row as an array.
pub struct ArrayForm(Elements);

impl ArrayForm {
    /// An array of elements of a type.
    ///
    /// # Errors
    /// 42804 where the model does not take them.
    pub fn new(serving: &Serving, receivers: Vec<Receiver>, element: pg_sys::Oid) -> Result<Self> {
        Elements::of_row(serving, element, receivers).map(Self)
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
