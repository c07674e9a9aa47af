-- Jobs: asked for, run here, tried again, given up, cancelled, restored, pruned. No background worker runs
-- while suites do.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;
CREATE TABLE d AS SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) + (k * 53) % 7 AS t FROM generate_series(1, 300) AS k;
ALTER TABLE d ADD PRIMARY KEY (id);
-- What a job meets when it reads its rows.
CREATE FUNCTION trouble() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('tests.trouble', true), '') <> '' THEN
        RAISE EXCEPTION 'so it goes' USING ERRCODE = current_setting('tests.trouble'), DETAIL = 'its detail', HINT = 'its hint';
    END IF;
    RETURN true;
END $$;
SELECT version FROM train('m', 'd', 't', algorithm => 'linear_regression');
SELECT version FROM train('troubled', 'SELECT * FROM d WHERE trouble()', 't', algorithm => 'linear_regression', split => '{"key": "id"}');
SELECT promote('m', 1), promote('troubled', 1);
CREATE VIEW seen AS
    SELECT job_id AS id, model, kind, state, attempts AS n, max_attempts AS of, version AS v, status, metrics IS NOT NULL AS metrics, error, detail, hint, sqlstate,
           started_at IS NOT NULL AS started, finished_at IS NOT NULL AS ended, worker_pid = pg_backend_pid() AS here, cancel_requested AS c, not_before > clock_timestamp() AS later
      FROM jobs ORDER BY job_id;

-- What cannot be asked for.
CALL tests.refused($$SELECT request_retrain(NULL)$$);
CALL tests.refused($$SELECT request_retrain('[]')$$);
CALL tests.refused($$SELECT request_retrain('"m"')$$);
CALL tests.refused($$SELECT request_retrain('{}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": null}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": 7}')$$);
CALL tests.refused($$SELECT request_retrain('{"modle": "m"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "none"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m@1"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "gate": {"metrc": "r2"}}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "gate": "r2"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_attempts": 0}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_attempts": 2.5}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_attempts": 101}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "timeout": 10}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "timeout": "-1 s"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "timeout": "soon"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "delay": "-1 s"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "not_before": "yesteryear"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_memory": "much"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_memory": -5}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "m", "max_memory": "9999 TB"}')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "\u0000"}')$$);
CALL tests.refused($$SELECT request_retrain('{"table": "nowhere", "count": 5}')$$);
CALL tests.refused($$SELECT request_retrain('{"table": "d", "schema": "nowhere"}')$$);
CALL tests.refused($$SELECT request_retrain('{"table": "seen"}')$$);
CALL tests.refused($$SELECT request_retrain(repeat('[', 10000)::json)$$);
CALL tests.refused($$SELECT cancel_job(NULL)$$);
CALL tests.refused($$SELECT cancel_job(12345)$$);
CALL tests.refused($$SELECT run_pending(-1)$$);
SELECT count(*) AS queued FROM jobs;

-- A wish, and the same again: one job. With other options: another one, and the same once more.
SELECT request_retrain('{"model": "m"}') AS job;
SELECT request_retrain('{"model": "m"}') AS job;
SELECT request_retrain('{"model": "m", "gate": {"metric": "mae"}, "timeout": "90 s", "max_memory": "20MB", "max_attempts": 5}') AS job;
SELECT request_retrain('{"model": "m", "gate": {"metric": "mae"}, "timeout": "1.5 min", "max_memory": 20480, "max_attempts": 5, "delay": "1 s"}') AS job;
SELECT job_id, model, state, max_attempts, run_as, payload, timeout, max_memory, not_before <= clock_timestamp() AS due FROM jobs ORDER BY 1;
-- The payload of a notification, passed on: the models that were trained on the table.
SELECT request_retrain('{"table": "d", "schema": "work", "count": 1001, "event_id": 7}') AS job;
SELECT request_retrain('{"table": "d", "count": 1001}') AS job;

-- run_pending: one, the rest, none. Without rows that are new the challenger is as good as the champion.
SELECT run_pending(0), (SELECT string_agg(state, ' ') FROM jobs);
SELECT run_pending();
SELECT run_pending(5);
SELECT run_pending(NULL);
SELECT * FROM seen;
SELECT model, (SELECT a.version FROM model_aliases AS a WHERE a.model_id = m.model_id) AS champion FROM models AS m, LATERAL (SELECT m.name AS model) AS n ORDER BY 1;
-- Jobs that have ended stay as they are.
SELECT cancel_job(1), cancel_job(2);

-- A gate that is not passed: the version is there, the champion stays.
SELECT request_retrain('{"model": "m", "gate": {"min_delta": 100}}') AS job;
SELECT run_pending();
SELECT state, version, status FROM jobs WHERE job_id = 3;

-- Errors that may pass: later again, then given up. No trace of the version.
SET tests.trouble = '53100';
SELECT request_retrain('{"model": "troubled", "max_attempts": 2}') AS job;
SELECT run_pending(10);
SELECT * FROM seen WHERE id = 4;
SELECT not_before - started_at BETWEEN '9 s' AND '30 s' AS ten_seconds FROM jobs WHERE job_id = 4;
SELECT run_pending(10);
UPDATE jobs SET not_before = clock_timestamp() WHERE job_id = 4;
SELECT run_pending(10);
SELECT * FROM seen WHERE id = 4;
SELECT count(*) AS versions FROM model_versions JOIN models USING (model_id) WHERE name = 'troubled';
-- Twice as long each time.
SELECT request_retrain('{"model": "troubled", "max_attempts": 20}') AS job;
UPDATE jobs SET attempts = 5 WHERE job_id = 5;
SELECT run_pending();
SELECT not_before - started_at BETWEEN '319 s' AND '340 s' AS ten_seconds_doubled_five_times FROM jobs WHERE job_id = 5;
UPDATE jobs SET attempts = 18, not_before = clock_timestamp() WHERE job_id = 5;
SELECT run_pending();
SELECT not_before - started_at BETWEEN '3599 s' AND '3620 s' AS an_hour FROM jobs WHERE job_id = 5;
-- A job that waits for its next attempt is the queued one of its model.
SELECT request_retrain('{"model": "troubled"}') AS job;
RESET tests.trouble;
SELECT run_pending();
SELECT * FROM seen WHERE id = 5;
-- By class: which are tried again, which are not.
CREATE FUNCTION after(code text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE job bigint; result text;
BEGIN
    PERFORM set_config('tests.trouble', code, false);
    job := ml.request_retrain('{"model": "troubled"}');
    PERFORM ml.run_pending();
    DELETE FROM ml.jobs WHERE job_id = job RETURNING concat_ws(' ', state, sqlstate) INTO result;
    PERFORM set_config('tests.trouble', '', false);
    RETURN result;
END $$;
SET client_min_messages = error;
SELECT code, after(code) FROM unnest(ARRAY['08006', '40P01', '53200', '55P03', '58030', '53400', '22012', '42P01', '55006', 'P0001', '23505', 'XX000']) AS code;
-- Those that are about the session end the call, and leave the job as it was.
SET tests.trouble = '40001';
SELECT request_retrain('{"model": "troubled"}') AS job;
CALL tests.refused($$SELECT run_pending()$$);
SET tests.trouble = '57014';
CALL tests.refused($$SELECT run_pending()$$);
SET tests.trouble = '57P01';
CALL tests.refused($$SELECT run_pending()$$);
RESET tests.trouble;
SET client_min_messages = warning;
SELECT state, attempts, error FROM jobs ORDER BY job_id DESC LIMIT 1;

-- An error that trying again would not mend, with all that was said. One job's failure is no other's.
SET tests.trouble = '22012';
SELECT request_retrain('{"model": "m"}') > 0 AS queued;
SELECT run_pending(10);
SELECT model, state, n, v, status, error, detail, hint, sqlstate, ended FROM seen WHERE id > 5 ORDER BY id;
RESET tests.trouble;
-- Models that have gone; columns that have gone.
SELECT request_retrain('{"model": "troubled"}') > 0 AS queued;
SET client_min_messages = error;
SELECT drop_model('troubled');
SELECT run_pending(10);
SELECT model, state, error, hint, sqlstate FROM jobs ORDER BY job_id DESC LIMIT 1;
SELECT request_retrain('{"model": "m"}') > 0 AS queued;
ALTER TABLE d RENAME t TO u;
SELECT run_pending(10);
SELECT model, state, error, hint, sqlstate FROM jobs ORDER BY job_id DESC LIMIT 1;
ALTER TABLE d RENAME u TO t;
SELECT count(*) AS versions, max(version) AS last FROM model_versions JOIN models USING (model_id) WHERE name = 'm';
SET client_min_messages = warning;

-- What is rolled back has not happened: jobs, attempts, versions, promotions.
TRUNCATE jobs RESTART IDENTITY;
SELECT request_retrain('{"model": "m"}') AS job;
BEGIN;
SELECT run_pending();
SELECT state, version, status FROM jobs;
ROLLBACK;
SELECT state, attempts, version FROM jobs;
BEGIN;
SAVEPOINT s;
SELECT run_pending();
ROLLBACK TO s;
SELECT run_pending();
COMMIT;
SELECT state, attempts, version FROM jobs;
BEGIN;
SELECT request_retrain('{"model": "m"}') AS job;
ROLLBACK;
SELECT count(*) FROM jobs;
-- In the transaction that asks; under REPEATABLE READ, SERIALIZABLE; not where nothing is written.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT request_retrain('{"model": "m"}') AS job, request_retrain('{"model": "m"}') AS same;
SELECT run_pending();
SELECT request_retrain('{"model": "m"}') AS another;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT run_pending();
COMMIT;
SELECT state, attempts, version FROM jobs ORDER BY job_id;
BEGIN READ ONLY;
CALL tests.refused($$SELECT request_retrain('{"model": "m"}')$$);
ROLLBACK;
BEGIN READ ONLY;
CALL tests.refused($$SELECT run_pending()$$);
ROLLBACK;
BEGIN READ ONLY;
CALL tests.refused($$SELECT cancel_job(1)$$);
ROLLBACK;

-- Cancelled while it waits; a job whose process has died is ended, or taken over.
TRUNCATE jobs RESTART IDENTITY;
SELECT request_retrain('{"model": "m"}') AS job;
SELECT cancel_job(1), cancel_job(1), run_pending();
SELECT * FROM seen;
SELECT request_retrain('{"model": "m"}') AS job;
UPDATE jobs SET state = 'running', attempts = 1, worker_pid = 1, started_at = now() WHERE job_id = 2;
SELECT cancel_job(2);
SELECT state, c, ended FROM seen WHERE id = 2;
SELECT request_retrain('{"model": "m"}') AS job;
UPDATE jobs SET state = 'running', attempts = 1, worker_pid = 1, started_at = now() WHERE job_id = 3;
-- What runs does not count as queued.
SELECT request_retrain('{"model": "m"}') AS job;
SELECT run_pending(1), run_pending(1);
SELECT * FROM seen WHERE id IN (3, 4);
-- The last attempt was its last one; it was to be cancelled.
INSERT INTO jobs (model, kind, state, attempts, run_as, worker_pid, started_at, cancel_requested)
    SELECT 'm', 'retrain', 'running', 3 - c::integer, current_user::regrole, 1, now(), c FROM unnest('{f,t}'::boolean[]) AS c;
SELECT run_pending(5);
SELECT * FROM seen WHERE id > 4;
-- Nobody whose job it could be.
INSERT INTO jobs (model, kind, run_as) VALUES ('m', 'retrain', '-');
SELECT run_pending(5);
SELECT * FROM seen WHERE id = 7;

-- Not before its time.
TRUNCATE jobs RESTART IDENTITY;
SELECT request_retrain('{"model": "m", "not_before": "2999-01-01"}') AS later, request_retrain('{"model": "m", "delay": "1 day", "gate": {}}') AS tomorrow;
SELECT run_pending(5), state FROM jobs WHERE job_id = 1;
-- What was put off on purpose stays where it is; what waits for its next attempt is brought forward.
SELECT request_retrain('{"model": "m"}') AS job;
SELECT run_pending(5);
SELECT job_id, state FROM jobs ORDER BY 1;
UPDATE jobs SET attempts = 1 WHERE job_id = 2;
SELECT request_retrain('{"model": "m"}') AS job;
SELECT run_pending(5);
SELECT job_id, state, attempts FROM jobs ORDER BY 1;
SET datestyle = 'SQL, DMY';
SET timezone = 'Asia/Kolkata';
SELECT request_retrain('{"model": "m", "gate": {}, "not_before": "02/01/2999 10:00"}') > 0 AS queued;
RESET datestyle;
RESET timezone;
SELECT not_before AT TIME ZONE 'UTC' AS utc FROM jobs ORDER BY job_id DESC LIMIT 1;

-- Jobs of another database, as a dump brings them: paused, then taken over.
TRUNCATE jobs RESTART IDENTITY;
INSERT INTO jobs (model, kind, state, attempts, run_as, home) VALUES
    ('m', 'retrain', 'queued', 0, 'postgres', job_home() + 1), ('m', 'retrain', 'running', 3, 'postgres', job_home() + 1), ('m', 'retrain', 'done', 1, 'postgres', job_home() + 1);
SELECT run_pending(5);
SELECT request_retrain('{"model": "m"}') AS job;
SELECT cancel_job(4), resume_jobs(), resume_jobs();
SELECT run_pending(5);
SELECT id, state, n, status FROM seen;

-- Jobs that ended long ago go, those that have not ended stay; so does the last one of a watch while its
-- min_interval counts.
TRUNCATE jobs RESTART IDENTITY;
SELECT watch('d', 'm', min_interval => '90 days') IS NOT NULL AS watched;
INSERT INTO jobs (model, kind, state, run_as, watch_id, started_at, finished_at, home)
    SELECT 'm', 'retrain', s, 'postgres'::regrole, w, now() - age, now() - age, job_home() + h
      FROM (VALUES ('done', NULL::bigint, interval '31 days', 0), ('failed', NULL, '31 days', 0), ('dead', NULL, '31 days', 1), ('cancelled', NULL, '31 days', 0), ('done', NULL, '29 days', 0),
                   ('queued', NULL, '31 days', 1), ('running', NULL, '31 days', 1)) AS v(s, w, age, h)
    UNION ALL SELECT 'm', 'retrain', 'done', 'postgres'::regrole, w.watch_id, now() - age, now() - age, job_home() FROM watches AS w, unnest('{80 days,100 days}'::interval[]) AS age;
\c
SET search_path = work, ml;
SET client_min_messages = warning;
SELECT run_pending();
SELECT id, state FROM seen;
SELECT unwatch('d') IS NOT NULL AS unwatched;
\c
SET search_path = work, ml;
SET client_min_messages = warning;
SELECT run_pending();
SELECT id, state FROM seen;

-- Events come as they come, retrainings of a watch not before min_interval has passed since the last one began; a wish is
-- not put off. A job outlives the watch that asked for it.
TRUNCATE jobs RESTART IDENTITY;
SELECT watch('d', 'm', threshold => 0, min_interval => '1 hour') AS watch_id \gset
UPDATE d SET a = a WHERE id = 1;
SELECT run_pending(5);
UPDATE d SET a = a WHERE id = 2;
UPDATE d SET a = a WHERE id = 3;
SELECT run_pending(5);
SELECT job_id, state, watch_id = :watch_id AS of_the_watch, CASE WHEN job_id > 1 THEN not_before - (SELECT started_at FROM jobs WHERE job_id = 1) END AS after FROM jobs ORDER BY job_id;
SELECT row_count, job_id FROM announcements WHERE watch_id = :watch_id ORDER BY announcement_id;
SELECT unwatch('d'), state, watch_id = :watch_id AS of_the_watch FROM jobs WHERE job_id = 2;
SELECT request_retrain('{"model": "m"}') AS the_same_now;
SELECT run_pending(5);
SELECT job_id, state, status FROM jobs ORDER BY job_id;

-- A job does not run jobs.
TRUNCATE jobs RESTART IDENTITY;
CREATE FUNCTION more() RETURNS boolean LANGUAGE sql AS 'SELECT ml.run_pending() >= 0';
CREATE TABLE switch (wanted boolean);
CREATE FUNCTION perhaps() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT FROM work.switch) THEN RETURN work.more(); END IF; RETURN true; END $$;
SELECT version FROM train('nested', 'SELECT * FROM d WHERE perhaps()', 't', algorithm => 'linear_regression', split => '{"key": "id"}');
INSERT INTO switch VALUES (true);
SELECT request_retrain('{"model": "nested"}') AS job;
SELECT request_retrain('{"model": "m"}') AS job;
SELECT run_pending(5);
SELECT id, state, n, error, sqlstate FROM seen;

-- No function of PostgreSQL takes the extension's locks or waits for them.
BEGIN;
SELECT request_retrain('{"model": "m"}') AS job;
SELECT locktype, objsubid AS kind, mode, granted FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('userlock', 'advisory');
SELECT count(pg_advisory_unlock(classid::bigint << 32 | objid::bigint)) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
SELECT pg_advisory_unlock_all();
SELECT count(*) AS still FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
SELECT pg_try_advisory_xact_lock(classid::integer, objid::bigint::bit(32)::integer) AS another_lock FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
COMMIT;
SELECT count(*) AS none FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'userlock';
