//! Pairs of statements, measured in turn in one backend.

use std::fs;
use std::time::Instant;

use crate::error::{Attempt, Error, Result};
use crate::session::Session;

/// Pairs of one comparison; the first, which warms up, is not counted among them.
const PAIRS: usize = 7;

/// What a statement took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// CPU time of the backend's own thread.
    pub cpu: f64,
    /// Time by the client's clock.
    pub wall: f64,
}

/// The cost of one thing in units of another: medians over pairs.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Of CPU time.
    pub cpu: f64,
    /// Of wall time.
    pub wall: f64,
}

/// Measures a statement in the session.
pub fn cost_of(session: &mut Session, sql: &str) -> Result<Cost> {
    let before = cpu_seconds(session)?;
    let start = Instant::now();
    session.run(sql)?;
    Ok(Cost {
        wall: start.elapsed().as_secs_f64(),
        cpu: cpu_seconds(session)? - before,
    })
}

/// The cost of `subject` in units of `base`, in sessions made by `open`. `before` runs ahead of each
/// pair and is not measured.
///
/// Each pair has a session of its own: the first training of a session pays for memory that later
/// ones find ready, and is the one that users wait for. The base runs once unmeasured, because the
/// first look of a session at a shared page costs more than the next.
pub fn compare(
    open: impl Fn() -> Result<Session>,
    base: &str,
    subject: &str,
    before: &str,
) -> Result<Ratio> {
    // Pages that were written must not be written out by a backend that is being measured.
    let before = format!("{before}; CHECKPOINT");
    median_of_pairs(|| {
        let mut session = open()?;
        session.run(&before)?;
        session.run(base)?;
        Ok((
            cost_of(&mut session, base)?,
            cost_of(&mut session, subject)?,
        ))
    })
}

/// Medians of the second cost in units of the first.
pub fn median_of_pairs(mut pair: impl FnMut() -> Result<(Cost, Cost)>) -> Result<Ratio> {
    let mut ratios = Vec::new();
    for number in 0..=PAIRS {
        let (base, subject) = pair()?;
        if number > 0 {
            ratios.push(Ratio {
                cpu: subject.cpu / base.cpu,
                wall: subject.wall / base.wall,
            });
        }
    }
    Ok(Ratio {
        cpu: median(ratios.iter().map(|ratio| ratio.cpu)),
        wall: median(ratios.iter().map(|ratio| ratio.wall)),
    })
}

/// The middle one; of an even number the higher of the two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU time of the backend's own thread, to the nanosecond (`/proc/<pid>/stat` counts in steps of
/// 10 ms, a tenth of what some statements take).
fn cpu_seconds(session: &Session) -> Result<f64> {
    let file = format!("/proc/{}/schedstat", session.backend);
    let text = fs::read_to_string(&file).attempt(&file)?;
    text.split(' ')
        .next()
        .and_then(|nanoseconds| nanoseconds.parse::<f64>().ok())
        .map(|nanoseconds| nanoseconds * 1e-9)
        .ok_or_else(|| Error::new(format!("{file} is not as the kernel documents it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_odd_number_is_the_middle_one() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert!(median(std::iter::empty()).is_nan());
    }
}
