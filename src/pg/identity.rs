//! Whose rights hold: the current role, what it may act as, and a scope in which another one's hold.

use super::context::SettingScope;
use super::error::Result;
use super::list;
use super::parse;
use pgrx::pg_sys;
use std::ffi::CStr;

/// A role by its OID, which stays when it is renamed.
pub type Role = pg_sys::Oid;

/// The role whose privileges count now (`current_user`).
pub fn current_role() -> Role {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::GetUserId() }
}

/// Whether the current role is the one that the session belongs to: nothing run here could get at the
/// rights of another one by `RESET ROLE`.
pub fn is_session_user() -> bool {
    // SAFETY: reads variables of the backend.
    unsafe { pg_sys::GetUserId() == pg_sys::GetSessionUserId() }
}

/// Whether this process is a background worker rather than a client's session.
pub fn is_background_worker() -> bool {
    // SAFETY: reads a variable that is set when the process starts.
    unsafe { !pg_sys::MyBgworkerEntry.is_null() }
}

/// The name of a role; `None` where it has been dropped.
pub fn role_name(role: Role) -> Option<String> {
    // SAFETY: a syscache look-up that gives NULL for an unknown OID, else a NUL-terminated copy.
    unsafe {
        let name = pg_sys::GetUserNameFromId(role, true);
        (!name.is_null()).then(|| CStr::from_ptr(name).to_string_lossy().into_owned())
    }
}

/// The name of the current role.
pub fn current_role_name() -> String {
    role_name(current_role()).unwrap_or_default()
}

/// Whether the current role has a role's privileges: it is that role, inherits from it, or is a
/// superuser. Nobody but a superuser has those of a role that was dropped.
pub fn has_privileges_of(role: Role) -> bool {
    // SAFETY: reads the backend's cache of memberships.
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}

/// The same of any role.
pub fn role_has_privileges_of(member: Role, role: Role) -> bool {
    // SAFETY: reads the backend's cache of memberships.
    unsafe { pg_sys::has_privs_of_role(member, role) }
}

/// Whether what runs now is the business of another role than the session's, which must not get out of it:
/// an expression of an index, a materialized view that is refreshed, a job.
pub fn is_restricted() -> bool {
    // SAFETY: reads a variable of the backend.
    unsafe { pg_sys::InSecurityRestrictedOperation() }
}

/// Everything runs with another role's privileges until the scope ends, as for a maintenance command:
/// neither role nor session settings can be changed in it, no cursor or prepared statement outlives it.
/// Settings that are changed in it are as before at its end: who has turned `row_security` off has done so for
/// himself.
pub struct RestrictedUser {
    user: Role,
    context: i32,
    level: i32,
}

impl RestrictedUser {
    /// Becomes a role.
    pub fn new(role: Role) -> Self {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        // SAFETY: opens a nest level of settings; reads, then sets variables of the backend. They are
        // restored on drop, also when an ERROR unwinds; a (sub)transaction abort restores them as well.
        let level = unsafe {
            let level = pg_sys::NewGUCNestLevel();
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            let restricted =
                pg_sys::SECURITY_LOCAL_USERID_CHANGE | pg_sys::SECURITY_RESTRICTED_OPERATION;
            pg_sys::SetUserIdAndSecContext(role, context | restricted as i32);
            level
        };
        Self {
            user,
            context,
            level,
        }
    }
}

impl Drop for RestrictedUser {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: undoes what was set since `new` opened the level; after an ERROR PostgreSQL does.
            unsafe { pg_sys::AtEOXact_GUC(false, self.level) };
        }
        // SAFETY: sets the variables to what they were.
        unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) };
    }
}

/// The session is another role's until the scope ends: `session_user` and `is_superuser` say so. For a
/// background worker, at the top of its work: code of users must not take it for a superuser's session.
pub struct SessionRole {
    user: Role,
    is_superuser: bool,
}

impl SessionRole {
    /// Within a transaction, as it looks into the catalog.
    pub fn new(role: Role) -> Self {
        // SAFETY: reads, then sets variables of the backend; allowed to the superuser as whom a worker is
        // connected. They stay when the transaction ends, in whatever way.
        unsafe {
            let before = Self {
                user: pg_sys::GetSessionUserId(),
                is_superuser: pg_sys::GetSessionUserIsSuperuser(),
            };
            pg_sys::SetSessionAuthorization(role, pg_sys::superuser_arg(role));
            before
        }
    }
}

impl Drop for SessionRole {
    fn drop(&mut self) {
        // SAFETY: as above.
        unsafe { pg_sys::SetSessionAuthorization(self.user, self.is_superuser) };
    }
}

/// The schemas that names are looked up in now, as a setting of search_path: what `"$user"` stands for
/// written out, so that it means the same for every role.
pub fn effective_search_path() -> String {
    // SAFETY: the list holds OIDs of namespaces that exist; the name is NULL or NUL-terminated.
    let schemas: Vec<String> = unsafe {
        let list = list::oids(pg_sys::fetch_search_path(false));
        let names = list.into_iter().map(|oid| pg_sys::get_namespace_name(oid));
        names
            .filter(|name| !name.is_null())
            .map(|name| CStr::from_ptr(name).to_string_lossy().into_owned())
            .collect()
    };
    let quoted: Vec<String> = schemas.iter().map(pgrx::spi::quote_identifier).collect();
    quoted.join(", ")
}

/// User text (relation names, expressions) is understood under another search_path until the scope ends.
///
/// # Errors
/// 22023 for a NUL byte.
pub fn search_path(path: &str) -> Result<SettingScope> {
    let path = parse::c_string(path)?;
    Ok(SettingScope::new(&[(c"search_path", &path)]))
}
