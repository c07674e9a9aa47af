-- evaluate, confusion_matrix, roc_curve, calibration_curve: numbers against scikit-learn, the stored hold-out,
-- groups, rows that cannot be used, errors.
\set SHOW_CONTEXT never
SET search_path = public, ml;
\set document `cat "$PG_ABS_SRCDIR/reference/evaluation.json"`
INSERT INTO reference.documents VALUES ('evaluation', :'document');
\unset document

-- The rows of tests/reference/evaluation.py: a score of two classes as its log odds, and a number.
CREATE TABLE scored AS
SELECT i, (a >> 10) / 1024.0::float8 AS p, a + b / 2.0 > 786432 AS y, (a >> 14) / 64.0::float8 AS tied
  FROM (SELECT i, reference.draw(3 * i) AS a, reference.draw(3 * i + 1) AS b FROM generate_series(1, 5000) AS i) AS drawn;
ALTER TABLE scored ADD x float8, ADD x_tied float8;
UPDATE scored SET x = CASE WHEN p = 0 THEN -800 ELSE ln(p / (1 - p)) END,
                  x_tied = CASE WHEN tied = 0 THEN -800 ELSE ln(tied / (1 - tied)) END;
CREATE TABLE numbers AS
SELECT i, (1 + (a >> 16)) * CASE WHEN b & 1 = 1 THEN -1 ELSE 1 END::float8 AS observed,
       (1 + (a >> 16)) * CASE WHEN b & 1 = 1 THEN -1 ELSE 1 END + ((c >> 16) - 8) / 4.0::float8 AS predicted
  FROM (SELECT i, reference.draw(4 * i) AS a, reference.draw(4 * i + 1) AS b, reference.draw(4 * i + 2) AS c
          FROM generate_series(1, 5000) AS i) AS drawn;
-- Models that say what the column says: the logistic function of x, and predicted itself.
SELECT logregr_train('scored', 'identity_logit', 'y', 'ARRAY[1, x]', NULL, 1);
UPDATE identity_logit SET coef = '{0, 1}';
SELECT register_model('logit', 'identity_logit');
SELECT linregr_train('numbers', 'identity', 'observed', 'ARRAY[1, predicted]');
UPDATE identity SET coef = '{0, 1}';
SELECT register_model('identity', 'identity');

CREATE FUNCTION metrics_of(model text, source text, threshold float8 DEFAULT 0.5) RETURNS jsonb LANGUAGE sql AS
$$ SELECT jsonb_object_agg(metric, value) - 'rows_skipped' FROM evaluate(model, source, threshold) $$;
SELECT * FROM reference.compare(metrics_of('logit', 'scored'), reference.part('evaluation', 'binary'), 1e-10);
SELECT * FROM reference.compare(metrics_of('logit', 'scored', 0.3), reference.part('evaluation', 'binary_at_0.3'), 1e-10);
SELECT * FROM reference.compare(metrics_of('logit', 'SELECT x_tied AS x, y FROM scored'), reference.part('evaluation', 'tied'), 1e-10);
SELECT * FROM reference.compare(metrics_of('identity', 'numbers'), reference.part('evaluation', 'regression'), 1e-10);
SELECT * FROM reference.compare(metrics_of('identity', 'SELECT * FROM numbers WHERE i < 5000'), reference.part('evaluation', 'odd_regression'), 1e-10);
SELECT v.* FROM (SELECT array_agg(observed ORDER BY bin) AS observed, array_agg(mean_predicted ORDER BY bin) AS mean_predicted, array_agg(count ORDER BY bin) AS count
                   FROM calibration_curve('logit', 'scored')) AS c, reference.compare(to_jsonb(c), reference.part('evaluation', 'calibration'), 1e-10) AS v;
SELECT bin, lower, upper FROM calibration_curve('logit', 'scored') WHERE bin IN (1, 4, 10);
SELECT v.* FROM (SELECT array_agg(fpr ORDER BY threshold DESC) AS fpr, array_agg(tpr ORDER BY threshold DESC) AS tpr, array_agg(threshold ORDER BY threshold DESC) AS threshold
          FROM roc_curve('logit', 'SELECT x_tied AS x, y FROM scored') WHERE threshold < 'Infinity') AS c, reference.compare(to_jsonb(c), reference.part('evaluation', 'curve'), 1e-10) AS v;
SELECT * FROM roc_curve('logit', 'SELECT x_tied AS x, y FROM scored') LIMIT 1;
SELECT * FROM confusion_matrix('logit', 'scored');
SELECT count(*) FILTER (WHERE NOT y AND x <= 0) AS tn, count(*) FILTER (WHERE NOT y AND x > 0) AS fp,
       count(*) FILTER (WHERE y AND x <= 0) AS fn, count(*) FILTER (WHERE y AND x > 0) AS tp FROM scored;
-- MADlib's function of the same name stands beside it.
SELECT confusion_matrix('SELECT (x > 0)::int AS said, y::int AS y FROM scored', 'matrix', 'said', 'y');
SELECT * FROM matrix ORDER BY row_id;

-- A trained model: the stored hold-out has the metrics that train returned.
CREATE TYPE plan AS ENUM ('basic', 'plus', 'gold');
CREATE TABLE customers (id integer PRIMARY KEY, months integer, charge numeric, plan plan, segment text, churn text, spend float8, region text);
INSERT INTO customers
SELECT i, d % 72, 20 + (d >> 8) % 90, (enum_range(NULL::plan))[1 + (d >> 3) % 3], 'segment ' || (d >> 5) % 4,
       CASE WHEN (d >> 11) % 100 < 60 - d % 72 + 10 * ((d >> 3) % 3) THEN 'yes' ELSE 'no' END, (d % 72) * 2.5 + (d >> 8) % 90 + (d >> 14),
       CASE WHEN i % 10 = 0 THEN NULL ELSE 'R' || i % 3 END
  FROM (SELECT i, reference.draw(5 * i) AS d FROM generate_series(1, 3000) AS i) AS drawn;
SELECT version, status FROM train('churn', 'customers', 'churn', exclude => '{region, spend}');
SELECT version, status FROM train('plan', 'customers', 'plan', exclude => '{region, spend, months}');
SELECT version, status FROM train('spend', 'customers', 'spend', exclude => '{region, churn}');
SELECT m.name, count(*) AS metrics, count(*) FILTER (WHERE (v.metrics ->> e.metric)::float8 IS DISTINCT FROM e.value) AS differing
  FROM models AS m JOIN model_versions AS v USING (model_id), evaluate(m.name) AS e
 WHERE m.name IN ('churn', 'plan', 'spend') GROUP BY m.name ORDER BY m.name;
SELECT metric FROM evaluate('plan');
-- The same by hand, from predict.
CREATE TEMP TABLE by_hand AS SELECT plan::text AS observed, predict_class('plan', c) AS predicted, predict_probas('plan', c) AS p FROM customers AS c;
SELECT abs(e.value - h.value) < 1e-12 AS same, e.metric FROM evaluate('plan', 'customers') AS e JOIN (
    SELECT 'accuracy', avg((observed = predicted)::int) FROM by_hand
    UNION ALL SELECT 'log_loss', avg(-ln(p[array_position('{basic,plus,gold}', observed)])) FROM by_hand
    UNION ALL SELECT 'rows', count(*) FROM by_hand
    UNION ALL SELECT 'rows_skipped', 0) AS h(metric, value) USING (metric) ORDER BY 2;
SELECT m.observed, m.predicted, m.count = count(h.*) AS same FROM confusion_matrix('plan', 'customers') AS m
  LEFT JOIN by_hand AS h USING (observed, predicted) GROUP BY 1, 2, m.count ORDER BY 1, 2;
SELECT sum(count) = (SELECT value FROM evaluate('plan') WHERE metric = 'rows') AS all FROM confusion_matrix('plan');
SELECT count(*) > 100 AS points, min(fpr), max(fpr), min(tpr), max(tpr) FROM roc_curve('churn');
SELECT abs(sum((tpr + before) / 2 * (fpr - fpr_before)) - (SELECT value FROM evaluate('churn') WHERE metric = 'roc_auc')) < 1e-12 AS area
  FROM (SELECT *, lag(tpr, 1, 0) OVER w AS before, lag(fpr, 1, 0) OVER w AS fpr_before FROM roc_curve('churn') WINDOW w AS (ORDER BY threshold DESC)) AS r;
SELECT sum(count) = (SELECT value FROM evaluate('churn') WHERE metric = 'rows') AS all FROM calibration_curve('churn');

-- Groups: the text of a column, NULL last; each is what the rows of the group alone give.
SELECT group_key, value FROM evaluate('churn', 'customers', group_by => 'region') WHERE metric = 'rows';
SELECT count(*) AS metrics, count(*) FILTER (WHERE g.value IS DISTINCT FROM a.value) AS differing
  FROM evaluate('churn', 'customers', group_by => 'region') AS g
  JOIN evaluate('churn', 'SELECT * FROM customers WHERE region = ''R1''') AS a USING (metric) WHERE g.group_key = 'R1';
SELECT group_key, metric, round(value::numeric, 2) AS value FROM evaluate('churn', 'SELECT *, churn AS "The ""class""" FROM customers', group_by => 'The "class"')
 WHERE metric IN ('roc_auc', 'recall', 'rows');
SELECT count(*) FROM evaluate('churn', 'SELECT * FROM customers WHERE false', group_by => 'region');
-- No rows: everything is undefined.
SELECT * FROM evaluate('spend', 'SELECT * FROM customers WHERE false');
SELECT * FROM confusion_matrix('churn', 'SELECT * FROM customers WHERE false');
SELECT count(*), min(fpr), min(tpr) FROM roc_curve('churn', 'SELECT * FROM customers WHERE false');
SELECT count(*), sum(count), min(observed) FROM calibration_curve('churn', 'SELECT * FROM customers WHERE false');
-- Rows without a target, of a class never seen, are counted.
SELECT metric, value FROM evaluate('churn', 'SELECT id, months, charge, plan, segment, CASE id % 10 WHEN 0 THEN NULL WHEN 1 THEN ''maybe'' ELSE churn END AS churn FROM customers')
 WHERE metric LIKE 'rows%';
SELECT metric, value FROM evaluate('spend', 'SELECT months, charge, plan, segment, CASE WHEN id % 10 = 0 THEN ''NaN'' ELSE spend END AS spend FROM customers') WHERE metric LIKE 'rows%';
-- Columns may be of any type of the same kind, in any order, among others; an unknown category is no error.
SELECT count(*) FILTER (WHERE a.value IS DISTINCT FROM b.value) AS differing
  FROM evaluate('churn', 'SELECT 1 AS more, churn::varchar(3), segment::name, plan::text, charge::float8, months::bigint FROM customers') AS a JOIN evaluate('churn', 'customers') AS b USING (metric);
SELECT metric, value FROM evaluate('churn', 'SELECT id, months, charge, ''silver'' AS plan, segment, churn FROM customers') WHERE metric = 'rows';

-- Refusals.
CALL tests.refused($$SELECT evaluate(NULL)$$);
CALL tests.refused($$SELECT confusion_matrix(NULL)$$);
CALL tests.refused($$SELECT * FROM roc_curve(NULL)$$);
CALL tests.refused($$SELECT calibration_curve(NULL)$$);
CALL tests.refused($$SELECT evaluate('chrun')$$);
CALL tests.refused($$SELECT evaluate('churn@9')$$);
CALL tests.refused($$SELECT evaluate('x"; DROP TABLE customers; --')$$);
CALL tests.refused($$SELECT evaluate('churn', 'customers; DROP TABLE customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT * FROM customers; DROP TABLE customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'DELETE FROM customers RETURNING *')$$);
CALL tests.refused($$SELECT evaluate('churn', 'nowhere')$$);
CALL tests.refused($$SELECT evaluate('logit')$$);
CALL tests.refused($$SELECT evaluate('churn', threshold => 1.5)$$);
CALL tests.refused($$SELECT evaluate('churn', threshold => 'NaN')$$);
CALL tests.refused($$SELECT evaluate('plan', threshold => 0.4)$$);
CALL tests.refused($$SELECT evaluate('churn', group_by => 'region')$$);
CALL tests.refused($$SELECT evaluate('churn', 'customers', group_by => 'regoin')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months, charge, plan, segment FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months, plan, segment, churn, charge AS charges FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT *, 1 AS months FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months::text, charge, plan, segment, churn FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months, charge, plan, segment, churn = ''yes'' AS churn FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months, ''Infinity''::float8 AS charge, plan, segment, churn FROM customers')$$);
CALL tests.refused($$SELECT evaluate('spend', 'SELECT months, charge, plan, segment, ''-Infinity''::float8 AS spend FROM customers')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT months / 0 AS months, charge, plan, segment, churn FROM customers')$$);
CALL tests.refused($$SELECT confusion_matrix('spend')$$);
CALL tests.refused($$SELECT * FROM roc_curve('spend')$$);
CALL tests.refused($$SELECT * FROM roc_curve('plan')$$);
CALL tests.refused($$SELECT calibration_curve('plan', 'customers')$$);
CALL tests.refused($$SELECT roc_curve('churn'), (SELECT array_agg(t) FROM ml.nothing AS t)$$);
-- Arrays: the length of the training.
CREATE TABLE vectors AS SELECT i, ARRAY[reference.draw(3 * i), reference.draw(3 * i + 1)] AS v, reference.draw(3 * i) > reference.draw(3 * i + 1) AS y FROM generate_series(1, 500) AS i;
SELECT version FROM train('vectors', 'vectors', 'y', features => '{v}', split => '{"key": "i"}');
SELECT round(value::numeric, 2) AS roc_auc FROM evaluate('vectors', 'vectors') WHERE metric = 'roc_auc';
CALL tests.refused($$SELECT evaluate('vectors', 'SELECT v || 1::bigint AS v, y FROM vectors')$$);
CALL tests.refused($$SELECT evaluate('vectors', 'SELECT v[1] AS v, y FROM vectors')$$);
SELECT value FROM evaluate('vectors', 'SELECT CASE WHEN i > 10 THEN v END AS v, y FROM vectors') WHERE metric = 'rows';

-- A damaged hold-out is refused; so is one forged with its checksum in order, and one of another model.
CREATE TEMP TABLE kept AS SELECT version_id, holdout FROM model_versions;
UPDATE model_versions SET holdout = set_byte(holdout, 100, get_byte(holdout, 100) # 1) WHERE target = 'churn' AND holdout IS NOT NULL;
CALL tests.refused($$SELECT evaluate('churn')$$);
UPDATE model_versions SET holdout = substr(holdout, 1, 50) WHERE target = 'plan';
CALL tests.refused($$SELECT evaluate('plan')$$);
UPDATE model_versions AS v SET holdout = k.holdout FROM kept AS k WHERE v.target = 'churn' AND k.version_id = (SELECT version_id FROM model_versions WHERE target = 'spend');
CALL tests.refused($$SELECT evaluate('churn')$$);
CALL tests.refused($$SELECT confusion_matrix('churn')$$);
UPDATE model_versions AS v SET holdout = v.artifact WHERE v.target = 'spend';
CALL tests.refused($$SELECT evaluate('spend')$$);
UPDATE model_versions AS v SET holdout = k.holdout FROM kept AS k WHERE k.version_id = v.version_id;

-- Who may use a model evaluates it on own rows and on the stored scores; nobody else.
CREATE ROLE regress_grantee;
CREATE ROLE regress_stranger;
GRANT USAGE ON SCHEMA ml, public TO regress_grantee, regress_stranger;
GRANT CREATE ON SCHEMA public TO regress_grantee;
SELECT grant_model('churn', 'regress_grantee');
SET ROLE regress_grantee;
CREATE TABLE public.mine AS SELECT 12 AS months, 50.0 AS charge, 'basic' AS plan, 'segment 1' AS segment, unnest('{yes,no}'::text[]) AS churn;
SELECT value FROM evaluate('churn', 'mine') WHERE metric = 'rows';
SELECT count(*) FROM evaluate('churn');
CALL tests.refused($$SELECT evaluate('churn', 'customers')$$);
RESET ROLE;
GRANT SELECT ON customers TO regress_grantee;
ALTER TABLE customers ENABLE ROW LEVEL SECURITY;
CREATE POLICY region_1 ON customers TO regress_grantee USING (region = 'R1');
SET ROLE regress_grantee;
SELECT value FROM evaluate('churn', 'customers') WHERE metric = 'rows';
SET ROLE regress_stranger;
CALL tests.refused($$SELECT evaluate('churn')$$);
CALL tests.refused($$SELECT evaluate('churn', 'SELECT 1')$$);
CALL tests.refused($$SELECT confusion_matrix('churn')$$);
CALL tests.refused($$SELECT * FROM roc_curve('churn')$$);
CALL tests.refused($$SELECT calibration_curve('churn')$$);
RESET ROLE;
-- Names are looked up by the caller's search_path, operators of ours are not.
CREATE SCHEMA hostile;
CREATE TABLE hostile.customers AS SELECT 1 AS months, 1.0 AS charge, 'basic' AS plan, 's' AS segment, 'yes' AS churn;
CREATE FUNCTION hostile.wrong(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE OPERATOR hostile.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.wrong);
SET search_path = hostile, pg_catalog, ml, public;
SELECT value FROM evaluate('churn', 'customers') WHERE metric = 'rows';
SELECT count(*) FROM evaluate('churn');
RESET search_path;
-- Too much for pglearn.max_memory is refused.
SET pglearn.max_memory = '1MB';
CALL tests.refused($$SELECT ml.evaluate('logit', 'SELECT x::float8, x > 0 AS y FROM generate_series(1, 200000) AS x')$$);
CALL tests.refused($$SELECT ml.evaluate('logit', 'SELECT x::float8, x > 0 AS y FROM generate_series(1, 20000) AS x', group_by => 'x')$$);
RESET pglearn.max_memory;
DROP OWNED BY regress_grantee, regress_stranger;
DROP ROLE regress_grantee, regress_stranger;
