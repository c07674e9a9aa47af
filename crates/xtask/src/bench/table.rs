//! The table of ratios, and the machine on which they were found.

use std::fmt;
use std::fs;

use super::measure::Ratio;

/// What is wanted of a ratio.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// At most this.
    pub target: f64,
    /// Better this.
    pub aim: Option<f64>,
}

impl Goal {
    /// A ratio to stay below.
    pub fn at_most(target: f64) -> Self {
        Self { target, aim: None }
    }

    /// The ratio that would be better still.
    pub fn aim(self, aim: f64) -> Self {
        Self {
            aim: Some(aim),
            ..self
        }
    }

    fn verdict(self, value: f64) -> &'static str {
        match self.aim {
            Some(aim) if value <= aim => "aim met",
            _ if value <= self.target => "met",
            _ => "NOT MET",
        }
    }
}

/// One line: what was measured, and what came out.
#[derive(Debug)]
struct Row {
    name: String,
    /// Of CPU time.
    cpu: Option<f64>,
    /// Of wall time.
    wall: Option<f64>,
    /// Of memory.
    memory: Option<f64>,
    goal: Option<Goal>,
}

/// All that was measured in a run.
#[derive(Debug, Default)]
pub struct Table {
    sections: Vec<(String, Vec<Row>)>,
}

impl Table {
    /// Begins a group of rows with the same base.
    pub fn section(&mut self, title: impl Into<String>) {
        self.sections.push((title.into(), Vec::new()));
    }

    /// Adds a ratio of CPU and wall time; the goal is for CPU.
    pub fn push(&mut self, name: impl Into<String>, ratio: Ratio, goal: Option<Goal>) {
        self.row(Row {
            name: name.into(),
            cpu: Some(ratio.cpu),
            wall: Some(ratio.wall),
            memory: None,
            goal,
        });
    }

    /// Adds a ratio of wall time of something that uses several threads.
    pub fn push_wall(&mut self, name: impl Into<String>, ratio: Ratio) {
        self.row(Row {
            name: name.into(),
            cpu: None,
            wall: Some(ratio.wall),
            memory: None,
            goal: None,
        });
    }

    /// Adds a ratio of memory.
    pub fn push_memory(&mut self, name: impl Into<String>, ratio: f64, goal: Goal) {
        self.row(Row {
            name: name.into(),
            cpu: None,
            wall: None,
            memory: Some(ratio),
            goal: Some(goal),
        });
    }

    fn row(&mut self, row: Row) {
        if let Some((_, rows)) = self.sections.last_mut() {
            rows.push(row);
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, rows) in &self.sections {
            let of_memory = rows.iter().any(|row| row.memory.is_some());
            let (first, second) = if of_memory {
                ("memory", "")
            } else {
                ("CPU", "wall")
            };
            writeln!(
                f,
                "{title}\n  {:<52} {first:>6} {second:>6} {:>7} {:>6}",
                "", "at most", "aim"
            )?;
            for row in rows {
                let judged = row.memory.or(row.cpu);
                let verdict = row
                    .goal
                    .zip(judged)
                    .map_or("", |(goal, value)| goal.verdict(value));
                let line = format!(
                    "  {:<52} {:>6} {:>6} {:>7} {:>6}  {verdict}",
                    row.name,
                    number(judged),
                    number(row.wall),
                    number(row.goal.map(|goal| goal.target)),
                    number(row.goal.and_then(|goal| goal.aim)),
                );
                writeln!(f, "{}", line.trim_end())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Three digits that count.
fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| match value {
        ..0.0995 => format!("{value:.4}"),
        ..0.995 => format!("{value:.3}"),
        ..9.95 => format!("{value:.2}"),
        _ => format!("{value:.1}"),
    })
}

/// The processor, and which kernels run on it.
pub fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, name)| name.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {} kernels", kernels())
}

/// The instruction set that the kernels choose, by their own rule.
fn kernels() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        if avx2 && is_x86_feature_detected!("avx512f") {
            return "AVX-512";
        }
        if avx2 {
            return "AVX2";
        }
    }
    "portable"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_has_three_outcomes() {
        let goal = Goal::at_most(2.0).aim(1.0);
        assert_eq!(goal.verdict(1.0), "aim met");
        assert_eq!(goal.verdict(2.0), "met");
        assert_eq!(goal.verdict(2.01), "NOT MET");
        assert_eq!(Goal::at_most(2.0).verdict(0.1), "met");
        assert_eq!(goal.verdict(f64::NAN), "NOT MET");
    }

    #[test]
    fn a_line_shows_ratio_goal_and_verdict() {
        let mut table = Table::default();
        table.section("title");
        let ratio = Ratio {
            cpu: 1.234,
            wall: 12.34,
        };
        table.push("name", ratio, Some(Goal::at_most(2.0).aim(0.125)));
        let text = table.to_string();
        let line: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(line, ["name", "1.23", "12.3", "2.00", "0.125", "met"]);
    }
}
