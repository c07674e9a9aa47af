//! Training by MADlib's names: `logregr_train`, `linregr_train`. Rows in, model tables out.

mod api;
mod linregr;
mod linregr_aggregate;
mod logregr;
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
