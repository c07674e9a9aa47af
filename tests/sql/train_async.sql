-- train(async => true) and retrain(): what is checked at once, what a job keeps, and that it does what a session would.
-- Each job is queued and run in one transaction, so that no background worker sees it before it is done.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE t AS SELECT i AS id, i % 7 AS a, i % 5 AS b, 'c' || i % 3 AS c, i % 7 + i % 5 > 5 AS y FROM generate_series(1, 400) AS i;
ALTER TABLE t ADD PRIMARY KEY (id);
-- A source that tells when it is read.
CREATE FUNCTION read_it() RETURNS SETOF t LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the source was read'; END $$;
CREATE VIEW untouched AS SELECT * FROM read_it();

-- A queued training: nothing is read, nothing is made; all its arguments are kept, and what its names mean.
BEGIN;
SELECT model, version, status, metrics, job_id > 0 AS has_job FROM train('m', 'untouched', 'y', algorithm => 'logistic_regression', features => '{a,c}', hyperparams => '{"C": 2}',
    preprocess => '{"a": {"scale": "standard"}}', split => '{"method": "random", "test_size": 0.3, "key": "id"}', metric => 'f1', class_weight => 'balanced', weight => 'b',
    async => true, alias => 'Staging', gate => '{"min_delta": 0.01}', seed => 7, tags => '{"by": "me"}');
SELECT model, kind, state, attempts, run_as = current_user::regrole AS mine, watch_id, version, status, payload #- '{relation_oid}' #- '{home}' AS payload,
       (payload ->> 'relation_oid')::oid = 'untouched'::regclass AS relation, (payload ->> 'home')::bigint = job_home() AS here FROM jobs;
SELECT count(*) FROM models;
ROLLBACK;
BEGIN;
SELECT status FROM train('m', 'SELECT id, a, y FROM t JOIN (SELECT 1) AS one ON true', 'y', async => true);
SELECT payload ->> 'query' AS query, payload -> 'relations' AS relations, payload ->> 'search_path' AS path FROM jobs;
ROLLBACK;

-- It makes the version that a session makes, byte for byte.
SELECT version, status FROM train('here', 't', 'y', seed => 5, tags => '{"n": 1}');
BEGIN;
SELECT version, status FROM train('there', 't', 'y', seed => 5, tags => '{"n": 1}', async => true);
SELECT run_pending();
SELECT j.state, j.attempts, j.version, j.status, j.error, j.metrics = v.metrics AS metrics, j.started_at <= j.finished_at AS ended
  FROM jobs AS j, model_versions AS v JOIN models AS m USING (model_id) WHERE m.name = 'there';
COMMIT;
SELECT a.artifact = b.artifact AS artifact, a.holdout = b.holdout AS holdout, a.metrics = b.metrics AS metrics, a.signature = b.signature AS signature,
       a.recipe #- '{arguments,source}' = b.recipe #- '{arguments,source}' AS recipe, a.source = b.source AS source, a.training -> 'rows' = b.training -> 'rows' AS rows,
       a.training -> 'rows_hash' = b.training -> 'rows_hash' AS rows_hash
  FROM (SELECT v.* FROM model_versions AS v JOIN models USING (model_id) WHERE name = 'here') AS a,
       (SELECT v.* FROM model_versions AS v JOIN models USING (model_id) WHERE name = 'there') AS b;
SELECT name, owner = current_user::regrole AS mine, seed, tags FROM models ORDER BY name;

-- What a session refuses before it reads is refused at once, in the same words; jobs that fail say what it says.
CREATE PROCEDURE refused_alike(call text) LANGUAGE plpgsql AS $$
DECLARE
    said text[] := '{}';
    way text; message text; detail text; hint text;
BEGIN
    FOREACH way IN ARRAY ARRAY['false', 'true'] LOOP
        BEGIN
            EXECUTE replace(call, 'ASYNC', 'async => ' || way);
            said := said || 'was not refused'::text;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
            said := said || concat_ws(' | ', SQLSTATE, message, detail, hint);
        END;
    END LOOP;
    RAISE INFO '% %', CASE WHEN said[1] = said[2] THEN 'alike:' ELSE 'OTHERWISE: ' || said[1] || ' BUT ' END, said[2];
END $$;
CALL refused_alike($$SELECT train(NULL, 't', 'y', ASYNC)$$);
CALL refused_alike($$SELECT train('m@3', 't', 'y', ASYNC)$$);
CALL refused_alike($$SELECT train('m', NULL, 'y', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'nowhere', 'y', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'DELETE FROM t RETURNING *', 'y', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'Y', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', features => '{d}', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', algorithm => 'logistic', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', hyperparams => '{"c": 1}', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', split => '{"key": "nothing"}', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', preprocess => '{"e": {}}', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', metric => 'rocauc', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', gate => '{}', ASYNC)$$);
CALL refused_alike($$SELECT train('m', 'untouched', 'y', alias => 'champion', gate => '{"min_dleta": 1}', ASYNC)$$);
CALL refused_alike($$SELECT retrain(NULL, ASYNC)$$);
CALL refused_alike($$SELECT retrain('nobody', ASYNC)$$);
CALL refused_alike($$SELECT retrain('here', gate => '{"metric": "r3"}', ASYNC)$$);
SELECT count(*) AS queued FROM jobs WHERE state = 'queued';
BEGIN READ ONLY;
CALL refused_alike($$SELECT train('m', 't', 'y', ASYNC)$$);
CALL tests.refused($$SELECT retrain('here')$$);
COMMIT;

-- What only this session sees.
CREATE TEMP TABLE mine AS SELECT * FROM t;
CREATE TEMP VIEW my_view AS SELECT * FROM t;
CALL tests.refused($$SELECT train('m', 'mine', 'y', async => true)$$);
CALL tests.refused($$SELECT train('m', 'my_view', 'y', async => true)$$);
CALL tests.refused($$SELECT train('m', 'SELECT * FROM t WHERE id IN (SELECT id FROM pg_temp.mine)', 'y', async => true)$$);
SELECT status FROM train('from_temporary', 'mine', 'y');
CALL tests.refused($$SELECT retrain('from_temporary')$$);
SELECT status FROM train('of_all', 't', 'y', split => '{"method": "none"}');
CALL tests.refused($$SELECT retrain('of_all')$$);
CALL tests.refused($$SELECT retrain('of_all', gate => '{}')$$);
SELECT version, status FROM retrain('of_all', async => false);

-- Errors while it runs are those of the session; nothing else is left.
BEGIN;
SELECT status FROM train('m', 'untouched', 'y', async => true);
SELECT status FROM train('m', 'SELECT id, a, y FROM t WHERE y', 'y', async => true);
SELECT status FROM train('m', 'SELECT id, a / (a - a) AS a, y FROM t', 'y', async => true);
SELECT run_pending(5);
SELECT state, attempts, error, sqlstate, detail, hint, version FROM jobs WHERE model = 'm' ORDER BY job_id;
SELECT count(*) FROM models WHERE name = 'm';
ROLLBACK;

-- Two queued trainings of a name are two versions; a queued retraining is not queued again.
BEGIN;
SELECT status FROM train('twice', 't', 'y', async => true);
SELECT status FROM train('twice', 't', 'y', features => '{a}', async => true);
SELECT run_pending(5);
SELECT job_id - (SELECT min(job_id) FROM jobs WHERE model = 'twice') AS job, state, version, status FROM jobs WHERE model = 'twice' ORDER BY job_id;
SELECT a.job_id = b.job_id AS same_job FROM retrain('twice') AS a, retrain('twice') AS b;
SELECT a.job_id = b.job_id AS same_job FROM retrain('twice') AS a, retrain('twice', gate => '{"min_delta": 0.5}') AS b;
SELECT kind, payload FROM jobs WHERE model = 'twice' AND state = 'queued' ORDER BY job_id;
ROLLBACK;

-- The relation that was meant, and no other of its name; the source of an older version under its own search_path.
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.t AS SELECT * FROM t WHERE id <= 100;
BEGIN;
SELECT status FROM train('meant', 't', 'y', alias => 'champion', async => true);
SELECT status FROM train('meant_query', 'SELECT * FROM t', 'y', async => true);
SET LOCAL search_path = elsewhere, public, ml;
SELECT run_pending(2);
SELECT status FROM retrain('meant');
SELECT run_pending();
SELECT name, version, training #> '{rows,total}' AS rows, v.source, recipe ->> 'search_path' AS path FROM model_versions AS v JOIN models USING (model_id) WHERE name ^@ 'meant' ORDER BY 1, 2;
ROLLBACK;
-- A relation by its OID, what a query names by its name.
BEGIN;
SELECT status FROM train('gone', 't', 'y', async => true);
SELECT status FROM train('changed', 'SELECT * FROM t', 'y', async => true);
ALTER TABLE t RENAME TO was_t;
CREATE TABLE t AS SELECT * FROM was_t WHERE id <= 50;
SELECT run_pending(2);
SELECT name, training #> '{rows,total}' AS rows, source FROM model_versions JOIN models USING (model_id) WHERE name IN ('gone', 'changed') ORDER BY name;
ROLLBACK;
BEGIN;
SELECT status FROM train('gone', 't', 'y', async => true);
DROP TABLE t CASCADE;
SELECT run_pending();
SELECT state, error, sqlstate, detail FROM jobs WHERE model = 'gone';
ROLLBACK;
-- As after a restore in another database: OIDs of then mean nothing, names do.
BEGIN;
SELECT status FROM train('restored', 'elsewhere.t', 'y', async => true);
UPDATE jobs SET payload = payload || '{"home": 1, "relation_oid": 1259}' WHERE model = 'restored';
SELECT run_pending();
SELECT source FROM model_versions JOIN models USING (model_id) WHERE name = 'restored';
ROLLBACK;

-- A job runs as who queued it: what that role cannot read it does not read, and the model is its own.
CREATE ROLE async_ann; CREATE ROLE async_bob;
GRANT USAGE ON SCHEMA ml TO async_ann, async_bob;
SET ROLE async_ann;
CALL tests.refused($$SELECT train('hers', 't', 'y', async => true)$$);
RESET ROLE;
GRANT SELECT (id, a, y) ON t TO async_ann;
GRANT USAGE ON SCHEMA tests TO async_ann, async_bob;
BEGIN;
SET LOCAL ROLE async_ann;
SELECT status FROM train('hers', 'SELECT id, a, y, current_user AS me FROM t', 'y', async => true);
RESET ROLE;
SELECT run_pending();
SELECT run_as, state, error FROM jobs WHERE model = 'hers';
SELECT m.owner, v.created_by, v.training ->> 'role' AS role FROM model_versions AS v JOIN models AS m USING (model_id) WHERE name = 'hers';
-- Who may act as the owner may ask for it; what may be read is what the owner may read.
GRANT async_ann TO async_bob;
SET LOCAL ROLE async_bob;
SELECT status FROM retrain('hers');
RESET ROLE;
SELECT run_pending();
SELECT j.run_as, j.state, j.version, v.created_by, v.training ->> 'role' AS role FROM jobs AS j, model_versions AS v JOIN models AS m USING (model_id)
 WHERE j.model = 'hers' AND m.name = 'hers' AND j.version = v.version AND j.kind = 'retrain';
REVOKE async_ann FROM async_bob;
SET LOCAL ROLE async_ann;
SELECT status FROM retrain('hers');
RESET ROLE;
REVOKE SELECT (y) ON t FROM async_ann;
SELECT run_pending();
SELECT run_as, state, error, sqlstate FROM jobs WHERE model = 'hers' AND state = 'failed';
SET LOCAL ROLE async_bob;
CALL tests.refused($$SELECT train('hers', 'SELECT 1 AS a, true AS y', 'y', async => true)$$);
CALL tests.refused($$SELECT retrain('hers')$$);
SELECT count(*) AS seen FROM jobs;
ROLLBACK;
REVOKE ALL ON t FROM async_ann;
REVOKE USAGE ON SCHEMA tests FROM async_ann, async_bob;
REVOKE USAGE ON SCHEMA ml FROM async_ann, async_bob;
DROP ROLE async_ann, async_bob;

-- Limits of a job: its memory, its time; the session goes on with its own.
BEGIN;
SELECT request_retrain('{"model": "here", "max_memory": 1024}') > 0 AS queued;
SELECT run_pending();
SELECT state, version FROM jobs WHERE max_memory = 1024;
SELECT status FROM train('big', 'SELECT i AS id, i % 7 AS a, i % 2 = 0 AS y FROM generate_series(1, 100000) AS i', 'y', async => true);
UPDATE jobs SET max_memory = 1024 WHERE model = 'big';
SELECT run_pending();
SELECT state, error, sqlstate FROM jobs WHERE model = 'big';
SELECT version FROM train('big', 'SELECT i AS id, i % 7 AS a, i % 2 = 0 AS y FROM generate_series(1, 100000) AS i', 'y');
SELECT status FROM train('slow', 'SELECT i AS id, i % 7 AS a, i % 2 = 0 AS y FROM generate_series(1, 100) AS i, LATERAL (SELECT pg_sleep(0.05 + i * 0)) AS s OFFSET 0', 'y', async => true);
UPDATE jobs SET timeout = '0.3 s' WHERE model = 'slow';
SELECT run_pending();
SELECT state, error, sqlstate, hint FROM jobs WHERE model = 'slow';
ROLLBACK;
