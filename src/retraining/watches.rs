//! The watches that a statement concerns, as whoever runs it finds them: a writer needs no rights on the
//! table `watches`.

use crate::pg::catalog_scan::{Indexed, Key, Order, Row, Scan};
use crate::pg::context::extension_namespace;
use crate::pg::error::Result;
use crate::pg::identity::Role;
use crate::pg::moment;
use crate::pg::relation::partition_ancestors;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Relations whose watches a session remembers.
const REMEMBERED: usize = 4096;

/// A row of the table `watches`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watch {
    /// Its number.
    pub id: i64,
    /// The relation that is watched.
    pub relation: Oid,
    /// The model that is retrained.
    pub model: Option<String>,
    /// An announcement is made when more rows than this have changed.
    pub threshold: i64,
    /// The columns that statistics are made of; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Where it is announced.
    pub channel: String,
    /// The least time between two retrainings, as text of an interval that every session reads alike.
    pub min_interval: String,
    /// On which conditions the new version serves, as JSON.
    pub gate: Option<String>,
    /// Who made it.
    pub owner: Role,
}

/// What is remembered, and the number of changes of relations up to which it is so.
#[derive(Default)]
struct Memory {
    changes: u64,
    table: Option<Table>,
    watches: HashMap<Oid, Rc<[Watch]>>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

impl Watch {
    /// The watches that a statement on a relation concerns: its own, and those of the partitioned tables
    /// that it is a part of.
    ///
    /// They are the present ones, whatever snapshot the statement goes by. A session remembers them until
    /// it is told that some relation has changed: `watches` tells so by its trigger `catalog_changed`, a
    /// partition when it is attached or detached. It asks each time, as a long transaction that only writes
    /// is not told by itself: what is committed when a statement ends is counted with it.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn of(relation: Oid) -> Result<Rc<[Self]>> {
        moment::hear();
        // Read before: what changes meanwhile makes this look-up outdated.
        let changes = moment::relation_changes();
        let known = MEMORY.with_borrow_mut(|memory| {
            if memory.changes != changes || memory.watches.len() >= REMEMBERED {
                *memory = Memory {
                    changes,
                    ..Memory::default()
                };
            }
            (memory.watches.get(&relation).cloned(), memory.table)
        });
        let table = match known {
            (Some(watches), _) => return Ok(watches),
            (None, Some(table)) => table,
            (None, None) => Table::find()?,
        };
        let mut watches = table.watches_of(relation);
        for ancestor in partition_ancestors(relation) {
            watches.extend(table.watches_of(ancestor));
        }
        let watches: Rc<[Self]> = watches.into();
        MEMORY.with_borrow_mut(|memory| {
            if memory.changes == changes {
                memory.table = Some(table);
                memory.watches.insert(relation, Rc::clone(&watches));
            }
        });
        Ok(watches)
    }

    /// All watches, those of relations that were dropped included, in the order of their numbers.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn all() -> Result<Vec<Self>> {
        let table = Table::find()?;
        let mut watches = table.collect(Scan::latest(table.by_relation, &[], Order::Forward));
        watches.sort_by_key(|watch| watch.id);
        Ok(watches)
    }

    /// The watch of a number, if it is still there.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn find(id: i64) -> Result<Option<Self>> {
        let table = Table::find()?;
        let by_id = Indexed::find(extension_namespace()?, c"watches", c"watches_pkey")?;
        let key = [(table.id, Key::BigInt(id))];
        let found = table.collect(Scan::latest(by_id, &key, Order::Forward));
        Ok(found.into_iter().next())
    }
}

/// Where the table is, and the numbers of its columns.
#[derive(Debug, Clone, Copy)]
struct Table {
    by_relation: Indexed,
    id: i16,
    relation: i16,
    model: i16,
    threshold: i16,
    columns: i16,
    channel: i16,
    min_interval: i16,
    gate: i16,
    owner: i16,
}

impl Table {
    fn find() -> Result<Self> {
        let index = c"watches_relation_model_key";
        let by_relation = Indexed::find(extension_namespace()?, c"watches", index)?;
        Ok(Self {
            by_relation,
            id: by_relation.column(c"watch_id")?,
            relation: by_relation.column(c"relation")?,
            model: by_relation.column(c"model")?,
            threshold: by_relation.column(c"threshold")?,
            columns: by_relation.column(c"columns")?,
            channel: by_relation.column(c"channel")?,
            min_interval: by_relation.column(c"min_interval")?,
            gate: by_relation.column(c"gate")?,
            owner: by_relation.column(c"owner")?,
        })
    }

    fn watches_of(&self, relation: Oid) -> Vec<Watch> {
        let key = [(self.relation, Key::Oid(relation))];
        let mut watches = self.collect(Scan::latest(self.by_relation, &key, Order::Forward));
        watches.sort_by_key(|watch| watch.id);
        watches
    }

    fn collect(&self, mut scan: Scan) -> Vec<Watch> {
        let mut watches = Vec::new();
        while let Some(row) = scan.next() {
            watches.push(self.read(&row));
        }
        watches
    }

    fn read(&self, row: &Row<'_>) -> Watch {
        Watch {
            id: row.big_int(self.id),
            relation: row.oid(self.relation),
            model: row.text(self.model).map(str::to_owned),
            threshold: row.big_int(self.threshold),
            columns: row.texts(self.columns),
            channel: row.text(self.channel).unwrap_or_default().to_owned(),
            min_interval: row.interval(self.min_interval).unwrap_or_default(),
            gate: row.json(self.gate),
            owner: row.oid(self.owner),
        }
    }
}
