-- train(): any table in, a named and versioned model out; what is stored, what it says, training again.
\set SHOW_CONTEXT never
SET search_path = public, ml;

-- A number from 0 to 1 that depends on a row and a purpose.
CREATE FUNCTION draw(row_number bigint, purpose integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT reference.draw(row_number * 31 + purpose * 7919) / 1048576.0 $$;

-- The newest version of a model: a statement does not see what it makes itself.
CREATE FUNCTION newest(model text) RETURNS model_versions LANGUAGE sql STABLE AS
$$ SELECT v FROM model_versions AS v JOIN models AS m USING (model_id) WHERE m.name = model ORDER BY version DESC LIMIT 1 $$;

CREATE TYPE contract AS ENUM ('month-to-month', 'one year', 'two year');
CREATE TABLE customers (
    customer_id integer PRIMARY KEY, gender text, senior boolean, tenure_months integer, monthly_charges numeric(8, 2),
    total_charges numeric, contract_type contract, signed_on date, branch text, country text DEFAULT 'CH', notes json, churned text);
INSERT INTO customers
SELECT i, CASE WHEN draw(i, 1) < 0.5 THEN 'female' ELSE 'male' END, draw(i, 2) < 0.16, tenure, charges,
       CASE WHEN draw(i, 3) >= 0.02 THEN tenure * charges END, (enum_range(NULL::contract))[1 + plan],
       date '2020-01-01' + (draw(i, 4) * 1000)::integer, 'branch ' || i % 7, 'CH', '{}',
       CASE WHEN draw(i, 5) < 1 / (1 + exp(1.5 + 0.05 * tenure - 0.03 * charges + plan)) THEN 'Yes' ELSE 'No' END
  FROM (SELECT i, (draw(i, 6) * 72)::integer AS tenure, (20 + draw(i, 7) * 100)::numeric(8, 2) AS charges, (draw(i, 8) * 2.999)::integer AS plan
          FROM generate_series(1, 2000) AS i) AS drawn;
UPDATE customers SET churned = NULL WHERE customer_id <= 10;

-- No preparation: types, encodings, imputations, the hold-out are decided here.
SELECT model, version, status, metrics ->> 'rows' AS held_out, round((metrics ->> 'roc_auc')::numeric, 3) AS roc_auc, job_id
  FROM train('churn', 'customers', 'churned');
SELECT feature, type, encoding, round(center::numeric, 3) AS center, round(scale::numeric, 3) AS scale, impute, indicator, categories, reference, encoded
  FROM feature_info('churn');
SELECT class, feature, round(weight::numeric, 3) AS weight, std_err, round(weight_per_unit::numeric, 4) AS per_unit FROM weights('churn');
SELECT key, CASE WHEN key ~ '^metrics|loss' THEN round(value::numeric, 3)::text
                 WHEN key IN ('created_at', 'duration_ms', 'snapshot', 'started_at') THEN CASE WHEN value <> '' THEN '(set)' END
                 WHEN key = 'created_by' THEN (value = current_user)::text WHEN key = 'role' THEN (value = current_user)::text ELSE value END AS value
  FROM training_info('churn');

-- Every row is accounted for.
SELECT (training #>> '{rows,total}')::integer AS total, (training #>> '{rows,training}')::integer AS training, (training #>> '{rows,holdout}')::integer AS holdout,
       training #> '{rows,skipped}' AS skipped,
       (training #>> '{rows,training}')::integer + (training #>> '{rows,holdout}')::integer
       + (SELECT sum(value::integer) FROM jsonb_each_text(training #> '{rows,skipped}')) = (training #>> '{rows,total}')::integer AS all_of_them,
       training -> 'classes' AS classes, signature, classes AS model_classes, source, recipe ->> 'relation' AS relation, recipe ->> 'search_path' AS path
  FROM newest('churn');
SELECT name, owner = current_user::regrole AS mine, seed, split_key, last_version FROM models WHERE name = 'churn';

-- The weights minimise log loss + |b|^2 / (2 C): the gradient, computed here, vanishes.
CREATE TABLE plain AS SELECT customer_id AS id, tenure_months / 72.0 AS tenure, monthly_charges::float8 / 100 AS charges, churned = 'Yes' AS left_us FROM customers WHERE churned IS NOT NULL;
SELECT version FROM train('plain', 'plain', 'left_us', features => '{tenure,charges}', split => '{"method": "none"}', hyperparams => '{"C": 2}',
                          preprocess => '{"tenure": {"scale": "none"}, "charges": {"scale": "none"}}');
WITH b AS (SELECT max(weight) FILTER (WHERE feature = 'intercept') AS b0, max(weight) FILTER (WHERE feature = 'tenure') AS b1, max(weight) FILTER (WHERE feature = 'charges') AS b2 FROM weights('plain')),
     r AS (SELECT 1 / (1 + exp(-(b0 + b1 * tenure::float8 + b2 * charges))) - left_us::integer AS residual, tenure::float8 AS tenure, charges, b1, b2 FROM plain, b)
SELECT abs(sum(residual)) < 1e-5 AS intercept, abs(sum(residual * tenure) + max(b1) / 2) < 1e-5 AS tenure, abs(sum(residual * charges) + max(b2) / 2) < 1e-5 AS charges FROM r;

-- Again, with fewer words: source and target are those of the newest version.
SELECT version, status FROM train('churn', hyperparams => '{"C": 0.1}', tags => '{"team": "retention"}');
SELECT version, hyperparams FROM newest('churn');
SELECT last_version, tags FROM models WHERE name = 'churn';
-- The same rows, the same model: whatever the order of the rows.
CREATE INDEX ON customers (monthly_charges);
CLUSTER customers USING customers_monthly_charges_idx;
SELECT version FROM train('churn', 'customers', 'churned');
SELECT a.training ->> 'rows_hash' = b.training ->> 'rows_hash' AS same_rows, a.training -> 'rows' = b.training -> 'rows' AS same_counts,
       (SELECT max(abs((va.value::float8) - (vb.value)::float8)) < 1e-9 FROM jsonb_each_text(a.metrics) AS va JOIN jsonb_each_text(b.metrics) AS vb USING (key)) AS same_metrics
  FROM model_versions AS a JOIN model_versions AS b USING (model_id) WHERE a.version = 1 AND b.version = 3;

-- The stored recipe on current data, even after the table was renamed and another one took its name.
ALTER TABLE customers RENAME TO subscribers;
CREATE TABLE customers (customer_id integer, churned text);
SELECT version, status, metrics ->> 'rows' AS held_out FROM retrain('churn', async => false);
SELECT version, source, recipe ->> 'relation' AS relation FROM newest('churn');
DROP TABLE customers;
CALL tests.refused('SELECT * FROM retrain(''chrn'', async => false)');
CALL tests.refused('SELECT * FROM retrain(NULL)');
-- A query keeps the search_path under which it was written.
CREATE SCHEMA "My Data";
CREATE TABLE "My Data".t AS SELECT i AS id, draw(i, 1) AS x, 2 * draw(i, 1) + draw(i, 2) AS y FROM generate_series(1, 500) AS i;
CREATE TABLE public.t AS SELECT 1 AS id, 1.0::float8 AS x, 1.0::float8 AS y;
SET search_path = "My Data", public, ml;
SELECT version, metrics ->> 'rows' AS held_out FROM train('line', 'SELECT x, y FROM t', 'y');
SET search_path = public, ml;
SELECT version, metrics ->> 'rows' AS held_out FROM retrain('line', async => false);
SELECT version, recipe ->> 'query' AS query, recipe ->> 'search_path' AS path, source, algorithm FROM model_versions JOIN models USING (model_id) WHERE name = 'line' ORDER BY 1;
SELECT version, metrics ->> 'rows' AS held_out FROM train('line');
-- However names are written.
SET quote_all_identifiers = on;
SELECT version, metrics ->> 'rows' AS held_out FROM retrain('line', async => false);
RESET quote_all_identifiers;
-- What is gone is told so.
DROP TABLE "My Data".t;
CALL tests.refused('SELECT * FROM retrain(''line'', async => false)');
CREATE TEMP TABLE passing AS SELECT i AS id, draw(i, 1) AS x, draw(i, 2) AS y FROM generate_series(1, 100) AS i;
SELECT version FROM train('passing', 'passing', 'y');
CALL tests.refused('SELECT * FROM retrain(''passing'', async => false)');
CREATE TABLE kept AS SELECT * FROM passing;
SELECT version FROM train('passing', 'kept', 'y');
DROP TABLE kept;
CALL tests.refused('SELECT * FROM retrain(''passing'', async => false)');

-- Regression: inference where it is not penalised; a number with two values is a class, or not, as asked.
SELECT version FROM train('charges', 'subscribers', 'total_charges', features => '{tenure_months,monthly_charges}');
SELECT algorithm FROM newest('charges');
SELECT class, feature, round(weight::numeric, 2) AS weight, round(std_err::numeric, 3) AS std_err FROM weights('charges');
SELECT version FROM train('charges', 'subscribers', 'total_charges', features => '{tenure_months,monthly_charges}', split => '{"method": "none"}');
SELECT (SELECT array_agg(round(weight::numeric, 6) ORDER BY feature) FROM weights('charges') WHERE feature <> 'intercept')
     = (SELECT ARRAY[round(coef[3]::numeric, 6), round(coef[2]::numeric, 6)] FROM (
        SELECT (linregr(total_charges, ARRAY[1, tenure_months, monthly_charges]::float8[])).coef FROM subscribers WHERE total_charges IS NOT NULL) AS l) AS as_linregr;
SELECT metrics -> 'rows' AS held_out, holdout IS NULL AS nothing_kept FROM newest('charges');
CREATE VIEW flagged AS SELECT tenure_months, monthly_charges, senior::integer AS flag FROM subscribers;
SELECT version FROM train('flag', 'flagged', 'flag');
SELECT task, algorithm, classes FROM newest('flag');
SELECT version FROM train('flag2', 'flagged', 'flag', task => 'regression');
SELECT task, algorithm, classes FROM newest('flag2');
SELECT version FROM train('flag3', 'flagged', 'flag', algorithm => 'ridge');
SELECT task, algorithm, classes FROM newest('flag3');
-- Few rows for many columns: auto chooses a penalty.
SELECT version FROM train('small', 'SELECT tenure_months, monthly_charges, total_charges FROM subscribers LIMIT 20', 'total_charges');
SELECT algorithm FROM newest('small');
-- Hyper-parameters that only one candidate takes decide too.
SELECT version FROM train('auto', 'subscribers', 'total_charges', hyperparams => '{"alpha": 2}');
SELECT algorithm, hyperparams FROM newest('auto');
SELECT version FROM train('lasso', 'subscribers', 'total_charges', algorithm => 'lasso', hyperparams => '{"alpha": 100}');
SELECT algorithm, hyperparams FROM newest('lasso');
-- Three classes.
SELECT version FROM train('plan', 'subscribers', 'contract_type');
SELECT metrics ? 'roc_auc_ovr' AS multinomial, classes FROM newest('plan');
SELECT class, count(*) FROM weights('plan') GROUP BY class ORDER BY class;

-- Weights: a weight of 2 is a row twice; a weight of 0 and a NULL are no row.
CREATE TABLE weighted AS SELECT i AS id, draw(i, 1) AS x, draw(i, 2) < draw(i, 1) AS y, (ARRAY[1, 2, 0, NULL])[1 + i % 4] AS w FROM generate_series(1, 400) AS i;
SELECT version FROM train('weighted', 'weighted', 'y', weight => 'w', features => '{x}', split => '{"method": "none"}');
SELECT version FROM train('repeated', 'SELECT x, y FROM weighted, generate_series(1, w)', 'y', split => '{"method": "none"}', preprocess => '{"x": {"scale": "none"}}');
SELECT version FROM train('weighted', 'weighted', 'y', weight => 'w', features => '{x}', split => '{"method": "none"}', preprocess => '{"x": {"scale": "none"}}');
SELECT bool_and(abs(a.weight - b.weight) < 1e-8) AS same FROM weights('weighted') AS a JOIN weights('repeated') AS b USING (feature);
SELECT training -> 'rows' AS rows FROM model_versions JOIN models USING (model_id) WHERE name = 'weighted' AND version = 1;
-- Balanced classes weigh the same; weights by class are weights of rows.
SELECT version FROM train('balanced', 'SELECT x, y FROM weighted WHERE id % 5 = 0 OR NOT y', 'y', class_weight => 'balanced', split => '{"method": "none"}');
SELECT training -> 'classes' AS counts FROM model_versions JOIN models USING (model_id) WHERE name = 'balanced';
SELECT version FROM train('byclass', 'SELECT x, y, CASE WHEN y THEN 3 ELSE 1 END AS w FROM weighted', 'y', weight => 'w', split => '{"method": "none"}');
SELECT version FROM train('byclass', 'SELECT x, y FROM weighted', 'y', class_weight => '{"true": 3}', split => '{"method": "none"}');
SELECT bool_and(abs(a.weight - b.weight) < 1e-9) AS same FROM weights('byclass@1') AS a JOIN weights('byclass@2') AS b USING (feature);
-- Balanced with weights: a weight of 2 is a row twice here too.
SELECT version FROM train('even', 'weighted', 'y', weight => 'w', features => '{x}', class_weight => 'balanced', split => '{"method": "none"}', preprocess => '{"x": {"scale": "none"}}');
SELECT version FROM train('even', 'SELECT x, y FROM weighted, generate_series(1, w)', 'y', class_weight => 'balanced', split => '{"method": "none"}', preprocess => '{"x": {"scale": "none"}}');
SELECT bool_and(abs(a.weight - b.weight) < 1e-8) AS same FROM weights('even@1') AS a JOIN weights('even@2') AS b USING (feature);

-- Warnings are kept: a column that tells the target, classes that are separated.
SELECT version FROM train('leak', 'SELECT customer_id AS id, tenure_months, churned, upper(churned) AS left_us FROM subscribers', 'churned');
SELECT warnings FROM model_versions JOIN models USING (model_id) WHERE name = 'leak';
-- All there is to choose from.
SELECT DISTINCT algorithm, tasks FROM algorithms() ORDER BY 1;
SELECT hyperparameter, default_value, allowed FROM algorithms() WHERE algorithm = 'logistic_regression';

-- A transaction decides: what is rolled back never was, and a number is not used twice by two.
BEGIN;
SELECT version FROM train('fleeting', 'weighted', 'y');
SELECT version FROM train('fleeting', 'weighted', 'y');
SAVEPOINT s;
SELECT version FROM train('fleeting', 'weighted', 'y');
ROLLBACK TO s;
SELECT count(*) FROM feature_info('fleeting');
SELECT version FROM train('fleeting', 'weighted', 'y');
ROLLBACK;
SELECT count(*) FROM models WHERE name = 'fleeting';
-- Prepared, and called by a function.
PREPARE again AS SELECT version FROM train('prepared', 'weighted', 'y');
EXECUTE again;
EXECUTE again;
CREATE FUNCTION train_both() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM train('inside', 'weighted', 'y');
    INSERT INTO weighted SELECT i, draw(i, 1), draw(i, 2) < 0.5, 1 FROM generate_series(1001, 1100) AS i;
    PERFORM train('inside', 'weighted', 'y');
    RETURN (SELECT last_version FROM models WHERE name = 'inside');
END $$;
SELECT train_both();
-- the rows inserted before, in the same transaction, were seen
SELECT v.version, training #>> '{rows,total}' AS total FROM model_versions AS v JOIN models USING (model_id) WHERE name = 'inside' ORDER BY 1;
