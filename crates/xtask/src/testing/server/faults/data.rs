//! Rows that nothing can be learned from any more, and rights that are gone: the job says so, and the champion
//! serves on.

use super::trainings::PATIENCE;
use crate::cluster::Cluster;
use crate::error::{Result, fail};
use crate::testing::server::expect;

/// What happened to the rows, and how the job ends.
struct Case {
    /// Name of the table and of its model.
    name: &'static str,
    /// What happened.
    spoil: &'static str,
    /// `state status sqlstate` of the job.
    end: &'static str,
    /// Part of its error.
    error: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "target_dropped",
        spoil: "ALTER TABLE target_dropped DROP COLUMN y",
        end: "failed - 42703",
        error: "the source has no column \"y\"",
    },
    Case {
        name: "named_input_dropped",
        spoil: "ALTER TABLE named_input_dropped DROP COLUMN b",
        end: "failed - 42703",
        error: "\"b\"",
    },
    // Inputs were not named, but a retraining keeps those of the version it repeats.
    Case {
        name: "input_dropped",
        spoil: "ALTER TABLE input_dropped DROP COLUMN b",
        end: "failed - 42703",
        error: "\"b\"",
    },
    Case {
        name: "input_null",
        spoil: "UPDATE input_null SET b = NULL",
        end: "done refused -",
        error: "",
    },
    Case {
        name: "target_null",
        spoil: "UPDATE target_null SET y = NULL",
        end: "failed - P0002",
        error: "no rows to learn from",
    },
    Case {
        name: "one_class",
        spoil: "UPDATE one_class SET y = true",
        end: "failed - 22023",
        error: "column \"y\" has a single value, true",
    },
    Case {
        name: "infinite",
        spoil: "UPDATE infinite SET b = 'Infinity'",
        end: "failed - 22003",
        error: "column \"b\" contains an infinity",
    },
    Case {
        name: "table_dropped",
        spoil: "DROP TABLE table_dropped",
        end: "failed - 42P01",
        error: "does not exist any more",
    },
    Case {
        name: "table_empty",
        spoil: "TRUNCATE table_empty",
        end: "failed - P0002",
        error: "no rows to learn from",
    },
    Case {
        name: "model_dropped",
        spoil: "SELECT ml.drop_model('model_dropped')",
        end: "failed - 42704",
        error: "model \"model_dropped\" does not exist",
    },
];

/// Each case: a job that was queued before its rows went bad ends with a clear error, once; the champion
/// answers as before.
pub fn that_became_invalid(cluster: &Cluster) -> Result<String> {
    let database = "fault_data";
    cluster.create_database_with_extension(database)?;
    for case in CASES {
        let inputs = match case.name {
            "named_input_dropped" => "features => '{a,b}'",
            _ => "exclude => '{k}'",
        };
        cluster.sql(
            database,
            &format!(
                "SET client_min_messages = error;
                 CREATE TABLE {0} AS SELECT k, (k * 37 % 11)::float8 AS a, (k * 53 % 7)::float8 AS b, k * 37 % 11 + k % 3 > 6 AS y
                   FROM generate_series(1, 300) AS k;
                 ALTER TABLE {0} ADD PRIMARY KEY (k);
                 SELECT version FROM ml.train('{0}', '{0}', 'y', {inputs}, algorithm => 'logistic_regression');
                 SELECT ml.promote('{0}', 1)",
                case.name
            ),
        )?;
    }
    let ask = |name: &str| {
        cluster.sql(
            database,
            &format!("SELECT ml.predict_proba('{name}', 3.0, 5.0)"),
        )
    };
    for case in CASES {
        let before = ask(case.name)?;
        // Both in one transaction: no worker sees the job before the rows are bad.
        let statements = format!(
            "SET client_min_messages = error;
             SELECT FROM ml.retrain('{}'); {}",
            case.name, case.spoil
        );
        cluster.sql(database, &statements)?;
        let end = format!(
            "SELECT concat_ws(' ', state, coalesce(status, '-'), coalesce(sqlstate, '-')), attempts FROM ml.jobs WHERE model = '{}'",
            case.name
        );
        cluster.wait_until(PATIENCE, database, &end, &format!("{}|1", case.end))?;
        let error = format!(
            "SELECT coalesce(error, '') FROM ml.jobs WHERE model = '{}'",
            case.name
        );
        let error = cluster.sql(database, &error)?;
        if !error.contains(case.error) {
            fail!("{}: the job says `{error}`", case.name);
        }
        if case.name != "model_dropped" {
            expect("the champion's answer", &ask(case.name)?, &before)?;
            expect(
                case.name,
                &cluster.sql(
                    database,
                    &format!("SELECT a.version FROM ml.model_aliases AS a JOIN ml.models AS m USING (model_id) WHERE m.name = '{}'", case.name),
                )?,
                "1",
            )?;
        }
    }
    Ok(format!("{} cases", CASES.len()))
}

/// The maker of a watch loses what he needs, one right after the other: writers never notice; his job fails and
/// says why, or is not queued; the champion serves on.
pub fn whose_reader_lost_rights(cluster: &Cluster) -> Result<String> {
    let database = "fault_rights";
    cluster.sql(
        "postgres",
        "DROP DATABASE IF EXISTS fault_rights WITH (FORCE)",
    )?;
    cluster.create_database_with_extension(database)?;
    cluster.sql(
        database,
        "DROP ROLE IF EXISTS fault_maker; DROP ROLE IF EXISTS fault_owner; DROP ROLE IF EXISTS fault_writer;
         CREATE ROLE fault_maker; CREATE ROLE fault_owner; CREATE ROLE fault_writer;
         GRANT USAGE ON SCHEMA ml, public TO PUBLIC; GRANT CREATE ON SCHEMA public TO fault_owner",
    )?;
    let mut owner = cluster.session(database)?;
    owner.run("SET SESSION AUTHORIZATION fault_owner")?;
    owner.run(
        "CREATE TABLE d AS SELECT k, (k * 37 % 11)::float8 AS a, (k * 37 % 11)::float8 * 2 AS y FROM generate_series(1, 300) AS k;
         GRANT SELECT, TRIGGER ON d TO fault_maker; GRANT INSERT ON d TO fault_writer",
    )?;
    let mut maker = cluster.session(database)?;
    maker.run("SET client_min_messages = error; SET SESSION AUTHORIZATION fault_maker")?;
    maker.run(
        "SELECT version FROM ml.train('m', 'd', 'y', exclude => '{k}'); SELECT ml.promote('m', 1)",
    )?;
    maker.run("SELECT ml.watch('d', 'm', threshold => 100, min_interval => '0')")?;
    let mut writer = cluster.session(database)?;
    writer.run("SET SESSION AUTHORIZATION fault_writer")?;
    let rows = "INSERT INTO d SELECT k, (k * 37 % 11)::float8, (k * 37 % 11)::float8 * 2 FROM generate_series(1, 101) AS k";
    let ends = "SELECT string_agg(concat_ws(' ', state, attempts, coalesce(sqlstate, '-')), ', ' ORDER BY job_id) FROM ml.jobs";
    let ask = "SELECT round(ml.predict('m', 4.0)::numeric, 6)::float8";

    writer.run(rows)?;
    cluster.wait_until(PATIENCE, database, ends, "done 1 -")?;
    owner.run("REVOKE SELECT ON d FROM fault_maker")?;
    writer.run(rows)?;
    cluster.wait_until(PATIENCE, database, ends, "done 1 -, failed 1 42501")?;
    let error = cluster.sql(database, "SELECT max(error) FROM ml.jobs")?;
    if !error.contains("permission denied") {
        fail!("the job says `{error}`");
    }
    expect("the champion", &maker.run(ask)?, "8")?;
    // Back again, all is well: nothing was switched off.
    owner.run("GRANT SELECT ON d TO fault_maker")?;
    writer.run(rows)?;
    let three = "done 1 -, failed 1 42501, done 1 -";
    cluster.wait_until(PATIENCE, database, ends, three)?;
    // The model is somebody else's now: the watch may announce, but not train it.
    cluster.sql(
        database,
        "UPDATE ml.models SET owner = 'fault_owner' WHERE name = 'm'",
    )?;
    writer.run(rows)?;
    cluster.sql(database, "SELECT ml.check_watches()")?;
    let counted =
        "SELECT count(*) FILTER (WHERE row_count > 0), sum(row_count) FROM ml.announcements";
    cluster.wait_until(PATIENCE, database, counted, "4|404")?;
    let later = "SELECT count(*) FROM ml.jobs WHERE state IN ('queued', 'running')";
    cluster.wait_until(PATIENCE, database, later, "0")?;
    let done = "SELECT count(*) FROM ml.jobs WHERE state = 'done'";
    expect("jobs done", &cluster.sql(database, done)?, "2")?;
    expect("the champion", &owner.run(ask)?, "8")?;
    // The role itself goes, as far as PostgreSQL lets it: writers still never notice.
    drop(maker);
    cluster.sql(database, "DROP OWNED BY fault_maker; DROP ROLE fault_maker")?;
    writer.run(rows)?;
    writer.run(rows)?;
    expect(
        "rows",
        &cluster.sql(database, "SELECT count(*) FROM d")?,
        "906",
    )?;
    expect("jobs done", &cluster.sql(database, done)?, "2").map(|()| String::new())
}
