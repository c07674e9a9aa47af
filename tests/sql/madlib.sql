-- Output tables have MADlib's columns, in MADlib's order and types (observed on MADlib 2.1); what pglearn adds comes last.
SET search_path = public, ml;
SET client_min_messages = error;
CREATE TABLE d AS SELECT k, ((k * 37) % 11)::float8 AS x, (k * 7) % 5 < 2 AS y, (ARRAY['a', 'b'])[1 + k % 2] AS g1, k % 3 = 0 AS g2, 'p' || k % 2 AS grp FROM generate_series(1, 120) AS k;
CREATE TABLE wanted (name text, columns text);
INSERT INTO wanted VALUES
 ('lr', 'coef double precision[], log_likelihood double precision, std_err double precision[], z_stats double precision[], p_values double precision[], odds_ratios double precision[], condition_no double precision, num_rows_processed bigint, num_missing_rows_skipped bigint, num_iterations integer, variance_covariance double precision[]'),
 ('lr_summary', 'method character varying, source_table character varying, out_table character varying, dependent_varname character varying, independent_varname character varying, optimizer_params character varying, num_all_groups integer, num_failed_groups integer, num_rows_processed integer, num_missing_rows_skipped integer, grouping_col text'),
 ('lr_g', 'g1 text, g2 boolean, coef double precision[], log_likelihood double precision, std_err double precision[], z_stats double precision[], p_values double precision[], odds_ratios double precision[], condition_no double precision, num_rows_processed bigint, num_missing_rows_skipped bigint, num_iterations integer, variance_covariance double precision[]'),
 ('lin', 'coef double precision[], r2 double precision, std_err double precision[], t_stats double precision[], p_values double precision[], condition_no double precision, num_rows_processed bigint, num_missing_rows_skipped bigint, variance_covariance double precision[]'),
 ('lin_summary', 'method character varying, source_table character varying, out_table character varying, dependent_varname character varying, independent_varname character varying, num_rows_processed bigint, num_missing_rows_skipped integer, grouping_col text'),
 ('lin_h', 'coef double precision[], r2 double precision, std_err double precision[], t_stats double precision[], p_values double precision[], condition_no double precision, bp_stats double precision, bp_p_value double precision, num_rows_processed bigint, num_missing_rows_skipped bigint, variance_covariance double precision[]'),
 ('bc', 'threshold double precision, tp numeric, fp numeric, fn numeric, tn numeric, tpr double precision, tnr double precision, ppv double precision, npv double precision, fpr double precision, fdr double precision, fnr double precision, acc double precision, f1 numeric'),
 ('bc_g', 'grp text, threshold double precision, tp numeric, fp numeric, fn numeric, tn numeric, tpr double precision, tnr double precision, ppv double precision, npv double precision, fpr double precision, fdr double precision, fnr double precision, acc double precision, f1 numeric'),
 ('auc', 'area_under_roc numeric'),
 ('auc_g', 'grp text, area_under_roc numeric'),
 ('cm', 'row_id bigint, class text, confusion_arr numeric[]'),
 ('r2', 'r2_score double precision'),
 ('ar2', 'r2_score double precision, adjusted_r2_score double precision'),
 ('mse', 'mean_squared_error double precision'),
 ('mae', 'mean_abs_error numeric'),
 ('mape', 'mean_abs_perc_error double precision'),
 ('mpe', 'mean_perc_error double precision'),
 ('curve', 'threshold double precision, tpr double precision, fpr double precision, precision double precision, recall double precision, f1_score double precision, auc double precision');
SELECT logregr_train('d', 'lr', 'y', 'ARRAY[1, x]'), logregr_train('d', 'lr_g', 'y', 'ARRAY[1, x]', 'g1, g2'),
       linregr_train('d', 'lin', 'k', 'ARRAY[1, x]'), linregr_train('d', 'lin_h', 'k', 'ARRAY[1, x]', NULL, true),
       binary_classifier('d', 'bc', 'x', 'y'), binary_classifier('d', 'bc_g', 'x', 'y', 'grp'), area_under_roc('d', 'auc', 'x', 'y'), area_under_roc('d', 'auc_g', 'x', 'y', 'grp'),
       confusion_matrix('d', 'cm', 'g1', 'g1'), r2_score('d', 'r2', 'x', 'k'), adjusted_r2_score('d', 'ar2', 'x', 'k', 1, 120), mean_squared_error('d', 'mse', 'x', 'k'),
       mean_abs_error('d', 'mae', 'x', 'k'), mean_abs_perc_error('d', 'mape', 'x', 'k'), mean_perc_error('d', 'mpe', 'x', 'k');
SELECT count(*) FROM binary_classifier_auc('d', 'curve', 'x', 'y');
SELECT name, got = columns OR starts_with(got, columns || ', ') AS as_madlib, substr(got, length(columns) + 3) AS added
  FROM wanted LEFT JOIN (SELECT table_name, string_agg(column_name || ' ' || CASE WHEN data_type = 'ARRAY' THEN replace(replace(substr(udt_name, 2), 'float8', 'double precision'), 'int4', 'integer') || '[]' ELSE data_type END, ', ' ORDER BY ordinal_position) AS got
                           FROM information_schema.columns WHERE table_schema = 'public' GROUP BY table_name) AS c ON table_name = name ORDER BY name COLLATE "C";
SELECT method, source_table, out_table, dependent_varname, independent_varname, optimizer_params, num_all_groups, num_failed_groups, grouping_col IS NULL AS ungrouped FROM lr_summary;
SELECT method, grouping_col FROM lr_g_summary UNION ALL SELECT method, grouping_col FROM lin_summary;
SELECT (SELECT num_all_groups FROM lr_g_summary) = (SELECT count(*) FROM lr_g) AS groups;
-- Every number of arguments that MADlib takes.
SELECT proname, array_agg(DISTINCT n ORDER BY n) AS argument_counts
  FROM pg_proc, generate_series(pronargs - pronargdefaults, pronargs::integer) AS n
 WHERE pronamespace = 'ml'::regnamespace AND prokind = 'f' AND (proargnames && '{table_in,source_table,col_ind_var,topic}' OR proname ~ 'regr_train$') GROUP BY proname ORDER BY proname COLLATE "C";
-- A bad argument in any place is found before a row is read: a source that raises when read is not.
CREATE VIEW explosive AS SELECT 1 / (k - k) AS y, 1.0 AS x FROM d;
\set SHOW_CONTEXT never
CALL tests.refused($$SELECT logregr_train('explosive', 'lr', 'y', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'nonesuch.lr', 'y', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'y', 'ARRAY[x]', NULL, 20, 'adam')$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'y', 'ARRAY[x]', NULL, -1)$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'y', 'ARRAY[x]', 'nonesuch')$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'z', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT linregr_train('explosive', 'lin', 'y', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT binary_classifier('explosive', 'bc', 'x', 'y')$$);
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'y', 'ARRAY[x]')$$);
BEGIN READ ONLY;
CALL tests.refused($$SELECT logregr_train('explosive', 'm', 'y', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT linregr_train('explosive', 'm', 'y', 'ARRAY[x]')$$);
CALL tests.refused($$SELECT confusion_matrix('explosive', 'm', 'x', 'y')$$);
CALL tests.refused($$SELECT * FROM binary_classifier_auc('explosive', 'm', 'x', 'y')$$);
SELECT logregr_predict(coef, ARRAY[1, 2]) IS NOT NULL AS predicts FROM lr;
SELECT (linregr(k, ARRAY[1, x])).num_processed FROM d;
COMMIT;
