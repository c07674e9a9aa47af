//! What the settings bound: the time of an attempt, and how long what is past is kept.

use std::thread;
use std::time::Duration;

use super::super::expect;
use super::super::faults::trainings::{self, PATIENCE, Phase};
use crate::cluster::Cluster;
use crate::error::Result;

/// `pglearn.job_timeout` is for jobs that have no limit of their own.
pub fn of_time(common: &Cluster) -> Result<String> {
    let cluster = common.sibling("job-timeout", &[("pglearn.job_timeout", "700ms")])?;
    let database = "job_timeout";
    trainings::database(&cluster, database)?;
    let held = trainings::hold(&cluster, database, Phase::Reading)?;
    trainings::wait_for_job(&cluster, database, &held.job, "failed 1 - 57014")?;
    let error = format!("SELECT error FROM ml.jobs WHERE job_id = {}", held.job);
    expect(
        "the error",
        &cluster.sql(database, &error)?,
        "the attempt took longer than 0.7 s",
    )?;
    let patient = "SELECT ml.request_retrain('{\"model\": \"narrow\", \"timeout\": \"1 min\"}')";
    let patient = cluster.sql(database, patient)?;
    trainings::wait_for_job(&cluster, database, &patient, "running 1 - -")?;
    thread::sleep(Duration::from_millis(1200));
    trainings::wait_for_job(&cluster, database, &patient, "running 1 - -")?;
    trainings::let_go(&cluster, database)?;
    trainings::wait_for_job(&cluster, database, &patient, "done 1 2 -")?;
    // The setting is obeyed as it is when an attempt begins.
    cluster.set("pglearn.job_timeout", Some("0"))?;
    cluster.wait_until(PATIENCE, database, "SHOW pglearn.job_timeout", "0")?;
    let held = trainings::hold(&cluster, database, Phase::Reading)?;
    thread::sleep(Duration::from_millis(1200));
    trainings::let_go(&cluster, database)?;
    trainings::wait_for_job(&cluster, database, &held.job, "done 1 3 -")?;
    trainings::must_be_whole(
        &cluster,
        database,
        "narrow ->1, wide ->1, narrow 1>2, narrow 2>3",
    )?;
    Ok(String::new())
}

/// `pglearn.job_retention` and `pglearn.statistics_retention`: shorter than the default, and for ever.
pub fn of_the_past(common: &Cluster) -> Result<String> {
    let settings = [
        ("pglearn.max_workers", "0"),
        ("pglearn.job_retention", "-1"),
        ("pglearn.statistics_retention", "-1"),
    ];
    let cluster = common.sibling("retention", &settings)?;
    let database = "retention";
    cluster.create_database_with_extension(database)?;
    cluster.sql(
        database,
        "CREATE TABLE d (i int); SELECT ml.watch('d', threshold => 1);
         INSERT INTO d VALUES (1), (2); INSERT INTO d VALUES (3), (4); INSERT INTO d VALUES (5), (6);
         INSERT INTO ml.jobs (model, kind, state, run_as, finished_at)
           SELECT 'm', 'train', 'done', 'postgres', now() - age FROM unnest('{1 hour,25 hours,20 days,400 days}'::interval[]) AS age;
         UPDATE ml.data_statistics SET \"timestamp\" = now() - (ARRAY['400 days', '25 hours', '1 hour']::interval[])[event_id];
         UPDATE ml.announcements SET announced_at = now() - (ARRAY['500 days', '400 days', '25 hours', '1 hour']::interval[])[announcement_id]",
    )?;
    let kept = "SELECT (SELECT count(*) FROM ml.jobs), (SELECT count(*) FROM ml.data_statistics), (SELECT count(*) FROM ml.announcements)";
    let everything = "4|3|4";
    expect("at first", &cluster.sql(database, kept)?, everything)?;
    for (retention, wanted) in [("-1", everything), ("30d", "3|2|2"), ("1d", "1|1|1")] {
        for setting in ["pglearn.job_retention", "pglearn.statistics_retention"] {
            cluster.set(setting, Some(retention))?;
            let show = format!("SHOW {setting}");
            cluster.wait_until(PATIENCE, database, &show, retention)?;
        }
        // A session prunes when it looks for the first time.
        cluster.sql(database, "SELECT ml.run_pending(0)")?;
        expect(retention, &cluster.sql(database, kept)?, wanted)?;
    }
    Ok(String::new())
}
