-- Telco churn (PGLEARN_DATA names the folder with telco_churn.csv): one-hot columns made in SQL, rows with NULL
-- skipped and counted, against statsmodels and scikit-learn.
\set VERBOSITY terse
CREATE TABLE telco (id integer PRIMARY KEY, customer_id text, tenure_months integer, monthly_charges numeric, total_charges numeric,
    number_of_services integer, contract_type text, payment_method text, churn boolean);
\getenv data PGLEARN_DATA
\set load '\\copy telco FROM ' '\'' :data '/telco_churn.csv' '\'' ' CSV HEADER'
:load
SELECT count(*), count(total_charges), count(*) FILTER (WHERE churn) AS churned FROM telco;

CREATE VIEW telco_design AS
SELECT id, churn, churn::integer AS churned, total_charges::float8 AS total_charges,
       ARRAY[1, tenure_months, monthly_charges, total_charges, number_of_services,
             (contract_type = 'One year')::integer, (contract_type = 'Two year')::integer,
             (payment_method = 'Credit card (automatic)')::integer, (payment_method = 'Electronic check')::integer,
             (payment_method = 'Mailed check')::integer]::float8[] AS x,
       ARRAY[1, tenure_months, monthly_charges, number_of_services,
             (contract_type = 'One year')::integer, (contract_type = 'Two year')::integer,
             (payment_method = 'Credit card (automatic)')::integer, (payment_method = 'Electronic check')::integer,
             (payment_method = 'Mailed check')::integer]::float8[] AS x_without_total
  FROM telco;

SELECT ml.logregr_train('telco_design', 'telco_logistic', 'churn', 'x');
SELECT c.* FROM telco_logistic m, reference.compare(to_jsonb(m), reference.part('telco', 'logistic')) c;
SELECT num_missing_rows_skipped FROM telco_logistic;

SELECT ml.linregr_train('telco_design', 'telco_linear', 'total_charges', 'x_without_total', NULL, true);
SELECT c.* FROM telco_linear m, reference.compare(to_jsonb(m), reference.part('telco', 'linear')) c;
SELECT reference.verdict(bp_stats, reference.part('telco', 'linear', 'bp_koenker')) AS bp_stats,
       reference.verdict(bp_p_value, reference.part('telco', 'linear', 'bp_koenker_p')) AS bp_p_value,
       num_missing_rows_skipped
  FROM telco_linear;

CREATE TABLE telco_scored AS
SELECT churned, total_charges, ml.logregr_predict_prob(g.coef, x) AS probability, ml.linregr_predict(l.coef, x_without_total) AS predicted
  FROM telco_design, telco_logistic g, telco_linear l WHERE total_charges IS NOT NULL;
SELECT ml.area_under_roc('telco_scored', 'telco_auc', 'probability', 'churned');
SELECT ml.binary_classifier('telco_scored', 'telco_thresholds', 'probability', 'churned');
SELECT ml.r2_score('telco_scored', 'telco_r2', 'predicted', 'total_charges');
SELECT ml.mean_abs_error('telco_scored', 'telco_mae', 'predicted', 'total_charges');
SELECT ml.mean_squared_error('telco_scored', 'telco_mse', 'predicted', 'total_charges');
SELECT ml.mean_abs_perc_error('telco_scored', 'telco_mape', 'predicted', 'total_charges');
SELECT c.* FROM telco_auc m, reference.compare(to_jsonb(m), reference.part('telco', 'ranking')) c;
SELECT reference.verdict(acc, reference.part('telco', 'ranking', 'accuracy_at_half')) AS accuracy,
       reference.verdict(f1, reference.part('telco', 'ranking', 'f1_at_half')) AS f1
  FROM telco_thresholds WHERE threshold >= 0.5 ORDER BY threshold LIMIT 1;
SELECT c.* FROM telco_r2 m, reference.compare(to_jsonb(m), reference.part('telco', 'regression')) c;
SELECT c.* FROM telco_mae m, reference.compare(to_jsonb(m), reference.part('telco', 'regression')) c;
SELECT c.* FROM telco_mse m, reference.compare(to_jsonb(m), reference.part('telco', 'regression')) c;
SELECT c.* FROM telco_mape m, reference.compare(to_jsonb(m), reference.part('telco', 'regression')) c;

DROP VIEW telco_design;
DROP TABLE telco, telco_logistic, telco_logistic_summary, telco_linear, telco_linear_summary, telco_scored, telco_auc,
           telco_thresholds, telco_r2, telco_mae, telco_mse, telco_mape;
