//! Training: `train` makes versions of named models (`named`); by MADlib's names, `logregr_train` and
//! `linregr_train` turn rows into model tables.

mod api;
mod linregr;
mod linregr_aggregate;
mod logregr;
pub(crate) mod named;
mod request;
mod sinks;
mod usage;
mod warnings;

pgrx::extension_sql_file!(
    "../../sql/catalog/train.sql",
    name = "train",
    requires = [
        api::logregr_train,
        api::logregr_train_usage,
        api::logregr_train_topic,
        api::linregr_train,
        api::linregr_train_usage,
        api::linregr_train_topic
    ]
);
