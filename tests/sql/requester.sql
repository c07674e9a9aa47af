-- The calls of a program written for MADlib, in a schema called madlib: features without a constant, an integer label.
CREATE SCHEMA madlib;
CREATE EXTENSION pglearn SCHEMA madlib;
CREATE TABLE customers_train (customer_id integer PRIMARY KEY, features float8[], label integer);
INSERT INTO customers_train
SELECT k, ARRAY[k % 72, 20 + (k * 37) % 100, (k * 53) % 5, (k * 29) % 2, (k * 17) % 7, (k * 11) % 3, ((k * 101) % 1000) / 100.0],
       CASE WHEN (k * 53) % 5 + (k * 17) % 7 - (k % 72) / 12.0 + (k * 7919) % 10 > 7 THEN 1 ELSE 0 END
  FROM generate_series(1, 2000) AS k;

SELECT madlib.logregr_train('customers_train','churn_model','label','features',NULL,20,'irls');
SELECT cardinality(coef) AS coefficients, intercept = coef[1] AS repeated, num_rows_processed, num_iterations < 20 AS converged FROM churn_model;

CREATE TABLE predictions AS
SELECT t.customer_id, t.label AS actual,
       madlib.logregr_predict(m.coef, m.intercept, t.features) AS predicted,
       madlib.logregr_predict_prob(m.coef, m.intercept, t.features) AS probability
  FROM customers_train t, churn_model m;
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'predictions' ORDER BY ordinal_position;
SELECT count(*) AS rows, bool_and((probability > 0.5) = (predicted = 1)) AS consistent, bool_and(probability BETWEEN 0 AND 1) AS probabilities,
       avg((predicted = actual)::integer) > 0.7 AS better_than_guessing, abs(avg(probability) - avg(actual)) < 1e-9 AS calibrated FROM predictions;

SELECT madlib.binary_classifier('predictions','evaluation_metrics','predicted','actual');
SELECT threshold, tp + fp + fn + tn AS rows, (tp + tn) / (tp + fp + fn + tn) = round(acc::numeric, 16) AS accuracy FROM evaluation_metrics ORDER BY threshold DESC LIMIT 1;
SELECT tp = (SELECT count(*) FROM predictions WHERE predicted = 1 AND actual = 1) AS tp, fn = (SELECT count(*) FROM predictions WHERE predicted = 0 AND actual = 1) AS fn FROM evaluation_metrics WHERE threshold = 1;

CREATE TABLE curve AS
SELECT threshold, tpr, fpr, precision, recall, f1_score
  FROM madlib.binary_classifier_auc('predictions','roc_data','probability','actual');
SELECT count(*) = (SELECT count(DISTINCT probability) FROM predictions) AS one_row_per_score, max(tpr) AS highest, min(threshold) > 0 AS positive FROM curve;
SELECT count(*) = (SELECT count(*) FROM curve) AS written, min(auc) = max(auc) AND min(auc) > 0.75 AS auc FROM roc_data;
-- The area is the share of pairs in the right order, ties counting half.
SELECT abs((SELECT avg(CASE WHEN p.probability > n.probability THEN 1 WHEN p.probability = n.probability THEN 0.5 ELSE 0 END)
              FROM predictions p, predictions n WHERE p.actual = 1 AND n.actual = 0)::float8 - (SELECT min(auc) FROM roc_data)) < 1e-12 AS area;

CREATE FUNCTION predict_churn(tenure_months integer, monthly_charges float8, support_calls integer, senior integer, contract integer, payment integer, discount float8)
RETURNS TABLE(prediction integer, probability numeric) LANGUAGE plpgsql STABLE AS $$
DECLARE
    features float8[];
BEGIN
    features := ARRAY[tenure_months, monthly_charges, support_calls, senior, contract, payment, discount];
    RETURN QUERY
        SELECT madlib.logregr_predict(coef, intercept, features), madlib.logregr_predict_prob(coef, intercept, features) FROM churn_model;
END $$;
SELECT bool_and(c.prediction = p.predicted AND c.probability = p.probability) AS same
  FROM predictions p JOIN customers_train t USING (customer_id),
       LATERAL predict_churn(t.features[1]::integer, t.features[2], t.features[3]::integer, t.features[4]::integer, t.features[5]::integer, t.features[6]::integer, t.features[7]) AS c;

-- A program that retrains drops its tables first; twice in a row gives the same bits.
CREATE TABLE before AS SELECT * FROM churn_model;
DROP TABLE churn_model, churn_model_summary;
SET client_min_messages = warning;
SELECT madlib.logregr_train('customers_train','churn_model','label','features',NULL,20,'irls');
SELECT b = c AS same FROM before b, churn_model c;
-- With the setting off: what MADlib computes.
SET pglearn.fit_intercept = off;
SELECT madlib.logregr_train('customers_train','churn_strict','label','features',NULL,20,'irls');
SELECT cardinality(coef) AS coefficients, intercept FROM churn_strict;
