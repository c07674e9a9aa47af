-- logregr_train: the intercept rule, labels, missing values, warnings, parameters, what the tables hold.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE d AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b, (ARRAY['x', 'y', 'z'])[1 + k % 3] AS c, (k * 7 + k / 9) % 5 < 2 AS y
  FROM generate_series(1, 90) AS k;

-- The intercept rule. A constant is added where it raises the rank of the design ...
SELECT logregr_train('d', 'added', 'y', 'ARRAY[a, b]');
SELECT cardinality(coef) AS coefficients, intercept = coef[1] AS repeated, cardinality(std_err) = 3 AND cardinality(p_values) = 3 AS with_inference,
       array_dims(variance_covariance) FROM added;
SELECT intercept_added, status, warnings, class_values FROM added_summary;
-- ... not where the design has one,
SELECT logregr_train('d', 'given', 'y', 'ARRAY[1, a, b]');
SELECT cardinality(g.coef) AS coefficients, g.intercept, reference.verdict(g.coef, a.coef) AS same FROM given g, added a;
SELECT logregr_train('d', 'given_elsewhere', 'y', 'ARRAY[a, -7.5, b]');
SELECT cardinality(coef) AS coefficients, intercept FROM given_elsewhere;
SELECT abs(e.coef[2] * -7.5 - g.coef[1]) < 1e-8 AS same_constant FROM given_elsewhere e, given g;
-- nor where its columns span one,
SELECT logregr_train('d', 'one_hot', 'y', 'ARRAY[(c = ''x'')::integer, (c = ''y'')::integer, (c = ''z'')::integer, a]');
SELECT cardinality(coef) AS coefficients, intercept FROM one_hot;
SELECT intercept_added, warnings FROM one_hot_summary;
SELECT logregr_train('d', 'complement', 'y', 'ARRAY[a, 10 - a, b]');
SELECT cardinality(coef) AS coefficients, intercept FROM complement;
-- but where the dummies leave one category out.
SELECT logregr_train('d', 'dummies', 'y', 'ARRAY[(c = ''x'')::integer, (c = ''y'')::integer, a]');
SELECT cardinality(coef) AS coefficients FROM dummies;
-- One decision for all groups: b is constant in group x, so the constant and b share its effect there.
CREATE VIEW partly AS SELECT id, a, CASE WHEN c = 'x' THEN 3 ELSE b END AS b, c, y FROM d;
SELECT logregr_train('partly', 'grouped', 'y', 'ARRAY[a, b]', 'c');
SELECT c, cardinality(coef) AS coefficients, intercept = coef[1] AS repeated, abs(coef[1] * 3 - coef[3]) < 1e-9 AS minimum_norm FROM grouped ORDER BY c;
SELECT intercept_added, warnings FROM grouped_summary;
-- A column that is a constant in every group, but not the same: over all rows it is none.
SELECT logregr_train('SELECT a, y, c, (c = ''x'')::integer + 1 AS k FROM d', 'by_group', 'y', 'ARRAY[a, k]', 'c');
SELECT c, cardinality(coef) AS coefficients, intercept = coef[1] AS repeated FROM by_group ORDER BY c;
-- A constant over all rows stays the only one in each group.
SELECT logregr_train('d', 'by_group_given', 'y', 'ARRAY[1, a]', 'c');
SELECT c, cardinality(coef) AS coefficients, intercept FROM by_group_given ORDER BY c;
-- A zero column is dropped, is no constant, and keeps its place.
SELECT logregr_train('d', 'zero', 'y', 'ARRAY[a, 0, b]');
SELECT cardinality(coef) AS coefficients, coef[3] AS zero, std_err[3] AS std_err, abs(coef[4] - (SELECT coef[3] FROM added)) < 1e-9 AS others FROM zero;
-- Off: strict MADlib.
SET pglearn.fit_intercept = off;
SELECT logregr_train('d', 'strict', 'y', 'ARRAY[a, b]');
SELECT cardinality(coef) AS coefficients, intercept FROM strict;
SELECT logregr_train('d', 'strict_given', 'y', 'ARRAY[1, a, b]');
SELECT reference.verdict(s.coef, g.coef) AS same FROM strict_given s, given g;
RESET pglearn.fit_intercept;
-- Predictions follow the length of coef, whatever the rule decided.
SELECT count(*) AS rows, bool_and(abs(logregr_predict_prob(m.coef, ARRAY[a, b]) - logregr_predict_prob(g.coef, ARRAY[1, a, b])) < 1e-9) AS both_lengths,
       bool_and(logregr_predict_prob(m.coef, m.intercept, ARRAY[a, b])::float8 = logregr_predict_prob(m.coef, ARRAY[a, b])) AS both_forms
  FROM d, added m, given g;
SELECT count(*) FILTER (WHERE logregr_predict(z.coef, ARRAY[a, 0, b]) <> logregr_predict(g.coef, ARRAY[1, a, b])) AS differences FROM d, zero z, given g;

-- Labels: any two values; the greater is positive and the mapping is said.
SELECT logregr_train('d', 'label_text', 'CASE WHEN y THEN ''yes'' ELSE ''no'' END', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_words', 'CASE WHEN y THEN ''churned'' ELSE ''stayed'' END', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_sign', 'CASE WHEN y THEN 1 ELSE -1 END', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_double', 'CASE WHEN y THEN 2.5 ELSE 1.5 END::float8', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_numeric', 'CASE WHEN y THEN 1.0 ELSE 0.00 END', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_small', 'y::integer::smallint', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_big', 'y::integer::bigint', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_date', 'CASE WHEN y THEN date ''2024-02-01'' ELSE date ''2024-01-01'' END', 'ARRAY[1, a, b]');
CREATE TYPE outcome AS ENUM ('zebra', 'ant');
SELECT logregr_train('d', 'label_enum', 'CASE WHEN y THEN ''ant'' ELSE ''zebra'' END::outcome', 'ARRAY[1, a, b]');
SELECT logregr_train('d', 'label_array', 'CASE WHEN y THEN ARRAY[1, 2] ELSE ARRAY[1] END', 'ARRAY[1, a, b]');
SELECT n.name, reference.verdict(n.coef, CASE WHEN n.name = 'words' THEN (SELECT array_agg(-v ORDER BY o) FROM unnest(g.coef) WITH ORDINALITY AS u(v, o)) ELSE g.coef END) AS same
  FROM given g, (SELECT 'text', coef FROM label_text UNION ALL SELECT 'words', coef FROM label_words UNION ALL SELECT 'sign', coef FROM label_sign
                 UNION ALL SELECT 'double', coef FROM label_double UNION ALL SELECT 'numeric', coef FROM label_numeric UNION ALL SELECT 'small', coef FROM label_small
                 UNION ALL SELECT 'big', coef FROM label_big UNION ALL SELECT 'date', coef FROM label_date UNION ALL SELECT 'enum', coef FROM label_enum
                 UNION ALL SELECT 'array', coef FROM label_array) AS n(name, coef) ORDER BY 1;
SELECT class_values FROM label_words_summary UNION ALL SELECT class_values FROM label_sign_summary UNION ALL SELECT class_values FROM label_enum_summary;
CALL tests.refused($$SELECT logregr_train('d', 'm', 'c', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'id', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'CASE WHEN id < 9 THEN ''NaN'' ELSE (id % 2)::float8 END', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'CASE WHEN y THEN ''NaN'' ELSE 1.0 END', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', '''always''', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', '7', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'point(a, b)', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'to_json(y)', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'd', 'ARRAY[a]')$$);

-- NULLs are skipped and counted, wherever they stand; a row that is skipped does not define a class.
CREATE TABLE gaps AS SELECT id, CASE WHEN id % 10 <> 3 THEN a END AS a, b, CASE WHEN id % 15 <> 4 THEN y::integer END AS y, ARRAY[1, CASE WHEN id % 10 <> 3 THEN a END, b] AS x FROM d;
INSERT INTO gaps VALUES (91, NULL, 1, 5, NULL), (92, 1, 1, NULL, '{1,1}'), (93, NULL, 1, 1, '{1,NULL,1}');
SELECT logregr_train('gaps', 'gaps_columns', 'y', 'ARRAY[1, a, b]');
SELECT logregr_train('gaps', 'gaps_array', 'y', 'x');
SELECT logregr_train('SELECT * FROM gaps WHERE a IS NOT NULL AND y IS NOT NULL', 'gaps_none', 'y', 'ARRAY[1, a, b]');
SELECT c.num_rows_processed, c.num_missing_rows_skipped, x.num_rows_processed, x.num_missing_rows_skipped, n.num_missing_rows_skipped,
       reference.verdict(c.coef, n.coef) AS columns, reference.verdict(x.coef, n.coef) AS array FROM gaps_columns c, gaps_array x, gaps_none n;
CALL tests.refused($$SELECT logregr_train('SELECT NULL::float8 AS a, true AS y', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('SELECT 1 AS a, true AS y WHERE false', 'm', 'y', 'ARRAY[a]')$$);
-- NaN, infinities, ragged and empty arrays are errors that name the column.
CALL tests.refused($$SELECT logregr_train('SELECT *, CASE WHEN id = 40 THEN ''NaN'' ELSE a END AS z FROM d', 'm', 'y', 'ARRAY[a, z]')$$);
CALL tests.refused($$SELECT logregr_train('SELECT *, CASE WHEN id = 40 THEN ''-Infinity'' ELSE a END AS z FROM d', 'm', 'y', 'ARRAY[1, z, a]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a, CASE WHEN id = 40 THEN ''Infinity'' ELSE b END]::float8[]')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'array_append(ARRAY[a], CASE WHEN id = 40 THEN ''NaN'' ELSE b END)')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'CASE WHEN id = 40 THEN ARRAY[a] ELSE array_fill(b, ARRAY[2]) END')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'CASE WHEN id = 40 THEN ARRAY[]::float8[] ELSE array_fill(b, ARRAY[2]) END')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'array_fill(a, ARRAY[2, 2])')$$);
-- Arrays whose subscripts do not begin at 1 are read like others.
SELECT logregr_train('d', 'subscripts', 'y', 'array_prepend(1, array_fill(a, ARRAY[1], ARRAY[7]))');
SELECT cardinality(coef) AS coefficients FROM subscripts;

-- What a fit finds out is a WARNING that names the columns, and stands in the summary.
SELECT logregr_train('d', 'separated', 'a > 5', 'ARRAY[1, a, b]');
SELECT status, warnings, num_failed_groups FROM separated_summary;
SELECT logregr_train('d', 'quasi', 'a > 5 OR a = 5 AND id % 2 = 0', 'ARRAY[1, a]');
SELECT status, warnings FROM quasi_summary;
SELECT logregr_train('d', 'constant_true', 'true', 'ARRAY[1, a]');
SELECT logregr_train('d', 'constant_zero', '0', 'ARRAY[1, a]');
SELECT status, warnings, class_values FROM constant_true_summary UNION ALL SELECT status, warnings, class_values FROM constant_zero_summary;
SELECT logregr_train('d', 'collinear', 'y', 'ARRAY[1, a, b, 2 * a - b]');
SELECT condition_no, reference.verdict(ARRAY[coef[2] + 2 * coef[4], coef[3] - coef[4]], (SELECT coef[2:3] FROM given)) AS combinations, abs(2 * coef[2] - coef[3] - coef[4]) < 1e-9 AS minimum_norm FROM collinear;
SELECT status, warnings FROM collinear_summary;
SELECT logregr_train('d', 'same_twice', 'y', 'ARRAY[1, a, a, b]');
SELECT abs(coef[2] - coef[3]) < 1e-12 AS shared FROM same_twice;
SELECT logregr_train('d', 'two_constants', 'y', 'ARRAY[1, a, 5]');
SELECT abs(coef[3] - 5 * coef[1]) < 1e-9 AS minimum_norm FROM two_constants;
SELECT logregr_train('d', 'all_zero', 'y', 'ARRAY[0, 0]');
SELECT coef, intercept, std_err FROM all_zero;
SELECT logregr_train('SELECT * FROM d LIMIT 3', 'few_rows', 'y', 'ARRAY[1, a, b, a * b, a * a]');
SELECT logregr_train('SELECT * FROM d LIMIT 1', 'one_row', 'y', 'ARRAY[a, b]');
SELECT num_rows_processed, cardinality(coef) FROM one_row;
-- Badly scaled columns give the same probabilities.
SELECT logregr_train('d', 'scaled', 'y', 'ARRAY[1, a * 1e9, b / 1e9]');
SELECT reference.verdict(ARRAY[s.coef[1], s.coef[2] * 1e9, s.coef[3] / 1e9], g.coef) AS same, s.num_iterations = g.num_iterations AS steps FROM scaled s, given g;
SELECT logregr_train('d', 'shifted', 'y', 'ARRAY[1, a + 1e6, b - 1e5]');
SELECT reference.verdict(s.coef[2:3], g.coef[2:3], 1e-7) AS same FROM shifted s, given g;
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[1, a * 1e300, b]')$$);

-- Everything reported belongs to the final coefficients, also where the iterations run out.
SELECT logregr_train('d', 'one_step', 'y', 'ARRAY[1, a, b]', NULL, 1);
SELECT o.num_iterations, s.status, cardinality(s.warnings) AS warnings,
       abs(o.log_likelihood - (SELECT sum(ln(CASE WHEN y THEN p ELSE 1 - p END)) FROM (SELECT y, logregr_predict_prob(o.coef, ARRAY[1, a, b]) AS p FROM d) AS q)) < 1e-9 AS likelihood,
       reference.verdict(o.odds_ratios, (SELECT array_agg(exp(v) ORDER BY n) FROM unnest(o.coef) WITH ORDINALITY AS u(v, n))) AS odds_ratios
  FROM one_step o, one_step_summary s;
SELECT logregr_train('d', 'aliased', 'y', 'ARRAY[1, a, b]', NULL, NULL, 'NEWTON', NULL, NULL);
SELECT reference.verdict(s.coef, g.coef) AS same, optimizer_params FROM aliased s, given g, aliased_summary;
-- Rows in another order give the same numbers.
SELECT logregr_train('SELECT * FROM d ORDER BY a, b DESC, id', 'sorted', 'y', 'ARRAY[1, a, b]');
SELECT reference.verdict(s.coef, g.coef, 1e-11) AS coef, reference.verdict(s.std_err, g.std_err, 1e-11) AS std_err FROM sorted s, given g;

-- Parameters out of range.
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 0)$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, -5)$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 2147483647)$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 20, 'irls', -1)$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 20, 'irls', 'Infinity')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 20, 'irls', 'NaN')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 20, 'adam')$$);
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]', NULL, 20, '')$$);
SELECT logregr_train('d', 'zero_tolerance', 'y', 'ARRAY[1, a, b]', NULL, 50, 'irls', 0);
SELECT s.status, reference.verdict(z.coef, g.coef, 1e-11) AS same FROM zero_tolerance z, zero_tolerance_summary s, given g;

-- By name, as PostgreSQL lets one call anything; the usage.
SELECT logregr_train(source_table => 'd', out_table => 'named', dependent_varname => 'y', independent_varname => 'ARRAY[1, a]', optimizer => 'irls', "verbose" => false);
SELECT split_part(logregr_train(), E'\n', 1) AS usage, logregr_train('usage') = logregr_train() AND logregr_train('?') = logregr_train('help') AS topics;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
