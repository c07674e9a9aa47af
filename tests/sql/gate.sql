-- Retraining in the background: a version serves if it is not worse than the one that serves, on the same rows.
-- Each job is queued and run in one transaction, so that no background worker sees it before it is done.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
CREATE TABLE houses AS SELECT i AS id, i % 50 AS area, i % 9 AS rooms, 3.0 * (i % 50) + 7 * (i % 9) + sin(i) AS price FROM generate_series(1, 2000) AS i;
ALTER TABLE houses ADD PRIMARY KEY (id);
SET client_min_messages = notice;
\pset null -
CREATE FUNCTION champion(name text) RETURNS integer LANGUAGE sql STABLE AS
$$ SELECT a.version FROM ml.model_aliases AS a JOIN ml.models AS m USING (model_id) WHERE m.name = champion.name AND a.alias = 'champion' $$;
-- The history of a model, and whether each verdict follows from its own numbers.
CREATE FUNCTION history(name text) RETURNS TABLE (action text, from_version integer, to_version integer, passed boolean, held_out bigint, verdicts text, follows boolean) LANGUAGE sql STABLE AS $$
    SELECT h.action, h.from_version, h.to_version, (h.gate ->> 'passed')::boolean, (h.gate ->> 'rows')::bigint,
           (SELECT string_agg(concat_ws(' ', c ->> 'metric', c ->> 'at_least', c ->> 'passed'), ', ' ORDER BY n) FROM jsonb_array_elements(h.gate -> 'comparisons') WITH ORDINALITY AS q(c, n)),
           (SELECT bool_and(((c ->> 'improvement')::float8 >= (c ->> 'at_least')::float8) = (c ->> 'passed')::boolean
                            AND abs((c ->> 'improvement')::float8 - CASE WHEN c ->> 'metric' = 'r2' THEN 1 ELSE -1 END * ((c ->> 'challenger')::float8 - (c ->> 'champion')::float8)) < 1e-12)
              FROM jsonb_array_elements(h.gate -> 'comparisons') AS c)
      FROM ml.alias_history AS h JOIN ml.models AS m USING (model_id) WHERE m.name = history.name ORDER BY h.history_id $$;
-- One retraining of a model, here and now.
CREATE PROCEDURE again(name text, gate jsonb DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
    begun integer;
BEGIN
    SELECT r.job_id INTO number FROM ml.retrain(again.name, gate => again.gate) AS r;
    begun := ml.run_pending();
    RAISE INFO '%', (SELECT concat_ws(' ', j.state, j.status, 'version', j.version, 'champion', champion(again.name), j.sqlstate, j.error) FROM ml.jobs AS j WHERE j.job_id = number);
END $$;
-- A challenger of another recipe, likewise.
CREATE PROCEDURE challenge(name text, gate jsonb, algorithm text, hyperparams jsonb, features text[] DEFAULT '{area,rooms}') LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
    begun integer;
BEGIN
    SELECT t.job_id INTO number FROM ml.train(challenge.name, 'houses', 'price', algorithm => challenge.algorithm, hyperparams => challenge.hyperparams,
                                              features => challenge.features, alias => 'champion', gate => challenge.gate, async => true) AS t;
    begun := ml.run_pending();
    RAISE INFO '%', (SELECT concat_ws(' ', j.state, j.status, 'version', j.version, 'champion', champion(challenge.name), j.sqlstate, regexp_replace(j.error, '-\d[\d.]+', 'less', 'g')) FROM ml.jobs AS j WHERE j.job_id = number);
END $$;
SET client_min_messages = warning;

-- The first version, trained in the background with an alias: there is no champion, so it serves.
BEGIN;
SELECT status FROM train('price', 'houses', 'price', features => '{area}', alias => 'champion', gate => '{"metric": "r2", "min_delta": 0.5}', async => true);
SELECT run_pending();
SELECT status, version FROM jobs;
COMMIT;
SELECT action, from_version, to_version, gate ->> 'note' AS note FROM alias_history;

-- As good on the same rows: it serves. The metric is that of the model unless the gate says another one.
CALL again('price');
CALL again('price', '{"metric": "rmse"}');
-- It should have been better.
CALL again('price', '{"min_delta": 0.001}');
SELECT * FROM history('price');

-- Better: a recipe that knows one more column.
SELECT version, status FROM train('price', 'houses', 'price', features => '{area,rooms}');
CALL tests.refused($$SELECT promote('price', 5)$$);
SELECT promote('price', 5, force => true);
-- Worse: a recipe that shrinks everything. It does not serve; what served serves on, and says the same.
CREATE TABLE before AS SELECT predict('price', 20, 3) AS prediction;
CALL challenge('price', '{}', 'ridge', '{"alpha": 1e6}');
CALL challenge('price', '{"metric": "mae"}', 'ridge', '{"alpha": 1e6}');
SELECT predict('price', 20, 3) = prediction AS serves_on FROM before;
-- What is repeated is the version that serves, not the newest.
CALL again('price');
SELECT rollback_alias('price');
-- Worse, but not by more than allowed; as good, but not so in a guardrail, whose metric gets smaller the better it is.
CALL challenge('price', '{"metric": "r2", "min_delta": -2}', 'ridge', '{"alpha": 1e6}');
SELECT rollback_alias('price');
CALL challenge('price', '{"metric": "r2", "min_delta": -2, "guardrails": {"rmse": 0.5}}', 'ridge', '{"alpha": 1e6}');
CALL challenge('price', '{"metric": "r2", "min_delta": -2, "guardrails": {"rmse": 1000}}', 'ridge', '{"alpha": 1e6}');
SELECT rollback_alias('price');
CALL challenge('price', '{"metric": "r2", "min_delta": -0.01, "archive_existing_versions": true}', 'ridge', '{"alpha": 1e-3}');
SELECT * FROM history('price') OFFSET 4;
SELECT version FROM model_versions JOIN models USING (model_id) WHERE name = 'price' AND archived_at IS NOT NULL;

-- Compared on the rows of now, not on those of when the champion was trained: it learned a world that is gone.
SELECT version, status FROM train('moving', 'houses', 'price', features => '{area,rooms}', alias => 'champion');
UPDATE houses SET price = 500 - price;
CALL again('moving', '{"metric": "r2", "min_delta": 1}');
SELECT h.gate #>> '{comparisons,0,metric}' AS metric, (h.gate #>> '{comparisons,0,champion}')::float8 < 0 AS champion_is_wrong, (h.gate #>> '{comparisons,0,challenger}')::float8 > 0.99 AS challenger_is_right
  FROM alias_history AS h JOIN models USING (model_id) WHERE name = 'moving' AND to_version = 2;
-- What is recorded of the challenger is what evaluate says of its own hold-out, which nobody has changed since.
SELECT abs((h.gate #>> '{comparisons,0,challenger}')::float8 - e.value) < 1e-12 AS same_score
  FROM alias_history AS h JOIN models USING (model_id), evaluate('moving@2') AS e WHERE name = 'moving' AND to_version = 2 AND e.metric = 'r2';

-- No alias yet: the newest served, and the new one is compared with it; where it is worse the alias is set to that one.
SELECT version, status FROM train('unset', 'houses', 'price', features => '{area,rooms}');
CALL again('unset');
SELECT version, status FROM train('unset_worse', 'houses', 'price', features => '{area,rooms}');
CALL again('unset_worse', '{"min_delta": 0.5}');
SELECT * FROM history('unset'); SELECT * FROM history('unset_worse');
-- Other inputs than the champion's: recorded, does not serve.
SELECT version, status FROM train('inputs', 'houses', 'price', features => '{area,rooms}', alias => 'champion');
CALL challenge('inputs', '{}', 'linear_regression', '{}', '{area}');
SELECT action, from_version, to_version, reason FROM alias_history JOIN models USING (model_id) WHERE name = 'inputs' ORDER BY history_id;
-- A gate that cannot be judged does not open: the job fails and leaves no version.
SELECT version, status FROM train('broken', 'houses', 'price', features => '{area,rooms}', alias => 'champion');
CALL again('broken', '{"metric": "roc_auc"}');
SELECT last_version FROM models WHERE name = 'broken';
-- Inputs that were chosen are kept: a column that came later does not get in the way, one that is gone ends the job; train chooses anew.
CREATE TABLE growing AS SELECT id, area, rooms, 'h' || id AS label, price FROM houses;
ALTER TABLE growing ADD PRIMARY KEY (id);
SELECT version, status FROM train('chosen', 'growing', 'price', exclude => '{label}', preprocess => '{"rooms": {"scale": "none"}}', alias => 'champion');
ALTER TABLE growing ADD COLUMN garden integer, DROP COLUMN label;
UPDATE growing SET garden = id % 17;
CALL again('chosen');
SELECT version, signature FROM model_versions JOIN models USING (model_id) WHERE name = 'chosen' ORDER BY version;
ALTER TABLE growing DROP COLUMN rooms;
CALL again('chosen');
CALL tests.refused($$SELECT version FROM retrain('chosen', async => false)$$);
SELECT version FROM train('chosen');
SELECT version, signature FROM model_versions JOIN models USING (model_id) WHERE name = 'chosen' ORDER BY version;
