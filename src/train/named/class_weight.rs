//! The argument `class_weight`: rows of a class count more than others.

use crate::pg::error::{Failure, Result};
use pglearn_core::options::one_of;
use pgrx::PgSqlErrorCode;
use serde_json::Value as Json;

/// How rows are weighted by their class.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeight {
    /// `balanced`: weight of all rows / (classes * weight of the class), so that classes weigh the same
    /// (King and Zeng 2001, as scikit-learn); without weights rows are counted. A row of weight 2 is
    /// two rows.
    Balanced,
    /// A weight for each class that is named; 1 for the others.
    Each(Vec<(String, f64)>),
}

impl ClassWeight {
    /// Reads the argument.
    ///
    /// # Errors
    /// 22023 for anything but `balanced` and an object of positive numbers.
    pub fn parse(text: &str) -> Result<Self> {
        if text.trim().eq_ignore_ascii_case("balanced") {
            return Ok(Self::Balanced);
        }
        let refuse = || {
            Failure::parameter(format!(
                "invalid class_weight \"{}\"",
                crate::pg::parse::excerpt(text)
            ))
            .hint("Write 'balanced', or weights by class: '{\"yes\": 5, \"no\": 1}'.")
        };
        let Ok(Json::Object(members)) = serde_json::from_str(text) else {
            return Err(refuse());
        };
        let mut weights = Vec::with_capacity(members.len());
        for (class, weight) in members {
            let weight = weight.as_f64().filter(|w| *w > 0.0 && w.is_finite());
            let weight = weight.ok_or_else(|| {
                refuse().detail(format!("The weight of \"{class}\" is no positive number."))
            })?;
            weights.push((class, weight));
        }
        Ok(Self::Each(weights))
    }

    /// The weight of each class, by its number. `masses` are what the training rows of each weigh, in
    /// any unit.
    ///
    /// # Errors
    /// 22023 for a class that does not exist.
    pub fn weights(&self, classes: &[String], masses: &[f64]) -> Result<Vec<f64>> {
        match self {
            Self::Balanced => {
                let each = masses.iter().sum::<f64>() / classes.len() as f64;
                Ok(masses.iter().map(|mass| each / mass).collect())
            }
            Self::Each(given) => {
                let mut weights = vec![1.0; classes.len()];
                for (class, weight) in given {
                    let place = classes.iter().position(|known| known == class);
                    let place = place.ok_or_else(|| unknown(class, classes))?;
                    weights[place] = *weight;
                }
                Ok(weights)
            }
        }
    }
}

fn unknown(class: &str, classes: &[String]) -> Failure {
    let known: Vec<&str> = classes.iter().map(String::as_str).collect();
    Failure::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("class_weight: there is no class \"{class}\""),
    )
    .hint(one_of(class, &known))
}
