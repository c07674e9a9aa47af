//! `score_on_insert` and `unscore_on_insert`: the table, the consent, the trigger.

use super::predictions::Predictions;
use super::scoring::RowScorer;
use super::target::{Key, Target, definition};
use crate::pg::context::quoted_extension_schema;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::identity::{current_role, has_privileges_of};
use crate::pg::parse;
use crate::pg::relation::{Attribute, Lock, OpenRelation};
use crate::pg::sql::{self, Param};
use crate::registry::serving::serving;
use pglearn_core::options::nearest;
use pgrx::spi::quote_identifier;
use pgrx::{PgSqlErrorCode, Spi, pg_sys};

/// What the trigger's name begins with; the number of its consent follows.
const TRIGGER: &str = "pglearn_score_";
/// The transition table.
const NEW_ROWS: &str = "pglearn_inserted";

/// The arguments of `score_on_insert`.
#[derive(Debug)]
pub struct Arguments<'a> {
    /// The relation whose new rows are to be scored.
    pub relation: pg_sys::Oid,
    /// A reference to the model.
    pub model: &'a str,
    /// The column that names a row.
    pub key: &'a str,
    /// Where the predictions go.
    pub into_table: &'a str,
    /// `warn` or `error`.
    pub on_error: &'a str,
}

/// Has new rows scored from now on, in the name of the current role.
///
/// # Errors
/// 42809 for what is no table, 42501 without the privilege TRIGGER on it, 42703, 42804 where the model or the key does not fit the relation,
/// 42710 where the same is done already; what `serving`, CREATE TABLE and CREATE TRIGGER raise.
pub fn install(arguments: &Arguments<'_>) -> Result<String> {
    if !["warn", "error"].contains(&arguments.on_error) {
        return Err(Failure::parameter(format!(
            "invalid value for on_error: \"{}\"",
            arguments.on_error
        ))
        .detail("on_error must be 'warn' or 'error'."));
    }
    let relation = OpenRelation::open(arguments.relation, Lock::Read)
        .ok_or_else(|| gone(arguments.relation))?;
    if !relation.is_table() || relation.is_temporary() {
        return Err(no_table(&relation));
    }
    if !relation.may_have_triggers() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for table {}", relation.name()),
        )
        .hint(format!(
            "Its owner can grant it: GRANT TRIGGER ON {} TO …;",
            relation.name()
        )));
    }
    let serving = serving(arguments.model)?;
    let predictions = Predictions::of(&serving.pipeline)?;
    let attributes = relation.attributes();
    RowScorer::new(&serving, &attributes).map_err(|failure| failure.within(&relation.name()))?;
    let key = attributes.iter().find(|a| a.name == arguments.key);
    let key = Key::of(key.ok_or_else(|| no_key(arguments.key, &relation, &attributes))?)?;
    let into = match parse::existing("into_table", arguments.into_table)? {
        Some(existing) => existing,
        None => create(arguments.into_table, &key, &predictions)?,
    };
    if into == arguments.relation {
        return Err(Failure::parameter("into_table is the relation itself")
            .hint("Name another table; it is created if it does not exist."));
    }
    let table = OpenRelation::open(into, Lock::Write)
        .ok_or_else(|| Failure::internal("the table of the predictions is gone"))?;
    Target::check(&table, current_role(), &key, &predictions)?;
    must_be_unique(&table, &key)?;
    trigger(arguments, into, &relation)?;
    Ok(table.name())
}

/// Makes the table of the predictions, in the caller's name.
fn create(name: &str, key: &Key, predictions: &Predictions<'_>) -> Result<pg_sys::Oid> {
    let new = parse::new_relation("into_table", name)?.quoted();
    // Every name is qualified, so the caller's search_path stays: event triggers see what they see for
    // any other CREATE TABLE.
    run(&format!(
        "CREATE TABLE {new} ({})",
        definition(key, predictions)?
    ))?;
    parse::existing("into_table", &new)?
        .ok_or_else(|| Failure::internal(format!("{new} was dropped while it was created")))
}

/// Writes the consent down and makes the trigger.
fn trigger(arguments: &Arguments<'_>, into: pg_sys::Oid, relation: &OpenRelation) -> Result<()> {
    // What is left of relations that were dropped.
    sql::execute(
        "DELETE FROM {ml}.scorings AS s WHERE NOT EXISTS (
            SELECT FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) s.relation::pg_catalog.oid)",
        &[],
    )?;
    let written = sql::returning(
        "INSERT INTO {ml}.scorings (relation, model, key_column, into_table, on_error, installer)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING scoring_id",
        &[
            Param::Relation(Some(arguments.relation)),
            Param::Text(Some(arguments.model)),
            Param::Text(Some(arguments.key)),
            Param::Relation(Some(into)),
            Param::Text(Some(arguments.on_error)),
            Param::Role(Some(current_role())),
        ],
    )?;
    let Some(row) = written.first() else {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            format!(
                "rows inserted into {} are scored into {} already",
                relation.name(),
                parse::quoted_name(into)
            ),
        )
        .hint(format!(
            "SELECT {}.unscore_on_insert({}); ends it.",
            quoted_extension_schema()?,
            pgrx::spi::quote_literal(relation.name())
        )));
    };
    let number: i64 = row.get(0)?;
    run(&format!(
        "CREATE TRIGGER {TRIGGER}{number} AFTER INSERT ON {} REFERENCING NEW TABLE AS {NEW_ROWS} \
         FOR EACH STATEMENT EXECUTE FUNCTION {}.score_inserted_rows('{number}')",
        relation.name(),
        quoted_extension_schema()?
    ))
}

/// Ends scoring on a relation: all of it where the current role owns the relation, else what it has
/// installed. Returns how many scorings were ended.
///
/// # Errors
/// 42501 where others' only could be ended.
pub fn uninstall(relation: pg_sys::Oid) -> Result<i32> {
    let ended = sql::returning(
        "DELETE FROM {ml}.scorings AS s WHERE s.relation::pg_catalog.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid RETURNING s.scoring_id",
        &[Param::Relation(Some(relation))],
    )?;
    let opened = OpenRelation::open(relation, Lock::Read).ok_or_else(|| gone(relation))?;
    let (name, owned) = (opened.name(), has_privileges_of(opened.owner()));
    drop(opened);
    let triggers = triggers_of(relation)?;
    if owned {
        for trigger in &triggers {
            run(&format!(
                "DROP TRIGGER {} ON {name}",
                quote_identifier(trigger)
            ))?;
        }
        return Ok(i32::try_from(triggers.len()).unwrap_or(i32::MAX));
    }
    if ended.is_empty() && !triggers.is_empty() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of table {name}"),
        )
        .detail("What scores its new rows was installed by others."));
    }
    for row in &ended {
        let number: i64 = row.get(0)?;
        notice(&format!(
            "nothing is scored in your name any more; the owner of the table can remove what is left: DROP TRIGGER {TRIGGER}{number} ON {name}"
        ));
    }
    Ok(i32::try_from(ended.len()).unwrap_or(i32::MAX))
}

/// The names of the triggers on a relation that score its new rows.
fn triggers_of(relation: pg_sys::Oid) -> Result<Vec<String>> {
    let found = sql::returning(
        "SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t
           JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
          WHERE t.tgrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND NOT t.tgisinternal
            AND p.prosrc OPERATOR(pg_catalog.=) 'pglearn_score_inserted_rows'
            AND p.pronamespace OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace($2)::pg_catalog.oid
          ORDER BY t.oid",
        &[
            Param::Relation(Some(relation)),
            Param::Text(Some(&quoted_extension_schema()?)),
        ],
    )?;
    found.iter().map(|row| row.get(0)).collect()
}

/// Runs a command in which every name is qualified, as the caller.
fn run(command: &str) -> Result<()> {
    Spi::run(command).map_err(|error| Failure::internal(error.to_string()))
}

/// Whether the table has what ON CONFLICT goes by.
fn must_be_unique(table: &OpenRelation, key: &Key) -> Result<()> {
    let found = sql::returning(
        "SELECT FROM pg_catalog.pg_index AS i
           JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
            AND a.attnum OPERATOR(pg_catalog.=) i.indkey[0]
          WHERE i.indrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND i.indisunique AND i.indimmediate AND i.indisvalid
            AND i.indpred IS NULL AND i.indnkeyatts OPERATOR(pg_catalog.=) 1
            AND a.attname OPERATOR(pg_catalog.=) $2::pg_catalog.name",
        &[
            Param::Relation(Some(table.oid())),
            Param::Text(Some(&key.name)),
        ],
    )?;
    if !found.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_INVALID_COLUMN_REFERENCE,
        format!(
            "column \"{}\" of table {} is not unique",
            key.name,
            table.name()
        ),
    )
    .detail("A later prediction for the same key replaces the earlier one.")
    .hint(format!(
        "ALTER TABLE {} ADD PRIMARY KEY ({});",
        table.name(),
        quote_identifier(&key.name)
    )))
}

fn gone(relation: pg_sys::Oid) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
        format!("relation {} does not exist", relation.to_u32()),
    )
}

fn no_table(relation: &OpenRelation) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!("{} is not a permanent table", relation.name()),
    )
    .detail(
        "New rows are known of tables only, partitioned or not: not of views and foreign tables.",
    )
    .hint("Score with predict in a query instead.")
}

fn no_key(key: &str, relation: &OpenRelation, columns: &[Attribute]) -> Failure {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
        format!("column \"{key}\" of {} does not exist", relation.name()),
    );
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    match nearest(key, &names).first() {
        Some(near) => failure.hint(format!("Perhaps you mean the key '{near}'.")),
        None => failure,
    }
}
