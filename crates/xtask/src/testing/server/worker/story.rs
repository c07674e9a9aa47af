//! The whole loop, as it is meant to be used.

use super::super::expect;
use super::super::faults::trainings::PATIENCE;
use super::{WORKERS, wait_for_workers};
use crate::cluster::Cluster;
use crate::error::Result;
use crate::listener::Listener;

/// The owner of a table and of a model that was trained when warmth and load went together in another way; and a
/// writer who may insert and nothing else.
const SETUP: &str = r#"
    CREATE ROLE keeper; CREATE ROLE writer;
    CREATE SCHEMA shop AUTHORIZATION keeper; GRANT USAGE ON SCHEMA ml, shop TO keeper; GRANT USAGE ON SCHEMA shop TO writer;
    SET SESSION AUTHORIZATION keeper; SET client_min_messages = error;
    CREATE TABLE shop.readings (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, warmth float8, load float8);
    GRANT INSERT ON shop.readings TO writer;
    INSERT INTO shop.readings (warmth, load) SELECT i % 50, 2 * (i % 50) + i * 7919 % 101 / 50.0 FROM generate_series(1, 300) AS i;
    SELECT version, status FROM ml.train('load', 'shop.readings', 'load', algorithm => 'linear_regression', features => '{warmth}',
      split => '{"method": "random", "key": "id"}', alias => 'champion');
    SELECT ml.watch('shop.readings', 'load', threshold => 1000, min_interval => '0')"#;

/// Rows as they are by now: the load is five times the warmth.
fn arrivals(count: u32) -> String {
    format!(
        "INSERT INTO shop.readings (warmth, load) SELECT i % 50, 5 * (i % 50) + i * 7919 % 101 / 50.0 FROM generate_series(1, {count}) AS i"
    )
}

/// What the champion says of 40 degrees, near 80 or near 200.
const ASK: &str = "SELECT round(ml.predict('load', 40.0) / 20) * 20";

/// Insert by insert: counted, announced, trained, compared, promoted, answered by; without preloading, without
/// a right of who inserts. A challenger that is not good enough for its gate changes nothing.
pub fn of_new_rows(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("story", &[])?;
    let database = "story";
    cluster.create_database_with_extension(database)?;
    let mut keeper = cluster.session(database)?;
    keeper.run(SETUP)?;
    keeper.run(&format!("PREPARE ask AS {ASK}"))?;
    expect("the first answer", &keeper.run("EXECUTE ask")?, "80")?;
    let mut listener = Listener::open(&cluster, database, &["retrain_model", "model_promoted"])?;
    let mut writer = cluster.session(database)?;
    writer.run("SET SESSION AUTHORIZATION writer")?;

    // Not more than the threshold.
    writer.run(&arrivals(400))?;
    writer.run(&arrivals(600))?;
    expect("workers", &cluster.sql(database, WORKERS)?, "0")?;
    expect("notifications", &listener.heard()?.len().to_string(), "0")?;
    writer.run(&arrivals(1))?;
    let jobs = "SELECT string_agg(concat_ws(' ', kind, state, attempts, run_as, version, status), ', ' ORDER BY job_id) FROM ml.jobs";
    let done = "retrain done 1 keeper 2 promoted";
    let time = cluster.wait_until(PATIENCE, database, jobs, done)?;
    let heard = listener.wait_for(2, PATIENCE)?;
    expect("the event", &heard[0].channel, "retrain_model")?;
    let read = |payload: &str, what: &str| {
        cluster.sql(
            database,
            &format!("SELECT {what} FROM (SELECT '{payload}'::jsonb AS p) AS q"),
        )
    };
    let keys = "p ->> 'table', p ->> 'schema', p ->> 'count', (p ->> 'event_id')::int > 0";
    expect(
        "its payload",
        &read(&heard[0].payload, keys)?,
        "readings|shop|1001|t",
    )?;
    let keys = "p ->> 'model', p ->> 'alias', p ->> 'version', p ->> 'from_version'";
    expect(
        &heard[1].channel,
        &read(&heard[1].payload, keys)?,
        "load|champion|2|1",
    )?;
    expect("an open session", &keeper.run("EXECUTE ask")?, "180")?;
    let verdict = "SELECT action, from_version, to_version, gate IS NOT NULL, reason IS NOT NULL FROM ml.alias_history ORDER BY history_id DESC LIMIT 1";
    let verdict = verdict.replace(", reason IS NOT NULL", "");
    expect(
        "the verdict",
        &cluster.sql(database, &verdict)?,
        "promote|1|2|t",
    )?;

    // The next one would have to be much better.
    keeper.run("SELECT ml.watch('shop.readings', 'load', threshold => 1000, min_interval => '0', gate => '{\"metric\": \"rmse\", \"min_delta\": 1000}')")?;
    writer.run("BEGIN; SAVEPOINT s")?;
    writer.run(&arrivals(5000))?;
    writer.run("ROLLBACK TO s")?;
    writer.run(&arrivals(1100))?;
    writer.run("COMMIT")?;
    let refused = format!("{done}, retrain done 1 keeper 3 refused");
    cluster.wait_until(PATIENCE, database, jobs, &refused)?;
    let heard = listener.wait_for(3, PATIENCE)?;
    expect(
        "its count",
        &read(&heard[2].payload, "p ->> 'count'")?,
        "1100",
    )?;
    expect("the champion", &keeper.run("EXECUTE ask")?, "180")?;
    wait_for_workers(&cluster, database, 0)?;
    Ok(format!("promoted {} ms after the commit", time.as_millis()))
}
