-- predict(model, …) wherever a statement may call it, over the life of the model.
\set VERBOSITY terse
SET client_min_messages = error;
CREATE SCHEMA work;
SET search_path = work;
CREATE TABLE points AS
SELECT i AS id, (i % 97)::float8 AS a, (i * 31 % 89)::numeric AS b, 3 + 2.0 * (i % 97) - 0.5 * (i * 31 % 89) AS y, i % 4 AS g FROM generate_series(1, 2000) AS i;
ALTER TABLE points ADD PRIMARY KEY (id);
SELECT status FROM ml.train('line', 'points', 'y', features => ARRAY['a', 'b'], algorithm => 'linear_regression', split => '{"method": "none"}');
CREATE TABLE steeper AS SELECT id, a, b, y + a AS y FROM points;
ALTER TABLE steeper ADD PRIMARY KEY (id);

-- Clauses, joins, subqueries, views, functions of both languages.
SELECT g, count(*), round(sum(ml.predict('line', a, b) - y)::numeric, 6) + 0 AS off FROM points GROUP BY g ORDER BY g;
SELECT count(*) FROM points WHERE abs(ml.predict('line', points) - y) < 1e-9;
SELECT round(ml.predict('line', a, b)::numeric, 6) AS p, count(*) FROM points WHERE a < 2 AND b < 2 GROUP BY ml.predict('line', a, b) ORDER BY ml.predict('line', a, b);
SELECT max(abs(l.p - p.y)) < 1e-9 AS lateral FROM points AS p, LATERAL (SELECT ml.predict('line', p.a, p.b) AS p) AS l;
SELECT max(abs((SELECT ml.predict('line', r) FROM (SELECT p.a, p.b) AS r) - p.y)) < 1e-9 AS correlated FROM points AS p;
SELECT round(sum(ml.predict('line', a, b)) OVER (ORDER BY id)::numeric, 6) AS windowed FROM points ORDER BY id LIMIT 3;
CREATE VIEW predicted AS SELECT *, ml.predict('line', a, b) AS p FROM points;
SELECT max(abs(p - y)) < 1e-9 AS view FROM predicted;
CREATE FUNCTION by_sql(points) RETURNS float8 LANGUAGE sql STABLE AS $$ SELECT ml.predict('line', $1) $$;
CREATE FUNCTION by_plpgsql(a float8, b numeric) RETURNS float8 LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN ml.predict('line', a, b); END $$;
SELECT max(abs(by_sql(points) - y)) < 1e-9 AS sql, max(abs(by_plpgsql(a, b) - y)) < 1e-9 AS plpgsql FROM points;
-- A model and types that plpgsql changes from one execution of a place to the next.
SELECT ml.promote('line', version, 'steep') FROM ml.train('line', 'steeper', 'y', features => ARRAY['a', 'b'], algorithm => 'linear_regression', split => '{"method": "none"}');
DO $$ DECLARE model text; r record; BEGIN
    FOR i IN 1..4 LOOP
        model := CASE WHEN i % 2 = 0 THEN 'line@1' ELSE 'line@steep' END;
        IF i < 3 THEN SELECT 10::float8 AS a, 4::numeric AS b INTO r; ELSE SELECT 4::integer AS b, 'x'::text AS more, 10::real AS a INTO r; END IF;
        RAISE INFO '% % %', model, round(ml.predict(model, 10, 4)::numeric, 6), round(ml.predict(model, r)::numeric, 6);
    END LOOP;
END $$;
-- The model from the row.
SELECT m, round(ml.predict(m, 10, 4)::numeric, 6) AS p FROM unnest(ARRAY['line@1', 'line@STEEP', 'line@2', 'line@1', 'line']) AS m;
SELECT count(DISTINCT ml.predict('line@' || (1 + id % 2), 10, 4)) FROM points;

-- Parallel plans, with a constant model and one from the row; all workers find it for themselves.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION workers(statement text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE line text; BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || statement LOOP
        IF line LIKE '%Workers Launched%' THEN RETURN trim(line); END IF;
    END LOOP;
    RETURN 'serial';
END $$;
SELECT workers('SELECT sum(ml.predict(''line@1'', a, b)) FROM points'), workers('SELECT sum(ml.predict(''line@'' || 1 + id % 2, points)) FROM points');
SELECT round(sum(ml.predict('line@1', a, b) - y)::numeric, 6) + 0 AS off FROM points;
SELECT round(sum(ml.predict('line@1', points) - y)::numeric, 6) + 0 AS off FROM points;
SELECT round(sum(ml.predict('line@1', to_jsonb(points)) - y)::numeric, 6) + 0 AS off FROM points;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- A prepared statement follows the model: a new version, its removal, a model of the same name with other inputs.
PREPARE answer AS SELECT round(ml.predict('line', 10, 4)::numeric, 6) AS p;
EXECUTE answer;
SELECT ml.promote('line', 1, 'champion');
EXECUTE answer;
BEGIN;
SELECT ml.promote('line', 2, 'champion');
EXECUTE answer;
ROLLBACK;
EXECUTE answer;
-- What a savepoint undoes is undone, with one snapshot for the whole transaction.
BEGIN ISOLATION LEVEL REPEATABLE READ;
EXECUTE answer;
SAVEPOINT before;
SELECT ml.promote('line', 2, 'champion');
EXECUTE answer;
ROLLBACK TO SAVEPOINT before;
EXECUTE answer;
COMMIT;
-- So is what an exception undoes, and DML of the owner's without the functions.
DO $$ BEGIN
    BEGIN
        UPDATE ml.model_aliases SET version = 2 WHERE alias = 'champion';
        RAISE INFO '%', round(ml.predict('line', 10, 4)::numeric, 6);
        RAISE EXCEPTION 'undo';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RAISE INFO '%', round(ml.predict('line', 10, 4)::numeric, 6);
END $$;
-- Dropped, and made anew: a prepared statement of the old one's arguments is told.
SELECT ml.drop_model('line');
CALL tests.refused('EXECUTE answer');
SELECT status FROM ml.train('line', 'SELECT id, a, y FROM work.steeper', 'y', features => ARRAY['a'], algorithm => 'linear_regression', split => '{"method": "none"}');
CALL tests.refused('EXECUTE answer');
PREPARE one AS SELECT ml.predict('line', 10) IS NOT NULL AS answered;
EXECUTE one;

-- A grant ends within the session that used it.
CREATE ROLE predict_guest;
GRANT USAGE ON SCHEMA ml, work TO predict_guest;
SET ROLE predict_guest;
CALL tests.refused('EXECUTE one');
RESET ROLE;
SELECT ml.grant_model('line', 'predict_guest');
SET ROLE predict_guest;
EXECUTE one;
RESET ROLE;
SELECT ml.revoke_model('line', 'predict_guest');
SET ROLE predict_guest;
CALL tests.refused('EXECUTE one');
RESET ROLE;
DROP OWNED BY predict_guest;
DROP ROLE predict_guest;

-- Ninety-nine scalars are what a function takes; beyond are arrays, rows and objects. 1,600 columns, some of them needed.
DO $$ BEGIN
    EXECUTE format('CREATE TABLE wide AS SELECT i AS id, %s, (i * 7919 %% 101)::float8 AS y FROM generate_series(1, 400) AS i',
        (SELECT string_agg(format('((i * %s) %% 211)::real AS x%s', 3 + 2 * j, j), ', ') FROM generate_series(1, 120) AS j));
END $$;
ALTER TABLE wide ADD PRIMARY KEY (id);
SELECT status, version FROM ml.train('wide', 'wide', 'y', algorithm => 'ridge', split => '{"method": "none"}');
SELECT status FROM ml.train('ninety-nine', 'wide', 'y', algorithm => 'ridge', split => '{"method": "none"}',
    features => ARRAY(SELECT 'x' || j FROM generate_series(1, 99) AS j));
CREATE FUNCTION wide(model text, count integer) RETURNS TABLE(rows bigint, equal boolean, arrays boolean) LANGUAGE plpgsql AS $$ BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), bool_and(ml.predict(%1$L, w) = ml.predict(%1$L, %2$s)), bool_and(ml.predict(%1$L, w) = ml.predict(%1$L, ARRAY[%2$s])) FROM wide AS w',
        model, (SELECT string_agg('x' || j, ', ' ORDER BY j) FROM generate_series(1, count) AS j));
END $$;
SELECT * FROM wide('ninety-nine', 99);
CALL tests.refused($$SELECT * FROM wide('wide', 120)$$);
SELECT bool_and(ml.predict('wide', w) = ml.predict('wide', to_jsonb(w))) AS objects FROM wide AS w;
DO $$ BEGIN
    EXECUTE format('CREATE TABLE widest (%s)', (SELECT string_agg('c' || j || ' smallint', ', ') FROM generate_series(1, 1597) AS j) || ', a float8, b integer, y float8');
    EXECUTE 'INSERT INTO widest (c1, c1597, a, b, y) SELECT i, i, i % 13, i % 7, 2 * (i % 13) + i % 7 FROM generate_series(1, 200) AS i';
END $$;
SELECT status FROM ml.train('widest', 'SELECT a, b, y FROM widest', 'y', algorithm => 'linear_regression', split => '{"method": "none"}');
SELECT count(*), bool_and(abs(ml.predict('widest', w) - y) < 1e-9) AS rows, bool_and(ml.predict('widest', w) = ml.predict('widest', a, b)) AS equal FROM widest AS w;

-- numeric is read digit by digit as the nearest double: what float8 reads from its text.
SELECT ml.linregr_train('points', 'same', 'a', 'ARRAY[a]');
UPDATE same SET coef = '{1}';
SELECT ml.register_model('same', 'same') AS version;
CREATE TABLE numbers (n numeric);
SELECT setseed(0.25);
INSERT INTO numbers SELECT ((CASE WHEN i % 2 = 0 THEN '-' ELSE '' END) || (random() * 10 ^ (i % 19))::bigint || repeat('0', i % 7) || '.' || lpad((random() * 10 ^ (i % 17))::bigint::text, i % 30, '0'))::numeric
    * ('1e' || (i % 61 - 30))::numeric FROM generate_series(1, 20000) AS i;
INSERT INTO numbers VALUES (0), (-0.0), (9007199254740992), (9007199254740993), (9007199254740993.00), (9007199254740994), (1e22), (1e23), (123456789e15), (0.1), (0.3), (1e-22), (1e-23),
    (4.35), (2.2250738585072011e-308), (4.9406564584124654e-324), (2.4703282292062327e-324), (2.4703282292062328e-324), (1.7976931348623157e308), (1.7976931348623158e308),
    (179769313486231570814527423731704356798070567525844996598917476803157260780028538760589558632766878171540458953514382464234321326889464182768467546703537516986049910576551282076245490090389328944075868508455133942304583236903222948165808559332123347764797926204144723168738177180919299881250404026184124858368.5),
    (repeat('7', 290)::numeric / 10 ^ 280::numeric), (('0.' || repeat('0', 200) || repeat('3', 100))::numeric);
SELECT count(*), count(*) FILTER (WHERE float8send(ml.predict('same', n)) <> float8send(n::text::float8)) AS scalars,
       count(*) FILTER (WHERE float8send(ml.predict('same', ARRAY[n])) <> float8send(n::text::float8)) AS arrays,
       count(*) FILTER (WHERE float8send(ml.predict('same', jsonb_build_object('a', n))) <> float8send(n::text::float8)) AS objects,
       count(*) FILTER (WHERE float8send(ml.predict('same', r)) <> float8send(n::text::float8)) AS rows
  FROM numbers, LATERAL (SELECT n AS a) AS r WHERE abs(n) BETWEEN 5e-324 AND 1.7976931348623157e308 OR n = 0;
CALL tests.refused($$SELECT ml.predict('same', 1e310)$$);
CALL tests.refused($$SELECT ml.predict('same', '-Infinity'::numeric)$$);
SELECT ml.predict('same', 'NaN'::numeric) IS NULL AND ml.predict('same', NULL::numeric) IS NULL AS refused, ml.predict('same', 1e-400) AS tiny;
