//! The one pass over the rows: inputs into a frame, target, weight and side beside it.

use super::cells::{Column, lengths, number, plain_row, refused, set};
use super::request::{Request, Role};
use super::sides::{Side, Sides};
use super::target;
use super::waiting::Waiting;
use crate::pg::error::{Failure, Result, memory_limit};
use crate::pg::rows::{RowView, Rows};
use crate::settings;
use pglearn_core::Error;
use pglearn_core::frame::{Frame, Labels, RowSet};
use pglearn_core::monitor::Monitor;
use pglearn_core::pipeline::Input;
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;
use std::collections::BTreeMap;

/// Rows between two looks at the memory of everything together.
const CHECK: usize = 4096;

/// What the pass left behind.
pub struct Ingested {
    /// The inputs, a slot a scalar or an array's element.
    pub frame: Frame,
    /// What the slots are.
    pub inputs: Vec<Input>,
    /// The target.
    pub labels: Labels,
    /// One a row, where a weight was asked for.
    pub weights: Option<Vec<f64>>,
    /// The rows that are held out.
    pub holdout: RowSet,
    /// The time from which on they are, where that decides.
    pub cutoff: Option<i64>,
    /// Rows that could not be used, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Rows of the source.
    pub total: u64,
    /// Input columns that turned out to hold nothing, with the reason.
    pub left_out: Vec<(String, String)>,
}

/// Why a row is skipped; the order of [`Pass::reasons`].
enum Skip {
    Target,
    Weight,
    ZeroWeight,
    Split,
}

struct Pass<'a> {
    request: &'a Request,
    columns: Vec<Column>,
    frame: Option<Frame>,
    waiting: Waiting,
    labels: Labels,
    target: usize,
    weight: Option<usize>,
    weights: Vec<f64>,
    sides: Sides,
    skipped: [u64; 4],
    elements: Vec<f64>,
    /// Whether every input is a single number or boolean.
    plain: bool,
    limit: u64,
    rows: usize,
}

/// Reads the rows of a request.
///
/// # Errors
/// Those of the source; 22003 for an infinity, 2202E for arrays that differ in length, 54000 and 53200
/// where the rows do not fit into memory.
pub fn ingest(request: &Request, monitor: &mut dyn Monitor) -> Result<Ingested> {
    let read = request.read_list();
    let rows = Rows::open(&request.source, &read.names)?;
    let limit = settings::max_memory();
    refuse_far_too_many(&rows, read.inputs.len(), limit)?;
    let columns: Vec<Column> = request
        .inputs
        .iter()
        .zip(&read.inputs)
        .map(|(place, at)| Column::new(request, *place, *at))
        .collect();
    let mut pass = Pass {
        request,
        plain: columns.iter().all(Column::plain),
        columns,
        frame: None,
        waiting: Waiting::default(),
        labels: Labels::new(
            &request.columns[request.target].name,
            target::label_source(&request.columns[request.target])?,
            limit,
        ),
        target: read.target,
        weight: read.weight,
        weights: Vec::new(),
        sides: Sides::new(
            &request.split,
            read.split,
            request.content_key,
            request.seed,
            limit,
        ),
        skipped: [0; 4],
        elements: Vec::new(),
        limit,
        rows: 0,
    };
    pass.begin_if_known()?;
    let total = rows.read(&mut |row| pass.take(row))?;
    pass.finish(total, monitor)
}

/// Statistics may be old: refuses at once only where they say that it is far too much.
fn refuse_far_too_many(rows: &Rows, slots: usize, limit: u64) -> Result<()> {
    let expected = Frame::bytes_for(rows.expected_rows as u64, slots + 1);
    if rows.analysed && expected > limit.saturating_mul(4) {
        return Err(memory_limit(expected, limit));
    }
    Ok(())
}

impl Pass<'_> {
    /// Makes the frame as soon as the length of every array is known.
    fn begin_if_known(&mut self) -> Result<()> {
        if self.columns.iter().all(Column::known) {
            self.begin()?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        let mut slots = Vec::new();
        for Column { input, .. } in &self.columns {
            slots.extend((0..input.slots()).map(|slot| (input.slot_name(slot), input.kind)));
        }
        let mut frame = Frame::new(&slots, self.limit).map_err(plain)?;
        std::mem::take(&mut self.waiting).fill(&mut frame, &self.columns)?;
        self.frame = Some(frame);
        Ok(())
    }

    #[inline]
    fn take(&mut self, row: &RowView<'_>) -> Result<()> {
        let target = row.value(self.target);
        if missing(target) {
            self.skipped[Skip::Target as usize] += 1;
            return Ok(());
        }
        let mut weight = 1.0;
        if let Some(place) = self.weight {
            match self.weight_of(row.value(place))? {
                Some(value) => weight = value,
                None => return Ok(()),
            }
        }
        let side = self.sides.side(row)?;
        if side == Side::Missing {
            self.skipped[Skip::Split as usize] += 1;
            return Ok(());
        }
        if self.frame.is_none() {
            self.learn_lengths(row)?;
        }
        if self.frame.is_some() {
            self.fill(row)?;
        } else {
            self.waiting.keep(row, &self.columns, self.limit)?;
        }
        self.labels.push(target).map_err(refused)?;
        if self.weight.is_some() {
            self.weights.try_reserve(1).map_err(|_| {
                plain(Error::OutOfMemory {
                    bytes: self.weights.len() as u64 * 16,
                })
            })?;
            self.weights.push(weight);
        }
        self.sides.push(side)?;
        self.rows += 1;
        if self.rows.is_multiple_of(CHECK) {
            self.check_memory()?;
        }
        Ok(())
    }

    /// The weight of a row; `None` where the row is skipped.
    fn weight_of(&mut self, value: Value<'_>) -> Result<Option<f64>> {
        let refuse = |what: &str| {
            Err(Failure::new(
                PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                format!(
                    "weight column \"{}\" contains {what}",
                    self.name(Role::Weight)
                ),
            )
            .detail("Weights are finite and not negative; rows of weight 0 are skipped."))
        };
        match value {
            Value::Number(weight) if weight < 0.0 => refuse("a negative number"),
            Value::Number(weight) if weight.is_infinite() => refuse("an infinity"),
            Value::Number(weight) if weight > 0.0 => Ok(Some(weight)),
            Value::Number(0.0) => {
                self.skipped[Skip::ZeroWeight as usize] += 1;
                Ok(None)
            }
            _ => {
                self.skipped[Skip::Weight as usize] += 1;
                Ok(None)
            }
        }
    }

    fn name(&self, role: Role) -> &str {
        self.request.name(role)
    }

    /// How many rows were skipped, in words.
    fn reasons(&self) -> BTreeMap<String, u64> {
        let words = [
            format!("{} is null", self.name(Role::Target)),
            format!("{} is null", self.name(Role::Weight)),
            format!("{} is zero", self.name(Role::Weight)),
            format!("{} is null", self.name(Role::Split)),
        ];
        let counted = words.into_iter().zip(self.skipped);
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// Takes the lengths of arrays from the first row that has them.
    fn learn_lengths(&mut self, row: &RowView<'_>) -> Result<()> {
        for column in self.columns.iter_mut().filter(|column| !column.known()) {
            self.elements.clear();
            if row.elements(column.place, &mut self.elements)? {
                let length = u32::try_from(self.elements.len()).unwrap_or(u32::MAX);
                if length == 0 {
                    return Err(lengths(&column.input, 0));
                }
                column.input.length = Some(length);
            }
        }
        self.begin_if_known()
    }

    /// Writes a row into the frame.
    #[inline]
    fn fill(&mut self, row: &RowView<'_>) -> Result<()> {
        let Some(frame) = &mut self.frame else {
            return Ok(());
        };
        if self.plain && plain_row(frame, &self.columns, row)? {
            return frame.commit_row().map_err(plain);
        }
        let mut slot = 0;
        for column in &self.columns {
            if !column.array {
                set(frame, slot, row.value(column.place))?;
                slot += 1;
                continue;
            }
            let count = column.input.slots();
            self.elements.clear();
            if !row.elements(column.place, &mut self.elements)? {
                self.elements.resize(count, f64::NAN);
            }
            if self.elements.len() != count {
                return Err(lengths(&column.input, self.elements.len()));
            }
            for (i, element) in self.elements.iter().enumerate() {
                set(frame, slot + i, number(*element))?;
            }
            slot += count;
        }
        frame.commit_row().map_err(plain)
    }

    fn check_memory(&self) -> Result<()> {
        let frame = self
            .frame
            .as_ref()
            .map_or(self.waiting.bytes(), Frame::bytes);
        let needed =
            frame + self.labels.bytes() + self.sides.bytes() + (self.weights.capacity() * 8) as u64;
        if needed > self.limit {
            return Err(plain(Error::MemoryLimit {
                needed,
                limit: self.limit,
            }));
        }
        Ok(())
    }

    fn finish(mut self, total: u64, monitor: &mut dyn Monitor) -> Result<Ingested> {
        let mut left_out = Vec::new();
        if self.frame.is_none() {
            // Arrays that are NULL in every row: their place in the waiting rows goes too.
            let keep: Vec<bool> = self.columns.iter().map(Column::known).collect();
            self.waiting.retain(&keep);
            let mut kept = keep.iter();
            self.columns.retain(|column| {
                let known = kept.next().copied().unwrap_or(true);
                if !known {
                    left_out.push((column.input.name.clone(), "it has no value".to_owned()));
                }
                known
            });
            self.begin()?;
        }
        let skipped = self.reasons();
        let Some(frame) = self.frame else {
            return Err(Failure::internal("no frame"));
        };
        let (mut holdout, cutoff) = self.sides.finish(monitor)?;
        while holdout.rows() < frame.rows() {
            holdout.push(false).map_err(plain)?;
        }
        Ok(Ingested {
            inputs: self
                .columns
                .into_iter()
                .map(|column| column.input)
                .collect(),
            weights: self.weight.is_some().then_some(self.weights),
            labels: self.labels,
            holdout,
            cutoff,
            skipped,
            total,
            left_out,
            frame,
        })
    }
}

#[inline]
fn missing(value: Value<'_>) -> bool {
    match value {
        Value::Missing => true,
        Value::Number(number) => number.is_nan(),
        _ => false,
    }
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
