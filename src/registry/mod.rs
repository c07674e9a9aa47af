//! Named models: their versions and aliases, who may use them, which one serves.

mod catalog;
pub mod model;
pub mod publish;
pub mod reference;
pub mod serving;
pub mod version;

pgrx::extension_sql_file!("../../sql/catalog/registry.sql", name = "registry");
pgrx::extension_sql_file!(
    "../../sql/catalog/serving.sql",
    name = "serving",
    requires = ["registry"]
);
