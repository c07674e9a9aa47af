-- compare and promote's gate: two versions on the same rows, those that neither learned from; global_explain.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE customers (id integer PRIMARY KEY, day date, months integer, charge numeric, segment text, is_test boolean, churn boolean, spend float8, household integer);
CREATE FUNCTION customers(first integer, last integer) RETURNS SETOF customers LANGUAGE sql AS
$$ SELECT i, date '2024-01-01' + i / 10, (d % 72)::integer, (20 + (d >> 8) % 90)::numeric, 'segment ' || (d >> 5) % 4, i % 4 = 0,
          (d >> 11) % 100 < 60 - d % 72 + (d >> 8) % 90 / 4, (d % 72) * 2.5 + (d >> 8) % 90 + (d >> 14), i / 3
     FROM (SELECT i, reference.draw(5 * i) AS d FROM generate_series(first, last) AS i) AS drawn $$;
INSERT INTO customers SELECT * FROM customers(1, 3000);

SELECT version, status FROM train('churn', 'customers', 'churn', features => '{months}');
SELECT version, status FROM train('churn', 'customers', 'churn', features => '{months, charge, segment}');
-- Nothing has changed: the rows are those of the stored hold-outs, to the last bit.
SELECT c.metric, c.v1 IS NOT DISTINCT FROM a.value AS first, c.v2 IS NOT DISTINCT FROM b.value AS second
  FROM compare('churn', 1, 2) AS c LEFT JOIN evaluate('churn@1') AS a USING (metric) LEFT JOIN evaluate('churn@2') AS b USING (metric);
-- Positive is better, whichever way the metric runs; the other way round the signs turn.
SELECT c.metric, sign(c.improvement) = sign(CASE WHEN c.metric IN ('log_loss', 'brier_score') THEN c.v1 - c.v2 ELSE c.v2 - c.v1 END) AS sign, c.improvement = -d.improvement AS turned
  FROM compare('churn', 1, 2) AS c JOIN compare('churn', 2, 1) AS d USING (metric) WHERE c.improvement IS NOT NULL;
-- On a source every row counts, whether trained on or not.
SELECT * FROM compare('churn', 1, 2, 'customers') WHERE metric LIKE 'rows%';
SELECT c.metric FROM compare('churn', 1, 2, 'customers') AS c JOIN evaluate('churn@2', 'customers') AS e USING (metric) WHERE c.v2 IS DISTINCT FROM e.value;
SELECT * FROM compare('churn', 1, 1) WHERE improvement <> 0;

-- As the table grows no row changes sides: those held out before are held out again, and some of the new ones.
CREATE TEMP TABLE before AS SELECT v1 AS rows FROM compare('churn', 1, 2) WHERE metric = 'rows';
INSERT INTO customers SELECT * FROM customers(3001, 4000);
SELECT v1 - b.rows BETWEEN 150 AND 250 AS some_of_the_new FROM compare('churn', 1, 2), before AS b WHERE metric = 'rows';
DELETE FROM customers WHERE id <= 3000;
SELECT v1 BETWEEN 150 AND 250 AS new FROM compare('churn', 1, 2) WHERE metric = 'rows';
INSERT INTO customers SELECT * FROM customers(1, 3000) ORDER BY id DESC;
DELETE FROM customers WHERE id > 3000;
SELECT v1 = b.rows AS the_same FROM compare('churn', 1, 2), before AS b WHERE metric = 'rows';
SELECT count(*) FILTER (WHERE abs(c.v2 - e.value) > 1e-12) AS differing FROM compare('churn', 1, 2) AS c JOIN evaluate('churn@2') AS e USING (metric);
-- What both held out, where one held out more.
SELECT version FROM train('churn', 'customers', 'churn', features => '{months, charge, segment}', split => '{"test_size": 0.4}');
SELECT v1 = b.rows AS the_smaller FROM compare('churn', 2, 3), before AS b WHERE metric = 'rows';
SELECT c.v1 > b.rows AS all_of_it FROM compare('churn', 3, 3) AS c, before AS b WHERE metric = 'rows';

-- Other splits: by time (what both had not seen yet), by group, by a column, by content.
SELECT version FROM train('late', 'customers', 'spend', features => '{months}', split => '{"method": "time", "column": "day"}');
SELECT version FROM train('late', 'customers', 'spend', features => '{months, charge}', split => '{"method": "time", "column": "day", "test_size": 0.1}');
SELECT metric, v1, v2 FROM compare('late', 1, 2) WHERE metric = 'rows';
SELECT count(*) FROM customers WHERE day >= (SELECT max(day) - 29 FROM customers);
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing FROM compare('late', 1, 2) AS c JOIN evaluate('late@2') AS e USING (metric);
SELECT version FROM train('by_number', 'SELECT charge::float8 / 7 AS t, months, spend FROM customers', 'spend', features => '{months}', split => '{"method": "time", "column": "t"}');
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing FROM compare('by_number', 1, 1) AS c JOIN evaluate('by_number') AS e USING (metric);
SELECT version FROM train('families', 'customers', 'spend', features => '{months}', split => '{"method": "group", "column": "household"}');
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing FROM compare('families', 1, 1) AS c JOIN evaluate('families') AS e USING (metric);
SELECT version FROM train('flagged', 'customers', 'spend', features => '{months}', split => '{"method": "column", "column": "is_test"}');
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing, max(c.v1) FILTER (WHERE metric = 'rows') AS rows FROM compare('flagged', 1, 1) AS c JOIN evaluate('flagged') AS e USING (metric);
CREATE TABLE twins AS SELECT months % 3 AS months, round(charge / 40) AS charge, months % 3 + round(charge / 40) AS y FROM customers;
SET client_min_messages = error;
SELECT version FROM train('twins', 'twins', 'y', task => 'regression');
RESET client_min_messages;
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing, max(c.v1) FILTER (WHERE metric = 'rows') BETWEEN 500 AND 700 AS a_fifth FROM compare('twins', 1, 1) AS c JOIN evaluate('twins') AS e USING (metric);
SELECT version FROM train('all_of_it', 'customers', 'spend', features => '{months}', split => '{"method": "none"}');
CALL tests.refused($$SELECT compare('all_of_it', 1, 1)$$);
SELECT v1 FROM compare('all_of_it', 1, 1, 'customers') WHERE metric = 'rows';

-- The source is found by its identity and understood as it was written, whatever the caller's names.
ALTER TABLE customers RENAME TO clients;
CREATE TABLE customers AS SELECT * FROM clients WHERE false;
SELECT v1 = b.rows AS the_same FROM compare('churn', 1, 2), before AS b WHERE metric = 'rows';
CREATE SCHEMA private;
ALTER TABLE clients SET SCHEMA private;
SELECT v1 = b.rows AS the_same FROM compare('churn', 1, 2), before AS b WHERE metric = 'rows';
SET search_path = private, public, ml;
SELECT version FROM train('written', 'SELECT id, months, spend FROM clients', 'spend', split => '{"key": "id"}');
SET search_path = public, ml;
CREATE TABLE clients AS SELECT * FROM private.clients WHERE false;
SELECT count(*) FILTER (WHERE c.v2 IS DISTINCT FROM e.value) AS differing FROM compare('written', 1, 1) AS c JOIN evaluate('written') AS e USING (metric);
DROP TABLE clients, customers;
ALTER TABLE private.clients SET SCHEMA public;
ALTER TABLE clients RENAME TO customers;

-- Refusals.
CALL tests.refused($$SELECT compare(NULL, 1, 2)$$);
CALL tests.refused($$SELECT compare('churn', NULL, 2)$$);
CALL tests.refused($$SELECT compare('churn', 1, NULL)$$);
CALL tests.refused($$SELECT compare('chrun', 1, 2)$$);
CALL tests.refused($$SELECT compare('churn', 1, 99)$$);
CALL tests.refused($$SELECT compare('churn', 1, 2, 'SELECT 1 AS one')$$);
SELECT version FROM train('mixed', 'customers', 'churn', features => '{months}');
SELECT version FROM train('mixed', 'customers', 'spend', features => '{months}');
CALL tests.refused($$SELECT compare('mixed', 1, 2)$$);
CREATE TEMP TABLE passing AS SELECT * FROM customers;
SELECT version FROM train('passing', 'passing', 'spend', features => '{months}', split => '{"key": "id"}');
CALL tests.refused($$SELECT compare('passing', 1, 1)$$);
CREATE TABLE dropped AS SELECT * FROM customers;
SELECT version FROM train('dropped', 'dropped', 'spend', features => '{months}', split => '{"key": "id"}');
ALTER TABLE dropped DROP months;
CALL tests.refused($$SELECT compare('dropped', 1, 1)$$);
DROP TABLE dropped;
CALL tests.refused($$SELECT compare('dropped', 1, 1)$$);

-- promote: where there is nothing to compare with a gate passes; else it judges on the hold-out.
SELECT promote('churn', 1, 'staging', gate => '{"metric": "roc_auc", "min_delta": 0.9}');
SELECT promote('churn', 1);
SELECT promote('churn', 2, gate => '{"metric": "roc_auc", "min_delta": 0.5}', force => true, reason => 'hope');
SELECT promote('churn', 2, gate => '{"metric": "roc_auc", "guardrails": {"log_loss": 0.5, "recall": 1}}', force => true);
SELECT promote('churn', 1, gate => '{"metric": "accuracy", "min_delta": -1, "guardrails": {"roc_auc": 0}}', force => true);
SELECT promote('churn', 3, gate => '{"metric": "log_loss", "min_delta": -0.1, "archive_existing_versions": true}');
SELECT h.action, h.from_version, h.to_version, h.reason, h.gate -> 'passed' AS passed, h.gate -> 'rows' AS rows, h.gate ->> 'note' AS note,
       (SELECT string_agg(concat_ws(' ', c ->> 'metric', c ->> 'at_least', c ->> 'passed'), ', ') FROM jsonb_array_elements(h.gate -> 'comparisons') AS c) AS comparisons
  FROM alias_history AS h JOIN models AS m USING (model_id) WHERE m.name = 'churn' ORDER BY history_id;
SELECT version, archived_at IS NOT NULL AS archived FROM model_versions JOIN models AS m USING (model_id) WHERE m.name = 'churn' ORDER BY version;
SELECT promote('churn', 3);
SELECT promote('churn', 2, 'Production');
SELECT alias, version FROM model_aliases JOIN models USING (model_id) WHERE name = 'churn' ORDER BY alias;
-- Other inputs are refused unless forced: positional calls would be silently wrong.
CALL tests.refused($$SELECT promote('churn', 1)$$);
CALL tests.refused($$SELECT promote('churn', 99)$$);
CALL tests.refused($$SELECT promote('chrun', 1)$$);
CALL tests.refused($$SELECT promote(NULL, 1)$$);
CALL tests.refused($$SELECT promote('churn', NULL)$$);
CALL tests.refused($$SELECT promote('churn', 1, '7')$$);
CALL tests.refused($$SELECT promote('churn', 2, gate => '{"metrics": "f1"}')$$);
CALL tests.refused($$SELECT promote('churn', 2, gate => '{"metric": "auc_roc"}')$$);
CALL tests.refused($$SELECT promote('churn', 2, gate => '{"metric": "rmse"}')$$);
CALL tests.refused($$SELECT promote('churn', 2, gate => '{"guardrails": {"f1": -1}}')$$);
CALL tests.refused($$SELECT promote('churn', 2, gate => '[]')$$);
-- A gate that cannot be judged does not open: it is an error, and a metric that is undefined refuses.
SELECT promote('all_of_it', 1);
SELECT version FROM train('all_of_it', 'customers', 'spend', features => '{months}');
CALL tests.refused($$SELECT promote('all_of_it', 2, gate => '{}')$$);
CREATE TABLE one_class AS SELECT id, months, churn, id % 2 = 0 AS held_out FROM customers;
SELECT version FROM train('one_class', 'one_class', 'churn', features => '{months}', split => '{"method": "column", "column": "held_out"}', alias => 'champion');
UPDATE one_class SET churn = true WHERE held_out;
SELECT version, status FROM train('one_class', 'one_class', 'churn', features => '{months}', split => '{"method": "column", "column": "held_out"}', alias => 'champion', gate => '{"metric": "roc_auc"}');
SELECT gate -> 'comparisons' -> 0 ->> 'reason' AS reason FROM alias_history WHERE action = 'refuse' ORDER BY history_id DESC LIMIT 1;
-- Without the alias the newest version serves: it is the one to beat, and goes on serving if it is not beaten.
SELECT version FROM train('unset', 'customers', 'churn', features => '{months}');
SELECT version, status FROM train('unset', 'customers', 'churn', features => '{months}', hyperparams => '{"C": 1e-6}', alias => 'champion', gate => '{"metric": "log_loss"}');
SELECT alias, version FROM model_aliases JOIN models USING (model_id) WHERE name = 'unset';
SELECT action, from_version, to_version, h.reason FROM alias_history AS h JOIN models AS m USING (model_id) WHERE m.name = 'unset' ORDER BY history_id;
-- train with alias and gate.
SELECT version, status FROM train('gated', 'customers', 'churn', features => '{months}', alias => 'champion', gate => '{"metric": "roc_auc", "min_delta": 0.01}');
SELECT version, status FROM train('gated', 'customers', 'churn', features => '{months}', alias => 'Champion', gate => '{"metric": "roc_auc", "min_delta": 0.01}');
SELECT version, status FROM train('gated', 'customers', 'churn', features => '{months}', alias => 'champion', gate => '{"metric": "roc_auc"}');
SELECT version, status FROM train('gated', 'customers', 'churn', features => '{months, charge}', alias => 'champion');
SELECT alias, version FROM model_aliases JOIN models USING (model_id) WHERE name = 'gated';
CALL tests.refused($$SELECT train('gated', 'customers', 'churn', alias => 'champion', gate => '{}', split => '{"method": "none"}')$$);
CALL tests.refused($$SELECT train('gated', 'customers', 'churn', alias => 'a@b')$$);
CALL tests.refused($$SELECT train('gated', 'customers', 'churn', gate => '{}')$$);
CALL tests.refused($$SELECT train('gated', 'customers', 'spend', alias => 'champion', gate => '{"metric": "f1"}')$$);

-- global_explain: shuffling what matters hurts, shuffling what does not matter does not; the same seed, the same numbers.
SELECT feature, importance > 0.01 AS matters, std_dev < importance AS clearly, rank FROM global_explain('churn@2');
SELECT a = b AS repeatable FROM (SELECT array_agg(g) AS a FROM global_explain('churn@2') AS g) AS a, (SELECT array_agg(g) AS b FROM global_explain('churn@2') AS g) AS b;
SELECT feature, importance > 1 AS matters, rank FROM global_explain('late@2', 'permutation');
SELECT feature, round(importance::numeric, 1) AS importance, std_dev, rank FROM global_explain('late@2', 'coefficients');
SELECT g.importance = abs(w.weight / w.std_err) AS statistic FROM global_explain('late@2', 'coefficients') AS g JOIN weights('late@2') AS w USING (feature);
SELECT feature, rank FROM global_explain('churn@2', 'coefficients') WHERE rank <= 2;
CALL tests.refused($$SELECT global_explain(NULL)$$);
CALL tests.refused($$SELECT global_explain('churn', 'permutations')$$);
CALL tests.refused($$SELECT global_explain('all_of_it@1')$$);

-- The owner's rows are read for the owner only, with the owner's rights, whoever asks.
CREATE ROLE regress_owner;
CREATE ROLE regress_member IN ROLE regress_owner;
CREATE ROLE regress_grantee;
GRANT USAGE ON SCHEMA ml, public TO regress_owner, regress_grantee, regress_member;
GRANT SELECT ON customers TO regress_owner;
SET ROLE regress_owner;
SELECT version FROM ml.train('theirs', 'customers', 'churn', features => '{months}');
SELECT version FROM ml.train('theirs', 'customers', 'churn', features => '{months}', hyperparams => '{"C": 0.01}');
SELECT ml.grant_model('theirs', 'regress_grantee');
SET ROLE regress_grantee;
CALL tests.refused($$SELECT compare('theirs', 1, 2)$$);
CALL tests.refused($$SELECT global_explain('theirs')$$);
SELECT count(*) FROM global_explain('theirs', 'coefficients');
CALL tests.refused($$SELECT promote('theirs', 1)$$);
CALL tests.refused($$SELECT compare('theirs', 1, 2, 'customers')$$);
SELECT v1, v2 FROM compare('theirs', 1, 2, 'SELECT 3 AS months, true AS churn') WHERE metric = 'rows';
CALL tests.refused($$SELECT compare('churn', 1, 2)$$);
SET ROLE regress_member;
SELECT v1 BETWEEN 500 AND 700 AS rows FROM compare('theirs', 1, 2) WHERE metric = 'rows';
RESET ROLE;
-- A superuser reads as the owner too: what the owner may not read any more is not read.
SELECT v1 BETWEEN 500 AND 700 AS rows FROM compare('theirs', 1, 2) WHERE metric = 'rows';
REVOKE SELECT ON customers FROM regress_owner;
CALL tests.refused($$SELECT compare('theirs', 1, 2)$$);
SELECT promote('theirs', 1);
CALL tests.refused($$SELECT promote('theirs', 2, gate => '{}')$$);
-- What the source runs cannot act as the caller: it has the owner's rights, and may not change roles.
GRANT SELECT ON customers TO regress_owner;
GRANT CREATE ON SCHEMA public TO regress_owner;
SET ROLE regress_owner;
CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    RAISE NOTICE 'trapped as %', current_user;
    PERFORM set_config('role', 'none', false);
    RETURN true;
END $$;
SELECT version FROM ml.train('trap', 'SELECT id, months, churn FROM customers', 'churn', features => '{months}', split => '{"key": "id"}');
RESET ROLE;
UPDATE model_versions SET recipe = jsonb_set(recipe, '{query}', to_jsonb('SELECT id, months, trap() AS churn FROM customers'::text)) WHERE model_id = (SELECT model_id FROM models WHERE name = 'trap');
CALL tests.refused($$SELECT compare('trap', 1, 1)$$);
SELECT current_user;
DROP OWNED BY regress_owner, regress_member, regress_grantee CASCADE;
UPDATE models SET owner = current_user::regrole WHERE name IN ('theirs', 'trap');
DROP ROLE regress_owner, regress_member, regress_grantee;
