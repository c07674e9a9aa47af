//! A relation held open: what it is, whose it is, its columns.

use super::error::Result;
use super::list;
use super::parse;
use super::text;
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use std::ffi::CStr;

// The generated bindings leave these out: each call is to be guarded.
unsafe extern "C-unwind" {
    fn get_partition_ancestors(relation: pg_sys::Oid) -> *mut pg_sys::List;
}

/// How strong a lock a relation is opened with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// As SELECT takes it.
    Read,
    /// As INSERT takes it.
    Write,
    /// As CREATE TRIGGER takes it: readers go on, writers wait.
    Triggers,
    /// As DROP TRIGGER takes it: all others wait.
    Exclusive,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A table.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A table on another server.
    Foreign,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// An index, a sequence, a composite type, …
    Other,
}

/// A column that is not dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub number: i16,
    /// Its type.
    pub type_oid: pg_sys::Oid,
    /// Its collation.
    pub collation: pg_sys::Oid,
}

/// A relation that is open; its lock stays until the end of the transaction.
pub struct OpenRelation(pg_sys::Relation);

impl OpenRelation {
    /// Opens a relation, unless it is gone.
    pub fn open(relation: pg_sys::Oid, lock: Lock) -> Option<Self> {
        let mode = match lock {
            Lock::Read => pg_sys::AccessShareLock,
            Lock::Write => pg_sys::RowExclusiveLock,
            Lock::Triggers => pg_sys::ShareRowExclusiveLock,
            Lock::Exclusive => pg_sys::AccessExclusiveLock,
        };
        // SAFETY: NULL where there is no such relation (any more).
        let opened = unsafe { pg_sys::try_relation_open(relation, mode as pg_sys::LOCKMODE) };
        (!opened.is_null()).then(|| Self(opened))
    }

    /// Looks at a relation without keeping it: `None` where it is gone.
    pub fn glance<T>(relation: pg_sys::Oid, look: impl FnOnce(&Self) -> T) -> Option<T> {
        let opened = Self::open(relation, Lock::Read)?;
        let seen = look(&opened);
        drop(opened);
        // SAFETY: taken by `open`; whoever held it before holds it still.
        unsafe {
            pg_sys::UnlockRelationOid(relation, pg_sys::AccessShareLock as pg_sys::LOCKMODE);
        }
        Some(seen)
    }

    /// [`Lock::Triggers`] if nobody holds a lock that does not go with it: it never waits.
    pub fn try_for_triggers(relation: pg_sys::Oid) -> Option<Self> {
        let mode = pg_sys::ShareRowExclusiveLock as pg_sys::LOCKMODE;
        // SAFETY: a lock on any OID; it is given back where the relation has gone.
        unsafe {
            if !pg_sys::ConditionalLockRelationOid(relation, mode) {
                return None;
            }
            let opened = pg_sys::try_relation_open(relation, pg_sys::NoLock as pg_sys::LOCKMODE);
            if opened.is_null() {
                pg_sys::UnlockRelationOid(relation, mode);
                return None;
            }
            Some(Self(opened))
        }
    }

    fn class(&self) -> &pg_sys::FormData_pg_class {
        // SAFETY: the relation is open.
        unsafe { &*(*self.0).rd_rel }
    }

    /// Its OID.
    pub fn oid(&self) -> pg_sys::Oid {
        // SAFETY: as above.
        unsafe { (*self.0).rd_id }
    }

    /// Its owner.
    pub fn owner(&self) -> pg_sys::Oid {
        self.class().relowner
    }

    /// Whether the current role may make triggers on it.
    pub fn may_have_triggers(&self) -> bool {
        // SAFETY: a privilege look-up on an open relation.
        unsafe {
            let trigger = pg_sys::ACL_TRIGGER as pg_sys::AclMode;
            pg_sys::pg_class_aclcheck(self.oid(), pg_sys::GetUserId(), trigger)
                == pg_sys::AclResult::ACLCHECK_OK
        }
    }

    /// Whether it is a table, partitioned or not.
    pub fn is_table(&self) -> bool {
        matches!(self.class().relkind as u8, b'r' | b'p')
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        match self.class().relkind as u8 {
            b'r' => Kind::Table,
            b'p' => Kind::Partitioned,
            b'f' => Kind::Foreign,
            b'v' => Kind::View,
            b'm' => Kind::MaterializedView,
            _ => Kind::Other,
        }
    }

    /// Whether it is of a system catalog or its TOAST table.
    pub fn is_system(&self) -> bool {
        // SAFETY: the relation is open.
        unsafe { pg_sys::IsSystemRelation(self.0) }
    }

    /// Whether it is one of the extension's own.
    pub fn is_own(&self) -> bool {
        // SAFETY: look-ups in the catalogs, by a NUL-terminated name.
        unsafe {
            let own = pg_sys::get_extension_oid(c"pglearn".as_ptr(), true);
            own != pg_sys::InvalidOid
                && pg_sys::getExtensionOfObject(pg_sys::RelationRelationId, self.oid()) == own
        }
    }

    /// Whether it is temporary.
    pub fn is_temporary(&self) -> bool {
        self.class().relpersistence as u8 == b't'
    }

    /// Its quoted, qualified name; for a temporary one without the number of its session's schema.
    pub fn name(&self) -> String {
        if self.is_temporary() {
            // SAFETY: the name in the catalog row of an open relation ends in NUL.
            let name = unsafe { text::c_string(self.class().relname.data.as_ptr()) };
            return format!("pg_temp.{}", pgrx::spi::quote_identifier(name));
        }
        parse::quoted_name(self.oid())
    }

    /// The partitions right below it, those that are being detached left out; none where it is not
    /// partitioned.
    pub fn partitions(&self) -> Vec<pg_sys::Oid> {
        if self.kind() != Kind::Partitioned {
            return Vec::new();
        }
        // SAFETY: the relation is open and partitioned; the descriptor has as many OIDs as it says, and is
        // copied at once.
        unsafe {
            let descriptor = &*pg_sys::RelationGetPartitionDesc(self.0, true);
            match usize::try_from(descriptor.nparts).unwrap_or(0) {
                0 => Vec::new(),
                count => std::slice::from_raw_parts(descriptor.oids, count).to_vec(),
            }
        }
    }

    /// Its columns.
    pub fn attributes(&self) -> Vec<Attribute> {
        // SAFETY: the descriptor belongs to the open relation; names are NUL-terminated.
        unsafe {
            pgrx::PgTupleDesc::from_pg_unchecked((*self.0).rd_att)
                .iter()
                .filter(|attribute| !attribute.attisdropped)
                .map(|attribute| Attribute {
                    name: text::c_string(attribute.attname.data.as_ptr()).to_owned(),
                    number: attribute.attnum,
                    type_oid: attribute.atttypid,
                    collation: attribute.attcollation,
                })
                .collect()
        }
    }
}

impl Drop for OpenRelation {
    fn drop(&mut self) {
        // After an ERROR PostgreSQL closes it with the (sub)transaction.
        if !std::thread::panicking() {
            // SAFETY: opened by `open`, closed once.
            unsafe { pg_sys::relation_close(self.0, pg_sys::NoLock as pg_sys::LOCKMODE) };
        }
    }
}

/// The relation of a bare name, in a schema or else as the search_path finds it.
///
/// # Errors
/// 22023 for a NUL byte.
pub fn by_name(schema: Option<&str>, name: &str) -> Result<Option<pg_sys::Oid>> {
    let name = parse::c_string(name)?;
    let schema = schema.map(parse::c_string).transpose()?;
    // SAFETY: look-ups of NUL-terminated names that give the invalid OID where there is none.
    let relation = unsafe {
        match schema {
            None => pg_sys::RelnameGetRelid(name.as_ptr()),
            Some(schema) => match pg_sys::get_namespace_oid(schema.as_ptr(), true) {
                pg_sys::InvalidOid => pg_sys::InvalidOid,
                schema => pg_sys::get_relname_relid(name.as_ptr(), schema),
            },
        }
    };
    Ok((relation != pg_sys::InvalidOid).then_some(relation))
}

/// The partitioned tables that a relation is a part of, the nearest first; none where it is no partition.
pub fn partition_ancestors(relation: pg_sys::Oid) -> Vec<pg_sys::Oid> {
    // SAFETY: a syscache look-up for any OID, then a scan of pg_inherits for a partition.
    unsafe {
        if !pg_sys::get_rel_relispartition(relation) {
            return Vec::new();
        }
        list::oids(pg_guard_ffi_boundary(|| get_partition_ancestors(relation)))
    }
}

/// Schema and bare name of a relation; `None` where it is gone.
pub fn name_parts(relation: pg_sys::Oid) -> Option<(String, String)> {
    // SAFETY: syscache look-ups: NULL or NUL-terminated copies.
    unsafe {
        let name = pg_sys::get_rel_name(relation);
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation));
        let found = !name.is_null() && !schema.is_null();
        found.then(|| {
            let owned = |name| text::c_string(name).to_owned();
            (owned(schema), owned(name))
        })
    }
}

/// Whether a relation is a table, partitioned or not, without a trigger of a name.
pub fn is_table_without(relation: pg_sys::Oid, trigger: &CStr) -> bool {
    // SAFETY: look-ups in the catalogs by any OID and a NUL-terminated name.
    unsafe {
        matches!(pg_sys::get_rel_relkind(relation) as u8, b'r' | b'p')
            && pg_sys::get_trigger_oid(relation, trigger.as_ptr(), true) == pg_sys::InvalidOid
    }
}

/// The base type of a domain; other types are their own.
pub fn base_type(type_oid: pg_sys::Oid) -> pg_sys::Oid {
    // SAFETY: a syscache look-up for any OID of a type.
    unsafe { pg_sys::getBaseType(type_oid) }
}

/// Whether comparing values of a type runs nobody's code but the server's: built-in types and enums.
pub fn is_trusted_type(type_oid: pg_sys::Oid) -> bool {
    // SAFETY: syscache look-ups.
    let enumeration = unsafe { pg_sys::type_is_enum(type_oid) };
    type_oid.to_u32() < pg_sys::FirstNormalObjectId || enumeration
}

/// A type as SQL writes it, without a modifier and qualified unless it is built in: no search_path has
/// a say in it.
pub fn sql_type(type_oid: pg_sys::Oid) -> String {
    // SAFETY: returns a NUL-terminated string for any OID.
    unsafe {
        let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
        text::c_string(pg_sys::format_type_extended(type_oid, -1, flags as _)).to_owned()
    }
}

/// The quoted, qualified name of a collation; `None` for none, and for the database's own.
pub fn collation_name(collation: pg_sys::Oid) -> Option<String> {
    if collation == pg_sys::InvalidOid || collation == pg_sys::DEFAULT_COLLATION_OID {
        return None;
    }
    // SAFETY: returns a NUL-terminated string for any OID.
    unsafe {
        let name = pg_sys::generate_collation_name(collation);
        Some(text::c_string(name).to_owned())
    }
}
