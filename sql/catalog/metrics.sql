-- The metric that returns a set, and the comments of all.

CREATE FUNCTION binary_classifier_auc(
    table_in text, table_out text, prediction_col text, observed_col text, grouping_cols text DEFAULT NULL)
    RETURNS TABLE (threshold double precision, tpr double precision, fpr double precision,
                   "precision" double precision, recall double precision, f1_score double precision,
                   auc double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pglearn_binary_classifier_auc';
COMMENT ON FUNCTION binary_classifier_auc(text, text, text, text, text) IS
    'ROC and precision-recall curves with the area under the ROC curve, returned and written to table_out';

COMMENT ON FUNCTION binary_classifier(text, text, text, text, text) IS
    'counts and rates of a binary classifier at each distinct score, written to table_out';
COMMENT ON FUNCTION area_under_roc(text, text, text, text, text) IS
    'area under the ROC curve (ties count half), written to table_out';
COMMENT ON FUNCTION confusion_matrix(text, text, text, text) IS
    'how often each class was predicted (columns) for each observed class (rows), written to table_out';
COMMENT ON FUNCTION mean_abs_error(text, text, text, text, text) IS
    'mean of |prediction - observation|, written to table_out';
COMMENT ON FUNCTION mean_squared_error(text, text, text, text, text) IS
    'mean of (prediction - observation)^2, written to table_out';
COMMENT ON FUNCTION mean_abs_perc_error(text, text, text, text, text) IS
    'mean of |prediction - observation| / |observation|, written to table_out; NULL where an observation is 0';
COMMENT ON FUNCTION mean_perc_error(text, text, text, text, text) IS
    'mean of (prediction - observation) / |observation|, written to table_out; NULL where an observation is 0';
COMMENT ON FUNCTION r2_score(text, text, text, text, text) IS
    'coefficient of determination, written to table_out; NULL where the observations are all equal';
COMMENT ON FUNCTION adjusted_r2_score(text, text, text, text, integer, integer, text) IS
    'coefficient of determination, also adjusted for the number of predictors, written to table_out';
