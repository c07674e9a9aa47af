-- Which rows a model learns from: membership by hash, by group, by time, by a column; metrics recomputed.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE FUNCTION draw(row_number bigint, purpose integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT reference.draw(row_number * 31 + purpose * 7919) / 1048576.0 $$;
CREATE FUNCTION newest(model text) RETURNS model_versions LANGUAGE sql STABLE AS
$$ SELECT v FROM model_versions AS v JOIN models AS m USING (model_id) WHERE m.name = model ORDER BY version DESC LIMIT 1 $$;

CREATE TABLE events (id integer PRIMARY KEY, customer integer, day date, at timestamptz, is_test boolean, x float8, z float8, y float8, label text);
INSERT INTO events
SELECT i, i % 100, date '2024-01-01' + i / 10, timestamptz '2024-01-01 00:00+00' + i * interval '1 hour', i % 10 = 3, draw(i, 1), draw(i, 2),
       3 * draw(i, 1) - draw(i, 2) + 0.1 * draw(i, 3), CASE WHEN draw(i, 4) < draw(i, 1) THEN 'yes' ELSE 'no' END
  FROM generate_series(1, 3000) AS i;

-- Which rows are held out shows in the weights of a model that sees one row apart: here, by a trick that needs
-- no look inside. A one-hot column of the key is memorised for training rows only: its categories are they.
CREATE FUNCTION learned(model text) RETURNS integer[] LANGUAGE sql STABLE AS
$$ SELECT array_agg(c::integer ORDER BY c::integer) FROM feature_info(model), unnest(categories) AS c WHERE feature = 'copy' $$;
CREATE VIEW keyed AS SELECT id, id::text AS copy, x, y FROM events WHERE id <= 300;
CREATE FUNCTION keep() RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"copy": {"encode": "one_hot", "min_frequency": 1, "max_categories": 2000}}'::jsonb $$;
SELECT version FROM train('keyed', 'keyed', 'y', split => '{"key": "id"}', preprocess => keep());
SELECT cardinality(learned('keyed')) AS learned, training -> 'rows' AS rows FROM newest('keyed');
CREATE TABLE sides AS SELECT id, id = ANY (learned('keyed')) AS learned FROM keyed;
-- A row keeps its side: when rows are added, when they come in another order, when its other columns change.
CREATE OR REPLACE VIEW keyed AS SELECT id, id::text AS copy, x, y FROM events WHERE id <= 600;
SELECT version FROM train('keyed', 'keyed', 'y', split => '{"key": "id"}', preprocess => keep());
SELECT count(*) AS rows, count(*) FILTER (WHERE learned <> (id = ANY (learned('keyed')))) AS changed_sides FROM sides;
SELECT version FROM train('keyed', 'SELECT id, id::text AS copy, x + 1 AS x, -y AS y FROM events WHERE id <= 300 ORDER BY x', 'y', preprocess => keep());
SELECT count(*) AS rows, count(*) FILTER (WHERE learned <> (id = ANY (learned('keyed')))) AS changed_sides FROM sides;
-- The type of the key may be widened.
SELECT version FROM train('keyed', 'SELECT id::numeric AS id, id::text AS copy, x, y FROM events WHERE id <= 300', 'y', preprocess => keep());
SELECT count(*) FILTER (WHERE learned <> (id = ANY (learned('keyed')))) AS changed_sides FROM sides;
SELECT version FROM train('keyed', 'SELECT id::bigint AS id, id::text AS copy, x, y FROM events WHERE id <= 300', 'y', preprocess => keep());
SELECT count(*) FILTER (WHERE learned <> (id = ANY (learned('keyed')))) AS changed_sides FROM sides;
-- A larger share holds out more, and what was held out stays out.
SELECT version FROM train('keyed', 'SELECT id, id::text AS copy, x, y FROM events WHERE id <= 300', 'y', split => '{"test_size": 0.5}', preprocess => keep());
SELECT cardinality(learned('keyed')) AS learned, count(*) FILTER (WHERE NOT learned AND id = ANY (learned('keyed'))) AS came_back FROM sides;
-- Another seed is another split; a model keeps its own, whatever is asked for later.
SELECT version FROM train('other', 'SELECT id, id::text AS copy, x, y FROM events WHERE id <= 300', 'y', split => '{"key": "id"}', preprocess => keep(), seed => 7);
SELECT count(*) FILTER (WHERE learned <> (id = ANY (learned('other')))) BETWEEN 60 AND 130 AS independent FROM sides;
SELECT version FROM train('other', 'SELECT id, id::text AS copy, x, y FROM events WHERE id <= 300', 'y', preprocess => keep(), seed => 8);
SELECT learned('other@1') = learned('other@2') AS same, seed, split_key FROM models WHERE name = 'other';
CALL tests.refused('SELECT train(''other'', ''events'', ''y'', split => ''{"key": "customer"}'')');

-- The share is what was asked for, within chance (3000 rows, 4 standard deviations).
SELECT test_size, abs(holdout - test_size * 3000) < 4 * sqrt(3000 * test_size * (1 - test_size)) AS near
  FROM unnest(ARRAY[0.05, 0.2, 0.5, 0.9]) AS test_size,
       LATERAL (SELECT (metrics ->> 'rows')::integer AS holdout FROM train('share ' || test_size, 'events', 'y', features => '{x}', split => jsonb_build_object('test_size', test_size))) AS t;

-- The primary key by default; without one the content of the row, equal rows told apart by counting them.
SELECT split_key FROM models WHERE name = 'share 0.2';
CREATE TABLE coins AS SELECT i % 2 = 0 AS heads, i % 3 = 0 AS wins FROM generate_series(1, 3000) AS i;
SELECT abs((metrics ->> 'rows')::integer - 600) < 100 AS a_fifth FROM train('coins', 'coins', 'wins');
SELECT split_key FROM models WHERE name = 'coins';
SELECT abs((metrics ->> 'rows')::integer - 600) < 100 AS a_fifth FROM train('coins', 'SELECT * FROM coins ORDER BY wins, heads', 'wins');
SELECT count(DISTINCT training -> 'rows') AS same_counts, count(DISTINCT training -> 'rows_hash') AS same_rows, count(DISTINCT training -> 'classes') AS same_classes
  FROM model_versions JOIN models USING (model_id) WHERE name = 'coins';
-- The content is that of the columns of the first training: a new column changes no side.
ALTER TABLE coins ADD COLUMN later integer DEFAULT 1;
SELECT version FROM train('coins', 'coins', 'wins', exclude => '{later}');
SELECT count(DISTINCT training -> 'rows_hash') AS same_rows FROM model_versions JOIN models USING (model_id) WHERE name = 'coins';
-- A column of it that is gone is missed.
ALTER TABLE coins RENAME COLUMN heads TO tails;
CALL tests.refused('SELECT train(''coins'', ''coins'', ''wins'')');
-- Keys of other types: text, uuid, timestamps, several columns, NULLs.
SELECT key, abs((metrics ->> 'rows')::integer - 600) < 100 AS a_fifth
  FROM unnest(ARRAY['t', 'u', 'at', 'n', 'e', 'b', 'd', 'a', 'f', 'i', 'maybe']) AS key,
       LATERAL train('key ' || key, 'SELECT ''k'' || id AS t, md5(id::text)::uuid AS u, at, id / 7.0 AS n, id::text::bytea AS b, ARRAY[id, 1] AS a,
                                           (id || '' days'')::interval AS i, x AS f, day + id AS d, id::text::char(8) AS e, nullif(id, 5) AS maybe, x, y FROM events', 'y',
                    features => '{x}', split => jsonb_build_object('key', key)) AS trained;
CALL tests.refused('SELECT train(''json'', ''SELECT id, json_build_object(1, id) AS j, x, y FROM events'', ''y'', split => ''{"key": "j"}'')');

-- Groups stay together.
SELECT version FROM train('grouped', 'SELECT customer, customer::text AS copy, x, y FROM events', 'y', split => '{"method": "group", "column": "customer"}', preprocess => keep());
SELECT cardinality(learned('grouped')) AS customers, training #>> '{rows,training}' = (30 * cardinality(learned('grouped')))::text AS whole_groups, signature FROM newest('grouped');
-- The latest rows are held out.
SELECT metrics ->> 'rows' AS held_out FROM train('timely', 'SELECT day, day::text AS copy, x, y FROM events', 'y', split => '{"method": "time", "column": "day", "test_size": 0.1}', preprocess => keep());
SELECT max(c) AS learned_until FROM feature_info('timely'), unnest(categories) AS c WHERE feature = 'copy';
SELECT metrics ->> 'rows' AS held_out FROM train('timely', 'events', 'y', split => '{"method": "time", "column": "at", "test_size": 0.25}', features => '{x}');
SELECT metrics ->> 'rows' AS held_out FROM train('timely', 'events', 'y', split => '{"method": "time", "column": "id", "test_size": 0.25}', features => '{x}');
SELECT metrics ->> 'rows' AS held_out FROM train('timely', 'events', 'y', split => '{"method": "time", "column": "z", "test_size": 0.25}', features => '{x}');
SELECT metrics ->> 'rows' AS held_out FROM train('timely', 'SELECT x, y, id::numeric AS t FROM events', 'y', split => '{"method": "time", "column": "t", "test_size": 0.25}', features => '{x}');
-- by a boolean column
SELECT metrics ->> 'rows' AS held_out FROM train('marked', 'events', 'y', split => '{"method": "column", "column": "is_test"}', features => '{x}');
SELECT version FROM train('marked', 'SELECT x, y, CASE WHEN id % 100 <> 3 THEN is_test END AS is_test FROM events', 'y', split => '{"method": "column", "column": "is_test"}', features => '{x}');
SELECT training -> 'rows' AS rows FROM newest('marked');
-- Split, weight and target columns are no inputs, unless features names them.
SELECT version FROM train('inputs', 'events', 'y', split => '{"method": "time", "column": "day"}', weight => 'z', exclude => '{label}');
SELECT signature FROM newest('inputs');
SELECT version FROM train('inputs', 'events', 'y', split => '{"method": "time", "column": "day"}', features => '{day,x}');
SELECT signature FROM newest('inputs');
CALL tests.refused('SELECT train(''inputs'', ''events'', ''y'', split => ''{"method": "time", "column": "label"}'')');
CALL tests.refused('SELECT train(''inputs'', ''events'', ''y'', split => ''{"method": "column", "column": "x"}'')');
CALL tests.refused('SELECT train(''inputs'', ''events'', ''y'', split => ''{"method": "time", "column": "dya"}'')');
CALL tests.refused('SELECT train(''inputs'', ''SELECT 1 AS t, x, y FROM events'', ''y'', split => ''{"method": "time", "column": "t"}'')');

-- Metrics are those of the hold-out as predict scores it: recomputed here.
SELECT version FROM train('label', 'events', 'label', features => '{x,z}', split => '{"method": "column", "column": "is_test"}');
WITH scored AS (SELECT predict_proba('label', x, z) AS p, predict_class('label', x, z) AS class, label FROM events WHERE is_test),
     found AS (SELECT avg((class = label)::integer) AS accuracy, -avg(ln(CASE label WHEN 'yes' THEN p ELSE 1 - p END)) AS log_loss,
                      avg((p - (label = 'yes')::integer) ^ 2) AS brier_score,
                      count(*) FILTER (WHERE class = 'yes' AND label = 'yes')::float8 / count(*) FILTER (WHERE class = 'yes') AS "precision",
                      count(*) FILTER (WHERE class = 'yes' AND label = 'yes')::float8 / count(*) FILTER (WHERE label = 'yes') AS recall,
                      (SELECT avg(CASE WHEN a.p > b.p THEN 1 WHEN a.p = b.p THEN 0.5 ELSE 0 END) FROM scored AS a, scored AS b WHERE a.label = 'yes' AND b.label = 'no') AS roc_auc FROM scored)
SELECT key, abs((metrics ->> key)::float8 - value::float8) < 1e-12 AS agrees FROM found, jsonb_each_text(to_jsonb(found)) AS f(key, value), newest('label') ORDER BY key;
SELECT version FROM train('number', 'events', 'y', features => '{x,z}', split => '{"method": "column", "column": "is_test"}');
WITH scored AS (SELECT predict('number', x, z) AS p, y FROM events WHERE is_test),
     found AS (SELECT sqrt(avg((p - y) ^ 2)) AS rmse, avg(abs(p - y)) AS mae, 1 - sum((p - y) ^ 2) / (var_pop(y) * count(*)) AS r2 FROM scored)
SELECT key, abs((metrics ->> key)::float8 - value::float8) < 1e-12 AS agrees FROM found, jsonb_each_text(to_jsonb(found)) AS f(key, value), newest('number') ORDER BY key;
-- All that is decided is decided on the training part: the hold-out's values are nowhere in the model.
CREATE TABLE shifted AS SELECT id, is_test, CASE WHEN is_test THEN 1e6 ELSE x END AS x, CASE WHEN is_test THEN 'new' ELSE 'old' || id % 2 END AS c, y FROM events;
SELECT version FROM train('shifted', 'shifted', 'y', features => '{x,c}', split => '{"method": "column", "column": "is_test"}');
SELECT feature, center < 1 AS center, impute::text < '1' AS impute, categories FROM feature_info('shifted');
SELECT predict('shifted', 0.5, 'new') IS NOT NULL AS scored;

-- What a split may leave: nothing held out, one class held out, a class that only the hold-out has.
SELECT metrics FROM train('few', 'SELECT * FROM events WHERE id <= 3', 'y', features => '{x}', split => '{"test_size": 0.000001}');
SELECT metrics -> 'roc_auc' AS roc_auc, metrics -> 'accuracy' IS NOT NULL AS accuracy
  FROM train('one side', 'SELECT x, label, is_test AND label = ''yes'' AS is_test FROM events', 'label', split => '{"method": "column", "column": "is_test"}');
SELECT version FROM train('late class', 'SELECT x, z, id > 2900 AS is_test, CASE WHEN id > 2950 THEN ''new'' ELSE label END AS label FROM events', 'label', split => '{"method": "column", "column": "is_test"}');
SELECT classes, training -> 'rows' AS rows, metrics -> 'rows' AS scored FROM newest('late class');
CALL tests.refused('SELECT train(''few'', ''SELECT x, y, true AS is_test FROM events'', ''y'', split => ''{"method": "column", "column": "is_test"}'')');
CALL tests.refused('SELECT train(''few'', ''SELECT x, label, label = ''''yes'''' AS is_test FROM events'', ''label'', split => ''{"method": "column", "column": "is_test"}'')');

-- A row keeps its side when what decides changes its type.
CREATE TABLE retyped AS SELECT day, id AS number, x, y FROM events;
SELECT metrics -> 'rows' AS held_out FROM train('retyped key', 'retyped', 'y', split => '{"key": "day"}', features => '{x}');
SELECT metrics -> 'rows' AS held_out FROM train('retyped day', 'retyped', 'y', split => '{"method": "time", "column": "day"}', features => '{x}');
SELECT metrics -> 'rows' AS held_out FROM train('retyped number', 'retyped', 'y', split => '{"method": "time", "column": "number"}', features => '{x}');
ALTER TABLE retyped ALTER day TYPE timestamp, ALTER number TYPE double precision;
SELECT name, abs(compared.v1 - (metrics ->> 'rmse')::float8) < 1e-12 AS same
  FROM unnest(ARRAY['key', 'day', 'number']) AS part JOIN models ON name = 'retyped ' || part JOIN model_versions USING (model_id),
       compare(name, 1, 1) AS compared WHERE compared.metric = 'rmse';
