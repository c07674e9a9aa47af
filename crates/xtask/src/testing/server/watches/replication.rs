//! Logical replication: its apply process fires no statement triggers, so what it changes is counted by
//! `check_watches()`, each row once, and what statements change beside it is not counted twice.

use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::Result;
use crate::testing::server::expect;

/// How long rows, and then their statistics, may take.
const PATIENCE: Duration = Duration::from_secs(60);

const TABLES: &str = "
CREATE TABLE d (k int PRIMARY KEY, v float8);
CREATE TABLE parts (k int PRIMARY KEY, v float8) PARTITION BY RANGE (k);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_high PARTITION OF parts DEFAULT";

/// What the statistics of the server know.
const CHANGED: &str = "SELECT pg_stat_get_tuples_inserted(d) + pg_stat_get_tuples_updated(d) + pg_stat_get_tuples_deleted(d) FROM (SELECT 'd'::regclass::oid) AS t (d)";
const CHANGED_IN_PARTS: &str = "SELECT pg_stat_get_tuples_inserted('parts_low'::regclass) + pg_stat_get_tuples_inserted('parts_high'::regclass)";

/// Looks, and says what waits then.
const PENDING: &str = "SELECT pending FROM ml.check_watches() WHERE relation = 'd'::regclass";
const PENDING_IN_PARTS: &str =
    "SELECT pending FROM ml.check_watches() WHERE relation = 'parts'::regclass";

/// In two databases of one cluster.
pub fn applied_rows_are_polled(cluster: &Cluster) -> Result<String> {
    let cluster = cluster.sibling("replicating", &[("wal_level", "logical")])?;
    cluster.create_database("source")?;
    cluster.create_database_with_extension("target")?;
    let source = |sql: &str| cluster.sql("source", sql);
    let target = |sql: &str| cluster.sql("target", sql);
    let becomes = |question: &str, wanted: &str| {
        cluster
            .wait_until(PATIENCE, "target", question, wanted)
            .map(drop)
    };
    source(TABLES)?;
    target(TABLES)?;
    source("CREATE PUBLICATION p FOR TABLE d, parts")?;
    // A subscription in the same cluster cannot make its slot itself.
    source("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")?;
    let subscribe = format!(
        "CREATE SUBSCRIPTION s CONNECTION 'host={} port=5432 user=postgres dbname=source' PUBLICATION p WITH (create_slot = false, copy_data = false)",
        cluster.place.socket.display()
    );
    target(&subscribe)?;

    // What was there before the watch does not count.
    source("INSERT INTO d SELECT k, k FROM generate_series(1, 100) AS k")?;
    becomes("SELECT count(*) FROM d", "100")?;
    becomes(CHANGED, "100")?;
    target("SELECT ml.watch('d', threshold => 10), ml.watch('parts')")?;
    expect("at first", &target(PENDING)?, "0")?;

    // Rows are applied; the triggers do not fire.
    source(
        "INSERT INTO d SELECT k, k FROM generate_series(101, 105) AS k; UPDATE d SET v = 0 WHERE k < 3; DELETE FROM d WHERE k = 4",
    )?;
    becomes(
        "SELECT count(*), count(*) FILTER (WHERE v = 0) FROM d",
        "104|2",
    )?;
    expect(
        "events",
        &target("SELECT count(*) FROM ml.data_statistics")?,
        "0",
    )?;
    becomes(CHANGED, "108")?;
    expect("polled", &target(PENDING)?, "8")?;
    let events = "SELECT DISTINCT table_name, operation, sum(row_count) OVER (), feature_stats IS NULL FROM ml.data_statistics";
    expect("events of the poll", &target(events)?, "d|POLL|8|t")?;

    // Statements count by their triggers, at once and once.
    target("INSERT INTO d VALUES (1001, 1), (1002, 2)")?;
    let status = "SELECT pending FROM ml.watch_status WHERE relation = 'd'::regclass";
    expect("after a statement", &target(status)?, "10")?;
    becomes(CHANGED, "110")?;
    for _ in 0..3 {
        expect("polled again", &target(PENDING)?, "10")?;
        thread::sleep(Duration::from_millis(50));
    }
    // Enough of both: it is announced by who looks, and the next count begins.
    source("INSERT INTO d VALUES (106, 106)")?;
    becomes(CHANGED, "111")?;
    let announced =
        "SELECT pending, announced FROM ml.check_watches() WHERE relation = 'd'::regclass";
    expect("announced", &target(announced)?, "0|11")?;
    target("UPDATE d SET v = 1 WHERE k IN (1, 2, 3)")?;
    becomes(CHANGED, "114")?;
    expect("a statement after it", &target(PENDING)?, "3")?;

    // Partitions: rows are applied to them under their own names.
    source("INSERT INTO parts VALUES (1, 1), (2, 2), (200, 3)")?;
    becomes(CHANGED_IN_PARTS, "3")?;
    expect("polled partitions", &target(PENDING_IN_PARTS)?, "3")?;
    target("INSERT INTO parts VALUES (3, 3), (300, 3); INSERT INTO parts_low VALUES (4, 4)")?;
    becomes(
        "SELECT pg_stat_get_tuples_inserted('parts_low'::regclass) + pg_stat_get_tuples_inserted('parts_high'::regclass)",
        "6",
    )?;
    expect("in partitions", &target(PENDING_IN_PARTS)?, "6")?;

    // Statistics that begin anew: nothing is counted twice, and what comes is counted.
    target("SELECT pg_stat_reset()")?;
    expect("after a reset", &target(PENDING)?, "3")?;
    source("INSERT INTO d VALUES (107, 107), (108, 108)")?;
    becomes(CHANGED, "2")?;
    expect("polled after a reset", &target(PENDING)?, "5")?;
    // Without a subscription there is nothing to poll.
    target("ALTER SUBSCRIPTION s DISABLE")?;
    target("ALTER SUBSCRIPTION s SET (slot_name = NONE)")?;
    target("DROP SUBSCRIPTION s")?;
    expect("without a subscription", &target(PENDING)?, "5")?;
    expect("accounts", &target("SELECT count(*) FROM ml.polls")?, "0")?;
    source("SELECT pg_drop_replication_slot('s')").map(|_| String::new())
}
