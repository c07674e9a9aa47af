-- One model for each combination of the group columns' values, in one pass, in the columns' own types and order.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (x integer, y text);
CREATE DOMAIN code AS text CHECK (length(VALUE) > 0);
CREATE TABLE d AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 7) % 5 < 2 AS y, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) AS t,
       k % 2 AS i, (k % 3)::bigint AS big, (ARRAY['b', 'a', 'ä', 'B'])[1 + k % 4] AS txt, (ARRAY['sad', 'happy'])[1 + k % 2]::mood AS m, ROW(k % 2, 'x')::pair AS p,
       ARRAY[k % 2, 7] AS arr, date '2024-01-01' + k % 3 AS day, (k % 2)::numeric(10, 2) AS n, (k % 2) = 0 AS flag, 'c' || k % 2 AS v, ('c' || k % 2)::code AS dom,
       ('{"k": ' || k % 2 || '}')::jsonb AS j, ('c' || k % 2)::varchar(10) AS vc, ('c' || k % 2)::char(5) AS ch, int4range(k % 2, 9) AS r,
       CASE WHEN k % 2 = 0 THEN 'NaN' ELSE 1.0::float8 END AS f, (k % 2 || ' days')::interval AS iv, md5((k % 2)::text)::uuid AS u
  FROM generate_series(1, 120) AS k;

-- Group columns keep name, type, modifier; groups come in the order of their type.
SELECT logregr_train('d', 'two', 'y', 'ARRAY[1, a]', 'txt, i');
SELECT txt, i, num_rows_processed, num_missing_rows_skipped, cardinality(coef) FROM two;
SELECT num_all_groups, num_failed_groups, num_rows_processed, grouping_col FROM two_summary;
-- Each group's model is that of its rows alone.
SELECT linregr_train('d', 'each', 't', 'ARRAY[1, a]', 'txt');
SELECT bool_and(reference.difference(e.coef, o.coef) < 1e-11) AS same, count(*) FROM each e JOIN
  (SELECT txt, ARRAY[regr_intercept(t, a), regr_slope(t, a)] AS coef FROM d GROUP BY txt) AS o USING (txt);
SELECT logregr_train('SELECT * FROM d WHERE txt = ''ä'' AND i = 0', 'alone', 'y', 'ARRAY[1, a]');
SELECT reference.verdict(a.coef, g.coef) AS coef, reference.verdict(a.std_err, g.std_err) AS std_err, a.num_iterations = g.num_iterations AS steps FROM alone a, two g WHERE txt = 'ä' AND i = 0;
-- The summary of groups in all: rows add up.
SELECT (SELECT sum(num_rows_processed) FROM two) = (SELECT num_rows_processed FROM two_summary) AS adds_up;

-- Every type that has an order.
DO $$
DECLARE
    c text;
BEGIN
    FOREACH c IN ARRAY ARRAY['big', 'm', 'p', 'arr', 'day', 'n', 'flag', 'dom', 'j', 'vc', 'ch', 'r', 'f', 'iv', 'u'] LOOP
        PERFORM linregr_train('d', 'by_' || c, 't', 'ARRAY[1, a]', c);
    END LOOP;
END $$;
SELECT table_name, column_name, coalesce(domain_name, udt_name) AS type, character_maximum_length, numeric_precision, numeric_scale
  FROM information_schema.columns WHERE table_name LIKE 'by\_%' AND table_name NOT LIKE '%summary' AND ordinal_position = 1 ORDER BY table_name COLLATE "C";
SELECT m, num_rows_processed FROM by_m UNION ALL SELECT NULL, num_rows_processed FROM by_day;
SELECT p, num_rows_processed FROM by_p;
SELECT f, num_rows_processed FROM by_f;
SELECT mean_abs_error('d', 'by_metric', 't', 'a', 'p, arr, m');
SELECT p, arr, m FROM by_metric;
-- Values that are equal are one group, whatever they look like; text in any size, out of line.
SELECT linregr_train('SELECT t, a, CASE WHEN i = 0 THEN 1.0 ELSE 1.00 END AS n FROM d', 'equal_numbers', 't', 'ARRAY[1, a]', 'n');
SELECT n = 1 AS one, num_rows_processed FROM equal_numbers;
SELECT linregr_train('SELECT t, a, repeat(txt, 100000) AS long FROM d', 'long', 't', 'ARRAY[1, a]', 'long');
SELECT left(long, 1), length(long), num_rows_processed FROM long;

-- Groups without rows to learn from: a row of NULLs, counted as failed.
CREATE VIEW gaps AS SELECT *, CASE WHEN txt <> 'a' THEN a END AS x, CASE WHEN txt = 'B' THEN true ELSE y END AS z FROM d;
RESET client_min_messages;
SELECT logregr_train('gaps', 'with_gaps', 'z', 'ARRAY[1, x]', 'txt');
SET client_min_messages = warning;
SELECT txt, coef IS NULL AS no_model, num_rows_processed, num_missing_rows_skipped, num_iterations IS NULL AS no_steps FROM with_gaps;
SELECT num_all_groups, num_failed_groups, num_rows_processed, num_missing_rows_skipped, status, warnings FROM with_gaps_summary;
-- The first group has none: the width of arrays is known later.
SELECT linregr_train('SELECT txt, t, CASE WHEN txt <> ''B'' THEN ARRAY[1, a] END AS x FROM d', 'late', 't', 'x', 'txt');
SELECT txt, cardinality(coef), num_missing_rows_skipped FROM late;

-- Refused.
CALL tests.refused($$SELECT logregr_train('SELECT *, CASE WHEN id <> 7 THEN txt END AS g FROM d', 'm', 'y', 'ARRAY[1, a]', 'g')$$);
CALL tests.refused($$SELECT linregr_train('SELECT *, NULL::text AS "Odd g" FROM d', 'm', 't', 'ARRAY[1, a]', 'txt, "Odd g"')$$);
CALL tests.refused($$SELECT linregr_train('SELECT t, a, point(a, a) AS g FROM d', 'm', 't', 'ARRAY[1, a]', 'g')$$);
CALL tests.refused($$SELECT linregr_train('SELECT t, a, to_json(i) AS g FROM d', 'm', 't', 'ARRAY[1, a]', 'g')$$);
CALL tests.refused($$SELECT linregr_train('SELECT t, a, ROW(i, ''x'') AS g FROM d', 'm', 't', 'ARRAY[1, a]', 'g')$$);
CALL tests.refused($$SELECT linregr_train('SELECT t, a, NULL AS g FROM d', 'm', 't', 'ARRAY[1, a]', 'g')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'txt', 'ARRAY[1, a]', 'i')$$);

-- Many groups; warnings beyond ten are counted, and all are in the summary.
RESET client_min_messages;
SELECT logregr_train('SELECT id % 30 AS g, y, a FROM d WHERE id % 30 < 12', 'many', 'y', 'ARRAY[1, 0, a]', 'g');
SELECT cardinality(warnings) >= 12 AS all_recorded FROM many_summary;
SET client_min_messages = error;
CREATE TABLE crowd AS SELECT k, (k * 37) % 11 AS a, 3 + (k * 7) % 5 AS t FROM generate_series(1, 60000) AS k;
SELECT linregr_train('crowd', 'crowd_model', 't', 'ARRAY[1, a]', 'k');
SELECT count(*), min(num_rows_processed) FROM crowd_model;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
