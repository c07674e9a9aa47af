//! Ordinary least squares in one pass, with classical inference.

mod accumulator;
mod fit;
mod heteroskedasticity;
mod pivoted;
mod spectrum;
pub mod state;
mod tails;

pub use accumulator::LinearAccumulator;
pub use fit::{Finding, LinearFit, finish};
pub use heteroskedasticity::{BreuschPagan, BreuschPaganTest, breusch_pagan};
pub use state::{StateMut, state_len};
pub use tails::{chi_squared_upper, student_two_sided};
