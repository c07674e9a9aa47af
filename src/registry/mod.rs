//! Named models: their versions and aliases, who may use them, which one serves.

pgrx::extension_sql_file!("../../sql/catalog/registry.sql", name = "registry");
