//! What the user decides about columns: argument `preprocess` of `train()`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::options::{Fields, one_of};
use crate::pipeline::{InputKind, Unknown};
use crate::{Error, Result};

const KEYS: [&str; 8] = [
    "impute",
    "fill_value",
    "encode",
    "scale",
    "max_categories",
    "min_frequency",
    "handle_unknown",
    "indicator",
];

/// What stands for a missing value.
#[derive(Debug, Clone, PartialEq)]
pub enum Impute {
    /// `median`: of the numbers or times.
    Median,
    /// `mean`: of the numbers or times.
    Mean,
    /// `most_frequent`: the smallest of the most frequent values.
    MostFrequent,
    /// `constant`: key `fill_value`.
    Constant(Fill),
    /// `none`: nothing; such a row is skipped in training and predicts NULL.
    None,
}

/// The value of key `fill_value`.
#[derive(Debug, Clone, PartialEq)]
pub enum Fill {
    /// A number; a boolean as 0 or 1.
    Number(f64),
    /// A text.
    Text(String),
}

/// How few rows make a category rare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Frequency {
    /// Fewer than so many rows.
    Rows(u64),
    /// A smaller fraction of the training rows.
    Fraction(f64),
}

/// The options of one column; `None` is automatic.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnOptions {
    /// `impute`, `fill_value`.
    pub impute: Option<Impute>,
    /// `encode`: `one_hot` (true) or `number` (false).
    pub one_hot: Option<bool>,
    /// `scale`: `standard` (true) or `none` (false).
    pub scale: Option<bool>,
    /// `max_categories`: columns of a one-hot encoding at the most, the bucket of the rare ones included.
    pub max_categories: Option<usize>,
    /// `min_frequency`: rows that a category needs for a column of its own.
    pub min_frequency: Option<Frequency>,
    /// `handle_unknown`: what a category means that training did not see.
    pub handle_unknown: Option<Unknown>,
    /// `indicator`: whether a column tells that the value is missing.
    pub indicator: Option<bool>,
}

/// The options of all columns.
///
/// Parameters, by column: `impute` (`median`, `mean`, `most_frequent`, `constant`, `none`),
/// `fill_value` (with `constant`), `encode` (`one_hot`, `number`), `scale` (`standard`, `none`),
/// `max_categories` (from 2), `min_frequency` (rows from 1, or a fraction below 1), `handle_unknown`
/// (`infrequent_if_exist`, `ignore`, `error`), `indicator`. For an array column they hold for each of
/// its elements.
///
/// # Example
/// ```
/// use pglearn_core::preprocess::Options;
/// let columns = ["age".to_owned(), "city".to_owned()];
/// Options::parse(&serde_json::json!({"age": {"impute": "mean", "scale": "none"}}), &columns)?;
/// let refused = Options::parse(&serde_json::json!({"cty": {}}), &columns).unwrap_err();
/// assert_eq!(refused.to_string(), "preprocess.cty: unknown column");
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    columns: BTreeMap<String, ColumnOptions>,
    insisted: Vec<String>,
}

impl Options {
    /// Reads the options: an object with an object for each column; `columns` are the valid names.
    ///
    /// # Errors
    /// [`Error::Option`] for an unknown column or key (with the nearest in the hint), a value of
    /// another type or out of its range, and keys that exclude each other.
    pub fn parse(value: &Value, columns: &[String]) -> Result<Self> {
        let given = Fields::new("preprocess", value)?;
        let mut options = Self::default();
        for name in given.keys() {
            let path = format!("preprocess.{name}");
            if !columns.iter().any(|column| column == name) {
                let known: Vec<&str> = columns.iter().map(String::as_str).collect();
                return Err(Error::Option {
                    path,
                    problem: "unknown column".to_owned(),
                    hint: one_of(name, &known),
                });
            }
            if let Some(value) = given.get(name) {
                let parsed = ColumnOptions::parse(&path, value)?;
                options.columns.insert(name.to_owned(), parsed);
            }
        }
        Ok(options)
    }

    /// Takes note that the user asked for these columns by name: that their values are all different
    /// is no reason to leave them out.
    pub fn insist(&mut self, columns: &[String]) {
        self.insisted.extend_from_slice(columns);
    }

    /// The options of a column.
    #[must_use]
    pub fn of(&self, column: &str) -> Option<&ColumnOptions> {
        self.columns.get(column)
    }

    /// Whether the user wants the column whatever it looks like: asked for it by name, or said how to
    /// encode it.
    #[must_use]
    pub fn insists(&self, column: &str) -> bool {
        let encoded = self
            .of(column)
            .is_some_and(|options| options.one_hot.is_some());
        encoded || self.insisted.iter().any(|name| name == column)
    }
}

impl ColumnOptions {
    fn parse(path: &str, value: &Value) -> Result<Self> {
        let fields = Fields::new(path, value)?;
        fields.only(&KEYS)?;
        let options = Self {
            impute: impute(&fields)?,
            one_hot: fields
                .choice("encode", &["one_hot", "number"])?
                .map(|place| place == 0),
            scale: fields
                .choice("scale", &["standard", "none"])?
                .map(|place| place == 0),
            max_categories: fields
                .number_where("max_categories", "a whole number from 2", |n| {
                    n >= 2.0 && n.fract() == 0.0
                })?
                .map(|n| n as usize),
            min_frequency: min_frequency(&fields)?,
            handle_unknown: fields
                .choice(
                    "handle_unknown",
                    &["infrequent_if_exist", "ignore", "error"],
                )?
                .map(|place| [Unknown::Rare, Unknown::Ignore, Unknown::Refuse][place]),
            indicator: fields.boolean("indicator")?,
        };
        options.check(path)?;
        Ok(options)
    }

    /// Keys that exclude each other whatever the column is.
    fn check(&self, path: &str) -> Result<()> {
        if self.impute == Some(Impute::None) && self.indicator == Some(true) {
            return Err(refuse(
                path,
                "indicator",
                "is true, but with impute none no row has a missing value",
                "",
            ));
        }
        let unknown = self
            .handle_unknown
            .is_none_or(|unknown| unknown == Unknown::Rare);
        if !unknown && (self.max_categories.is_some() || self.min_frequency.is_some()) {
            return Err(refuse(
                path,
                "handle_unknown",
                "does not go with max_categories or min_frequency: rare categories are told from unknown ones by nothing",
                "Use \"infrequent_if_exist\".",
            ));
        }
        Ok(())
    }

    /// Refuses what a column of this kind cannot have.
    ///
    /// # Errors
    /// [`Error::Option`] names the key.
    pub(super) fn check_kind(&self, column: &str, kind: InputKind) -> Result<()> {
        let path = format!("preprocess.{column}");
        let refuse = |key, problem: &str, hint| Err(refuse(&path, key, problem, hint));
        let (text, time) = (
            kind == InputKind::Text,
            matches!(kind, InputKind::Date | InputKind::Timestamp),
        );
        match self.one_hot {
            Some(true) if time => {
                return refuse(
                    "encode",
                    "a time is encoded by its parts",
                    "Cast the column to text in a SELECT given as the source.",
                );
            }
            Some(false) if text => {
                return refuse(
                    "encode",
                    "a text is no number",
                    "Cast the column in a SELECT given as the source.",
                );
            }
            Some(false) if time => {
                return refuse(
                    "encode",
                    "a time is encoded by its parts",
                    "Use extract(epoch from …) in a SELECT given as the source.",
                );
            }
            _ => {}
        }
        let one_hot = text || self.one_hot == Some(true);
        if one_hot && self.scale == Some(true) {
            return refuse(
                "scale",
                "the columns of categories are not scaled",
                "Use \"none\".",
            );
        }
        let category_keys = [
            ("max_categories", self.max_categories.is_some()),
            ("min_frequency", self.min_frequency.is_some()),
            ("handle_unknown", self.handle_unknown.is_some()),
        ];
        if let Some((key, _)) = category_keys.iter().find(|(_, given)| *given && !one_hot) {
            let hint = if time {
                ""
            } else {
                "Add \"encode\": \"one_hot\"."
            };
            return refuse(key, "is for one-hot encoded columns only", hint);
        }
        match &self.impute {
            Some(Impute::Median | Impute::Mean) if one_hot => refuse(
                "impute",
                "categories have neither median nor mean",
                "Use \"most_frequent\", \"constant\" or \"none\".",
            ),
            Some(Impute::Constant(_)) if time => refuse(
                "impute",
                "a time cannot be filled in by a constant",
                "Use \"median\", \"mean\", \"most_frequent\" or \"none\", or coalesce in a SELECT given as the source.",
            ),
            Some(Impute::Constant(Fill::Text(_))) if !text => {
                refuse("fill_value", "is a string, the column holds numbers", "")
            }
            Some(Impute::Constant(Fill::Number(_))) if text => {
                refuse("fill_value", "is no string, the column holds texts", "")
            }
            _ => Ok(()),
        }
    }
}

fn impute(fields: &Fields<'_>) -> Result<Option<Impute>> {
    let names = ["median", "mean", "most_frequent", "constant", "none"];
    let choice = fields.choice("impute", &names)?;
    let fill = fields.get("fill_value");
    let constant = choice == Some(3) || (choice.is_none() && fill.is_some());
    if fill.is_some() && !constant {
        return Err(fields.refuse("fill_value", "only with impute \"constant\""));
    }
    Ok(match choice {
        _ if constant => Some(Impute::Constant(fill_value(fields)?)),
        Some(0) => Some(Impute::Median),
        Some(1) => Some(Impute::Mean),
        Some(2) => Some(Impute::MostFrequent),
        Some(_) => Some(Impute::None),
        None => None,
    })
}

fn fill_value(fields: &Fields<'_>) -> Result<Fill> {
    match fields.get("fill_value") {
        Some(Value::String(text)) => Ok(Fill::Text(text.clone())),
        Some(Value::Bool(flag)) => Ok(Fill::Number(f64::from(u8::from(*flag)))),
        Some(Value::Number(number)) => match number.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Fill::Number(number + 0.0)),
            None => Err(fields.refuse("fill_value", "a finite number")),
        },
        _ => Err(fields.refuse("fill_value", "a number, true, false or a string")),
    }
}

fn min_frequency(fields: &Fields<'_>) -> Result<Option<Frequency>> {
    let valid = |number: f64| number > 0.0 && (number < 1.0 || number.fract() == 0.0);
    let expected = "a whole number of rows from 1, or a fraction between 0 and 1";
    let number = fields.number_where("min_frequency", expected, valid)?;
    Ok(number.map(|number| match number < 1.0 {
        true => Frequency::Fraction(number),
        false => Frequency::Rows(number as u64),
    }))
}

fn refuse(path: &str, key: &str, problem: &str, hint: &str) -> Error {
    Error::Option {
        path: format!("{path}.{key}"),
        problem: problem.to_owned(),
        hint: hint.to_owned(),
    }
}
