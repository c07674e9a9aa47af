-- Where rows can come from: any relation or one SELECT.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
CREATE TABLE base AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) AS t FROM generate_series(1, 200) AS k;
SELECT linregr_train('base', 'expected_model', 't', 'ARRAY[1, a, b]');
CREATE FUNCTION same(model text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE verdict text;
BEGIN
    EXECUTE format('SELECT reference.verdict(m.coef, e.coef, 1e-11) || '', '' || m.num_rows_processed || '' rows'' FROM %s AS m, expected_model AS e', model) INTO verdict;
    RETURN verdict;
END $$;

-- Relations of every kind.
CREATE VIEW a_view AS SELECT * FROM base WHERE id > 0;
CREATE MATERIALIZED VIEW a_matview AS SELECT * FROM base;
CREATE UNLOGGED TABLE an_unlogged AS SELECT * FROM base;
CREATE TABLE a_partitioned (LIKE base) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF a_partitioned FOR VALUES FROM (MINVALUE) TO (70);
CREATE TABLE part_2 (t integer, b float8, dropped text, a float8, id integer);
ALTER TABLE part_2 DROP COLUMN dropped;
ALTER TABLE a_partitioned ATTACH PARTITION part_2 FOR VALUES FROM (70) TO (MAXVALUE);
INSERT INTO a_partitioned SELECT * FROM base;
CREATE TABLE a_parent (LIKE base);
CREATE TABLE a_child () INHERITS (a_parent);
INSERT INTO a_parent SELECT * FROM base WHERE id <= 50;
INSERT INTO a_child SELECT * FROM base WHERE id > 50;
-- Columns dropped and added after rows were written.
CREATE TABLE an_altered (id integer, gone text, a float8, b float8);
INSERT INTO an_altered SELECT id, 'x', a, b FROM base;
ALTER TABLE an_altered DROP COLUMN gone, ADD COLUMN t integer, ADD COLUMN one integer DEFAULT 1;
UPDATE an_altered SET t = base.t FROM base WHERE base.id = an_altered.id;
DO $$
DECLARE
    relation text;
BEGIN
    FOREACH relation IN ARRAY ARRAY['a_view', 'a_matview', 'an_unlogged', 'a_partitioned', 'a_parent', 'an_altered'] LOOP
        PERFORM linregr_train(relation, relation || '_model', 't', 'ARRAY[1, a, b]');
    END LOOP;
END $$;
SELECT r, same(r || '_model') FROM unnest(ARRAY['a_view', 'a_matview', 'an_unlogged', 'a_partitioned', 'a_parent', 'an_altered']) AS r;
SELECT linregr_train('an_altered', 'defaulted_model', 't', 'ARRAY[one, a, b]');
SELECT same('defaulted_model');

-- Queries of every kind.
CREATE TABLE queries (n integer, query text);
INSERT INTO queries VALUES
 (1, 'SELECT * FROM base'),
 (2, 'select x.a, y.b, y.t from base x join base y using (id);'),
 (3, E'\n  SELECT * FROM (SELECT * FROM base ORDER BY id) AS s -- the end'),
 (4, 'WITH w AS (SELECT * FROM base) SELECT * FROM w'),
 (5, 'WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 200) SELECT base.* FROM n JOIN base USING (id)'),
 (6, '(SELECT * FROM base WHERE id <= 50) UNION ALL SELECT * FROM base WHERE id > 50'),
 (7, 'TABLE base'),
 (8, 'SELECT DISTINCT * FROM base'),
 (9, 'SELECT id, avg(a) AS a, max(b) AS b, min(t) AS t FROM base GROUP BY id'),
 (10, 'SELECT a, b, t FROM base TABLESAMPLE SYSTEM (100) REPEATABLE (1)'),
 (11, 'SELECT * FROM base FOR SHARE'),
 (12, 'SELECT (f).* FROM (SELECT base AS f FROM base) AS s'),
 (13, 'SELECT b.* FROM base b, LATERAL (SELECT 1) AS one'),
 (14, '/* a comment; */ SELECT * FROM base'),
 (15, '-- a comment' || E'\n' || 'SELECT * FROM base');
DO $$
DECLARE
    q record;
BEGIN
    FOR q IN SELECT * FROM queries ORDER BY n LOOP
        PERFORM linregr_train(q.query, 'query_' || q.n, 't', 'ARRAY[1, a, b]');
    END LOOP;
END $$;
SELECT n, same('query_' || n) FROM queries ORDER BY n;
SELECT linregr_train('VALUES (1, 2.5), (2, 3.5), (3, 5.0), (4, 5.5)', 'values_model', 'column2', 'ARRAY[1, column1]');
SELECT tests.short(coef) AS coef FROM values_model;
CREATE FUNCTION rows_of_base(first integer) RETURNS SETOF base LANGUAGE sql STABLE AS 'SELECT * FROM public.base WHERE id >= first';
SELECT linregr_train('SELECT * FROM rows_of_base(1)', 'function_model', 't', 'ARRAY[1, a, b]');
SELECT same('function_model');
SELECT source_table FROM function_model_summary;

-- A foreign table, where the server has one to offer.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'file_fdw') THEN
        EXECUTE 'CREATE ' || 'EXTENSION file_fdw';
        CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
        CREATE FOREIGN TABLE numbers (k integer) SERVER files OPTIONS (program 'seq 1 200');
    ELSE
        CREATE TABLE numbers AS SELECT k FROM generate_series(1, 200) AS k;
    END IF;
END $$;
SELECT linregr_train('numbers', 'foreign_model', '3 + 2 * ((k * 37) % 11) - ((k * 17) % 5)', 'ARRAY[1, (k * 37) % 11, (k * 53) % 7]');
SELECT same('foreign_model');
SELECT linregr_train('SELECT base.* FROM base JOIN numbers ON k = id', 'foreign_join_model', 't', 'ARRAY[1, a, b]');
SELECT same('foreign_join_model');

-- Small sources.
SELECT linregr_train('SELECT * FROM base LIMIT 1', 'one_row', 't', 'ARRAY[1]');
SELECT num_rows_processed FROM one_row;
CREATE TABLE nothing (a float8, t float8);
SELECT linregr_train('nothing', 'nothing_model', 't', 'ARRAY[a]');
SELECT num_rows_processed, coef FROM nothing_model;
CALL tests.refused($$SELECT logregr_train('nothing', 'm', 't > 0', 'ARRAY[a]')$$);

-- Sources that see this transaction's own changes, and their own rows only.
BEGIN;
CREATE TABLE fresh AS SELECT * FROM base WHERE id <= 100;
INSERT INTO fresh SELECT * FROM base WHERE id > 100;
SELECT linregr_train('fresh', 'fresh_model', 't', 'ARRAY[1, a, b]');
SELECT same('fresh_model');
ROLLBACK;
SELECT to_regclass('fresh_model') IS NULL AND to_regclass('fresh_model_summary') IS NULL AS gone;

-- Refused.
CALL tests.refused($$SELECT linregr_train('SELECT * FROM base; DROP TABLE base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM base) AS x; DROP TABLE base; --', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM base) AS source, (SELECT 1', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * INTO copied FROM base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('INSERT INTO base SELECT * FROM base RETURNING *', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('DELETE FROM base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('WITH d AS (DELETE FROM base RETURNING *) SELECT * FROM d', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('WITH d AS (DELETE FROM base RETURNING *) INSERT INTO base SELECT * FROM d', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT FROM base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM nonesuch', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT a, a, t FROM base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT $1 AS a, 1 AS t', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('EXPLAIN SELECT * FROM base', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('with', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train(';', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('TABLE nonesuch', 'm', 't', 'ARRAY[a]')$$);
SELECT count(*) FROM base;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary', 'copied');

-- Errors of the caller's own functions come through; tables that are read cannot be changed under the reader.
CREATE FUNCTION meddle(what text, k integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN IF k = 5 THEN EXECUTE what; END IF; RETURN k; END $$;
CALL tests.refused($$SELECT linregr_train('base', 'm', 'meddle(''DO $d$ BEGIN RAISE ''''boom'''' USING ERRCODE = ''''22023'''', DETAIL = ''''why'''', HINT = ''''how''''; END $d$'', id)', 'ARRAY[1, a]')$$);
CREATE TABLE victim AS SELECT * FROM base;
CALL tests.refused($$SELECT linregr_train('victim', 'm', 'meddle(''DROP TABLE victim'', id)', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT linregr_train('base', 'm', 'meddle(''ALTER TABLE base DROP COLUMN a'', id)', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT linregr_train('base', 'm', 'meddle(''CREATE TABLE m ()'', id)', 'ARRAY[1, a]')$$);
SELECT linregr_train('base', 'growing_model', 'meddle(''INSERT INTO base SELECT * FROM base'', id)', 'ARRAY[1, a]');
SELECT num_rows_processed FROM growing_model;
-- An event trigger that drops what is being made.
CREATE FUNCTION drop_m() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN DROP TABLE IF EXISTS m; END $$;
CREATE EVENT TRIGGER drop_m ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION drop_m();
CALL tests.refused($$SELECT linregr_train('base', 'm', 't', 'ARRAY[1, a]')$$);
DROP EVENT TRIGGER drop_m;
-- In triggers, procedures that commit, cursors and prepared statements.
CREATE TABLE requests (name text);
CREATE FUNCTION train_on_request() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM linregr_train('base', NEW.name, 't', 'ARRAY[1, a]'); RETURN NEW; END $$;
CREATE TRIGGER train_on_request BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION train_on_request();
INSERT INTO requests VALUES ('requested_1'), ('requested_2');
SELECT count(*) FROM requested_1, requested_2;
CREATE PROCEDURE train_twice() LANGUAGE plpgsql AS $$ BEGIN PERFORM linregr_train('base', 'kept', 't', 'ARRAY[1, a]'); COMMIT; PERFORM linregr_train('base', 'not_kept', 't', 'ARRAY[1, a]'); ROLLBACK; END $$;
CALL train_twice();
SELECT to_regclass('kept') IS NOT NULL AS kept, to_regclass('not_kept') IS NULL AS not_kept;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT threshold, tpr FROM binary_classifier_auc('SELECT a, b > 3 AS y FROM base', 'cursor_curve', 'a', 'y') ORDER BY threshold DESC;
FETCH 2 FROM c;
FETCH BACKWARD 1 FROM c;
COMMIT;
PREPARE again(text) AS SELECT linregr_train('base', $1, 't', 'ARRAY[1, a]') IS NULL AS done;
EXECUTE again('prepared_1');
EXECUTE again('prepared_2');
CALL tests.refused($$EXECUTE again('prepared_2')$$);
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
