//! `confusion_matrix`: how often each class was predicted for each observed class.

use super::request::{Comparison, Written};
use crate::pg::error::{Failure, Result};
use crate::pg::table::{self, Cell, NewColumn};
use pgrx::{PgSqlErrorCode, Spi};

/// Classes at the most: the matrix has as many rows and columns.
const MAX_LEVELS: usize = 1600;

/// The classes in their order, NULL last, and how often each was predicted for each.
struct Counts {
    levels: Vec<Option<String>>,
    /// Place of the observed class, place of the predicted class, rows.
    pairs: Vec<(usize, usize, u64)>,
}

/// Writes one row per class: the counts of the classes predicted for it. NULL is the last class.
///
/// # Errors
/// Those of the arguments, the query and the table; 54000 for too many classes.
pub fn write(written: Written<'_>) -> Result<()> {
    let columns = [
        ("row_id", "bigint"),
        ("class", "text"),
        ("confusion_arr", "numeric[]"),
    ]
    .map(|(name, sql_type)| NewColumn::new(name, sql_type));
    let comparison = Comparison::new(written, &columns)?;
    let Counts { levels, pairs } = counts(&comparison)?;
    let mut matrix = vec![vec![0_u64; levels.len()]; levels.len()];
    for (observed, predicted, count) in pairs {
        matrix[observed][predicted] = count;
    }
    let mut table = table::create(&comparison.out, &columns)?;
    for (number, (level, counts)) in levels.into_iter().zip(matrix).enumerate() {
        table.write([
            Cell::BigInt(number as i64 + 1),
            level.map_or(Cell::Null, Cell::Text),
            Cell::Counts(counts),
        ])?;
    }
    table.finish()
}

/// The query: the source is read once; classes are told apart and ordered by the default order of
/// their type, never by an operator of the caller's search_path.
///
/// One row for each side (0 observed, 1 predicted) of each pair of classes that occurs. LATERAL
/// VALUES gives both sides one type, and refuses aggregates and set-returning functions.
fn query(comparison: &Comparison) -> String {
    format!(
        "SELECT pair, side, pg_catalog.dense_rank() OVER (ORDER BY level NULLS LAST), level::pg_catalog.text, n \
           FROM (SELECT pg_catalog.row_number() OVER () AS pair, observed, predicted, n \
                   FROM (SELECT \"pglearn labels\".observed, \"pglearn labels\".predicted, pg_catalog.count(*) AS n \
                           FROM {}, LATERAL (VALUES ({}, {})) AS \"pglearn labels\"(observed, predicted) GROUP BY 1, 2) AS counted \
                ) AS numbered, LATERAL (VALUES (0, observed), (1, predicted)) AS sides(side, level) \
          ORDER BY pair, side",
        comparison.source.from_item,
        comparison.observed.sql(),
        comparison.prediction.sql(),
    )
}

/// Rows fetched at a time: a source of quantities is noticed before all of it is here.
const BATCH: std::ffi::c_long = 1000;

fn counts(comparison: &Comparison) -> Result<Counts> {
    let sql = query(comparison);
    let mut counts = Counts {
        levels: Vec::new(),
        pairs: Vec::new(),
    };
    Spi::connect(|client| {
        let mut cursor = client.open_cursor(&sql, &[]);
        loop {
            let rows = cursor.fetch(BATCH)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                let number = |at| row.get::<i64>(at).map(|n| n.unwrap_or(0).max(0) as u64);
                let place = number(3)?.saturating_sub(1) as usize;
                if place >= MAX_LEVELS {
                    return Err(too_many());
                }
                if counts.levels.len() <= place {
                    counts.levels.resize(place + 1, None);
                }
                counts.levels[place] = row.get::<String>(4)?;
                match (row.get::<i32>(2)?, counts.pairs.last_mut()) {
                    (Some(1), Some(pair)) => pair.1 = place,
                    _ => counts.pairs.push((place, 0, number(5)?)),
                }
            }
        }
    })?;
    Ok(counts)
}

fn too_many() -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format!("more than {MAX_LEVELS} classes"),
    )
    .detail("A confusion matrix has a row and a column for each class.")
    .hint("For quantities use mean_squared_error or r2_score.")
}
