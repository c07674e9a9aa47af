//! Jobs as users see them: asked for ([`request`]), run here ([`pending`]), cancelled or taken over from a
//! dump. What holds for all of them is the [`queue`](super::queue)'s.

mod api;
mod pending;
mod request;

pgrx::extension_sql_file!(
    "../../../sql/catalog/jobs.sql",
    name = "jobs",
    requires = [
        "retraining",
        api::request_retrain,
        api::cancel_job,
        api::run_pending,
        api::resume_jobs
    ]
);
