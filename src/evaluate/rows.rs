//! What a model says and what was observed: of the hold-out that a training stored, or of a source.

use super::columns::ReadList;
use super::observed::{Observed, Truth};
use super::plain;
use super::scoring::Scoring;
use crate::pg::error::{Failure, Result, notice};
use crate::pg::parse::{self, Source};
use crate::pg::rows::{RowView, Rows};
use crate::registry::serving::serving;
use crate::registry::version::{VersionRow, version_row};
use crate::settings;
use pglearn_core::Error;
use pglearn_core::evaluation::Holdout;
use pgrx::PgSqlErrorCode;
use std::collections::BTreeMap;

/// Rows between two looks at the memory.
const CHECK: u64 = 4096;

/// Bytes of a group besides its rows.
const GROUP_BYTES: u64 = 512;

/// Rows of one kind with their scores.
pub struct Judged {
    /// What was said and what was observed.
    pub holdout: Holdout,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Rows of the source that could not be used; `None` of a stored hold-out.
    pub skipped: Option<u64>,
}

/// Rows that could not be used.
#[derive(Default)]
pub struct Skipped(BTreeMap<String, u64>);

impl Skipped {
    /// Counts a row.
    pub fn count(&mut self, reason: String) {
        *self.0.entry(reason).or_default() += 1;
    }

    /// How many.
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }

    /// Tells the caller.
    pub fn tell(&self) {
        /// Reasons shown; the rest would be a list of classes.
        const SHOWN: usize = 5;
        if self.0.is_empty() {
            return;
        }
        let reasons = self.0.iter().map(|(why, n)| format!("{why} ({n})"));
        let mut reasons: Vec<String> = reasons.collect();
        if reasons.len() > SHOWN {
            let more = reasons.len() - SHOWN;
            reasons.truncate(SHOWN);
            reasons.push(format!("{more} more reasons"));
        }
        let rows = match self.rows() {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        notice(&format!("{rows} skipped: {}", reasons.join(", ")));
    }
}

/// A scored row, or why it is none.
pub enum Row {
    /// What was observed; the scores stand in the [`Scoring`].
    Scored(f64),
    /// It cannot be used.
    Skipped(String),
}

/// Scores a row and looks at its target.
///
/// # Errors
/// Those of either.
#[inline]
pub fn judge(scoring: &mut Scoring, observed: &Observed, row: &RowView<'_>) -> Result<Row> {
    let truth = match observed.truth(row)? {
        Truth::Is(truth) => truth,
        Truth::Missing => return Ok(Row::Skipped(format!("{} is null", observed.name()))),
        Truth::Unknown => {
            return Ok(Row::Skipped(format!(
                "{} is a class that training did not see",
                observed.name()
            )));
        }
    };
    if scoring.score(row)? {
        Ok(Row::Scored(truth))
    } else {
        Ok(Row::Skipped("a missing value has no prediction".to_owned()))
    }
}

/// The rows of a source by group.
pub struct Groups {
    /// By the text of the group column, NULL last; one without a name where there is no such column.
    pub groups: BTreeMap<Group, Judged>,
    /// Why rows could not be used.
    pub skipped: Skipped,
}

/// A value of the group column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// A value, as text.
    Named(String),
    /// NULL, or the only group.
    Nameless,
}

impl Group {
    /// The column `group_key` of a result.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Nameless => None,
        }
    }
}

impl Judged {
    fn new(classes: &[String]) -> Self {
        Self {
            holdout: Holdout::new(classes.len()),
            classes: classes.to_vec(),
            skipped: Some(0),
        }
    }
}

/// Reads a source, by group where `group_by` names a column of it.
///
/// # Errors
/// Those of the model and of the source; 53400 where the scores need more than `pglearn.max_memory`.
pub fn of_source(reference: &str, source: &str, group_by: Option<&str>) -> Result<Groups> {
    let serving = serving(reference)?;
    let source = parse::source("source", source)?;
    let mut list = ReadList::of(&source)?;
    let observed = Observed::new(&serving.pipeline.target, &mut list)?;
    let group = match group_by {
        Some(name) => Some(list.add(name, "group_by")?),
        None => None,
    };
    let mut pass = Pass {
        classes: serving.pipeline.class_names().to_vec(),
        scoring: Scoring::new(serving, &mut list)?,
        observed,
        group,
        groups: BTreeMap::new(),
        skipped: Skipped::default(),
        bytes: 0,
        rows: 0,
    };
    pass.read(&source, &list)?;
    Ok(Groups {
        groups: pass.groups,
        skipped: pass.skipped,
    })
}

/// A pass over a source.
struct Pass {
    scoring: Scoring,
    observed: Observed,
    classes: Vec<String>,
    group: Option<usize>,
    groups: BTreeMap<Group, Judged>,
    skipped: Skipped,
    bytes: u64,
    rows: u64,
}

impl Pass {
    fn read(&mut self, source: &Source, list: &ReadList) -> Result<()> {
        if self.group.is_none() {
            // There is a result even where there are no rows.
            self.groups
                .insert(Group::Nameless, Judged::new(&self.classes));
        }
        Rows::open(source, list.names())?.read(&mut |row| self.take(row))?;
        Ok(())
    }

    fn take(&mut self, row: &RowView<'_>) -> Result<()> {
        let judgement = judge(&mut self.scoring, &self.observed, row)?;
        let group = self.group.and_then(|place| row.output(place));
        let group = group.map_or(Group::Nameless, |name| Group::Named(name.to_owned()));
        let before = self.groups.len();
        let judged = self
            .groups
            .entry(group)
            .or_insert_with(|| Judged::new(&self.classes));
        let held = judged.holdout.bytes();
        match judgement {
            Row::Scored(truth) => judged
                .holdout
                .push(truth, self.scoring.scores())
                .map_err(plain)?,
            Row::Skipped(reason) => {
                judged.skipped = judged.skipped.map(|rows| rows + 1);
                self.skipped.count(reason);
            }
        }
        self.bytes += judged.holdout.bytes() - held;
        if self.groups.len() > before {
            let classes: usize = self.classes.iter().map(|name| name.len() + 24).sum();
            self.bytes += GROUP_BYTES + classes as u64;
        }
        self.rows += 1;
        if self.rows.is_multiple_of(CHECK) {
            within_memory(self.bytes)?;
        }
        Ok(())
    }
}

/// Refuses to hold more than allowed.
///
/// # Errors
/// 53400.
pub fn within_memory(needed: u64) -> Result<()> {
    let limit = settings::max_memory();
    if needed <= limit {
        return Ok(());
    }
    Err(plain(Error::MemoryLimit { needed, limit }))
}

/// The rows of a source, or the stored hold-out where there is none.
///
/// # Errors
/// Those of the model and of the source; 55000 where nothing was stored.
pub fn judged(reference: &str, source: Option<&str>) -> Result<Judged> {
    let Some(source) = source else {
        return stored(&version_row(reference)?);
    };
    let mut read = of_source(reference, source, None)?;
    read.skipped.tell();
    match read.groups.remove(&Group::Nameless) {
        Some(judged) => Ok(judged),
        None => Err(Failure::internal("no rows and no group")),
    }
}

/// The hold-out that a training stored.
///
/// # Errors
/// 55000 where it stored none, XX001 where it is damaged.
pub fn stored(row: &VersionRow) -> Result<Judged> {
    let (model, version) = (&row.model, row.version);
    let Some(bytes) = &row.holdout else {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("version {version} of model \"{model}\" has no hold-out"),
        )
        .hint("Give a source with the inputs and the target."));
    };
    let damaged = |what: &str| {
        Failure::new(
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            format!("the hold-out of version {version} of model \"{model}\" is damaged: {what}"),
        )
        .hint("Give a source with the inputs and the target, or train the model again.")
    };
    let holdout = Holdout::decode(bytes).map_err(|error| match error {
        Error::Corrupt { what } => damaged(what),
        other => plain(other),
    })?;
    let classes = row.classes.clone().unwrap_or_default();
    if holdout.classes() != classes.len() {
        return Err(damaged("number of classes"));
    }
    if holdout.sampled() {
        notice(&format!(
            "{} of {} rows of the hold-out were stored, chosen at random",
            holdout.rows(),
            holdout.seen()
        ));
    }
    Ok(Judged {
        holdout,
        classes,
        skipped: None,
    })
}
