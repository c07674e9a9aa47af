//! A JSON object read key by key, each error with the way down to its value.

use serde_json::{Map, Value};

use super::one_of;
use crate::{Error, Result};

/// A JSON object of options. A key whose value is `null` counts as absent.
///
/// # Example
/// ```
/// use pglearn_core::options::Fields;
/// let given = serde_json::json!({"tst_size": 0.2});
/// let fields = Fields::new("split", &given)?;
/// let refused = fields.only(&["method", "test_size"]).unwrap_err();
/// assert_eq!(refused.to_string(), "split.tst_size: unknown key");
/// # Ok::<(), pglearn_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    path: &'a str,
    members: Option<&'a Map<String, Value>>,
}

impl<'a> Fields<'a> {
    /// The members of `value`; none of them if it is `null`. `path` is the argument and the way down
    /// to the object, as messages name it.
    ///
    /// # Errors
    /// [`Error::Option`] where `value` is no object.
    pub fn new(path: &'a str, value: &'a Value) -> Result<Self> {
        let members = match value {
            Value::Null => None,
            Value::Object(members) => Some(members),
            other => {
                return Err(Error::Option {
                    path: path.to_owned(),
                    problem: format!("is {other}, expected a JSON object"),
                    hint: String::new(),
                });
            }
        };
        Ok(Self { path, members })
    }

    /// The keys as they were given.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.members
            .into_iter()
            .flat_map(|members| members.keys().map(String::as_str))
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.members?.get(key).filter(|value| !value.is_null())
    }

    /// Refuses every key that is not among `known`.
    ///
    /// # Errors
    /// [`Error::Option`] names the first one, with the nearest of the known in the hint.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.keys().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(Error::Option {
                path: self.path_of(key),
                problem: "unknown key".into(),
                hint: one_of(key, known),
            }),
        }
    }

    /// A text.
    ///
    /// # Errors
    /// [`Error::Option`] for a value of another type.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>> {
        self.typed(key, Value::as_str, "a string")
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// [`Error::Option`] for a value of another type.
    pub fn boolean(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, Value::as_bool, "true or false")
    }

    /// A number.
    ///
    /// # Errors
    /// [`Error::Option`] for a value of another type.
    pub fn number(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, Value::as_f64, "a number")
    }

    /// A number that `accepts` takes; `expected` says in words which.
    ///
    /// # Errors
    /// [`Error::Option`] for any other value.
    pub fn number_where(
        &self,
        key: &str,
        expected: &str,
        accepts: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>> {
        self.typed(
            key,
            |value| value.as_f64().filter(|number| accepts(*number)),
            expected,
        )
    }

    /// One of `names`, by its place among them; letter case matters.
    ///
    /// # Errors
    /// [`Error::Option`] for any other value, with the nearest name in the hint.
    pub fn choice(&self, key: &str, names: &[&str]) -> Result<Option<usize>> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        match names.iter().position(|name| *name == text) {
            Some(place) => Ok(Some(place)),
            None => Err(Error::Option {
                path: self.path_of(key),
                problem: format!("\"{text}\" is not known"),
                hint: one_of(text, names),
            }),
        }
    }

    /// A name, or a list of at least one.
    ///
    /// # Errors
    /// [`Error::Option`] for a value of another type.
    pub fn names(&self, key: &str) -> Result<Option<Vec<String>>> {
        let read = |value: &Value| match value {
            Value::String(name) => Some(vec![name.clone()]),
            Value::Array(names) if !names.is_empty() => names
                .iter()
                .map(|name| name.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        self.typed(key, read, "a name or a list of names")
    }

    /// The refusal of the value of a key.
    #[must_use]
    pub fn refuse(&self, key: &str, expected: &str) -> Error {
        Error::Option {
            path: self.path_of(key),
            problem: match self.get(key) {
                Some(value) => format!("is {value}, expected {expected}"),
                None => format!("is missing, expected {expected}"),
            },
            hint: String::new(),
        }
    }

    fn typed<T>(
        &self,
        key: &str,
        read: impl Fn(&'a Value) -> Option<T>,
        expected: &str,
    ) -> Result<Option<T>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| self.refuse(key, expected)),
        }
    }

    fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_of_the_wrong_type_are_named() {
        let given = json!({"a": "x", "b": null, "c": [1], "d": "red"});
        let fields = Fields::new("options", &given).unwrap();
        let refused = |error: Error| error.to_string();
        assert_eq!(
            refused(fields.number("a").unwrap_err()),
            "options.a: is \"x\", expected a number"
        );
        assert_eq!(fields.number("b").unwrap(), None);
        assert_eq!(
            refused(fields.names("c").unwrap_err()),
            "options.c: is [1], expected a name or a list of names"
        );
        assert_eq!(fields.names("d").unwrap(), Some(vec!["red".to_owned()]));
        assert!(matches!(
            fields.choice("d", &["rod", "blue"]),
            Err(Error::Option { hint, .. }) if hint == "Did you mean rod?"
        ));
        assert!(Fields::new("options", &json!(3)).is_err());
        assert_eq!(
            Fields::new("options", &Value::Null).unwrap().keys().count(),
            0
        );
    }
}
