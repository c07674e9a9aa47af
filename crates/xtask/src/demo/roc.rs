//! A receiver operating characteristic, drawn in characters.

use crate::error::{Attempt, Result, fail};

const WIDTH: usize = 61;
const HEIGHT: usize = 21;

/// Reads lines `fpr|tpr`.
pub fn points(text: &str) -> Result<Vec<(f64, f64)>> {
    let mut points = Vec::new();
    for line in text.lines() {
        let Some((fpr, tpr)) = line.split_once('|') else {
            fail!("`{line}` is not a point of a curve")
        };
        points.push((fpr.parse().attempt(line)?, tpr.parse().attempt(line)?));
    }
    Ok(points)
}

/// Draws the curve through the points, which ascend, over the diagonal of a worthless model.
pub fn plot(points: &[(f64, f64)]) -> String {
    let mut grid = vec![[' '; WIDTH]; HEIGHT];
    for (column, height) in (0..WIDTH).map(|column| (column, column as f64 / (WIDTH - 1) as f64)) {
        grid[row(height)][column] = '.';
    }
    let mut from = (0.0, 0.0);
    for to in points.iter().copied().chain([(1.0, 1.0)]) {
        // Enough steps to leave no gap in either direction.
        for step in 0..=WIDTH {
            let part = step as f64 / WIDTH as f64;
            let (fpr, tpr) = (
                from.0 + part * (to.0 - from.0),
                from.1 + part * (to.1 - from.1),
            );
            grid[row(tpr)][cell(fpr, WIDTH)] = '#';
        }
        from = to;
    }
    let mut text = String::from("true positive rate\n");
    for (index, line) in grid.iter().enumerate() {
        let label = match index {
            0 => "1.0",
            _ if index == HEIGHT / 2 => "0.5",
            _ if index == HEIGHT - 1 => "0.0",
            _ => "   ",
        };
        let line: String = line.iter().collect();
        text.push_str(&format!("{label} |{}\n", line.trim_end()));
    }
    text.push_str(&format!("    +{}\n", "-".repeat(WIDTH)));
    text.push_str(&format!(
        "     0.0{:>27}{:>30}\n     false positive rate\n",
        "0.5", "1.0"
    ));
    text
}

fn cell(value: f64, cells: usize) -> usize {
    ((value.clamp(0.0, 1.0) * (cells - 1) as f64).round() as usize).min(cells - 1)
}

fn row(value: f64) -> usize {
    HEIGHT - 1 - cell(value, HEIGHT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_model_runs_along_the_edges() {
        let text = plot(&[(0.0, 1.0)]);
        let lines: Vec<&str> = text.lines().skip(1).take(HEIGHT).collect();
        assert_eq!(lines[0].matches('#').count(), WIDTH);
        assert!(lines.iter().all(|line| line[5..].starts_with('#')));
        assert_eq!(lines[HEIGHT - 1].matches('#').count(), 1);
    }

    #[test]
    fn a_worthless_model_runs_along_the_diagonal() {
        let text = plot(&[]);
        assert!(!text.contains('.') || text.matches('#').count() >= WIDTH);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert!(lines[0].ends_with('#') && lines[HEIGHT - 1].contains("|#"));
    }

    #[test]
    fn reads_what_psql_prints() {
        assert_eq!(
            points("0|0\n0.25|1e-3").unwrap(),
            [(0.0, 0.0), (0.25, 0.001)]
        );
        assert!(points("x").is_err());
    }
}
