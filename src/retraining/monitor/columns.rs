//! Which columns of a relation statistics are made of, and how.

use super::super::watches::Watch;
use crate::pg::cell::CellKind;
use crate::pg::error::{Failure, Result};
use crate::pg::moment;
use crate::pg::relation::{Attribute, Lock, OpenRelation, base_type};
use crate::pg::text::in_server;
use crate::pg::trigger::ReadColumn;
use crate::pg::value::ValueKind;
use pglearn_core::summary::Kind;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Relations whose columns a session remembers.
const REMEMBERED: usize = 1024;

/// How the values of a column are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Moments and extremes.
    Number,
    /// Counts of `true` and `false`.
    Boolean,
    /// Counts of texts.
    Category,
    /// The first and the last date.
    Date,
    /// The first and the last time, by some wall clock.
    Timestamp,
    /// The first and the last time, in UTC.
    Timestamptz,
    /// How many there are.
    Other,
}

impl Form {
    fn of(type_oid: Oid) -> Self {
        match ValueKind::of(type_oid) {
            Some(ValueKind::Cell(CellKind::Bool)) => Self::Boolean,
            Some(ValueKind::Cell(_)) => Self::Number,
            Some(
                ValueKind::Text
                | ValueKind::BlankPadded
                | ValueKind::Name
                | ValueKind::Char
                | ValueKind::Enum,
            ) => Self::Category,
            Some(ValueKind::Date) => Self::Date,
            Some(ValueKind::Timestamp) if base_type(type_oid) == pg_sys::TIMESTAMPTZOID => {
                Self::Timestamptz
            }
            Some(ValueKind::Timestamp) => Self::Timestamp,
            Some(ValueKind::Time | ValueKind::Interval) | None => Self::Other,
        }
    }

    /// What a column is summarised as.
    pub fn kind(self) -> Kind {
        match self {
            Self::Number => Kind::Numbers,
            Self::Boolean | Self::Category => Kind::Categories,
            Self::Date | Self::Timestamp | Self::Timestamptz => Kind::Times,
            Self::Other => Kind::Anything,
        }
    }
}

/// A column of which statistics are made.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The same in the database's encoding.
    pub key: Vec<u8>,
    /// How it is written down.
    pub form: Form,
}

/// The columns of a relation.
#[derive(Debug)]
pub struct Columns {
    /// How they are read.
    pub reads: Vec<ReadColumn>,
    /// What they are, in the same order.
    pub columns: Vec<Column>,
    /// The watches that chose them.
    chosen_by: Rc<[Watch]>,
}

/// What is remembered, and the number of changes of relations up to which it is so.
#[derive(Default)]
struct Memory {
    changes: u64,
    by_relation: HashMap<Oid, Rc<Columns>>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl Columns {
    /// Those that one of the watches wants; all of them where there is no watch.
    ///
    /// # Errors
    /// XX000 where the relation is gone.
    pub fn of(relation: Oid, watches: &Rc<[Watch]>) -> Result<Rc<Self>> {
        let changes = moment::relation_changes();
        let known = MEMORY.with_borrow(|memory| {
            let columns = memory.by_relation.get(&relation);
            columns.filter(|_| memory.changes == changes).cloned()
        });
        if let Some(columns) = known.filter(|columns| columns.chosen_by == *watches) {
            return Ok(columns);
        }
        let columns = Rc::new(Self::find(relation, watches)?);
        MEMORY.with_borrow_mut(|memory| {
            if memory.changes != changes || memory.by_relation.len() >= REMEMBERED {
                *memory = Memory {
                    changes,
                    ..Memory::default()
                };
            }
            memory.by_relation.insert(relation, Rc::clone(&columns));
        });
        Ok(columns)
    }

    fn find(relation: Oid, watches: &Rc<[Watch]>) -> Result<Self> {
        let opened = OpenRelation::open(relation, Lock::Read)
            .ok_or_else(|| Failure::internal("the relation of a trigger is gone"))?;
        let wanted = |attribute: &&Attribute| {
            watches.is_empty()
                || watches.iter().any(|watch| match &watch.columns {
                    None => true,
                    Some(names) => names.contains(&attribute.name),
                })
        };
        let attributes = opened.attributes();
        let (mut reads, mut columns) = (Vec::new(), Vec::new());
        for attribute in attributes.iter().filter(wanted) {
            let form = Form::of(attribute.type_oid);
            reads.push(ReadColumn::of(attribute, form != Form::Other));
            columns.push(Column {
                name: attribute.name.clone(),
                key: in_server(&attribute.name).into_owned(),
                form,
            });
        }
        Ok(Self {
            reads,
            columns,
            chosen_by: Rc::clone(watches),
        })
    }
}
