//! The second act: new rows come in, a client hears of it, a background worker trains, the gate compares, the better
//! model answers.

use std::time::Duration;

use super::story::Story;
use crate::error::{Result, fail};
use crate::listener::Listener;

/// How long the act may wait for the server.
const PATIENCE: Duration = Duration::from_secs(60);

/// The predictions of both versions are shown for these wines.
const CHOSEN: &str = "1, 379, 444, 493, 1220";

impl Story<'_> {
    /// A cellar of light wines gets strong ones.
    pub(super) fn keep_learning(&mut self) -> Result<()> {
        self.say("\n-- second act: it keeps learning")?;
        self.say("-- a cellar that knows light wines only; a model of how they are rated, which serves as champion")?;
        self.open_the_cellar()?;
        self.say("\n-- from now on, more than 600 changed rows are an event")?;
        self.show("SELECT ml.watch('cellar', 'rating', threshold => 600);")?;
        self.say("\n-- another client listens, as psql, psycopg or any other does")?;
        self.say("LISTEN retrain_model;\nLISTEN model_promoted;")?;
        let channels = ["retrain_model", "model_promoted"];
        let mut listener = Listener::open(self.cluster, self.database, &channels)?;
        self.deliver(&mut listener)?;
        self.retrain(&mut listener)?;
        self.say("-- the same query, another answer")?;
        self.show(&format!(
            "SELECT id, quality, light_wines_only AS before, round(ml.predict('rating', wine)::numeric, 2) AS now
  FROM wine JOIN rated USING (id)
 WHERE id IN ({CHOSEN}) ORDER BY id;"
        ))
    }

    fn open_the_cellar(&mut self) -> Result<()> {
        self.show(
            "CREATE TABLE cellar (LIKE wine, PRIMARY KEY (id));
INSERT INTO cellar SELECT * FROM wine WHERE alcohol < 10;",
        )?;
        self.show(
            "SELECT version, status, round((metrics ->> 'rmse')::numeric, 3) AS rmse
  FROM ml.train('rating', 'cellar', 'quality', alias => 'champion');",
        )?;
        self.show(
            "CREATE TABLE rated AS
  SELECT id, round(ml.predict('rating', wine)::numeric, 2) AS light_wines_only FROM wine;",
        )
    }

    /// Rows come in, in two statements of two transactions.
    fn deliver(&mut self, listener: &mut Listener) -> Result<()> {
        self.say("\n-- stronger wines arrive: not enough yet, so nobody hears of them")?;
        self.show("INSERT INTO cellar SELECT * FROM wine WHERE alcohol >= 10 AND alcohol < 11;")?;
        if let [early, ..] = listener.heard()? {
            fail!("an event came before its threshold: {early:?}");
        }
        self.say("\n-- the strongest follow")?;
        self.show("INSERT INTO cellar SELECT * FROM wine WHERE alcohol >= 11;")?;
        self.show(
            "SELECT event_id, operation, row_count,
       round((feature_stats #>> '{alcohol,mean}')::numeric, 2) AS mean_alcohol,
       round((feature_stats #>> '{quality,mean}')::numeric, 2) AS mean_quality
  FROM ml.data_statistics ORDER BY event_id;",
        )
    }

    /// What happens by itself from here on.
    fn retrain(&mut self, listener: &mut Listener) -> Result<()> {
        let event = listener.first_of("retrain_model", PATIENCE)?;
        self.say("\n-- the client hears")?;
        self.say(&format!("{}: {}", event.channel, event.payload))?;
        let promotion = match listener.first_of("model_promoted", PATIENCE) {
            Ok(promotion) => promotion,
            Err(error) => {
                let jobs = self.cluster.sql(self.database, "TABLE ml.jobs")?;
                fail!("{error}; jobs:\n{jobs}");
            }
        };
        self.say("\n-- and, without anybody having asked,")?;
        self.say(&format!("{}: {}", promotion.channel, promotion.payload))?;
        self.say("\n-- a background worker has trained and judged a second version")?;
        self.show(
            "SELECT job_id, kind, model, state, version, status,
       round(1000 * extract(epoch FROM finished_at - created_at)) AS milliseconds
  FROM ml.jobs;",
        )?;
        self.say("-- the gate scored champion and challenger on the same wines, which neither had learned from")?;
        self.show(
            "SELECT action, from_version, to_version, gate ->> 'rows' AS wines, c ->> 'metric' AS metric,
       round((c ->> 'champion')::numeric, 3) AS champion, round((c ->> 'challenger')::numeric, 3) AS challenger
  FROM ml.alias_history, jsonb_array_elements(gate -> 'comparisons') AS c;",
        )
    }
}
