//! On which side of the split each row is.

use crate::pg::error::{Failure, Result};
use crate::pg::rows::RowView;
use pglearn_core::Error;
use pglearn_core::frame::RowSet;
use pglearn_core::monitor::{Monitor, Progress, check};
use pglearn_core::split::{KeyHasher, Method, Spec, is_holdout, order_of_time, time_cutoff};
use pglearn_core::value::Value;
use std::collections::HashMap;

/// Parts in which row hashes are sorted, by their first byte: a short while each.
const PARTS: usize = 256;

/// Decides row by row, as far as a row alone decides.
pub struct Sides {
    rule: Rule,
    test_size: f64,
    hasher: KeyHasher,
    holdout: RowSet,
    /// Content hashes or times, where all rows together decide.
    marks: Vec<u64>,
    limit: u64,
}

/// What a row is asked; columns are those of the [`RowView`].
enum Rule {
    /// The hash of a key.
    Key(Vec<usize>),
    /// The hash of everything: there is no key. Equal rows are told apart by counting them, which
    /// gives the same split in whatever order they come.
    Content(Vec<usize>),
    /// Its time.
    Time(usize),
    /// A boolean.
    Flag(usize),
    /// Nothing.
    None,
}

/// What is known of a row's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Held out or not.
    Known(bool),
    /// To be decided when all rows are there.
    Marked(u64),
    /// The column that decides is NULL.
    Missing,
}

impl Sides {
    /// `columns` are the key, the time or the boolean column as numbered in the view; `content` says that
    /// they are no key but all there is.
    pub fn new(spec: &Spec, columns: Vec<usize>, content: bool, seed: i64, limit: u64) -> Self {
        let first = columns.first().copied().unwrap_or_default();
        let rule = match spec.method {
            Method::Random if content => Rule::Content(columns),
            Method::Random | Method::Group => Rule::Key(columns),
            Method::Time => Rule::Time(first),
            Method::Column => Rule::Flag(first),
            Method::None => Rule::None,
        };
        Self {
            rule,
            test_size: spec.test_size,
            hasher: KeyHasher::new(seed),
            holdout: RowSet::new(),
            marks: Vec::new(),
            limit,
        }
    }

    /// The side of a row.
    ///
    /// # Errors
    /// 42883 for a column that cannot be hashed.
    #[inline]
    pub fn side(&mut self, row: &RowView<'_>) -> Result<Side> {
        Ok(match &self.rule {
            Rule::None => Side::Known(false),
            Rule::Key(columns) => {
                let hash = row.hash(columns, &mut self.hasher)?;
                Side::Known(is_holdout(hash, self.test_size))
            }
            Rule::Content(columns) => Side::Marked(row.hash(columns, &mut self.hasher)?),
            Rule::Time(column) => match order_of_time(row.value(*column)) {
                Some(time) => Side::Marked(time.cast_unsigned()),
                None => Side::Missing,
            },
            Rule::Flag(column) => match row.value(*column) {
                Value::Number(flag) => Side::Known(flag != 0.0),
                _ => Side::Missing,
            },
        })
    }

    /// Takes a row that is used.
    ///
    /// # Errors
    /// 54000 and 53200 where memory runs out.
    #[inline]
    pub fn push(&mut self, side: Side) -> Result<()> {
        match side {
            Side::Known(held_out) => self.holdout.push(held_out).map_err(plain),
            Side::Marked(mark) => {
                if self.marks.len() == self.marks.capacity() {
                    self.reserve()?;
                }
                self.marks.push(mark);
                Ok(())
            }
            Side::Missing => Ok(()),
        }
    }

    #[cold]
    fn reserve(&mut self) -> Result<()> {
        let more = self.marks.len().max(1024);
        // Twice: content hashes are sorted in a copy.
        let needed = ((self.marks.len() + more) * 16) as u64;
        if needed > self.limit {
            return Err(plain(Error::MemoryLimit {
                needed,
                limit: self.limit,
            }));
        }
        let refused = |_| {
            plain(Error::OutOfMemory {
                bytes: more as u64 * 8,
            })
        };
        self.marks.try_reserve_exact(more).map_err(refused)
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.holdout.bytes() + (self.marks.capacity() * 8) as u64
    }

    /// The rows that are held out, and the time from which on they are where that decides.
    ///
    /// # Errors
    /// 57014 on a cancel, 22023 for a time that is the same in every row, 53200.
    pub fn finish(mut self, monitor: &mut dyn Monitor) -> Result<(RowSet, Option<i64>)> {
        let mut since = None;
        match self.rule {
            Rule::Content(_) => {
                let again = repeated(&self.marks, monitor)?;
                let mut seen: HashMap<u64, i64> = HashMap::new();
                for (done, mark) in self.marks.iter().enumerate() {
                    look_up(monitor, done, self.marks.len())?;
                    let mut hash = *mark;
                    if again.binary_search(mark).is_ok() {
                        let count = seen.entry(*mark).or_default();
                        hash = self.hasher.tell_apart(*mark, *count);
                        *count += 1;
                    }
                    self.holdout
                        .push(is_holdout(hash, self.test_size))
                        .map_err(plain)?;
                }
            }
            Rule::Time(_) if !self.marks.is_empty() => {
                let times: Vec<i64> = self.marks.iter().map(|m| m.cast_signed()).collect();
                let cutoff = time_cutoff(&times, self.test_size, monitor).map_err(plain)?;
                since = Some(cutoff);
                for (done, time) in times.iter().enumerate() {
                    look_up(monitor, done, times.len())?;
                    self.holdout.push(*time >= cutoff).map_err(plain)?;
                }
            }
            _ => {}
        }
        Ok((self.holdout, since))
    }
}

/// Lets the monitor speak every 65,536 rows.
#[inline]
fn look_up(monitor: &mut dyn Monitor, done: usize, total: usize) -> Result<()> {
    if !done.is_multiple_of(1 << 16) {
        return Ok(());
    }
    let state = Progress {
        phase: "sorting",
        done: done as u64,
        total: total as u64,
        loss: f64::NAN,
    };
    check(monitor, state).map_err(plain)
}

/// The marks that occur more than once, ascending.
fn repeated(marks: &[u64], monitor: &mut dyn Monitor) -> Result<Vec<u64>> {
    let part = |mark: u64| (mark >> 56) as usize;
    let mut starts = [0_usize; PARTS + 1];
    for (done, mark) in marks.iter().enumerate() {
        look_up(monitor, done, marks.len())?;
        starts[part(*mark) + 1] += 1;
    }
    for i in 0..PARTS {
        starts[i + 1] += starts[i];
    }
    let mut sorted = Vec::new();
    sorted.try_reserve_exact(marks.len()).map_err(|_| {
        plain(Error::OutOfMemory {
            bytes: marks.len() as u64 * 8,
        })
    })?;
    sorted.resize(marks.len(), 0_u64);
    let mut next = starts;
    for (done, mark) in marks.iter().enumerate() {
        look_up(monitor, done, marks.len())?;
        let place = &mut next[part(*mark)];
        sorted[*place] = *mark;
        *place += 1;
    }
    let mut again = Vec::new();
    for i in 0..PARTS {
        let state = Progress {
            phase: "sorting",
            done: i as u64,
            total: PARTS as u64,
            loss: f64::NAN,
        };
        check(monitor, state).map_err(plain)?;
        let part = &mut sorted[starts[i]..starts[i + 1]];
        part.sort_unstable();
        again.extend(part.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]));
    }
    again.dedup();
    Ok(again)
}

fn plain(error: Error) -> Failure {
    Failure::from_core(error, &|_| String::new())
}
