//! What a model says of the rows of a source.

use super::columns::ReadList;
use crate::pg::error::{Failure, Result};
use crate::pg::rows::{RowView, SourceColumn};
use crate::pg::value::ValueKind;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{Input, InputKind, Link, Scorer};
use pglearn_core::value::Value;
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// Where an input stands in the view of a row.
struct Place {
    view: usize,
    /// The column and the elements of its arrays, where it is an array.
    array: Option<(String, usize)>,
}

/// Scores the rows of a source.
pub struct Scoring {
    serving: Rc<Serving>,
    places: Vec<Place>,
    elements: Vec<f64>,
    margins: Vec<f64>,
    /// One probability a class; of a regression the prediction.
    outputs: Vec<f64>,
}

impl Scoring {
    /// Finds the inputs of a version among the columns of a source, by name.
    ///
    /// # Errors
    /// 42703, 42702; 42804 for a column whose type is of another kind than in training.
    pub fn new(serving: Rc<Serving>, list: &mut ReadList) -> Result<Self> {
        let part = format!("an input of model \"{}\"", serving.model);
        let mut places = Vec::new();
        for input in &serving.pipeline.inputs {
            let view = list.add(&input.name, &part)?;
            places.push(place(input, list.column(view)?, view)?);
        }
        Ok(Self {
            margins: vec![0.0; serving.scorer.outputs()],
            outputs: vec![0.0; width(&serving.scorer)],
            elements: Vec::new(),
            serving,
            places,
        })
    }

    /// The values of a row, one a slot.
    #[inline]
    fn values<'r>(&mut self, row: &'r RowView<'_>) -> Result<Vec<Value<'r>>> {
        self.elements.clear();
        for place in &self.places {
            if let Some((name, length)) = &place.array {
                gather(row, place.view, name, *length, &mut self.elements)?;
            }
        }
        let mut values = Vec::with_capacity(self.serving.scorer.slots());
        let mut elements = self.elements.iter();
        for place in &self.places {
            match &place.array {
                None => values.push(row.value(place.view)),
                Some((_, length)) => {
                    values.extend(elements.by_ref().take(*length).map(|x| Value::Number(*x)));
                }
            }
        }
        Ok(values)
    }

    /// Scores a row; `false` where a value is missing and the model refuses that.
    ///
    /// # Errors
    /// 22023 for a value that the model cannot take, 2202E for an array of another length.
    #[inline]
    pub fn score(&mut self, row: &RowView<'_>) -> Result<bool> {
        let values = self.values(row)?;
        let scorer = &self.serving.scorer;
        let scored = scorer.margins(&values, &mut self.margins);
        if !scored.map_err(super::plain)? {
            return Ok(false);
        }
        link(scorer.link(), &self.margins, &mut self.outputs);
        Ok(true)
    }

    /// What each value of a row adds to each margin, margin after margin; `false` as
    /// [`score`](Self::score).
    ///
    /// # Errors
    /// As there.
    pub fn attributions(&mut self, row: &RowView<'_>, out: &mut Vec<f64>) -> Result<bool> {
        let values = self.values(row)?;
        let pipeline = &self.serving.pipeline;
        for margin in 0..self.serving.scorer.outputs() {
            let explained = pipeline.explain(margin, &values);
            match explained.map_err(super::plain)? {
                Some(explanation) => out.extend(explanation.attributions),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The margins of the row scored last.
    pub fn margins(&self) -> &[f64] {
        &self.margins
    }

    /// The scores of the row scored last, as a hold-out takes them: the prediction, the probability of
    /// the second of two classes, or the probability of each class.
    #[inline]
    pub fn scores(&self) -> &[f64] {
        scores(self.serving.scorer.link(), &self.outputs)
    }

    /// The class decided for the row scored last.
    #[inline]
    pub fn class(&self) -> usize {
        self.serving.scorer.class(&self.margins)
    }
}

/// The outputs of margins: probabilities of the classes, or the prediction.
pub fn link(link: Link, margins: &[f64], outputs: &mut [f64]) {
    match link {
        Link::Identity => outputs.copy_from_slice(margins),
        Link::Logistic | Link::Softmax => link.probabilities(margins, outputs),
    }
}

/// What a hold-out takes of the outputs: the prediction, the probability of the second of two classes,
/// or the probability of each class.
#[inline]
pub fn scores(link: Link, outputs: &[f64]) -> &[f64] {
    match link {
        Link::Logistic => &outputs[1..],
        Link::Identity | Link::Softmax => outputs,
    }
}

/// Outputs of a row.
pub fn width(scorer: &Scorer) -> usize {
    match scorer.link() {
        Link::Logistic => 2,
        Link::Identity | Link::Softmax => scorer.outputs(),
    }
}

fn place(input: &Input, column: &SourceColumn, view: usize) -> Result<Place> {
    let (kind, array) = match input.length {
        None => (column.kind, None),
        Some(length) => (
            column.element.map(ValueKind::Cell),
            Some((input.name.clone(), length as usize)),
        ),
    };
    match kind {
        Some(kind) if alike(kind.input_kind(), input.kind) => Ok(Place { view, array }),
        _ => Err(Failure::new(
            PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
            format!(
                "column \"{}\" of the source is of type {}, the model was trained on {}",
                input.name, column.sql_type, input.sql_type
            ),
        )
        .hint(format!(
            "Cast it: source 'SELECT {}::{}, … FROM …'.",
            pgrx::spi::quote_identifier(&input.name),
            input.sql_type
        ))),
    }
}

/// Whether values of one kind may stand for those of another: booleans are 0 and 1, dates midnights.
fn alike(given: InputKind, trained: InputKind) -> bool {
    let group = |kind| match kind {
        InputKind::Number | InputKind::Boolean => 0,
        InputKind::Date | InputKind::Timestamp => 1,
        InputKind::Text => 2,
    };
    group(given) == group(trained)
}

/// Appends the elements of an array column, NaN for all of a NULL array.
fn gather(
    row: &RowView<'_>,
    view: usize,
    name: &str,
    length: usize,
    elements: &mut Vec<f64>,
) -> Result<()> {
    let start = elements.len();
    if !row.elements(view, elements)? {
        elements.resize(start + length, f64::NAN);
    }
    let got = elements.len() - start;
    if got == length {
        return Ok(());
    }
    Err(Failure::new(
        PgSqlErrorCode::ERRCODE_ARRAY_ELEMENT_ERROR,
        format!(
            "column \"{name}\" has an array of {got} elements, the model was trained on {length}"
        ),
    ))
}
