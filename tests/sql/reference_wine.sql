-- Red wine quality (1,599 rows; PGLEARN_WINE names the CSV with a header): logistic and linear regression
-- against statsmodels, metrics of the fitted values against scikit-learn.
\set VERBOSITY terse
CREATE TABLE reference_wine (fixed_acidity float8, volatile_acidity float8, citric_acid float8, residual_sugar float8,
    chlorides float8, free_sulfur_dioxide float8, total_sulfur_dioxide float8, density float8, ph float8, sulphates float8,
    alcohol float8, quality float8);
\getenv wine PGLEARN_WINE
\set load '\\copy reference_wine FROM ' '\'' :wine '\'' ' CSV HEADER'
:load
SELECT count(*), sum(quality) FROM reference_wine;
\set features 'fixed_acidity, volatile_acidity, citric_acid, residual_sugar, chlorides, free_sulfur_dioxide, total_sulfur_dioxide, density, ph, sulphates, alcohol'
\set design 'ARRAY[1, ' :features ']'

SELECT ml.logregr_train('reference_wine', 'reference_wine_logistic', 'quality >= 7', :'design');
SELECT c.* FROM reference_wine_logistic m, reference.compare(to_jsonb(m), reference.part('wine', 'logistic')) c;

-- Without a constant the intercept is added; with the newton alias, in another order of rows: the same numbers.
SET client_min_messages = warning;
CREATE VIEW reference_wine_sorted AS SELECT * FROM reference_wine ORDER BY alcohol DESC, density;
\set design_without 'ARRAY[' :features ']'
SELECT ml.logregr_train('reference_wine_sorted', 'reference_wine_added', 'quality >= 7', :'design_without', NULL, 20, 'newton');
RESET client_min_messages;
SELECT c.* FROM reference_wine_added m, reference.compare(to_jsonb(m), reference.part('wine', 'logistic')) c;
SELECT intercept = coef[1] AS intercept_repeats_coef FROM reference_wine_added;

SELECT ml.linregr_train('reference_wine', 'reference_wine_linear', 'quality', :'design', NULL, true);
SELECT c.* FROM reference_wine_linear m, reference.compare(to_jsonb(m), reference.part('wine', 'linear')) c;
SELECT reference.verdict(bp_stats, reference.part('wine', 'linear', 'bp_koenker')) AS bp_stats,
       reference.verdict(bp_p_value, reference.part('wine', 'linear', 'bp_koenker_p')) AS bp_p_value
  FROM reference_wine_linear;

-- The aggregate gives what the trainer gives.
SELECT c.* FROM (SELECT (ml.linregr(quality, ARRAY[1, :features])).* FROM reference_wine) a,
               reference.compare(to_jsonb(a) || jsonb_build_object('variance_covariance', a.vcov), reference.part('wine', 'linear')) c;

-- Metrics of the fitted values.
CREATE TABLE reference_wine_scored AS
SELECT (quality >= 7)::integer AS good, quality, ml.logregr_predict_prob(g.coef, ARRAY[1, :features]) AS probability,
       ml.linregr_predict(l.coef, ARRAY[1, :features]) AS predicted
  FROM reference_wine, reference_wine_logistic g, reference_wine_linear l;
SELECT ml.area_under_roc('reference_wine_scored', 'reference_wine_auc', 'probability', 'good');
SELECT ml.binary_classifier('reference_wine_scored', 'reference_wine_thresholds', 'probability', 'good');
SELECT ml.r2_score('reference_wine_scored', 'reference_wine_r2', 'predicted', 'quality');
SELECT ml.adjusted_r2_score('reference_wine_scored', 'reference_wine_adjusted', 'predicted', 'quality', 11, 1599);
SELECT ml.mean_abs_error('reference_wine_scored', 'reference_wine_mae', 'predicted', 'quality');
SELECT ml.mean_squared_error('reference_wine_scored', 'reference_wine_mse', 'predicted', 'quality');
SELECT ml.mean_abs_perc_error('reference_wine_scored', 'reference_wine_mape', 'predicted', 'quality');
SELECT ml.mean_perc_error('reference_wine_scored', 'reference_wine_mpe', 'predicted', 'quality');
SELECT c.* FROM reference_wine_auc m, reference.compare(to_jsonb(m), reference.part('wine', 'ranking')) c;
SELECT count(*) = (reference.part('wine', 'ranking', 'distinct_scores'))::bigint AS one_row_per_score FROM reference_wine_thresholds;
SELECT reference.verdict(acc, reference.part('wine', 'ranking', 'accuracy_at_half')) AS accuracy,
       reference.verdict(f1, reference.part('wine', 'ranking', 'f1_at_half')) AS f1
  FROM reference_wine_thresholds WHERE threshold >= 0.5 ORDER BY threshold LIMIT 1;
SELECT c.* FROM reference_wine_r2 m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;
SELECT c.* FROM reference_wine_adjusted m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;
SELECT c.* FROM reference_wine_mae m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;
SELECT c.* FROM reference_wine_mse m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;
SELECT c.* FROM reference_wine_mape m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;
SELECT c.* FROM reference_wine_mpe m, reference.compare(to_jsonb(m), reference.part('wine', 'regression')) c;

DROP VIEW reference_wine_sorted;
DROP TABLE reference_wine, reference_wine_logistic, reference_wine_logistic_summary, reference_wine_added, reference_wine_added_summary,
           reference_wine_linear, reference_wine_linear_summary, reference_wine_scored, reference_wine_auc, reference_wine_thresholds,
           reference_wine_r2, reference_wine_adjusted, reference_wine_mae, reference_wine_mse, reference_wine_mape, reference_wine_mpe;
