//! pglearn: machine learning where the rows live.
pgrx::pg_module_magic!();
