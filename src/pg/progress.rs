//! Progress of running trainings, in the slot that every backend has for progress reports: no
//! preloading, nothing left behind by a backend that dies.

use super::identity::{self, Role};
use super::text;
use pgrx::iter::TableIterator;
use pgrx::prelude::*;
use std::ffi::CString;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering::Relaxed};

/// Our own kind of command, far from PostgreSQL's (1, 2, 3, …).
const COMMAND: pg_sys::ProgressCommandType::Type = 0x706c;

/// The phases that are told apart; their numbers are what is stored.
const PHASES: [&str; 15] = [
    "",
    "reading rows",
    "warm start",
    "iteration",
    "inference",
    "sorting",
    "writing",
    "preprocess",
    "encode",
    "sweep",
    "fingerprint",
    "scoring the hold-out",
    "evaluating",
    "publishing",
    "computing",
];

/// Places in the slot's parameters.
mod place {
    pub const PHASE: i32 = 0;
    pub const DONE: i32 = 1;
    pub const TOTAL: i32 = 2;
    pub const LOSS: i32 = 3;
    pub const STARTED: i32 = 4;
    pub const NAME: i32 = 5;
    /// Eight bytes each.
    pub const NAME_WORDS: usize = 8;
    pub const JOB: i32 = NAME + NAME_WORDS as i32;
    pub const RUN_AS: i32 = JOB + 1;
}

/// A job that this process works on, on behalf of a role: its trainings are that role's to see, and
/// `pg_stat_activity` says what is going on.
pub struct JobScope(());

/// Number of the job at hand, 0 for none, and its role.
static JOB: AtomicI64 = AtomicI64::new(0);
static RUN_AS: AtomicU32 = AtomicU32::new(0);

impl JobScope {
    /// From now on until dropped. In a background worker, which has no query to show, the job is shown.
    /// Within a transaction, which it may outlast.
    pub fn new(job: i64, run_as: Role, model: &str) -> Self {
        JOB.store(job, Relaxed);
        RUN_AS.store(run_as.to_u32(), Relaxed);
        if identity::is_background_worker() {
            let quoted = model.replace('"', "\"\"");
            activity(Some(&format!(
                "pglearn: training model \"{quoted}\", job {job}"
            )));
        }
        Self(())
    }
}

impl Drop for JobScope {
    fn drop(&mut self) {
        JOB.store(0, Relaxed);
        RUN_AS.store(0, Relaxed);
        if identity::is_background_worker() {
            activity(None);
        }
    }
}

/// What `pg_stat_activity` shows of this process; `None`: that it is idle.
fn activity(text: Option<&str>) {
    let text = text.map(|text| CString::new(text::server_bytes(text)).unwrap_or_default());
    let state = match text {
        Some(_) => pg_sys::BackendState::STATE_RUNNING,
        None => pg_sys::BackendState::STATE_IDLE,
    };
    let text = text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    // SAFETY: copies a NUL-terminated text into this backend's own status entry; NULL keeps what it has.
    unsafe { pg_sys::pgstat_report_activity(state, text) };
}

/// A training in progress, shown until dropped.
pub struct Report(());

impl Report {
    /// Begins a report: on which relation (0 for a query), for which model.
    pub fn new(relation: Option<pg_sys::Oid>, model: &str) -> Self {
        let mut bytes = [0u8; place::NAME_WORDS * 8];
        let mut end = model.len().min(bytes.len());
        while !model.is_char_boundary(end) {
            end -= 1;
        }
        bytes[..end].copy_from_slice(&model.as_bytes()[..end]);
        // SAFETY: writes numbers into this backend's own status entry.
        unsafe {
            pg_sys::pgstat_progress_start_command(COMMAND, relation.unwrap_or(pg_sys::InvalidOid));
            pg_sys::pgstat_progress_update_param(place::STARTED, pg_sys::GetCurrentTimestamp());
            pg_sys::pgstat_progress_update_param(place::LOSS, f64::NAN.to_bits() as i64);
            pg_sys::pgstat_progress_update_param(place::JOB, JOB.load(Relaxed));
            pg_sys::pgstat_progress_update_param(place::RUN_AS, RUN_AS.load(Relaxed).into());
            for (i, word) in bytes.chunks_exact(8).enumerate() {
                let mut copy = [0u8; 8];
                copy.copy_from_slice(word);
                pg_sys::pgstat_progress_update_param(
                    place::NAME + i as i32,
                    i64::from_ne_bytes(copy),
                );
            }
        }
        update("reading rows", 0, 0, f64::NAN);
        Self(())
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // SAFETY: clears this backend's own entry, while an ERROR unwinds too: outside a transaction nobody
        // else would.
        unsafe { pg_sys::pgstat_progress_end_command() };
    }
}

/// Notes how far the training of this session is.
pub fn update(phase: &str, done: u64, total: u64, loss: f64) {
    let phase = PHASES
        .iter()
        .position(|known| *known == phase)
        .unwrap_or(PHASES.len() - 1);
    // SAFETY: writes numbers into this backend's own status entry, or nothing outside a report.
    unsafe {
        pg_sys::pgstat_progress_update_param(place::PHASE, phase as i64);
        pg_sys::pgstat_progress_update_param(place::DONE, done as i64);
        pg_sys::pgstat_progress_update_param(place::TOTAL, total as i64);
        if !loss.is_nan() {
            pg_sys::pgstat_progress_update_param(place::LOSS, loss.to_bits() as i64);
        }
    }
}

/// The status entry at a place, from 1.
fn entry(at: i32) -> *mut pg_sys::LocalPgBackendStatus {
    // SAFETY: a local copy of the status array; NULL for places that do not exist.
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::pgstat_fetch_stat_local_beentry(at)
    }
    // SAFETY: as above.
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::pgstat_get_local_beentry_by_index(at)
    }
}

type ProgressRow = (
    name!(job_id, Option<i64>),
    name!(pid, i32),
    name!(model, String),
    name!(relation, Option<pg_sys::Oid>),
    name!(phase, &'static str),
    name!(done, i64),
    name!(total, Option<i64>),
    name!(percent, Option<f64>),
    name!(loss, Option<f64>),
    name!(started_at, TimestampWithTimeZone),
);

/// Running trainings of this database that the caller may see: own ones, those of roles whose
/// privileges the caller has, all for members of `pg_read_all_stats`.
#[pg_extern(stable, parallel_restricted)]
#[allow(clippy::type_complexity)]
fn training_progress() -> TableIterator<
    'static,
    (
        name!(job_id, Option<i64>),
        name!(pid, i32),
        name!(model, String),
        name!(relation, Option<pg_sys::Oid>),
        name!(phase, &'static str),
        name!(done, i64),
        name!(total, Option<i64>),
        name!(percent, Option<f64>),
        name!(loss, Option<f64>),
        name!(started_at, TimestampWithTimeZone),
    ),
> {
    // SAFETY: counts the entries of the local copy.
    let count = unsafe { pg_sys::pgstat_fetch_stat_numbackends() };
    TableIterator::new((1..=count).filter_map(row).collect::<Vec<_>>())
}

fn row(at: i32) -> Option<ProgressRow> {
    let local = entry(at);
    if local.is_null() {
        return None;
    }
    // SAFETY: a valid entry of the local copy.
    let status = unsafe { &(*local).backendStatus };
    if status.st_progress_command != COMMAND
        // SAFETY: a variable that is set when the session starts.
        || status.st_databaseid != unsafe { pg_sys::MyDatabaseId }
    {
        return None;
    }
    let parameter = |at: i32| status.st_progress_param[at as usize];
    // A job is its role's, not that of the process that works on it.
    let owner = match u32::try_from(parameter(place::RUN_AS)) {
        Ok(role) if role > 0 => Role::from(role),
        _ => status.st_userid,
    };
    if !identity::has_privileges_of(owner)
        && !identity::has_privileges_of(Role::from(READ_ALL_STATS))
    {
        return None;
    }
    let job = parameter(place::JOB);
    let mut name = Vec::new();
    for word in 0..place::NAME_WORDS {
        name.extend_from_slice(&parameter(place::NAME + word as i32).to_ne_bytes());
    }
    let name: Vec<u8> = name.into_iter().take_while(|byte| *byte != 0).collect();
    let phase = usize::try_from(parameter(place::PHASE))
        .ok()
        .and_then(|i| PHASES.get(i).copied());
    let (done, total) = (parameter(place::DONE), parameter(place::TOTAL));
    let total = (total > 0).then_some(total);
    let loss = f64::from_bits(parameter(place::LOSS) as u64);
    let relation = status.st_progress_command_target;
    Some((
        (job > 0).then_some(job),
        status.st_procpid,
        String::from_utf8_lossy(&name).into_owned(),
        (relation != pg_sys::InvalidOid).then_some(relation),
        phase.unwrap_or(""),
        done,
        total,
        total.map(|total| (100.0 * done as f64 / total as f64).min(100.0)),
        (!loss.is_nan()).then_some(loss),
        TimestampWithTimeZone::try_from(parameter(place::STARTED)).ok()?,
    ))
}

/// The OID of the predefined role `pg_read_all_stats`.
const READ_ALL_STATS: u32 = 3375;
