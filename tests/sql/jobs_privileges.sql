-- Whose job it is: who may ask, see, cancel, run and take over; hostile roles, sources, search paths; roles that go.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS tests_job_owner, tests_job_member, tests_job_apart, tests_job_grantee, tests_job_stranger, tests_job_leaver;
CREATE ROLE tests_job_owner; CREATE ROLE tests_job_member; CREATE ROLE tests_job_apart NOINHERIT; CREATE ROLE tests_job_grantee; CREATE ROLE tests_job_stranger; CREATE ROLE tests_job_leaver;
GRANT tests_job_owner TO tests_job_member, tests_job_apart;
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA ml TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA work TO PUBLIC;
SET search_path = work, ml;
SET ROLE tests_job_owner;
CREATE TABLE d AS SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) + (k * 53) % 7 AS t FROM generate_series(1, 100) AS k;
ALTER TABLE d ADD PRIMARY KEY (id);
SELECT version FROM train('m', 'd', 't', algorithm => 'linear_regression');
SELECT grant_model('m', 'tests_job_grantee');
SELECT request_retrain('{"model": "m"}') AS job;

-- The table is for reading, and only what is one's own.
CALL tests.refused($$INSERT INTO jobs (model, kind, run_as) VALUES ('m', 'retrain', 'postgres')$$);
CALL tests.refused($$INSERT INTO jobs (model, kind, run_as) VALUES ('m', 'retrain', 'tests_job_owner')$$);
CALL tests.refused($$UPDATE jobs SET run_as = 'postgres'$$);
CALL tests.refused($$UPDATE jobs SET state = 'queued', attempts = 0$$);
CALL tests.refused($$UPDATE jobs SET home = job_home()$$);
CALL tests.refused($$DELETE FROM jobs$$);
CALL tests.refused($$SELECT nextval('ml.jobs_job_id_seq')$$);
CALL tests.refused($$SELECT job_id FROM jobs FOR UPDATE$$);
CALL tests.refused($$LOCK TABLE jobs IN SHARE MODE$$);
CALL tests.refused($$CREATE TRIGGER mine BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$);
SELECT job_id, model, run_as FROM jobs;
-- Who has the owner's rights may all; who does not inherit them, was granted the model or is a stranger: nothing.
SET ROLE tests_job_member;
SELECT job_id, model, run_as FROM jobs;
SELECT request_retrain('{"model": "m"}') AS met_by_a_job_of_the_owner;
SET ROLE tests_job_apart;
CALL tests.refused($$SELECT request_retrain('{"model": "m"}')$$);
CALL tests.refused($$SELECT cancel_job(1)$$);
SELECT count(*) AS sees, run_pending() AS runs FROM jobs;
SET ROLE tests_job_grantee;
CALL tests.refused($$SELECT request_retrain('{"model": "m"}')$$);
CALL tests.refused($$SELECT request_retrain('{"table": "d", "schema": "work", "count": 2000}')$$);
CALL tests.refused($$SELECT cancel_job(1)$$);
SELECT count(*) AS sees, run_pending() AS runs, resume_jobs() AS resumes FROM jobs;
SET ROLE tests_job_stranger;
CALL tests.refused($$SELECT request_retrain('{"model": "m"}')$$);
CALL tests.refused($$SELECT cancel_job(1)$$);
SELECT count(*) AS sees, run_pending() AS runs, resume_jobs() AS resumes FROM jobs;
SET ROLE tests_job_member;
SELECT run_pending(), (SELECT cancel_job(1));
RESET ROLE;
SELECT job_id, state, version, run_as, (SELECT v.created_by FROM model_versions AS v WHERE v.version = j.version) AS created_by FROM jobs AS j;

-- A member's own wish is the member's job: the owner does not have the member's rights, and may not cancel it.
SET ROLE tests_job_member;
SELECT request_retrain('{"model": "m"}') AS job;
SET ROLE tests_job_owner;
SELECT job_id FROM jobs WHERE state = 'queued';
CALL tests.refused($$SELECT cancel_job(2)$$);
SELECT request_retrain('{"model": "m"}') AS an_own_one;
RESET ROLE;
SELECT job_id, run_as, state FROM jobs ORDER BY 1;
SELECT cancel_job(2), cancel_job(3);

-- Rights that were lost between the wish and the run.
SET ROLE tests_job_member;
SELECT request_retrain('{"model": "m"}') AS job;
RESET ROLE;
REVOKE tests_job_owner FROM tests_job_member;
SELECT run_pending();
SELECT job_id, state, error, sqlstate FROM jobs WHERE job_id = 4;
-- A role that goes takes nothing along, and nobody becomes it.
GRANT tests_job_owner TO tests_job_leaver;
SET ROLE tests_job_leaver;
SELECT request_retrain('{"model": "m"}') AS job;
RESET ROLE;
DROP ROLE tests_job_leaver;
SELECT job_id, run_as FROM jobs WHERE job_id = 5;
SET ROLE tests_job_owner;
SELECT count(*) AS sees FROM jobs WHERE job_id = 5;
CALL tests.refused($$SELECT cancel_job(5)$$);
SELECT run_pending();
RESET ROLE;
SELECT run_pending();
SELECT job_id, state, error, sqlstate FROM jobs WHERE job_id = 5;

-- The source runs as the job's role, restricted, whoever runs the job: it cannot take the superuser's rights.
CREATE TABLE secret (word text);
INSERT INTO secret VALUES ('of the superuser');
SET ROLE tests_job_stranger;
CREATE FUNCTION quiet() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TABLE mine AS SELECT k AS id, k % 7 AS a, k % 5 AS t FROM generate_series(1, 100) AS k;
CREATE TABLE diary (who name, says text);
SELECT version FROM train('evil', 'SELECT * FROM work.mine WHERE work.quiet()', 't', algorithm => 'linear_regression', split => '{"key": "id"}');
CREATE FUNCTION tempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'DONE';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE OR REPLACE FUNCTION quiet() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    IF EXISTS (SELECT FROM work.diary) THEN
        RETURN true;
    END IF;
    FOREACH statement IN ARRAY ARRAY[
        'SELECT * FROM work.secret', 'RESET ROLE', 'SET ROLE postgres', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION postgres',
        'UPDATE ml.jobs SET attempts = 0', 'SELECT ml.run_pending()', 'CREATE TEMP TABLE jobs (i int)', 'SELECT pg_advisory_unlock_all()',
        'SET pglearn.max_memory = ''1TB''', 'SET row_security = off', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'LISTEN retrain_model',
        'SELECT ml.request_retrain(''{"model": "m"}'')', 'SELECT ml.cancel_job(5)']
    LOOP
        INSERT INTO work.diary VALUES (current_user, statement || ': ' || work.tempt(statement));
    END LOOP;
    RETURN true;
END $$;
SELECT request_retrain('{"model": "evil"}') AS job;
RESET ROLE;
SELECT run_pending();
SELECT * FROM diary;
SELECT job_id, state, error FROM jobs WHERE job_id = 6;
SELECT current_user = session_user AS still_myself, current_setting('row_security') AS row_security, to_regclass('pg_temp.jobs') AS temp_table;

-- Objects of a hostile search_path are not taken for the extension's or PostgreSQL's.
SET ROLE tests_job_stranger;
CREATE FUNCTION job_home() RETURNS bigint LANGUAGE sql AS 'SELECT 666::bigint';
CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$SELECT 'infinity'::timestamptz$$;
CREATE FUNCTION eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR = (LEFTARG = text, RIGHTARG = text, FUNCTION = eq);
CREATE TABLE jobs (LIKE ml.jobs);
RESET ROLE;
SET search_path = work, pg_catalog, ml;
SET ROLE tests_job_owner;
SELECT ml.request_retrain('{"model": "m"}') AS job;
SELECT ml.run_pending(), ml.cancel_job(7), ml.resume_jobs();
SELECT job_id, state FROM ml.jobs WHERE job_id OPERATOR(pg_catalog.=) 7;
RESET ROLE;
SET search_path = ml, pg_catalog;
DROP OPERATOR work.= (text, text);
DROP SCHEMA work CASCADE;
-- A temporary table of the caller's is no catalog.
CREATE TEMP TABLE jobs (LIKE ml.jobs INCLUDING ALL);
SELECT ml.resume_jobs(), ml.run_pending();
DROP TABLE pg_temp.jobs;

-- Restored jobs: each takes over its own.
CREATE FUNCTION tests.restored(role text) RETURNS bigint LANGUAGE sql AS
    $$ INSERT INTO ml.jobs (model, kind, run_as, home) VALUES ('m', 'retrain', role::regrole, ml.job_home() + 1) RETURNING job_id $$;
SELECT tests.restored('tests_job_owner') AS one, tests.restored('tests_job_stranger') AS two, tests.restored('-') AS three;
SET ROLE tests_job_owner;
SELECT resume_jobs();
SET ROLE tests_job_grantee;
SELECT resume_jobs();
RESET ROLE;
SELECT job_id, run_as, home = job_home() AS here FROM ml.jobs WHERE state = 'queued' ORDER BY 1;
SELECT resume_jobs();
SET client_min_messages = error;
SELECT run_pending(5);
SET client_min_messages = warning;
SELECT job_id, state, error, sqlstate FROM ml.jobs WHERE job_id > 7 ORDER BY 1;

-- A model that nobody owns any more.
SELECT drop_model('evil');
UPDATE models SET owner = '-' WHERE name = 'm';
CALL tests.refused($$SELECT ml.request_retrain('{"model": "m"}')$$);
SELECT drop_model('m');
DROP ROLE tests_job_owner, tests_job_member, tests_job_apart, tests_job_grantee, tests_job_stranger;
