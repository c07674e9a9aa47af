//! SQL functions that are written for a user: under a name of the user's, by plain DDL with the
//! user's own rights.

use super::error::{Failure, Result};
use super::parse;
use super::sql::{self, Param};
use super::text;
use super::types::NamedType;
use pgrx::spi::{quote_identifier, quote_literal, quote_qualified_identifier};
use pgrx::{PgSqlErrorCode, pg_sys};

/// A function to be created.
#[derive(Debug)]
pub struct Function {
    schema: String,
    name: String,
    parameters: Vec<Parameter>,
}

/// A parameter of a function.
#[derive(Debug)]
pub struct Parameter {
    /// Its name; without one it can only be given by its place.
    pub name: Option<String>,
    /// Its type.
    pub sql_type: NamedType,
}

/// A function that is there already.
#[derive(Debug)]
pub struct Existing {
    /// Its OID.
    pub oid: pg_sys::Oid,
    /// Its comment.
    pub comment: Option<String>,
}

impl Function {
    /// A function under a name that a user gave, plain or with a schema; without one in the first
    /// schema of the `search_path`.
    ///
    /// # Errors
    /// 42602 for what is no name, 3F000 where there is no such schema, 54023 for too many parameters,
    /// 25006 in a read-only transaction.
    pub fn new(argument: &str, name: &str, parameters: Vec<Parameter>) -> Result<Self> {
        // SAFETY: raise in a read-only transaction, on a standby and in a parallel query, before any
        // work is done in vain.
        unsafe {
            pg_sys::PreventCommandIfReadOnly(c"CREATE FUNCTION".as_ptr());
            pg_sys::PreventCommandIfParallelMode(c"CREATE FUNCTION".as_ptr());
        }
        let no_name = || {
            Failure::new(
                PgSqlErrorCode::ERRCODE_INVALID_NAME,
                format!(
                    "{argument} is not the name of a function: \"{}\"",
                    parse::excerpt(name)
                ),
            )
            .hint("Write name, schema.name or '\"My Name\"', without parentheses.")
        };
        // PostgreSQL's splitter takes anything between dots for a name.
        if outside_quotes(name).any(|c| "(),;".contains(c)) {
            return Err(no_name());
        }
        let range = parse::range_var(argument, name).map_err(|_| no_name())?;
        // SAFETY: `range` is a valid RangeVar; raises 3F000 for a missing schema. Both names are
        // NUL-terminated.
        let (schema, name) = unsafe {
            let namespace = pg_sys::RangeVarGetCreationNamespace(range);
            let schema = pg_sys::get_namespace_name(namespace);
            if schema.is_null() {
                return Err(Failure::internal("the schema has been dropped"));
            }
            let name = text::c_string((*range).relname);
            (text::c_string(schema).to_owned(), name.to_owned())
        };
        Ok(Self {
            schema,
            name,
            parameters,
        })
    }

    /// Its quoted name with its schema.
    pub fn quoted(&self) -> String {
        quote_qualified_identifier(&self.schema, &self.name)
    }

    fn types(&self) -> String {
        let types = self.parameters.iter().map(|p| p.sql_type.sql.as_str());
        types.collect::<Vec<_>>().join(", ")
    }

    /// The function of this name and these types, if there is one.
    ///
    /// # Errors
    /// Those of a catalog query.
    pub fn existing(&self) -> Result<Option<Existing>> {
        let types = self.parameters.iter().map(|p| p.sql_type.oid.to_u32());
        let types: Vec<String> = types.map(|oid| oid.to_string()).collect();
        let rows = sql::returning(
            "SELECT p.oid, pg_catalog.obj_description(p.oid, 'pg_proc')
               FROM pg_catalog.pg_proc AS p
               JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
              WHERE n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.name
                AND p.proname OPERATOR(pg_catalog.=) $2::pg_catalog.name
                AND p.proargtypes::pg_catalog.text OPERATOR(pg_catalog.=) $3",
            &[
                Param::from(&self.schema),
                Param::from(&self.name),
                Param::from(&types.join(" ")),
            ],
        )?;
        let existing = |row: &sql::Row| {
            Ok(Existing {
                oid: row.get(0)?,
                comment: row.get(1)?,
            })
        };
        rows.first().map(existing).transpose()
    }

    /// Creates it, or replaces one that carries a comment which begins as this one does, and returns
    /// its OID. `declaration` is what follows the parameters; it and `comment` are SQL and text of ours.
    ///
    /// # Errors
    /// 42723 where another function has the name and the types; what CREATE FUNCTION raises.
    pub fn create(&self, declaration: &str, mark: &str, comment: &str) -> Result<pg_sys::Oid> {
        let name = self.quoted();
        let types = self.types();
        if let Some(existing) = self.existing()?
            && !existing.comment.is_some_and(|old| old.starts_with(mark))
        {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_DUPLICATE_FUNCTION,
                format!("function {name}({types}) already exists"),
            )
            .detail("It was not made by this function, so it is not replaced.")
            .hint(format!(
                "DROP FUNCTION {name}({types}); or choose another name."
            )));
        }
        let parameters = self.parameters.iter().map(|parameter| {
            let name = parameter.name.as_deref().map(quote_identifier);
            format!("{} {}", name.unwrap_or_default(), parameter.sql_type.sql)
        });
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        sql::command(&format!(
            "CREATE OR REPLACE FUNCTION {name}({parameters}) {declaration}"
        ))?;
        let comment = quote_literal(format!("{mark}{comment}"));
        sql::command(&format!("COMMENT ON FUNCTION {name}({types}) IS {comment}"))?;
        match self.existing()? {
            Some(created) => Ok(created.oid),
            None => Err(Failure::internal("the function is not there")),
        }
    }
}

/// What depends on a function, in words; at most ten.
///
/// # Errors
/// Those of a catalog query.
pub fn dependents(function: pg_sys::Oid) -> Result<Vec<String>> {
    let rows = sql::returning(
        "SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
           FROM pg_catalog.pg_depend AS d
          WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
            AND d.refobjid OPERATOR(pg_catalog.=) $1
          ORDER BY 1
          LIMIT 10",
        &[Param::Oid(Some(function))],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The characters of a text that do not stand between double quotes.
fn outside_quotes(text: &str) -> impl Iterator<Item = char> + '_ {
    text.split('"').step_by(2).flat_map(str::chars)
}
