-- Everything runs with the caller's rights: tables, columns, policies, schemas, functions.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS tests_analyst, tests_stranger, tests_owner;
CREATE ROLE tests_analyst; CREATE ROLE tests_stranger; CREATE ROLE tests_owner;
CREATE SCHEMA work;
GRANT USAGE ON SCHEMA ml, reference TO PUBLIC;
GRANT USAGE, CREATE ON SCHEMA work TO tests_analyst, tests_owner;
GRANT USAGE ON SCHEMA work TO tests_stranger;
SET search_path = work, ml;
CREATE TABLE d AS
SELECT k AS id, CASE WHEN k % 2 = 0 THEN 'tests_analyst' ELSE 'tests_owner' END AS belongs, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS secret,
       3 + 2 * ((k * 37) % 11) - ((k * 17) % 5) AS t, (k * 7) % 5 < 2 AS y FROM generate_series(1, 100) AS k;
ALTER TABLE d OWNER TO tests_owner;

-- No privilege at all.
SET ROLE tests_analyst;
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM d', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT 1 AS t, 1 AS a', 'm', 't', 'ARRAY[a + (SELECT max(d.a) FROM d)]')$$);
CALL tests.refused($$SELECT confusion_matrix('d', 'm', 'y', 'y')$$);
CALL tests.refused($$SELECT area_under_roc('d', 'm', 'a', 'y')$$);
-- Some columns.
RESET ROLE;
GRANT SELECT (id, a, t, y) ON d TO tests_analyst;
SET ROLE tests_analyst;
SELECT linregr_train('d', 'columns_model', 't', 'ARRAY[1, a]');
SELECT num_rows_processed FROM columns_model;
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, secret]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, (d).secret]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 'secret', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, a]', 'belongs')$$);
CALL tests.refused($$SELECT linregr_train('SELECT * FROM d', 'm', 't', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT t, a FROM d WHERE secret > 3', 'm', 't', 'ARRAY[1, a]')$$);
CALL tests.refused($$SELECT confusion_matrix('d', 'm', 'secret', 'a')$$);
SELECT linregr_train('SELECT t, a FROM d', 'query_model', 't', 'ARRAY[1, a]');
SELECT num_rows_processed FROM query_model;
-- The tables belong to the one who trained; others need a grant.
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = 'work'::regnamespace AND relname LIKE '%model%' ORDER BY 1;
SET ROLE tests_stranger;
CALL tests.refused($$SELECT * FROM columns_model$$);
-- No right to create.
CALL tests.refused($$SELECT linregr_train('SELECT 1 AS t, 1 AS a', 'm', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('SELECT 1 AS t, 1 AS a', 'reference.m', 't', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT confusion_matrix('SELECT 1 AS t, 1 AS a', 'm', 't', 'a')$$);
-- A view gives its owner's rights, as everywhere.
SET ROLE tests_owner;
CREATE VIEW shown AS SELECT t, a, secret FROM d;
GRANT SELECT ON shown TO tests_analyst;
SET ROLE tests_analyst;
SELECT linregr_train('shown', 'shown_model', 't', 'ARRAY[1, secret]');
SELECT num_rows_processed FROM shown_model;

-- Row-level security: a role learns from its own rows only.
RESET ROLE;
GRANT SELECT ON d TO tests_analyst;
ALTER TABLE d ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON d USING (belongs = current_user);
SET ROLE tests_analyst;
SELECT linregr_train('d', 'own_model', 't', 'ARRAY[1, a]');
SELECT logregr_train('d', 'own_classes', 'y', 'ARRAY[1, a]', 'belongs');
SELECT area_under_roc('d', 'own_auc', 'a', 'y', 'belongs');
SELECT confusion_matrix('d', 'own_confusion', 'belongs', 'belongs');
SELECT o.num_rows_processed, reference.verdict(o.coef, (SELECT ARRAY[regr_intercept(t, a), regr_slope(t, a)] FROM d)) AS of_own_rows FROM own_model o;
SELECT belongs, num_rows_processed FROM own_classes;
SELECT belongs FROM own_auc;
SELECT class, confusion_arr FROM own_confusion;
RESET ROLE;
SELECT linregr_train('d', 'all_model', 't', 'ARRAY[1, a]');
SELECT num_rows_processed FROM all_model;
-- row_security = off says so instead of hiding rows.
SET ROLE tests_analyst;
SET row_security = off;
CALL tests.refused($$SELECT linregr_train('d', 'm', 't', 'ARRAY[1, a]')$$);
RESET row_security;

-- SECURITY DEFINER gives its owner's rights to read and to create, and its owner's rows.
SET ROLE tests_owner;
CREATE FUNCTION train_for_all() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = work, ml AS $$
BEGIN
    PERFORM linregr_train('d', 'definer_model', 't', 'ARRAY[1, secret]');
    RETURN (SELECT num_rows_processed FROM definer_model);
END $$;
SET ROLE tests_stranger;
SELECT train_for_all();
RESET ROLE;
SELECT relowner::regrole FROM pg_class WHERE relname = 'definer_model';

-- Functions in expressions run as the caller.
CREATE FUNCTION who() RETURNS text LANGUAGE sql AS 'SELECT current_user::text';
SET ROLE tests_analyst;
SELECT linregr_train('SELECT 1 AS t, 1 AS a', 'who_model', 't', 'ARRAY[a]', NULL);
SELECT confusion_matrix('SELECT 1', 'who_confusion', 'who()', 'current_user::text');
SELECT class FROM who_confusion;
RESET ROLE;

-- EXECUTE can be withheld.
REVOKE EXECUTE ON FUNCTION logregr_train(text, text, text, text, text, integer, text, double precision, boolean) FROM PUBLIC;
SET ROLE tests_analyst;
CALL tests.refused($$SELECT logregr_train('d', 'm', 'y', 'ARRAY[a]')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION logregr_train(text, text, text, text, text, integer, text, double precision, boolean) TO PUBLIC;
-- A role without the extension's schema cannot reach it.
REVOKE USAGE ON SCHEMA ml FROM PUBLIC;
SET ROLE tests_stranger;
CALL tests.refused($$SELECT ml.logregr_predict('{1}', '{1}')$$);
RESET ROLE;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary');
DROP SCHEMA work CASCADE;
DROP ROLE tests_analyst, tests_stranger, tests_owner;
