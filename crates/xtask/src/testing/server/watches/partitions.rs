//! A partition that is attached to a watched table: the next statement on the table has a worker come, who
//! has it watched, without waiting for anybody who writes to it.

use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::server::expect;

/// How long a worker may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

const DATABASE: &str = "watch_partitions";
const PENDING: &str = "SELECT pending FROM ml.watch_status";

/// By a worker that nobody calls.
pub fn are_found(cluster: &Cluster) -> Result<String> {
    cluster.create_database_with_extension(DATABASE)?;
    let mut writer = cluster.session(DATABASE)?;
    writer.run("CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (10)")?;
    writer.run("SELECT ml.watch('parts')")?;
    writer.run("INSERT INTO parts VALUES (1)")?;
    let workers = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND backend_type LIKE 'pglearn%'"
    );
    expect("workers", &cluster.sql("postgres", &workers)?, "0")?;
    writer.run("CREATE TABLE high PARTITION OF parts FOR VALUES FROM (10) TO (20)")?;
    // Somebody is writing to it, for longer than a worker stays without work: it stays until he has ended.
    let mut busy = cluster.session(DATABASE)?;
    busy.run("BEGIN; INSERT INTO high VALUES (11)")?;
    writer.run("INSERT INTO parts VALUES (2)")?;
    expect(
        "a worker does not wait",
        &writer.run("INSERT INTO high VALUES (12)")?,
        "",
    )?;
    thread::sleep(Duration::from_secs(5));
    busy.run("COMMIT")?;
    let triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'high'::regclass";
    let took = cluster.wait_until(PATIENCE, DATABASE, triggers, "4")?;
    expect("before", &writer.run(PENDING)?, "2")?;
    writer.run("INSERT INTO high VALUES (13)")?;
    expect("counted", &writer.run(PENDING)?, "3")?;
    Ok(format!("after {} ms", took.as_millis()))
}
