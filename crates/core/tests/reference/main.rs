//! Fits and metrics against the reference numbers of `tests/reference` (statsmodels and scikit-learn,
//! computed again with 50 digits; see `generate.py` there for versions and formulas).

mod data;
mod expected;
mod linear;
