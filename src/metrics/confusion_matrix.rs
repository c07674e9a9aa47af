//! `confusion_matrix`: how often each class was predicted for each observed class.

use super::request::{Comparison, Written};
use crate::pg::error::{Failure, Result};
use crate::pg::table::{self, Cell, NewColumn};
use pgrx::{PgSqlErrorCode, Spi};

/// Classes at the most: the matrix has as many rows and columns.
const MAX_LEVELS: usize = 1600;

/// Counts of one pair of classes; places count from 1 in the order of the classes.
struct Pair {
    observed: usize,
    predicted: usize,
    count: u64,
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
    let (levels, pairs) = read(&comparison)?;
    let mut matrix = vec![vec![0_u64; levels.len()]; levels.len()];
    for pair in pairs {
        let row = matrix.get_mut(pair.observed.wrapping_sub(1));
        if let Some(cell) = row.and_then(|row| row.get_mut(pair.predicted.wrapping_sub(1))) {
            *cell = pair.count;
        }
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

/// Counts the pairs and orders the classes in one query, hence in one snapshot: the classes are the
/// rows without a count, numbered by their place; the pairs refer to these places.
fn query(comparison: &Comparison) -> String {
    format!(
        "WITH pairs AS (SELECT {observed} AS observed, {predicted} AS predicted, pg_catalog.count(*) AS n FROM {source} GROUP BY 1, 2), \
         levels AS (SELECT level, pg_catalog.row_number() OVER (ORDER BY level NULLS LAST) AS place \
                      FROM (SELECT observed AS level FROM pairs UNION SELECT predicted FROM pairs) AS classes) \
         SELECT place, NULL::pg_catalog.int8, NULL::pg_catalog.int8, level::pg_catalog.text FROM levels WHERE place <= {limit} + 1 \
         UNION ALL \
         SELECT o.place, p.place, n, NULL FROM pairs \
           JOIN levels AS o ON o.level IS NOT DISTINCT FROM pairs.observed \
           JOIN levels AS p ON p.level IS NOT DISTINCT FROM pairs.predicted \
          WHERE (SELECT pg_catalog.count(*) FROM levels) <= {limit}",
        observed = comparison.observed.sql(),
        predicted = comparison.prediction.sql(),
        source = comparison.source.from_item,
        limit = MAX_LEVELS,
    )
}

/// The classes in their order and the counted pairs.
fn read(comparison: &Comparison) -> Result<(Vec<Option<String>>, Vec<Pair>)> {
    let mut levels: Vec<(usize, Option<String>)> = Vec::new();
    let mut pairs = Vec::new();
    Spi::connect(|client| {
        for row in client.select(&query(comparison), None, &[])? {
            let number = |at| {
                row.get::<i64>(at)
                    .map(|n| n.and_then(|n| u64::try_from(n).ok()))
            };
            let place = number(1)?.unwrap_or(0) as usize;
            match number(3)? {
                None => levels.push((place, row.get::<String>(4)?)),
                Some(count) => pairs.push(Pair {
                    observed: place,
                    predicted: number(2)?.unwrap_or(0) as usize,
                    count,
                }),
            }
        }
        Ok::<_, pgrx::spi::Error>(())
    })
    .map_err(|e| Failure::internal(e.to_string()))?;
    if levels.len() > MAX_LEVELS {
        return Err(Failure::new(
            PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            format!("more than {MAX_LEVELS} classes"),
        )
        .detail("A confusion matrix has a row and a column for each class.")
        .hint("For quantities use mean_squared_error or r2_score."));
    }
    levels.sort_by_key(|(place, _)| *place);
    Ok((levels.into_iter().map(|(_, level)| level).collect(), pairs))
}
