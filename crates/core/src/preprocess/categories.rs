//! One-hot encoded columns.

use super::decide::{Outcome, wants_indicator};
use super::distinct;
use super::identifier::{DIFFERENT, FEWEST_ROWS};
use super::options::{ColumnOptions, Fill, Frequency, Impute};
use super::scan::Training;
use crate::frame::{Category, MOST_CATEGORIES};
use crate::pipeline::{Encoding, Unknown};
use crate::{Error, Result};

/// Columns of a one-hot encoding unless `max_categories` says otherwise.
const MOST_COLUMNS: usize = 100;
/// Rows and share of the rows a category needs unless `min_frequency` says otherwise.
const FEWEST: f64 = 2.0;
const SMALLEST_SHARE: f64 = 0.001;

/// The categories of a column with their training rows, in no order.
struct Counted {
    categories: Vec<(String, u64)>,
    missing: u64,
}

impl Counted {
    fn rows(&self) -> u64 {
        self.categories.iter().map(|(_, count)| count).sum::<u64>() + self.missing
    }
}

/// What becomes of a column of categories.
pub(super) fn decide(
    training: &mut Training<'_>,
    slot: usize,
    options: &ColumnOptions,
    reference: bool,
    insists: bool,
) -> Result<Outcome> {
    let texts = training.frame.dictionary(slot).is_some();
    let counted = if texts {
        match count_texts(training, slot)? {
            Some(counted) => counted,
            None if options.one_hot == Some(true) => return Err(too_many(training, slot)),
            None => return Ok(Outcome::LeftOut(overflow())),
        }
    } else {
        count_numbers(training, slot)?
    };
    let rows = counted.rows();
    let present = rows - counted.missing;
    if present == 0 {
        return Ok(Outcome::all_missing());
    }
    let different = counted.categories.len() as f64 > DIFFERENT * present as f64;
    if texts && !insists && different && present >= FEWEST_ROWS as u64 {
        return Ok(Outcome::LeftOut(
            "looks like an identifier: nearly all of its values are different".to_owned(),
        ));
    }
    let indicator = wants_indicator(options, counted.missing as usize, present as usize);
    Ok(one_hot(counted, rows, options, reference, indicator))
}

/// Chooses the categories with a column.
fn one_hot(
    mut counted: Counted,
    rows: u64,
    options: &ColumnOptions,
    reference: bool,
    indicator: bool,
) -> Outcome {
    let missing = counted.missing;
    let fill = fill(options);
    // A filled-in value is a value like any other, and may be a category of its own.
    if let Some(fill) = fill.as_deref().filter(|_| missing > 0) {
        match counted.categories.iter_mut().find(|(name, _)| name == fill) {
            Some((_, count)) => *count += missing,
            None => counted.categories.push((fill.to_owned(), missing)),
        }
    }
    let by_frequency = |a: &(String, u64), b: &(String, u64)| b.1.cmp(&a.1).then(a.0.cmp(&b.0));
    counted.categories.sort_unstable_by(by_frequency);
    if fill.is_none()
        && let Some((_, count)) = counted.categories.first_mut()
    {
        *count += missing;
    }
    let unknown = options.handle_unknown.unwrap_or(Unknown::Rare);
    let all = counted.categories.len();
    // Without a bucket to stand for both, what is rare would be taken for unknown.
    let kept = if unknown == Unknown::Rare {
        frequent(&counted.categories, rows, options)
    } else {
        all
    };
    let mut categories: Vec<String> = counted
        .categories
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    categories.truncate(kept);
    if kept + usize::from(kept < all) < 2 {
        return match (indicator, kept) {
            (true, _) => Outcome::Encoded(Encoding::Ignored, true),
            (false, 0) => Outcome::LeftOut(format!(
                "has no value frequent enough for a category of its own: {} rows; see min_frequency",
                least(rows, options).ceil()
            )),
            (false, _) => Outcome::constant(false, missing as usize),
        };
    }
    let impute = match &fill {
        None => 0,
        Some(fill) => categories
            .iter()
            .position(|name| name == fill)
            .unwrap_or(kept),
    };
    let encoding = Encoding::OneHot {
        reference: (reference && kept > 0).then_some(0),
        rare: kept < all,
        unknown,
        impute: impute as u32,
        categories,
    };
    Outcome::Encoded(encoding, indicator)
}

/// How many of the categories, the most frequent first, have a column of their own.
fn frequent(categories: &[(String, u64)], rows: u64, options: &ColumnOptions) -> usize {
    let least = least(rows, options);
    let kept = categories.partition_point(|(_, count)| *count as f64 >= least);
    let most = options.max_categories.unwrap_or(MOST_COLUMNS);
    let bucket = usize::from(kept < categories.len());
    if kept + bucket > most { most - 1 } else { kept }
}

/// Rows a category needs for a column of its own. Whoever says how many columns there may be wants them.
fn least(rows: u64, options: &ColumnOptions) -> f64 {
    match options.min_frequency {
        Some(Frequency::Rows(least)) => least as f64,
        Some(Frequency::Fraction(share)) => share * rows as f64,
        None if options.max_categories.is_some() => FEWEST,
        None => FEWEST.max(SMALLEST_SHARE * rows as f64),
    }
}

/// The category of key `fill_value`.
fn fill(options: &ColumnOptions) -> Option<String> {
    match &options.impute {
        Some(Impute::Constant(Fill::Text(text))) => Some(text.clone()),
        Some(Impute::Constant(Fill::Number(number))) => Some(number.to_string()),
        _ => None,
    }
}

/// `None` where the column has more texts than a dictionary keeps.
fn count_texts(training: &mut Training<'_>, slot: usize) -> Result<Option<Counted>> {
    let frame = training.frame;
    let Some(dictionary) = frame.dictionary(slot).filter(|d| !d.overflowed()) else {
        return Ok(None);
    };
    let mut counts = vec![0_u64; dictionary.len()];
    let missing = training.scan(slot, |part| {
        for cell in part.cells {
            if let Category::Code(code) = Category::of(*cell) {
                counts[code] += 1;
            }
        }
        Ok(true)
    })?;
    let seen = counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0);
    Ok(Some(Counted {
        categories: seen
            .map(|(code, count)| (dictionary.text(code).to_owned(), count))
            .collect(),
        missing: missing as u64,
    }))
}

fn count_numbers(training: &mut Training<'_>, slot: usize) -> Result<Counted> {
    let Some(counts) = distinct::counts(training, slot, MOST_CATEGORIES)? else {
        return Err(too_many(training, slot));
    };
    let categories: Vec<_> = counts
        .into_iter()
        .map(|(value, count)| (value.to_string(), count))
        .collect();
    let present: u64 = categories.iter().map(|(_, count)| count).sum();
    Ok(Counted {
        categories,
        missing: training.rows.count() as u64 - present,
    })
}

fn overflow() -> String {
    format!("has more than {MOST_CATEGORIES} different values")
}

fn too_many(training: &Training<'_>, slot: usize) -> Error {
    Error::Option {
        path: format!("preprocess.{}.encode", training.frame.name(slot)),
        problem: format!("the column {}", overflow()),
        hint: "Group them in a SELECT given as the source.".to_owned(),
    }
}
