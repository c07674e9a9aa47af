//! The columns a model reads, as its users know them.

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum InputKind {
    /// Any numeric type; `time` and `interval` in seconds.
    Number = 1,
    /// `boolean`: [`Value::Number`](crate::value::Value::Number) 0 or 1.
    Boolean = 2,
    /// A string type or an enum.
    Text = 3,
    /// `date`: [`Value::Time`](crate::value::Value::Time) at midnight UTC.
    Date = 4,
    /// `timestamp` or `timestamptz`.
    Timestamp = 5,
}

/// A column of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its type as SQL writes it, e.g. `character varying(20)`.
    pub sql_type: String,
    /// What its values are; those of its elements where it is an array.
    pub kind: InputKind,
    /// Elements, where it is an array column (of numbers or booleans): each takes a slot.
    pub length: Option<u32>,
}

impl Input {
    /// Values it contributes to a row: 1, or the elements of the array.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.length.map_or(1, |length| length as usize)
    }

    /// What messages call a slot: `name`, or `name[i]` counted from 1.
    #[must_use]
    pub fn slot_name(&self, slot: usize) -> String {
        match self.length {
            None => self.name.clone(),
            Some(_) => format!("{}[{}]", self.name, slot + 1),
        }
    }
}
