-- What a review of the boundary found, each with the fault it guards.
\set VERBOSITY default
CREATE SCHEMA ml;
CREATE EXTENSION pglearn SCHEMA ml;
SET search_path = public, ml;
CREATE TABLE points AS
    SELECT i AS id, i % 7 AS y, i % 3 AS g, ARRAY[1, i % 5, i % 11]::float8[] AS x FROM generate_series(1, 500) AS i;

-- An event trigger that alters new tables: rows of the wrong width crashed the server.
CREATE FUNCTION add_note() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    command record;
BEGIN
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        EXECUTE format('ALTER TABLE %s ADD COLUMN note text', command.object_identity);
    END LOOP;
END $$;
CREATE EVENT TRIGGER add_note ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION add_note();
SELECT linregr_train('points', 'model', 'y', 'x');
DROP EVENT TRIGGER add_note;
CREATE FUNCTION change_type() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE
    command record;
BEGIN
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN num_rows_processed TYPE text', command.object_identity);
    END LOOP;
END $$;
CREATE EVENT TRIGGER change_type ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION change_type();
SELECT linregr_train('points', 'model', 'y', 'x');
DROP EVENT TRIGGER change_type;

-- An event trigger keeps the search_path of the session.
CREATE TABLE audit (command text);
CREATE FUNCTION note_command() RETURNS event_trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO audit VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER note_command ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION note_command();
SELECT linregr_train('points', 'audited', 'y', 'x');
DROP EVENT TRIGGER note_command;
SELECT * FROM audit;

-- A type of the user's own called "text" is not the one of the tables.
CREATE SCHEMA decoy;
CREATE DOMAIN decoy.text AS integer;
SET search_path = decoy, pg_catalog, public, ml;
SELECT linregr_train('points', 'public.not_fooled', 'y', 'x');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'not_fooled_summary'::regclass AND attname = 'grouping_col';
SET search_path = public, ml;

-- Text that is more than one expression, or more than a list of columns.
CREATE TYPE pair AS (p float8, q float8);
CREATE TABLE pairs AS SELECT (id, y)::pair AS c, x, y FROM points;
SELECT linregr_train('pairs', 'model', '(c).*', 'x');
SELECT linregr_train('pairs', 'model', 'y', '((c).*)');
SELECT linregr_train('points', 'model', 'ALL y', 'x');
SELECT linregr_train('points', 'model', 'y;', 'x');
SELECT linregr_train('points', 'model', 'y', 'x', 'g UNION SELECT 1');
SELECT linregr_train('points', 'model', 'y', 'x', 'DISTINCT g');
SELECT linregr_train('points', 'model', 'y', 'x', 'g ORDER BY id LIMIT 1');

-- More elements than a query has columns, and than a column number can count.
SELECT 'ARRAY[' || string_agg(format('x[2]+%s*x[3]', i), ',') || ']' AS wide FROM generate_series(1, 1700) AS i \gset
SET client_min_messages = error;
SELECT linregr_train('SELECT * FROM points LIMIT 20', 'wide_model', 'y', :'wide');
RESET client_min_messages;
SELECT cardinality(coef), num_rows_processed FROM wide_model;
SELECT 'ARRAY[' || repeat('y,', 33000) || 'y]' AS wider \gset
SELECT linregr_train('SELECT * FROM points LIMIT 20', 'wider_model', 'y', :'wider') IS NULL;

-- Refused before any row is read.
BEGIN READ ONLY;
SELECT linregr_train('SELECT 1/0 AS y, ARRAY[1] AS x', 'model', 'y', 'x');
ROLLBACK;
SELECT linregr_train('SELECT 1/0 AS y, ARRAY[1] AS x', repeat('x', 55) || '_summary', 'y', 'x');

-- Rows that are skipped leave no memory behind (a new session: its peak counts).
\c
\set VERBOSITY default
SET search_path = public, ml;
CREATE FUNCTION memory() RETURNS bigint LANGUAGE sql AS
$$ SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\s+(\d+) kB'))[1]::bigint $$;
CREATE TABLE long_arrays AS
    SELECT 1 AS y, (SELECT array_agg(k::float8 * k) FROM generate_series(1, 3000) AS k) || NULL::float8 AS x FROM generate_series(1, 4000);
SELECT linregr_train('SELECT * FROM long_arrays LIMIT 100', 'long_model', 'y', 'x');
SELECT memory() AS before \gset
SELECT linregr_train('long_arrays', 'longer_model', 'y', 'x');
SELECT memory() - :before < 48000 AS "less than half of the 96 MB skipped";

-- One snapshot for the classes and their counts: a source that changes between two scans fooled it.
CREATE SEQUENCE source_calls;
CREATE FUNCTION changing() RETURNS TABLE (p bigint, o bigint) LANGUAGE sql VOLATILE AS
$$ SELECT i, 0 FROM generate_series(nextval('source_calls'), 3) AS i $$;
SELECT confusion_matrix('SELECT * FROM changing()', 'matrix', 'p', 'o');
SELECT * FROM matrix ORDER BY row_id;
SELECT last_value AS calls FROM source_calls;
SELECT confusion_matrix('SELECT id AS p, 1 AS o FROM points', 'matrix_of_many', 'p', 'o');
SELECT count(*), sum(confusion_arr[1]), sum((SELECT sum(n) FROM unnest(confusion_arr) AS n)) FROM matrix_of_many;
SELECT confusion_matrix('SELECT nullif(id % 4, 0) AS p, nullif(id % 3, 2)::bigint AS o FROM points', 'matrix_with_null', 'p', 'o');
SELECT * FROM matrix_with_null ORDER BY row_id;
SELECT confusion_matrix('SELECT id AS p, 1 AS o FROM generate_series(1, 1601) AS id', 'matrix_of_too_many', 'p', 'o');

-- A message shows the beginning of a long group value.
SELECT linregr_train('SELECT 1 AS y, ARRAY[1] AS x, repeat(''long'', 2000) AS text', 'long_group', 'y', 'x', 'text');

-- A misspelt setting.
SET pglearn.fit_intercpt = off;

-- Arrays that PL/pgSQL holds expanded, arrays with other lower bounds.
DO $$
DECLARE
    coef float8[] := ARRAY[1, 2, 3];
    x float8[] := ARRAY[0.5, 0, 0];
BEGIN
    coef[2] := 5;
    x[2] := 1;
    RAISE NOTICE 'linear %, logistic %', linregr_predict(coef, x), logregr_predict(coef, x);
END $$;
SELECT linregr_predict('[-1:1]={1,2,3}'::float8[], '[5:7]={4,5,6}'::float8[]);

-- The aggregate where its state is looked at again and again, split, filtered and sorted.
SELECT id, (linregr(y, x) OVER (ORDER BY id)).num_processed AS growing,
       (linregr(y, x) OVER (ORDER BY id ROWS 2 PRECEDING)).num_processed AS moving
  FROM points ORDER BY id LIMIT 4;
SELECT g, (linregr(y, x)).num_processed, (linregr(y, x) FILTER (WHERE id <= 100)).num_processed AS filtered
  FROM points GROUP BY GROUPING SETS ((g), ()) ORDER BY g;
SELECT (linregr(DISTINCT y, x)).num_processed, (linregr(y, x ORDER BY id DESC)).num_processed AS sorted FROM points;
SELECT (linregr(y, x) OVER (ORDER BY id)).coef = (SELECT (linregr(y, x)).coef FROM points) AS "the last row sees all"
  FROM points ORDER BY id DESC LIMIT 1;

-- Bytes that are no state.
SELECT linregr_final('\x00');
CREATE AGGREGATE forged (float8, float8[]) (SFUNC = linregr_transition, STYPE = bytea, INITCOND = '\x504c4c530100000001000000');
SELECT forged(y, x) FROM points;
SELECT linregr_transition(NULL, 1, ARRAY[1]);

-- A training in a subtransaction that is rolled back, in the middle of reading and after writing.
DO $$
BEGIN
    FOR i IN 1..3 LOOP
        BEGIN
            PERFORM linregr_train('SELECT *, 1 / (id - 400) AS z FROM points', 'rolled_back', 'y + z', 'x');
        EXCEPTION WHEN division_by_zero THEN
            RAISE NOTICE 'read and rolled back';
        END;
        BEGIN
            PERFORM linregr_train('points', 'rolled_back', 'y', 'x');
            PERFORM 1 / 0;
        EXCEPTION WHEN division_by_zero THEN
            RAISE NOTICE 'written and rolled back';
        END;
    END LOOP;
END $$;
SELECT to_regclass('rolled_back'), current_setting('synchronize_seqscans'), (SELECT count(*) FROM progress);

-- Column privileges, row security, and a source that trains while it is read.
CREATE ROLE regress_pglearn_reader;
GRANT USAGE ON SCHEMA ml, public TO regress_pglearn_reader;
CREATE SCHEMA own AUTHORIZATION regress_pglearn_reader;
GRANT SELECT (y, x, g) ON points TO regress_pglearn_reader;
CREATE TABLE guarded AS SELECT * FROM points;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_group ON guarded FOR SELECT USING (g = 0);
GRANT SELECT ON guarded TO regress_pglearn_reader;
SET ROLE regress_pglearn_reader;
SELECT linregr_train('points', 'own.model', 'y', 'x');
SELECT linregr_train('points', 'own.other', 'id', 'x');
SELECT linregr_train('guarded', 'own.guarded', 'y', 'x');
SELECT num_rows_processed FROM own.guarded;
RESET ROLE;
CREATE FUNCTION train_inside(name text) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN PERFORM linregr_train('points', name, 'y', 'x'); RETURN 0; END $$;
SELECT linregr_train('SELECT *, CASE WHEN id = 9 THEN train_inside(''inner_model'') ELSE 0 END AS z FROM points', 'outer_model', 'y + z', 'x');
SELECT (SELECT coef FROM inner_model) = (SELECT coef FROM outer_model) AS same;
DROP OWNED BY regress_pglearn_reader;
DROP ROLE regress_pglearn_reader;

-- Neighbouring integers beyond 2^53 are one double, but two labels.
SELECT logregr_train('SELECT 9007199254740992 + i % 2 AS y, ARRAY[i % 7] AS x FROM generate_series(1, 40) AS i', 'far_model', 'y', 'x') IS NULL;
SELECT class_values FROM far_model_summary;
DROP TABLE far_model, far_model_summary;
-- A group column that no table can have is refused before any row is read.
SELECT linregr_train('SELECT 1/0 AS y, ARRAY[1] AS x, ctid FROM pg_catalog.pg_class', 'model', 'y', 'x', 'ctid');

-- Labels and names in an encoding other than UTF-8 would be damaged.
CREATE DATABASE regress_pglearn_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
\set here :DBNAME
\c regress_pglearn_latin1
CREATE SCHEMA ml;
CREATE EXTENSION pglearn SCHEMA ml;
\c :here
DROP DATABASE regress_pglearn_latin1;
