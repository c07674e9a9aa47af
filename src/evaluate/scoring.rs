//! What a model says of the rows of a source.

use super::columns::ReadList;
use crate::pg::error::Result;
use crate::pg::rows::RowView;
use crate::registry::binding::{BoundRows, Column, Origin};
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{Link, Scorer};
use std::rc::Rc;

/// Scores the rows of a source.
pub struct Scoring {
    rows: BoundRows,
    margins: Vec<f64>,
    /// One probability a class; of a regression the prediction.
    outputs: Vec<f64>,
}

impl Scoring {
    /// Binds the columns of a source to the inputs of a version.
    ///
    /// # Errors
    /// Those of [`bind`](crate::registry::binding::bind).
    pub fn new(serving: Rc<Serving>, list: &mut ReadList) -> Result<Self> {
        let part = format!("an input of model \"{}\"", serving.model);
        let (outputs, width) = (serving.scorer.outputs(), width(&serving.scorer));
        let of_source = list.of_source().to_vec();
        let columns: Vec<Column<'_>> = of_source.iter().map(Column::from).collect();
        let view = |name: &str| list.add(name, &part);
        Ok(Self {
            rows: BoundRows::new(serving, Origin::Source, &columns, view)?,
            margins: vec![0.0; outputs],
            outputs: vec![0.0; width],
        })
    }

    /// Scores a row; `false` where a value is missing and the model refuses that.
    ///
    /// # Errors
    /// 22023 for a value that the model cannot take, 2202E for an array of another length.
    #[inline]
    pub fn score(&mut self, row: &RowView<'_>) -> Result<bool> {
        let (margins, outputs) = (&mut self.margins, &mut self.outputs);
        self.rows.with_values(row, |serving, values| {
            let scorer = &serving.scorer;
            if !scorer.margins(values, margins).map_err(super::plain)? {
                return Ok(false);
            }
            link(scorer.link(), margins, outputs);
            Ok(true)
        })
    }

    /// What each value of a row adds to each margin, margin after margin; `false` as
    /// [`score`](Self::score).
    ///
    /// # Errors
    /// As there.
    pub fn attributions(&mut self, row: &RowView<'_>, out: &mut Vec<f64>) -> Result<bool> {
        self.rows.with_values(row, |serving, values| {
            for margin in 0..serving.scorer.outputs() {
                let explained = serving.pipeline.explain(margin, values);
                match explained.map_err(super::plain)? {
                    Some(explanation) => out.extend(explanation.attributions),
                    None => return Ok(false),
                }
            }
            Ok(true)
        })
    }

    /// The margins of the row scored last.
    pub fn margins(&self) -> &[f64] {
        &self.margins
    }

    /// The scores of the row scored last, as a hold-out takes them: the prediction, the probability of
    /// the second of two classes, or the probability of each class.
    #[inline]
    pub fn scores(&self) -> &[f64] {
        scores(self.rows.serving().scorer.link(), &self.outputs)
    }

    /// The class decided for the row scored last.
    #[inline]
    pub fn class(&self) -> usize {
        self.rows.serving().scorer.class(&self.margins)
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
