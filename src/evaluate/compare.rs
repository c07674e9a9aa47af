//! Two versions on the same rows.

use super::columns::ReadList;
use super::contender::{Contender, as_owner};
use super::membership::Membership;
use super::metrics::THRESHOLD;
use super::observed::Observed;
use super::plain;
use super::rows::{Row, Skipped, judge, within_memory};
use super::scoring::Scoring;
use crate::pg::error::{Failure, Result};
use crate::pg::monitor::SessionMonitor;
use crate::pg::parse::{self, Source};
use crate::pg::rows::{RowView, Rows};
use crate::registry::reference::Choice;
use crate::registry::version::version_of;
use pglearn_core::evaluation::{Holdout, Metrics, improvement};
use pgrx::PgSqlErrorCode;

/// Rows between two looks at the memory.
const CHECK: u64 = 4096;

/// The metrics of two versions on the same rows.
pub struct Compared {
    /// Of the first and of the second version.
    pub metrics: [Metrics; 2],
    /// Rows that could not be used.
    pub skipped: Skipped,
}

/// A row of `compare`: metric, v1, v2, improvement.
pub type CompareRow = (String, Option<f64>, Option<f64>, Option<f64>);

/// Compares two versions of a model on the rows of a source, or else on those rows that both held out
/// of what the second was trained on, as they are now.
///
/// # Errors
/// 42704 for model and versions, 55000 where they do not predict the same; those of [`on_holdout`] and of
/// the source.
pub fn compare(model: &str, versions: [i32; 2], source: Option<&str>) -> Result<Vec<CompareRow>> {
    let [first, second] = versions;
    for version in versions {
        // Who may use the model, in the words of every other function.
        version_of(model, &Choice::Version(version))?;
    }
    let contenders = [
        Contender::load(model, first)?,
        Contender::load(model, second)?,
    ];
    let compared = match source {
        Some(source) => {
            alike(&contenders)?;
            let source = parse::source("source", source)?;
            score(&contenders, &source, false)?
        }
        None => on_holdout(&contenders)?,
    };
    compared.skipped.tell();
    let [before, after] = &compared.metrics;
    let mut rows: Vec<CompareRow> = Vec::new();
    for (metric, value) in after.iter() {
        let old = before.get(metric);
        rows.push((
            metric.to_owned(),
            old,
            value,
            improvement(metric, old, value),
        ));
    }
    for (metric, value) in before.iter().filter(|(metric, _)| !after.has(metric)) {
        rows.push((metric.to_owned(), value, None, None));
    }
    let skipped = Some(compared.skipped.rows() as f64);
    rows.push(("rows_skipped".to_owned(), skipped, skipped, None));
    Ok(rows)
}

/// Compares two versions on rows that neither learned from: those of the source of the second, as they
/// are now, that both held out. Read once, in the snapshot of the calling statement, with the rights of
/// the model's owner.
///
/// # Errors
/// 42501 for anybody but the owner, 55000 where there is no source or no hold-out, or the versions do
/// not predict the same; those of the source.
pub fn on_holdout(contenders: &[Contender; 2]) -> Result<Compared> {
    alike(contenders)?;
    let recipe = contenders[1].recipe();
    as_owner(contenders[1].serving.owner, &recipe, || {
        score(contenders, &recipe.source()?, true)
    })
}

/// Refuses versions that predict different things.
fn alike(contenders: &[Contender; 2]) -> Result<()> {
    let [first, second] = contenders.each_ref().map(|c| &c.serving.pipeline);
    let refuse = |what: String| {
        Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "the two versions cannot be compared",
        )
        .detail(what))
    };
    if first.target.name != second.target.name {
        return refuse(format!(
            "One predicts \"{}\", the other \"{}\".",
            first.target.name, second.target.name
        ));
    }
    if (first.classes() == 0) != (second.classes() == 0) {
        return refuse("One predicts classes, the other a number.".to_owned());
    }
    Ok(())
}

fn score(contenders: &[Contender; 2], source: &Source, held_out: bool) -> Result<Compared> {
    let mut list = ReadList::of(source)?;
    let [first, second] = contenders;
    let mut pass = Pass {
        sides: [
            Side::new(first, &mut list, held_out)?,
            Side::new(second, &mut list, held_out)?,
        ],
        skipped: Skipped::default(),
        rows: 0,
    };
    Rows::open(source, list.names())?.read(&mut |row| pass.take(row))?;
    let mut monitor = SessionMonitor::default();
    let [first, second] = &pass.sides;
    let metrics = [
        first
            .holdout
            .metrics(THRESHOLD, &mut monitor)
            .map_err(plain)?,
        second
            .holdout
            .metrics(THRESHOLD, &mut monitor)
            .map_err(plain)?,
    ];
    Ok(Compared {
        metrics,
        skipped: pass.skipped,
    })
}

/// One of the two.
struct Side {
    scoring: Scoring,
    observed: Observed,
    membership: Option<Membership>,
    holdout: Holdout,
}

impl Side {
    fn new(contender: &Contender, list: &mut ReadList, held_out: bool) -> Result<Self> {
        let pipeline = &contender.serving.pipeline;
        let membership = match held_out {
            true => Some(Membership::new(
                contender.split(),
                &contender.label(),
                list,
            )?),
            false => None,
        };
        Ok(Self {
            observed: Observed::new(&pipeline.target, list)?,
            holdout: Holdout::new(pipeline.classes()),
            scoring: Scoring::new(std::rc::Rc::clone(&contender.serving), list)?,
            membership,
        })
    }

    fn holds(&mut self, row: &RowView<'_>) -> Result<bool> {
        self.membership
            .as_mut()
            .map_or(Ok(true), |membership| membership.holds(row))
    }
}

struct Pass {
    sides: [Side; 2],
    skipped: Skipped,
    rows: u64,
}

impl Pass {
    fn take(&mut self, row: &RowView<'_>) -> Result<()> {
        let [first, second] = &mut self.sides;
        if first.observed.is_missing(row) {
            self.skipped
                .count(format!("{} is null", first.observed.name()));
            return Ok(());
        }
        // Both are asked, whatever the first says: they count rows.
        let (in_first, in_second) = (first.holds(row)?, second.holds(row)?);
        if !in_first || !in_second {
            return Ok(());
        }
        let mut truths = [0.0; 2];
        for (truth, side) in truths.iter_mut().zip([&mut *first, &mut *second]) {
            match judge(&mut side.scoring, &side.observed, row)? {
                Row::Scored(observed) => *truth = observed,
                Row::Skipped(reason) => {
                    self.skipped.count(reason);
                    return Ok(());
                }
            }
        }
        for (truth, side) in truths.into_iter().zip([&mut *first, &mut *second]) {
            side.holdout
                .push(truth, side.scoring.scores())
                .map_err(plain)?;
        }
        self.rows += 1;
        if self.rows.is_multiple_of(CHECK) {
            within_memory(first.holdout.bytes() + second.holdout.bytes())?;
        }
        Ok(())
    }
}
