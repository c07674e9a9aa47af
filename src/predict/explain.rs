//! `explain_predict`: what each value of a row adds to its prediction.

use super::named::with_row;
use crate::pg::call::{Call, ResultRows};
use crate::pg::entry_point;
use crate::pg::error::{Failure, Result};
use crate::pg::table::Cell;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{Explanation, InputKind, Link, TargetKind, TimePart};
use pglearn_core::value::Value;

/// What the row of the mean margin is called.
const BASE: &str = "(base)";

entry_point!(
    /// `explain_predict(model, …)`
    pglearn_explain_predict,
    pg_finfo_pglearn_explain_predict,
    |call| explain(call).map(|()| None)
);

/// One row for the base, then one a slot in the order of training; none where the prediction is NULL.
fn explain(call: &Call) -> Result<()> {
    let mut rows = ResultRows::new(call)?;
    with_row(call, |serving, row| {
        let Some((explained, explanation)) = explanation(serving, row)? else {
            return Ok(());
        };
        let text = |text: Option<String>| text.map_or(Cell::Null, Cell::Text);
        let base = Cell::Double(explanation.base);
        rows.put([Cell::Text(BASE.to_owned()), text(explained), base]);
        let inputs = serving.pipeline.inputs.iter();
        let slots = inputs.flat_map(|input| (0..input.slots()).map(move |slot| (input, slot)));
        for (((input, slot), value), attribution) in slots.zip(row).zip(explanation.attributions) {
            rows.put([
                Cell::Text(input.slot_name(slot)),
                text(shown(*value, input.kind)),
                Cell::Double(attribution),
            ]);
        }
        Ok(())
    })?;
    Ok(())
}

/// The explanation of the margin that matters, and the class whose it is: the positive of two, of
/// more the one predicted.
fn explanation(
    serving: &Serving,
    row: &[Value<'_>],
) -> Result<Option<(Option<String>, Explanation)>> {
    let core = |error| Failure::from_core(error, &|_| String::new());
    let (pipeline, scorer) = (&serving.pipeline, &serving.scorer);
    let mut margins = vec![0.0; scorer.outputs()];
    if !scorer.margins(row, &mut margins).map_err(core)? {
        return Ok(None);
    }
    let (class, margin) = match scorer.link() {
        Link::Softmax => (scorer.class(&margins), scorer.class(&margins)),
        Link::Logistic => (1, 0),
        Link::Identity => (0, 0),
    };
    let explained = match &pipeline.target.kind {
        TargetKind::Classes { classes, .. } => classes.get(class).cloned(),
        TargetKind::Number => None,
    };
    let explanation = pipeline.explain(margin, row).map_err(core)?;
    Ok(explanation.map(|explanation| (explained, explanation)))
}

/// A value as text; `None` for a missing one. Times are in UTC.
fn shown(value: Value<'_>, kind: InputKind) -> Option<String> {
    match value {
        Value::Missing => None,
        Value::Number(number) if number.is_nan() => None,
        Value::Number(number) if kind == InputKind::Boolean => Some((number != 0.0).to_string()),
        Value::Number(number) => Some(number_text(number)),
        Value::Text(text) => Some(text.to_owned()),
        Value::Time(time) => Some(time_text(time, kind)),
    }
}

/// As PostgreSQL writes doubles.
fn number_text(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

/// As PostgreSQL writes them in style ISO.
fn time_text(time: i64, kind: InputKind) -> String {
    let [year, month, day] =
        [TimePart::Year, TimePart::Month, TimePart::Day].map(|part| part.of(time));
    let era = if year < 0.0 { " BC" } else { "" };
    let date = format!("{:04}-{month:02}-{day:02}", year.abs());
    if kind == InputKind::Date {
        return format!("{date}{era}");
    }
    const SECOND: i64 = 1_000_000;
    let of_day = time.rem_euclid(86_400 * SECOND);
    let (seconds, rest) = (of_day / SECOND, of_day % SECOND);
    let fraction = match rest {
        0 => String::new(),
        rest => format!(".{rest:06}").trim_end_matches('0').to_owned(),
    };
    format!(
        "{date} {:02}:{:02}:{:02}{fraction}{era}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
