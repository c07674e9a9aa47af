//! Models whose versions are told apart by what they answer.

use std::thread;
use std::time::Duration;

use super::expect;
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::session::Session;

/// 200 rows; the columns are independent of each other.
pub const DATA: &str = "CREATE TABLE d AS SELECT k, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b FROM generate_series(1, 200) AS k";

/// What `answer` is 3 times: `1 + 2 * 1` of the version that was trained with a factor of one.
pub const ASK: &str = "SELECT round(ml.predict('m', 1.0, 1.0)::numeric, 6)::float8";

/// A session in a new database with the extension and [`DATA`].
pub fn database(cluster: &Cluster, name: &str) -> Result<Session> {
    cluster.create_database_with_extension(name)?;
    let mut session = open(cluster, name)?;
    session.run(DATA)?;
    Ok(session)
}

/// A session that prints answers only.
pub fn open(cluster: &Cluster, database: &str) -> Result<Session> {
    let mut session = cluster.session(database)?;
    session.run("SET client_min_messages = error")?;
    Ok(session)
}

/// The statement that trains a version of a model which answers `factor * (a + 2 b)`.
pub fn training(model: &str, factor: u32) -> String {
    format!(
        "SELECT version FROM ml.train('{model}', 'SELECT a, b, {factor} * (a + 2 * b) AS y FROM d', 'y', \
         algorithm => 'linear_regression', split => '{{\"method\": \"none\"}}')"
    )
}

/// Model `m` with two versions, which answer 3 and 30; the first one serves.
pub fn two_versions(session: &mut Session) -> Result<()> {
    expect("the first version", &session.run(&training("m", 1))?, "1")?;
    session.run("SELECT ml.promote('m', 1)")?;
    expect("the second version", &session.run(&training("m", 10))?, "2")?;
    must_answer(session, "before anything happens", "3")
}

/// What a session is answered by model `m`.
pub fn must_answer(session: &mut Session, when: &str, wanted: &str) -> Result<()> {
    expect(when, &session.run(ASK)?, wanted)
}

/// Runs a statement that must fail.
pub fn must_refuse(session: &mut Session, sql: &str, sqlstate: &str) -> Result<String> {
    session.send(sql)?;
    let answer = session.finish()?;
    if answer.sqlstate != sqlstate {
        fail!(
            "{sql}\n  got    {} {}\n  wanted {sqlstate}",
            answer.sqlstate,
            answer.text
        );
    }
    Ok(answer.text)
}

/// Waits until a backend waits for a lock.
pub fn wait_for_lock(observer: &mut Session, backend: u32) -> Result<()> {
    let waiting =
        format!("SELECT count(*) > 0 FROM pg_locks WHERE pid = {backend} AND NOT granted");
    wait_until(observer, &waiting, "the session never waited for a lock")
}

/// Waits until a question is answered by yes.
pub fn wait_until(observer: &mut Session, question: &str, complaint: &str) -> Result<()> {
    for _ in 0..2000 {
        if observer.run(question)? == "t" {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    fail!("{complaint}");
}
