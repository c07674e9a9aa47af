-- The settings: who may change them, and what they do.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
SELECT ml.logregr_predict('{1}', '{1}') AS library_loaded;
DROP ROLE IF EXISTS tests_plain;
CREATE ROLE tests_plain;
GRANT USAGE ON SCHEMA ml TO tests_plain;
GRANT CREATE, USAGE ON SCHEMA public TO tests_plain;
CREATE TABLE d AS SELECT ((k * 37) % 1009)::float8 AS a, ((k * 53) % 907)::float8 AS b, (k * 7) % 5 < 2 AS y, k % 3 AS g FROM generate_series(1, 200000) AS k;
ANALYZE d;
GRANT SELECT ON d TO tests_plain;

-- max_memory: refused with the number needed, before or while reading; enough is enough.
SET pglearn.max_memory = '1MB';
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[1, a, b]')$$);
CALL tests.refused($$SELECT logregr_train('SELECT * FROM d ORDER BY a', 'm', 'y', 'ARRAY[1, a, b]', 'g')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 'a', 'ARRAY[1, b]', NULL, true)$$);
CALL tests.refused($$SELECT linregr_train('SELECT a, ARRAY[1, b] AS x FROM d OFFSET 0', 'm', 'a', 'x', NULL, true)$$);
CALL tests.refused($$SELECT area_under_roc('d', 'm', 'a', 'y')$$);
RESET pglearn.max_memory;
SET pglearn.max_memory = '1MB';
-- One pass needs no rows in memory.
SELECT linregr_train('d', 'in_one_pass', 'a', 'ARRAY[1, b]');
SET pglearn.max_memory = '16MB';
SELECT logregr_train('d', 'enough', 'y', 'ARRAY[1, a, b]');
RESET pglearn.max_memory;
SELECT num_rows_processed FROM enough;
-- Wide designs count their working memory as well.
SET pglearn.max_memory = '16MB';
CALL tests.refused($$SELECT logregr_train('SELECT k % 2 AS y, array_fill((k % 7)::float8, ARRAY[1500]) AS x FROM generate_series(1, 100) AS k', 'm', 'y', 'x')$$);
CALL tests.refused($$SELECT linregr_train('SELECT k AS t, array_fill((k % 7)::float8, ARRAY[2500]) AS x FROM generate_series(1, 100) AS k', 'm', 't', 'x')$$);
RESET pglearn.max_memory;
CALL tests.refused($$SET pglearn.max_memory = '1kB'$$);
CALL tests.refused($$SET pglearn.max_memory = 'lots'$$);

-- An ordinary role cannot raise the limit, unless it was given the right; the rest is its own business.
SET ROLE tests_plain;
CALL tests.refused($$SET pglearn.max_memory = '8GB'$$);
SET pglearn.max_threads = 1;
SET pglearn.fit_intercept = off;
SHOW pglearn.max_threads;
RESET pglearn.max_threads;
RESET pglearn.fit_intercept;
RESET ROLE;
ALTER ROLE tests_plain SET pglearn.max_memory = '64MB';
SELECT rolname, setconfig FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole WHERE rolname = 'tests_plain';

-- max_threads: the result does not depend on it.
SET pglearn.max_threads = 1;
SELECT logregr_train('d', 'threads_1', 'y', 'ARRAY[a, b]', 'g');
SET pglearn.max_threads = 4;
SELECT logregr_train('d', 'threads_4', 'y', 'ARRAY[a, b]', 'g');
SET pglearn.max_threads = 64;
SELECT logregr_train('d', 'threads_64', 'y', 'ARRAY[a, b]', 'g');
RESET pglearn.max_threads;
SELECT count(*) AS models FROM (TABLE threads_1 UNION TABLE threads_4 UNION TABLE threads_64) AS all_of_them;
CALL tests.refused($$SET pglearn.max_threads = 0$$);
CALL tests.refused($$SET pglearn.max_threads = 65$$);

CALL tests.refused($$SET pglearn.fit_intercept = sometimes$$);
SELECT logregr_train('d', 'auto', 'y', 'ARRAY[a]');
BEGIN;
SET LOCAL pglearn.fit_intercept = off;
SELECT logregr_train('d', 'off', 'y', 'ARRAY[a]');
COMMIT;
SELECT cardinality(auto.coef) AS auto, cardinality("off".coef) AS "off" FROM auto, "off";
-- The caller's own settings survive a training.
SET search_path = public, ml, pg_catalog;
SET synchronize_seqscans = on;
SELECT linregr_train('d', 'polite', 'a', 'ARRAY[1, b]');
SHOW search_path;
SHOW synchronize_seqscans;
DO $$ BEGIN PERFORM linregr_train('d', 'impolite', 'a', 'ARRAY[1, b, a / 0]'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
SHOW search_path;
SHOW synchronize_seqscans;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary', 'impolite');
REVOKE ALL ON SCHEMA ml, public FROM tests_plain;
DROP TABLE d;
DROP ROLE tests_plain;

-- The state of the aggregate counts too.
SET pglearn.max_memory = '1MB';
CALL tests.refused($$SELECT linregr(k, array_fill((k % 7)::float8, ARRAY[500])) FROM generate_series(1, 100) AS k$$);
RESET pglearn.max_memory;

-- A table that was never analysed: the planner's guess, far off for long arrays, refuses nothing.
CREATE TABLE wide WITH (autovacuum_enabled = off) AS
  SELECT i % 2 AS y, (SELECT array_agg(sin(i * k)) FROM generate_series(1, 100) AS k) AS x FROM generate_series(1, 3000) AS i;
SET pglearn.max_memory = '8MB';
SELECT reltuples FROM pg_class WHERE relname = 'wide';
SELECT logregr_train('wide', 'wide_model', 'y', 'x');
SELECT num_rows_processed FROM wide_model;
RESET pglearn.max_memory;
DROP TABLE wide, wide_model, wide_model_summary;
-- With statistics that say that it is far too much, nothing is read.
CREATE TABLE long AS SELECT i % 2 AS y FROM generate_series(1, 200000) AS i;
ANALYZE long;
SET pglearn.max_memory = '1MB';
CALL tests.refused($$SELECT linregr_train('long', 'm', 'y / 0', 'ARRAY[1, y, y * y]', NULL, true)$$);
RESET pglearn.max_memory;
DROP TABLE long;
