-- Metrics: counts by hand, ties, NULLs, labels, groups, and what MADlib gets wrong.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE s (id integer, score float8, label integer, flag boolean, g text);
INSERT INTO s VALUES (1, 0.9, 1, true, 'a'), (2, 0.8, 0, false, 'a'), (3, 0.8, 1, true, 'b'), (4, 0.5, 1, true, 'a'), (5, 0.5, 0, false, 'b'),
                     (6, 0.5, 0, false, 'a'), (7, 0.1, 0, false, 'b'), (8, 0.1, 1, true, 'b');
-- One row per distinct score, highest first; rows at the score count as positive.
SELECT binary_classifier('s', 'counts', 'score', 'label');
SELECT threshold, tp, fp, fn, tn, round(tpr::numeric, 4) AS tpr, round(tnr::numeric, 4) AS tnr, round(ppv::numeric, 4) AS ppv, round(npv::numeric, 4) AS npv,
       round(fpr::numeric, 4) AS fpr, round(fdr::numeric, 4) AS fdr, round(fnr::numeric, 4) AS fnr, round(acc::numeric, 4) AS acc, round(f1, 4) AS f1 FROM counts;
SELECT * FROM binary_classifier_auc('s', 'curve', 'score', 'label') ORDER BY threshold DESC;
SELECT count(*) AS written, count(*) FILTER (WHERE c IS NULL) AS differing FROM curve FULL JOIN (SELECT * FROM curve) AS c USING (threshold, tpr, fpr, "precision", recall, f1_score, auc);
SELECT area_under_roc('s', 'auc', 'score', 'label');
SELECT * FROM auc;
-- Booleans are labels too; scores may be an expression, a decimal, an integer, a boolean.
SELECT area_under_roc('s', 'auc_flag', 'score', 'flag');
SELECT area_under_roc('s', 'auc_numeric', 'score::numeric * 1000', 'flag::integer::smallint');
SELECT area_under_roc('s', 'auc_class', 'score > 0.5', 'label');
SELECT (SELECT area_under_roc FROM auc_flag) = area_under_roc AS flag, (SELECT area_under_roc FROM auc_numeric) = area_under_roc AS "numeric",
       (SELECT area_under_roc FROM auc_class) AS class FROM auc;
-- A predicted class is a score with two values.
SELECT binary_classifier('SELECT (score > 0.5)::integer AS predicted, label AS actual FROM s', 'evaluation', 'predicted', 'actual');
SELECT threshold, tp, fp, fn, tn FROM evaluation;
-- Groups.
SELECT binary_classifier('s', 'counts_g', 'score', 'label', 'g');
SELECT g, threshold, tp, fp, fn, tn FROM counts_g;
SELECT area_under_roc('s', 'auc_g', 'score', 'label', 'g');
SELECT * FROM auc_g ORDER BY g;
SELECT count(*) FROM binary_classifier_auc('s', 'curve_g', 'score', 'label', 'g');
SELECT g, count(*), min(auc) = max(auc) AS one_auc FROM curve_g GROUP BY g ORDER BY g;

-- NULL scores and labels are left out and counted, never ranked first.
INSERT INTO s VALUES (9, NULL, 1, true, 'a'), (10, NULL, 0, false, 'a'), (11, 0.7, NULL, NULL, 'b');
SELECT area_under_roc('s', 'auc_null', 'score', 'label');
SELECT n.area_under_roc = a.area_under_roc AS same FROM auc_null n, auc a;
SELECT binary_classifier('s', 'counts_null', 'score', 'label');
SELECT count(*) AS thresholds, count(*) FILTER (WHERE threshold IS NULL) AS without FROM counts_null;
SELECT count(*) AS rows FROM binary_classifier_auc('s', 'curve_null', 'score', 'label');
SELECT mean_abs_error('s', 'mae_null', 'score', 'label');
SELECT round(mean_abs_error, 4) FROM mae_null;
-- One class only: what cannot be computed is NULL.
SELECT binary_classifier('SELECT * FROM s WHERE label = 1', 'ones', 'score', 'label');
SELECT tp, fp, fn, tn, tpr, tnr, fpr, npv FROM ones ORDER BY threshold;
SELECT area_under_roc('SELECT * FROM s WHERE label = 0', 'auc_zeros', 'score', 'label');
SELECT * FROM auc_zeros;
-- No rows: a metric that is undefined is NULL, a curve is empty.
SELECT area_under_roc('SELECT * FROM s WHERE false', 'auc_none', 'score', 'label');
SELECT * FROM auc_none;
SELECT binary_classifier('SELECT * FROM s WHERE false', 'counts_none', 'score', 'label');
SELECT count(*) FROM counts_none;
SELECT mean_squared_error('SELECT * FROM s WHERE false', 'mse_none', 'score', 'label');
SELECT * FROM mse_none;
SELECT r2_score('SELECT * FROM s WHERE false', 'r2_none', 'score', 'label', 'g');
SELECT * FROM r2_none;
SELECT confusion_matrix('SELECT * FROM s WHERE false', 'confusion_none', 'score', 'label');
SELECT * FROM confusion_none;
-- Labels other than 0 and 1 are refused, NaN scores too; infinite scores have a rank.
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'score', 'label + 1')$$);
CALL tests.refused($$SELECT binary_classifier('s', 'm', 'score', '2 * label - 1')$$);
CALL tests.refused($$SELECT binary_classifier_auc('s', 'm', 'score', 'label / 2.0')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'score', '''NaN''::float8')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'CASE WHEN id = 3 THEN ''NaN'' ELSE score END', 'label')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'label', 'score')$$);
SELECT area_under_roc('s', 'auc_infinite', 'CASE WHEN id = 1 THEN ''Infinity'' WHEN id = 7 THEN ''-Infinity'' ELSE score END', 'label');
SELECT * FROM auc_infinite;
SELECT area_under_roc('s', 'auc_zero', 'CASE WHEN label = 1 THEN -0.0::float8 ELSE 0.0 END', 'label');
SELECT * FROM auc_zero;

-- Errors of quantities.
CREATE TABLE q (p float8, o float8, g text);
INSERT INTO q VALUES (1, 2, 'a'), (3, 2.5, 'a'), (-1, -2, 'a'), (7, 5, 'b'), (5, 5, 'b'), (2, 5, 'b');
SELECT mean_abs_error('q', 'mae', 'p', 'o', 'g'), mean_squared_error('q', 'mse', 'p', 'o', 'g'), mean_abs_perc_error('q', 'mape', 'p', 'o', 'g'),
       mean_perc_error('q', 'mpe', 'p', 'o', 'g'), r2_score('q', 'r2', 'p', 'o', 'g'), adjusted_r2_score('q', 'adjusted', 'p', 'o', 1, 6, 'g');
-- Percent errors use |observed|; a group with a constant observation has no r2 and fails nothing.
SELECT g, round(mean_abs_error, 4) AS mae, round(mean_squared_error::numeric, 4) AS mse, round(mean_abs_perc_error::numeric, 4) AS mape,
       round(mean_perc_error::numeric, 4) AS mpe, round(r2.r2_score::numeric, 4) AS r2, round(adjusted_r2_score::numeric, 4) AS adjusted
  FROM mae JOIN mse USING (g) JOIN mape USING (g) JOIN mpe USING (g) JOIN r2 USING (g) JOIN adjusted USING (g) ORDER BY g;
SELECT mean_abs_perc_error('SELECT p, o - 5 AS o, g FROM q', 'mape_zero', 'p', 'o', 'g');
SELECT g, mean_abs_perc_error IS NULL AS undefined FROM mape_zero ORDER BY g;
CALL tests.refused($$SELECT adjusted_r2_score('q', 'm', 'p', 'o', 0, 6)$$);
CALL tests.refused($$SELECT adjusted_r2_score('q', 'm', 'p', 'o', 1, NULL)$$);
CALL tests.refused($$SELECT adjusted_r2_score('q', 'm', 'p', 'o', 1, -6)$$);
SELECT adjusted_r2_score('q', 'adjusted_none', 'p', 'o', 5, 6);
SELECT adjusted_r2_score FROM adjusted_none;
CALL tests.refused($$SELECT mean_abs_error('q', 'm', 'CASE WHEN p = 7 THEN ''Infinity'' ELSE p END', 'o')$$);
CALL tests.refused($$SELECT r2_score('q', 'm', 'p', 'CASE WHEN p = 7 THEN ''NaN'' ELSE o END')$$);
SELECT mean_squared_error('SELECT 1e200 AS p, -1e200 AS o', 'mse_huge', 'p::float8', 'o::float8');
SELECT mean_squared_error FROM mse_huge;
SELECT mean_abs_error('SELECT 1e308 AS p, -1e308 AS o', 'mae_huge', 'p::float8', 'o::float8'), r2_score('SELECT 1e308 AS p, k * 1e300 AS o FROM generate_series(1, 9) AS k', 'r2_huge', 'p::float8', 'o::float8');
SELECT * FROM mae_huge, r2_huge;

-- The confusion matrix: rows observed, columns predicted, the union of both, NULL as the last class.
CREATE TABLE c (pred_class text, observed text);
INSERT INTO c VALUES ('cat', 'cat'), ('dog', 'cat'), ('dog', 'dog'), ('cow', 'dog'), ('dog', 'emu'), (NULL, 'cat'), ('cat', NULL);
SELECT confusion_matrix('c', 'confusion', 'pred_class', 'observed');
SELECT * FROM confusion ORDER BY row_id;
SELECT confusion_matrix('SELECT 2 AS p, 10 AS o UNION ALL SELECT 10, 10', 'confusion_numbers', 'p', 'o');
SELECT * FROM confusion_numbers ORDER BY row_id;
SELECT confusion_matrix('SELECT 1 AS p, 1.0 AS o UNION ALL SELECT 2, 1.00', 'confusion_mixed', 'p', 'o');
SELECT row_id, class::numeric = row_id AS class, confusion_arr FROM confusion_mixed ORDER BY row_id;
CALL tests.refused($$SELECT confusion_matrix('SELECT k FROM generate_series(1, 2000) AS k', 'm', 'k', 'k')$$);
CALL tests.refused($$SELECT confusion_matrix('SELECT 1 AS p, ''x''::text AS o', 'm', 'p', 'o')$$);
CALL tests.refused($$SELECT confusion_matrix('SELECT ''{}''::json AS p', 'm', 'p', 'p')$$);

-- Outputs and inputs that cannot be.
CALL tests.refused($$SELECT binary_classifier('s', 'counts', 'score', 'label')$$);
CALL tests.refused($$SELECT confusion_matrix('c', 'counts', 'pred_class', 'observed')$$);
CALL tests.refused($$SELECT area_under_roc('nonesuch', 'm', 'score', 'label')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'nonesuch', 'label')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'score', 'label', 'nonesuch')$$);
CALL tests.refused($$SELECT r2_score('SELECT p, o, g AS r2_score FROM q', 'm', 'p', 'o', 'r2_score')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 'ARRAY[score]', 'label')$$);
CALL tests.refused($$SELECT area_under_roc('s', 'm', 's', 'label')$$);
-- A set-returning function where no set can go.
CALL tests.refused($$SELECT * FROM s WHERE id > (binary_classifier_auc('s', 'm', 'score', 'label')).auc$$);
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
