//! The trigger: rows of one statement in, their predictions written.

use super::consent::Consent;
use super::predictions::Predictions;
use super::scoring::RowScorer;
use super::target::{Key, Target};
use crate::pg::call::Call;
use crate::pg::error::{Failure, Result};
use crate::pg::identity::{RestrictedUser, role_name};
use crate::pg::relation::{Attribute, Lock, OpenRelation};
use crate::pg::rows::RowLayout;
use crate::pg::subtransaction;
use crate::pg::table::Cell;
use crate::pg::trigger::StatementTrigger;
use crate::pg::tuple_store::TupleStore;
use crate::registry::serving::{Serving, serving};
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// Scores the rows of the statement that fires the trigger.
///
/// # Errors
/// 39P01 where it is called in another way; with `on_error => 'error'` whatever prevents the
/// predictions from being written.
pub fn score(call: &Call) -> Result<Cell> {
    let insertion = StatementTrigger::insertion(call, "score_inserted_rows()")?;
    if insertion.row_count() > 0 {
        score_rows(&insertion)?;
    }
    Ok(StatementTrigger::done())
}

fn score_rows(insertion: &StatementTrigger) -> Result<()> {
    let id = insertion.argument(0).and_then(|text| text.parse().ok());
    let consent = match id {
        Some(id) => Consent::find(id, insertion.relation())?,
        None => None,
    };
    let relation = crate::pg::parse::quoted_name(insertion.relation());
    let Some(consent) = consent else {
        let trigger = pgrx::spi::quote_identifier(insertion.name());
        Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("the rows inserted into {relation} are not scored"),
        )
        .detail(format!(
            "Trigger {trigger} was not made by score_on_insert, or what it did was withdrawn."
        ))
        .hint(format!("DROP TRIGGER {trigger} ON {relation};"))
        .warn();
        return Ok(());
    };
    if !consent.warn {
        return write(insertion, &consent);
    }
    if let Err(failure) = subtransaction::attempt(|| write(insertion, &consent)) {
        failure
            .within(&format!("the rows inserted into {relation} are not scored"))
            .warn();
    }
    Ok(())
}

/// As the installer: reads the model, scores the rows, writes the predictions.
fn write(insertion: &StatementTrigger, consent: &Consent) -> Result<()> {
    if role_name(consent.installer).is_none() {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
            "the role that called score_on_insert does not exist any more",
        ));
    }
    let _installer = RestrictedUser::new(consent.installer);
    let serving = serving(&consent.model)?;
    let predictions = Predictions::of(&serving.pipeline)?;
    let relation = OpenRelation::open(insertion.relation(), Lock::Read)
        .ok_or_else(|| Failure::internal("the relation of a trigger is gone"))?;
    let attributes = relation.attributes();
    let column = attributes.iter().find(|a| a.name == consent.key);
    let column = column.ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
            format!(
                "there is no column \"{}\" any more, which was the key",
                consent.key
            ),
        )
    })?;
    let key = Key::of(column)?;
    let table = OpenRelation::open(consent.into_table, Lock::Write).ok_or_else(|| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            "the table of the predictions was dropped",
        )
    })?;
    let target = Target::check(&table, consent.installer, &key, &predictions)?;
    let rows = scored(insertion, &serving, &predictions, &target, &attributes)?;
    target.write(
        &rows,
        serving.version,
        insertion.is_primary_key(column.number),
    )
}

/// The rows of [`Target::rows`].
fn scored(
    insertion: &StatementTrigger,
    serving: &Rc<Serving>,
    predictions: &Predictions<'_>,
    target: &Target<'_>,
    attributes: &[Attribute],
) -> Result<TupleStore> {
    let mut columns = RowScorer::columns(serving);
    let mut scorer = RowScorer::new(serving, attributes)?;
    let key = columns.len();
    columns.push(target.key().name.clone());
    let layout = RowLayout::of(attributes, &columns)?;
    let mut rows = target.rows()?;
    let mut scratch = vec![0.0; predictions.probabilities.len()];
    let mut number = 0_i64;
    insertion.each_row(&layout, &mut |row| {
        if row.is_null(key) {
            return Err(no_key(&target.key().name));
        }
        number += 1;
        let margins = scorer.margins(row)?;
        let cells = predictions.cells(&serving.scorer, margins, &mut scratch);
        rows.put(
            [Cell::BigInt(number), row.cell(key)]
                .into_iter()
                .chain(cells),
        )
    })?;
    Ok(rows)
}

fn no_key(column: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_NOT_NULL_VIOLATION,
        format!("key \"{column}\" of a row is NULL"),
    )
    .detail("A prediction is written under the key of its row.")
}
