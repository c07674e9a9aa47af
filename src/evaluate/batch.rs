//! `predict_batch`: predictions of every row of a source, one pass, whatever its size.

use super::columns::ReadList;
use super::scoring::Scoring;
use crate::pg::call::ResultRows;
use crate::pg::error::Result;
use crate::pg::parse;
use crate::pg::rows::{RowView, Rows};
use crate::pg::table::Cell;
use crate::registry::serving::serving;
use pglearn_core::pipeline::{LabelKind, TargetKind};

/// Puts a row into the result for every row of the source: its key as text, the prediction as a number
/// (NULL for classes that are texts), the class, its probability. They go into a tuple store, which
/// spills to disk beyond `work_mem`.
///
/// # Errors
/// Those of the model and of the source; 42703 for a key that is no column of it.
pub fn predict_batch(reference: &str, source: &str, key: &str, out: &mut ResultRows) -> Result<()> {
    let serving = serving(reference)?;
    let source = parse::source("source", source)?;
    let mut list = ReadList::of(&source)?;
    let key = list.add(key, "the key")?;
    let classes = Classes::of(&serving.pipeline.target.kind);
    let mut scoring = Scoring::new(serving, &mut list)?;
    Rows::open(&source, list.names())?.read(&mut |row: &RowView<'_>| {
        let text = |text: &str| Cell::Text(text.to_owned());
        let id = row.output(key).map_or(Cell::Null, text);
        if !scoring.score(row)? {
            out.put([id, Cell::Null, Cell::Null, Cell::Null]);
            return Ok(());
        }
        let scores = scoring.scores();
        if classes.names.is_empty() {
            out.put([id, Cell::Double(scores[0]), Cell::Null, Cell::Null]);
            return Ok(());
        }
        let class = scoring.class();
        // Of two classes the probability of the second, as predict_proba; else of the class decided for.
        let probability = match scores {
            [positive] => *positive,
            all => all[class],
        };
        out.put([
            id,
            classes
                .numbers
                .get(class)
                .map_or(Cell::Null, |n| Cell::Double(*n)),
            classes
                .names
                .get(class)
                .map_or(Cell::Null, |name| text(name)),
            Cell::Double(probability),
        ]);
        Ok(())
    })?;
    Ok(())
}

/// The classes as texts and, where they are booleans or numbers, as numbers.
struct Classes {
    names: Vec<String>,
    numbers: Vec<f64>,
}

impl Classes {
    fn of(kind: &TargetKind) -> Self {
        let (names, numbers) = match kind {
            TargetKind::Number => (Vec::new(), Vec::new()),
            TargetKind::Classes { label, classes } => {
                let numbers = match label {
                    LabelKind::Text => Vec::new(),
                    LabelKind::Boolean => vec![0.0, 1.0],
                    LabelKind::Number => classes.iter().filter_map(|c| c.parse().ok()).collect(),
                };
                (classes.clone(), numbers)
            }
        };
        Self { names, numbers }
    }
}
