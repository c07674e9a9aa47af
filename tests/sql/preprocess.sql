-- From columns of any type to features: what train() decides by itself, what argument preprocess changes, what is left
-- out, what is warned of, and how a model scores what training did not see.
\set VERBOSITY default
CREATE SCHEMA prep;
SET search_path = prep, pg_catalog;
CREATE TYPE size AS ENUM ('small', 'middle', 'large');
CREATE TABLE parcels AS
SELECT n AS id,
       (100 + reference.draw(8 * n) / 1048576.0 * 50)::float8 AS weight,
       CASE WHEN n % 5 <> 0 THEN (reference.draw(8 * n + 1) / 104858)::smallint END AS stops,
       CASE WHEN n % 40 <> 0 THEN (reference.draw(8 * n + 2) / 1000.0)::numeric(12,2) END AS value,
       CASE WHEN n % 3 = 0 THEN 'air' WHEN n % 7 = 0 THEN 'sea' WHEN n % 50 = 1 THEN 'pipe ' || n ELSE 'road' END::varchar(20) AS way,
       (ARRAY['small','middle','large'])[1 + reference.draw(8 * n + 5) % 3]::size AS size,
       n % 4 = 1 AS insured,
       date '2026-01-05' + n % 91 AS sent,
       timestamp '2026-03-01 06:00' + n % 12 * interval '1 hour' AS scanned,
       interval '1 hour' * (n % 9) AS handling,
       ARRAY[1, n % 6, reference.draw(8 * n + 3) / 1048576.0]::float8[] AS readings,
       'kg'::text AS unit, NULL::text AS remark, md5(n::text) AS tracking,
       (10 + n % 6 * 3 + reference.draw(8 * n + 4) / 1048576.0)::float8 AS days
  FROM generate_series(1, 400) n;
ALTER TABLE parcels ADD PRIMARY KEY (id);
SELECT version, status FROM ml.train('parcels', 'parcels', 'days', algorithm => 'ridge', split => '{"method": "none"}');
SELECT feature, type, encoding, round(center::numeric, 6) AS center, round(scale::numeric, 6) AS scale, impute, indicator, categories, encoded
  FROM ml.feature_info('parcels');
-- The numbers of feature_info by hand: mean and population deviation after the median is put in for NULL.
SELECT reference.verdict(i.center, to_jsonb(avg(v))) AS center, reference.verdict(i.scale, to_jsonb(stddev_pop(v))) AS scale,
       reference.verdict(i.impute::float8, to_jsonb(max(m))) AS impute
  FROM parcels, LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value::float8) FROM parcels) AS p(m),
       LATERAL (SELECT coalesce(value::float8, m)) AS q(v), ml.feature_info('parcels') i
 WHERE i.feature = 'value' GROUP BY i.center, i.scale, i.impute;
-- Without a penalty: units as they are, the most frequent category is the reference.
SELECT version, status FROM ml.train('parcels', 'parcels', 'days', algorithm => 'linear_regression', features => '{way,size,weight}',
    split => '{"method": "none"}');
SELECT feature, center, scale, reference, encoded FROM ml.feature_info('parcels');

-- What training did not see: a new category is a rare one, NULL is imputed.
SELECT version, status FROM ml.train('ways', 'parcels', 'days', algorithm => 'ridge', features => '{way,stops}', split => '{"method": "none"}');
SELECT ml.predict('ways', 'rocket', 3) = ml.predict('ways', 'pipe 51', 3) AS unknown_is_rare,
       ml.predict('ways', NULL, 3) = ml.predict('ways', 'road', 3) AS null_is_most_frequent,
       abs(ml.predict('ways', 'road', NULL) - ml.predict('ways', 'road', (SELECT impute::integer FROM ml.feature_info('ways') WHERE feature = 'stops'))
           - (SELECT weight FROM ml.weights('ways') WHERE feature = 'stops is null')) < 1e-12 AS null_has_its_own_weight;
-- The other rules: NULL instead of a number, nothing of an unknown category, a refusal.
SELECT version, status FROM ml.train('ways', 'parcels', 'days', algorithm => 'ridge', features => '{way,stops}', split => '{"method": "none"}',
    preprocess => '{"way": {"handle_unknown": "ignore"}, "stops": {"impute": "none", "scale": "none"}}');
SELECT ml.predict('ways', 'road', NULL) IS NULL AS not_scored, ml.predict('ways', 'rocket', 0) = weight AS only_the_intercept
  FROM ml.weights('ways') WHERE feature = 'intercept';
SELECT value FROM ml.training_info('ways') WHERE key LIKE '%skipped%';
SELECT version, status FROM ml.train('ways', 'parcels', 'days', algorithm => 'ridge', features => '{way,stops}', split => '{"method": "none"}',
    preprocess => '{"way": {"handle_unknown": "error"}, "stops": {"encode": "one_hot", "max_categories": 4, "fill_value": -1}}');
SELECT feature, impute, indicator, encoded FROM ml.feature_info('ways') WHERE feature = 'stops';
CALL tests.refused($$SELECT ml.predict('ways', 'rocket', 3)$$);

-- A column that tells the target is named.
SELECT version, status FROM ml.train('late', 'SELECT id, weight, way, days > 18 AS late, CASE WHEN days > 18 THEN sent + 30 END AS refunded, days * 24 AS hours FROM parcels',
    'late', split => '{"key": "id"}');
SELECT version, status FROM ml.train('hours', 'SELECT id, weight, days, days * 24 + 5 AS hours FROM parcels', 'days', algorithm => 'ridge', split => '{"key": "id"}');
-- No alarm where nothing is wrong.
SELECT version, status FROM ml.train('late', 'SELECT id, weight, way, size, sent, days > 18 AS late FROM parcels', 'late', split => '{"key": "id"}');

-- Identifiers are left out, unless they are asked for.
SELECT version, status FROM ml.train('ids', 'SELECT id, id * 3 + 1000 AS number, tracking, weight, days FROM parcels', 'days', algorithm => 'ridge', split => '{"key": "id"}');
SELECT version, status FROM ml.train('ids', 'SELECT id, id * 3 + 1000 AS number, tracking, weight, days FROM parcels', 'days', algorithm => 'ridge', split => '{"key": "id"}',
    features => '{number,weight}');
SELECT feature FROM ml.feature_info('ids');

-- What is refused, before any row is read.
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"wieght": {"scale": "none"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"weight": {"scaling": "none"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"weight": {"impute": "avg"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"weight": {"impute": "constant"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"weight": {"max_categories": 10}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"way": {"impute": "median"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"way": {"handle_unknown": "error", "min_frequency": 5}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '{"sent": {"encode": "one_hot"}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', preprocess => '[]')$$);
CALL tests.refused($$SELECT ml.train('p', 'parcels', 'days', features => '{unit,remark}')$$);
CALL tests.refused($$SELECT ml.train('p', 'SELECT n % 10 AS y, (n / 2)::text AS word FROM generate_series(1, 40000) n', 'y',
    split => '{"method": "none"}', preprocess => '{"word": {"max_categories": 30000}}')$$);
CALL tests.refused($$SELECT ml.train('p', 'SELECT n % 10 AS y, CASE n WHEN 7 THEN ''Infinity'' ELSE n + 0.5 END::float8 AS x FROM generate_series(1, 400) n', 'y')$$);
SELECT count(*) FROM ml.models WHERE name = 'p';

SELECT count(*) FROM (SELECT ml.drop_model(name) FROM (SELECT name FROM ml.models WHERE name IN ('parcels', 'ways', 'late', 'hours', 'ids') ORDER BY name) AS m) AS dropped;
RESET search_path;
DROP SCHEMA prep CASCADE;
