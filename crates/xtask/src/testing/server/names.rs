//! Versions keep their numbers apart when several sessions train one name.

use super::models::{database, must_refuse, open, training, wait_for_lock};
use super::{expect, nothing_measured};
use crate::cluster::Cluster;
use crate::error::{Result, fail};

/// The versions of a model, and what each answers.
const VERSIONS: &str = "SELECT string_agg(v.version::text || ':' || round(ml.predict('m@' || v.version, 1.0, 1.0)::numeric, 4)::float8, ' ' ORDER BY v.version)
  FROM ml.model_versions AS v JOIN ml.models AS m USING (model_id) WHERE m.name = 'm'";

/// Two sessions train an existing model at once: two versions, no error, whoever gives up.
pub fn of_an_existing_model(cluster: &Cluster) -> Result<String> {
    two_sessions(cluster, "names_existing", true)
}

/// Two sessions make one model at once: one model, two versions, no error.
pub fn of_a_new_model(cluster: &Cluster) -> Result<String> {
    two_sessions(cluster, "names_new", false)
}

fn two_sessions(cluster: &Cluster, name: &str, exists: bool) -> Result<String> {
    for end in ["COMMIT", "ROLLBACK"] {
        let mut first = database(cluster, name)?;
        let mut second = open(cluster, name)?;
        if exists {
            expect("the version before", &first.run(&training("m", 1))?, "1")?;
        }
        first.run("BEGIN")?;
        let number = first.run(&training("m", 10))?;
        second.send(&training("m", 100))?;
        wait_for_lock(&mut first, second.backend)?;
        first.run(end)?;
        let answer = second.finish()?;
        expect("the second training", &answer.sqlstate, "00000")?;
        let mut wanted = Vec::new();
        if exists {
            wanted.push("1:3".to_owned());
        }
        if end == "COMMIT" {
            wanted.push(format!("{number}:30"));
        }
        wanted.push(format!("{}:300", answer.text));
        expect(end, &first.run(VERSIONS)?, &wanted.join(" "))?;
        let highest =
            "SELECT last_version = (SELECT max(version) FROM ml.model_versions) FROM ml.models";
        expect("the highest number", &first.run(highest)?, "t")?;
    }
    Ok(String::new())
}

/// Four sessions train one new name ten times each, without waiting for one another in any order.
pub fn in_a_rush(cluster: &Cluster) -> Result<String> {
    let name = "names_rush";
    let mut observer = database(cluster, name)?;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(open(cluster, name)?);
    }
    let statement = training("m", 1).replace("SELECT version", "PERFORM version");
    for session in &mut sessions {
        session.send(&format!(
            "DO $$ BEGIN FOR i IN 1..10 LOOP {statement}; COMMIT; END LOOP; END $$"
        ))?;
    }
    for session in &mut sessions {
        let answer = session.finish()?;
        if answer.sqlstate != "00000" {
            fail!("a training failed: {answer:?}");
        }
    }
    let versions = "SELECT count(*), count(DISTINCT version), min(version), max(version), (SELECT count(*) FROM ml.models) FROM ml.model_versions";
    expect("the versions", &observer.run(versions)?, "40|40|1|40|1").map(nothing_measured)
}

/// A transaction that cannot see the other's version is told to try again, not given its number.
pub fn under_repeatable_read(cluster: &Cluster) -> Result<String> {
    let name = "names_repeatable";
    let mut first = database(cluster, name)?;
    let mut second = open(cluster, name)?;
    first.run(&training("m", 1))?;
    second.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM d")?;
    first.run(&training("m", 10))?;
    must_refuse(&mut second, &training("m", 100), "40001")?;
    second.run("ROLLBACK")?;
    expect("the next training", &second.run(&training("m", 100))?, "3")?;
    expect("all of them", &first.run(VERSIONS)?, "1:3 2:30 3:300").map(nothing_measured)
}
