-- Predictions from coefficient arrays: every form, lengths, NULLs, extremes, types, plans.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SELECT logregr_predict_prob('{0,1}', '{5,2}') AS two_arguments, logregr_predict_prob('{0,1}', 0, '{5,2}') AS three_arguments,
       pg_typeof(logregr_predict_prob('{0,1}', 0, '{5,2}')), pg_typeof(logregr_predict('{0,1}', 0, '{5,2}')), pg_typeof(logregr_predict('{0,1}', '{5,2}'));
SELECT logregr_predict('{0,1}', '{5,2}') AS positive, logregr_predict('{0,1}', '{5,-2}') AS negative, logregr_predict('{0,1}', '{5,0}') AS exactly_half,
       logregr_predict('{0,1}', 0, '{5,2}') AS one, logregr_predict('{0,1}', -3, '{5,2}') AS zero, linregr_predict('{0.5,1}', '{5,2}') AS linear;

-- One coefficient more than features: the first is the intercept.
SELECT logregr_predict_prob('{1,2}', '{3}') = logregr_predict_prob('{1,2}', '{1,3}') AS prob, logregr_predict('{-7,2}', '{3}') AS class,
       logregr_predict_prob('{1,2}', 1, '{3}')::float8 = logregr_predict_prob('{1,2}', '{3}') AS three_arguments;
SELECT logregr_predict_prob('{1}', '{}') = logregr_predict_prob('{1}', '{1}') AS intercept_only;
SELECT logregr_predict_prob('{}', '{}') AS nothing, logregr_predict('{}', '{}') AS class, linregr_predict('{}', '{}') AS linear;
-- All the digits of the double come back.
SELECT bool_and(logregr_predict_prob(ARRAY[k / 7.0], 0, ARRAY[k / 3.0])::float8 = logregr_predict_prob(ARRAY[k / 7.0], ARRAY[k / 3.0])) AS round_trip FROM generate_series(-40, 40) AS k;
SELECT logregr_predict_prob('{0.1}', 0, '{0.3}') AS digits;

-- NULLs.
SELECT logregr_predict(NULL, '{1}') IS NULL, logregr_predict('{1}', NULL) IS NULL, logregr_predict('{1,NULL}', '{1,2}') IS NULL, logregr_predict('{1,2}', '{NULL,2}') IS NULL,
       logregr_predict_prob('{1}', NULL, '{1}') IS NULL, logregr_predict_prob('{1}', 0, '{NULL}') IS NULL, linregr_predict(NULL, '{1}') IS NULL;
CALL tests.refused($$SELECT linregr_predict('{1,2}', '{1,NULL}')$$);
-- Lengths.
CALL tests.refused($$SELECT logregr_predict('{1,2,3}', '{1}')$$);
CALL tests.refused($$SELECT logregr_predict_prob('{1}', '{1,2}')$$);
CALL tests.refused($$SELECT logregr_predict_prob('{1,2}', 0, '{1,2,3}')$$);
CALL tests.refused($$SELECT logregr_predict_prob('{1,2}', 0.5, '{3}')$$);
CALL tests.refused($$SELECT logregr_predict('{1,2}', 0, '{3}')$$);
CALL tests.refused($$SELECT linregr_predict('{1,2}', '{3}')$$);
CALL tests.refused($$SELECT logregr_predict('{{1,2},{3,4}}', '{1,2}')$$);
CALL tests.refused($$SELECT linregr_predict('{1,2}', '{{1,2}}')$$);
-- Extremes: no overflow, no NaN where there is an answer; the probability is 0 from about exp(-709) down.
SELECT logregr_predict_prob('{1}', '{800}') AS one, logregr_predict_prob('{1}', '{-800}') AS nearly_zero, logregr_predict_prob('{1}', 0, '{-800}') AS as_numeric,
       logregr_predict_prob('{1e308}', '{1e308}') AS beyond, logregr_predict('{1e308}', '{-1e308}') AS class;
SELECT logregr_predict_prob('{1}', '{-700}') > 0 AS small, logregr_predict_prob('{1}', 0, '{-700}') > 0 AS as_numeric, logregr_predict_prob('{1}', '{-740}') AS smaller, logregr_predict_prob('{1}', '{Infinity}') AS infinite,
       logregr_predict_prob('{1}', '{NaN}') AS not_a_number, logregr_predict_prob('{1}', 0, '{NaN}') AS numeric_nan, logregr_predict('{1}', '{NaN}') AS class,
       linregr_predict('{5e-324}', '{1}') AS smallest;
-- Arrays of any shape in storage: long, with other bounds, out of line, compressed, of other types.
SELECT linregr_predict(array_fill(0.5::float8, ARRAY[10000]), array_fill(2, ARRAY[10000])) AS long, linregr_predict('[5:6]={1,2}', '{3,4}') AS bounds;
CREATE TABLE stored (id integer, x float8[], e float8[], f real[], i integer[], n numeric[]);
ALTER TABLE stored ALTER x SET STORAGE EXTENDED, ALTER e SET STORAGE EXTERNAL;
INSERT INTO stored SELECT k, v, v, v, v, v FROM generate_series(1, 20) AS k, LATERAL (SELECT array_agg((k * o) % 5) FROM generate_series(1, 2000) AS o) AS a(v);
SELECT bool_and(linregr_predict(m.c, x) = s AND linregr_predict(m.c, e) = s AND linregr_predict(m.c, f) = s AND linregr_predict(m.c, i) = s AND linregr_predict(m.c, n) = s) AS same
  FROM stored, LATERAL (SELECT sum(v) FROM unnest(i) AS v) AS t(s), (SELECT array_fill(1.0::float8, ARRAY[2000])) AS m(c);
CREATE DOMAIN features AS float8[];
SELECT logregr_predict('{1,2}', '{1,2}'::features) AS domain;
-- Every length, so that no remainder of a vector is left out.
SELECT bool_and(linregr_predict(c, x) = s) AS every_length FROM (SELECT array_agg(o::float8) AS c, array_agg((o % 3)::float8) AS x, sum(o * (o % 3))::float8 AS s
  FROM generate_series(1, 70) AS n, LATERAL generate_series(1, n) AS o GROUP BY n) AS q;

-- Immutable: folded into a constant, usable in an index, a CHECK and a generated column.
EXPLAIN (COSTS OFF, VERBOSE) SELECT logregr_predict('{0,1}', '{5,2}');
CREATE TABLE scored (x float8[], p float8 GENERATED ALWAYS AS (ml.logregr_predict_prob('{1,2}', x)) STORED, CHECK (ml.linregr_predict('{1,1}', x) < 100));
CREATE INDEX ON scored (logregr_predict('{1,2}', x));
INSERT INTO scored VALUES ('{1,2}'), (NULL);
SELECT x, round(p::numeric, 6) AS p FROM scored ORDER BY x;
CALL tests.refused($$INSERT INTO scored VALUES ('{99,2}')$$);
CALL tests.refused($$INSERT INTO scored VALUES ('{1,2,3,4}')$$);
-- In parallel plans.
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
CREATE TABLE wide AS SELECT k, ARRAY[k % 10, k % 7]::float8[] AS x FROM generate_series(1, 20000) AS k;
ANALYZE wide;
EXPLAIN (COSTS OFF) SELECT count(*) FILTER (WHERE logregr_predict('{0.5,-1}', x)), sum(logregr_predict_prob('{0.5,-1}', x)) FROM wide;
SELECT count(*) FILTER (WHERE logregr_predict('{0.5,-1}', x)) AS positive, round(sum(logregr_predict_prob('{0.5,-1}', x))::numeric, 6) AS sum FROM wide;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FILTER (WHERE logregr_predict('{0.5,-1}', x)) AS positive, round(sum(logregr_predict_prob('{0.5,-1}', x))::numeric, 6) AS sum FROM wide;
