-- predict_batch: what predict, predict_class and predict_proba say, for every row of a source at once.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE items (id bigint PRIMARY KEY, code text, size float8, weight integer, kind text, made timestamptz, good boolean, grade integer, class text, price float8);
INSERT INTO items
SELECT i, 'item ' || i, (d % 100) / 10.0, (d >> 7) % 50, 'kind ' || (d >> 5) % 3, timestamptz '2024-01-01 UTC' + i * interval '7 hours',
       d % 100 > (d >> 12) % 100, 1 + (d >> 9) % 4, 'class ' || (d >> 11) % 3, d % 100 * 3.5 + (d >> 7) % 50
  FROM (SELECT i, reference.draw(7 * i) AS d FROM generate_series(1, 2000) AS i) AS drawn;
SELECT version FROM train('good', 'items', 'good', features => '{size, weight, kind, made}');
SELECT version FROM train('grade', 'items', 'grade', features => '{size, weight, kind}', task => 'classification');
SELECT version FROM train('class', 'items', 'class', features => '{size, weight, kind}');
SELECT version FROM train('price', 'items', 'price', features => '{size, weight, kind}');

-- The same to the last bit.
SELECT count(*) AS rows, count(*) FILTER (WHERE (b.prediction, b.class, b.probability) IS DISTINCT FROM (predict('good', i), predict_class('good', i), predict_proba('good', i))) AS differing
  FROM predict_batch('good', 'items', 'id') AS b JOIN items AS i ON i.id = b.key::bigint;
SELECT count(*) AS rows, count(*) FILTER (WHERE (b.prediction, b.class) IS DISTINCT FROM (predict('grade', i), predict_class('grade', i))) AS differing,
       count(*) FILTER (WHERE b.probability <> (SELECT max(p) FROM unnest(predict_probas('grade', i)) AS p)) AS other_probability
  FROM predict_batch('grade', 'items', 'id') AS b JOIN items AS i ON i.id = b.key::bigint;
SELECT count(*) AS rows, count(b.prediction) AS numbers, count(*) FILTER (WHERE b.class <> predict_class('class', i)) AS differing
  FROM predict_batch('class', 'items', 'code') AS b JOIN items AS i ON i.code = b.key;
SELECT count(*) AS rows, count(*) FILTER (WHERE b.prediction <> predict('price', i)) AS differing, count(b.class) + count(b.probability) AS classes
  FROM predict_batch('price', 'items', 'id') AS b JOIN items AS i ON i.id = b.key::bigint;
-- The key is any column, also an input, also NULL; rows come in the order of the source.
SELECT key, prediction IS NOT NULL AS predicted FROM predict_batch('price', 'SELECT *, NULL::uuid AS none FROM items ORDER BY id LIMIT 2', 'none');
SELECT key FROM predict_batch('price', 'SELECT * FROM items ORDER BY id LIMIT 3', 'made');
SELECT key FROM predict_batch('price', 'SELECT size, weight, kind, ROW(id, code) AS "a ""key""" FROM items ORDER BY id DESC LIMIT 2', 'a "key"');
SELECT count(*) FROM predict_batch('price', 'SELECT * FROM items WHERE false', 'id');
-- Missing values follow the model's rule; one that refuses them gives NULL.
SELECT count(*) AS rows, count(prediction) AS predicted FROM predict_batch('price', 'SELECT id, NULL::float8 AS size, NULL::integer AS weight, NULL AS kind FROM items', 'id');
SELECT version FROM train('strict', 'items', 'price', features => '{size, weight}', preprocess => '{"size": {"impute": "none"}}');
SELECT key, prediction IS NOT NULL AS predicted FROM predict_batch('strict', 'SELECT id, CASE WHEN id = 1 THEN size END AS size, weight FROM items ORDER BY id LIMIT 2', 'id');
-- More rows than work_mem holds.
SET work_mem = '64kB';
SELECT count(*), count(DISTINCT key), sum(prediction) IS NOT NULL AS predicted FROM predict_batch('price', 'SELECT id * 100 + n AS id, size, weight, kind FROM items, generate_series(1, 50) AS n', 'id');
RESET work_mem;
-- An alias, a version; in a statement that writes.
CREATE TABLE scores AS SELECT * FROM predict_batch('price@1', 'items', 'id');
SELECT count(*) FROM scores;
INSERT INTO scores SELECT b.* FROM predict_batch('good', 'items', 'id') AS b;
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'scores' ORDER BY ordinal_position;
-- Refusals.
CALL tests.refused($$SELECT * FROM predict_batch(NULL, 'items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', NULL, 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'items', NULL)$$);
CALL tests.refused($$SELECT * FROM predict_batch('prize', 'items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'items', 'idd')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'items', 'id; DROP TABLE items')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT id, size, kind FROM items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT id, size, made AS weight, kind FROM items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT id, ''Infinity''::float8 AS size, weight, kind FROM items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT id, size / (id - 1000) AS size, weight, kind FROM items', 'id')$$);
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT * FROM predict_batch(''price'', ''items'', ''id'') AS b', 'key')$$);
SET statement_timeout = '300ms';
CALL tests.refused($$SELECT count(*) FROM predict_batch('price', 'SELECT n AS id, 1.0::float8 AS size, 1 AS weight, ''k'' AS kind FROM generate_series(1, 100000000) AS n', 'id')$$);
RESET statement_timeout;
-- Rights: of the caller, on the model and on the rows.
CREATE ROLE regress_caller;
GRANT USAGE ON SCHEMA ml, public TO regress_caller;
SET ROLE regress_caller;
CALL tests.refused($$SELECT * FROM predict_batch('price', 'SELECT 1', 'id')$$);
RESET ROLE;
SELECT grant_model('price', 'regress_caller');
SET ROLE regress_caller;
CALL tests.refused($$SELECT * FROM predict_batch('price', 'items', 'id')$$);
RESET ROLE;
GRANT SELECT (id, size, weight, kind) ON items TO regress_caller;
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON items TO regress_caller USING (id <= 10);
SET ROLE regress_caller;
SELECT count(*) FROM predict_batch('price', 'items', 'id');
CALL tests.refused($$SELECT * FROM predict_batch('price', 'items', 'code')$$);
RESET ROLE;
DROP OWNED BY regress_caller;
DROP ROLE regress_caller;
