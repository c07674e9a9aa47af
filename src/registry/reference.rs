//! How a statement names a model: `name`, `name@alias` or `name@3`.

use crate::pg::error::{Failure, Result};

/// A model, and which of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Name of the model, as it was given.
    pub name: String,
    /// Which version.
    pub choice: Choice,
}

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// The one that serves: alias `champion` where it is set, else the newest that is not archived.
    Serving,
    /// The one an alias stands for; in lower case.
    Alias(String),
    /// The one of this number.
    Version(i32),
}

impl Reference {
    /// Takes a reference apart. Names are taken literally, aliases in any case.
    ///
    /// # Errors
    /// 22023 where there is no name, or nothing behind the `@`.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, choice) = match text.split_once('@') {
            None => (text, Choice::Serving),
            Some((name, version)) => (name, Choice::parse(version)),
        };
        if name.is_empty() || text.ends_with('@') {
            return Err(
                Failure::parameter(format!("invalid model reference \"{text}\""))
                    .hint("Write 'model', 'model@alias' or 'model@3'."),
            );
        }
        Ok(Self {
            name: name.to_owned(),
            choice,
        })
    }
}

impl Choice {
    fn parse(text: &str) -> Self {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number beyond the range is that of no version.
            return Self::Version(text.parse().unwrap_or(i32::MAX));
        }
        Self::Alias(alias(text))
    }
}

/// An alias as it is stored.
pub fn alias(text: &str) -> String {
    text.to_lowercase()
}
