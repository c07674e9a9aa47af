//! Penalised fits with many columns: Newton's method without the curvature's matrix.
//!
//! Each step solves the Newton system by conjugate gradients, preconditioned by the curvature's
//! diagonal about the weighted means, as precisely as the step deserves. A product of the curvature
//! and a vector reads the rows twice, and of columns that are mostly zero only the rest.
//!
//! # Source
//! Nocedal and Wright 2006, Numerical Optimization, 2nd ed., 5.1 and 7.1; when conjugate gradients
//! end: Nash and Sofer 1990, "Assessing a search direction within a truncated-Newton method".

mod layout;
mod metric;
mod newton;
mod passes;
#[cfg(test)]
mod tests;

pub(super) use newton::{Wide, maximise};
