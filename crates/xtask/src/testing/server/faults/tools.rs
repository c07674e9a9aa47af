//! The tools of these tests: they really kill, stop and hear.

use std::time::Duration;

use super::super::expect;
use crate::cluster::Cluster;
use crate::cluster::crash::{Signal, signal};
use crate::error::Result;
use crate::listener::Listener;

const PATIENCE: Duration = Duration::from_secs(30);
/// A process that is another one after each recovery.
const CHECKPOINTER: &str = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";

/// A killed backend makes the cluster recover, a stopped one does not run, an immediate shutdown keeps what
/// was committed and nothing else, a listener hears each notification once.
pub fn do_what_they_say(common: &Cluster) -> Result<String> {
    let cluster = common.sibling(
        "tools",
        &[("wal_level", "logical"), ("max_prepared_transactions", "5")],
    )?;
    expect(
        "settings",
        &cluster.sql(
            "postgres",
            "SELECT current_setting('wal_level'), current_setting('synchronous_commit')",
        )?,
        "logical|on",
    )?;
    killed(&cluster)?;
    stopped(&cluster)?;
    heard(&cluster)
}

fn killed(cluster: &Cluster) -> Result<()> {
    let mut victim = cluster.session("postgres")?;
    victim
        .run("CREATE TABLE t (k int); INSERT INTO t VALUES (1); BEGIN; INSERT INTO t VALUES (2)")?;
    let before = cluster.sql("postgres", CHECKPOINTER)?;
    signal(victim.backend, Signal::Kill)?;
    drop(victim);
    let another = format!("SELECT ({CHECKPOINTER}) <> {before}");
    cluster.wait_until(PATIENCE, "postgres", &another, "t")?;
    let rows = "SELECT string_agg(k::text, ',') FROM t";
    expect("rows after a kill", &cluster.sql("postgres", rows)?, "1")?;
    cluster.sql("postgres", "INSERT INTO t VALUES (3)")?;
    cluster.stop_immediately()?;
    cluster.start_again()?;
    expect(
        "rows after a shutdown",
        &cluster.sql("postgres", rows)?,
        "1,3",
    )
}

fn stopped(cluster: &Cluster) -> Result<()> {
    let mut session = cluster.session("postgres")?;
    signal(session.backend, Signal::Stop)?;
    session.send("UPDATE t SET k = 4 WHERE k = 3")?;
    std::thread::sleep(Duration::from_millis(200));
    let four = "SELECT count(*) FROM t WHERE k = 4";
    expect("while stopped", &cluster.sql("postgres", four)?, "0")?;
    signal(session.backend, Signal::Continue)?;
    cluster
        .wait_until(PATIENCE, "postgres", four, "1")
        .map(drop)
}

fn heard(cluster: &Cluster) -> Result<String> {
    let mut listener = Listener::open(cluster, "postgres", &["a", "b"])?;
    let mut speaker = cluster.session("postgres")?;
    speaker.run("NOTIFY a, 'one'; NOTIFY c, 'unheard'; NOTIFY b, '{\"two\": \"2\"}'")?;
    let heard = listener.wait_for(2, PATIENCE)?;
    let words: Vec<_> = heard
        .iter()
        .map(|one| format!("{} {} {}", one.channel, one.payload, one.sender))
        .collect();
    let pid = speaker.backend;
    expect(
        "what was heard",
        &words.join(", "),
        &format!("a one {pid}, b {{\"two\": \"2\"}} {pid}"),
    )?;
    cluster.set("work_mem", Some("1MB"))?;
    cluster.wait_until(PATIENCE, "postgres", "SHOW work_mem", "1MB")?;
    cluster.set("work_mem", None)?;
    cluster.wait_until(PATIENCE, "postgres", "SHOW work_mem", "4MB")?;
    Ok(String::new())
}
