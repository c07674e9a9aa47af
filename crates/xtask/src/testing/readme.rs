//! The SQL in README.md and in the pages of `docs`, run as it stands, each page in one session.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::testing::report::{Outcome, Report};
use crate::workspace::Workspace;

/// A page that may hold SQL.
pub struct Page {
    /// Its test, and the database in which it runs: `readme`, or `docs/` and its name.
    pub name: String,
    file: PathBuf,
}

/// What a page says of its own SQL, and the question whose answer that is when the page has been run.
struct Claim {
    page: &'static str,
    said: &'static str,
    question: &'static str,
}

const CLAIMS: &[Claim] = &[
    Claim {
        page: "readme",
        said: "27.5 minutes",
        question: r#"SELECT round(ml.predict('delivery_time@1', '{"vehicle": "cargo bike", "distance_km": 4, "parcels": 3}'::jsonb)::numeric, 1) || ' minutes'"#,
    },
    Claim {
        page: "readme",
        said: "39.5 minutes",
        question: r#"SELECT round(ml.predict('delivery_time', '{"vehicle": "cargo bike", "distance_km": 4, "parcels": 3}'::jsonb)::numeric, 1) || ' minutes'"#,
    },
    Claim {
        page: "readme",
        said: r#"{"table": "deliveries", "schema": "public", "count": 1500, "event_id": 1}"#,
        question: "SELECT payload FROM ml.announcements WHERE channel = 'retrain_model'",
    },
    Claim {
        page: "docs/retraining",
        said: r#"{"table": "readings", "schema": "public", "count": 700, "event_id": 2}"#,
        question: "SELECT payload FROM ml.announcements WHERE channel = 'retrain_model' AND relation = 'readings'::regclass",
    },
];

/// The pages there are.
pub fn pages(workspace: &Workspace) -> Result<Vec<Page>> {
    let mut pages = vec![Page {
        name: "readme".to_owned(),
        file: workspace.root.join("README.md"),
    }];
    let folder = workspace.root.join("docs");
    for entry in fs::read_dir(&folder).attempt(folder.display())? {
        let file = entry.attempt(folder.display())?.path();
        if file.extension().is_some_and(|extension| extension == "md") {
            let name = file.file_stem().unwrap_or_default().to_string_lossy();
            pages.push(Page {
                name: format!("docs/{name}"),
                file,
            });
        }
    }
    pages.sort_by(|a, b| b.name.cmp(&a.name));
    Ok(pages)
}

/// Runs the blocks of each page one after the other, up to the first error.
pub fn run(pages: &[Page], cluster: &Cluster, report: &mut Report) {
    for page in pages {
        report.test(&page.name, || {
            let text = fs::read_to_string(&page.file).attempt(page.file.display())?;
            let (blocks, script) = sql_blocks(&text);
            if blocks == 0 {
                return Ok(Outcome::Skipped("it has no SQL".to_owned()));
            }
            let outcome = run_script(cluster, page, blocks, &script)?;
            if matches!(outcome, Outcome::Passed(..)) {
                check_claims(cluster, page, &text)?;
            }
            Ok(outcome)
        });
    }
}

fn run_script(cluster: &Cluster, page: &Page, blocks: usize, script: &str) -> Result<Outcome> {
    let database = &page.name;
    let upper = script.to_uppercase();
    if upper.contains("CREATE EXTENSION") {
        cluster.create_database(database)?;
        if !upper.contains("CREATE SCHEMA") {
            cluster.sql(database, "CREATE SCHEMA ml")?;
        }
    } else {
        cluster.create_database_with_extension(database)?;
    }
    // psql names the file and line of an error: both are those of the document.
    let folder = cluster.place.folder.join(database);
    let name = page.file.file_name().unwrap_or_default();
    fs::create_dir_all(&folder).attempt(folder.display())?;
    fs::write(folder.join(name), script).attempt(folder.display())?;
    let mut psql: Command = cluster.client("psql");
    psql.args(["-Xq", "-v", "ON_ERROR_STOP=1", "-d", database, "-f"])
        .arg(name)
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

/// Fails unless the page says what is so.
fn check_claims(cluster: &Cluster, page: &Page, text: &str) -> Result<()> {
    let text: Vec<&str> = text.split_whitespace().collect();
    let text = text.join(" ");
    for claim in CLAIMS.iter().filter(|claim| claim.page == page.name) {
        let answer = cluster.sql(&page.name, claim.question)?;
        if answer != claim.said {
            fail!("`{}` is `{answer}`", claim.said);
        }
        if !text.contains(claim.said) {
            fail!("the page does not say `{}`", claim.said);
        }
    }
    Ok(())
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
