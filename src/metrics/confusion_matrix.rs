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
    let levels = levels(&comparison)?;
    let mut matrix = vec![vec![0_u64; levels.len()]; levels.len()];
    for pair in pairs(&comparison)? {
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

/// The counted pairs and the ordered classes as a WITH clause.
fn with_clause(comparison: &Comparison) -> String {
    format!(
        "WITH pairs AS (SELECT {} AS observed, {} AS predicted, pg_catalog.count(*) AS n FROM {} GROUP BY 1, 2), \
         levels AS (SELECT level, pg_catalog.row_number() OVER (ORDER BY level NULLS LAST) AS place \
                      FROM (SELECT observed AS level FROM pairs UNION SELECT predicted FROM pairs) AS classes)",
        comparison.observed.sql(),
        comparison.prediction.sql(),
        comparison.source.from_item
    )
}

fn levels(comparison: &Comparison) -> Result<Vec<Option<String>>> {
    let sql = format!(
        "{} SELECT level::pg_catalog.text FROM levels ORDER BY place LIMIT {}",
        with_clause(comparison),
        MAX_LEVELS + 1
    );
    let mut levels = Vec::new();
    Spi::connect(|client| {
        for row in client.select(&sql, None, &[])? {
            levels.push(row.get::<String>(1)?);
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
    Ok(levels)
}

fn pairs(comparison: &Comparison) -> Result<Vec<Pair>> {
    let sql = format!(
        "{} SELECT o.place, p.place, n FROM pairs \
         JOIN levels AS o ON o.level IS NOT DISTINCT FROM pairs.observed \
         JOIN levels AS p ON p.level IS NOT DISTINCT FROM pairs.predicted",
        with_clause(comparison)
    );
    let mut pairs = Vec::new();
    Spi::connect(|client| {
        for row in client.select(&sql, None, &[])? {
            let number = |at| {
                row.get::<i64>(at)
                    .map(|n| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
            };
            pairs.push(Pair {
                observed: number(1)? as usize,
                predicted: number(2)? as usize,
                count: number(3)?,
            });
        }
        Ok::<_, pgrx::spi::Error>(())
    })
    .map_err(|e| Failure::internal(e.to_string()))?;
    Ok(pairs)
}
