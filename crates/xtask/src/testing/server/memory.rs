//! What a backend holds: no more than the rows and a fixed amount, and nothing after errors.

use super::expect;
use crate::cluster::Cluster;
use crate::error::{Result, fail};

const MEGABYTE: u64 = 1 << 20;

/// A training of 200,000 rows and 20 features holds the matrix and at most 64 MB more.
pub fn peak_of_a_training(cluster: &Cluster) -> Result<String> {
    let name = "peak_memory";
    cluster.create_database_with_extension(name)?;
    let columns: Vec<String> = (1..=20).map(|j| format!("cos({j} * k)")).collect();
    cluster.sql(
        name,
        &format!(
            "CREATE TABLE d AS SELECT ARRAY[{}] AS x, cos(k) + sin(k * k) > 0 AS y FROM (SELECT generate_series(1, 200000)::float8 AS k) AS n",
            columns.join(", ")
        ),
    )?;
    let mut session = cluster.session(name)?;
    session.run("SET pglearn.max_threads = 2")?;
    session.run("SELECT ml.logregr_train('SELECT * FROM d LIMIT 1000', 'small', 'y', 'x')")?;
    let before = session.peak_memory()?;
    session.run("SELECT ml.logregr_train('d', 'm', 'y', 'x')")?;
    let held = session.peak_memory()?.saturating_sub(before);
    let matrix = 200_000 * 21 * 8;
    let remark = format!(
        "{} MB for a matrix of {} MB",
        held / MEGABYTE,
        matrix / MEGABYTE
    );
    if held > matrix + 64 * MEGABYTE {
        fail!("{remark}");
    }
    Ok(remark)
}

/// A thousand calls that fail in different places leave the session as small as a hundred did.
pub fn failing_calls(cluster: &Cluster) -> Result<String> {
    let name = "failing_calls";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run("CREATE TABLE d AS SELECT k, (k % 7)::float8 AS a, k % 2 = 0 AS y, ARRAY[1, k]::float8[] AS x FROM generate_series(1, 3000) AS k")?;
    session.run(
        "CREATE PROCEDURE fail(times integer) LANGUAGE plpgsql AS $$
         DECLARE
             calls text[] := ARRAY[
                 $q$SELECT ml.logregr_train('d', 'm', 'y', 'ARRAY[1, a, 1 / (k - 2900)]')$q$,
                 $q$SELECT ml.logregr_train('d', 'm', 'y', 'ARRAY[1, a, CASE WHEN k = 2900 THEN ''NaN'' ELSE a END]')$q$,
                 $q$SELECT ml.logregr_train('d', 'm', 'k', 'x')$q$,
                 $q$SELECT ml.logregr_train('d', 'm', 'y', 'x', 'k') , 1 / 0$q$,
                 $q$SELECT ml.logregr_train('d', 'm', 'y; SELECT 1', 'x')$q$,
                 $q$SELECT ml.linregr_train('d', 'm', 'a', 'CASE WHEN k = 2900 THEN ARRAY[1] ELSE x END')$q$,
                 $q$SELECT ml.linregr_train('d', 'm', 'a', 'x', 'nonesuch')$q$,
                 $q$SELECT ml.area_under_roc('d', 'm', 'a', 'k')$q$,
                 $q$SELECT ml.confusion_matrix('d', 'm', 'k', 'k')$q$,
                 $q$SELECT ml.linregr(a, CASE WHEN k = 2900 THEN ARRAY[1] ELSE x END) FROM d$q$];
             failures integer := 0;
         BEGIN
             FOR i IN 1..times LOOP
                 BEGIN
                     EXECUTE calls[1 + i % cardinality(calls)];
                     EXECUTE 'SELECT ml.linregr_train(''d'', ''m'', ''a'', ''x'')';
                     RAISE EXCEPTION 'call % did not fail', i;
                 EXCEPTION WHEN division_by_zero OR numeric_value_out_of_range OR invalid_parameter_value OR array_subscript_error OR syntax_error
                             OR undefined_column OR program_limit_exceeded THEN
                     failures := failures + 1;
                 END;
                 COMMIT;
             END LOOP;
             RAISE NOTICE '% failures', failures;
         END $$",
    )?;
    session.run("SET client_min_messages = error; CALL fail(100)")?;
    let before = session.peak_memory()?;
    session.run("CALL fail(1000)")?;
    let grown = session.peak_memory()?.saturating_sub(before);
    if grown > 8 * MEGABYTE {
        fail!("1,000 failing calls took {} kB", grown / 1024);
    }
    let context = "SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'pglearn'";
    expect("contexts left behind", &session.run(context)?, "0")?;
    expect(
        "progress left behind",
        &session.run("SELECT count(*) FROM ml.progress")?,
        "0",
    )?;
    Ok(format!("{} kB more after 1,000", grown / 1024))
}
