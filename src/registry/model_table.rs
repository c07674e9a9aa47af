//! A MADlib-style model table (`logregr_train`, `linregr_train`, ours or MADlib's) with its summary,
//! read and checked: anybody can make a table that looks like one. Read as it is now, not as the calling
//! statement's snapshot has it, like the catalog entries that go with it.

use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::parse::NewRelation;
use crate::pg::sql::{self, Param, Row};
use crate::settings;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// What a registered coefficient takes at the most: its input, encoder, names.
const COEFFICIENT_BYTES: u64 = 1024;

/// What fitted the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `logregr_train`
    Logistic,
    /// `linregr_train`
    Linear,
}

/// A model table without groups.
#[derive(Debug, Clone)]
pub struct ModelTable {
    /// Quoted and qualified.
    pub name: String,
    /// What fitted it.
    pub method: Method,
    /// The relation it was trained on, as it was written.
    pub source: Option<String>,
    /// The dependent variable, as it was written.
    pub dependent: String,
    /// The independent variables, as they were written.
    pub independent: String,
    /// The coefficients; of several inputs one may be the intercept.
    pub coef: Vec<f64>,
    /// As many standard errors, or none.
    pub std_err: Vec<f64>,
    /// The column `intercept`; `None` in tables of MADlib, which have none.
    pub intercept: Option<f64>,
    /// Whether the trainer added a constant, which is `coef[1]` then; `None` where it does not say.
    pub intercept_added: Option<bool>,
    /// The two classes in ascending order, where the summary says.
    pub classes: Option<Vec<String>>,
    /// Rows it learned from.
    pub rows: Option<i64>,
}

/// A relation with its columns.
struct Table {
    quoted: String,
    names: NewRelation,
    columns: Vec<(String, String)>,
}

impl Table {
    /// The relation of an OID.
    fn of(relation: Oid) -> Result<Self> {
        let rows = sql::returning(
            "SELECT n.nspname::pg_catalog.text, c.relname::pg_catalog.text, \
                    c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r'::pg_catalog.char, 'p'::pg_catalog.char]) \
               FROM pg_catalog.pg_class AS c \
               JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
              WHERE c.oid OPERATOR(pg_catalog.=) $1",
            &[Param::Oid(Some(relation))],
        )?;
        let Some(row) = rows.first() else {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
                format!("relation with OID {relation} does not exist"),
            ));
        };
        let names = NewRelation {
            schema: row.get(0)?,
            name: row.get(1)?,
        };
        if !row.get::<bool>(2)? {
            return Err(not_a_model(&names.quoted(), "It is no table."));
        }
        let rows = sql::returning(
            "SELECT a.attname::pg_catalog.text, pg_catalog.format_type(a.atttypid, NULL) \
               FROM pg_catalog.pg_attribute AS a \
              WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped",
            &[Param::Oid(Some(relation))],
        )?;
        let columns = rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
        Ok(Self {
            quoted: names.quoted(),
            columns: columns.collect::<Result<_>>()?,
            names,
        })
    }

    /// The summary that a trainer writes beside a model table.
    fn summary(&self) -> Result<Self> {
        let summary = self.names.sibling("_summary");
        let rows = sql::returning(
            "SELECT c.oid FROM pg_catalog.pg_class AS c \
               JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
              WHERE n.nspname::pg_catalog.text OPERATOR(pg_catalog.=) $1 \
                AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) $2",
            &[(&summary.schema).into(), (&summary.name).into()],
        )?;
        match rows.first() {
            Some(row) => Self::of(row.get(0)?),
            None => Err(not_a_model(
                &self.quoted,
                &format!("There is no summary {} beside it.", summary.quoted()),
            )),
        }
    }

    fn has(&self, column: &str, types: &[&str]) -> bool {
        self.columns
            .iter()
            .any(|(name, sql_type)| name == column && types.contains(&sql_type.as_str()))
    }

    /// A column of one of the types, or NULL: an expression for a target list.
    fn optional(&self, column: &'static str, types: &[&str], cast: &'static str) -> String {
        match self.has(column, types) {
            true => format!("t.{column}::pg_catalog.{cast}"),
            false => format!("NULL::pg_catalog.{cast}"),
        }
    }

    fn require(&self, model: &str, column: &'static str, types: &[&str]) -> Result<()> {
        if self.has(column, types) {
            return Ok(());
        }
        let problem = format!(
            "{} has no column {column} of type {}.",
            self.quoted, types[0]
        );
        Err(not_a_model(model, &problem))
    }

    /// The only row of a target list made of [`optional`](Self::optional) expressions.
    fn only_row(&self, model: &str, targets: &[String]) -> Result<Row> {
        // No value travels in the text: the names are quoted, the columns ours.
        let text = format!(
            "SELECT {} FROM {} AS t LIMIT 2",
            targets.join(", "),
            self.quoted
        );
        let mut rows = sql::returning_verbatim(&text)?;
        match (rows.pop(), rows.len()) {
            (Some(row), 0) => Ok(row),
            (None, _) => Err(not_a_model(model, &format!("{} has no row.", self.quoted))),
            _ => Err(grouped(model)),
        }
    }
}

const TEXTS: [&str; 2] = ["character varying", "text"];
const DOUBLES: [&str; 1] = ["double precision[]"];

impl ModelTable {
    /// Reads a table under the caller's rights.
    ///
    /// # Errors
    /// 42809 for what is no model table, 0A000 for one with groups or of another method, 22023 for
    /// coefficients that cannot be; 42501 where it may not be read.
    pub fn read(relation: Oid) -> Result<Self> {
        let table = Table::of(relation)?;
        let name = table.quoted.clone();
        table.require(&name, "coef", &DOUBLES)?;
        let summary = table.summary()?;
        for column in ["method", "dependent_varname", "independent_varname"] {
            summary.require(&name, column, &TEXTS)?;
        }
        let about = summary.only_row(
            &name,
            &[
                summary.optional("method", &TEXTS, "text"),
                summary.optional("source_table", &TEXTS, "text"),
                summary.optional("dependent_varname", &TEXTS, "text"),
                summary.optional("independent_varname", &TEXTS, "text"),
                summary.optional("grouping_col", &TEXTS, "text"),
                summary.optional("intercept_added", &["boolean"], "bool"),
                summary.optional("class_values", &["text[]"], "_text"),
            ],
        )?;
        let grouping: Option<&str> = about.get(4)?;
        if grouping.is_some_and(|columns| !columns.is_empty() && columns != "NULL") {
            return Err(grouped(&name));
        }
        let model = table.only_row(
            &name,
            &[
                table.optional("coef", &DOUBLES, "_float8"),
                "pg_catalog.array_ndims(t.coef)".to_owned(),
                table.optional("std_err", &DOUBLES, "_float8"),
                table.optional("intercept", &["double precision"], "float8"),
                table.optional("num_rows_processed", &["bigint", "integer"], "int8"),
            ],
        )?;
        let text = |column| {
            let value: Option<String> = about.get(column)?;
            value.ok_or_else(|| {
                not_a_model(&name, "Its summary has a NULL where a name should stand.")
            })
        };
        let coef = coefficients(&name, &model)?;
        let std_err: Option<&[f64]> = model.get(2)?;
        let usable = std_err.filter(|errors| {
            errors.len() == coef.len() && errors.iter().all(|e| e.is_nan() || *e >= 0.0)
        });
        Ok(Self {
            method: method(&name, &text(0)?)?,
            source: about.get(1)?,
            dependent: text(2)?,
            independent: text(3)?,
            std_err: usable.map(<[f64]>::to_vec).unwrap_or_default(),
            intercept: model.get(3)?,
            intercept_added: about.get(5)?,
            classes: about.get(6)?,
            rows: model.get(4)?,
            coef,
            name,
        })
    }
}

fn coefficients(name: &str, row: &Row) -> Result<Vec<f64>> {
    let coef: Option<&[f64]> = row.get(0)?;
    let coef = coef.unwrap_or_default();
    if coef.is_empty() {
        return Err(not_a_model(
            name,
            "Its coefficients are NULL or empty: the fit failed.",
        ));
    }
    if row.get::<Option<i32>>(1)? != Some(1) {
        return Err(not_a_model(name, "Its coefficients are no list."));
    }
    if let Some(place) = coef.iter().position(|value| !value.is_finite()) {
        return Err(Failure::parameter(format!(
            "coef[{}] of {name} is no finite number",
            place + 1
        )));
    }
    let (needed, limit) = (
        coef.len() as u64 * COEFFICIENT_BYTES,
        settings::max_memory(),
    );
    if needed > limit {
        return Err(memory_limit(needed, limit));
    }
    Ok(coef.to_vec())
}

fn method(name: &str, method: &str) -> Result<Method> {
    match method {
        "logregr" => Ok(Method::Logistic),
        "linregr" => Ok(Method::Linear),
        other => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            format!(
                "{name} was made by method \"{}\", which cannot be registered",
                crate::pg::parse::excerpt(other)
            ),
        )
        .hint("Models of logregr_train and linregr_train can be registered.")),
    }
}

#[cold]
fn not_a_model(name: &str, detail: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!("{name} is not a model table"),
    )
    .detail(detail)
    .hint("Name a table that logregr_train or linregr_train wrote, its summary beside it.")
}

#[cold]
fn grouped(name: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("{name} holds a model for each group"),
    )
    .detail("A registered model has no groups.")
    .hint("Train one model a group: source 'SELECT * FROM … WHERE region = ''north'''.")
}
