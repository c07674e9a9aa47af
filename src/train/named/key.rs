//! The key of the split: what decides on which side a row is.

use super::columns;
use super::model::CONTENT;
use crate::pg::error::{Failure, Result};
use crate::pg::parse::Source;
use crate::pg::rows::SourceColumn;
use crate::pg::sql::{self, Param};
use crate::pg::value::ValueKind;
use crate::registry::model::OwnModel;
use pglearn_core::pipeline::InputKind;
use pglearn_core::split::{Method, Spec};
use pgrx::{PgSqlErrorCode, pg_sys};

/// What decides on sides.
pub struct SplitKey {
    /// Places of the columns in the source.
    pub places: Vec<usize>,
    /// Whether these are no key but all there is.
    pub content: bool,
    /// What the model keeps of it, where rows are hashed.
    pub stored: Option<Vec<String>>,
    /// Whether the columns were named by the user.
    pub explicit: bool,
    /// The column that is the primary key of the relation by itself.
    pub identifier: Option<usize>,
}

impl SplitKey {
    /// Decides on the key: that of the argument, that of the model, the primary key, or everything.
    ///
    /// # Errors
    /// 42703 for a column that is not there, 42804 for one that cannot decide, 22023 for another key than
    /// the model's.
    pub fn new(
        split: &Spec,
        model: Option<&OwnModel>,
        source: &Source,
        columns: &[SourceColumn],
    ) -> Result<Self> {
        let primary = primary_key(source.relation)?;
        let identifier = match &primary[..] {
            [only] => columns.iter().position(|column| column.name == *only),
            _ => None,
        };
        let named = !split.columns.is_empty();
        let stored = model.and_then(|model| model.split_key.clone());
        if !split.hashes() {
            let places = find_all(columns, &split.columns)?;
            check_split_type(split.method, columns, &places)?;
            return Ok(Self {
                places,
                content: false,
                stored: None,
                explicit: named,
                identifier,
            });
        }
        let names = match (named, stored) {
            (true, Some(stored)) if stored != split.columns => {
                return Err(another_key(&stored));
            }
            (true, _) => split.columns.clone(),
            (false, Some(stored)) => stored,
            (false, None) => default_key(&primary, columns),
        };
        // A key that the user named for an earlier version is one still.
        let explicit = named || names != default_key(&primary, columns);
        if split.columns.first().is_some_and(|first| first == CONTENT) {
            return Err(Failure::parameter(format!(
                "split: a column named \"{CONTENT}\" cannot be the key"
            ))
            .hint("Give it another name in a SELECT given as the source."));
        }
        let content = names.first().is_some_and(|first| first == CONTENT);
        let explicit = explicit && !content;
        let places = find_all(columns, &names[usize::from(content)..])?;
        if let Some(place) = places.iter().find(|place| !columns[**place].hashable) {
            return Err(Failure::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!(
                    "split: column \"{}\" is of type {}, whose values cannot be hashed",
                    columns[*place].name, columns[*place].sql_type
                ),
            ));
        }
        Ok(Self {
            places,
            content,
            stored: Some(names),
            explicit,
            identifier,
        })
    }
}

fn find_all(columns: &[SourceColumn], names: &[String]) -> Result<Vec<usize>> {
    names
        .iter()
        .map(|name| columns::find_readable(columns, name, "split"))
        .collect()
}

fn check_split_type(method: Method, columns: &[SourceColumn], places: &[usize]) -> Result<()> {
    let Some(column) = places.first().map(|place| &columns[*place]) else {
        return Ok(());
    };
    let kind = column.kind.map(ValueKind::input_kind);
    let (fits, needed) = match method {
        Method::Column => (kind == Some(InputKind::Boolean), "a boolean"),
        _ => (
            matches!(
                kind,
                Some(InputKind::Number | InputKind::Date | InputKind::Timestamp)
            ),
            "a time or a number",
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
        format!(
            "split: column \"{}\" is of type {}, method \"{}\" needs {needed}",
            column.name,
            column.sql_type,
            method.name()
        ),
    ))
}

fn another_key(stored: &[String]) -> Failure {
    let failure = Failure::parameter("split: the rows of this model are told apart by another key");
    let failure = match stored {
        [first, ..] if first == CONTENT => failure.detail("It is the content of the rows."),
        _ => failure.detail(format!("It is {}.", stored.join(", "))),
    };
    failure.hint("Rows must not change sides between the versions of a model: leave the key out, or train under another name.")
}

/// The primary key of a relation, else everything that can be hashed.
fn default_key(key: &[String], columns: &[SourceColumn]) -> Vec<String> {
    let usable = |name: &String| {
        columns
            .iter()
            .any(|column| column.name == *name && column.hashable && column.readable)
    };
    if !key.is_empty() && key.iter().all(usable) {
        return key.to_vec();
    }
    let unique = |name: &str| columns.iter().filter(|column| column.name == name).count() == 1;
    let all = columns
        .iter()
        .filter(|column| column.hashable && column.readable && unique(&column.name))
        .map(|column| column.name.clone());
    std::iter::once(CONTENT.to_owned()).chain(all).collect()
}

/// The columns of the primary key of a relation, in its order.
fn primary_key(relation: Option<pg_sys::Oid>) -> Result<Vec<String>> {
    let Some(relation) = relation else {
        return Ok(Vec::new());
    };
    let rows = sql::query(
        "SELECT a.attname::pg_catalog.text \
         FROM pg_catalog.pg_index AS i \
         CROSS JOIN LATERAL pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY AS k(attnum, place) \
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid \
              AND a.attnum OPERATOR(pg_catalog.=) k.attnum \
         WHERE i.indrelid OPERATOR(pg_catalog.=) $1 AND i.indisprimary \
         ORDER BY k.place USING OPERATOR(pg_catalog.<)",
        &[Param::Oid(Some(relation))],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}
