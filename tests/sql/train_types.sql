-- What can be learned from: types, domains, arrays, views, joins, partitions, foreign tables, row-level security; wide inputs.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE FUNCTION draw(row_number bigint, purpose integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT reference.draw(row_number * 31 + purpose * 7919) / 1048576.0 $$;
CREATE FUNCTION newest(model text) RETURNS model_versions LANGUAGE sql STABLE AS
$$ SELECT v FROM model_versions AS v JOIN models AS m USING (model_id) WHERE m.name = model ORDER BY version DESC LIMIT 1 $$;

CREATE DOMAIN percentage AS numeric(5, 2) CHECK (value BETWEEN 0 AND 100);
CREATE TYPE size AS ENUM ('small', 'medium', 'large');
CREATE DOMAIN garment AS size;
CREATE TYPE pair AS (a integer, b integer);
CREATE TABLE everything AS
SELECT i AS id, draw(i, 1) AS float8, draw(i, 2)::real AS float4, (draw(i, 3) * 100)::smallint AS int2, (draw(i, 4) * 1000)::integer AS int4,
       (draw(i, 5) * 50)::bigint AS int8, draw(i, 6)::numeric(8, 4) AS "numeric", draw(i, 7) < 0.4 AS bool, 'c' || i % 3 AS text, ('v' || i % 4)::varchar(9) AS "varchar",
       ('b' || i % 2)::char(5) AS "char", (ARRAY['x', 'y'])[1 + i % 2]::name AS name, (ARRAY['p', 'q'])[1 + i % 2]::"char" AS char1, (enum_range(NULL::size))[1 + i % 3] AS enum,
       (draw(i, 8) * 100)::percentage AS domain, (enum_range(NULL::size))[1 + (i + 1) % 3]::garment AS enum_domain, date '2020-02-28' + i AS date, timestamp '2020-01-01 00:30' + i * interval '7 hours' AS "timestamp",
       timestamptz '2020-01-01 00:30+00' + i * interval '5 hours' AS "timestamptz", time '00:00' + i * interval '1 minute' AS "time", i * interval '90 minutes' AS "interval",
       ARRAY[draw(i, 9), draw(i, 10)] AS doubles, ARRAY[i % 5, i % 7]::integer[] AS integers, ARRAY[i % 2 = 0, i % 3 = 0] AS booleans, ARRAY[draw(i, 11)]::numeric(6, 3)[] AS numerics,
       json_build_object('a', i) AS json, ROW(i, i)::pair AS composite, int4range(i, i + 2) AS range, md5(i::text)::uuid AS uuid, '\x00'::bytea AS bytea,
       point(i, i) AS point, ARRAY['a'] AS texts, '10.0.0.1'::inet AS inet, NULL::integer AS nothing, 7 AS constant, draw(i, 1) + draw(i, 9) + (i % 3) AS y
  FROM generate_series(1, 400) AS i;
SELECT version FROM train('everything', 'everything', 'y', hyperparams => '{"alpha": 1}');
SELECT feature, type, encoding, impute, categories, encoded FROM feature_info('everything');
SELECT key, value FROM training_info('everything') WHERE key LIKE 'left_out%' ORDER BY key COLLATE "C";
-- Predictions take the same row.
SELECT count(*) AS rows, count(predict('everything', e)) AS scored, round(corr(predict('everything', e), y)::numeric, 3) > 0.9 AS close FROM everything AS e;

-- Values that are missing, and how they are imputed; NaN is missing too.
CREATE TABLE gaps AS SELECT i AS id, CASE WHEN i % 10 > 0 THEN draw(i, 1) END AS x, CASE WHEN i % 50 > 0 THEN draw(i, 2) ELSE 'NaN' END AS z,
       CASE WHEN i % 4 > 0 THEN 'c' || i % 3 END AS c, CASE WHEN i % 25 > 0 THEN i % 2 = 0 END AS b, CASE WHEN i % 30 > 0 THEN date '2024-01-01' + i % 300 END AS d, draw(i, 1) AS y FROM generate_series(1, 500) AS i;
SELECT version FROM train('gaps', 'gaps', 'y', exclude => '{id}', split => '{"key": "id"}');
SELECT feature, encoding, impute IS NOT NULL AS imputed, indicator, encoded FROM feature_info('gaps');
SELECT version FROM train('gaps', 'gaps', 'y', features => '{x,z,c,b}', preprocess => '{"x": {"impute": "none"}, "z": {"impute": "mean", "indicator": true}, "c": {"impute": "constant", "fill_value": "none given"}, "b": {"impute": "none"}}');
SELECT feature, impute IS NOT NULL AS imputed, indicator FROM feature_info('gaps');
SELECT training -> 'rows' -> 'total' AS total, training -> 'rows' -> 'skipped' AS skipped, (training #>> '{rows,training}')::integer + (training #>> '{rows,holdout}')::integer
       + (SELECT sum(v::integer) FROM jsonb_each_text(training #> '{rows,skipped}') AS s(k, v)) = 500 AS all_of_them FROM newest('gaps');
-- Infinities are refused, wherever they are.
CALL tests.refused('SELECT train(''inf'', ''SELECT CASE WHEN id = 400 THEN ''''Infinity'''' ELSE float8 END AS x, y FROM everything'', ''y'')');
CALL tests.refused('SELECT train(''inf'', ''SELECT float8 AS x, CASE WHEN id = 400 THEN ''''-Infinity'''' ELSE y END AS y FROM everything'', ''y'')');
CALL tests.refused('SELECT train(''inf'', ''SELECT ARRAY[1, CASE WHEN id = 400 THEN ''''Infinity'''' ELSE float8 END] AS x, y FROM everything'', ''y'')');

-- Arrays: the first rows may have none; NULL elements are missing; lengths must agree.
CREATE TABLE arrays AS SELECT i AS id, CASE WHEN i > 20 AND i % 10 > 0 THEN ARRAY[draw(i, 1), CASE WHEN i % 7 > 0 THEN draw(i, 2) END, i % 2] END AS x, 'k' || i % 2 AS k,
       CASE WHEN i > 15 THEN ARRAY[i % 3 = 0, NULL] END AS flags, NULL::float8[] AS never, draw(i, 1) AS y FROM generate_series(1, 300) AS i;
SELECT version FROM train('arrays', 'arrays', 'y', exclude => '{id}', split => '{"key": "id"}');
SELECT feature, type, encoding, indicator, encoded FROM feature_info('arrays');
SELECT training -> 'left_out' AS left_out, signature, training #> '{rows,skipped}' AS skipped FROM newest('arrays');
CALL tests.refused('SELECT train(''a'', ''SELECT id, CASE WHEN id = 200 THEN ARRAY[1.0, 2] ELSE x::numeric[] END AS x, y FROM arrays'', ''y'')');
CALL tests.refused('SELECT train(''a'', ''SELECT id, CASE WHEN id = 10 THEN ARRAY[]::float8[] ELSE x END AS x, y FROM arrays'', ''y'')');
CALL tests.refused('SELECT train(''a'', ''SELECT id, CASE WHEN id = 200 THEN ARRAY[[1::float8]] ELSE x END AS x, y FROM arrays'', ''y'')');
SELECT version FROM train('a', 'SELECT ARRAY[draw(i, 1), draw(i, 2)]::percentage[] AS x, draw(i, 1) AS y FROM generate_series(1, 200) AS i', 'y');
SELECT feature, type FROM feature_info('a');

-- Views, joins, partitions, inheritance, generated columns, foreign tables, functions, VALUES.
CREATE TABLE regions (region integer PRIMARY KEY, zone text);
INSERT INTO regions SELECT r, 'zone ' || r % 2 FROM generate_series(0, 4) AS r;
CREATE TABLE sales (id integer, region integer, amount float8, doubled float8 GENERATED ALWAYS AS (amount * 2) STORED, y float8) PARTITION BY RANGE (id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (1) TO (200);
CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (200) TO (1000);
INSERT INTO sales (id, region, amount, y) SELECT i, i % 5, draw(i, 1), draw(i, 1) + i % 5 FROM generate_series(1, 500) AS i;
CREATE VIEW zoned AS SELECT s.id, zone, amount, doubled, y FROM sales AS s JOIN regions USING (region);
SELECT metrics ->> 'rows' IS NOT NULL AS ok FROM train('partitioned', 'sales', 'y');
SELECT signature, source, training #>> '{rows,total}' AS total FROM newest('partitioned');
SELECT version FROM train('joined', 'zoned', 'y', split => '{"key": "id"}');
SELECT version FROM train('joined', 'SELECT s.*, zone FROM sales AS s JOIN regions USING (region)', 'y', exclude => '{region}');
SELECT version FROM train('joined', 'WITH s AS (SELECT id, amount, y FROM sales) SELECT * FROM s WHERE y > 1', 'y');
SELECT v.version, signature, training #>> '{rows,total}' AS total FROM model_versions AS v JOIN models USING (model_id) WHERE name = 'joined' ORDER BY 1;
SELECT version FROM train('values', 'VALUES (1, 2.0), (2, 4.1), (3, 5.9), (4, 8.2), (5, 9.9), (6, 12)', 'column2', split => '{"method": "none"}');
SELECT signature FROM newest('values');
-- Names that occur twice are left out; asking for one is an error.
SELECT version FROM train('twice', 'SELECT s.*, r.* FROM sales AS s JOIN regions AS r USING (region)', 'y', exclude => '{id}');
SELECT training -> 'left_out' AS left_out FROM newest('twice');
CALL tests.refused('SELECT train(''twice'', ''SELECT s.*, r.* FROM sales AS s JOIN regions AS r USING (region)'', ''y'', features => ''{region}'')');
DO $$
BEGIN
    EXECUTE 'CREATE' || ' EXTENSION postgres_fdw'; -- a suite that says so plainly gets an empty database
    EXECUTE format('CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
                   current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'));
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER loopback OPTIONS (user %L)', current_user);
    CREATE FOREIGN TABLE far (id integer, amount float8, y float8) SERVER loopback OPTIONS (table_name 'sales');
END $$;
SELECT version FROM train('far', 'far', 'y', split => '{"key": "id"}');
SELECT version FROM train('near', 'sales', 'y', features => '{amount}', split => '{"key": "id"}');
SELECT f.training ->> 'rows_hash' = n.training ->> 'rows_hash' AS same_rows FROM newest('far') AS f, newest('near') AS n;

-- Row-level security: a role's model learns only the rows that the role sees; columns it may not read are left out.
CREATE ROLE train_types_analyst;
GRANT USAGE ON SCHEMA public, ml TO train_types_analyst;
CREATE TABLE patients AS SELECT i AS id, i % 3 AS clinic, draw(i, 1) AS x, draw(i, 2) AS secret, draw(i, 1) + draw(i, 3) AS y FROM generate_series(1, 600) AS i;
ALTER TABLE patients ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON patients FOR SELECT TO train_types_analyst USING (clinic = 1);
GRANT SELECT (id, clinic, x, y) ON patients TO train_types_analyst;
SET ROLE train_types_analyst;
SELECT version FROM train('patients', 'patients', 'y', split => '{"key": "id"}');
SELECT training -> 'rows' -> 'total' AS total, training -> 'left_out' AS left_out, signature, training ->> 'role' AS role FROM newest('patients');
CALL tests.refused('SELECT train(''secret'', ''patients'', ''y'', features => ''{x,secret}'')');
CALL tests.refused('SELECT train(''secret'', ''patients'', ''secret'')');
CALL tests.refused('SELECT train(''secret'', ''SELECT x, secret, y FROM patients'', ''y'')');
CALL tests.refused('SELECT train(''partitioned'', ''patients'', ''y'')');
CALL tests.refused('SELECT train(''sales'', ''sales'', ''y'')');
RESET ROLE;
-- Trained again by the owner's member, it still sees the owner's rows only.
SELECT version FROM retrain('patients', async => false);
SELECT training -> 'rows' -> 'total' AS total, training ->> 'role' AS role, created_by FROM newest('patients');

-- Wide: 1,600 columns, 10,000 categories, an array of 2,000.
DO $$
BEGIN
    EXECUTE (SELECT 'CREATE TABLE wide (' || string_agg('c' || i || ' smallint', ', ' ORDER BY i) || ')' FROM generate_series(1, 1600) AS i);
    EXECUTE (SELECT 'INSERT INTO wide (c1, c2, c1600, ' || string_agg('c' || i, ', ') || ') SELECT n, n % 7, n % 5 + n % 7, ' || string_agg('n * ' || i || ' % 11', ', ')
               || ' FROM generate_series(1, 200) AS n' FROM generate_series(3, 302) AS i);
END $$;
SELECT version FROM train('wide', 'wide', 'c1600', algorithm => 'ridge', split => '{"key": "c1"}');
SELECT cardinality(signature) AS inputs, (SELECT count(*) FROM jsonb_object_keys(training -> 'left_out')) AS left_out FROM newest('wide');
CREATE TABLE towns AS SELECT i AS id, 'town ' || CASE WHEN i % 2 = 0 THEN i % 10000 ELSE i % 40 END AS town, draw(i % 10000, 1) + draw(i, 2) AS y FROM generate_series(1, 40000) AS i;
SELECT version FROM train('towns', 'towns', 'y', exclude => '{id}', split => '{"key": "id"}', algorithm => 'ridge');
SELECT cardinality(categories) AS categories, cardinality(encoded) AS encoded, encoded[100] FROM feature_info('towns');
SELECT version FROM train('towns', 'towns', 'y', algorithm => 'ridge', preprocess => '{"town": {"max_categories": 500, "min_frequency": 1}}');
SELECT cardinality(categories) AS categories, cardinality(encoded) AS encoded FROM feature_info('towns');
CALL tests.refused('SELECT train(''towns'', ''towns'', ''y'', exclude => ''{id}'', preprocess => ''{"town": {"max_categories": 10000, "min_frequency": 1}}'')');
SELECT version FROM train('vectors', 'SELECT i AS id, ARRAY(SELECT draw(i, j) FROM generate_series(1, 2000) AS j) AS x, draw(i, 1) AS y FROM generate_series(1, 60) AS i', 'y', algorithm => 'ridge', exclude => '{id}', split => '{"key": "id"}');
SELECT count(*) FROM feature_info('vectors');
