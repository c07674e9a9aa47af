//! Scopes of PostgreSQL's own: a memory context, and settings that hold for a while.

use super::catalog_scan::{Indexed, Key, Order, Scan};
use super::error::{Failure, Result};
use pgrx::{PgSqlErrorCode, pg_sys};
use std::ffi::CStr;

/// A memory context that is deleted on drop.
///
/// During unwinding from an ERROR it is left alone: PostgreSQL releases resources that may point into
/// it first, and deletes it together with its parent (a per-query context) afterwards.
pub struct MemoryScope(pg_sys::MemoryContext);

impl Default for MemoryScope {
    /// A context below the current one.
    fn default() -> Self {
        // SAFETY: the current context is valid; the name is a static string.
        Self(unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                c"pglearn".as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })
    }
}

impl MemoryScope {
    /// Runs with this context as the current one.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Back(pg_sys::MemoryContext);
        impl Drop for Back {
            fn drop(&mut self) {
                // SAFETY: the context that was current before is still valid.
                unsafe { pg_sys::MemoryContextSwitchTo(self.0) };
            }
        }
        // SAFETY: `self.0` lives as long as `self`.
        let _back = Back(unsafe { pg_sys::MemoryContextSwitchTo(self.0) });
        work()
    }

    /// Frees what was allocated in it.
    #[inline]
    pub fn reset(&self) {
        // SAFETY: the context lives as long as `self`; nothing that was allocated here is referenced any
        // more by contract of the callers. The guarded call is left out where there is nothing to free:
        // it costs as much as reading a row.
        unsafe {
            if !((*self.0).isReset && (*self.0).firstchild.is_null()) {
                pg_sys::MemoryContextReset(self.0);
            }
        }
    }
}

impl Drop for MemoryScope {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: created by `default`, not deleted before; not current (`run` restores).
            unsafe { pg_sys::MemoryContextDelete(self.0) };
        }
    }
}

/// Refuses settings of this prefix that have not been defined by now.
pub fn reserve_settings(prefix: &CStr) {
    // SAFETY: a NUL-terminated name, which is copied.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) };
}

/// A setting's text of a number of kB, with or without a unit.
pub fn parse_kilobytes(text: &str) -> Option<i32> {
    let text = super::parse::c_string(text).ok()?;
    let mut number = 0;
    // SAFETY: a NUL-terminated text, a place for the number, no hint wanted.
    let read = unsafe {
        pg_sys::parse_int(
            text.as_ptr(),
            &mut number,
            pg_sys::GUC_UNIT_KB as i32,
            std::ptr::null_mut(),
        )
    };
    read.then_some(number)
}

/// Settings that hold until the scope ends; after an ERROR PostgreSQL itself restores them with
/// the (sub)transaction.
pub struct SettingScope(i32);

impl SettingScope {
    /// Sets each name to its value, as a function's SET clause would.
    pub fn new(settings: &[(&CStr, &CStr)]) -> Self {
        // SAFETY: opens a nest level; names and values are NUL-terminated.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        for (name, value) in settings {
            // SAFETY: as above.
            unsafe {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_USERSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
        }
        Self(level)
    }
}

impl Drop for SettingScope {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the nest level opened by `new`.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) };
        }
    }
}

/// Refuses a command that writes where nothing can be written, before any work is done in vain: in a
/// read-only transaction and on a standby (25006), in a parallel query (25000).
pub fn refuse_read_only(command: &CStr) {
    // SAFETY: look at the state of the transaction and raise.
    unsafe {
        pg_sys::PreventCommandDuringRecovery(command.as_ptr());
        pg_sys::PreventCommandIfReadOnly(command.as_ptr());
        pg_sys::PreventCommandIfParallelMode(command.as_ptr());
    }
}

/// The server's `max_worker_processes`.
pub fn worker_processes() -> i32 {
    // SAFETY: an integer that changes at server start only.
    unsafe { pg_sys::max_worker_processes }
}

/// A number that tells this database from all others of this and of other servers, a restored copy of it
/// included.
pub fn database_identity() -> i64 {
    // SAFETY: both read variables that are set when the session starts.
    let (system, database) = unsafe { (pg_sys::GetSystemIdentifier(), pg_sys::MyDatabaseId) };
    // An odd multiplier maps databases one to one.
    let database = u64::from(database.to_u32()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (system ^ database) as i64
}

/// The schema in which the extension is installed.
///
/// # Errors
/// 42704 where it is not.
pub fn extension_namespace() -> Result<pg_sys::Oid> {
    let mut key = pg_sys::ScanKeyData::default();
    // SAFETY: an index scan of pg_extension by name, the key made for its type; the tuple is read while
    // the scan is open.
    let namespace = unsafe {
        pg_sys::ScanKeyInit(
            &mut key,
            pg_sys::Anum_pg_extension_extname as pg_sys::AttrNumber,
            pg_sys::BTEqualStrategyNumber as pg_sys::StrategyNumber,
            pg_sys::Oid::from(pg_sys::F_NAMEEQ),
            pg_sys::Datum::from(c"pglearn".as_ptr()),
        );
        let lock = pg_sys::AccessShareLock as pg_sys::LOCKMODE;
        let relation = pg_sys::table_open(pg_sys::ExtensionRelationId, lock);
        let scan = pg_sys::systable_beginscan(
            relation,
            pg_sys::Oid::from(pg_sys::ExtensionNameIndexId),
            true,
            std::ptr::null_mut(),
            1,
            &mut key,
        );
        let tuple = pg_sys::systable_getnext(scan);
        let namespace = (!tuple.is_null()).then(|| {
            (*pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_extension>()).extnamespace
        });
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, lock);
        namespace
    };
    namespace.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            "extension pglearn is not installed in this database",
        )
        .hint("CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml;")
    })
}

/// The version of the extension that is installed in this database.
///
/// # Errors
/// XX000 where no statement is running.
pub fn extension_version() -> Result<Option<String>> {
    const NAME: i16 = pg_sys::Anum_pg_extension_extname as i16;
    const VERSION: i16 = pg_sys::Anum_pg_extension_extversion as i16;
    let extensions = Indexed {
        table: pg_sys::ExtensionRelationId,
        index: pg_sys::Oid::from(pg_sys::ExtensionNameIndexId),
        name: c"pg_extension_name_index",
    };
    let mut scan = Scan::new(extensions, &[(NAME, Key::Name(c"pglearn"))], Order::Forward)?;
    Ok(scan
        .next()
        .and_then(|row| row.text(VERSION))
        .map(str::to_owned))
}

/// Its name, quoted.
///
/// # Errors
/// 42704 where the extension is not installed.
pub fn quoted_extension_schema() -> Result<String> {
    let namespace = extension_namespace()?;
    // SAFETY: a syscache look-up: NULL or a NUL-terminated copy.
    let name = unsafe {
        let name = pg_sys::get_namespace_name(namespace);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    };
    let name = name.ok_or_else(|| Failure::internal("the extension's schema is missing"))?;
    Ok(pgrx::spi::quote_identifier(name))
}

/// The same for a message, which must not fail.
pub fn extension_schema() -> String {
    quoted_extension_schema().unwrap_or_else(|_| "ml".to_owned())
}
