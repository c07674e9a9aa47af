//! How likely it is that a column tells the target by accident.

use statrs::function::factorial::ln_factorial;

/// False alarms that are accepted, per training.
const ALARMS: f64 = 1e-3;
/// Rows below which nothing is said.
pub(super) const FEWEST_ROWS: u64 = 20;

/// Whether chance can be ruled out: shuffled over the rows, the target has n! / Π n_k! arrangements
/// (n_k rows of its k-th value), of which at most exp(`ln_ways`) would have been taken for a leak; over
/// `columns` columns that must happen less than once in a thousand trainings.
pub(super) fn is_excluded(counts: &[u64], ln_ways: f64, columns: usize) -> bool {
    let rows = counts.iter().sum();
    let repeated = counts.iter().map(|count| ln_factorial(*count));
    let ln_arrangements = ln_factorial(rows) - repeated.sum::<f64>();
    rows >= FEWEST_ROWS && ln_ways - ln_arrangements + (columns as f64).ln() < ALARMS.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_by_hand() {
        // 2 of C(20, 10) = 184756 arrangements: about 1e-5 a column.
        assert!(is_excluded(&[10, 10], 2_f64.ln(), 1));
        assert!(is_excluded(&[10, 10], 2_f64.ln(), 92));
        assert!(!is_excluded(&[10, 10], 2_f64.ln(), 93));
        // 2 of 20: one positive row lies at an end often.
        assert!(!is_excluded(&[19, 1], 2_f64.ln(), 1));
        assert!(!is_excluded(&[5, 5], 2_f64.ln(), 1));
        assert!(!is_excluded(&[20, 0], 0.0, 1));
    }
}
