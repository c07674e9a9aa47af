-- Names of tables and columns: quoted, mixed case, 63 bytes, qualified, temporary, hostile.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
CREATE TABLE plain AS
SELECT k, ((k * 37) % 11)::float8 AS a, (k * 53) % 7 AS b, (k * 7) % 5 < 2 AS y, 'g' || k % 2 AS g FROM generate_series(1, 40) AS k;

CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."x""; DROP TABLE plain; --" AS SELECT a AS "A ""quoted"" one", b AS "select", y AS "Label; --", g AS "Gr""oup" FROM plain;
SELECT logregr_train('"My Schema"."x""; DROP TABLE plain; --"', '"My Schema"."m""; DROP TABLE plain; --"', '"Label; --"',
                     'ARRAY[1, "A ""quoted"" one", "select"]', '"Gr""oup"');
SELECT "Gr""oup", cardinality(coef) FROM "My Schema"."m""; DROP TABLE plain; --" ORDER BY 1;
SELECT source_table, out_table, grouping_col FROM "My Schema"."m""; DROP TABLE plain; --_summary";
SELECT linregr_train('"My Schema"."x""; DROP TABLE plain; --"', '"My Schema"."line''s"', '"select"', 'ARRAY[1, "A ""quoted"" one"]');
SELECT count(*) FROM "My Schema"."line's", "My Schema"."line's_summary";
SELECT mean_abs_error('"My Schema"."x""; DROP TABLE plain; --"', '"My Schema"."er''ror"', '"select"', '"A ""quoted"" one"', '"Gr""oup"');
SELECT count(*) FROM "My Schema"."er'ror";
SELECT confusion_matrix('"My Schema"."x""; DROP TABLE plain; --"', '"confusion; --"', '"Label; --"', '"Label; --"');
SELECT * FROM "confusion; --";

-- Unquoted names fold to lower case, in every argument.
SELECT linregr_train('PLAIN', 'Folded', 'A', 'ARRAY[1, B]', 'G');
SELECT count(*) FROM folded;

-- Names as long as a name can be; the summary's is shortened to fit, at a character boundary.
SELECT linregr_train('plain', repeat('m', 63), 'a', 'ARRAY[1, b]');
SELECT linregr_train('plain', '"' || repeat('ä', 31) || 'x"', 'a', 'ARRAY[1, b]');
SELECT relname, length(relname), octet_length(relname::text) FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND octet_length(relname::text) > 50 ORDER BY relname COLLATE "C";
-- A name too long is cut as everywhere in PostgreSQL.
SELECT linregr_train('plain', repeat('n', 70), 'a', 'ARRAY[1, b]');
SELECT length(relname) FROM pg_class WHERE relname LIKE 'nnn%' ORDER BY 1;

-- Temporary tables, as source and as result; search_path decides where a bare name goes.
CREATE TEMP TABLE passing AS SELECT * FROM plain;
SELECT linregr_train('passing', 'pg_temp.passing_model', 'a', 'ARRAY[1, b]');
SELECT relpersistence, count(*) FROM pg_class WHERE relname LIKE 'passing_model%' GROUP BY 1;
CREATE SCHEMA elsewhere;
SET search_path = elsewhere, public, ml;
SELECT linregr_train('plain', 'here', 'a', 'ARRAY[1, b]');
SELECT relnamespace::regnamespace, relname FROM pg_class WHERE relname LIKE 'here%' ORDER BY 2;
SET search_path = public, ml;

-- Names of the functions' own queries are no trap.
CREATE TABLE source (source float8, pairs integer, levels integer, "row" integer, y boolean);
INSERT INTO source SELECT a, b % 2, b % 2, b, y FROM plain;
SELECT linregr_train('SELECT * FROM source', 'traps', 'source', 'ARRAY[1, "row"]');
SELECT confusion_matrix('source', 'traps_confusion', 'pairs', 'levels');
CREATE VIEW pairs AS SELECT pairs AS observed, levels AS predicted FROM source;
SELECT confusion_matrix('pairs', 'levels', 'predicted', 'observed');
SELECT * FROM levels ORDER BY row_id;
-- An output column's name for an expression's column is no trap either.
CREATE TABLE clash AS SELECT a AS coef, b AS r2, y AS intercept, g AS grp FROM plain;
SELECT logregr_train('clash', 'clash_model', 'intercept', 'ARRAY[1, coef, r2]', 'grp');
SELECT grp, cardinality(coef) FROM clash_model ORDER BY grp;
CALL tests.refused($$SELECT logregr_train('clash', 'm', 'intercept', 'ARRAY[1, coef]', 'r2, intercept')$$);
CALL tests.refused($$SELECT binary_classifier('SELECT a, y, b AS tp FROM plain', 'm', 'a', 'y', 'tp')$$);

-- Operators and functions of the caller's own are not called by us.
CREATE SCHEMA trap;
CREATE FUNCTION trap.bang(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.bang);
CREATE OPERATOR trap.< (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.bang);
CREATE FUNCTION trap.count() RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
SET search_path = trap, pg_catalog, public, ml;
SELECT logregr_train('plain', 'public.trapped', 'y', 'ARRAY[1, a, b]', 'g');
SELECT binary_classifier('plain', 'public.trapped_scores', 'a', 'y', 'g');
SELECT confusion_matrix('plain', 'public.trapped_confusion', 'g', 'g');
SET search_path = public, ml;
SELECT g, cardinality(coef) FROM trapped ORDER BY g;

-- What is taken, missing, malformed or of another kind is said before any work.
CALL tests.refused($$SELECT logregr_train('plain', 'folded', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'FOLDED', 'y', 'ARRAY[a]')$$);
CREATE VIEW taken_summary AS SELECT 1 AS one;
CALL tests.refused($$SELECT logregr_train('plain', 'taken', 'y', 'ARRAY[a]')$$);
CREATE TYPE "odd ""name" AS (x integer);
CALL tests.refused($$SELECT logregr_train('plain', '"odd ""name"', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'nonesuch.m', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('nonesuch', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('nonesuch.t', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('My Schema.t', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', '', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'a.b.c.d', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('a.b.c.d', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('other.public.plain', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'other.public.m', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('"plain', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain p', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain, clash', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain; DROP TABLE plain', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm; DROP TABLE plain', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'pg_catalog.m', 'y', 'ARRAY[a]')$$);
CREATE SEQUENCE counter;
CREATE INDEX plain_index ON plain (a);
CALL tests.refused($$SELECT logregr_train('counter', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('plain_index', 'm', 'y', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('"odd ""name"', 'm', 'y', 'ARRAY[a]')$$);
SET search_path = '';
CALL tests.refused($$SELECT ml.logregr_train('public.plain', 'm', 'y', 'ARRAY[a]')$$);
SET search_path = public, ml;

-- Lists of group columns.
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'nonesuch')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g, g')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g,')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'upper(g)')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g FROM plain')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g LIMIT 1')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g UNION SELECT g')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'DISTINCT g')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'g; DROP TABLE plain')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', '*')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'plain.g')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', '1')$$);
CALL tests.refused($$SELECT logregr_train('plain', 'm', 'y', 'ARRAY[a]', 'NULL')$$);
SELECT linregr_train('plain', 'no_groups', 'a', 'ARRAY[1, b]', '   ');
SELECT grouping_col IS NULL AS none FROM no_groups_summary;

SELECT count(*) FROM plain;
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary', 'taken');
