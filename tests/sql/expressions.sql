-- Text arguments that stand for an expression or a list of columns: one expression, or refused before anything runs.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SET client_min_messages = warning;
CREATE TABLE facts (id integer PRIMARY KEY, label text, flag boolean, a float8, b float8, i smallint, big bigint, n numeric, r real,
                    ints integer[], nums numeric[], texts text[], flags boolean[]);
INSERT INTO facts
SELECT k, CASE WHEN (k * 7) % 5 < 2 THEN 'it''s; yes' ELSE 'no -- "x"' END, (k * 7) % 5 < 2, (k * 37) % 11, (k * 53) % 7, k % 3, k % 4, (k % 6) / 4.0, (k % 9) / 8.0,
       ARRAY[(k * 37) % 11, (k * 53) % 7], ARRAY[(k * 37) % 11, (k * 53) % 7], ARRAY[(k * 37) % 11, (k * 53) % 7]::text[], ARRAY[k % 2 = 0, k % 3 = 0]
  FROM generate_series(1, 60) AS k;

-- Every way to write the same model gives the same numbers.
CREATE TABLE ways (way text, dependent text, independent text);
INSERT INTO ways VALUES
 ('columns',               'flag',                                  'ARRAY[1, a, b]'),
 ('text label',            'label = ''it''''s; yes''',              'ARRAY[1, a, b]'),
 ('dollar quotes',         'label = $q$it''s; yes$q$',              'ARRAY[1, a, b]'),
 ('line comment',          'flag -- the label, that is',            'ARRAY[1, a, b] -- and; the "rest'),
 ('block comment',         '/* a; /* nested */ ) */ flag',          'ARRAY[1 /* one */, a, b]'),
 ('newlines',              E'\n flag\n',                            E'ARRAY[\n 1,\n a,\n b\n]'),
 ('parentheses',           '((((((((flag))))))))',                  '(((ARRAY[1, (a), ((b))])))'),
 ('case and subselect',    'CASE WHEN flag THEN 1 ELSE 0 END',      'ARRAY[1, (SELECT a), b + (SELECT 0)]'),
 ('concatenation',         'flag::integer',                         '1 || ARRAY[a, b]'),
 ('integer array',         'flag',                                  '1 || ints'),
 ('numeric array',         'flag',                                  'ARRAY[1::numeric] || nums'),
 ('text array',            'flag',                                  '''1''::text || texts'),
 ('array subquery',        'flag',                                  'ARRAY(SELECT v FROM unnest(1 || ints) WITH ORDINALITY AS u(v, o) ORDER BY o)'),
 ('domain of one column',  'facts.flag',                            'ARRAY[1, facts.a, "facts"."b"]');
DO $$
DECLARE
    w record;
BEGIN
    FOR w IN SELECT row_number() OVER () AS n, * FROM ways LOOP
        PERFORM logregr_train('facts', 'way_' || w.n, w.dependent, w.independent);
    END LOOP;
END $$;
CREATE FUNCTION coef_of(model text) RETURNS float8[] LANGUAGE plpgsql AS
$$ DECLARE c float8[]; BEGIN EXECUTE format('SELECT coef FROM %I', model) INTO c; RETURN c; END $$;
SELECT way, reference.verdict(coef_of('way_' || n), coef_of('way_1'), 1e-12) AS same
  FROM (SELECT row_number() OVER () AS n, * FROM ways) AS w ORDER BY n;
SELECT dependent_varname, independent_varname FROM way_4_summary;

-- Columns of all numeric types, and a cast for what is none.
SELECT linregr_train('facts', 'kinds', 'a', 'ARRAY[1, i, big, n, r, flag::integer]');
SELECT cardinality(coef) AS coefficients, num_rows_processed FROM kinds;
SELECT linregr_train('facts', 'booleans', 'a', 'flags');
SELECT cardinality(coef) AS coefficients FROM booleans;
SELECT linregr_train('facts', 'dates', 'date ''2024-01-01'' + id - date ''2023-12-31''', 'ARRAY[1, extract(epoch FROM timestamp ''2024-01-01'' + id * interval ''1 hour'') / 3600]');
SELECT tests.short(coef[2:2]) AS slope FROM dates;
-- A window function looks at all rows of the source.
SELECT linregr_train('facts', 'windows', 'a', 'ARRAY[1, b - avg(b) OVER ()]');
SELECT tests.short(coef[1:1]) = (SELECT tests.short(ARRAY[avg(a)]) FROM facts) AS mean FROM windows;

-- Refused: not one expression.
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag; DROP TABLE facts', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a]; DROP TABLE facts; --')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag) FROM facts; DROP TABLE facts; SELECT (1', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '(ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a])')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a]) FROM facts, (SELECT 1')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '*')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'facts.*')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'a, b')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', ' ', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', '-- flag', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a] AS x')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a] FROM facts')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag WHERE true', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag UNION SELECT true', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'DISTINCT flag', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a] LIMIT 1')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag INTO other', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '/* ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'label = ''yes', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', '$1', 'ARRAY[a]')$$);

-- Refused: an expression, but not of such a kind.
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[count(a)]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'max(id) > 3', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[generate_series(1, 3)]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'unnest(flags)', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'a')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '1')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'NULL')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a, NULL]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'NULL', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'facts')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ROW(a, b)')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '(a, b)')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[]::float8[]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[ARRAY[a, b], ARRAY[b, a]]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', '''{{1,2},{3,4}}''::float8[]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[label]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[now()]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'label')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[nonesuch]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'nonesuch', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[a / 0]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', 'flag', 'ARRAY[nonesuch(a)]')$$);
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'label', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'now()', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'ints', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT mean_abs_error('facts', 'm', 'a, b', 'a')$$);
CALL tests.refused($$SELECT mean_abs_error('facts', 'm', 'a', 'b; SELECT 1')$$);
CALL tests.refused($$SELECT mean_abs_error('facts', 'm', 'label', 'b')$$);
CALL tests.refused($$SELECT binary_classifier('facts', 'm', 'a', 'label')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'a, b', 'label')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'a', 'b) FROM facts; DROP TABLE facts; --')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'label', 'a')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'count(*)', 'a')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'label', 'unnest(texts)')$$);
CALL tests.refused($$SELECT confusion_matrix('facts', 'm', 'nonesuch', 'label')$$);

-- A very long expression, a deeply nested one.
SELECT linregr_train('facts', 'long', 'a', 'ARRAY[1, b' || repeat(' + 0', 3000) || ']');
SELECT tests.short(coef) AS coef FROM long;
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'a', repeat('(', 200000) || 'b' || repeat(')', 200000))$$);
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'a', repeat('(', 200000))$$);

-- Missing arguments, words that are no topic.
CALL tests.refused($$SELECT logregr_train(NULL, 'm', 'flag', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', NULL, 'flag', 'ARRAY[a]')$$);
CALL tests.refused($$SELECT logregr_train('facts', 'm', NULL, 'ARRAY[a]')$$);
CALL tests.refused($$SELECT linregr_train('facts', 'm', 'a', NULL)$$);
CALL tests.refused($$SELECT mean_abs_error('facts', 'm', NULL, 'b')$$);
CALL tests.refused($$SELECT binary_classifier_auc('facts', NULL, 'a', 'b')$$);
CALL tests.refused($$SELECT logregr_train('nonsense')$$);
SELECT linregr_train('help') = linregr_train() AS help, left(logregr_train('example'), 12) AS example;

-- Nothing of all that left a table.
SELECT relname FROM pg_class WHERE relname IN ('m', 'm_summary', 'other');
SELECT count(*) FROM facts;
