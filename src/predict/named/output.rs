//! From margins to what each function returns.

use crate::pg::call::Call;
use crate::pg::error::{Failure, Result};
use crate::pg::result_row::ResultRow;
use crate::pg::table::Cell;
use crate::registry::serving::Serving;
use pglearn_core::pipeline::{LabelKind, Link, TargetKind, logistic};
use pgrx::PgSqlErrorCode;

/// What a function returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// `predict`: a number.
    Number,
    /// `predict_class`: the label of a class.
    Class,
    /// `predict_proba`: the probability of the second of two classes.
    Probability,
    /// `predict_probas`: those of all classes.
    Probabilities,
    /// `predict_record`: a row of the number, the class and its probability.
    Record,
}

/// How the margins of a model become that.
pub enum Answer {
    /// The margin itself.
    Margin,
    /// The number of the class.
    Numbers(Vec<f64>),
    /// The label of the class.
    Labels(Vec<String>),
    /// The probability of the second class.
    Positive,
    /// The probabilities of so many classes.
    All(usize),
    /// All in one row.
    Record(Record),
}

/// What `predict_record` needs: the type of its row, and the classes with their numbers where they
/// have them.
pub struct Record {
    row: ResultRow,
    classes: Vec<(String, Cell)>,
}

impl Answer {
    /// The answer of a model.
    ///
    /// # Errors
    /// 42809 where the model has no such answer, with the function that has one.
    pub fn new(output: Output, call: &Call, serving: &Serving) -> Result<Self> {
        if output == Output::Record {
            return Record::new(call, &serving.pipeline.target.kind).map(Self::Record);
        }
        let TargetKind::Classes { label, classes } = &serving.pipeline.target.kind else {
            return match output {
                Output::Number => Ok(Self::Margin),
                _ => Err(other_function(
                    serving,
                    "is a regression and has no classes",
                    "predict",
                )),
            };
        };
        match (output, label) {
            (Output::Number, LabelKind::Boolean) => Ok(Self::Numbers(vec![0.0, 1.0])),
            (Output::Number, LabelKind::Number) => {
                let numbers = classes
                    .iter()
                    .map(|class| class.parse().unwrap_or(f64::NAN));
                Ok(Self::Numbers(numbers.collect()))
            }
            (Output::Number, LabelKind::Text) => Err(other_function(
                serving,
                "predicts text, not a number",
                "predict_class",
            )),
            (Output::Class, _) => Ok(Self::Labels(classes.clone())),
            (Output::Probability, _) if serving.scorer.link() == Link::Logistic => {
                Ok(Self::Positive)
            }
            (Output::Probability, _) => Err(other_function(
                serving,
                &format!("has {} classes, not two", classes.len()),
                "predict_probas",
            )),
            (Output::Probabilities, _) => Ok(Self::All(classes.len())),
            (Output::Record, _) => Err(Failure::internal("a record without its type")),
        }
    }

    /// The answer for a row, where it is a number.
    ///
    /// # Errors
    /// XX000 where it is none.
    #[inline]
    pub fn number(&self, margins: &[f64], serving: &Serving) -> Result<f64> {
        match self {
            Self::Margin => Ok(margins[0]),
            Self::Positive => Ok(logistic(margins[0])),
            Self::Numbers(numbers) => pick(numbers, serving.scorer.class(margins)).copied(),
            _ => Err(Failure::internal("an answer that is no number")),
        }
    }

    /// The answer for a row.
    #[inline]
    pub fn of(&self, margins: &[f64], serving: &Serving) -> Result<Cell> {
        let scorer = &serving.scorer;
        Ok(match self {
            Self::Margin | Self::Numbers(_) | Self::Positive => {
                Cell::Double(self.number(margins, serving)?)
            }
            Self::Labels(labels) => Cell::Text(pick(labels, scorer.class(margins))?.clone()),
            Self::All(classes) => {
                let mut all = vec![0.0; *classes];
                scorer.probabilities(margins, &mut all);
                Cell::Doubles(all)
            }
            Self::Record(record) => record.of(margins, serving)?,
        })
    }
}

impl Record {
    fn new(call: &Call, kind: &TargetKind) -> Result<Self> {
        let classes = match kind {
            TargetKind::Number => Vec::new(),
            TargetKind::Classes { label, classes } => {
                let number = |(class, text): (usize, &String)| match label {
                    LabelKind::Boolean => Cell::Double(class as f64),
                    LabelKind::Number => text.parse().map_or(Cell::Null, Cell::Double),
                    LabelKind::Text => Cell::Null,
                };
                let numbers = classes.iter().enumerate().map(number);
                classes.iter().cloned().zip(numbers).collect()
            }
        };
        Ok(Self {
            row: ResultRow::of(call)?,
            classes,
        })
    }

    fn of(&self, margins: &[f64], serving: &Serving) -> Result<Cell> {
        if self.classes.is_empty() {
            let prediction = Cell::Double(margins[0]);
            return self.row.make([prediction, Cell::Null, Cell::Null]);
        }
        let class = serving.scorer.class(margins);
        let (name, number) = pick(&self.classes, class)?;
        // Of two classes the probability of the second, as predict_proba; else of the class predicted.
        let probability = match self.classes.len() {
            2 => {
                let mut both = [0.0; 2];
                serving.scorer.probabilities(margins, &mut both);
                both[1]
            }
            classes => {
                let mut all = vec![0.0; classes];
                serving.scorer.probabilities(margins, &mut all);
                all[class]
            }
        };
        self.row.make([
            number.clone(),
            Cell::Text(name.clone()),
            Cell::Double(probability),
        ])
    }
}

#[inline]
fn pick<T>(classes: &[T], class: usize) -> Result<&T> {
    classes
        .get(class)
        .ok_or_else(|| Failure::internal("a class that the model does not have"))
}

#[cold]
fn other_function(serving: &Serving, problem: &str, function: &str) -> Failure {
    Failure::new(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!("model \"{}\" {problem}", serving.model),
    )
    .hint(format!(
        "Use {function}({}, …).",
        pgrx::spi::quote_literal(&serving.model)
    ))
}
