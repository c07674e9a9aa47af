//! What is counted and heard: rows that were committed, each once, whatever the transactions do.

use std::time::Duration;

use super::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::listener::Listener;
use crate::session::Session;
use crate::testing::server::expect;
use crate::testing::server::models::wait_for_lock;

/// Rows that no announcement has counted yet, announced ones, announcements, statements with statistics.
const COUNTS: &str = "SELECT (SELECT coalesce(sum(pending), 0) FROM ml.watch_status), (SELECT coalesce(sum(row_count), 0) FROM ml.announcements),
  (SELECT count(*) FROM ml.announcements WHERE row_count > 0), (SELECT count(*) FROM ml.data_statistics)";

/// A table that is watched with a threshold of 1,000, and somebody who listens.
pub struct Watched<'a> {
    cluster: &'a Cluster,
    database: &'a str,
    /// Who listens to `retrain_model`.
    listener: Listener,
    /// The last announcement before it came.
    since: String,
}

impl<'a> Watched<'a> {
    /// Makes the database and the table `d`.
    pub fn new(cluster: &'a Cluster, database: &'a str) -> Result<Self> {
        cluster.create_database_with_extension(database)?;
        cluster.sql(
            database,
            "CREATE TABLE d (k int, v float8); SELECT ml.watch('d', threshold => 1000)",
        )?;
        Ok(Self {
            cluster,
            database,
            listener: Listener::open(cluster, database, &["retrain_model"])?,
            since: "0".to_owned(),
        })
    }

    /// Another listener takes the place of one whose server was gone.
    pub fn listen_anew(&mut self) -> Result<()> {
        self.listener = Listener::open(self.cluster, self.database, &["retrain_model"])?;
        let last = "SELECT max(announcement_id) FROM ml.announcements";
        self.since = self.cluster.sql(self.database, last)?;
        Ok(())
    }

    /// A session that writes.
    pub fn writer(&self) -> Result<Session> {
        self.cluster.session(self.database)
    }

    /// Fails unless this is counted: pending rows, announced rows, announcements, statements; and unless what was
    /// heard says the same.
    pub fn must_have(&mut self, when: &str, wanted: &str) -> Result<()> {
        let got = self
            .cluster
            .wait_until(PATIENCE, self.database, COUNTS, wanted);
        if let Err(error) = got {
            fail!("{when}: {error}");
        }
        self.must_have_heard(when)
    }

    /// Fails unless the listener hears each announcement once, with the keys and the count that it has.
    pub fn must_have_heard(&mut self, when: &str) -> Result<()> {
        let announced = self.cluster.sql(
            self.database,
            &format!(
                "SELECT payload FROM ml.announcements WHERE row_count > 0 AND announcement_id > {} ORDER BY payload COLLATE \"C\"",
                self.since
            ),
        )?;
        let mut heard: Vec<String> = self
            .listener
            .wait_for(announced.lines().count(), PATIENCE)?
            .into_iter()
            .map(|notification| notification.payload)
            .collect();
        heard.sort();
        expect(when, &heard.join("\n"), &announced)?;
        let wrong = "SELECT count(*) FROM ml.announcements WHERE row_count > 0 AND
           (payload::jsonb ->> 'table', payload::jsonb ->> 'schema', (payload::jsonb ->> 'count')::bigint, channel)
           IS DISTINCT FROM ('d', 'public', row_count, 'retrain_model')";
        expect(
            "payloads that say something else than their announcement",
            &self.cluster.sql(self.database, wrong)?,
            "0",
        )
    }
}

/// `n` rows.
pub fn insert(n: u32) -> String {
    format!("INSERT INTO d SELECT k, k FROM generate_series(1, {n}) AS k")
}

/// ROLLBACK and ROLLBACK TO leave nothing, not even where the threshold was exceeded before.
pub fn rolled_back(cluster: &Cluster) -> Result<String> {
    let mut d = Watched::new(cluster, "fault_rollback")?;
    let mut writer = d.writer()?;
    writer.run(&format!("BEGIN; {}; ROLLBACK", insert(1500)))?;
    d.must_have("after ROLLBACK", "0|0|0|0")?;
    writer.run(&format!(
        "BEGIN; SAVEPOINT s; {}; ROLLBACK TO s; {}; COMMIT",
        insert(1500),
        insert(600)
    ))?;
    d.must_have("after ROLLBACK TO", "600|0|0|1")?;
    writer.run(&format!(
        "BEGIN; {}; SAVEPOINT s; {}; RELEASE s; COMMIT",
        insert(300),
        insert(300)
    ))?;
    d.must_have("after RELEASE", "0|1200|1|3")?;
    // Announced within the savepoint, taken back, and again after it.
    writer.run(&format!(
        "BEGIN; SAVEPOINT s; {0}; ROLLBACK TO s; SAVEPOINT s; {0}; SAVEPOINT t; {1}; ROLLBACK TO t; {0}; COMMIT",
        insert(700),
        insert(2000)
    ))?;
    d.must_have("after two savepoints", "0|2600|2|5")?;
    // An error in the middle, caught by PL/pgSQL.
    writer.run(&format!(
        "DO $$ BEGIN BEGIN {}; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN NULL; END; {}; END $$",
        insert(1500),
        insert(5)
    ))?;
    d.must_have("after a caught error", "5|2600|2|6")?;
    // Several announcements of one transaction, of equal counts.
    writer.run(&format!("BEGIN; {0}; {0}; {0}; COMMIT", insert(1001)))?;
    d.must_have("after three in one", "0|5608|5|9")?;
    writer.send(&format!("BEGIN; {}; SELECT 1 / 0; COMMIT", insert(1500)))?;
    writer.finish()?;
    d.must_have("after a failed transaction", "0|5608|5|9")?;
    let jobs = "SELECT count(*) FROM ml.jobs";
    expect("jobs of a watch without a model", &writer.run(jobs)?, "0").map(|()| String::new())
}

/// A writer that is terminated, or killed by its client's end, in the middle of a statement.
pub fn writer_terminated(cluster: &Cluster) -> Result<String> {
    let mut d = Watched::new(cluster, "fault_writer")?;
    let mut observer = d.writer()?;
    for when in ["BEFORE", "AFTER"] {
        // Ours is fired before or after it, by name.
        let name = if when == "BEFORE" { "a" } else { "z" };
        observer.run(&format!(
            "CREATE OR REPLACE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
             CREATE TRIGGER {name} AFTER INSERT ON d FOR EACH STATEMENT EXECUTE FUNCTION stay()"
        ))?;
        let mut writer = d.writer()?;
        let victim = writer.backend;
        writer.send(&insert(1500))?;
        let asleep = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {victim} AND wait_event = 'PgSleep'"
        );
        cluster.wait_until(PATIENCE, "fault_writer", &asleep, "1")?;
        observer.run(&format!("SELECT pg_terminate_backend({victim})"))?;
        let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {victim}");
        cluster.wait_until(PATIENCE, "fault_writer", &gone, "0")?;
        observer.run(&format!("DROP TRIGGER {name} ON d"))?;
        d.must_have("after its end", "0|0|0|0")?;
    }
    observer.run(&insert(1001))?;
    d.must_have("of the next writer", "0|1001|1|1")?;
    Ok(String::new())
}

/// Transactions that overlap: none of them sees enough rows, together they are enough.
pub fn overlapping(cluster: &Cluster) -> Result<String> {
    let mut d = Watched::new(cluster, "fault_overlap")?;
    let mut writers = [d.writer()?, d.writer()?, d.writer()?];
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        for writer in &mut writers {
            writer.run(&format!(
                "BEGIN ISOLATION LEVEL {level}; {}; {}",
                insert(300),
                insert(100)
            ))?;
        }
        for writer in &mut writers {
            writer.run("COMMIT")?;
        }
    }
    // A worker finds them, or somebody asks.
    cluster.sql("fault_overlap", "SELECT ml.check_watches()")?;
    let all = "SELECT (SELECT sum(row_count) FROM ml.announcements) + pending, pending <= 1000, (SELECT min(row_count) > 1000 FROM ml.announcements WHERE row_count > 0)
      FROM ml.watch_status";
    cluster.wait_until(PATIENCE, "fault_overlap", all, "3600|t|t")?;
    d.must_have_heard("what was heard")?;
    expect(
        "statements",
        &cluster.sql("fault_overlap", "SELECT count(*), sum(row_count), min((feature_stats -> 'v' ->> 'count')::int) FROM ml.data_statistics")?,
        "18|3600|100",
    )
    .map(|()| String::new())
}

/// Prepared transactions can be prepared; they count when they are committed, wherever and whenever that is,
/// and not when they are rolled back.
pub fn prepared(common: &Cluster) -> Result<String> {
    let cluster = common.sibling(
        "prepared",
        &[
            ("max_prepared_transactions", "5"),
            ("pglearn.poll_interval", "100ms"),
        ],
    )?;
    let mut d = Watched::new(&cluster, "prepared")?;
    let mut writer = d.writer()?;
    let mut other = d.writer()?;
    writer.run(&format!(
        "BEGIN; {}; PREPARE TRANSACTION 'one'",
        insert(1500)
    ))?;
    d.must_have("while it is prepared", "0|0|0|0")?;
    // Nobody waits for it.
    other.run(&format!("SET statement_timeout = '5s'; {}", insert(500)))?;
    d.must_have("beside it", "500|0|0|1")?;
    other.run("COMMIT PREPARED 'one'")?;
    sweep(&cluster, "prepared")?;
    d.must_have("after COMMIT PREPARED", "500|1500|1|2")?;
    writer.run(&insert(501))?;
    d.must_have("the threshold exceeded again", "0|2501|2|3")?;

    writer.run(&format!(
        "BEGIN; {}; PREPARE TRANSACTION 'two'",
        insert(1500)
    ))?;
    other.run("ROLLBACK PREPARED 'two'")?;
    sweep(&cluster, "prepared")?;
    d.must_have("after ROLLBACK PREPARED", "0|2501|2|3")?;

    // Over a crash; and others exceed the threshold by themselves while it is undecided.
    writer.run(&format!(
        "BEGIN; {}; PREPARE TRANSACTION 'three'",
        insert(1500)
    ))?;
    drop((writer, other));
    cluster.stop_immediately()?;
    cluster.start_again()?;
    d.listen_anew()?;
    cluster.sql("prepared", &insert(1100))?;
    d.must_have("beside an undecided one", "1100|2501|2|4")?;
    cluster.sql("prepared", "COMMIT PREPARED 'three'")?;
    sweep(&cluster, "prepared")?;
    d.must_have("after the crash", "0|5101|4|5")?;
    expect(
        "the outbox",
        &cluster.sql("prepared", "SELECT count(*) FROM ml.outbox")?,
        "0",
    )?;
    Ok(String::new())
}

fn sweep(cluster: &Cluster, database: &str) -> Result<()> {
    cluster.sql(database, "SELECT ml.check_watches()").map(drop)
}

/// A listener that is busy, or comes while rows are written, hears what is committed after its LISTEN, once;
/// several hear the same; a channel of one's own works.
pub fn heard(cluster: &Cluster) -> Result<String> {
    let mut d = Watched::new(cluster, "fault_heard")?;
    cluster.sql(
        "fault_heard",
        "CREATE SCHEMA other; CREATE TABLE other.\"Odd \"\"name\" (k int);
         SELECT ml.watch('other.\"Odd \"\"name\"', threshold => 2, channel => 'my channel')",
    )?;
    let mut second = Listener::open(cluster, "fault_heard", &["retrain_model", "\"my channel\""])?;
    let mut writer = d.writer()?;
    writer.run(&insert(1001))?;
    writer.run("INSERT INTO other.\"Odd \"\"name\" VALUES (1), (2), (3)")?;
    writer.run(&insert(1002))?;
    let heard = second.wait_for(3, PATIENCE)?;
    let told: Vec<String> = heard
        .iter()
        .map(|one| format!("{}: {}", one.channel, one.payload))
        .collect();
    let keys = cluster.sql(
        "fault_heard",
        &format!(
            "SELECT string_agg(concat_ws(' ', c, p ->> 'schema', p ->> 'table', p ->> 'count'), ', ' ORDER BY n) FROM (
               SELECT n, split_part(t, ': ', 1) AS c, substr(t, strpos(t, ': ') + 2)::jsonb AS p FROM unnest(ARRAY[{}]) WITH ORDINALITY AS u(t, n)) AS q",
            told.iter().map(|text| format!("$t${text}$t$")).collect::<Vec<_>>().join(", ")
        ),
    )?;
    expect(
        "what was heard",
        &keys,
        "retrain_model public d 1001, my channel other Odd \"name 3, retrain_model public d 1002",
    )?;
    if heard.iter().any(|one| one.sender != writer.backend) {
        fail!("sent by another process than the writer: {heard:?}");
    }
    d.listener.wait_for(2, PATIENCE)?;
    // One that waits for a lock within a transaction hears when that has ended.
    let mut busy = Listener::open(cluster, "fault_heard", &["retrain_model"])?;
    writer.run("BEGIN; LOCK TABLE other.\"Odd \"\"name\"")?;
    busy.session()
        .send("BEGIN; SELECT count(*) FROM other.\"Odd \"\"name\"; COMMIT")?;
    let waiting = busy.session().backend;
    wait_for_lock(&mut cluster.session("postgres")?, waiting)?;
    let mut quick = d.writer()?;
    quick.run(&insert(1003))?;
    writer.run("COMMIT")?;
    let answer = busy.session().finish()?;
    let late = answer.text.matches("\"count\": 1003").count();
    let heard = busy.wait_for(1 - late, Duration::from_secs(5))?;
    expect(
        "heard by a busy one",
        &(late + heard.len()).to_string(),
        "1",
    )
    .map(|()| String::new())
}
