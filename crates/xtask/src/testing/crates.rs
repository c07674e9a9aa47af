//! The tests of the crates that need no server.

use std::process::{Command, Stdio};

use crate::error::{Attempt, Result};
use crate::testing::report::{Outcome, Report};
use crate::workspace::Workspace;

const CRATES: [&str; 3] = ["pglearn-kernels", "pglearn-core", "xtask"];

/// Runs `cargo test` for each crate.
pub fn run(workspace: &Workspace, report: &mut Report) {
    for package in CRATES {
        report.test(&format!("crate/{package}"), || test(workspace, package));
    }
}

fn test(workspace: &Workspace, package: &str) -> Result<Outcome> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .current_dir(&workspace.root)
        .args([
            "test",
            "--package",
            package,
            "--no-fail-fast",
            "--target-dir",
        ])
        .arg(&workspace.target);
    // Progress while it compiles goes to the terminal, the results come to us.
    let result = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .attempt("starting cargo")?;
    let text = String::from_utf8_lossy(&result.stdout);
    let (passed, failed, ignored) = count(&text);
    if result.status.success() {
        let remark = if ignored > 0 {
            format!("{passed} passed, {ignored} ignored")
        } else {
            format!("{passed} passed")
        };
        return Ok(Outcome::Passed(passed, remark));
    }
    let details = text
        .lines()
        .filter(|line| !line.ends_with("... ok"))
        .collect::<Vec<_>>()
        .join("\n");
    Ok(Outcome::Failed {
        passed,
        failed: failed.max(1),
        details,
    })
}

/// Sums the lines `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
fn count(text: &str) -> (usize, usize, usize) {
    let mut sums = (0, 0, 0);
    for line in text
        .lines()
        .filter(|line| line.starts_with("test result: "))
    {
        let number = |label: &str| -> usize {
            line.split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(label)?.trim().parse().ok())
                .unwrap_or(0)
        };
        sums.0 += number("passed");
        sums.1 += number("failed");
        sums.2 += number("ignored");
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_unit_tests_and_examples() {
        let text = "running 2 tests\ntest result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\ntest result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s\n";
        assert_eq!(count(text), (15, 2, 1));
        assert_eq!(count("error: could not compile"), (0, 0, 0));
    }
}
