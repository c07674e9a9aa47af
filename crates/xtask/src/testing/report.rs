//! One line per test, and the count at the end.

use std::time::{Duration, Instant};

use crate::error::Result;

/// How a test ended.
pub enum Outcome {
    /// So many checks passed; a remark about them, which may be empty.
    Passed(usize, String),
    /// Something failed: how many of how many, and what is to be shown.
    Failed {
        passed: usize,
        failed: usize,
        details: String,
    },
    /// It could not run here, for this reason.
    Skipped(String),
}

impl Outcome {
    /// A single test that passed.
    pub fn passed() -> Self {
        Self::Passed(1, String::new())
    }

    /// A single test that failed.
    pub fn failed(details: impl Into<String>) -> Self {
        Self::Failed {
            passed: 0,
            failed: 1,
            details: details.into(),
        }
    }
}

/// The tests so far.
pub struct Report {
    words: Vec<String>,
    passed: usize,
    failed: usize,
    skipped: usize,
    began: Instant,
}

impl Report {
    /// A report on the tests whose names contain one of the words, or on all.
    pub fn new(words: &[String]) -> Self {
        Self {
            words: words.to_vec(),
            passed: 0,
            failed: 0,
            skipped: 0,
            began: Instant::now(),
        }
    }

    /// Whether this test is to run.
    pub fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// Runs a test if it is wanted, and prints how it ended.
    pub fn test(&mut self, name: &str, test: impl FnOnce() -> Result<Outcome>) {
        if !self.wants(name) {
            return;
        }
        let began = Instant::now();
        let outcome = test().unwrap_or_else(|error| Outcome::failed(error.to_string()));
        let time = milliseconds(began.elapsed());
        match outcome {
            Outcome::Passed(count, remark) => {
                self.passed += count;
                println!(
                    "{}",
                    format!("{name:.<40} ok      {time:>9}  {remark}").trim_end()
                );
            }
            Outcome::Skipped(reason) => {
                self.skipped += 1;
                println!("{name:.<40} skipped ({reason})");
            }
            Outcome::Failed {
                passed,
                failed,
                details,
            } => {
                self.passed += passed;
                self.failed += failed;
                println!("{name:.<40} FAILED  {time:>9}");
                details.lines().for_each(|line| println!("    {line}"));
            }
        }
    }

    /// A remark between tests.
    pub fn note(&self, text: &str) {
        println!("-- {text}");
    }

    /// Whether a test failed so far.
    pub fn failed(&self) -> bool {
        self.failed > 0
    }

    /// Whether no test ran.
    pub fn is_empty(&self) -> bool {
        self.passed + self.failed + self.skipped == 0
    }

    /// Prints the count; false if a test failed.
    pub fn finish(self) -> bool {
        println!("-- {} s", self.began.elapsed().as_secs());
        println!("{}", self.line());
        !self.failed()
    }

    fn line(&self) -> String {
        format!(
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_every_check_and_takes_errors_for_failures() {
        let mut report = Report::new(&[]);
        report.test("a", || Ok(Outcome::Passed(3, String::new())));
        report.test("b", || {
            Ok(Outcome::Failed {
                passed: 2,
                failed: 1,
                details: String::new(),
            })
        });
        report.test("c", || Ok(Outcome::Skipped("why".into())));
        report.test("d", || crate::error::fail!("broken"));
        assert_eq!(report.line(), "5 passed, 2 failed, 1 skipped");
        assert!(!report.finish());
    }

    #[test]
    fn words_select_by_part_of_the_name() {
        let mut report = Report::new(&["linregr".to_owned()]);
        report.test("sql/logregr", || Ok(Outcome::passed()));
        assert!(report.is_empty());
        report.test("sql/linregr", || Ok(Outcome::passed()));
        assert_eq!(report.line(), "1 passed, 0 failed, 0 skipped");
    }
}
