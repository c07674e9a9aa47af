//! The cells.

use super::Category;
use super::dictionary::{Dictionary, OVERFLOW};
use crate::pipeline::InputKind;
use crate::tiles::{TILE_ROWS, TILE_STRIDE, zeroed};
use crate::value::Value;
use crate::{Error, Result};

/// Cells of a chunk at the most, unless one tile alone is larger.
const CHUNK_CELLS: usize = 1 << 20;
/// Whole numbers up to here are doubles.
const EXACT: i64 = 1 << f64::MANTISSA_DIGITS;

/// A column of the table.
#[derive(Debug)]
struct Column {
    name: String,
    kind: InputKind,
    /// The distinct texts, where the kind is text.
    dictionary: Option<Box<Dictionary>>,
}

/// Rows in memory, a column a slot.
///
/// Shapes: tiles of [`TILE_ROWS`] rows, column by column at a distance of [`TILE_STRIDE`], in chunks of
/// about 8 MB that never move. Cells: numbers and booleans as they are (never infinite, no negative
/// zero), times in microseconds since 2000, texts as codes of the column's dictionary; NaN is missing.
/// A time beyond 285 years from 2000 that no double holds is stored as the next one before it, which is
/// in the same hour. A dictionary keeps [`MOST_CATEGORIES`](super::MOST_CATEGORIES) texts and 16 MB;
/// of further texts only a hash is kept, and the column counts as [`overflowed`](Self::overflowed).
#[derive(Debug)]
pub struct Frame {
    columns: Vec<Column>,
    rows: usize,
    limit: u64,
    chunks: Vec<Vec<f64>>,
    /// Chunk and first cell of the tile that is being filled; none before the first cell of a tile.
    current: Option<(usize, usize)>,
    dictionaries: u64,
}

impl Frame {
    /// No rows yet: a column for each slot, with the name messages give it and what its values are.
    /// `limit` bounds the memory in bytes, dictionaries included.
    ///
    /// # Errors
    /// None today; memory is taken as rows come.
    pub fn new(columns: &[(String, InputKind)], limit: u64) -> Result<Self> {
        let column = |(name, kind): &(String, InputKind)| Column {
            name: name.clone(),
            kind: *kind,
            dictionary: (*kind == InputKind::Text).then(Box::default),
        };
        Ok(Self {
            columns: columns.iter().map(column).collect(),
            rows: 0,
            limit,
            chunks: Vec::new(),
            current: None,
            dictionaries: 0,
        })
    }

    /// Bytes that `rows` rows of `slots` numbers take: what to check before reading.
    #[must_use]
    pub fn bytes_for(rows: u64, slots: usize) -> u64 {
        crate::tiles::Tiles::bytes_for(rows, slots)
    }

    /// Writes a cell of the row that is being filled. Every slot must be written before
    /// [`commit_row`](Self::commit_row); a row that is not committed is overwritten by the next.
    ///
    /// # Errors
    /// [`Error::Row`] for an infinity, or a value that is not of the slot's kind;
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`].
    #[inline]
    pub fn set(&mut self, slot: usize, value: Value<'_>) -> Result<()> {
        let Some(column) = self.columns.get(slot) else {
            return Err(self.refuse(slot, "a value of no slot"));
        };
        let cell = match (value, column.kind) {
            (Value::Missing, _) => f64::NAN,
            (Value::Number(number), InputKind::Number | InputKind::Boolean) => {
                if number.is_infinite() {
                    return Err(self.refuse(slot, "an infinity"));
                }
                // + 0.0 makes 0 of -0
                number + 0.0
            }
            (Value::Text(text), InputKind::Text) => self.code(slot, text)?,
            (Value::Time(time), InputKind::Date | InputKind::Timestamp) => {
                if time == i64::MIN || time == i64::MAX {
                    return Err(self.refuse(slot, "an infinity"));
                }
                microseconds(time)
            }
            _ => return Err(self.refuse(slot, "a value of another type")),
        };
        let (chunk, tile) = self.place()?;
        let at = tile + slot * TILE_STRIDE + self.rows % TILE_ROWS;
        self.chunks[chunk][at] = cell;
        Ok(())
    }

    /// The cells of the tile that is being filled and the row's place in it, for whoever has many
    /// numbers at hand: slot `j` of the row is at `j * TILE_STRIDE + place`. Only for slots of numbers
    /// and booleans; NaN is missing; an infinity written this way is refused by
    /// [`preprocess`](crate::preprocess).
    ///
    /// # Errors
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`].
    #[inline]
    pub fn cells_mut(&mut self) -> Result<(&mut [f64], usize)> {
        let (chunk, tile) = self.place()?;
        let cells = self.columns.len() * TILE_STRIDE;
        Ok((
            &mut self.chunks[chunk][tile..tile + cells],
            self.rows % TILE_ROWS,
        ))
    }

    /// Makes the row just written part of the frame.
    ///
    /// # Errors
    /// [`Error::MemoryLimit`] and [`Error::OutOfMemory`] (of a frame without slots).
    #[inline]
    pub fn commit_row(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows.is_multiple_of(TILE_ROWS) {
            self.current = None;
        }
        Ok(())
    }

    /// Rows committed.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.columns.len()
    }

    /// What messages call a slot.
    #[must_use]
    pub fn name(&self, slot: usize) -> &str {
        self.columns.get(slot).map_or("", |column| &column.name)
    }

    /// What the values of a slot are.
    #[must_use]
    #[inline]
    pub fn kind(&self, slot: usize) -> InputKind {
        self.columns
            .get(slot)
            .map_or(InputKind::Number, |column| column.kind)
    }

    /// Bytes of the tiles that have rows, and of the dictionaries.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        Self::bytes_for(self.rows as u64, self.columns.len()) + self.dictionaries
    }

    /// A cell of a committed row.
    #[must_use]
    pub fn value(&self, row: usize, slot: usize) -> Value<'_> {
        let cell = self.cell(row, slot);
        if cell.is_nan() {
            return Value::Missing;
        }
        match self.kind(slot) {
            InputKind::Number | InputKind::Boolean => Value::Number(cell),
            InputKind::Date | InputKind::Timestamp => Value::Time(cell as i64),
            InputKind::Text => match (Category::of(cell), self.dictionary(slot)) {
                (Category::Code(code), Some(dictionary)) => Value::Text(dictionary.text(code)),
                _ => Value::Text(OVERFLOW),
            },
        }
    }

    /// The number in a cell of a committed row as it is stored (see the type); NaN is missing.
    #[must_use]
    #[inline]
    pub fn cell(&self, row: usize, slot: usize) -> f64 {
        self.column(row / TILE_ROWS, slot)[row % TILE_ROWS]
    }

    /// Whether a text column had more distinct texts than its dictionary keeps.
    #[must_use]
    pub fn overflowed(&self, slot: usize) -> bool {
        self.dictionary(slot).is_some_and(Dictionary::overflowed)
    }

    /// Number of tiles.
    #[must_use]
    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE_ROWS)
    }

    /// The cells of a column in a tile.
    #[must_use]
    #[inline]
    pub fn column(&self, tile: usize, slot: usize) -> &[f64] {
        let per_chunk = self.tiles_per_chunk();
        let rows = (self.rows - tile * TILE_ROWS).min(TILE_ROWS);
        let start = (tile % per_chunk * self.columns.len() + slot) * TILE_STRIDE;
        &self.chunks[tile / per_chunk][start..start + rows]
    }

    /// The texts of a column, where it has texts.
    pub(crate) fn dictionary(&self, slot: usize) -> Option<&Dictionary> {
        self.columns.get(slot)?.dictionary.as_deref()
    }

    fn code(&mut self, slot: usize, text: &str) -> Result<f64> {
        let Some(dictionary) = &mut self.columns[slot].dictionary else {
            return Err(self.refuse(slot, "a value of another type"));
        };
        let known = dictionary.len();
        let before = dictionary.bytes();
        let cell = dictionary.cell(text)?;
        if dictionary.len() != known {
            self.dictionaries += dictionary.bytes() - before;
            self.check_limit(self.rows)?;
        }
        Ok(cell)
    }

    #[cold]
    fn refuse(&self, slot: usize, what: &str) -> Error {
        Error::Row {
            slot: format!("column \"{}\"", self.name(slot)),
            problem: format!("contains {what}"),
        }
    }

    fn check_limit(&self, rows: usize) -> Result<()> {
        let needed = Self::bytes_for(rows as u64, self.columns.len()) + self.dictionaries;
        if needed > self.limit {
            let limit = self.limit;
            return Err(Error::MemoryLimit { needed, limit });
        }
        Ok(())
    }

    fn tiles_per_chunk(&self) -> usize {
        (CHUNK_CELLS / (self.columns.len().max(1) * TILE_STRIDE)).max(1)
    }

    /// Chunk and first cell of the tile of the row that is being filled.
    #[inline]
    fn place(&mut self) -> Result<(usize, usize)> {
        match self.current {
            Some(place) => Ok(place),
            None => self.next_tile(),
        }
    }

    #[cold]
    fn next_tile(&mut self) -> Result<(usize, usize)> {
        self.check_limit(self.rows + 1)?;
        let per_chunk = self.tiles_per_chunk();
        let tile = self.rows / TILE_ROWS;
        let tile_cells = self.columns.len() * TILE_STRIDE;
        if tile / per_chunk == self.chunks.len() {
            // The kernel hands out the pages of a chunk as they are touched: its end costs nothing.
            let cells = per_chunk * tile_cells;
            self.chunks.try_reserve(1).map_err(|_| Error::OutOfMemory {
                bytes: (cells * size_of::<f64>()) as u64,
            })?;
            self.chunks.push(zeroed(cells)?);
        }
        let place = (tile / per_chunk, tile % per_chunk * tile_cells);
        self.current = Some(place);
        Ok(place)
    }
}

/// A time as a cell: itself, or the last double before it.
fn microseconds(time: i64) -> f64 {
    let cell = time as f64;
    if time.abs() > EXACT && cell as i128 > i128::from(time) {
        cell.next_down()
    } else {
        cell
    }
}
