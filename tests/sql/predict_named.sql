-- predict(model, …): every form of a row gives the same bits; every mistake is told in words.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work;
CREATE TYPE plan AS ENUM ('basic', 'plus', 'pro');
CREATE TABLE customers AS
SELECT i AS id, (i * 7919) % 72 AS tenure, round((20 + (i * 104729) % 1000 / 10.0)::numeric, 2) AS charge,
       (ARRAY['month', 'year', 'two years'])[1 + (i * 31) % 3] AS contract, i % 5 = 0 AS senior,
       (ARRAY['basic', 'plus', 'pro'])[1 + (i * 17) % 3]::plan AS plan, date '2020-01-01' + (i * 13) % 900 AS since,
       CASE WHEN i % 11 <> 0 THEN ((i * 3571) % 97) / 9.7 END::float8 AS usage,
       ARRAY[(i % 13) / 13.0, (i % 7) / 7.0]::float8[] AS v
  FROM generate_series(1, 600) AS i;
ALTER TABLE customers ADD PRIMARY KEY (id), ADD churned boolean, ADD value float8, ADD tier text;
UPDATE customers SET churned = charge - tenure + (id * 37) % 40 > 40, value = charge * 2 - tenure + id % 10,
    tier = CASE WHEN charge < 50 THEN 'low' WHEN charge + id % 20 < 90 THEN 'mid' ELSE 'high' END;
SELECT status FROM ml.train('churn', 'customers', 'churned', exclude => ARRAY['value', 'tier']);
SELECT status FROM ml.train('value', 'SELECT id, tenure, charge::float8, usage, value FROM customers', 'value',
    features => ARRAY['tenure', 'charge', 'usage'], split => '{"key": "id"}');
SELECT status FROM ml.train('tier', 'customers', 'tier', features => ARRAY['tenure', 'charge', 'contract']);
SELECT name, signature, classes FROM ml.models JOIN ml.model_versions USING (model_id) ORDER BY name;

-- One answer, whatever the form: the bits of all rows, NULLs among them.
CREATE TABLE answers AS SELECT id, ml.predict_proba('churn', c) AS p FROM customers c;
SELECT count(*), count(p), min(p) < max(p) AS vary FROM answers;
CREATE FUNCTION same(form text) RETURNS TABLE(rows bigint, equal boolean) LANGUAGE plpgsql AS $$ BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), bool_and(float8send(a.p) = float8send(ml.predict_proba(''churn'', %s)))
        FROM customers AS c JOIN answers AS a USING (id)', form);
END $$;
SELECT * FROM same('tenure, charge, contract, senior, plan, since, usage, v');
SELECT * FROM same('tenure, charge, contract, senior, plan, since, usage, v[1], v[2]');
SELECT * FROM same('tenure::bigint, charge::numeric(20,8), contract::char(20), senior, plan::text, since::timestamp, usage, v::text::numeric[]');
SELECT * FROM same('tenure::smallint, charge, contract::varchar, senior, plan::name, since::timestamptz AT TIME ZONE ''UTC'', usage, v');
SELECT * FROM same('to_jsonb(c)');
SELECT * FROM same('to_json(c)');
SELECT * FROM same('jsonb_build_object(''tenure'', tenure::text, ''charge'', charge::text, ''contract'', contract, ''senior'', senior::integer,
    ''plan'', plan, ''since'', since, ''usage'', usage::text, ''v'', v::text[], ''more'', ''{"a": [1, {}]}''::jsonb)');
SELECT * FROM same('ARRAY[tenure::text, charge::text, contract, senior::text, plan::text, since::text, usage::text, v[1]::text, v[2]::text]');
SELECT * FROM same('VARIADIC ARRAY[tenure::text, charge::text, contract, senior::text, plan::text, since::text, usage::text, v[1]::text, v[2]::text]');
SELECT * FROM same('(SELECT r FROM (SELECT c.v, c.usage, c.since, c.plan, c.senior, c.contract, c.charge, c.tenure) AS r)');
SELECT bool_and(float8send(p) = float8send(ml.predict_proba_json('churn', to_jsonb(c)))) AS equal FROM customers c JOIN answers USING (id);

-- Models of numbers alone are scored in place.
CREATE FUNCTION same_value(form text) RETURNS TABLE(rows bigint, equal boolean) LANGUAGE plpgsql AS $$ BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), bool_and(float8send(ml.predict(''value'', r)) = float8send(ml.predict(''value'', %s)))
        FROM (SELECT id, tenure, charge::float8, usage FROM customers) AS r', form);
END $$;
SELECT * FROM same_value('tenure, charge, usage');
SELECT * FROM same_value('tenure::float8, charge, usage');
SELECT * FROM same_value('ARRAY[tenure, charge, usage]');
SELECT * FROM same_value('VARIADIC ARRAY[tenure, charge, usage]');
SELECT * FROM same_value('ARRAY[tenure::text, charge::text, usage::text]::numeric[]');
SELECT * FROM same_value('ARRAY[tenure::text, charge::text, usage::text]');
SELECT * FROM same_value('to_jsonb(r)');
SELECT ml.predict('value', ARRAY[1, 2, 3]) = ml.predict('value', 1, 2, 3) AS integers,
       ml.predict('value', ARRAY[1, 2, 3]::smallint[]) = ml.predict('value', 1.0, 2::real, 3::bigint) AS mixed,
       ml.predict('value', '{"usage": 3, "charge": 2, "tenure": 1}') = ml.predict('value', '1', ' 2 ', '3e0') AS literals,
       ml.predict('value', ARRAY[1, 2, 3]::real[]) = ml.predict_json('value', '{"usage": 3, "charge": 2, "tenure": 1, "x": [{}]}') AS json,
       ml.predict('value', ('[7:9]={1,2,3}')::float8[]) = ml.predict('value', 1, 2, 3) AS bounds;

-- What is missing: NULL and NaN alike, in every form; a NULL row is NULL.
SELECT ml.predict('value', 1, 2, NULL) = ml.predict('value', 1, 2, 'NaN'::float8) AS scalars,
       ml.predict('value', 1, 2, NULL) = ml.predict('value', ARRAY[1, 2, NULL]) AS elements,
       ml.predict('value', 1, 2, NULL) = ml.predict('value', ARRAY[1, 2, 'NaN']::float8[]) AS nan,
       ml.predict('value', 1, 2, NULL) = ml.predict('value', '{"tenure": 1, "charge": 2, "usage": null}') AS json,
       ml.predict('value', 1, 2, NULL) = ml.predict('value', r) AS row FROM (SELECT 1 AS tenure, 2 AS charge, NULL::float8 AS usage) AS r;
SELECT ml.predict('value', NULL) IS NULL AS untyped, ml.predict('value', NULL::float8[]) IS NULL AS array,
       ml.predict('value', NULL::jsonb) IS NULL AS jsonb, ml.predict('value', VARIADIC NULL::float8[]) IS NULL AS variadic,
       ml.predict('churn', NULL::customers) IS NULL AS row, ml.predict_class('churn', NULL::jsonb) IS NULL AS class,
       ml.predict_probas('tier', NULL::customers) IS NULL AS probas, ml.predict_json('value', NULL) IS NULL AS json;
SELECT ml.predict_proba('churn', ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::customers) > 0 AS all_missing;
-- A category that training did not see, and the empty text.
SELECT ml.predict_proba('churn', 1, 2, 'decade', true, 'pro', '2020-01-01', 3, v) BETWEEN 0 AND 1 AS unseen,
       ml.predict_proba('churn', 1, 2, '', true, 'none such', '2020-01-01', 3, v) BETWEEN 0 AND 1 AS empty FROM customers LIMIT 1;

-- The four functions agree.
SELECT bool_and(ml.predict('churn', c) = (p > 0.5)::integer) AS class, bool_and(ml.predict_class('churn', c) = (p > 0.5)::text) AS label,
       bool_and(ml.predict_probas('churn', c) = ARRAY[1 - p, p] OR abs(1 - p - (ml.predict_probas('churn', c))[1]) < 1e-15) AS both
  FROM customers c JOIN answers USING (id);
SELECT bool_and(abs((SELECT sum(x) FROM unnest(p) AS x) - 1) < 1e-12) AS sum, bool_and(array_length(p, 1) = 3) AS classes,
       bool_and((ARRAY['high', 'low', 'mid'])[array_position(p, (SELECT max(x) FROM unnest(p) AS x))] = class) AS largest, count(DISTINCT class)
  FROM (SELECT ml.predict_probas('tier', c) AS p, ml.predict_class('tier', c) AS class FROM customers c) AS s;

-- Labels that are numbers are predicted as numbers.
SELECT status FROM ml.train('sevens', 'SELECT id, tenure, charge::float8, CASE WHEN charge + id % 9 > 70 THEN 7 ELSE 3 END AS y FROM customers', 'y', split => '{"key": "id"}');
SELECT ml.predict('sevens', 5, 100), ml.predict_class('sevens', 5, 100), ml.predict('sevens', 5, 30), ml.predict_class('sevens', 5, 30);

-- Rows: domains over them, dropped columns, columns of a table that changes during the session, the same values in another order.
CREATE TYPE features AS (usage float8, tenure integer, charge numeric);
CREATE DOMAIN checked AS features CHECK ((VALUE).tenure >= 0);
SELECT ml.predict('value', ROW(3, 1, 2)::features) = ml.predict('value', 1, 2, 3) AS type,
       ml.predict('value', ROW(3, 1, 2)::checked) = ml.predict('value', 1, 2, 3) AS domain;
CREATE TABLE changing (a text, tenure integer, b text, charge float8, usage float8);
INSERT INTO changing VALUES ('a', 1, 'b', 2, 3);
PREPARE row AS SELECT ml.predict('value', c) = ml.predict('value', 1, 2, 3) AS equal FROM changing AS c;
CREATE FUNCTION of_row(c changing) RETURNS float8 LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN ml.predict('value', c); END $$;
SELECT of_row(c) = ml.predict('value', 1, 2, 3) AS equal FROM changing AS c;
EXECUTE row;
ALTER TABLE changing DROP COLUMN b, ADD COLUMN d integer DEFAULT 7;
EXECUTE row;
SELECT of_row(c) = ml.predict('value', 1, 2, 3) AS equal FROM changing AS c;
ALTER TABLE changing DROP COLUMN tenure;
ALTER TABLE changing ADD COLUMN tenure bigint DEFAULT 1;
EXECUTE row;
SELECT of_row(c) = ml.predict('value', 1, 2, 3) AS equal FROM changing AS c;
ALTER TABLE changing RENAME COLUMN tenure TO months;
CALL tests.refused('EXECUTE row');
-- Within one transaction and one place of plpgsql, which plans once.
ALTER TABLE changing RENAME COLUMN months TO tenure;
DO $$ DECLARE r changing; BEGIN
    FOR i IN 1..3 LOOP
        SELECT * INTO r FROM changing;
        RAISE INFO '%', ml.predict('value', r) = ml.predict('value', 1, 2, 3);
    END LOOP;
END $$;
-- Stored composite values, and such as were compressed.
CREATE TABLE stored (r features, long changing);
INSERT INTO stored SELECT ROW(3, 1, 2)::features, ROW(repeat('x', 100000), 2, 3, 7, 1)::changing;
SELECT ml.predict('value', r) = ml.predict('value', 1, 2, 3) AS short, ml.predict('value', long) = ml.predict('value', 1, 2, 3) AS long FROM stored;
-- Arrays and objects that were compressed or lie out of line.
CREATE TABLE toasted (j jsonb, x float8[]);
ALTER TABLE toasted ALTER x SET STORAGE EXTERNAL;
INSERT INTO toasted SELECT jsonb_object_agg('k' || i, repeat('y', 100)) || '{"tenure": 1, "charge": 2, "usage": 3}', NULL FROM generate_series(1, 500) AS i;
SELECT ml.predict('value', j) = ml.predict('value', 1, 2, 3) AS object, pg_column_size(j) < 40000 AS compressed FROM toasted;

-- Names: quoted, of several bytes, of every length, so that keys of an object are met in their order.
CREATE TABLE odd ("Größe" float8, "a ""b"" c" float8, "x" float8, "äöü" float8, "日本" float8, "select" float8, y float8);
INSERT INTO odd SELECT i % 7, i % 5, i % 3, i % 11, i % 13, i % 2, i % 7 + 2 * (i % 5) + 3 * (i % 3) + 4 * (i % 11) + 5 * (i % 13) + 6 * (i % 2)
  FROM generate_series(1, 200) AS i;
SELECT status FROM ml.train('Das "Modell" äöü', 'odd', 'y', algorithm => 'linear_regression', split => '{"method": "none"}');
SELECT bool_and(abs(ml.predict('Das "Modell" äöü', o) - y) < 1e-9) AS rows, bool_and(ml.predict('Das "Modell" äöü', o) = ml.predict('Das "Modell" äöü', to_jsonb(o))) AS objects FROM odd AS o;

-- Mistakes.
CALL tests.refused($$SELECT ml.predict(NULL, 1)$$);
CALL tests.refused($$SELECT ml.predict('', 1)$$);
CALL tests.refused($$SELECT ml.predict('value@', 1)$$);
CALL tests.refused($$SELECT ml.predict('valeu', 1)$$);
CALL tests.refused($$SELECT ml.predict('weather', 1)$$);
CALL tests.refused($$SELECT ml.predict('x"; DROP TABLE customers; --', 1)$$);
CALL tests.refused($$SELECT ml.predict('value@production', 1)$$);
CALL tests.refused($$SELECT ml.predict('value@2', 1)$$);
CALL tests.refused($$SELECT ml.predict('value@99999999999999999999', 1)$$);
CALL tests.refused($$SELECT ml.predict('VALUE', 1, 2, 3)$$);
CALL tests.refused($$SELECT ml.predict('value')$$);
CALL tests.refused($$SELECT ml.predict('value', 1, 2)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, 2, 3, 4)$$);
CALL tests.refused($$SELECT ml.predict('churn', 1, 2)$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1}'::text)$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[1, 2])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[1, 2, 3, 4]::float8[])$$);
CALL tests.refused($$SELECT ml.predict('value', '{}'::float8[])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[[1, 2, 3]])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[[1, 2, 3]]::float8[])$$);
CALL tests.refused($$SELECT ml.predict('value', 'Infinity'::float8, 2, 3)$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[1, '-Infinity', 3]::float8[])$$);
CALL tests.refused($$SELECT ml.predict('value', 1, 'Infinity'::numeric, 3)$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1e400, "charge": 2, "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', 1e308, 1e308, 1e308)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, true, 3)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, 'two', 3)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, 'two'::text, 3)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, current_date, 3)$$);
CALL tests.refused($$SELECT ml.predict('value', 1, interval '1 hour', 3)$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY[true, false, true])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY['1', '2', 'three'])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY['2020-01-01', '2020-01-01', '2020-01-01']::date[])$$);
CALL tests.refused($$SELECT ml.predict('value', ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11']::uuid[])$$);
CALL tests.refused($$SELECT ml.predict('churn', ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9])$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 3, true, 'pro', '2020-01-01', 3, v) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 'month', 1, 'pro', '2020-01-01', 3, v) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 'month', 'maybe', 'pro', '2020-01-01', 3, v) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 'month', true, 'pro', 'yesterday or so', 3, v) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 'month', true, 'pro', '2020-01-01', 3, 4) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict_class('churn', 1, 2, 'month', true, 'pro', '2020-01-01', 3, ARRAY[1, 2, 3]) FROM work.customers$$);
CALL tests.refused($$SELECT ml.predict('value', ROW(1, 2, 3))$$);
CALL tests.refused($$SELECT ml.predict('value', r) FROM (SELECT 1 AS tenure, 2 AS "Charge", 3 AS usage) AS r$$);
CALL tests.refused($$SELECT ml.predict('value', r) FROM (SELECT 1 AS tenure, 'x'::text AS charge, 3 AS usage) AS r$$);
CALL tests.refused($$SELECT ml.predict('value', r) FROM (SELECT 1 AS tenure, '{}'::jsonb AS charge, 3 AS usage) AS r$$);
CALL tests.refused($$SELECT ml.predict_class('churn', r) FROM (SELECT tenure, charge, contract, senior, plan, since, usage, 1 AS v FROM work.customers) AS r$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "charges": 2, "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "charge": {"eur": 2}, "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "charge": [2], "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "charge": true, "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{"tenure": 1, "charge": "two", "usage": 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '{1, 2, 3}')$$);
CALL tests.refused($$SELECT ml.predict('value', '[1, 2, 3]'::jsonb)$$);
CALL tests.refused($$SELECT ml.predict('value', '1'::jsonb)$$);
CALL tests.refused($$SELECT ml.predict_json('value', 'null')$$);
CALL tests.refused($$SELECT ml.predict_class('churn', to_jsonb(c) || '{"v": [1]}') FROM work.customers c$$);
CALL tests.refused($$SELECT ml.predict_class('churn', to_jsonb(c) || '{"senior": 2}') FROM work.customers c$$);
CALL tests.refused($$SELECT ml.predict('tier', c) FROM work.customers c$$);
CALL tests.refused($$SELECT ml.predict_proba('tier', c) FROM work.customers c$$);
CALL tests.refused($$SELECT ml.predict_class('value', 1, 2, 3)$$);
CALL tests.refused($$SELECT ml.predict_proba('value', 1, 2, 3)$$);
CALL tests.refused($$SELECT ml.predict_probas('value', 1, 2, 3)$$);
