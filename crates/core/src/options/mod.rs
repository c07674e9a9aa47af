//! Options that come as JSON: what their readers share.

mod nearest;

pub use nearest::{nearest, one_of};
