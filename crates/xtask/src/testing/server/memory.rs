//! What a backend holds: no more than the rows and a fixed amount, and nothing after errors.

use std::time::Instant;

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

/// `train` on 200,000 rows of 20 numbers and a category holds the rows, the design and at most 96 MB more;
/// `evaluate` and `predict_batch` hold scores, not rows.
pub fn peak_of_named_models(cluster: &Cluster) -> Result<String> {
    let name = "peak_named";
    cluster.create_database_with_extension(name)?;
    let columns: Vec<String> = (1..=20).map(|j| format!("cos({j} * k) AS c{j}")).collect();
    cluster.sql(
        name,
        &format!(
            "CREATE TABLE d AS SELECT k::int AS id, {}, (ARRAY['x', 'y', 'z'])[1 + k::int % 3] AS t, cos(k) + sin(k * k) > 0 AS y
               FROM (SELECT generate_series(1, 200000)::float8 AS k) AS n",
            columns.join(", ")
        ),
    )?;
    let mut session = cluster.session(name)?;
    session.run("SET client_min_messages = error; SET pglearn.max_threads = 2")?;
    session
        .run("SELECT ml.train('small', 'SELECT * FROM d LIMIT 1000', 'y', exclude => '{id}')")?;
    let before = session.peak_memory()?;
    session.run("SELECT ml.train('m', 'd', 'y', exclude => '{id}')")?;
    let trained = session.peak_memory()?.saturating_sub(before);
    let mut other = cluster.session(name)?;
    other.run("SELECT count(*) FROM ml.evaluate('small', 'SELECT * FROM d LIMIT 1000')")?;
    let before = other.peak_memory()?;
    other.run("SELECT count(*) FROM ml.evaluate('m', 'd')")?;
    let evaluated = other.peak_memory()?.saturating_sub(before);
    other.run("SELECT count(*) FROM ml.predict_batch('m', 'd', 'id')")?;
    let predicted = other.peak_memory()?.saturating_sub(before);
    // Rows as they are and as the design has them: 20 numbers and a category of three, a target.
    let needed = 200_000 * (21 * 8 + (23 + 2) * 8);
    let remark = format!(
        "train {} MB for rows and design of {} MB, evaluate {} MB, predict_batch {} MB",
        trained / MEGABYTE,
        needed / MEGABYTE,
        evaluated / MEGABYTE,
        predicted / MEGABYTE
    );
    if trained > needed + 96 * MEGABYTE || evaluated > 64 * MEGABYTE || predicted > 96 * MEGABYTE {
        fail!("{remark}");
    }
    Ok(remark)
}

/// A training that cannot fit is refused before it has read its rows, with what it would need; one whose
/// size cannot be known is refused when it has grown too large.
pub fn refused_before_the_start(cluster: &Cluster) -> Result<String> {
    let name = "memory_refused";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run(
        "SET client_min_messages = error; SET pglearn.max_memory = '8MB';
         CREATE TABLE d AS SELECT k, cos(k) AS a, sin(k) AS b, cos(3 * k) AS c, k % 2 = 0 AS y FROM generate_series(1, 600000) AS k; ANALYZE d;
         SELECT ml.train('small', 'SELECT * FROM d LIMIT 1000', 'y'); SELECT ml.drop_model('small')",
    )?;
    let before = session.peak_memory()?;
    let began = Instant::now();
    session.send("SELECT ml.train('m', 'd', 'y', exclude => '{k}')")?;
    let answer = session.finish()?;
    let time = began.elapsed();
    expect("the SQLSTATE", &answer.sqlstate, "53400")?;
    if !answer.text.contains("pglearn.max_memory") {
        fail!("the limit is not named: {}", answer.text);
    }
    let held = session.peak_memory()?.saturating_sub(before);
    if held > 16 * MEGABYTE || time.as_secs() > 5 {
        fail!("refused after {time:?} and {} MB", held / MEGABYTE);
    }
    let unknown = "SELECT cos(k) AS a, sin(k) AS b, k % 2 = 0 AS y FROM (SELECT generate_series(1, (SELECT 1000000000000)) AS k) AS numbers";
    session.send(&format!("SELECT ml.train('m', '{unknown}', 'y')"))?;
    expect("without end", &session.finish()?.sqlstate, "53400")?;
    let held = session.peak_memory()?.saturating_sub(before);
    if held > 48 * MEGABYTE {
        fail!("a limit of 8 MB, and {} MB held", held / MEGABYTE);
    }
    // Many categories, long texts.
    let wide = "SELECT md5(k::text) || repeat(''x'', 200) AS t, k % 5 AS a, k % 2 = 0 AS y FROM generate_series(1, 400000) AS k";
    session.send(&format!(
        "SELECT ml.train('m', '{wide}', 'y', features => '{{t,a}}')"
    ))?;
    expect("long texts", &session.finish()?.sqlstate, "53400")?;
    expect(
        "models",
        &session.run("SELECT count(*) FROM ml.models")?,
        "0",
    )?;
    Ok(format!("{} MB held of 8 MB allowed", held / MEGABYTE))
}

/// A session that uses hundreds of models, versions and aliases, and fails in between, stays small.
pub fn many_models(cluster: &Cluster) -> Result<String> {
    let name = "many_models";
    cluster.create_database_with_extension(name)?;
    let mut session = cluster.session(name)?;
    session.run("SET client_min_messages = error; CREATE TABLE d AS SELECT k, (k % 7)::float8 AS a, (k % 11)::float8 AS b, k % 2 = 0 AS y FROM generate_series(1, 300) AS k;
        CREATE PROCEDURE many(first int, last int) LANGUAGE plpgsql AS $$ BEGIN
            FOR i IN first..last LOOP
                PERFORM ml.train('model' || i, 'd', 'y', features => '{a,b}');
                PERFORM ml.promote('model' || i, 1, 'alias' || i);
                PERFORM ml.predict('model' || i || '@alias' || i, 1, 2), ml.predict('model' || i || '@1', d) FROM d LIMIT 3;
                BEGIN PERFORM ml.predict('model' || i || '@2', 1, 2); EXCEPTION WHEN undefined_object THEN NULL; END;
                BEGIN PERFORM ml.predict('model' || i, 1, 2, 3); EXCEPTION WHEN OTHERS THEN NULL; END;
                BEGIN PERFORM ml.train('model' || i, 'd', 'y', features => '{a,nonesuch}'); EXCEPTION WHEN OTHERS THEN NULL; END;
                PERFORM ml.drop_model('model' || i) WHERE i % 2 = 0;
                COMMIT;
            END LOOP; END $$;
        CALL many(1, 100)")?;
    let before = session.peak_memory()?;
    session.run("CALL many(101, 600)")?;
    let grown = session.peak_memory()?.saturating_sub(before);
    if grown > 8 * MEGABYTE {
        fail!("500 models took {} kB", grown / 1024);
    }
    let context = "SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'pglearn'";
    expect("contexts left behind", &session.run(context)?, "0")?;
    Ok(format!("{} kB more after 500", grown / 1024))
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
