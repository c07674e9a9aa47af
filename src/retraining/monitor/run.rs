//! What the trigger does.

use super::super::sweep::partitions;
use super::super::tables::Tables;
use super::super::watches::Watch;
use super::super::{announce, catalog, counting};
use super::MADE_BY_WATCH;
use super::columns::Columns;
use super::left;
use super::statistics::statistics;
use crate::pg::at_commit;
use crate::pg::call::Call;
use crate::pg::error::{Failure, Result};
use crate::pg::heap_insert::{clock_timestamp, next_value, text_cell};
use crate::pg::sql;
use crate::pg::table::Cell;
use crate::pg::trigger::{Operation, StatementTrigger};
use crate::pg::trigger_arguments::arguments_of;
use pgrx::pg_sys::{self, Oid};
use std::rc::Rc;

/// What a trigger that was written by hand has for a threshold where it says none, and its channel.
const THRESHOLD: i64 = 1000;
const CHANNEL: &str = "retrain_model";

/// Writes down and counts what the statement did that fires the trigger.
///
/// # Errors
/// 39P01 where it is called in another way, 22023 for an argument that is no threshold.
pub fn monitor(call: &Call) -> Result<Cell> {
    let trigger = StatementTrigger::of(call, "monitor_new_data()")?;
    let rows = i64::try_from(trigger.row_count()).unwrap_or(i64::MAX);
    if (rows > 0 || trigger.operation() == Operation::Truncate)
        && let Some(watches) = concerned(&trigger)?
    {
        write(&trigger, &watches, rows)?;
        if partitions::have_come(trigger.relation()) {
            at_commit::wake_worker();
        }
    }
    Ok(StatementTrigger::done())
}

/// The watches for which the trigger works; `None` where it has nothing to do.
fn concerned(trigger: &StatementTrigger) -> Result<Option<Rc<[Watch]>>> {
    let relation = trigger.relation();
    let watches = Watch::of(relation)?;
    let argument = trigger.argument(0);
    Ok(match (argument.as_deref(), watches.is_empty()) {
        (Some(MADE_BY_WATCH), false) => Some(watches),
        (argument, true) if argument != Some(MADE_BY_WATCH) => {
            Some(Rc::new([by_hand(relation, threshold(argument)?)]))
        }
        // Nobody watches any more, or the triggers of a watch count already.
        _ => None,
    })
}

fn threshold(argument: Option<&str>) -> Result<i64> {
    let Some(text) = argument else {
        return Ok(THRESHOLD);
    };
    let number = text.trim().parse().ok().filter(|number: &i64| *number >= 0);
    number.ok_or_else(|| {
        Failure::parameter(format!(
            "argument '{text}' of a trigger with monitor_new_data() is no threshold"
        ))
        .detail("An announcement is made when more rows than this have changed: a whole number, 0 or more.")
        .hint("Write it as text: EXECUTE FUNCTION monitor_new_data('1000').")
    })
}

/// What a trigger that was written by hand stands for.
fn by_hand(relation: Oid, threshold: i64) -> Watch {
    Watch {
        id: 0,
        relation,
        model: None,
        threshold,
        columns: None,
        channel: CHANNEL.to_owned(),
        min_interval: String::new(),
        gate: None,
        owner: pg_sys::InvalidOid,
    }
}

/// What triggers that were written by hand stand for, where they have counted something, for who looks
/// whether it is to be announced.
///
/// # Errors
/// XX000 where the extension is not whole.
pub fn written_by_hand() -> Result<Vec<Watch>> {
    let relations = {
        let _owner = catalog::as_owner()?;
        sql::returning(
            "SELECT DISTINCT c.relation::pg_catalog.oid FROM {ml}.change_log AS c \
              WHERE c.watch_id OPERATOR(pg_catalog.=) 0",
            &[],
        )?
    };
    let mut watches = Vec::new();
    for row in relations {
        watches.extend(written_on(row.get(0)?)?);
    }
    Ok(watches)
}

/// Those on one relation, with the least of their thresholds; none where somebody watches it.
fn written_on(relation: Oid) -> Result<Option<Watch>> {
    if !Watch::of(relation)?.is_empty() {
        return Ok(None);
    }
    let arguments = arguments_of(relation, c"pglearn_monitor_new_data")?;
    let thresholds = arguments
        .iter()
        .map(|arguments| arguments.first().map(String::as_str))
        .filter(|argument| *argument != Some(MADE_BY_WATCH))
        .filter_map(|argument| threshold(argument).ok());
    Ok(thresholds
        .min()
        .map(|threshold| by_hand(relation, threshold)))
}

fn write(trigger: &StatementTrigger, watches: &Rc<[Watch]>, rows: i64) -> Result<()> {
    let relation = trigger.relation();
    let tables = Tables::get()?;
    let counted = trigger.operation() != Operation::Truncate;
    let statistics = match counted {
        true => {
            let columns = Columns::of(relation, watches)?;
            statistics(trigger, &columns)?
        }
        false => Cell::Null,
    };
    let event = next_value(tables.events);
    let name = trigger.relation_name();
    tables.statistics.insert(&[
        (c"event_id", Cell::BigInt(event)),
        (c"timestamp", clock_timestamp()),
        (c"table_name", text_cell(&name)),
        (c"relid", Cell::Oid(relation)),
        (c"operation", text_cell(trigger.operation().name())),
        (
            c"row_count",
            if counted {
                Cell::BigInt(rows)
            } else {
                Cell::Null
            },
        ),
        (c"feature_stats", statistics),
    ])?;
    if counted {
        for watch in watches.iter() {
            let count = counting::add(&tables, watch, event, rows)?;
            announce::counted(watch, &count)?;
        }
    }
    left::look()
}
