-- Whole pipelines on real data (PGLEARN_DATA names the folder with telco_churn.csv and bike_hour.csv): what train()
-- decides by itself and learns, against scikit-learn's ColumnTransformer and fits (tests/reference/pipelines.py).
\set VERBOSITY terse
\set document `cat "$PG_ABS_SRCDIR/reference/pipelines.json"`
INSERT INTO reference.documents VALUES ('pipelines', :'document');
\unset document
\getenv data PGLEARN_DATA
CREATE TABLE churn_customers (id integer PRIMARY KEY, customer_id text, tenure_months integer, monthly_charges numeric,
    total_charges numeric, number_of_services integer, contract_type text, payment_method text, churn boolean);
\set load '\\copy churn_customers FROM ' '\'' :data '/telco_churn.csv' '\'' ' CSV HEADER'
:load
CREATE TABLE bike_hours (id integer PRIMARY KEY, dteday text, season integer, yr integer, mnth integer, hr integer, holiday integer,
    weekday integer, workingday integer, weathersit integer, temp float8, atemp float8, hum float8, windspeed float8,
    casual integer, registered integer, cnt integer);
\set load '\\copy bike_hours FROM ' '\'' :data '/bike_hour.csv' '\'' ' CSV HEADER'
:load
CREATE VIEW rentals AS
SELECT id, to_date(dteday, 'DD/MM/YY') AS rented_on, hr, temp, CASE WHEN id % 7 <> 0 THEN hum END AS hum,
       CASE WHEN id % 101 <> 0 THEN windspeed END AS windspeed, holiday = 1 AS holiday, workingday = 1 AS workingday,
       weathersit, season, casual, registered, cnt
  FROM bike_hours;

-- The weights of a model, and the predictions for the rows of a document, against the reference.
CREATE FUNCTION reference.weights_of(model text, part text) RETURNS TABLE(class text, features bigint, verdict text)
LANGUAGE sql AS $$
    SELECT w.class, count(*),
           CASE WHEN count(*) <> (SELECT count(*) FROM jsonb_object_keys(reference.part('pipelines', part, 'weights', coalesce(w.class, ''))))
                     THEN 'OTHER FEATURES'
                ELSE reference.verdict(array_agg(w.weight), array_agg(
                         (reference.part('pipelines', part, 'weights', coalesce(w.class, ''), w.feature))::float8)) END
      FROM ml.weights(model) w GROUP BY w.class ORDER BY w.class $$;

-- Classification: what is left out and why, and no split.
SELECT status FROM ml.train('churn_pipeline', 'churn_customers', 'churn', algorithm => 'logistic_regression',
    split => '{"method": "none"}', hyperparams => '{"C": 1, "tol": 1e-10, "max_iter": 1000}');
SELECT feature, encoding, impute, indicator, encoded FROM ml.feature_info('churn_pipeline');
SELECT * FROM reference.weights_of('churn_pipeline', 'telco');
SELECT count(*), reference.verdict(array_agg(ml.predict_proba('churn_pipeline', c)), array_agg(value::float8))
  FROM jsonb_each(reference.part('pipelines', 'telco', 'probability')) r JOIN churn_customers c ON c.id = r.key::integer;
SELECT reference.verdict(-avg(ln(CASE WHEN churn THEN p ELSE 1 - p END)), reference.part('pipelines', 'telco', 'log_loss'))
  FROM churn_customers c, ml.predict_proba('churn_pipeline', c) AS p;

-- Regressions: a date in parts, booleans, a number that is a category with a rare value, missing values with and
-- without an indicator.
SELECT status FROM ml.train('rentals_ridge', 'rentals', 'cnt', algorithm => 'ridge', hyperparams => '{"alpha": 2.5}',
    features => '{rented_on,hr,temp,hum,windspeed,holiday,workingday,weathersit}',
    preprocess => '{"weathersit": {"encode": "one_hot"}}', split => '{"method": "none"}');
SELECT feature, encoding, impute, indicator, encoded FROM ml.feature_info('rentals_ridge');
SELECT * FROM reference.weights_of('rentals_ridge', 'ridge');
SELECT status FROM ml.train('rentals_lasso', 'rentals', 'cnt', algorithm => 'lasso', hyperparams => '{"alpha": 0.5, "tol": 1e-14, "max_iter": 1000000}',
    features => '{rented_on,hr,temp,hum,windspeed,holiday,workingday,weathersit}',
    preprocess => '{"weathersit": {"encode": "one_hot"}}', split => '{"method": "none"}');
SELECT * FROM reference.weights_of('rentals_lasso', 'lasso');
SELECT count(*) FILTER (WHERE weight = 0) AS zeros FROM ml.weights('rentals_lasso');
SELECT status FROM ml.train('rentals_elastic_net', 'rentals', 'cnt', algorithm => 'elastic_net',
    hyperparams => '{"alpha": 0.05, "l1_ratio": 0.7, "tol": 1e-14, "max_iter": 1000000}',
    features => '{rented_on,hr,temp,hum,windspeed,holiday,workingday,weathersit}',
    preprocess => '{"weathersit": {"encode": "one_hot"}}', split => '{"method": "none"}');
SELECT * FROM reference.weights_of('rentals_elastic_net', 'elastic_net');
-- Without a penalty: not scaled, a reference category.
SELECT status FROM ml.train('rentals_linear', 'rentals', 'cnt',
    features => '{rented_on,hr,temp,hum,windspeed,holiday,workingday,weathersit}',
    preprocess => '{"weathersit": {"encode": "one_hot"}}', split => '{"method": "none"}');
SELECT feature, reference FROM ml.feature_info('rentals_linear') WHERE reference IS NOT NULL;
SELECT * FROM reference.weights_of('rentals_linear', 'linear_regression');
SELECT m.model, count(*), reference.verdict(array_agg(ml.predict('rentals_' || m.model, t)), array_agg(r.value::float8)) AS predictions
  FROM (VALUES ('ridge', 'ridge'), ('lasso', 'lasso'), ('elastic_net', 'elastic_net'), ('linear', 'linear_regression')) m(model, part),
       jsonb_each(reference.part('pipelines', m.part, 'prediction')) r JOIN rentals t ON t.id = r.key::integer
 GROUP BY m.model ORDER BY m.model;

-- Four classes that are numbers.
SELECT status FROM ml.train('rentals_season', 'rentals', 'season', task => 'classification',
    hyperparams => '{"C": 0.5, "tol": 1e-10, "max_iter": 1000}', features => '{temp,hum,windspeed,weathersit}',
    preprocess => '{"weathersit": {"encode": "one_hot"}}', split => '{"method": "none"}');
SELECT * FROM reference.weights_of('rentals_season', 'seasons');
SELECT count(*), reference.verdict(array_agg(p), array_agg(q))
  FROM jsonb_each(reference.part('pipelines', 'seasons', 'probabilities')) r JOIN rentals t ON t.id = r.key::integer,
       unnest(ml.predict_probas('rentals_season', t), reference.numbers(r.value)) AS v(p, q);
SELECT reference.verdict(-avg(ln(p[season])), reference.part('pipelines', 'seasons', 'log_loss'))
  FROM rentals t, ml.predict_probas('rentals_season', t) AS p;

-- What tells the target is named.
SELECT status FROM ml.train('rentals_told', 'SELECT *, cnt * 2.5 AS fee, cnt > 142 AS busy FROM rentals', 'cnt', exclude => '{season}');
SELECT status FROM ml.train('busy_told', 'SELECT hr, temp, cnt > 142 AS busy, cnt FROM rentals', 'busy');

SELECT count(*) FROM (SELECT ml.drop_model(name) FROM ml.models) AS dropped;
DROP VIEW rentals;
DROP TABLE churn_customers, bike_hours;
DROP FUNCTION reference.weights_of;
DELETE FROM reference.documents WHERE name = 'pipelines';
