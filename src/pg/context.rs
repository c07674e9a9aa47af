//! Scopes of PostgreSQL's own: a memory context, and settings that hold for a while.

use pgrx::pg_sys;
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
    pub fn reset(&self) {
        // SAFETY: nothing that was allocated here is referenced any more by contract of the callers.
        unsafe { pg_sys::MemoryContextReset(self.0) };
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

/// The server's `max_worker_processes`.
pub fn worker_processes() -> i32 {
    // SAFETY: an integer that changes at server start only.
    unsafe { pg_sys::max_worker_processes }
}

/// The schema in which the extension is installed, quoted.
pub fn extension_schema() -> String {
    let schema = pgrx::Spi::get_one::<String>(
        "SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension AS e \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace \
         WHERE e.extname OPERATOR(pg_catalog.=) 'pglearn'",
    );
    schema.ok().flatten().unwrap_or_else(|| "ml".to_owned())
}
