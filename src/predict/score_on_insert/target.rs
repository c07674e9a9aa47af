//! The table of the predictions: made, checked, written.

use super::predictions::{DATE, PREDICTION, PROBABILITY, Predictions, VERSION};
use crate::pg::error::{Failure, Result};
use crate::pg::query::type_name;
use crate::pg::relation::{
    Attribute, OpenRelation, base_type, collation_name, is_trusted_type, sql_type,
};
use crate::pg::sql;
use crate::pg::tuple_store::{StoredColumn, TupleStore};
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, pg_sys};

/// What the rows of one statement are called in the SQL that writes them.
const SCORED: &std::ffi::CStr = c"scored";

/// The column that names a row: of the relation, and alike in the table of predictions.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its type; of a domain, the base type.
    pub type_oid: pg_sys::Oid,
    /// Its collation.
    pub collation: pg_sys::Oid,
}

impl Key {
    /// The key of a relation.
    ///
    /// # Errors
    /// 0A000 where comparing its values could run code of others than the server's.
    pub fn of(column: &Attribute) -> Result<Self> {
        let type_oid = base_type(column.type_oid);
        if !is_trusted_type(type_oid) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!(
                    "key \"{}\" is of type {}, which is neither built in nor an enum",
                    column.name,
                    type_name(type_oid)
                ),
            )
            .detail("The predictions are written in the name of the role that calls score_on_insert; operators of others are not run in it.")
            .hint("Take a column of a built-in type as the key."));
        }
        Ok(Self {
            name: column.name.clone(),
            type_oid,
            collation: column.collation,
        })
    }
}

/// The definition of the columns of a new table.
///
/// # Errors
/// 42701 where the key is named like a column of the predictions.
pub fn definition(key: &Key, predictions: &Predictions<'_>) -> Result<String> {
    let mut columns = vec![(PREDICTION.to_owned(), sql_type(predictions.kind.type_oid()))];
    let double = sql_type(pg_sys::FLOAT8OID);
    let probabilities = predictions.probabilities.iter();
    columns.extend(probabilities.map(|name| (name.clone(), double.clone())));
    columns.push((DATE.to_owned(), sql_type(pg_sys::TIMESTAMPTZOID)));
    columns.push((VERSION.to_owned(), sql_type(pg_sys::INT4OID)));
    if columns.iter().any(|(name, _)| *name == key.name) {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_COLUMN,
            format!(
                "key \"{}\" is named like a column of the predictions",
                key.name
            ),
        )
        .hint("Rename the column, or take another one as the key."));
    }
    let collation = collation_name(key.collation)
        .map(|name| format!(" COLLATE {name}"))
        .unwrap_or_default();
    let mut list = format!(
        "{} {}{collation} PRIMARY KEY",
        quote_identifier(&key.name),
        sql_type(key.type_oid)
    );
    for (name, sql_type) in columns {
        list.push_str(&format!(", {} {sql_type}", quote_identifier(&name)));
    }
    Ok(list)
}

/// A table into which the predictions of a version fit.
pub struct Target<'a> {
    table: &'a OpenRelation,
    key: &'a Key,
    predictions: &'a Predictions<'a>,
    /// The type of its column `prediction`.
    prediction: pg_sys::Oid,
    /// The collation of its key, which says what is equal in it.
    collation: pg_sys::Oid,
    /// Its columns of probabilities that belong to no class of this version.
    stale: Vec<String>,
}

impl<'a> Target<'a> {
    /// Checks the table.
    ///
    /// # Errors
    /// 42501 where it does not belong to `owner`, 42809 where it is no permanent table, 42703 for a
    /// column that it lacks, 42804 for one of another type.
    pub fn check(
        table: &'a OpenRelation,
        owner: pg_sys::Oid,
        key: &'a Key,
        predictions: &'a Predictions<'a>,
    ) -> Result<Self> {
        let name = table.name();
        if !table.is_table() || table.is_temporary() {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
                format!("{name} is not a permanent table"),
            ));
        }
        if table.owner() != owner {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
                format!("must be owner of table {name}"),
            )
            .detail("Predictions are written in the name of the role that called score_on_insert, and what else happens in the table is its owner's doing.")
            .hint("Name a new table, which will be created, or one of your own."));
        }
        let attributes = table.attributes();
        let found = |column: &str| {
            attributes.iter().find(|a| a.name == column).ok_or_else(|| {
                Failure::new(
                    PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                    format!("table {name} has no column \"{column}\""),
                )
            })
        };
        let own_key = found(&key.name)?;
        expect_type(&name, own_key, key.type_oid)?;
        let prediction = found(PREDICTION)?;
        if !predictions.kind.fits(prediction.type_oid) {
            return Err(wrong_type(&name, prediction, predictions.kind.type_oid()));
        }
        for column in &predictions.probabilities {
            let add = format!(
                "ALTER TABLE {name} ADD COLUMN {} float8;",
                quote_identifier(column)
            );
            let attribute = found(column).map_err(|failure| failure.hint(add))?;
            expect_type(&name, attribute, pg_sys::FLOAT8OID)?;
        }
        expect_type(&name, found(DATE)?, pg_sys::TIMESTAMPTZOID)?;
        expect_type(&name, found(VERSION)?, pg_sys::INT4OID)?;
        let prediction = prediction.type_oid;
        let collation = own_key.collation;
        let stale = attributes.iter().filter(|a| {
            a.name.starts_with(PROBABILITY)
                && a.type_oid == pg_sys::FLOAT8OID
                && a.name != key.name
                && !predictions.probabilities.contains(&a.name)
        });
        Ok(Self {
            stale: stale.map(|a| a.name.clone()).collect(),
            table,
            key,
            predictions,
            prediction,
            collation,
        })
    }

    /// The column that names a row.
    pub fn key(&self) -> &Key {
        self.key
    }

    /// Rows for [`write`](Self::write): the number of the row, the key, the prediction, the
    /// probabilities.
    ///
    /// # Errors
    /// None but what the server raises.
    pub fn rows(&self) -> Result<TupleStore> {
        let column = |name, type_oid, collation| StoredColumn {
            name,
            type_oid,
            collation,
        };
        let plain = pg_sys::InvalidOid;
        let mut columns = vec![
            column("row".to_owned(), pg_sys::INT8OID, plain),
            column("key".to_owned(), self.key.type_oid, self.collation),
            column(
                "p".to_owned(),
                self.predictions.kind.type_oid(),
                match self.predictions.kind.type_oid() {
                    pg_sys::TEXTOID => pg_sys::DEFAULT_COLLATION_OID,
                    _ => plain,
                },
            ),
        ];
        let classes = 1..=self.predictions.probabilities.len();
        columns.extend(classes.map(|n| column(format!("p{n}"), pg_sys::FLOAT8OID, plain)));
        TupleStore::new(&columns)
    }

    /// Writes the predictions, over older ones of the same keys; of rows with the same key the last
    /// one wins. `unique` says that there are none.
    ///
    /// # Errors
    /// What INSERT raises.
    pub fn write(&self, rows: &TupleStore, version: i32, unique: bool) -> Result<()> {
        let statement = self.statement(version, unique);
        sql::in_own_path(|| rows.run(SCORED, &statement, self.table.oid())).map(drop)
    }

    fn statement(&self, version: i32, unique: bool) -> String {
        let key = quote_identifier(&self.key.name);
        let cast = match self.prediction == self.predictions.kind.type_oid() {
            true => String::new(),
            false => format!("::{}", sql_type(self.prediction)),
        };
        let mut columns = vec![
            (PREDICTION.to_owned(), format!("s.p{cast}")),
            (DATE.to_owned(), "pg_catalog.now()".to_owned()),
            (VERSION.to_owned(), version.to_string()),
        ];
        let probabilities = self.predictions.probabilities.iter().zip(1..);
        columns.extend(probabilities.map(|(name, n)| (quote_identifier(name), format!("s.p{n}"))));
        let stale = self.stale.iter();
        columns.extend(stale.map(|name| (quote_identifier(name), "NULL".to_owned())));
        let (mut names, mut values, mut updates) = (key.clone(), "s.key".to_owned(), String::new());
        for (name, value) in &columns {
            names.push_str(&format!(", {name}"));
            values.push_str(&format!(", {value}"));
            let comma = if updates.is_empty() { "" } else { ", " };
            updates.push_str(&format!("{comma}{name} = excluded.{name}"));
        }
        let (distinct, order) = match unique {
            true => ("", ""),
            false => ("DISTINCT ON (s.key) ", " ORDER BY s.key, s.row DESC"),
        };
        format!(
            "INSERT INTO {} ({names}) SELECT {distinct}{values} FROM scored AS s{order} ON CONFLICT ({key}) DO UPDATE SET {updates}",
            self.table.name()
        )
    }
}

fn expect_type(table: &str, attribute: &Attribute, type_oid: pg_sys::Oid) -> Result<()> {
    if attribute.type_oid == type_oid {
        return Ok(());
    }
    Err(wrong_type(table, attribute, type_oid))
}

fn wrong_type(table: &str, attribute: &Attribute, wanted: pg_sys::Oid) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!(
            "column \"{}\" of table {table} is of type {} where {} is needed",
            attribute.name,
            type_name(attribute.type_oid),
            type_name(wanted)
        ),
    )
    .hint("Name a new table, which will be created with the right columns.")
}
