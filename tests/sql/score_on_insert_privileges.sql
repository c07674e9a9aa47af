-- Whose rights hold when new rows are scored: the installer's, and nobody's code but the server's runs with them.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS tests_installer, tests_writer, tests_hostile, tests_other;
CREATE ROLE tests_installer; CREATE ROLE tests_writer; CREATE ROLE tests_hostile; CREATE ROLE tests_other;
GRANT USAGE ON SCHEMA ml TO PUBLIC;
CREATE SCHEMA work;
GRANT USAGE, CREATE ON SCHEMA work TO PUBLIC;
SET search_path = work, ml;
SET ROLE tests_installer;
CREATE TABLE history AS SELECT k, ((k * 37) % 61)::int AS tenure, ((k * 53) % 97)::float8 AS charges, ((k * 37) % 61) + ((k * 13) % 29) < 40 AS churned FROM generate_series(1, 300) AS k;
SELECT version FROM train('churn', 'history', 'churned', features => '{tenure,charges}');
CREATE TABLE secrets AS SELECT 'the installer''s' AS secret;

-- A writer who may do nothing but insert.
CREATE TABLE orders (id int PRIMARY KEY, tenure int, charges float8);
SELECT score_on_insert('orders', 'churn', 'id', 'order_scores', 'error');
GRANT INSERT ON orders TO tests_writer;
SET ROLE tests_writer;
INSERT INTO orders VALUES (1, 2, 3);
CALL tests.refused($$SELECT predict('churn', 1, 2)$$);
CALL tests.refused($$SELECT * FROM order_scores$$);
SELECT count(*) FROM scorings;
CALL tests.refused($$SELECT unscore_on_insert('orders')$$);
RESET ROLE;
SELECT id, prediction IS NOT NULL AS predicted FROM order_scores;

-- Who installs needs the trigger privilege, the model, and a table of his own.
SET ROLE tests_other;
CALL tests.refused($$SELECT score_on_insert('orders', 'churn', 'id', 'other_scores')$$);
SET ROLE tests_installer; SELECT grant_model('churn', 'tests_other'); SET ROLE tests_other;
CALL tests.refused($$SELECT score_on_insert('orders', 'churn', 'id', 'other_scores')$$);
CALL tests.refused($$SELECT score_on_insert('orders', 'churn', 'id', 'order_scores')$$);
CALL tests.refused($$INSERT INTO scorings (relation, model, key_column, into_table, on_error, installer) VALUES ('orders', 'churn', 'id', 'order_scores', 'warn', 'tests_installer')$$);
CALL tests.refused($$INSERT INTO scorings (relation, model, key_column, into_table, on_error, installer) VALUES ('orders', 'churn', 'id', 'order_scores', 'warn', 'tests_other')$$);
CALL tests.refused($$UPDATE scorings SET installer = 'tests_other'$$);
-- Nor can the number that the next one will get be taken.
CALL tests.refused($$INSERT INTO scorings (scoring_id, relation, model, key_column, into_table, on_error, installer) OVERRIDING SYSTEM VALUE VALUES (2, 'orders', 'churn', 'id', 'order_scores', 'warn', 'tests_other')$$);
DELETE FROM scorings;
SET ROLE tests_installer; GRANT TRIGGER ON orders TO tests_other; SET ROLE tests_other;
SELECT score_on_insert('orders', 'churn', 'id', 'other_scores');
SET ROLE tests_writer;
INSERT INTO orders VALUES (2, 3, 4);
SET ROLE tests_other;
SELECT id FROM other_scores;
-- Rights that are withdrawn: the model's.
SET ROLE tests_installer; SELECT revoke_model('churn', 'tests_other'); SET ROLE tests_writer;
INSERT INTO orders VALUES (3, 3, 4);
-- Who installed may withdraw; the owner of the table may end it all.
SET ROLE tests_other;
SET client_min_messages = notice;
SELECT unscore_on_insert('orders');
SET client_min_messages = warning;
SET ROLE tests_writer;
INSERT INTO orders VALUES (4, 3, 4);
SET ROLE tests_installer;
SELECT unscore_on_insert('orders');
INSERT INTO orders VALUES (5, 3, 4);
SELECT (SELECT count(*) FROM order_scores) AS scores, count(*) AS consents FROM scorings;

-- A table of a hostile owner, on which the installer has the trigger privilege. What runs in the installer's name is none of the owner's code.
SET ROLE tests_hostile;
CREATE TABLE log (who text, what text);
GRANT INSERT ON log TO PUBLIC;
CREATE FUNCTION spy(what text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO work.log SELECT current_user, what;
    RETURN true; END $$;
CREATE DOMAIN watched AS int CHECK (work.spy('domain'));
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE FUNCTION mood_text(mood) RETURNS text LANGUAGE sql AS $$ SELECT work.spy('cast')::text $$;
CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood) AS IMPLICIT;
CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT CASE WHEN work.spy('now') THEN pg_catalog.now() END $$;
CREATE FUNCTION int4_spy(int, int) RETURNS boolean LANGUAGE sql AS $$ SELECT work.spy('operator') $$;
CREATE OPERATOR = (LEFTARG = int, RIGHTARG = int, FUNCTION = int4_spy);
CREATE OPERATOR < (LEFTARG = int, RIGHTARG = int, FUNCTION = int4_spy);
CREATE TABLE bait (id watched, tenure int, charges float8 DEFAULT 1, feeling mood, twice int GENERATED ALWAYS AS (tenure * 2) STORED);
GRANT TRIGGER, INSERT ON bait TO tests_installer;
SET ROLE tests_installer;
SELECT score_on_insert('bait', 'churn', 'id', 'bait_scores', 'error');
SELECT score_on_insert('bait', 'churn', 'feeling', 'feeling_scores', 'error');
SET ROLE tests_hostile;
TRUNCATE log;
SET search_path = work, pg_catalog, ml;
INSERT INTO bait (id, tenure, feeling) VALUES (1, 2, 'sad'), (1, 3, 'happy'), (2, 2, 'sad');
SELECT DISTINCT who, what FROM log;
-- A trigger of his own with the number of a consent to another table.
SELECT scoring_id AS number FROM ml.scorings ORDER BY 1 LIMIT 1 \gset
CREATE TABLE mine (id int, tenure int, charges float8);
CREATE TRIGGER forged AFTER INSERT ON mine REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ml.score_inserted_rows(:'number');
INSERT INTO mine VALUES (666, 1, 1);
RESET ROLE;
SET search_path = work, ml;
SELECT relation, :number = min(scoring_id) OVER () AS live FROM scorings ORDER BY scoring_id;
SELECT id FROM bait_scores ORDER BY 1;
SELECT feeling FROM feeling_scores ORDER BY 1;
-- Triggers, defaults and policies on a table that is not the installer's: he cannot name it.
SET ROLE tests_hostile;
CREATE TABLE trap (id int PRIMARY KEY, prediction bool, probability_true float8, probability_false float8, prediction_date timestamptz, model_version int, x bool DEFAULT work.spy('default'));
GRANT ALL ON trap TO PUBLIC;
SET ROLE tests_installer;
CALL tests.refused($$SELECT score_on_insert('bait', 'churn', 'id', 'trap')$$);
-- Nor does a table that changes hands go on being written.
RESET ROLE;
ALTER TABLE bait_scores OWNER TO tests_hostile;
CALL tests.refused($$INSERT INTO bait (id, tenure, feeling) VALUES (3, 2, 'sad')$$);
ALTER TABLE bait_scores OWNER TO tests_installer;
-- Restricted: a trigger of the installer's own on his table cannot become the writer again.
SET ROLE tests_installer;
CREATE FUNCTION escape() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN NULL; END $$;
CREATE TRIGGER escape AFTER INSERT ON bait_scores EXECUTE FUNCTION escape();
RESET ROLE;
CALL tests.refused($$INSERT INTO bait (id, tenure, feeling) VALUES (4, 2, 'sad')$$);
SET ROLE tests_installer;
DROP TRIGGER escape ON bait_scores;
-- The settings of the writer do not matter.
SET ROLE tests_hostile;
SET row_security = off;
SET default_table_access_method = 'heap';
INSERT INTO bait (id, tenure, feeling) VALUES (5, 2, 'sad');
RESET row_security;
SELECT DISTINCT who, what FROM log;
-- The installer is gone: his tables are another's, his consent is nobody's.
RESET ROLE;
SELECT unscore_on_insert('bait');
SET ROLE tests_installer;
SELECT score_on_insert('bait', 'churn', 'id', 'bait_scores', 'warn');
RESET ROLE;
REASSIGN OWNED BY tests_installer TO tests_other;
DROP OWNED BY tests_installer;
DROP ROLE tests_installer;
INSERT INTO bait (id, tenure) VALUES (6, 2);
SELECT count(*) FROM bait_scores WHERE id = 6;
DROP SCHEMA work CASCADE;
DROP OWNED BY tests_other, tests_hostile, tests_writer;
DROP ROLE tests_writer, tests_hostile, tests_other;
