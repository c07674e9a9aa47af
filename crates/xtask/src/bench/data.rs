//! The rows that are measured on, made in SQL by hashing their numbers: the same on every run.

use super::Bench;
use crate::error::{Result, fail};
use crate::session::Session;

/// Rows of the tables with ten columns, and number of scores.
pub const MANY: u32 = 1_000_000;
/// Rows of the tables with a hundred columns.
pub const FEW: u32 = 200_000;

/// A table of independent variables with a label (0 or 1) and a target.
#[derive(Clone, Copy, Debug)]
pub struct Points {
    /// Independent variables.
    pub columns: u32,
    /// Rows.
    pub rows: u32,
}

/// A million rows of ten.
pub const NARROW: Points = Points {
    columns: 10,
    rows: MANY,
};
/// Two hundred thousand rows of a hundred.
pub const WIDE: Points = Points {
    columns: 100,
    rows: FEW,
};

/// A uniform number between -1 and 1 that depends on row `i` and a seed.
fn uniform(seed: u32) -> String {
    format!("(hashint8extended(i, {seed}) >> 11)::float8 / 4503599627370496::float8")
}

impl Points {
    /// The table with one column a variable: `c1`, `c2`, …
    pub fn table(self) -> String {
        format!("points{}", self.columns)
    }

    /// The table with all variables in one array `x`.
    pub fn vectors(self) -> String {
        format!("vectors{}", self.columns)
    }

    /// `c1, c2, …`
    pub fn names(self) -> String {
        self.list(", ", |j| format!("c{j}"))
    }

    /// The base: a scan that reads every variable.
    pub fn scan(self) -> String {
        let sums = self.list(" + ", |j| format!("sum(c{j})"));
        format!("SELECT {sums} FROM {}", self.table())
    }

    /// `1,000,000 x 10` for people.
    pub fn size(self) -> String {
        format!("{} rows x {}", thousands(self.rows), self.columns)
    }

    /// Coefficient of a variable in the model that the labels follow: of both signs, no two equal,
    /// moderate together.
    pub fn coefficient(self, variable: u32) -> f64 {
        let share = f64::from(variable) / f64::from(self.columns);
        let sign = if variable.is_multiple_of(2) {
            -1.0
        } else {
            1.0
        };
        sign * (0.5 + share) * 1.5 / f64::from(self.columns).sqrt()
    }

    /// One expression a variable, joined.
    pub fn list(self, separator: &str, of: impl Fn(u32) -> String) -> String {
        let all: Vec<String> = (1..=self.columns).map(of).collect();
        all.join(separator)
    }

    /// Makes both tables unless they are there.
    ///
    /// The variables share a common part, as measurements of one thing do, and lie around different
    /// means; the labels follow a logistic model, the target a linear one.
    pub fn make(self, bench: &Bench<'_>) -> Result<()> {
        let mut session = bench.session()?;
        if exists(&mut session, &self.vectors())? {
            return Ok(());
        }
        let variables = self.list(", ", |j| {
            format!("{} + 0.5 * common + {} AS c{j}", uniform(j), j % 4)
        });
        let margin = self.list(" + ", |j| {
            format!("({}) * (c{j} - {})", self.coefficient(j), j % 4)
        });
        let (common, chance, noise) = (uniform(1001), uniform(1002), uniform(1003));
        // OFFSET 0 keeps the planner from computing a number once for each of its uses.
        session.run(&format!(
            "CREATE TABLE {} AS
             SELECT {}, ((chance + 1) / 2 < 1 / (1 + exp(-margin)))::integer AS label,
                    margin + 2 * noise AS target
               FROM (SELECT *, {margin} AS margin
                       FROM (SELECT {variables}, {chance} AS chance, {noise} AS noise
                               FROM (SELECT i::bigint AS i, {common} AS common
                                       FROM generate_series(1, {}) AS i OFFSET 0) AS shared
                             OFFSET 0) AS variables
                     OFFSET 0) AS margins",
            self.table(),
            self.names(),
            self.rows
        ))?;
        session.run(&format!(
            "CREATE TABLE {} AS SELECT ARRAY[{}] AS x, label, target FROM {}",
            self.vectors(),
            self.names(),
            self.table()
        ))?;
        settle(&mut session, &self.table(), "c1")?;
        settle(&mut session, &self.vectors(), "x[1]")
    }
}

/// Makes the table `scores` of distinct scores between 0 and 1 and labels that follow them.
pub fn make_scores(bench: &Bench<'_>) -> Result<()> {
    let mut session = bench.session()?;
    if exists(&mut session, "scores")? {
        return Ok(());
    }
    session.run(&format!(
        "CREATE TABLE scores AS
         SELECT score, ((chance + 1) / 2 < score)::integer AS label
           FROM (SELECT (1 + {}) / 2 AS score, {} AS chance
                   FROM (SELECT i::bigint AS i FROM generate_series(1, {MANY}) AS i) AS numbers
                 OFFSET 0) AS draws",
        uniform(1),
        uniform(2)
    ))?;
    settle(&mut session, "scores", "score")?;
    let distinct = session.run("SELECT count(DISTINCT score) FROM scores")?;
    if distinct != MANY.to_string() {
        fail!("the scores are not distinct: {distinct} of {MANY}");
    }
    Ok(())
}

fn exists(session: &mut Session, table: &str) -> Result<bool> {
    Ok(session.run(&format!("SELECT to_regclass('{table}') IS NOT NULL"))? == "t")
}

/// Leaves a table as one that has been there for long: hint bits, statistics, in the cache.
fn settle(session: &mut Session, table: &str, value: &str) -> Result<()> {
    session.run(&format!("VACUUM (FREEZE, ANALYZE) {table}"))?;
    session.run(&format!("SELECT sum({value}) FROM {table}"))?;
    session.run("CHECKPOINT").map(drop)
}

/// A number with commas.
pub fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_stand_before_every_third_digit() {
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(thousands(200), "200");
    }
}
