//! Trained models as plain data, with a binary encoding of their own and a view for people.
//!
//! [`Model::encode`] gives what is stored, [`Model::decode`] trusts nothing that it reads,
//! [`Model::to_json`] is for reading. The layout is documented at [`envelope`] and at each model.
//!
//! # Example
//! ```
//! use pglearn_core::model::{LinearModel, LinearTerms, Model};
//! let terms = LinearTerms {
//!     target: "price".into(),
//!     features: vec!["area".into(), "rooms".into()],
//!     intercept: 20.0,
//!     coefficients: vec![3.0, 5.0],
//!     std_err: vec![],
//! };
//! let model = Model::Linear(LinearModel { terms, rows: 100, r2: 0.9 });
//! let decoded = Model::decode(&model.encode()?)?;
//! assert_eq!(decoded, model);
//! assert_eq!(decoded.terms().score(&[10.0, 2.0])?, 60.0);
//! # Ok::<(), pglearn_core::Error>(())
//! ```

mod bytes;
mod checksum;
pub mod envelope;
mod linear;
mod logistic;
mod terms;

pub use linear::LinearModel;
pub use logistic::LogisticModel;
pub use terms::LinearTerms;

use crate::{Error, Result};
use bytes::{Reader, Writer};
use envelope::Kind;

/// A trained model.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Model {
    /// Ordinary least squares.
    Linear(LinearModel),
    /// Binary logistic regression.
    Logistic(LogisticModel),
}

impl Model {
    /// The stored form.
    ///
    /// # Errors
    /// [`Error::Shape`] and [`Error::NotFinite`] where the parts of the model do not fit together,
    /// [`Error::OutOfMemory`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut payload = Writer::default();
        let kind = match self {
            Self::Linear(model) => {
                model.write(&mut payload)?;
                Kind::Linear
            }
            Self::Logistic(model) => {
                model.write(&mut payload)?;
                Kind::Logistic
            }
        };
        envelope::seal(kind, &payload.finish())
    }

    /// Reads a stored form. Never allocates more than a small multiple of `bytes`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the first thing that does not fit; [`Error::OutOfMemory`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (kind, payload) = envelope::open(bytes)?;
        let mut reader = Reader::new(payload);
        let model = match kind {
            Kind::Linear => Self::Linear(LinearModel::read(&mut reader)?),
            Kind::Logistic => Self::Logistic(LogisticModel::read(&mut reader)?),
        };
        if !reader.is_empty() {
            return Err(Error::Corrupt {
                what: "bytes left over",
            });
        }
        Ok(model)
    }

    /// The view for people; NaN and infinities become null.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Linear(model) => model.to_json(),
            Self::Logistic(model) => model.to_json(),
        }
    }

    /// Intercept, coefficients and names.
    #[must_use]
    pub fn terms(&self) -> &LinearTerms {
        match self {
            Self::Linear(model) => &model.terms,
            Self::Logistic(model) => &model.terms,
        }
    }
}
