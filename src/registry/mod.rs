//! Named models: their versions and aliases, who may use them, which one serves.

pub mod aliases;
mod api;
pub mod binding;
pub mod catalog;
mod grants;
mod importance;
pub mod model;
mod model_table;
pub mod publish;
pub mod recipe;
pub mod reference;
mod register;
mod removal;
mod rollback;
pub mod serving;
pub mod version;

pgrx::extension_sql_file!("../../sql/catalog/registry.sql", name = "registry");
pgrx::extension_sql_file!(
    "../../sql/catalog/serving.sql",
    name = "serving",
    requires = ["registry"]
);
pgrx::extension_sql_file!(
    "../../sql/catalog/registry_functions.sql",
    name = "registry_functions",
    requires = [
        "registry",
        api::rollback_alias,
        api::drop_alias,
        api::drop_version,
        api::drop_model,
        api::grant_model,
        api::revoke_model,
        api::register_model,
        api::feature_importance
    ]
);
