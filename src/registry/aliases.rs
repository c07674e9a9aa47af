//! Aliases: what each stands for, how it moves, what its history says.
//!
//! Whoever moves an alias holds the row of its model ([`OwnModel::lock`]): two who promote at the same
//! time do so one after the other. Statements read with `sql::returning`, so that the second sees
//! what the first has committed.

use super::catalog::CHAMPION;
use super::model::OwnModel;
use crate::pg::at_commit;
use crate::pg::context::extension_schema;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::parse::excerpt;
use crate::pg::sql;
use pgrx::PgSqlErrorCode;
use pgrx::spi::quote_literal;
use serde_json::{Value as Json, json};

/// Characters of an alias at the most.
const LENGTH: usize = 63;

/// An alias as it is stored: in lower case. NULL is `champion`.
///
/// # Errors
/// 42602 for what cannot be one, `Archived` with a HINT.
pub fn name(text: Option<&str>) -> Result<String> {
    let Some(text) = text else {
        return Ok(CHAMPION.to_owned());
    };
    let alias = super::reference::alias(text);
    let refuse = |detail: &str| {
        let message = format!("invalid name of an alias: \"{}\"", excerpt(text));
        Failure::new(PgSqlErrorCode::ERRCODE_INVALID_NAME, message).detail(detail)
    };
    if alias == "archived" {
        return Err(
            refuse("Archived is a state of a version, not an alias.").hint(format!(
                "{}.promote('…', version, gate => '{{\"archive_existing_versions\": true}}') archives what the alias leaves.",
                extension_schema()
            )),
        );
    }
    let problem = if alias.is_empty() {
        "It is empty."
    } else if alias.chars().count() > LENGTH {
        "It has more than 63 characters."
    } else if alias.contains('@') || alias.contains(|c: char| c.is_ascii_control()) {
        "It has \"@\" or a control character."
    } else if alias.bytes().all(|byte| byte.is_ascii_digit()) {
        "Digits alone are a version: model@3."
    } else {
        return Ok(alias);
    };
    Err(refuse(problem).hint("An alias is a word like champion, challenger or production."))
}

/// The version that an alias stands for now.
///
/// # Errors
/// XX000.
pub fn current(model: &OwnModel, alias: &str) -> Result<Option<i32>> {
    let rows = sql::returning(
        "SELECT a.version FROM {ml}.model_aliases AS a \
          WHERE a.model_id OPERATOR(pg_catalog.=) $1 AND a.alias OPERATOR(pg_catalog.=) $2",
        &[model.id.into(), alias.into()],
    )?;
    rows.first().map(|row| row.get(0)).transpose()
}

/// The version that serves under an alias that is not set, were it not for `version`: of `champion` the
/// newest that is not archived, of any other alias none.
///
/// # Errors
/// XX000.
pub fn serving_unset(model: &OwnModel, alias: &str, version: i32) -> Result<Option<i32>> {
    if alias != CHAMPION {
        return Ok(None);
    }
    let rows = sql::returning(
        "SELECT v.version FROM {ml}.model_versions AS v \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.<>) $2 \
            AND v.archived_at IS NULL ORDER BY v.version DESC LIMIT 1",
        &[model.id.into(), version.into()],
    )?;
    rows.first().map(|row| row.get(0)).transpose()
}

/// What callers rely on when they pass values by position, and what the answers mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// The inputs in the order of training, each `name type`.
    pub signature: Vec<String>,
    /// `classification` or `regression`.
    pub task: String,
}

/// The contract of a version; `None` where it does not exist now.
///
/// # Errors
/// XX000.
pub fn contract(model: &OwnModel, version: i32) -> Result<Option<Contract>> {
    let rows = sql::returning(
        "SELECT v.signature, v.task FROM {ml}.model_versions AS v \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2",
        &[model.id.into(), version.into()],
    )?;
    let contract = rows.first().map(|row| {
        Ok(Contract {
            signature: row.get(0)?,
            task: row.get(1)?,
        })
    });
    contract.transpose()
}

impl Contract {
    /// How it differs from the contract of the version that serves, for a DETAIL.
    pub fn difference(&self, version: i32, serving: &Self, serving_version: i32) -> Option<String> {
        let line = |version, contract: &Self| {
            let inputs = excerpt(&contract.signature.join(", ")).into_owned();
            format!("Version {version} ({}) takes: {inputs}.", contract.task)
        };
        (self != serving).then(|| {
            format!(
                "{}\n{}",
                line(serving_version, serving),
                line(version, self)
            )
        })
    }
}

/// What an alias did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was moved, or set.
    Promote,
    /// It was moved back.
    Rollback,
    /// It was dropped.
    Drop,
    /// A gate refused to move it.
    Refuse,
}

impl Action {
    fn word(self) -> &'static str {
        match self {
            Self::Promote => "promote",
            Self::Rollback => "rollback",
            Self::Drop => "drop",
            Self::Refuse => "refuse",
        }
    }

    /// The action of a line of the history.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Promote, Self::Rollback, Self::Drop, Self::Refuse]
            .into_iter()
            .find(|action| action.word() == word)
    }
}

/// A line of the history.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// What was done.
    pub action: Action,
    /// The version that served before.
    pub from: Option<i32>,
    /// The version that serves since, or was refused.
    pub to: Option<i32>,
    /// In the words of who did it.
    pub reason: Option<&'a str>,
    /// What a gate measured.
    pub gate: Option<&'a Json>,
}

/// Writes a line of the history, without moving anything.
///
/// # Errors
/// What INSERT raises.
pub fn record(model: &OwnModel, alias: &str, entry: &Move<'_>) -> Result<()> {
    let gate = entry.gate.map(Json::to_string);
    sql::execute(
        "INSERT INTO {ml}.alias_history (model_id, alias, action, from_version, to_version, reason, gate) \
         VALUES ($1, $2, $3, $4, $5, $6, $7::pg_catalog.jsonb)",
        &[
            model.id.into(),
            alias.into(),
            entry.action.word().into(),
            entry.from.into(),
            entry.to.into(),
            entry.reason.into(),
            gate.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// Listeners are told here that an alias stands for another version.
const PROMOTED: &str = "model_promoted";

/// Makes an alias stand for a version, records it and notifies the listeners of `model_promoted` when the
/// transaction commits. What serves is not archived any more. The version must exist; nothing is checked
/// besides.
///
/// # Errors
/// What the statements raise.
pub fn move_to(model: &OwnModel, alias: &str, version: i32, entry: &Move<'_>) -> Result<()> {
    sql::execute(
        "INSERT INTO {ml}.model_aliases AS a (model_id, alias, version) VALUES ($1, $2, $3) \
         ON CONFLICT (model_id, alias) DO UPDATE \
            SET version = excluded.version, changed_at = pg_catalog.clock_timestamp()",
        &[model.id.into(), alias.into(), version.into()],
    )?;
    sql::execute(
        "UPDATE {ml}.model_versions AS v SET archived_at = NULL \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2 \
            AND v.archived_at IS NOT NULL",
        &[model.id.into(), version.into()],
    )?;
    let moved = format!(
        r#"{{"model": {}, "alias": {}, "version": {version}, "from_version": {}}}"#,
        json!(model.name),
        json!(alias),
        json!(entry.from),
    );
    at_commit::notify(PROMOTED, &moved)?;
    record(model, alias, entry)
}

/// Archives a version, unless another alias stands for it.
///
/// # Errors
/// What UPDATE raises.
pub fn archive(model: &OwnModel, version: i32) -> Result<()> {
    sql::execute(
        "UPDATE {ml}.model_versions AS v SET archived_at = pg_catalog.clock_timestamp() \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 AND v.version OPERATOR(pg_catalog.=) $2 \
            AND v.archived_at IS NULL \
            AND NOT EXISTS (SELECT FROM {ml}.model_aliases AS a \
                             WHERE a.model_id OPERATOR(pg_catalog.=) v.model_id \
                               AND a.version OPERATOR(pg_catalog.=) v.version)",
        &[model.id.into(), version.into()],
    )?;
    Ok(())
}

/// The aliases of a model, or those that stand for one of its versions.
///
/// # Errors
/// XX000.
pub fn standing(model: &OwnModel, version: Option<i32>) -> Result<Vec<String>> {
    let rows = sql::returning(
        "SELECT a.alias FROM {ml}.model_aliases AS a WHERE a.model_id OPERATOR(pg_catalog.=) $1 \
            AND ($2 IS NULL OR a.version OPERATOR(pg_catalog.=) $2) ORDER BY a.alias",
        &[model.id.into(), version.into()],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Removes an alias and records it.
///
/// # Errors
/// 42704 where the model has no such alias, 42501 where it belongs to somebody else.
pub fn drop(model: &str, alias: &str) -> Result<()> {
    let model = OwnModel::lock(model)?;
    let alias = name(Some(alias))?;
    let rows = sql::returning(
        "DELETE FROM {ml}.model_aliases AS a WHERE a.model_id OPERATOR(pg_catalog.=) $1 \
            AND a.alias OPERATOR(pg_catalog.=) $2 RETURNING a.version",
        &[model.id.into(), (&alias).into()],
    )?;
    let Some(row) = rows.first() else {
        return Err(no_alias(&model, &alias)?);
    };
    record(
        &model,
        &alias,
        &Move {
            action: Action::Drop,
            from: row.get(0)?,
            to: None,
            reason: None,
            gate: None,
        },
    )
}

/// 42704, with the aliases there are.
#[cold]
pub fn no_alias(model: &OwnModel, alias: &str) -> Result<Failure> {
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("model \"{}\" has no alias \"{alias}\"", model.name),
    );
    let aliases = standing(model, None)?;
    Ok(failure.hint(if aliases.is_empty() {
        let (schema, model) = (extension_schema(), quote_literal(&model.name));
        format!(
            "SELECT {schema}.promote({model}, version, {}) sets it.",
            quote_literal(alias)
        )
    } else {
        format!("Its aliases are {}.", aliases.join(", "))
    }))
}

/// 42704, with the newest versions there are.
#[cold]
pub fn no_version(model: &OwnModel, version: i32) -> Result<Failure> {
    let rows = sql::returning(
        "SELECT v.version FROM {ml}.model_versions AS v \
          WHERE v.model_id OPERATOR(pg_catalog.=) $1 ORDER BY v.version DESC LIMIT 10",
        &[model.id.into()],
    )?;
    let versions: Vec<i32> = rows.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    let failure = Failure::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        format!("model \"{}\" has no version {version}", model.name),
    );
    Ok(failure.hint(if versions.is_empty() {
        "It has no version at all: train it.".to_owned()
    } else {
        format!("Its newest versions are {}.", versions.join(", "))
    }))
}

/// Says that an alias stands for a version already.
pub fn say_unmoved(model: &OwnModel, alias: &str, version: i32) {
    notice(&format!(
        "alias \"{alias}\" of model \"{}\" stands for version {version} already",
        model.name
    ));
}
