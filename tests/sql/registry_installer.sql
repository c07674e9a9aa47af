-- Installed by a role that is no superuser but may create in the database: it owns the tables, so that it can dump them, and sees
-- every row; but models are used and changed by their owners.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS installer_owner, installer_heir, installer_grantee, installer_stranger, installer_dba;
CREATE ROLE installer_owner; CREATE ROLE installer_grantee; CREATE ROLE installer_heir; CREATE ROLE installer_stranger; CREATE ROLE installer_dba;
GRANT installer_grantee TO installer_heir;
CREATE SCHEMA tests;
GRANT USAGE ON SCHEMA tests TO PUBLIC;
CREATE PROCEDURE tests.refused(statement text) LANGUAGE plpgsql AS $refused$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE INFO USING MESSAGE = concat(SQLSTATE, ' ', message, E'\nDETAIL:  ' || nullif(detail, ''), E'\nHINT:  ' || nullif(hint, ''));
        RETURN;
    END;
    RAISE EXCEPTION 'was not refused';
END $refused$;
CREATE SCHEMA work;
GRANT USAGE, CREATE ON SCHEMA work TO PUBLIC;
SELECT current_database() AS database \gset
GRANT CREATE ON DATABASE :"database" TO installer_dba;
SET ROLE installer_dba;
CREATE SCHEMA learning;
CREATE EXTENSION pglearn SCHEMA learning;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'learning'::regnamespace AND relkind IN ('r', 'S') ORDER BY relname COLLATE "C";
GRANT USAGE ON SCHEMA learning TO PUBLIC;
SET ROLE installer_owner;
SET search_path = work, learning;
CREATE TABLE d AS SELECT k AS id, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, 3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) + (k * 53) % 7 AS t FROM generate_series(1, 100) AS k;
SELECT linregr_train('d', 'lin', 't', 'ARRAY[1, a, b]');
GRANT SELECT ON lin, lin_summary TO PUBLIC;
SELECT register_model('m', 'lin'), promote('m', 1);
SELECT predict('m', 1, 1) IS NOT NULL AS predicts;
SELECT version FROM train('taught', 'd', 't', exclude => '{id}', split => '{"method": "none"}');
SELECT grant_model('m', 'installer_grantee');
SET ROLE installer_heir;
SELECT predict('m', 1, 1) IS NOT NULL AS predicts;
CALL tests.refused($$SELECT promote('m', 1)$$);
SET ROLE installer_stranger;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
SELECT count(*) FROM models;
SET ROLE installer_dba;
SELECT name, owner FROM models ORDER BY name;
CALL tests.refused($$SELECT predict('m', 1, 1)$$);
CALL tests.refused($$SELECT drop_model('m')$$);
CALL tests.refused($$SELECT register_model('m', 'lin')$$);
UPDATE models SET owner = 'installer_dba' WHERE name = 'm';
SELECT drop_model('m');
SET ROLE installer_owner;
SELECT drop_model('taught');
RESET ROLE;
DROP EXTENSION pglearn;
DROP SCHEMA learning, work CASCADE;
DROP OWNED BY installer_dba, installer_owner;
DROP ROLE installer_owner, installer_grantee, installer_heir, installer_stranger, installer_dba;
