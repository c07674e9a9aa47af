//! The SQL functions of this room.

use super::{pending, request};
use crate::pg::context::refuse_read_only;
use crate::pg::error::Failure;
use crate::retraining::queue;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Queues a retraining; returns the number of the job.
#[pg_extern(sql = r#"
CREATE FUNCTION request_retrain(payload json) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn request_retrain(payload: Option<&str>) -> Result<i64, ErrorReport> {
    let payload = payload.ok_or_else(|| Failure::missing_argument("request_retrain", "payload"))?;
    refuse_read_only(c"request_retrain()");
    request::request(payload).map_err(ErrorReport::from)
}

/// Cancels a job; returns whether there was anything to cancel.
#[pg_extern(sql = r#"
CREATE FUNCTION cancel_job(job_id bigint) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn cancel_job(job_id: Option<i64>) -> Result<bool, ErrorReport> {
    let job_id = job_id.ok_or_else(|| Failure::missing_argument("cancel_job", "job_id"))?;
    refuse_read_only(c"cancel_job()");
    queue::cancel(job_id).map_err(ErrorReport::from)
}

/// Runs jobs that are due, in this session; returns how many were begun.
#[pg_extern(sql = r#"
CREATE FUNCTION run_pending(max_jobs integer DEFAULT 1) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn run_pending(max_jobs: Option<i32>) -> Result<i32, ErrorReport> {
    pending::run_pending(max_jobs.unwrap_or(1)).map_err(ErrorReport::from)
}

/// Takes over jobs that came with a dump; returns how many.
#[pg_extern(sql = r#"
CREATE FUNCTION resume_jobs() RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
pub(super) fn resume_jobs() -> Result<i32, ErrorReport> {
    refuse_read_only(c"resume_jobs()");
    queue::resume().map_err(ErrorReport::from)
}
