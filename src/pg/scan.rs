//! Rows of a query into column tiles: one pass, nothing copied twice.

use super::context::{MemoryScope, SettingScope};
use super::error::Result;
use super::executor::execute;
use super::labels::{self, Classes};
use super::query::{self, AnyColumn, Request};
use super::reader::Reader;
use pglearn_core::tiles::Span;
use pgrx::pg_sys;

/// Takes the rows of a scan, a tile at a time.
pub trait RowSink {
    /// The width of the design is known: called once, before any row.
    ///
    /// # Errors
    /// Where so many columns cannot be taken.
    fn start(&mut self, shape: Shape<'_>) -> Result<()>;

    /// The rows that follow belong to the next group (called before the first one too).
    ///
    /// # Errors
    /// Where the group cannot be taken.
    fn begin_group(&mut self) -> pglearn_core::Result<()>;

    /// Rows of the current group: the columns of the design, then the outcome if there is one.
    ///
    /// # Errors
    /// Where a cell is not finite or memory runs out.
    fn rows(&mut self, span: Span<'_>) -> pglearn_core::Result<()>;
}

/// What a sink is told before the first row.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Columns of the design.
    pub features: usize,
    /// What users call them.
    pub names: &'a [String],
    /// Rows the planner expects, where that rests on statistics.
    pub expected_rows: Option<f64>,
}

/// How the dependent variable is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutcomeKind {
    /// There is none.
    None,
    /// As a number.
    Number,
    /// As one of two classes, coded 0 and 1.
    TwoClasses,
}

/// Characters of a group's value that a message shows.
const SHOWN: usize = 60;

/// A group of rows with equal values of the group columns.
#[derive(Debug)]
pub struct Group {
    /// The values, in a context of the [`Scan`].
    pub(super) key: Vec<pg_sys::Datum>,
    /// Rows that were used.
    pub rows: u64,
    /// Rows left out because a variable is NULL.
    pub skipped: u64,
}

/// What a scan found besides the rows.
pub struct Scan {
    /// The groups in their order; one without a key where there are no group columns.
    pub groups: Vec<Group>,
    /// The group columns.
    pub group_columns: Vec<AnyColumn>,
    /// The classes of a two-class outcome.
    pub classes: Option<Classes>,
    /// What users call the columns of the design.
    pub names: Vec<String>,
    /// Keeps the keys.
    #[expect(dead_code, reason = "held for what lives in it")]
    pub(super) memory: MemoryScope,
}

impl Scan {
    /// A group as text: `g1 = a, g2 = b`; empty without grouping.
    pub fn group_name(&self, group: &Group) -> String {
        let parts: Vec<String> = self
            .group_columns
            .iter()
            .zip(&group.key)
            .map(|(column, key)| {
                // SAFETY: keys are non-NULL datums of their columns' types, kept by `self`.
                let value = unsafe { labels::output(*key, column.type_oid) };
                let short: String = value.chars().take(SHOWN).collect();
                let dots = if short.len() < value.len() { "…" } else { "" };
                format!("{} = {short}{dots}", column.name)
            })
            .collect();
        parts.join(", ")
    }

    /// Rows used, over all groups.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| group.rows).sum()
    }

    /// Rows left out, over all groups.
    pub fn skipped(&self) -> u64 {
        self.groups.iter().map(|group| group.skipped).sum()
    }
}

/// Reads all rows of a request into a sink.
///
/// # Errors
/// Those of [`query::prepare`], of the query itself, of the sink; 22004 for a NULL group value,
/// 2202E for arrays of different lengths.
pub fn scan(request: &Request<'_>, outcome: OutcomeKind, sink: &mut dyn RowSink) -> Result<Scan> {
    // What outlives the plan must not be a child of the plan's context.
    let memory = MemoryScope::default();
    let plan_memory = MemoryScope::default();
    // Rows in a defined order: no shared start in the middle of the table.
    let _settings = SettingScope::new(&[(c"synchronize_seqscans", c"off")]);
    plan_memory.run(|| {
        let prepared = query::prepare(request)?;
        let plan = prepared.plan;
        let text = prepared.text.clone();
        let mut reader = Reader::new(prepared, request, outcome, sink, memory)?;
        execute(plan, &text, &mut reader);
        reader.finish()
    })
}
