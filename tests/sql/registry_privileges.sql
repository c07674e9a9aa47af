-- Whose model it is: owner, members of the owner, grantees and their members, strangers;
-- hostile search_path, operators and functions; direct changes of the tables; roles that go.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS tests_owner, tests_member, tests_apart, tests_grantee, tests_heir, tests_stranger, "tests"";DROP TABLE d;--";
CREATE ROLE tests_owner; CREATE ROLE tests_member; CREATE ROLE tests_apart NOINHERIT; CREATE ROLE tests_grantee; CREATE ROLE tests_heir; CREATE ROLE tests_stranger;
CREATE ROLE "tests"";DROP TABLE d;--";
GRANT tests_owner TO tests_member, tests_apart;
GRANT tests_grantee TO tests_heir;
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA ml, reference TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA work TO PUBLIC;
SET search_path = work, ml;

SET ROLE tests_owner;
CREATE TABLE d AS SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) + (k * 53) % 7 AS t FROM generate_series(1, 100) AS k;
GRANT SELECT ON d TO tests_grantee;
SELECT linregr_train('d', 'lin', 't', 'ARRAY[1, a, b]');
GRANT SELECT ON lin, lin_summary TO PUBLIC;
SELECT register_model('m', 'lin'), register_model('m', 'lin'), promote('m', 1);
SELECT version FROM train('taught', 'd', 't', exclude => '{id}', split => '{"method": "none"}');
SET client_min_messages = notice;

-- Who has taken the owner's role on runs what the recipe calls, and that cannot take the session's role again.
SET client_min_messages = warning;
CREATE FUNCTION once() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT version FROM train('back', 'SELECT a, b, t FROM work.d WHERE work.once() = 1', 't');
CREATE OR REPLACE FUNCTION once() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN 1; END $$;
CALL tests.refused($$SELECT * FROM retrain('back', async => false)$$);
CALL tests.refused($$SELECT * FROM global_explain('back')$$);
SELECT drop_model('back');
SET client_min_messages = notice;

-- The owner, and who inherits from it, may all. NOINHERIT needs SET ROLE.
SET ROLE tests_member;
SELECT predict('m', 1, 1) IS NOT NULL AS predicts, register_model('m', 'lin') AS version, promote('m', 3) AS promotes, rollback_alias('m') AS goes_back;
SELECT drop_version('m', 3);
SELECT name, owner FROM models ORDER BY name;
SELECT name, created_by FROM model_versions JOIN models USING (model_id) ORDER BY version_id;
SET ROLE tests_apart;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
CALL tests.refused($$SELECT promote('m', 2)$$);

-- A stranger: nothing, and sees nothing.
SET ROLE tests_stranger;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
CALL tests.refused($$SELECT predict('m@1', 1, 1)$$);
CALL tests.refused($$SELECT predict_batch('m', 'SELECT 1 AS a, 1 AS b', 'a')$$);
CALL tests.refused($$SELECT * FROM evaluate('m', 'SELECT 1.0 AS a, 1 AS b, 1.0 AS t')$$);
CALL tests.refused($$SELECT * FROM feature_info('m')$$);
CALL tests.refused($$SELECT * FROM weights('m')$$);
CALL tests.refused($$SELECT register_model('m', 'lin')$$);
CALL tests.refused($$SELECT * FROM train('m', 'SELECT 1.0 AS a, 1 AS b, 1.0 AS t', 't')$$);
CALL tests.refused($$SELECT * FROM retrain('m', async => false)$$);
CALL tests.refused($$SELECT promote('m', 2)$$);
CALL tests.refused($$SELECT rollback_alias('m')$$);
CALL tests.refused($$SELECT drop_alias('m', 'champion')$$);
CALL tests.refused($$SELECT drop_version('m', 1)$$);
CALL tests.refused($$SELECT drop_model('m')$$);
CALL tests.refused($$SELECT grant_model('m', 'tests_stranger')$$);
CALL tests.refused($$SELECT revoke_model('m', 'tests_grantee')$$);
SELECT (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM model_versions) AS versions, (SELECT count(*) FROM model_aliases) AS aliases,
       (SELECT count(*) FROM alias_history) AS history, (SELECT count(*) FROM ml_models) AS listed;
-- An own model of another name works; that of the same name does not.
SELECT register_model('mine', 'lin') AS version;
SELECT predict('mine', 1, 1) IS NOT NULL AS predicts;
SELECT drop_model('mine');

-- Direct changes of the tables reach own rows only, and never what is not to be changed.
UPDATE models SET owner = 'tests_stranger';
UPDATE model_versions SET archived_at = now();
DELETE FROM model_aliases;
DELETE FROM model_versions;
DELETE FROM models;
CALL tests.refused($$INSERT INTO models (name, owner, seed) VALUES ('gift', 'tests_owner', 1)$$);
CALL tests.refused($$INSERT INTO model_versions (model_id, version, algorithm, task, target, signature, recipe, artifact) SELECT 1, 9, 'forged', 'regression', 't', '{}', '{}', ''$$);
CALL tests.refused($$INSERT INTO model_aliases (model_id, alias, version) VALUES (1, 'mine', 1)$$);
CALL tests.refused($$INSERT INTO alias_history (model_id, alias, action) VALUES (1, 'champion', 'drop')$$);
CALL tests.refused($$TRUNCATE models CASCADE$$);
SET row_security = off;
CALL tests.refused($$SELECT * FROM models$$);
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
CALL tests.refused($$SELECT drop_model('m')$$);
RESET row_security;
SET ROLE tests_owner;
CALL tests.refused($$UPDATE model_versions SET artifact = ''$$);
CALL tests.refused($$UPDATE model_versions SET version = 7$$);
CALL tests.refused($$UPDATE models SET name = 'n'$$);
CALL tests.refused($$UPDATE models SET seed = 1$$);
CALL tests.refused($$UPDATE alias_history SET moved_by = 'somebody'$$);
CALL tests.refused($$DELETE FROM alias_history$$);
CALL tests.refused($$INSERT INTO alias_history (model_id, alias, action, moved_by) SELECT model_id, 'champion', 'drop', 'somebody' FROM models$$);
CALL tests.refused($$INSERT INTO model_versions (version_id, model_id, version, algorithm, task, target, signature, recipe, artifact) OVERRIDING SYSTEM VALUE SELECT 1, model_id, 9, 'forged', 'regression', 't', '{}', '{}', '' FROM models$$);
CALL tests.refused($$INSERT INTO models (name, owner, seed) VALUES ('gift', 'tests_stranger', 1)$$);
CALL tests.refused($$UPDATE models SET owner = 'tests_stranger'$$);
CALL tests.refused($$UPDATE models SET owner = '-'$$);
-- The functions work all the same where the session says row_security = off.
SET row_security = off;
SELECT predict('m', 1, 1) IS NOT NULL AS predicts, promote('m', 2) AS promotes, rollback_alias('m') AS goes_back;
RESET row_security;

-- A grantee, and who inherits from it: use, but no change. It counts from the next statement; so does its end, in a session that has predicted.
SELECT grant_model('m', 'tests_grantee');
SELECT grant_model('m', 'tests_grantee');
SELECT grant_model('m', 'tests_owner');
SELECT grant_model('m', '"tests"";DROP TABLE d;--"');
CALL tests.refused($$SELECT grant_model('m', 0::regrole)$$);
CALL tests.refused($$SELECT grant_model('m', NULL)$$);
CALL tests.refused($$SELECT grant_model(NULL, 'tests_grantee')$$);
SELECT grantees FROM models WHERE name = 'm';
SET ROLE tests_heir;
PREPARE ask AS SELECT predict('m', 1, 1) IS NOT NULL AS predicts;
EXECUTE ask;
SELECT count(*) AS evaluates FROM evaluate('m', 'd');
SELECT name FROM models; SELECT count(*) FROM model_versions; SELECT alias, version FROM model_aliases; SELECT model_name, is_active FROM ml_models;
-- Table privileges and use of the model do not make it the grantee's (a peer let any role with grants retrain and redeploy).
CALL tests.refused($$SELECT * FROM train('m', 'd', 't')$$);
CALL tests.refused($$SELECT * FROM retrain('m', async => false)$$);
CALL tests.refused($$SELECT register_model('m', 'lin')$$);
CALL tests.refused($$SELECT promote('m', 2)$$);
CALL tests.refused($$SELECT rollback_alias('m')$$);
CALL tests.refused($$SELECT drop_alias('m', 'champion')$$);
CALL tests.refused($$SELECT drop_version('m', 2)$$);
CALL tests.refused($$SELECT drop_model('m')$$);
CALL tests.refused($$SELECT grant_model('m', 'tests_stranger')$$);
UPDATE model_aliases SET version = 2;
UPDATE models SET grantees = '{tests_stranger}';
CALL tests.refused($$INSERT INTO alias_history (model_id, alias, action) SELECT model_id, 'champion', 'drop' FROM models$$);
SET ROLE tests_owner;
SELECT revoke_model('m', 'tests_grantee');
SELECT revoke_model('m', 'tests_grantee');
SET ROLE tests_heir;
CALL tests.refused('EXECUTE ask');
SELECT count(*) FROM models;

-- A function with its owner's rights lends them; one of the caller's does not.
SET ROLE tests_owner;
CREATE FUNCTION lend() RETURNS boolean LANGUAGE sql SECURITY DEFINER SET search_path = work, ml AS $$ SELECT predict('m', 1, 1) IS NOT NULL $$;
CREATE FUNCTION own() RETURNS boolean LANGUAGE sql AS $$ SELECT ml.predict('m', 1, 1) IS NOT NULL $$;
SET ROLE tests_stranger;
SELECT lend();
CALL tests.refused('SELECT own()');
-- And a function of a stranger's that lends the stranger's does not let the owner's model out.
CREATE FUNCTION trap() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$ SELECT ml.predict('m', 1, 1) IS NOT NULL $$;
SET ROLE tests_owner;
CALL tests.refused('SELECT trap()');

-- Given away by who owns both.
RESET ROLE;
GRANT tests_owner TO tests_stranger;
SET ROLE tests_stranger;
UPDATE models SET owner = 'tests_stranger' WHERE name = 'm';
RESET ROLE;
REVOKE tests_owner FROM tests_stranger;
SET ROLE tests_owner;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
SET ROLE tests_stranger;
SELECT promote('m', 2), rollback_alias('m');

-- A hostile search_path: functions, operators, tables and types that raise where they are reached.
RESET ROLE;
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.hijack() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked by %', current_user; END $$;
CREATE FUNCTION evil.equal(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.hijack() IS NULL $$;
CREATE FUNCTION evil.equal(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.hijack() IS NULL $$;
CREATE FUNCTION evil.equal(integer, integer) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.hijack() IS NULL $$;
CREATE FUNCTION evil.equal(oid, oid) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.hijack() IS NULL $$;
CREATE FUNCTION evil.plus(integer, integer) RETURNS integer LANGUAGE sql AS $$ SELECT 1 FROM evil.hijack() $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.equal);
CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.equal);
CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.equal);
CREATE OPERATOR evil.~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE OPERATOR evil.!~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.equal);
CREATE OPERATOR evil.+ (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.plus);
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' FROM evil.hijack() $$;
CREATE FUNCTION evil.pg_has_role(oid, text) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.hijack() IS NULL $$;
CREATE FUNCTION evil.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS $$ SELECT NULL FROM evil.hijack() $$;
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT now() FROM evil.hijack() $$;
CREATE FUNCTION evil.array_append(anyarray, anyelement) RETURNS anyarray LANGUAGE sql AS $$ SELECT $1 FROM evil.hijack() $$;
CREATE FUNCTION evil.format_type(oid, integer) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' FROM evil.hijack() $$;
CREATE FUNCTION evil.feature_importance(bytea) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{}'::jsonb FROM evil.hijack() $$;
CREATE TABLE evil.models (name text); CREATE TABLE evil.model_versions (name text); CREATE TABLE evil.model_aliases (name text); CREATE TABLE evil.alias_history (name text);
CREATE TABLE evil.pg_class (oid oid); CREATE TABLE evil.pg_roles (oid oid);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false); CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (false); CREATE DOMAIN evil.oid AS pg_catalog.oid CHECK (false);
SET ROLE tests_stranger;
CREATE TEMP TABLE models (name pg_catalog.text); CREATE TEMP TABLE pg_extension (extname pg_catalog.text);
SET search_path = pg_temp, evil, pg_catalog;
SELECT ml.register_model('m', 'work.lin'), ml.promote('m', 2, 'champion'), ml.promote('m', 1, 'Staging', reason => 'x');
SELECT ml.predict('m', 1, 1) IS NOT NULL AS predicts, ml.predict('m@staging', 1, 1) IS NOT NULL AS predicts_alias;
SELECT ml.rollback_alias('m'), ml.grant_model('m', 'tests_grantee'), ml.revoke_model('m', 'tests_grantee'), ml.drop_alias('m', 'staging'), ml.drop_version('m', 2);
SELECT version FROM ml.train('evil', 'SELECT k, pg_catalog.mod(k, 7) AS r FROM pg_catalog.generate_series(1, 20) AS k', 'k', features => '{r}', split => '{"method": "none"}');
SELECT pg_catalog.count(*) FROM ml.ml_models;
SELECT ml.drop_model('evil');
SET search_path = work, ml;
DROP TABLE pg_temp.models, pg_temp.pg_extension;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA evil CASCADE;
SET client_min_messages = notice;

-- A role that goes: its grants mean nobody, its models are for nobody but superusers, who give them an owner.
SET ROLE tests_stranger;
SELECT grant_model('m', 'tests_heir'), grant_model('m', 'tests_apart');
RESET ROLE;
DROP ROLE tests_apart;
SELECT owner, grantees FROM models WHERE name = 'm';
SET ROLE tests_stranger;
SELECT grant_model('m', 'tests_grantee');
RESET ROLE;
SELECT owner, grantees FROM models WHERE name = 'm';
CREATE ROLE tests_leaver;
UPDATE models SET owner = 'tests_leaver' WHERE name = 'm';
DROP ROLE tests_leaver;
SELECT name, owner FROM models WHERE name = 'm';
SET ROLE tests_heir;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
CALL tests.refused($$SELECT promote('m', 1)$$);
SELECT count(*) FROM models;
RESET ROLE;
SELECT predict('m', 1, 1) IS NOT NULL AS superuser_predicts;
CALL tests.refused($$SELECT * FROM retrain('m', async => false)$$);
CALL tests.refused($$SELECT * FROM compare('m', 1, 4)$$);
UPDATE models SET owner = 'tests_owner' WHERE name = 'm';
SET ROLE tests_heir;
SELECT predict('m', 1, 1) IS NOT NULL AS grantee_predicts_again;
RESET ROLE;
SELECT drop_model('m'), drop_model('taught');

SET client_min_messages = warning;
DROP SCHEMA work CASCADE;
DROP OWNED BY tests_owner, tests_stranger, tests_grantee, tests_heir, tests_member;
DROP ROLE tests_owner, tests_member, tests_grantee, tests_heir, tests_stranger, "tests"";DROP TABLE d;--";
