-- What train() refuses, before any row is read where that can be, and what it leaves: nothing.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE t AS SELECT i AS id, i % 7 AS a, i % 5 AS b, 'c' || i % 3 AS c, i % 2 = 0 AS flag, i % 7 + i % 5 AS y, NULL::integer AS empty, date '2024-01-01' + i AS day, '{}'::json AS j,
                       interval '1 day' * i AS lasting, (ARRAY['low', 'mid', 'high'])[1 + i % 3] AS grade FROM generate_series(1, 200) AS i;
-- A source that tells when it is read.
CREATE FUNCTION read_it() RETURNS SETOF t LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the source was read'; END $$;
CREATE VIEW untouched AS SELECT * FROM read_it();
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'')');

-- Arguments.
CALL tests.refused('SELECT train(NULL)');
CALL tests.refused('SELECT train(''m'')');
CALL tests.refused('SELECT train(''m'', ''untouched'')');
CALL tests.refused('SELECT train(''m'', NULL, ''y'')');
CALL tests.refused('SELECT train('''', ''untouched'', ''y'')');
CALL tests.refused('SELECT train(''m@3'', ''untouched'', ''y'')');
CALL tests.refused('SELECT train(repeat(''m'', 64), ''untouched'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''nowhere'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''SELECT * FROM untouched; DROP TABLE t'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''DELETE FROM t RETURNING *'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''Y'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''untouched'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''ctid'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''j'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''day'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''lasting'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''grade'', task => ''regression'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', task => ''clasification'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', task => ''clustering'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', algorithm => ''ridgee'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', algorithm => ''random_forest'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''grade'', algorithm => ''ridge'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', algorithm => ''logistic_regression'', task => ''regression'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', hyperparams => ''{"alhpa": 1}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''flag'', hyperparams => ''{"C": -1}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''flag'', hyperparams => ''{"n_jobs": 4}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''flag'', hyperparams => ''[1]'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', preprocess => ''{"aa": {}}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', preprocess => ''{"a": {"imput": "mean"}}'')');
CALL tests.refused('SELECT train(''m'', ''t'', ''y'', preprocess => ''{"c": {"impute": "mean"}}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', split => ''{"method": "stratified"}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', split => ''{"test_size": 20}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', split => ''{"methods": "none"}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', split => ''{"key": "idd"}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a,bb}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a,a}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a,y}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a,j}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a,NULL}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', exclude => ''{aa}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', features => ''{a}'', exclude => ''{a}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', weight => ''w'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', weight => ''y'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', weight => ''c'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', metric => ''auc'')');
CALL tests.refused('SELECT train(''m'', ''t'', ''flag'', metric => ''rmse'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''flag'', class_weight => ''even'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''flag'', class_weight => ''{"true": 0}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', task => ''regression'', class_weight => ''balanced'')');
-- What leaves the range of doubles is named.
CALL tests.refused('SELECT train(''m'', ''SELECT g % 7 AS x, g % 3 = 0 AS y, 1e300 AS w FROM generate_series(1, 50) AS g'', ''y'', weight => ''w'', class_weight => ''{"true": 1e300}'')');
CALL tests.refused('SELECT train(''m'', ''SELECT (g % 7)::float8 * 1e-309 AS x, g % 5 + g % 7 AS y FROM generate_series(1, 50) AS g'', ''y'', algorithm => ''ridge'')');
CALL tests.refused('SELECT train(''m'', ''t'', ''flag'', class_weight => ''{"yes": 2}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', gate => ''{}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', alias => ''champion'', gate => ''{"metrics": "rmse"}'')');
CALL tests.refused('SELECT train(''m'', ''untouched'', ''y'', alias => ''3'')');
CALL tests.refused('SELECT train(''m'', ''t'', ''y'', alias => ''champion'', gate => ''{"metric": "roc_auc"}'')');

-- Rows.
CALL tests.refused('SELECT train(''m'', ''SELECT * FROM t WHERE false'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''t'', ''empty'')');
CALL tests.refused('SELECT train(''m'', ''SELECT * FROM t LIMIT 1'', ''y'', split => ''{"method": "none"}'')');
CALL tests.refused('SELECT train(''m'', ''SELECT a, b, true AS flag FROM t'', ''flag'')');
CALL tests.refused('SELECT train(''m'', ''SELECT a, b, flag FROM t WHERE flag LIMIT 1'', ''flag'')');
CALL tests.refused('SELECT train(''m'', ''SELECT id, 1 AS one, y FROM t'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y FROM t'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y, j FROM t'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y, a, -1 AS w FROM t'', ''y'', weight => ''w'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y, a, ''''Infinity''''::float8 AS w FROM t'', ''y'', weight => ''w'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y, a, 0 AS w FROM t'', ''y'', weight => ''w'')');
CALL tests.refused('SELECT train(''m'', ''SELECT id + 1000 * g AS label, a FROM t, generate_series(1, 6) AS g'', ''label'', task => ''classification'')');
CALL tests.refused('SELECT train(''m'', ''SELECT generate_series(1, 2000)::text AS label, 1 AS a'', ''label'')');
CALL tests.refused('SELECT train(''m'', ''SELECT y / 7.0 AS label, a FROM t'', ''label'', task => ''classification'')');
CALL tests.refused('SELECT train(''m'', ''SELECT a, 1 / (a - 3) AS b, y FROM t'', ''y'')');
-- Two rows are enough.
SELECT version FROM train('two', 'VALUES (1, false), (2, true)', 'column2', split => '{"method": "none"}');
SELECT version FROM train('two', 'VALUES (1, 1.0), (2, 2.5)', 'column2', task => 'regression', split => '{"method": "none"}');

-- Names are data.
SELECT model, version FROM train('x"; DROP TABLE t; --', 'SELECT a AS "b""; DROP TABLE t; --", y AS "select" FROM t', 'select', split => '{"method": "none"}');
SELECT feature FROM feature_info('x"; DROP TABLE t; --');
SELECT signature, target FROM model_versions JOIN models USING (model_id) WHERE name LIKE 'x%';

-- Memory: refused with what is needed; nothing is left behind.
SET pglearn.max_memory = '1MB';
CALL tests.refused('SELECT train(''m'', ''SELECT i AS a, i % 3 AS b, random() AS y FROM generate_series(1, 100000) AS i'', ''y'')');
CALL tests.refused('SELECT train(''m'', ''SELECT repeat(''''x'''', 5000) || i AS a, i AS y FROM generate_series(1, 1000) AS i'', ''y'', preprocess => ''{"a": {"encode": "one_hot"}}'')');
RESET pglearn.max_memory;
-- Read only.
SET default_transaction_read_only = on;
CALL tests.refused('SELECT train(''m'', ''t'', ''y'')');
RESET default_transaction_read_only;
-- Somebody else's model: told before anything is read, and nothing is told of it.
CREATE ROLE train_errors_owner;
CREATE ROLE train_errors_other;
GRANT USAGE ON SCHEMA public, ml TO train_errors_owner, train_errors_other;
GRANT SELECT ON t, untouched TO train_errors_owner, train_errors_other;
SET ROLE train_errors_owner;
SELECT version FROM train('mine', 't', 'y', features => '{a,b}');
SET ROLE train_errors_other;
CALL tests.refused('SELECT train(''mine'', ''untouched'', ''y'')');
CALL tests.refused('SELECT train(''mine'')');
CALL tests.refused('SELECT retrain(''mine'', async => false)');
CALL tests.refused('SELECT * FROM feature_info(''mine'')');
CALL tests.refused('SELECT * FROM training_info(''mine'')');
CALL tests.refused('SELECT * FROM weights(''mine'')');
SET ROLE train_errors_owner;
SELECT grant_model('mine', 'train_errors_other');
SET ROLE train_errors_other;
SELECT count(*) FROM feature_info('mine');
CALL tests.refused('SELECT train(''mine'', ''untouched'', ''y'')');
CALL tests.refused('SELECT retrain(''mine'', async => false)');
RESET ROLE;
GRANT train_errors_owner TO train_errors_other;
SET ROLE train_errors_other;
SELECT version FROM retrain('mine', async => false);
SELECT version FROM train('mine');
RESET ROLE;
SELECT version, created_by, training ->> 'role' AS role FROM model_versions JOIN models USING (model_id) WHERE name = 'mine' ORDER BY version;
-- What the owner may not read any more is not read for it, whoever asks.
REVOKE SELECT ON t FROM train_errors_owner;
CALL tests.refused('SELECT retrain(''mine'', async => false)');

-- Aliases: moved after the training, if the gate lets it; other inputs are not put in place silently.
SELECT version, status FROM train('served', 't', 'y', features => '{a,b}', alias => 'Champion', split => '{"key": "id"}');
SELECT version, status FROM train('served', 't', 'y', features => '{a}', alias => 'champion');
SELECT version, status FROM train('served', 't', 'y', features => '{a,b}', alias => 'champion', algorithm => 'ridge', hyperparams => '{"alpha": 1e6}', gate => '{"metric": "rmse"}');
SELECT version, status FROM train('served', 't', 'y', features => '{a,b}', alias => 'champion', gate => '{"metric": "rmse", "guardrails": {"mae": 0.1}}');
SELECT version, status FROM retrain('served', async => false, gate => '{}');
SELECT alias, version FROM model_aliases JOIN models USING (model_id) WHERE name = 'served';
SELECT action, from_version, to_version, reason FROM alias_history JOIN models USING (model_id) WHERE name = 'served' ORDER BY history_id;

-- Nothing was made by what was refused.
SELECT name FROM models ORDER BY name COLLATE "C";
