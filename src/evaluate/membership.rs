//! Which rows of a source a version held out, decided again as its training decided.

use super::columns::ReadList;
use super::plain;
use super::rows::within_memory;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::RowView;
use pglearn_core::Error;
use pglearn_core::split::{KeyHasher, Method, Spec, is_holdout, order_of_time};
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;
use std::collections::HashMap;

/// Bytes that a counted hash takes in the map.
const COUNTED: u64 = 40;

/// Decides row by row, in the order of the source.
pub struct Membership {
    rule: Rule,
    test_size: f64,
    hasher: KeyHasher,
    /// How often each hash occurred, where the content of the rows is the key.
    seen: HashMap<u64, i64>,
}

/// What a row is asked; the numbers are places in its view.
enum Rule {
    /// The hash of a key.
    Key(Vec<usize>),
    /// The hash of everything, equal rows told apart by counting them.
    Content(Vec<usize>),
    /// Whether it is as late as the cut-off.
    Time(usize, i64),
    /// A boolean.
    Flag(usize),
}

impl Membership {
    /// Reads how a version was split, and finds the columns that decide in the source. `label` names
    /// the version.
    ///
    /// # Errors
    /// 55000 where it held out nothing or the recipe does not say, 42703 for a column that is gone.
    pub fn new(split: &Json, label: &str, list: &mut ReadList) -> Result<Self> {
        let spec = spec(split).ok_or_else(|| {
            undecided(label).detail("Its recipe does not say how its rows were split.")
        })?;
        let part = format!("what decided which rows {label} held out");
        let mut places = Vec::new();
        for name in names(split) {
            places.push(list.add(&name, &part)?);
        }
        let first = places.first().copied();
        let content = split["content"].as_bool() == Some(true);
        let rule = match (spec.method, first) {
            (Method::None, _) => {
                return Err(undecided(label).detail("It learned from every row of its source."));
            }
            (_, None) => {
                return Err(undecided(label).detail("Its recipe names no column that decided."));
            }
            (Method::Time, Some(first)) => match split["cutoff"].as_i64() {
                Some(cutoff) => Rule::Time(first, cutoff),
                None => return Err(undecided(label).detail("Its recipe keeps no cut-off.")),
            },
            (Method::Column, Some(first)) => Rule::Flag(first),
            (Method::Random | Method::Group, _) if content => Rule::Content(places),
            (Method::Random | Method::Group, _) => Rule::Key(places),
        };
        Ok(Self {
            rule,
            test_size: spec.test_size,
            hasher: KeyHasher::new(split["seed"].as_i64().unwrap_or_default()),
            seen: HashMap::new(),
        })
    }

    /// Whether the version held out this row, or would have. To be asked of every row whose target is
    /// known, in the order of the source.
    ///
    /// # Errors
    /// 42883 for a column that cannot be hashed, 53400 and 53200 where memory runs out.
    #[inline]
    pub fn holds(&mut self, row: &RowView<'_>) -> Result<bool> {
        Ok(match &self.rule {
            Rule::Key(columns) => {
                let hash = row.hash(columns, &mut self.hasher)?;
                is_holdout(hash, self.test_size)
            }
            Rule::Content(columns) => {
                let mark = row.hash(columns, &mut self.hasher)?;
                let hash = self.tell_apart(mark)?;
                is_holdout(hash, self.test_size)
            }
            Rule::Time(column, cutoff) => {
                order_of_time(row.value(*column)).is_some_and(|time| time >= *cutoff)
            }
            Rule::Flag(column) => matches!(row.value(*column), Value::Number(flag) if flag != 0.0),
        })
    }

    /// The hash of a row whose content may have come before: the first one keeps it.
    fn tell_apart(&mut self, mark: u64) -> Result<u64> {
        if self.seen.len() == self.seen.capacity() {
            let more = self.seen.len().max(1024);
            within_memory((self.seen.len() + more) as u64 * COUNTED)?;
            self.seen.try_reserve(more).map_err(|_| {
                plain(Error::OutOfMemory {
                    bytes: more as u64 * COUNTED,
                })
            })?;
        }
        let count = self.seen.entry(mark).or_default();
        let before = *count;
        *count += 1;
        Ok(self.hasher.tell_apart(mark, before))
    }
}

fn spec(split: &Json) -> Option<Spec> {
    let mut argument = split.clone();
    // What the recipe adds to the argument.
    if let Some(members) = argument.as_object_mut() {
        for added in ["content", "seed", "cutoff"] {
            members.remove(added);
        }
        if members.contains_key("key") {
            members.remove("column");
        }
    }
    argument.as_object()?;
    Spec::parse(&argument).ok()
}

/// The columns that decided.
fn names(split: &Json) -> Vec<String> {
    let column = match &split["key"] {
        Json::Null => &split["column"],
        key => key,
    };
    match column {
        Json::String(name) => vec![name.clone()],
        Json::Array(names) => names
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn undecided(label: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("there is no telling which rows {label} did not learn from"),
    )
    .hint("Give a source of rows that were not trained on.")
}
