-- The life of named models: versions, aliases and their history, rollback, drops, model tables that become versions.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;
CREATE TABLE d AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, k % 2 = 0 AS f,
       3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) + (k * 53) % 7 AS t, (k * 7) % 5 < 2 AS y,
       CASE WHEN (k * 7) % 5 < 2 THEN 'stays' ELSE 'leaves' END AS label,
       ARRAY[(k * 37) % 11, (k * 53) % 7]::float8[] AS x FROM generate_series(1, 100) AS k;
SELECT linregr_train('d', 'lin', 't', 'ARRAY[1, a, b]');
SELECT linregr_train('d', 'swapped', 't', 'ARRAY[1, b, a]');
SELECT linregr_train('d', 'mean', 't', 'ARRAY[1, a]');
SELECT logregr_train('d', 'logit', 'y', 'ARRAY[a, b]');
SELECT logregr_train('d', 'logit_x', 'y', 'x');
SELECT logregr_train('d', 'logit_text', 'label', 'ARRAY[1, a, f::integer]');
SELECT logregr_train('d', 'forged', 'y', 'ARRAY[a, b]');
SET client_min_messages = notice;

-- Model tables become versions: numbers by model; inputs by the names in ARRAY[…], constants in the intercept, else one array.
SELECT register_model('m', 'lin') AS v1, register_model('m', 'lin') AS v2, register_model('m', 'swapped') AS v3, register_model('m', 'mean') AS v4;
SELECT register_model('churn', 'logit') AS v1, register_model('churn', 'logit_x') AS v2, register_model('churn', 'logit_text') AS v3;
SELECT name, owner, seed, split_key, last_version, tags FROM models ORDER BY name;
SELECT name, version, algorithm, task, target, classes, signature, training FROM model_versions JOIN models USING (model_id) ORDER BY version_id;
SELECT recipe FROM model_versions ORDER BY version_id LIMIT 1;
-- They predict what the functions of the tables predict.
SELECT max(abs(predict('m@1', d.*) - linregr_predict(lin.coef, ARRAY[1, a, b]))) < 1e-12 AS lin,
       max(abs(predict('m@1', a, b) - predict('m@3', b, a))) < 1e-9 AS by_position,
       max(abs(predict_proba('churn@1', d.*) - logregr_predict_prob(l.coef, ARRAY[a, b]))) < 1e-12 AS logit,
       max(abs(predict_proba('churn@2', x) - logregr_predict_prob(l.coef, x))) < 1e-12 AS array_input,
       max(abs(predict_proba('churn@3', ARRAY[1, a, f::integer]) - logregr_predict_prob(w.coef, ARRAY[1, a, f::integer]))) < 1e-12 AS expressions,
       bool_and(predict_class('churn@3', ARRAY[1, a, f::integer]) IN ('stays', 'leaves')) AS classes
  FROM d, lin, logit AS l, logit_text AS w;
-- A NULL gives NULL, as there.
SELECT predict('m@1', NULL::float8, 1) AS number, predict_proba('churn@2', ARRAY[1, NULL]::float8[]) AS element;

-- Tables that only look like models.
CREATE FUNCTION forge(coef text, change text DEFAULT NULL, intercept text DEFAULT '0', method text DEFAULT 'logregr', terms text DEFAULT 'ARRAY[a, b]')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DROP TABLE IF EXISTS forged, forged_summary;
    CREATE TABLE forged (coef float8[], intercept float8);
    EXECUTE format('INSERT INTO forged VALUES (%s, %s)', coef, intercept);
    CREATE TABLE forged_summary (method varchar, source_table varchar, dependent_varname varchar, independent_varname varchar, grouping_col text);
    INSERT INTO forged_summary VALUES (method, 'd', 'y', terms);
    IF change IS NOT NULL THEN EXECUTE change; END IF;
END $$;
CREATE FUNCTION try(coef text, change text DEFAULT NULL, intercept text DEFAULT '0', method text DEFAULT 'logregr', terms text DEFAULT 'ARRAY[a, b]')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL client_min_messages = info;
    PERFORM forge(coef, change, intercept, method, terms);
    CALL tests.refused($r$SELECT register_model('forged', 'forged')$r$);
END $$;
SELECT forge($$'{1,2}'$$);
SELECT register_model('genuine', 'forged') AS accepted;
SELECT drop_model('genuine');
SELECT try('NULL'), try($$'{}'$$), try($$'{1,NaN}'$$), try($$'{1,NULL}'$$), try($$'{1,Infinity}'$$), try($$'{{1,2}}'$$);
SELECT try($$'{1}'$$), try($$'{1,2,3,4}'$$), try($$'{1,2,3}'$$), try($$'{1,2,3}'$$, NULL, 'NULL'), try($$'{1,2}'$$, NULL, $$'NaN'$$), try($$'{5}'$$, NULL, '5', 'logregr', 'x');
SELECT try($$'{1,2}'$$, 'DELETE FROM forged'), try($$'{1,2}'$$, 'INSERT INTO forged TABLE forged'), try($$'{1,2}'$$, 'DROP TABLE forged_summary');
SELECT try($$'{1,2}'$$, 'ALTER TABLE forged DROP coef'), try($$'{1,2}'$$, 'ALTER TABLE forged ALTER coef TYPE text'), try($$'{1,2}'$$, 'ALTER TABLE forged_summary DROP method');
SELECT try($$'{1,2}'$$, $$UPDATE forged_summary SET grouping_col = 'g'$$), try($$'{1,2}'$$, 'UPDATE forged_summary SET method = NULL'), try($$'{1,2}'$$, NULL, '0', 'mlp');
SELECT try($$'{1,2}'$$, NULL, '0', 'logregr', 'ARRAY[a]); DROP TABLE d; --'), try($$'{1,2}'$$, NULL, '0', 'logregr', 'a, b'), try($$'{1,2}'$$, NULL, '0', 'logregr', '');
SELECT try($$'{1,2}'$$, $$UPDATE forged_summary SET dependent_varname = 'y; SELECT 1'$$);
SELECT try($$'{1,2}'$$, $$ALTER TABLE forged_summary ADD class_values text[]; UPDATE forged_summary SET class_values = '{a,a}'$$), try($$'{1,2}'$$, $$ALTER TABLE forged_summary ADD class_values text[]; UPDATE forged_summary SET class_values = '{a}'$$);
CALL tests.refused($$SELECT register_model('v', 'd')$$);
CREATE VIEW shown AS TABLE lin;
CALL tests.refused($$SELECT register_model('v', 'shown')$$);
CALL tests.refused($$SELECT register_model('v', 0::regclass)$$);
CALL tests.refused($$SELECT register_model(NULL, 'lin')$$);
CALL tests.refused($$SELECT register_model('v', NULL)$$);
-- Inputs that repeat, columns that are gone: values by position still.
SELECT forge($$'{1,2}'$$, $$UPDATE forged_summary SET source_table = 'SELECT 1', independent_varname = 'ARRAY[a, a]::float8[]'$$);
SELECT register_model('twice', 'forged');
SELECT forge($$'{0.5,0.25,2}'$$, $$UPDATE forged_summary SET source_table = 'gone', independent_varname = 'ARRAY[1, q.a, -2.5]'$$);
SELECT register_model('twice', 'forged');
SELECT version, signature, tests.short(ARRAY[(SELECT sum(value::float8) FROM jsonb_each_text(feature_importance(artifact)))]) AS weights FROM model_versions JOIN models USING (model_id) WHERE name = 'twice' ORDER BY version;
SELECT abs(predict_proba('twice@1', ARRAY[0.25, 0.5]) - 1 / (1 + exp(-1.25::float8))) < 1e-15 AS weights_1_2, abs(predict_proba('twice@2', 3) - 1 / (1 + exp(-(0.5 + 0.75 - 5.0)::float8))) < 1e-15 AS constants_in_the_intercept;
SELECT drop_model('twice');

-- Names.
SELECT register_model('x"; DROP TABLE d; --', 'lin'), register_model('Größe', 'lin'), register_model(repeat('ä', 63), 'lin');
CALL tests.refused($$SELECT register_model('', 'lin')$$);
CALL tests.refused($$SELECT register_model('a@b', 'lin')$$);
CALL tests.refused($$SELECT register_model(repeat('n', 64), 'lin')$$);
CALL tests.refused($$SELECT register_model(E'tab\t', 'lin')$$);
SELECT promote('x"; DROP TABLE d; --', 1, 'it''s "mine"', reason => 'x''); DROP TABLE d; --') AS promoted;
SELECT predict('x"; DROP TABLE d; --@it''s "mine"', 1, 1) = predict('m@1', 1, 1) AS same;
SELECT alias, reason FROM alias_history;
SELECT drop_model('x"; DROP TABLE d; --'), drop_model('Größe'), drop_model(repeat('ä', 63));

-- Aliases. The first promotion, the same again, aliases in any case.
SELECT promote('m', 1) AS promoted;
SELECT promote('m', 1) AS promoted;
SELECT promote('m', 2, 'Staging', reason => 'to be tried') AS promoted, promote('m', 2, 'PRODUCTION') AS promoted;
SELECT alias, version FROM model_aliases ORDER BY alias;
SELECT predict('m@staging', 1, 1) = predict('m@StAgInG', 1, 1) AS any_case;
CALL tests.refused($$SELECT promote('m', 2, 'Archived')$$);
CALL tests.refused($$SELECT promote('m', 2, '')$$);
CALL tests.refused($$SELECT promote('m', 2, '3')$$);
CALL tests.refused($$SELECT promote('m', 2, 'a@b')$$);
CALL tests.refused($$SELECT promote('m', 2, repeat('n', 64))$$);
CALL tests.refused($$SELECT promote('m', 9)$$);
CALL tests.refused($$SELECT promote('n', 1)$$);
CALL tests.refused($$SELECT promote(NULL, 1)$$);
CALL tests.refused($$SELECT promote('m', NULL)$$);
CALL tests.refused($$SELECT predict('m@challenger', 1, 1)$$);
-- Other inputs by position are refused, unless asked for.
CALL tests.refused($$SELECT promote('m', 3)$$);
CALL tests.refused($$SELECT promote('m', 4)$$);
-- A statement sees one version, whatever it does itself; the next one sees what it did.
SELECT predict('m', 1, 2) = predict('m@1', 1, 2) AS before, promote('m', 3, force => true) AS forced, predict('m', 1, 2) = predict('m@1', 1, 2) AS same_statement;
SELECT predict('m', 1, 2) = predict('m@3', 1, 2) AS moved, predict('m', 1, 2) = predict('m@1', 1, 2) AS as_before;

-- Back, and further back; not to and fro. A version that was dropped is passed over.
SELECT promote('m', 2, force => true), promote('m', 1), promote('m', 2);
SELECT rollback_alias('m');
SELECT rollback_alias('m', 'Champion');
SELECT rollback_alias('m');
SELECT rollback_alias('m');
CALL tests.refused($$SELECT rollback_alias('m')$$);
SELECT promote('m', 4, force => true), rollback_alias('m');
CALL tests.refused($$SELECT rollback_alias('m')$$);
SELECT promote('m', 4, force => true), promote('m', 2, force => true);
SELECT drop_version('m', 4);
SELECT rollback_alias('m') AS passes_over_the_dropped_one;
CALL tests.refused($$SELECT rollback_alias('m', 'nobody')$$);
CALL tests.refused($$SELECT rollback_alias('n')$$);
CALL tests.refused($$SELECT rollback_alias(NULL)$$);
SELECT action, from_version, to_version, moved_by FROM alias_history WHERE alias = 'champion' ORDER BY history_id;

-- Dropping versions: not while an alias stands for them; numbers are not used again.
CALL tests.refused($$SELECT drop_version('m', 2)$$);
CALL tests.refused($$SELECT drop_version('m', 1)$$);
CALL tests.refused($$SELECT drop_version('m', 4)$$);
CALL tests.refused($$SELECT drop_version('m', NULL)$$);
CALL tests.refused($$SELECT drop_alias('m', 'nobody')$$);
SELECT drop_alias('m', 'Staging'), drop_alias('m', 'production');
SELECT drop_version('m', 2), register_model('m', 'lin') AS next_number;
SELECT version, archived_at IS NOT NULL AS archived FROM model_versions JOIN models USING (model_id) WHERE name = 'm' ORDER BY version;
SELECT action, from_version, to_version FROM alias_history WHERE alias = 'production' ORDER BY history_id;
-- What an alias leaves is archived, if asked for: without a champion the newest of the others serves.
SET client_min_messages = warning;
CREATE TABLE many AS SELECT k AS id, reference.draw(k) % 1000 / 100.0 AS a, reference.draw(k + 7) % 13 AS b, 3 + reference.draw(k) % 1000 / 50.0 - reference.draw(k + 3) % 7 AS t FROM generate_series(1, 2000) AS k;
ALTER TABLE many ADD PRIMARY KEY (id);
SELECT version, status FROM train('g', 'many', 't', algorithm => 'ridge');
SELECT version, status FROM train('g', 'many', 't', algorithm => 'ridge', hyperparams => '{"alpha": 2}');
SET client_min_messages = notice;
SELECT promote('g', 2), predict('g', 1, 1) = predict('g@2', 1, 1) AS champion;
SELECT promote('g', 1, gate => '{"archive_existing_versions": true}');
SELECT drop_alias('g', 'champion'), predict('g', 1, 1) = predict('g@1', 1, 1) AS the_one_not_archived, predict('g@2', 1, 1) > 0 AS archived_by_number;
SELECT version, archived_at IS NOT NULL AS archived FROM model_versions JOIN models USING (model_id) WHERE name = 'g' ORDER BY version;
-- What serves again is not archived any more; what another alias stands for is not archived.
SELECT promote('g', 2, 'staging'), promote('g', 2), promote('g', 1, gate => '{"archive_existing_versions": true, "metric": "r2", "min_delta": -1}');
SELECT version, archived_at IS NOT NULL AS archived FROM model_versions JOIN models USING (model_id) WHERE name = 'g' ORDER BY version;
-- A gate that refuses: recorded, with what it measured.
SET client_min_messages = warning;
SELECT promote('g', 2, gate => '{"metric": "r2", "min_delta": 0.5}') AS promoted, predict('g', 1, 1) = predict('g@1', 1, 1) AS unmoved;
SELECT action, from_version, to_version, gate #>> '{comparisons,0,metric}' AS metric, (gate #>> '{comparisons,0,passed}')::boolean AS passed, (gate ->> 'rows')::int BETWEEN 300 AND 500 AS rows FROM alias_history WHERE action = 'refuse';
SET client_min_messages = notice;

-- The list of older applications.
SELECT model_name, length(model_binary) > 100 AS stored, accuracy, feature_importance IS NOT NULL AS weights, created_date <= clock_timestamp() AS dated, is_active FROM ml_models ORDER BY model_id;
SELECT feature_importance(''), feature_importance('\x50474c4d');

-- A model that goes takes everything along; what is made under its name is another one, for prepared statements too.
PREPARE ask AS SELECT tests.short(ARRAY[predict('m', 1, 2)]) AS prediction;
EXECUTE ask;
SELECT drop_model('m');
CALL tests.refused('EXECUTE ask');
SELECT register_model('m', 'swapped') AS first_again;
EXECUTE ask;
SELECT drop_model('m'), drop_model('churn'), drop_model('g');
CALL tests.refused($$SELECT drop_model('m')$$);
CALL tests.refused($$SELECT drop_model(NULL)$$);
SELECT (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM model_versions) AS versions, (SELECT count(*) FROM model_aliases) AS aliases, (SELECT count(*) FROM alias_history) AS history;
-- What a transaction undoes is undone.
BEGIN;
SELECT register_model('m', 'lin'), promote('m', 1);
SAVEPOINT s;
SELECT register_model('m', 'swapped'), promote('m', 2, force => true);
ROLLBACK TO s;
SELECT predict('m', 1, 2) = predict('m@1', 1, 2) AS first_serves;
ROLLBACK;
CALL tests.refused($$SELECT predict('m', 1, 2)$$);

-- References to roles and relations that are missing read as nobody and nothing.
SELECT 'postgres'::role_reference, '"nobody of this name"'::role_reference, '4711'::role_reference, '-'::role_reference, '"no one"'::role_reference;
SELECT 'work.d'::relation_reference, 'work.gone'::relation_reference, '4711'::relation_reference, '-'::relation_reference, 'nowhere.gone'::relation_reference;
CALL tests.refused($$SELECT 'no name at all'::role_reference$$);
SELECT (SELECT oid FROM pg_authid WHERE rolname = 'postgres')::oid::regrole::role_reference::regrole = 'postgres'::regrole AS casts;
SET client_min_messages = warning;
DROP SCHEMA work CASCADE;
