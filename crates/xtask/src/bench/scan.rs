//! The base of the other ratios, measured against itself.

use super::Bench;
use super::data::NARROW;
use super::measure::compare;
use crate::error::Result;

/// A ratio other than 1 is the noise of the machine.
pub fn run(bench: &mut Bench<'_>) -> Result<()> {
    NARROW.make(bench)?;
    let ratio = compare(|| bench.session(), &NARROW.scan(), &NARROW.scan(), "")?;
    bench.table.section("The base, against itself");
    bench
        .table
        .push(format!("sum(c1) + …, {}", NARROW.size()), ratio, None);
    Ok(())
}
