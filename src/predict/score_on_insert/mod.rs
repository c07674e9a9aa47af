//! Scoring on insert: a statement trigger that writes the predictions of new rows into a table, one
//! batch a statement, in the writer's own transaction.
//!
//! The trigger has one argument, the number of a row of the table `scorings`: the consent of the role
//! that installed it to what happens in its name. It runs as that role, so that a writer needs no
//! rights on the model or on the table of predictions; restricted, and executing nothing that others
//! could have put in its way: the inserted rows are read without operators, casts or output functions,
//! keys are of built-in types or enums, and the table of predictions belongs to the installer.
//!
//! The rows are those of INSERT (also of ON CONFLICT and MERGE, as far as they insert) and COPY into
//! the relation itself. UPDATE, TRUNCATE, inserts that name a partition, and rows that logical
//! replication applies are not covered.

mod api;
mod consent;
mod install;
mod predictions;
mod run;
mod scoring;
mod target;

pgrx::extension_sql_file!(
    "../../../sql/catalog/score_on_insert.sql",
    name = "score_on_insert",
    requires = [api::score_on_insert, api::unscore_on_insert]
);
