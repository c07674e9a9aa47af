//! `pg_dump` and a restore into another cluster: watches and their triggers go on, what was counted and not
//! announced is counted there, jobs wait until they are resumed.

use crate::cluster::Cluster;
use crate::error::Result;
use crate::session::Session;
use crate::testing::server::dump::{Way, as_role, create, lines, restore};
use crate::testing::server::expect;

/// What is dumped, made by the role `tests_dumper`. Of `orders` 6 rows have been announced and 3 have not;
/// of `plain`, whose trigger was written by hand, 4 wait; of `gone` nothing is left.
const WATCHES: &str = "
CREATE TABLE customers AS
SELECT k AS id, (k * 37 % 61)::int AS tenure, (k * 37 % 61) + (k * 13 % 29) < 40 AS churned FROM generate_series(1, 200) AS k;
ALTER TABLE customers ADD PRIMARY KEY (id);
SELECT version FROM ml.train('churn', 'customers', 'churned', features => '{tenure}');
SELECT ml.watch('customers', 'churn', threshold => 100, columns => '{tenure}', channel => 'new rows', min_interval => '2 hours', gate => '{\"metric\": \"roc_auc\"}');
CREATE TABLE orders (id int, v float8) PARTITION BY RANGE (id);
CREATE TABLE orders_low PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
SELECT ml.watch('orders', threshold => 5);
CREATE TABLE plain (id int);
CREATE TRIGGER counting AFTER INSERT ON plain REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data('10');
CREATE TABLE gone (id int);
SELECT ml.watch('gone');
INSERT INTO gone VALUES (1);
DROP TABLE gone;
INSERT INTO customers SELECT k, k % 7, k % 2 = 0 FROM generate_series(201, 240) AS k;
INSERT INTO orders SELECT k, k FROM generate_series(98, 103) AS k;
DELETE FROM orders_rest WHERE id > 100;
INSERT INTO plain SELECT generate_series(1, 4);
SELECT ml.request_retrain('{\"model\": \"churn\"}');
";

/// What must be the same afterwards.
const STATE: &str = "
SELECT 'watches', watch_id, relation, model, threshold, columns, channel, min_interval, gate, owner, created_at FROM ml.watches WHERE relation::oid IN (SELECT oid FROM pg_class) ORDER BY watch_id;
SELECT 'status', watch_id, relation, model, threshold, pending, last_event FROM ml.watch_status ORDER BY watch_id;
SELECT 'triggers', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'shop'::regnamespace) ORDER BY tgrelid::regclass::text, tgname;
SELECT 'statistics', event_id, \"timestamp\", table_name, operation, row_count, feature_stats FROM ml.data_statistics WHERE table_name <> 'gone' ORDER BY event_id;
SELECT 'jobs', job_id, model, kind, state, attempts, run_as, payload, created_at FROM ml.jobs ORDER BY job_id;
";

/// For who owns the tables: what waits, the trigger written by hand included.
const WAITING: &str = "SELECT watch_id, relation, sum(row_count) FROM ml.change_log AS c WHERE c::boolean GROUP BY 1, 2 ORDER BY 1, 2";

/// By a superuser, in both formats.
pub fn by_superuser(cluster: &Cluster) -> Result<String> {
    carry_over(cluster, "watches_by_superuser", "postgres")
}

/// By the owner of the database, no superuser, who installed the extension.
pub fn by_database_owner(cluster: &Cluster) -> Result<String> {
    carry_over(cluster, "watches_by_owner", "tests_dumper")
}

fn carry_over(cluster: &Cluster, name: &str, by: &str) -> Result<String> {
    // Jobs wait for a call here, so that it is known which of them have run.
    let settings = [("pglearn.max_workers", "0")];
    let old = cluster.sibling("old", &settings)?;
    old.sql("postgres", "CREATE ROLE tests_dumper LOGIN")?;
    create(&old, name)?;
    let mut session = as_role(&old, name, "tests_dumper")?;
    session.run("CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml; CREATE SCHEMA shop; SET search_path = shop")?;
    for statement in lines(WATCHES) {
        session.run(statement)?;
    }
    // The name of the schema is in no condition of the dump.
    session.run("ALTER SCHEMA ml RENAME TO learning; ALTER SCHEMA learning RENAME TO ml")?;
    expect(
        "what waits",
        &session.run(WAITING)?,
        "0|plain|4\n1|customers|40\n2|orders|3",
    )?;
    let before = state(&mut session)?;
    let new = cluster.sibling("new", &settings)?;
    new.sql(
        "postgres",
        "CREATE ROLE tests_before; CREATE ROLE tests_dumper LOGIN",
    )?;
    for way in [Way::Plain, Way::Custom] {
        create(&new, name)?;
        restore(&old, &new, name, by, way)?;
        let mut restored = as_role(&new, name, "tests_dumper")?;
        restored.run("SET search_path = shop")?;
        expect("what was restored", &state(&mut restored)?, &before)?;
        let log = "SELECT count(*), sum(row_count), count(DISTINCT xid) < count(*) OR count(*) = 3, bool_and(xid < pg_snapshot_xmin(pg_current_snapshot())) FROM ml.change_log";
        expect("the log", &new.sql(name, log)?, "3|47|t|t")?;
        goes_on(&mut restored)?;
    }
    Ok(String::new())
}

fn state(session: &mut Session) -> Result<String> {
    let mut text = String::new();
    for statement in lines(STATE) {
        text.push_str(&session.run(statement)?);
        text.push('\n');
    }
    Ok(text)
}

/// What the restored database does from now on is what the old one would do.
fn goes_on(session: &mut Session) -> Result<()> {
    // 3 and 3 are more than 5; 4 and 7 more than 10. A partition has its own triggers.
    session.run("INSERT INTO orders_low SELECT k, k FROM generate_series(1, 3) AS k; INSERT INTO plain SELECT generate_series(1, 7)")?;
    let announced = "SELECT relation, row_count FROM ml.announcements WHERE row_count > 0 ORDER BY announcement_id";
    expect(
        "announcements",
        &session.run(announced)?,
        "orders|6\nplain|11",
    )?;
    // New numbers follow the old ones.
    let numbers = "SELECT count(*) = count(DISTINCT event_id) AND ml.watch('plain') > (SELECT max(watch_id) FROM ml.watches WHERE relation::oid <> 'plain'::regclass) FROM ml.data_statistics";
    expect("numbers", &session.run(numbers)?, "t")?;

    // The job waits until somebody says that this is its database now.
    expect(
        "a job from a dump",
        &session.run("SELECT ml.run_pending()")?,
        "0",
    )?;
    expect("resumed", &session.run("SELECT ml.resume_jobs()")?, "1")?;
    expect("run", &session.run("SELECT ml.run_pending()")?, "1")?;
    let done = "SELECT state, version FROM ml.jobs ORDER BY job_id";
    expect("done", &session.run(done)?, "done|2")?;
    // The watch has its model retrained again.
    session.run(
        "INSERT INTO customers SELECT k, k % 7, k % 2 = 0 FROM generate_series(301, 361) AS k",
    )?;
    let queued = "SELECT a.row_count, j.state, j.payload -> 'gate' FROM ml.announcements AS a JOIN ml.jobs AS j USING (job_id) WHERE a.watch_id = 1";
    expect(
        "the next retraining",
        &session.run(queued)?,
        "101|queued|{\"metric\": \"roc_auc\"}",
    )
}
