-- linregr_train and the aggregate linregr: strict MADlib (no constant is added), findings, missing values.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE d AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b, (ARRAY['x', 'y', 'z'])[1 + k % 3] AS c,
       3 + 2 * ((k * 37) % 11) - ((k * 53) % 7) + ((k * 17) % 5 - 2) / 4.0 AS t
  FROM generate_series(1, 90) AS k;

SELECT linregr_train('d', 'm1', 't', 'ARRAY[1, a, b]');
SELECT tests.short(coef) AS coef, tests.short(ARRAY[r2]) AS r2, num_rows_processed, num_missing_rows_skipped, array_dims(variance_covariance) FROM m1;
-- The same by PostgreSQL's own aggregates, one variable at a time.
SELECT linregr_train('d', 'm2', 't', 'ARRAY[1, a]');
SELECT reference.verdict(coef, (SELECT ARRAY[regr_intercept(t, a), regr_slope(t, a)] FROM d), 1e-11) AS coef,
       reference.verdict(ARRAY[r2], (SELECT ARRAY[regr_r2(t, a)] FROM d), 1e-11) AS r2 FROM m2;
-- No constant is added, whatever the setting says.
SELECT linregr_train('d', 'm3', 't', 'ARRAY[a, b]');
SELECT cardinality(coef) AS coefficients FROM m3;
SELECT reference.verdict(coef[1:1], (SELECT ARRAY[sum(t * a) / sum(a * a)] FROM d), 1e-11) AS slope
  FROM (SELECT (linregr(t, ARRAY[a])).* FROM d) AS q;

-- The test for heteroskedasticity adds two columns.
SELECT linregr_train('d', 'm5', 't', 'ARRAY[1, a, b]', NULL, true);
SELECT m5.bp_stats >= 0 AS statistic, m5.bp_p_value BETWEEN 0 AND 1 AS p_value, reference.verdict(m5.coef, m1.coef, 1e-12) AS same FROM m5, m1;

-- NULLs are skipped and counted; a table of nothing but them gives a row of NULLs, as MADlib does.
CREATE VIEW gaps AS SELECT CASE WHEN id % 10 <> 3 THEN a END AS a, b, CASE WHEN id % 15 <> 4 THEN t END AS t FROM d;
SELECT linregr_train('gaps', 'm6', 't', 'ARRAY[1, a, b]');
SELECT num_rows_processed, num_missing_rows_skipped FROM m6;
SELECT num_rows_processed, num_missing_rows_skipped FROM m6_summary;
SELECT linregr_train('SELECT NULL::float8 AS t, 1 AS a', 'm7', 't', 'ARRAY[1, a]');
SELECT * FROM m7;
SELECT linregr_train('SELECT 1 AS t, 1 AS a WHERE false', 'm8', 't', 'ARRAY[1, a]');
SELECT * FROM m8;

-- Findings are WARNINGs that name the columns, and stand in the summary.
SELECT linregr_train('d', 'collinear', 't', 'ARRAY[1, a, b, a - 2 * b]');
SELECT abs(coef[2] - 2 * 0 - coef[4] - (SELECT coef[2] FROM m1) + 2 * coef[4]) < 1e-9 AS combination, abs(coef[2] - 2 * coef[3] - coef[4]) < 1e-9 AS minimum_norm, condition_no FROM collinear;
SELECT warnings FROM collinear_summary;
SELECT linregr_train('d', 'zero', 't', 'ARRAY[1, 0, a]');
SELECT z.coef[2] AS zero, reference.verdict(ARRAY[z.coef[1], z.coef[3]], m2.coef, 1e-11) AS others FROM zero z, m2 WHERE true;
SELECT linregr_train('d', 'constant_target', '5', 'ARRAY[1, a]');
SELECT tests.short(coef) AS coef, r2 FROM constant_target;
SELECT linregr_train('d', 'exact', '3 + 2 * a', 'ARRAY[1, a]');
SELECT tests.short(coef) AS coef, round(r2::numeric, 9) AS r2 FROM exact;
SELECT linregr_train('SELECT * FROM d WHERE id <= 3', 'square', 't', 'ARRAY[1, a, b]');
SELECT p_values IS NULL AS no_p_values, num_rows_processed FROM square;
SELECT linregr_train('SELECT * FROM d WHERE id <= 2', 'short', 't', 'ARRAY[1, a, b]');
SELECT cardinality(coef) AS coefficients, p_values IS NULL AS no_p_values FROM short;
SELECT linregr_train('d', 'scaled', 't', 'ARRAY[1, a * 1e12, b + 1e7]');
SELECT reference.verdict(ARRAY[s.coef[2] * 1e12, s.coef[3]], m1.coef[2:3], 1e-7) AS same FROM scaled s, m1;
SELECT linregr_train('d', 'huge', 't', 'ARRAY[1, a * 1e150]');
SELECT reference.verdict(ARRAY[h.coef[1], h.coef[2] * 1e150], m2.coef, 1e-9) AS same FROM huge h, m2;
SELECT linregr_train('d', 'vast', 't', 'ARRAY[1, a * 1e300]');
SELECT reference.verdict(ARRAY[h.coef[1], h.coef[2] * 1e300], m2.coef, 1e-9) AS same, h.r2 = m2.r2 OR abs(h.r2 - m2.r2) < 1e-12 AS r2, h.variance_covariance[2][2] FROM vast h, m2;
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, a * 1e307]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, a * 1e-320]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't * 1e300', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT *, CASE WHEN id = 40 THEN ''NaN'' ELSE a END AS z FROM d', 'm', 't', 'ARRAY[1, z]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT *, CASE WHEN id = 40 THEN ''Infinity'' ELSE a END AS z FROM d', 'm', 'z', 'ARRAY[1, b]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT *, CASE WHEN id = 40 THEN ''NaN'' ELSE a END AS z FROM d', 'm', 't', 'ARRAY[1, z]', NULL, true)$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'CASE WHEN id = 40 THEN ARRAY[a] ELSE ARRAY[a, b] END')$$);

-- Groups, each with its own test and counts.
SELECT linregr_train('SELECT *, CASE WHEN c = ''z'' THEN NULL ELSE a END AS az FROM d', 'grouped', 't', 'ARRAY[1, az]', 'c', true);
SELECT c, cardinality(coef) AS coefficients, bp_p_value IS NULL AS no_test, num_rows_processed, num_missing_rows_skipped FROM grouped ORDER BY c;
SELECT num_rows_processed, num_missing_rows_skipped, grouping_col FROM grouped_summary;

-- The aggregate: NULLs, groups, no rows, FILTER, as a window, in any order.
SELECT tests.short((linregr(t, ARRAY[1, a, b])).coef) AS coef, (linregr(t, ARRAY[1, a, b])).num_processed FROM d;
SELECT c, (linregr(t, ARRAY[1, a])).num_processed FROM d GROUP BY c ORDER BY c;
SELECT linregr(t, ARRAY[1, a]) IS NULL AS nothing FROM d WHERE false;
SELECT linregr(NULL, ARRAY[1, a]) IS NULL AS nothing, linregr(t, NULL) IS NULL AS nothing, linregr(t, ARRAY[1, NULL]) IS NULL AS nothing FROM d;
SELECT (linregr(t, ARRAY[1, a]) FILTER (WHERE c = 'x')).num_processed FROM d;
SELECT DISTINCT (linregr(t, ARRAY[1, a]) OVER (PARTITION BY c)).num_processed FROM d;
SELECT id, tests.short((linregr(t, ARRAY[1, a]) OVER (ORDER BY id)).coef) AS running FROM d ORDER BY id LIMIT 4;
SELECT reference.verdict((linregr(t, ARRAY[1, a, b] ORDER BY a, id DESC)).coef, (SELECT coef FROM m1), 1e-11) AS any_order FROM d;
CALL tests.refused($$SELECT linregr(t, CASE WHEN id = 7 THEN ARRAY[1] ELSE ARRAY[1, a] END) FROM d$$);
CALL tests.refused($$SELECT linregr(t, CASE WHEN id = 7 THEN ARRAY[1, 'NaN'::float8] ELSE ARRAY[1, a] END) FROM d$$);
CALL tests.refused($$SELECT linregr(t, '{}') FROM d$$);
CALL tests.refused($$SELECT linregr(t, ARRAY[ARRAY[1, a], ARRAY[a, 1]]) FROM d$$);
CALL tests.refused($$SELECT linregr(t, array_fill(a, ARRAY[20000])) FROM d$$);
-- Its parts cannot be called apart, nor fed with rubbish.
CALL tests.refused($$SELECT linregr_transition(NULL, 1, ARRAY[1, 2])$$);
CALL tests.refused($$SELECT linregr_merge_states('\x00', '\x00')$$);
CALL tests.refused($$SELECT linregr_final('\x00')$$);
CALL tests.refused($$SELECT linregr_final(decode(repeat('ff', 4096), 'hex'))$$);
CREATE AGGREGATE meddle(bytea) (SFUNC = linregr_merge_states, STYPE = bytea);
CALL tests.refused($$SELECT meddle(s) FROM (VALUES ('\x0102'::bytea), ('\x0304')) AS v(s)$$);
CALL tests.refused($$SELECT meddle(s) FROM (VALUES (decode(repeat('00', 300), 'hex')), (decode(repeat('00', 300), 'hex'))) AS v(s)$$);
SELECT split_part(linregr_train('usage'), E'\n', 1) AS usage;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
