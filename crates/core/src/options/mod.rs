//! Options that come as JSON: what their readers share.

mod fields;
mod nearest;

pub use fields::Fields;
pub use nearest::{nearest, one_of};
