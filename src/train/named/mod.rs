//! Named models: any table in, a named and versioned model out.
//!
//! [`train::train`] is the way through the room: the arguments are checked ([`request`]), the input
//! columns chosen ([`columns`]), the rows read once ([`ingest`]), told apart ([`sides`]), learned from
//! ([`learn`]), judged ([`holdout`]) and the result recorded ([`record`]), all in the caller's
//! transaction. [`retrain`] runs a stored recipe, [`info`] shows what a version holds.

mod api;
mod arguments;
mod cells;
mod class_weight;
mod columns;
mod holdout;
mod info;
mod ingest;
mod key;
mod learn;
mod model;
mod queued;
mod record;
mod request;
mod retrain;
mod sides;
mod target;
mod train;
mod waiting;

pub use queued::{arguments as queued_arguments, check_retraining};
pub use retrain::{Again, find as find_trainable};
pub use train::{Learned, Prepared, learn, prepare, publish};

pgrx::extension_sql_file!(
    "../../../sql/catalog/train_named.sql",
    name = "train_named",
    requires = [
        "registry",
        api::train,
        api::retrain,
        api::feature_info,
        api::training_info,
        api::weights,
        api::algorithms
    ]
);
