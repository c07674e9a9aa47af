-- How columns are bound to the inputs of a model: predict, predict_batch, evaluate and score_on_insert take and refuse the same types, in the same words, and say the same to the last bit.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, public, ml;
CREATE TYPE mood AS ENUM ('calm', 'glad', 'sad');
CREATE DOMAIN score AS numeric;
CREATE DOMAIN word AS varchar(9);
CREATE DOMAIN pair AS float8[];
CREATE TABLE seen AS
SELECT i AS id, (d % 50)::integer AS i, ((d % 700) / 7.0)::numeric(9, 3) AS n, (d / 3e5)::float8 AS f, d >> 3 & 1 = 1 AS ok, (ARRAY['calm', 'glad', 'sad'])[1 + d / 9 % 3] AS t,
       (ARRAY['calm', 'glad', 'sad'])[1 + d / 31 % 3]::character(6) AS c, (ARRAY['calm', 'glad', 'sad'])[1 + d / 77 % 3]::mood AS e,
       (ARRAY['calm', 'glad', 'sad'])[1 + d / 41 % 3]::word AS w, (d % 91)::score AS s, date '2024-01-01' + (d % 300)::integer AS d,
       timestamp '2023-05-01 10:11:12.345' + d % 900 * interval '7 hours' AS ts, timestamptz '2023-05-01 10:11:12.345 UTC' + d % 800 * interval '5 hours' AS tz,
       time '08:00' + d % 40 * interval '7.5 min' AS h, d % 17 * interval '1 day 3 hours' AS span, ARRAY[d % 13, NULL, d / 7.0]::float8[] AS x, ARRAY[d % 11, d % 5]::integer[] AS k,
       ARRAY[d & 1 = 1, d >> 5 & 1 = 1] AS b, (d % 50) * 2.5 + d % 91 + d % 17 + d % 5 AS y
  FROM (SELECT i, reference.draw(7 * i) AS d FROM generate_series(1, 300) AS i) AS drawn;
UPDATE seen SET x[2] = i / 3.0 WHERE id % 5 > 0;
UPDATE seen SET n = NULL, t = NULL, ts = NULL, ok = NULL WHERE id % 9 = 0;
SELECT version FROM train('all', 'seen', 'y', features => '{i, n, f, ok, t, c, e, w, s, d, ts, tz, h, span, x, k, b}', algorithm => 'ridge');
SELECT signature FROM models JOIN model_versions USING (model_id);

-- What a statement comes to: taken, or the words of the refusal, without the relation that score_on_insert puts before them.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    hint text;
BEGIN
    EXECUTE statement;
    RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', SQLSTATE, regexp_replace(message, '^work\.probe: ', ''), nullif(hint, ''));
END $$;
-- The four over the rows of a source; of evaluate, whose answer is one of many rows, the error of one row.
CREATE FUNCTION verdict(source text, OUT verdict text, OUT same_words boolean, OUT same_bits boolean) LANGUAGE plpgsql AS $$
DECLARE
    one text := format('SELECT * FROM (%s) AS s WHERE id = 4', source);
    others text[] := ARRAY[
        outcome(format('CREATE TABLE by_batch AS SELECT key::integer AS id, prediction AS p FROM predict_batch(''all'', %L, ''id'')', source)),
        outcome(format('CREATE TABLE by_evaluation AS SELECT 4 AS id, value FROM evaluate(''all'', %L) WHERE metric = ''mae''', one)),
        outcome(format('CREATE TABLE probe AS %s WITH NO DATA; SELECT score_on_insert(''probe'', ''all'', ''id'', ''by_insert'', ''error''); INSERT INTO probe %1$s', source))];
BEGIN
    verdict := outcome(format('CREATE TABLE by_row AS SELECT id, y, predict(''all'', given) AS p FROM (%s) AS given', source));
    same_words := (SELECT bool_and(regexp_replace(other, 'the (source|table) has', 'the row has') = verdict) FROM unnest(others) AS other);
    IF verdict = 'taken' AND same_words THEN
        SELECT bool_and(float8send(r.p) = float8send(b.p) AND float8send(r.p) = float8send(i.prediction) AND (r.id <> 4 OR float8send(abs(r.y - r.p)) = float8send(e.value)))
               AND count(*) = count(b.id) AND count(*) = count(i.id) AND count(*) > 0 AND count(e.id) = 1 INTO same_bits
          FROM by_row AS r LEFT JOIN by_batch AS b USING (id) LEFT JOIN by_insert AS i USING (id) LEFT JOIN by_evaluation AS e USING (id);
    END IF;
    IF NOT same_words THEN
        verdict := array_to_string(verdict || others, E'\n');
    END IF;
    DROP TABLE IF EXISTS by_row, by_batch, by_evaluation, by_insert, probe;
END $$;
-- The rows that were seen, one column of them something else.
CREATE FUNCTION with_column(changed text, expression text) RETURNS text LANGUAGE sql AS $$
    SELECT format('SELECT %s FROM work.seen WHERE id <= 20', string_agg(CASE attname WHEN changed THEN format('%s AS %I', expression, attname) ELSE quote_ident(attname) END, ', ' ORDER BY attnum))
      FROM pg_attribute WHERE attrelid = 'seen'::regclass AND attnum > 0 AND NOT attisdropped $$;
SELECT * FROM verdict('SELECT * FROM work.seen');

-- An input of each kind against every type.
CREATE TABLE given (number serial, type text, expression text);
INSERT INTO given (type, expression) VALUES
    ('smallint', 'id::smallint'), ('integer', 'id::integer'), ('bigint', 'id::bigint'), ('real', '(id / 7.0)::real'), ('double precision', '(id / 7.0)::float8'), ('numeric', '(id / 7.0)::numeric(9, 4)'),
    ('score', '(id / 7.0)::work.score'), ('boolean', 'id % 2 = 0'), ('text', 't::text'), ('varchar', 't::varchar'), ('character', 't::character(7)'), ('name', 't::name'), ('"char"', '''c''::"char"'),
    ('mood', 't::work.mood'), ('word', 't::work.word'), ('date', 'd'), ('timestamp', 'ts'), ('timestamptz', 'tz'), ('time', 'h'), ('interval', 'span'), ('timetz', 'h::timetz'),
    ('uuid', '''00000000-0000-0000-0000-000000000000''::uuid'), ('jsonb', 'to_jsonb(id)'), ('double precision[]', 'x'), ('pair', 'x::work.pair'), ('numeric[]', 'x::numeric[]'),
    ('integer[]', 'k'), ('boolean[]', 'b'), ('text[]', 'x::text[]'), ('date[]', 'ARRAY[d, d]');
CREATE TABLE verdicts AS
SELECT input, type, number, v.* FROM unnest('{i, f, ok, t, e, d, ts, h, span, x, k, b}'::text[]) AS inputs (input), given, verdict(with_column(input, expression)) AS v;
SELECT count(*), count(*) FILTER (WHERE NOT same_words) AS other_words, count(*) FILTER (WHERE verdict = 'taken') AS taken, count(*) FILTER (WHERE verdict = 'taken' AND same_bits IS NOT TRUE) AS other_bits FROM verdicts;
SELECT input, string_agg(type, ', ' ORDER BY number) AS takes FROM verdicts WHERE verdict = 'taken' GROUP BY input ORDER BY min(number), input;
SELECT input, type, verdict FROM verdicts WHERE NOT same_words OR verdict = 'taken' AND same_bits IS NOT TRUE ORDER BY input, number;
SELECT verdict FROM verdicts WHERE (input, type) IN (('i', 'boolean'), ('i', 'text'), ('f', 'date'), ('ok', 'integer'), ('ok', 'word'), ('e', 'integer'), ('h', 'interval'), ('ts', 'uuid'), ('x', 'double precision'),
    ('x', 'text[]'), ('b', 'integer[]'), ('f', 'double precision[]'), ('t', 'score')) ORDER BY input, number;

-- Columns that are not there, or twice; values that are refused; NULL and NaN, which are missing.
SELECT * FROM verdict('SELECT id, y, i, n, f, ok, t, c, e, w, s, d, ts, tz, h, span AS spam, x, k, b FROM work.seen');
SELECT * FROM verdict(with_column('f', '''-Infinity''::float8'));
SELECT * FROM verdict(with_column('x', '''{1,Infinity,2}''::float8[]'));
SELECT * FROM verdict(with_column('x', '''{1,2}''::float8[]'));
SELECT * FROM verdict(with_column('k', '''{{1,2}}''::integer[]'));
SELECT * FROM verdict(with_column('x', 'NULL::float8[]'));
SELECT * FROM verdict(with_column('x', '''{NULL,NaN,1}''::real[]'));
SELECT * FROM verdict(with_column('n', '''NaN''::numeric'));
SELECT * FROM verdict(with_column('ts', '''-infinity''::date'));
SELECT * FROM verdict(with_column('tz', '''2024-02-29 23:59:59.999999+00''::timestamptz'));
SELECT * FROM verdict(with_column('e', '''glad  ''::character(9)'));
CALL tests.refused($$SELECT predict('all', given) FROM (SELECT *, 1 AS f FROM seen LIMIT 1) AS given$$);
CALL tests.refused($$SELECT * FROM predict_batch('all', 'SELECT *, 1 AS f FROM work.seen', 'id')$$);
CALL tests.refused($$SELECT * FROM evaluate('all', 'SELECT *, 1 AS f FROM work.seen')$$);

-- One of a thing.
SELECT version FROM train('line', 'SELECT i, y FROM work.seen', 'y', features => '{i}', algorithm => 'ridge');
CALL tests.refused($$SELECT predict('line', 1, 2)$$);
CALL tests.refused($$SELECT predict('line', ARRAY[1, 2])$$);
SELECT version FROM train('array', 'SELECT k, y FROM work.seen', 'y', features => '{k}', algorithm => 'ridge');
CALL tests.refused($$SELECT predict('array', 1, 2, 3)$$);
