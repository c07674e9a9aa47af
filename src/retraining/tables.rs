//! Where the tables are that events are written to, as a session remembers them.

use crate::pg::catalog_scan::Indexed;
use crate::pg::context::extension_namespace;
use crate::pg::error::Result;
use crate::pg::heap_insert::Table;
use crate::pg::moment;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::rc::Rc;

/// The tables, their sequences, the numbers of their columns.
#[derive(Debug, PartialEq, Eq)]
pub struct Tables {
    /// `data_statistics`
    pub statistics: Table,
    /// Numbers of events.
    pub events: Oid,
    /// `change_log`
    pub change_log: Table,
    /// By what it is counted.
    pub counting: ChangeColumns,
    /// `announcements`
    pub announcements: Table,
    /// Numbers of announcements.
    pub announcement_numbers: Oid,
    /// How the latest one is found.
    pub latest: AnnouncementColumns,
}

/// Columns of `change_log`.
#[derive(Debug, PartialEq, Eq)]
pub struct ChangeColumns {
    /// Ordered by watch, relation, transaction and event.
    pub index: Indexed,
    /// `watch_id`
    pub watch: i16,
    /// `relation`
    pub relation: i16,
    /// `xid`
    pub xid: i16,
    /// `event_id`
    pub event: i16,
    /// `row_count`
    pub rows: i16,
}

/// Columns of `announcements`.
#[derive(Debug, PartialEq, Eq)]
pub struct AnnouncementColumns {
    /// Ordered by watch, relation and number.
    pub index: Indexed,
    /// `announcement_id`
    pub id: i16,
    /// `watch_id`
    pub watch: i16,
    /// `relation`
    pub relation: i16,
    /// `event_id`
    pub event: i16,
    /// `xid`
    pub xid: i16,
    /// `snapshot`
    pub snapshot: i16,
}

thread_local! {
    static KNOWN: RefCell<Option<(u64, Rc<Tables>)>> = const { RefCell::new(None) };
}

impl Tables {
    /// The present ones.
    ///
    /// # Errors
    /// XX000 where the extension is not whole.
    pub fn get() -> Result<Rc<Self>> {
        // Read before: what changes meanwhile makes this look-up outdated.
        let changes = moment::relation_changes();
        let known = KNOWN.with_borrow(|known| match known {
            Some((then, tables)) if *then == changes => Some(Rc::clone(tables)),
            _ => None,
        });
        if let Some(tables) = known {
            return Ok(tables);
        }
        let tables = Rc::new(Self::find()?);
        KNOWN.with_borrow_mut(|known| *known = Some((changes, Rc::clone(&tables))));
        Ok(tables)
    }

    fn find() -> Result<Self> {
        let schema = extension_namespace()?;
        let statistics = Table::find(schema, c"data_statistics")?;
        let change_log = Table::find(schema, c"change_log")?;
        let announcements = Table::find(schema, c"announcements")?;
        Ok(Self {
            statistics,
            events: statistics.identity(c"event_id")?,
            change_log,
            counting: ChangeColumns::find(schema)?,
            announcements,
            announcement_numbers: announcements.identity(c"announcement_id")?,
            latest: AnnouncementColumns::find(schema)?,
        })
    }
}

impl ChangeColumns {
    fn find(schema: Oid) -> Result<Self> {
        let index = Indexed::find(schema, c"change_log", c"change_log_counting")?;
        Ok(Self {
            watch: index.column(c"watch_id")?,
            relation: index.column(c"relation")?,
            xid: index.column(c"xid")?,
            event: index.column(c"event_id")?,
            rows: index.column(c"row_count")?,
            index,
        })
    }
}

impl AnnouncementColumns {
    fn find(schema: Oid) -> Result<Self> {
        let index = Indexed::find(schema, c"announcements", c"announcements_latest")?;
        Ok(Self {
            id: index.column(c"announcement_id")?,
            watch: index.column(c"watch_id")?,
            relation: index.column(c"relation")?,
            event: index.column(c"event_id")?,
            xid: index.column(c"xid")?,
            snapshot: index.column(c"snapshot")?,
            index,
        })
    }
}
