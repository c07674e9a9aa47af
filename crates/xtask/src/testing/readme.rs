//! The SQL in README.md, run as it stands, in one session.

use std::fs;
use std::process::{Command, Stdio};

use crate::cluster::Cluster;
use crate::error::{Attempt, Result};
use crate::testing::report::{Outcome, Report};
use crate::workspace::Workspace;

/// The name of this test.
pub const NAME: &str = "readme";

/// Runs all blocks one after the other, up to the first error.
pub fn run(workspace: &Workspace, cluster: &Cluster, report: &mut Report) {
    report.test(NAME, || {
        let file = workspace.root.join("README.md");
        if !file.is_file() {
            return Ok(Outcome::Skipped("there is no README.md".to_owned()));
        }
        let text = fs::read_to_string(&file).attempt(file.display())?;
        let (blocks, script) = sql_blocks(&text);
        if blocks == 0 {
            return Ok(Outcome::Skipped("README.md has no SQL".to_owned()));
        }
        run_script(cluster, blocks, &script)
    });
}

fn run_script(cluster: &Cluster, blocks: usize, script: &str) -> Result<Outcome> {
    let upper = script.to_uppercase();
    if upper.contains("CREATE EXTENSION") {
        cluster.create_database(NAME)?;
        if !upper.contains("CREATE SCHEMA") {
            cluster.sql(NAME, "CREATE SCHEMA ml")?;
        }
    } else {
        cluster.create_database_with_extension(NAME)?;
    }
    // psql names the file and line of an error: both are those of the document.
    let folder = cluster.place.folder.join(NAME);
    fs::create_dir_all(&folder).attempt(folder.display())?;
    fs::write(folder.join("README.md"), script).attempt(folder.display())?;
    let mut psql: Command = cluster.client("psql");
    psql.args([
        "-Xq",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        NAME,
        "-f",
        "README.md",
    ])
    .current_dir(&folder);
    let result = psql
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .output()
        .attempt("starting psql")?;
    if result.status.success() {
        return Ok(Outcome::Passed(1, format!("{blocks} blocks")));
    }
    Ok(Outcome::failed(String::from_utf8_lossy(&result.stderr)))
}

/// The number of blocks marked `sql`, and the text with every line outside them made empty, so
/// that line numbers stay those of the document.
fn sql_blocks(markdown: &str) -> (usize, String) {
    let mut script = String::with_capacity(markdown.len());
    let mut blocks = 0;
    let mut fence: Option<(String, bool)> = None;
    for line in markdown.lines() {
        let text = line.trim_start();
        let ticks = text.len() - text.trim_start_matches('`').len();
        match &fence {
            Some((open, _)) if ticks >= open.len() && text.trim_end().len() == ticks => {
                fence = None
            }
            Some((_, true)) => script.push_str(line),
            Some((_, false)) => {}
            None if ticks >= 3 => {
                let language = text[ticks..]
                    .split([' ', ','])
                    .next()
                    .unwrap_or_default()
                    .trim();
                let sql = language.eq_ignore_ascii_case("sql");
                blocks += usize::from(sql);
                fence = Some((text[..ticks].to_owned(), sql));
            }
            None => {}
        }
        script.push('\n');
    }
    (blocks, script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_sql_blocks_and_keeps_line_numbers() {
        let text = "# title\n```sql\nSELECT 1;\n```\ntext `sql` text\n```sh\ncargo xtask demo\n```\n  ```SQL\n  SELECT 2;\n  ```\n";
        let (blocks, script) = sql_blocks(text);
        assert_eq!(blocks, 2);
        let lines: Vec<&str> = script.lines().collect();
        assert_eq!(lines.len(), text.lines().count());
        assert_eq!(lines[2], "SELECT 1;");
        assert_eq!(lines[9], "  SELECT 2;");
        assert_eq!(lines.iter().filter(|line| !line.is_empty()).count(), 2);
    }

    #[test]
    fn a_longer_fence_may_hold_a_shorter_one() {
        let (blocks, script) =
            sql_blocks("````text\n```sql\nnot run\n```\n````\n```sql\nSELECT 3;\n```\n");
        assert_eq!((blocks, script.trim()), (1, "SELECT 3;"));
    }

    #[test]
    fn a_document_without_sql_has_no_blocks() {
        assert_eq!(sql_blocks("nothing\n```\nplain\n```\n").0, 0);
    }
}
