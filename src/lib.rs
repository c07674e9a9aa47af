//! pglearn: machine learning where the rows live.
//!
//! The rooms: [`pg`] is the PostgreSQL boundary (all `unsafe`), `settings` the settings, and then one
//! folder per capability: `train`, `predict`, `evaluate`, `metrics`, `registry`, `retraining`. The mathematics is the crate `pglearn-core`.

pub mod evaluate;
pub mod metrics;
pub mod pg;
pub mod predict;
pub mod registry;
pub mod retraining;
pub mod settings;
pub mod train;

pgrx::pg_module_magic!();

pgrx::extension_sql_file!(
    "../sql/catalog/bootstrap.sql",
    name = "bootstrap",
    bootstrap
);
pgrx::extension_sql_file!(
    "../sql/catalog/progress.sql",
    name = "progress",
    requires = [pg::progress::training_progress]
);
pgrx::extension_sql_file!("../sql/catalog/comments.sql", name = "comments", finalize);

/// Called by PostgreSQL when the library is loaded.
#[pgrx::pg_guard]
pub extern "C-unwind" fn _PG_init() {
    settings::register();
    retraining::register();
}
