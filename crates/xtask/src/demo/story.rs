//! What the demo tells: load, train, look at the model, evaluate, predict; then keep learning.

use std::io::Write;
use std::process::{Command, Stdio};

use super::roc;
use crate::cluster::Cluster;
use crate::error::{Attempt, Result, fail};
use crate::wine;

/// The whole story in a database of this name, written as it is told.
pub fn tell(cluster: &Cluster, database: &str, out: &mut dyn Write) -> Result<()> {
    cluster.create_database(database)?;
    let mut story = Story {
        cluster,
        database,
        out,
    };
    story.show("CREATE SCHEMA ml;\nCREATE EXTENSION pglearn SCHEMA ml;")?;
    story.load()?;
    story.train()?;
    story.evaluate()?;
    story.predict()?;
    story.keep_learning()
}

/// Who tells it, where it happens.
pub(super) struct Story<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) database: &'a str,
    out: &'a mut dyn Write,
}

impl Story<'_> {
    fn load(&mut self) -> Result<()> {
        let wines = wine::rows();
        self.say(&format!(
            "\n-- loading red wine quality ({wines} wines) into table wine"
        ))?;
        self.cluster.sql(self.database, &wine::create_table())?;
        let mut psql = self.psql(&wine::copy());
        let mut child = psql
            .stdin(Stdio::piped())
            .spawn()
            .attempt("starting psql")?;
        if let Some(mut input) = child.stdin.take() {
            input
                .write_all(wine::csv().as_bytes())
                .attempt("sending rows to psql")?;
        }
        if !child.wait().attempt("psql")?.success() {
            fail!("the rows were not accepted");
        }
        self.cluster.sql(self.database, "ANALYZE wine").map(drop)
    }

    fn train(&mut self) -> Result<()> {
        self.say("\n-- training: which wines are rated 7 or better?")?;
        self.show(&format!(
            "SELECT ml.logregr_train('wine', 'wine_model', 'quality >= 7',
    'ARRAY[{}]');",
            wine::wrapped_columns(11)
        ))?;
        self.say("\n-- the model")?;
        self.run(&wine::coefficients())
    }

    fn evaluate(&mut self) -> Result<()> {
        self.say("-- how well it separates the wines it was trained on")?;
        self.show(&format!(
            "CREATE TABLE wine_scores AS
  SELECT id, quality, (quality >= 7)::integer AS good,
         ml.logregr_predict_prob(coef, ARRAY[{}]) AS probability
    FROM wine, wine_model;",
            wine::wrapped_columns(45)
        ))?;
        self.show("SELECT ml.area_under_roc('wine_scores', 'wine_auc', 'probability', 'good');")?;
        self.run("SELECT round(area_under_roc::numeric, 4) AS auc FROM wine_auc")?;
        let curve = "SELECT fpr, tpr FROM ml.binary_classifier_auc(
                       'wine_scores', 'wine_roc', 'probability', 'good') ORDER BY fpr, tpr";
        let points = roc::points(&self.cluster.sql(self.database, curve)?)?;
        self.say(&roc::plot(&points))
    }

    fn predict(&mut self) -> Result<()> {
        self.say("-- predicting for some of them")?;
        self.show(&format!(
            "SELECT id, quality, ml.logregr_predict(coef, x) AS good,
       round(ml.logregr_predict_prob(coef, x)::numeric, 3) AS probability
  FROM wine_model,
       (SELECT id, quality, ARRAY[{}] AS x
          FROM wine WHERE id IN (1, 379, 443, 444, 493, 1220)) AS chosen
 ORDER BY id;",
            wine::wrapped_columns(34)
        ))
    }

    /// Prints a line.
    pub(super) fn say(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").attempt("writing")
    }

    /// Prints SQL and runs it.
    pub(super) fn show(&mut self, sql: &str) -> Result<()> {
        self.say(sql)?;
        self.run(sql)
    }

    /// Runs SQL and prints its notices and rows.
    pub(super) fn run(&mut self, sql: &str) -> Result<()> {
        let result = self
            .psql(sql)
            .stdin(Stdio::null())
            .output()
            .attempt("starting psql")?;
        let said = String::from_utf8_lossy(&result.stderr);
        if !result.status.success() {
            fail!("the demo's SQL failed:\n{sql}\n{}", said.trim_end());
        }
        write!(self.out, "{said}").attempt("writing")?;
        // The empty row of a function that returns nothing is not worth a table.
        let text = String::from_utf8_lossy(&result.stdout);
        if text
            .lines()
            .nth(2)
            .is_some_and(|row| !row.trim().is_empty())
        {
            write!(self.out, "{text}").attempt("writing")?;
        }
        Ok(())
    }

    fn psql(&self, sql: &str) -> Command {
        let mut psql = self.cluster.client("psql");
        psql.args([
            "-Xq",
            "-v",
            "ON_ERROR_STOP=1",
            "-P",
            "footer=off",
            "-d",
            self.database,
            "-c",
            sql,
        ]);
        psql
    }
}
