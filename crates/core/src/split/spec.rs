//! What the argument `split` asks for.

use serde_json::{Value, json};

use crate::options::Fields;
use crate::{Error, Result};

/// How rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By a hash of the key of the row.
    Random,
    /// The latest rows are held out.
    Time,
    /// By a hash of the group: its rows stay together.
    Group,
    /// By a boolean column: true is held out.
    Column,
    /// Nothing is held out.
    None,
}

/// Their names, in the order of the variants.
const METHODS: [&str; 5] = ["random", "time", "group", "column", "none"];

/// Every key that some method takes.
const KEYS: [&str; 4] = ["method", "test_size", "key", "column"];

impl Method {
    const ALL: [Self; 5] = [
        Self::Random,
        Self::Time,
        Self::Group,
        Self::Column,
        Self::None,
    ];

    /// Its name in `{"method": …}`.
    #[must_use]
    pub fn name(self) -> &'static str {
        METHODS[self as usize]
    }

    /// The keys it takes beside `method`.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Random => &["method", "test_size", "key"],
            Self::Time => &["method", "test_size", "column"],
            Self::Group => &["method", "test_size", "column", "key"],
            Self::Column => &["method", "column"],
            Self::None => &["method"],
        }
    }
}

/// A split: the argument `split` of `train`, checked.
///
/// | method | keys | held out |
/// |---|---|---|
/// | `random` (default) | `test_size` 0.2, `key` (a column or several; optional) | rows whose hashed key falls below the share |
/// | `time` | `test_size` 0.2, `column` | the latest rows |
/// | `group` | `test_size` 0.2, `column` or `key` (a column or several) | whole groups, as `random` |
/// | `column` | `column`, of type boolean | rows where it is true |
/// | `none` | | nothing |
///
/// # Example
/// ```
/// use pglearn_core::split::{Method, Spec};
/// let spec = Spec::parse(&serde_json::json!({"method": "time", "column": "day", "test_size": 0.1}))?;
/// assert_eq!((spec.method, spec.test_size), (Method::Time, 0.1));
/// assert_eq!(Spec::parse(&spec.to_json())?, spec);
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// How rows are told apart.
    pub method: Method,
    /// The share that is held out; 0 for the methods `column` and `none`.
    pub test_size: f64,
    /// The key, the group's columns, the time or the boolean column; empty where none was named.
    pub columns: Vec<String>,
}

impl Spec {
    /// Reads the argument; `null` and `{}` are the default.
    ///
    /// # Errors
    /// [`Error::Option`] names the key that is unknown, of no use to the method, missing or wrong.
    pub fn parse(value: &Value) -> Result<Self> {
        let fields = Fields::new("split", value)?;
        fields.only(&KEYS)?;
        let place = fields.choice("method", &METHODS)?.unwrap_or(0);
        let method = Method::ALL[place];
        refuse_useless(&fields, method)?;
        let test_size = match method {
            Method::Column | Method::None => 0.0,
            _ => test_size(&fields)?,
        };
        Ok(Self {
            method,
            test_size,
            columns: columns(&fields, method)?,
        })
    }

    /// The argument written out, defaults included.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut value = json!({"method": self.method.name()});
        if self.test_size > 0.0 {
            value["test_size"] = json!(self.test_size);
        }
        let key = match self.method {
            Method::Random => "key",
            _ => "column",
        };
        match self.columns.as_slice() {
            [] => {}
            [one] => value[key] = json!(one),
            several => value[key] = json!(several),
        }
        value
    }

    /// Whether the columns are hashed.
    #[must_use]
    pub fn hashes(&self) -> bool {
        matches!(self.method, Method::Random | Method::Group)
    }
}

/// Refuses a key that belongs to another method.
fn refuse_useless(fields: &Fields<'_>, method: Method) -> Result<()> {
    let taken = method.keys();
    let useless = KEYS
        .into_iter()
        .find(|key| fields.get(key).is_some() && !taken.contains(key));
    let Some(key) = useless else { return Ok(()) };
    let others: Vec<String> = Method::ALL
        .into_iter()
        .filter(|other| other.keys().contains(&key))
        .map(|other| format!("\"{}\"", other.name()))
        .collect();
    Err(Error::Option {
        path: format!("split.{key}"),
        problem: format!("is not a key of method \"{}\"", method.name()),
        hint: format!(
            "It belongs to {}; method \"{}\" takes {}.",
            others.join(", "),
            method.name(),
            taken.join(", ")
        ),
    })
}

fn test_size(fields: &Fields<'_>) -> Result<f64> {
    const EXPECTED: &str = "a share above 0 and below 1";
    let share = |size: f64| size > 0.0 && size < 1.0;
    match fields.number_where("test_size", EXPECTED, share) {
        Ok(size) => Ok(size.unwrap_or(0.2)),
        Err(Error::Option { path, problem, .. }) => Err(Error::Option {
            path,
            problem,
            hint: "0.2 holds out a fifth of the rows; {\"method\": \"none\"} holds out nothing."
                .into(),
        }),
        Err(other) => Err(other),
    }
}

fn columns(fields: &Fields<'_>, method: Method) -> Result<Vec<String>> {
    let named = match method {
        Method::None => return Ok(Vec::new()),
        Method::Random => fields.names("key")?.or(Some(Vec::new())),
        Method::Group => group(fields)?,
        Method::Time | Method::Column => fields.text("column")?.map(|name| vec![name.to_owned()]),
    };
    let named = named.ok_or_else(|| Error::Option {
        path: "split.column".into(),
        problem: format!("is missing, which method \"{}\" needs", method.name()),
        hint: match method {
            Method::Column => "Name a boolean column: rows where it is true are held out.".into(),
            _ => format!(
                "For example {{\"method\": \"{}\", \"column\": \"…\", \"test_size\": 0.2}}.",
                method.name()
            ),
        },
    })?;
    let twice = named
        .iter()
        .enumerate()
        .find(|(place, name)| named[..*place].contains(name));
    match twice {
        None => Ok(named),
        Some((_, name)) => Err(Error::Option {
            path: "split".into(),
            problem: format!("names column \"{name}\" twice"),
            hint: String::new(),
        }),
    }
}

/// `column` and `key` mean the same.
fn group(fields: &Fields<'_>) -> Result<Option<Vec<String>>> {
    match (fields.names("column")?, fields.names("key")?) {
        (Some(_), Some(_)) => Err(Error::Option {
            path: "split".into(),
            problem: "has both column and key, which mean the same for method \"group\"".into(),
            hint: "Name the group's columns once: \"column\": [\"a\", \"b\"].".into(),
        }),
        (column, key) => Ok(column.or(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(method: Method, test_size: f64, columns: &[&str]) -> Spec {
        Spec {
            method,
            test_size,
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        }
    }

    #[test]
    fn every_method() {
        let cases = [
            (json!(null), parsed(Method::Random, 0.2, &[])),
            (json!({}), parsed(Method::Random, 0.2, &[])),
            (
                json!({"method": "random", "test_size": 0.3, "key": "id"}),
                parsed(Method::Random, 0.3, &["id"]),
            ),
            (
                json!({"key": ["a", "b"]}),
                parsed(Method::Random, 0.2, &["a", "b"]),
            ),
            (
                json!({"method": "time", "column": "t"}),
                parsed(Method::Time, 0.2, &["t"]),
            ),
            (
                json!({"method": "group", "key": "g"}),
                parsed(Method::Group, 0.2, &["g"]),
            ),
            (
                json!({"method": "group", "column": ["g", "h"]}),
                parsed(Method::Group, 0.2, &["g", "h"]),
            ),
            (
                json!({"method": "column", "column": "is_test"}),
                parsed(Method::Column, 0.0, &["is_test"]),
            ),
            (json!({"method": "none"}), parsed(Method::None, 0.0, &[])),
        ];
        for (given, expected) in cases {
            let spec = Spec::parse(&given).unwrap();
            assert_eq!(spec, expected, "{given}");
            assert_eq!(Spec::parse(&spec.to_json()).unwrap(), expected, "{given}");
        }
    }

    #[test]
    fn refusals_name_the_key_and_what_to_write() {
        let cases = [
            (json!([]), "split: is [], expected a JSON object", ""),
            (
                json!({"tst_size": 0.2}),
                "split.tst_size: unknown key",
                "Did you mean test_size?",
            ),
            (
                json!({"method": "randm"}),
                "split.method: \"randm\" is not known",
                "Did you mean random?",
            ),
            (
                json!({"column": "t"}),
                "split.column: is not a key of method \"random\"",
                "It belongs to \"time\", \"group\", \"column\"; method \"random\" takes method, test_size, key.",
            ),
            (
                json!({"test_size": 25}),
                "split.test_size: is 25, expected a share above 0 and below 1",
                "0.2 holds out a fifth of the rows; {\"method\": \"none\"} holds out nothing.",
            ),
            (
                json!({"method": "time"}),
                "split.column: is missing, which method \"time\" needs",
                "For example {\"method\": \"time\", \"column\": \"…\", \"test_size\": 0.2}.",
            ),
            (
                json!({"method": "time", "column": ["a", "b"]}),
                "split.column: is [\"a\",\"b\"], expected a string",
                "",
            ),
            (
                json!({"method": "group", "column": "a", "key": "b"}),
                "split: has both column and key, which mean the same for method \"group\"",
                "Name the group's columns once: \"column\": [\"a\", \"b\"].",
            ),
            (
                json!({"key": []}),
                "split.key: is [], expected a name or a list of names",
                "",
            ),
            (
                json!({"key": ["a", "a"]}),
                "split: names column \"a\" twice",
                "",
            ),
            (
                json!({"method": "none", "test_size": 0.2}),
                "split.test_size: is not a key of method \"none\"",
                "It belongs to \"random\", \"time\", \"group\"; method \"none\" takes method.",
            ),
        ];
        for (given, message, hint) in cases {
            let refused = Spec::parse(&given).unwrap_err();
            assert_eq!(refused.to_string(), message);
            let Error::Option { hint: got, .. } = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(got, hint, "{given}");
        }
    }
}
