//! Hyper-parameters read from JSON.

use serde_json::{Map, Value};

use super::table::{Algorithm, Hyperparameter, Range, Setting, WITHOUT_EFFECT};
use crate::options::one_of;
use crate::{Error, Result};

/// Checked values, defaults included, in the order of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings(Vec<(&'static str, Setting)>);

impl Settings {
    /// Reads the hyper-parameters of an algorithm; null is as good as an empty object.
    ///
    /// # Errors
    /// [`Error::Option`] names the key that is unknown, of another type or out of range.
    pub fn read(algorithm: &Algorithm, json: &Value) -> Result<Self> {
        let empty = Map::new();
        let given = match json {
            Value::Null => &empty,
            Value::Object(given) => given,
            other => {
                return Err(Error::Option {
                    path: "hyperparams".into(),
                    problem: format!("is {}, expected a JSON object", shown(other)),
                    hint: match algorithm.parameters.first() {
                        Some(p) => format!(
                            "For example {{\"{}\": {}}}.",
                            p.name,
                            Value::from(p.default)
                        ),
                        None => String::new(),
                    },
                });
            }
        };
        if let Some(key) = given.keys().find(|key| algorithm.parameter(key).is_none()) {
            return Err(unknown(algorithm, key));
        }
        let value = |parameter: &Hyperparameter| match given.get(parameter.name) {
            None => Ok((parameter.name, parameter.default)),
            Some(json) => Ok((parameter.name, parse(parameter, json)?)),
        };
        algorithm
            .parameters
            .iter()
            .map(value)
            .collect::<Result<_>>()
            .map(Self)
    }

    /// A number; NaN where the table has none of that name.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Setting::Number(value)) => value,
            _ => f64::NAN,
        }
    }

    /// A whole number; 0 where the table has none of that name.
    pub fn whole(&self, name: &str) -> u32 {
        match self.get(name) {
            Some(Setting::Whole(value)) => u32::try_from(value).unwrap_or(u32::MAX),
            _ => 0,
        }
    }

    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(Setting::Flag(true))
    }

    /// Whether a word was chosen.
    pub fn is(&self, name: &str, word: &str) -> bool {
        matches!(self.get(name), Some(Setting::Word(value)) if value == word)
    }

    /// All as JSON.
    pub fn json(&self) -> Value {
        let pairs = self.0.iter();
        Value::Object(
            pairs
                .map(|(name, setting)| ((*name).to_owned(), (*setting).into()))
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<Setting> {
        self.0
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, setting)| *setting)
    }
}

impl Algorithm {
    /// The hyper-parameter of that name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&'static Hyperparameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.name == name)
    }
}

fn unknown(algorithm: &Algorithm, key: &str) -> Error {
    let names: Vec<&str> = algorithm.parameters.iter().map(|p| p.name).collect();
    let useless = WITHOUT_EFFECT.iter().find(|(name, _)| *name == key);
    let hint = match useless {
        Some((_, reason)) => format!("Leave it out: {reason}."),
        None => one_of(key, &names),
    };
    Error::Option {
        path: format!("hyperparams.{key}"),
        problem: format!("unknown for {}", algorithm.name),
        hint,
    }
}

fn parse(parameter: &Hyperparameter, json: &Value) -> Result<Setting> {
    let setting = match parameter.range {
        Range::Number { least, most } => json
            .as_f64()
            .filter(|value| (least..=most).contains(value))
            .map(Setting::Number),
        Range::Whole { least, most } => whole(json)
            .filter(|value| (least..=most).contains(value))
            .map(Setting::Whole),
        Range::Flag => json.as_bool().map(Setting::Flag),
        Range::Word(words) => {
            let word = if json.is_null() {
                Some("none")
            } else {
                json.as_str()
            };
            let known = words.iter().find(|known| Some(**known) == word);
            known.map(|word| Setting::Word(word))
        }
    };
    setting.ok_or_else(|| Error::Option {
        path: format!("hyperparams.{}", parameter.name),
        problem: format!("is {}, expected {}", shown(json), parameter.range),
        hint: format!("The default is {}.", Value::from(parameter.default)),
    })
}

/// A whole number, which may be written `100.0` too.
fn whole(json: &Value) -> Option<u64> {
    let rounded =
        |value: f64| (value.fract() == 0.0 && (0.0..1e15).contains(&value)).then_some(value as u64);
    json.as_u64().or_else(|| json.as_f64().and_then(rounded))
}

/// JSON as it stands, cut where it is long.
fn shown(json: &Value) -> String {
    const LONGEST: usize = 60;
    let text = json.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
