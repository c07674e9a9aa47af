//! The design of a training: encoded rows in tiles.

use std::collections::HashMap;

use crate::frame::{Category, Frame, RowSet};
use crate::monitor::Monitor;
use crate::parallel::Watch;
use crate::pipeline::{Encoder, Encoding, Unknown};
use crate::tiles::{Span, TILE_ROWS, TILE_STRIDE, Tiles, zeroed};
use crate::{Error, Result};

use super::number::{Sum, sum_of};

/// Encoded features at the most.
pub const MOST_FEATURES: usize = 8192;
/// Cells of work between two polls.
const CELLS_A_POLL: usize = 1 << 18;
/// No column.
const NOWHERE: u32 = u32::MAX;
/// An error.
const REFUSED: u32 = u32::MAX - 1;

/// Bytes that the design of `rows` rows takes: `features` columns, the target, and the weight where
/// `weighted`.
#[must_use]
pub fn design_bytes(rows: usize, features: usize, weighted: bool) -> u64 {
    Tiles::bytes_for(rows as u64, features + 1 + usize::from(weighted))
}

/// Encodes `rows` of a frame: column after column the features of each of `slots`, then the target, then
/// the weight; and the mean of each feature over the rows.
///
/// `encoders` has one for each of `slots`; `target` and `weights` have a value for each row of the frame.
/// The tiles centre the features. `limit` bounds the memory of the tiles in bytes.
///
/// # Errors
/// [`Error::MemoryLimit`] before any work is done; [`Error::Row`] where an encoder refuses a value;
/// [`Error::NotFinite`] where a number leaves the range of doubles when it is scaled (the column is
/// counted among the features); [`Error::Shape`]; [`Error::NoRows`]; [`Error::Stopped`];
/// [`Error::OutOfMemory`].
///
/// Numerics: cell by cell what [`Encoder::encode`] computes; means are sums of tile sums with their
/// rounding errors.
#[allow(clippy::too_many_arguments)] // the contract with `train`
pub fn design(
    frame: &Frame,
    slots: &[usize],
    encoders: &[Encoder],
    rows: &RowSet,
    target: &[f64],
    weights: Option<&[f64]>,
    limit: u64,
    monitor: &mut dyn Monitor,
) -> Result<(Tiles, Vec<f64>)> {
    check_shapes(frame, slots, encoders, rows, target, weights)?;
    let features = encoders.iter().map(Encoder::width).sum();
    let needed = design_bytes(rows.count(), features, weights.is_some());
    if needed > limit {
        return Err(Error::MemoryLimit { needed, limit });
    }
    let mut watch = Watch::new(monitor, "encode", rows.count() as u64);
    let mut columns = Vec::with_capacity(slots.len());
    let mut start = 0;
    for (slot, encoder) in slots.iter().zip(encoders) {
        watch.tick()?;
        columns.push(Column::new(frame, *slot, encoder, start));
        start += encoder.width();
    }
    let extra: Vec<&[f64]> = std::iter::once(target).chain(weights).collect();
    let mut filling = Filling::new(features, extra.len(), rows.count(), limit)?;
    let mut offsets = [0; TILE_ROWS];
    for tile in 0..frame.tiles() {
        let mut chosen = rows.tile(tile, &mut offsets);
        while !chosen.is_empty() {
            let (now, later) = chosen.split_at(chosen.len().min(TILE_ROWS - filling.rows));
            let mut work = 0;
            for column in &columns {
                column.encode(frame.column(tile, column.slot), now, &mut filling)?;
                work += (column.encoder.width() + 1) * now.len();
                if work > CELLS_A_POLL {
                    work = 0;
                    watch.tick()?;
                }
            }
            for (number, values) in extra.iter().enumerate() {
                let cells = filling.cells(features + number, now.len());
                for (cell, offset) in cells.iter_mut().zip(now) {
                    *cell = values[tile * TILE_ROWS + usize::from(*offset)];
                }
            }
            filling.rows += now.len();
            watch.progress.done += now.len() as u64;
            if filling.rows == TILE_ROWS {
                watch.tick()?;
                filling.store()?;
                watch.tick()?;
            }
            chosen = later;
        }
    }
    filling.store()?;
    Ok(filling.finish())
}

fn check_shapes(
    frame: &Frame,
    slots: &[usize],
    encoders: &[Encoder],
    rows: &RowSet,
    target: &[f64],
    weights: Option<&[f64]>,
) -> Result<()> {
    let shape = |what, expected, got| {
        Err(Error::Shape {
            what,
            expected,
            got,
        })
    };
    if encoders.len() != slots.len() {
        return shape("encoders", slots.len(), encoders.len());
    }
    if rows.count() == 0 {
        return Err(Error::NoRows);
    }
    for column in std::iter::once(target).chain(weights) {
        if column.len() != frame.rows() {
            return shape("rows", frame.rows(), column.len());
        }
    }
    if rows.rows() > frame.rows() {
        return shape("rows", frame.rows(), rows.rows());
    }
    match slots.iter().find(|slot| **slot >= frame.slots()) {
        Some(slot) => shape("slots", frame.slots(), *slot),
        None => Ok(()),
    }
}

/// A tile that is being filled, the tiles it goes to, and sums of the features.
struct Filling {
    cells: Vec<f64>,
    rows: usize,
    columns: usize,
    features: usize,
    total: f64,
    tiles: Tiles,
    means: Vec<Sum>,
}

impl Filling {
    fn new(features: usize, extra: usize, rows: usize, limit: u64) -> Result<Self> {
        let columns = features + extra;
        Ok(Self {
            cells: zeroed(columns * TILE_STRIDE)?,
            rows: 0,
            columns,
            features,
            total: rows as f64,
            tiles: Tiles::new(columns, features, limit),
            means: vec![Sum::default(); features],
        })
    }

    /// The next `count` cells of a column.
    fn cells(&mut self, column: usize, count: usize) -> &mut [f64] {
        &mut self.cells[column * TILE_STRIDE + self.rows..][..count]
    }

    /// Moves the rows to the tiles.
    fn store(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        for column in 0..self.features {
            let cells = &self.cells[column * TILE_STRIDE..][..self.rows];
            let sum = sum_of(cells, |cell| cell);
            let share = if sum.is_finite() {
                sum / self.total
            } else {
                sum_of(cells, |cell| cell / self.total)
            };
            self.means[column].add(share);
        }
        self.tiles.append(Span {
            data: &self.cells,
            rows: self.rows,
            columns: self.columns,
        })?;
        self.rows = 0;
        Ok(())
    }

    fn finish(self) -> (Tiles, Vec<f64>) {
        let means = self.means.iter().map(Sum::total).collect();
        (self.tiles, means)
    }
}

/// One slot of the design.
struct Column<'a> {
    slot: usize,
    encoder: &'a Encoder,
    /// Its first feature.
    start: usize,
    /// Column of each category of a one-hot encoding, by the code of its text.
    by_code: Vec<u32>,
    /// The same, by the bits of its number.
    by_number: HashMap<u64, u32>,
    /// Column of a missing value, and of a category that is not known, of a one-hot encoding.
    missing: u32,
    unknown: u32,
}

impl<'a> Column<'a> {
    fn new(frame: &Frame, slot: usize, encoder: &'a Encoder, start: usize) -> Self {
        let mut column = Self {
            slot,
            encoder,
            start,
            by_code: Vec::new(),
            by_number: HashMap::new(),
            missing: NOWHERE,
            unknown: NOWHERE,
        };
        let Encoding::OneHot {
            categories,
            reference,
            rare,
            unknown,
            impute,
        } = &encoder.encoding
        else {
            return column;
        };
        let place = |number: usize| match reference.map(|reference| reference as usize) {
            Some(reference) if number == reference => NOWHERE,
            Some(reference) if number > reference => number as u32 - 1,
            _ => number as u32,
        };
        column.unknown = match unknown {
            Unknown::Refuse => REFUSED,
            Unknown::Rare if *rare => place(categories.len()),
            _ => NOWHERE,
        };
        column.missing = match *impute as usize {
            none if none >= categories.len() => column.unknown,
            number => place(number),
        };
        match frame.dictionary(slot) {
            Some(dictionary) => {
                let known: HashMap<&str, u32> = (0..)
                    .zip(categories)
                    .map(|(number, name)| (name.as_str(), place(number)))
                    .collect();
                let of = |code| known.get(dictionary.text(code)).copied();
                let codes = 0..dictionary.len();
                column.by_code = codes
                    .map(|code| of(code).unwrap_or(column.unknown))
                    .collect();
            }
            None => {
                let numbers = (0..).zip(categories).filter_map(|(number, name)| {
                    let value: f64 = name.parse().ok()?;
                    Some(((value + 0.0).to_bits(), place(number)))
                });
                column.by_number = numbers.collect();
            }
        }
        column
    }

    /// Encodes the cells at `offsets` of one tile of the slot.
    fn encode(&self, cells: &[f64], offsets: &[u8], filling: &mut Filling) -> Result<()> {
        let at = |offset: &u8| cells[usize::from(*offset)];
        let count = offsets.len();
        if self.encoder.refuse_missing && offsets.iter().any(|offset| at(offset).is_nan()) {
            return Err(Error::Row {
                slot: format!("column \"{}\"", self.encoder.slot),
                problem: "is null in a row to learn from".to_owned(),
            });
        }
        match &self.encoder.encoding {
            Encoding::Number {
                center,
                scale,
                impute,
            } => {
                let target = filling.cells(self.start, count);
                for (cell, offset) in target.iter_mut().zip(offsets) {
                    let value = at(offset);
                    *cell = if value.is_nan() { *impute } else { value };
                }
                if (*center, *scale) != (0.0, 1.0) {
                    target
                        .iter_mut()
                        .for_each(|cell| *cell = (*cell - center) / scale);
                }
            }
            Encoding::OneHot { .. } => self.encode_categories(cells, offsets, filling)?,
            Encoding::Time { parts, impute } => {
                for (number, column) in parts.iter().enumerate() {
                    let target = filling.cells(self.start + number, count);
                    for (cell, offset) in target.iter_mut().zip(offsets) {
                        let value = at(offset);
                        let time = if value.is_nan() {
                            *impute
                        } else {
                            value as i64
                        };
                        *cell = (column.part.of(time) - column.center) / column.scale;
                    }
                }
            }
            Encoding::Ignored => {}
        }
        if self.encoder.indicator {
            let last = self.start + self.encoder.width() - 1;
            for (cell, offset) in filling.cells(last, count).iter_mut().zip(offsets) {
                *cell = f64::from(u8::from(at(offset).is_nan()));
            }
        }
        Ok(())
    }

    fn encode_categories(
        &self,
        cells: &[f64],
        offsets: &[u8],
        filling: &mut Filling,
    ) -> Result<()> {
        let width = self.encoder.width() - usize::from(self.encoder.indicator);
        for number in 0..width {
            filling.cells(self.start + number, offsets.len()).fill(0.0);
        }
        for (row, offset) in offsets.iter().enumerate() {
            let place = match cells[usize::from(*offset)] {
                cell if cell.is_nan() => self.missing,
                cell => self.place(cell),
            };
            if place == REFUSED {
                return Err(Error::Row {
                    slot: format!("column \"{}\"", self.encoder.slot),
                    problem: "contains a category that is not known".to_owned(),
                });
            }
            if place != NOWHERE {
                let start = (self.start + place as usize) * TILE_STRIDE + filling.rows;
                filling.cells[start + row] = 1.0;
            }
        }
        Ok(())
    }

    fn place(&self, cell: f64) -> u32 {
        if self.by_code.is_empty() {
            return self
                .by_number
                .get(&cell.to_bits())
                .copied()
                .unwrap_or(self.unknown);
        }
        match Category::of(cell) {
            Category::Code(code) => self.by_code.get(code).copied().unwrap_or(self.unknown),
            Category::Overflow(_) => self.unknown,
        }
    }
}
