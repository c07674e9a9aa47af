//! The retraining loop: new rows are counted (`monitor`), enough of them are announced (`announce`) and queue a
//! job (`queue`), a background worker (`worker`) runs it (`run`) and a gate decides whether the new version
//! serves. `watch` and `unwatch` say which relations take part (`watch`).

pub mod announce;
pub mod catalog;
mod counting;
mod home;
mod jobs;
pub mod monitor;
pub mod queue;
pub mod run;
pub mod sweep;
mod tables;
mod watch;
pub mod watches;
mod worker;

pub use worker::register;

pgrx::extension_sql_file!(
    "../../sql/catalog/retraining.sql",
    name = "retraining",
    requires = ["registry"]
);
pgrx::extension_sql_file!(
    "../../sql/catalog/watch.sql",
    name = "watch",
    requires = [
        "retraining",
        "serving",
        watch::api::watch,
        watch::api::unwatch,
        sweep::api::check_watches
    ]
);
