-- The trigger of watches: what is written down of each statement, what is counted, when it is announced.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work;
SET timezone = 'Asia/Kolkata';

-- What statements did since the last look, by event.
CREATE TABLE looked (event_id bigint);
INSERT INTO looked VALUES (0);
CREATE FUNCTION events() RETURNS TABLE (table_name text, operation text, row_count bigint) LANGUAGE plpgsql AS $$
DECLARE last bigint := (SELECT max(l.event_id) FROM work.looked AS l);
BEGIN
    INSERT INTO work.looked SELECT COALESCE(max(d.event_id), last) FROM ml.data_statistics AS d;
    RETURN QUERY SELECT d.table_name, d.operation, d.row_count FROM ml.data_statistics AS d WHERE d.event_id > last ORDER BY d.event_id;
END $$;
-- The statistics of the last statement.
CREATE FUNCTION statistics(VARIADIC path text[] DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
$$ SELECT d.feature_stats #> path FROM ml.data_statistics AS d ORDER BY d.event_id DESC LIMIT 1 $$;
-- What has been announced for a relation, oldest first; and what is counted but was not announced.
CREATE FUNCTION announced(relation regclass) RETURNS TABLE (row_count bigint, channel text, payload jsonb) LANGUAGE sql AS
$$ SELECT a.row_count, a.channel, a.payload::jsonb - 'event_id' FROM ml.announcements AS a
    WHERE a.relation::oid = announced.relation::oid AND a.channel IS NOT NULL ORDER BY a.announcement_id $$;
CREATE FUNCTION pending(relation regclass) RETURNS bigint LANGUAGE sql AS
$$ SELECT s.pending FROM ml.watch_status AS s WHERE s.relation::oid = pending.relation::oid $$;

-- 1. Every kind of statement.
CREATE TABLE sales (id int PRIMARY KEY, value float8, amount numeric(12,2), kind text);
SELECT ml.watch('sales', threshold => 1000000) IS NOT NULL AS watched;
INSERT INTO sales VALUES (1, 4, 10.25, 'a'), (2, 7, 20.50, 'b'), (3, 13, NULL, 'a'), (4, 16, 1e9, NULL);
SELECT jsonb_pretty(statistics());
COPY sales FROM stdin;
5	1.5	2.5	c
6	2.5	3.5	\N
\.
INSERT INTO sales SELECT i, i, i, 'd' FROM generate_series(7, 10) AS i;
UPDATE sales SET value = value + 1 WHERE id <= 3;
DELETE FROM sales WHERE id = 10;
WITH moved AS (DELETE FROM sales WHERE id = 9 RETURNING id) INSERT INTO sales SELECT id + 100 FROM moved;
MERGE INTO sales AS s USING (VALUES (1), (2), (200)) AS n (id) ON s.id = n.id
 WHEN MATCHED AND s.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET value = 0 WHEN NOT MATCHED THEN INSERT (id) VALUES (n.id);
INSERT INTO sales (id) VALUES (200), (201), (202) ON CONFLICT (id) DO UPDATE SET value = 5;
INSERT INTO sales (id) VALUES (200), (203) ON CONFLICT DO NOTHING;
TRUNCATE sales;
SELECT * FROM events();
SELECT pending('sales');
-- Statements without rows are none.
INSERT INTO sales SELECT 1 WHERE false;
UPDATE sales SET value = 1;
DELETE FROM sales;
INSERT INTO sales (id) SELECT id FROM sales;
SELECT count(*) FROM events();
-- What was deleted is described as it was, what was updated as it is.
INSERT INTO sales (id, value) VALUES (1, 10), (2, 20);
UPDATE sales SET value = value * 3;
SELECT statistics('mean'), statistics('value', 'max');
DELETE FROM sales WHERE id = 2;
SELECT statistics('value');
SELECT * FROM events();

-- 2. The numbers are those of SQL over numeric, for all types of numbers; to 1e-14 of them.
CREATE TABLE numbers (a float8, b float4, c smallint, d int, e bigint, f numeric, value float8);
SELECT ml.watch('numbers', threshold => 1000000) IS NOT NULL AS watched;
INSERT INTO numbers
SELECT 1e9 + (i * 7919 % 1000) / 8.0, (i % 97) / 8.0, i % 300 - 150, i * 31337 % 1000003, i * 1000003::bigint * 7, (i * 104729 % 99991) / 1000.0,
       CASE WHEN i % 3 > 0 THEN i * 0.001 END
  FROM generate_series(1, 5000) AS i;
WITH exact AS (SELECT to_jsonb(n) AS row FROM numbers AS n),
     wanted AS (SELECT e.key, avg(e.value::numeric) AS mean, sqrt(var_samp(e.value::numeric) * 1.000000000000000000000000000000) AS std, min(e.value::numeric), max(e.value::numeric), count(e.value::numeric) AS count,
                       count(*) - count(e.value::numeric) AS nulls
                  FROM exact, jsonb_each_text(row) AS e GROUP BY e.key)
SELECT w.key, f.name, abs((statistics(w.key, f.name)::text::numeric - f.value) / NULLIF(f.value, 0)) <= 1e-14 OR statistics(w.key, f.name)::text::numeric = f.value AS right
  FROM wanted AS w, LATERAL (VALUES ('mean', w.mean), ('std', w.std), ('min', w.min), ('max', w.max), ('count', w.count), ('nulls', w.nulls)) AS f (name, value)
 ORDER BY w.key, f.name;
SELECT statistics('mean') = statistics('value', 'mean') AND statistics('std') = statistics('value', 'std')
   AND statistics('min') = statistics('value', 'min') AND statistics('max') = statistics('value', 'max') AS at_the_top;
-- One row has no deviation; NaN and infinities are counted apart; NULL alone.
INSERT INTO numbers (value, f) VALUES (3, 'NaN');
SELECT statistics('value'), statistics('std'), statistics('f'), statistics('a');
INSERT INTO numbers (a, b, f) VALUES (1, 'NaN', 'Infinity'), ('Infinity', 2, '-Infinity'), ('-Infinity', 'NaN', 1e300), (3, 4, 1e-300), (NULL, NULL, 0);
SELECT statistics('a'), statistics('b'), statistics('f');
INSERT INTO numbers (a, e, f) VALUES (1.7e308, 9223372036854775807, 123456789012345678901234567890), (-1.7e308, -9223372036854775808, -0.1), (5e-324, 0, 1e131000);
SELECT statistics('a'), statistics('e'), statistics('f');

-- 3. Texts, booleans, enums, dates and times, and all the rest.
CREATE TYPE mood AS ENUM ('good', 'so so', 'bad');
CREATE DOMAIN price AS numeric CHECK (VALUE >= 0);
CREATE TYPE pair AS (x int, y int);
CREATE TABLE things (t text, v varchar(9), c char(5), n name, q "char", b bool, m mood, d date, ts timestamp, tz timestamptz, p price,
                     u uuid, j jsonb, a float8[], i interval, ti time, by bytea, r pair, x xml);
SELECT ml.watch('things', threshold => 1000000) IS NOT NULL AS watched;
INSERT INTO things VALUES
  ('x "quoted" \ ü', 'v', 'c', 'n', 'q', true, 'so so', '2024-02-29', '2024-02-29 12:00:00.25', '2024-02-29 12:00+05:30', 9.5,
   gen_random_uuid(), '{}', '{1}', '1 day', '12:00', '\x00', (1, 2), '<x/>'),
  ('', 'v', 'c  ', 'n', '', false, 'good', '0044-03-15 BC', '-infinity', 'infinity', 0.5, NULL, 'null', '{}', NULL, NULL, '', NULL, NULL),
  (E'line\nbreak', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT e.key, e.value FROM jsonb_each(statistics()) AS e ORDER BY e.key COLLATE "C";
-- More categories than are named; text that is too long to be one.
INSERT INTO things (t, v) SELECT 'k' || i % 150, CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END FROM generate_series(0, 1499) AS i;
SELECT count(*) AS named, sum(c.value::bigint), min(c.value::bigint), max(c.value::bigint) FROM jsonb_each_text(statistics('t', 'categories')) AS c;
SELECT statistics('t', 'others'), statistics('t', 'count'), statistics('v');
INSERT INTO things (t) SELECT repeat('long ', 1000000) FROM generate_series(1, 3) UNION ALL SELECT 'short' UNION ALL SELECT repeat('x', 100);
SELECT statistics('t', 'others') AS others, length(statistics('t', 'categories')::text) AS length;

-- 4. Names: quoted ones, those of the figures, dropped and generated columns, columns that are chosen.
CREATE SCHEMA "Odd ""schema""";
CREATE TABLE "Odd ""schema"""."Täble; DROP" ("Größe" int, "mean" int, gone text, "a.b" int, value numeric, "doubled" int GENERATED ALWAYS AS ("Größe" * 2) STORED, "q""uote" int DEFAULT 7);
ALTER TABLE "Odd ""schema"""."Täble; DROP" DROP COLUMN gone;
SELECT ml.watch('"Odd ""schema"""."Täble; DROP"', threshold => 1) IS NOT NULL AS watched;
INSERT INTO "Odd ""schema"""."Täble; DROP" ("Größe", "mean", value) VALUES (1, 100, 1.5), (2, 200, 2.5);
SELECT e.key, e.value FROM jsonb_each(statistics()) AS e ORDER BY e.key COLLATE "C";
SELECT * FROM announced('"Odd ""schema"""."Täble; DROP"');
ALTER TABLE "Odd ""schema"""."Täble; DROP" ADD COLUMN late int DEFAULT 3;
ALTER TABLE "Odd ""schema"""."Täble; DROP" ALTER COLUMN "mean" TYPE text;
INSERT INTO "Odd ""schema"""."Täble; DROP" ("Größe", "mean", late) VALUES (5, 'five', 6);
SELECT statistics('mean'), statistics('late'), statistics('min');
CREATE TABLE chosen (a int, b int, c int);
SELECT ml.watch('chosen', threshold => 1000, columns => '{c,a}') IS NOT NULL AS watched;
INSERT INTO chosen VALUES (1, 2, 3);
SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(statistics()) AS k;

-- 5. As many columns as a table can have.
DO $$ BEGIN EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg(format('c%s %s', i, CASE i % 4 WHEN 0 THEN 'smallint' WHEN 1 THEN 'bool' WHEN 2 THEN 'text' ELSE 'date' END), ', ') FROM generate_series(1, 1600) AS i) || ')'; END $$;
SELECT ml.watch('wide', threshold => 1000) IS NOT NULL AS watched;
INSERT INTO wide (c1, c2, c3, c1600) VALUES (true, 'x', '2026-01-01', 7), (false, 'y', '2026-01-02', 9);
SELECT (SELECT count(*) FROM jsonb_object_keys(statistics())) AS columns, statistics('c1600'), statistics('c800'), statistics('c3');

-- 6. Thresholds: above, not at; the next count begins from nothing.
CREATE TABLE counted (i int);
SELECT ml.watch('counted', threshold => 10, channel => 'heard') IS NOT NULL AS watched;
INSERT INTO counted SELECT generate_series(1, 10);
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
INSERT INTO counted VALUES (11);
SELECT pending('counted');
SELECT * FROM announced('counted');
INSERT INTO counted SELECT generate_series(1, 10);
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
UPDATE counted SET i = i;
SELECT pending('counted');
SELECT * FROM announced('counted');
-- Its event is the statement that went above.
SELECT a.payload::jsonb ->> 'event_id' = a.event_id::text AND d.row_count = 21 AND d.operation = 'UPDATE' AS names_the_event
  FROM ml.announcements AS a JOIN ml.data_statistics AS d USING (event_id) ORDER BY a.announcement_id DESC LIMIT 1;
-- Several in one transaction, and what follows the last one.
BEGIN;
INSERT INTO counted SELECT generate_series(1, 12);
INSERT INTO counted SELECT generate_series(1, 3);
INSERT INTO counted SELECT generate_series(1, 9);
INSERT INTO counted SELECT generate_series(1, 4);
COMMIT;
SELECT row_count FROM announced('counted') OFFSET 2;
SELECT pending('counted');
INSERT INTO counted SELECT generate_series(1, 7);
SELECT row_count FROM announced('counted') OFFSET 4;

-- 7. ROLLBACK and savepoints leave nothing; what they took back is not counted.
TRUNCATE looked; INSERT INTO looked SELECT max(event_id) FROM ml.data_statistics;
BEGIN; INSERT INTO counted SELECT generate_series(1, 50); ROLLBACK;
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced, (SELECT count(*) FROM events()) AS events;
BEGIN;
INSERT INTO counted SELECT generate_series(1, 6);
SAVEPOINT s;
INSERT INTO counted SELECT generate_series(1, 20);
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
ROLLBACK TO s;
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
INSERT INTO counted SELECT generate_series(1, 4);
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
INSERT INTO counted VALUES (1);
COMMIT;
SELECT pending('counted'), (SELECT max(row_count) FROM (SELECT row_count FROM announced('counted') OFFSET 5) AS a) AS last;
-- Statements that fail, inside a block that goes on.
DO $$
BEGIN
    INSERT INTO work.counted SELECT generate_series(1, 5);
    BEGIN
        INSERT INTO work.counted SELECT generate_series(1, 100);
        RAISE EXCEPTION 'no';
    EXCEPTION WHEN raise_exception THEN
        INSERT INTO work.counted SELECT generate_series(1, 5);
    END;
END $$;
SELECT pending('counted'), (SELECT count(*) FROM announced('counted')) AS announced;
-- Many of them in one transaction, announcements among what is taken back.
CREATE TABLE blocks (i int);
SELECT ml.watch('blocks', threshold => 10) IS NOT NULL AS watched;
DO $$
BEGIN
    FOR i IN 1..500 LOOP
        BEGIN
            INSERT INTO work.blocks SELECT generate_series(1, i % 7);
            IF i % 3 = 0 THEN RAISE EXCEPTION 'no'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        IF (SELECT sum(row_count) FROM work.announced('blocks')) + work.pending('blocks') <> (SELECT count(*) FROM work.blocks) OR work.pending('blocks') > 10 THEN
            RAISE WARNING 'after block % the count is wrong', i;
        END IF;
    END LOOP;
END $$;
SELECT count(*) AS rows, count(*) = (SELECT sum(row_count) FROM announced('blocks')) + pending('blocks') AS all_counted FROM blocks;
SELECT count(*) > 60 AS many, min(row_count) > 10 AS above, max(row_count) <= 16 AS at_once FROM announced('blocks');
-- A frozen snapshot counts as any other.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 0 AS begun FROM counted;
INSERT INTO counted VALUES (1);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO counted SELECT generate_series(1, 11);
COMMIT;
SELECT pending('counted');
SELECT row_count FROM announced('counted') OFFSET 6;

-- 8. Partitions: counted for the table itself and for those that it is a part of.
CREATE TABLE parts (k int, value int) PARTITION BY RANGE (k);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200) PARTITION BY LIST (k);
CREATE TABLE parts_leaf (value int, k int NOT NULL);
ALTER TABLE parts_high ATTACH PARTITION parts_leaf DEFAULT;
SELECT ml.watch('parts', threshold => 5) IS NOT NULL AS watched;
SELECT ml.watch('parts_high', threshold => 3) IS NOT NULL AS watched;
TRUNCATE looked; INSERT INTO looked SELECT max(event_id) FROM ml.data_statistics;
INSERT INTO parts VALUES (1, 10), (150, 20);
INSERT INTO parts_leaf (k, value) VALUES (151, 30);
INSERT INTO parts_low VALUES (2, 5);
UPDATE parts SET k = k + 100 WHERE k = 1;
SELECT * FROM events();
SELECT pending('parts') AS parts, pending('parts_high') AS high;
INSERT INTO parts_high VALUES (160, 1);
SELECT statistics('value', 'mean') AS mean;
SELECT * FROM announced('parts');
SELECT * FROM announced('parts_high');
INSERT INTO parts_leaf (k, value) VALUES (170, 1), (171, 1);
SELECT pending('parts') AS parts, pending('parts_high') AS high;
SELECT * FROM announced('parts_high');

-- 9. Triggers that are written by hand: the defaults of a watch, or a threshold; nothing where somebody watches.
CREATE TABLE hand (value float8);
CREATE TRIGGER counts AFTER INSERT ON hand REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data();
INSERT INTO hand SELECT i FROM generate_series(1, 1000) AS i;
SELECT count(*) FROM announced('hand');
INSERT INTO hand VALUES (1);
SELECT * FROM announced('hand');
SELECT * FROM events() WHERE table_name = 'hand';
CREATE OR REPLACE TRIGGER counts AFTER INSERT ON hand REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data('2');
INSERT INTO hand VALUES (1), (2);
INSERT INTO hand VALUES (3);
SELECT row_count FROM announced('hand') OFFSET 1;
CREATE TRIGGER empties AFTER TRUNCATE ON hand EXECUTE FUNCTION ml.monitor_new_data();
CREATE TRIGGER leaves AFTER DELETE ON hand REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data('0');
DELETE FROM hand WHERE value = 3;
TRUNCATE hand;
SELECT * FROM events();
SELECT row_count FROM announced('hand') OFFSET 2;
SELECT ml.watch('hand', threshold => 1000) IS NOT NULL AS watched;
INSERT INTO hand VALUES (1);
SELECT count(*) FROM events();
SELECT ml.unwatch('hand') > 0 AS unwatched;
-- Triggers of another kind, and arguments that are none.
CREATE OR REPLACE TRIGGER counts AFTER INSERT ON hand FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data();
CALL tests.refused('INSERT INTO work.hand VALUES (1)');
CREATE OR REPLACE TRIGGER counts BEFORE INSERT ON hand FOR EACH ROW EXECUTE FUNCTION ml.monitor_new_data();
CALL tests.refused('INSERT INTO work.hand VALUES (1)');
CREATE OR REPLACE TRIGGER counts AFTER INSERT ON hand REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data('many');
CALL tests.refused('INSERT INTO work.hand VALUES (1)');
CREATE OR REPLACE TRIGGER leaves AFTER UPDATE ON hand REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data();
DROP TRIGGER counts ON hand;
INSERT INTO hand VALUES (1);
CALL tests.refused('UPDATE work.hand SET value = 2');
CALL tests.refused('SELECT ml.monitor_new_data()');
-- What watch makes does nothing where nobody watches.
CREATE TABLE orphan (i int);
CREATE TRIGGER pglearn_watch_insert AFTER INSERT ON orphan REFERENCING NEW TABLE AS pglearn_new FOR EACH STATEMENT EXECUTE FUNCTION ml.monitor_new_data('watch');
SELECT count(*) FROM events() WHERE table_name <> 'hand';
INSERT INTO orphan VALUES (1);
SELECT count(*) FROM events();

-- 10. Writers without any right on the extension, with a search_path and operators of their own.
CREATE ROLE monitor_writer;
CREATE SCHEMA hostile AUTHORIZATION monitor_writer;
GRANT USAGE ON SCHEMA work TO monitor_writer;
CREATE TABLE guarded (id int, value numeric, kind text);
GRANT INSERT, UPDATE, DELETE, SELECT ON guarded TO monitor_writer;
SELECT ml.watch('guarded', threshold => 2) IS NOT NULL AS watched;
SET ROLE monitor_writer;
CREATE FUNCTION hostile.trap(anyelement, anyelement) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE OPERATOR hostile.= (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.trap);
CREATE OPERATOR hostile.> (LEFTARG = anyelement, RIGHTARG = anyelement, FUNCTION = hostile.trap);
CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE FUNCTION hostile.max(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$;
CREATE TABLE hostile.change_log (i int);
CREATE TABLE hostile.announcements (i int);
SET search_path = hostile, pg_catalog;
INSERT INTO work.guarded VALUES (1, 1.5, 'a'), (2, 2.5, 'b'), (3, 3.5, 'c');
CALL tests.refused('SELECT * FROM ml.change_log');
RESET search_path; RESET ROLE;
SET search_path = work;
SELECT * FROM announced('guarded');
SELECT statistics('mean');
-- Row-level security and column privileges do not change what is counted.
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY blind ON guarded FOR SELECT TO monitor_writer USING (false);
CREATE POLICY writes ON guarded FOR INSERT TO monitor_writer WITH CHECK (true);
SET ROLE monitor_writer;
INSERT INTO work.guarded VALUES (4, 4.5, 'd'), (5, 5.5, 'e');
RESET ROLE;
SELECT pending('guarded'), statistics('value', 'mean');
DROP OWNED BY monitor_writer CASCADE;
DROP ROLE monitor_writer;

-- 11. A retraining is queued once, in the name of who watches; a model that is gone is no reason to refuse rows.
SET search_path = work, ml;
CREATE TABLE history AS SELECT i AS id, i % 10 AS a, i % 7 AS b, (i % 10 > 4) AS y FROM generate_series(1, 200) AS i;
SELECT version FROM train('watched', 'history', 'y', features => '{a,b}', task => 'classification');
SELECT watch('history', 'watched', threshold => 5, min_interval => '0 s', gate => '{"metric": "f1"}') IS NOT NULL AS watched;
BEGIN;
INSERT INTO history SELECT 1000 + i, i, i, true FROM generate_series(1, 6) AS i;
INSERT INTO history SELECT 1000 + i, i, i, true FROM generate_series(1, 7) AS i;
SELECT row_count, job_id IS NOT NULL AS new_job FROM announcements WHERE relation::oid = 'history'::regclass AND channel IS NOT NULL ORDER BY announcement_id;
SELECT model, kind, state, run_as::oid = current_user::regrole AS mine, payload FROM jobs;
ROLLBACK;
SELECT count(*) FROM jobs;
SELECT drop_model('watched');
-- The writer hears nothing of it, however much he wants to hear; who may see the watch sees why.
SET client_min_messages = log;
INSERT INTO history SELECT 2000 + i, i, i, true FROM generate_series(1, 8) AS i;
SET client_min_messages = warning;
SELECT * FROM announced('history');
SELECT error FROM announcements WHERE relation::oid = 'history'::regclass AND channel IS NOT NULL;
SELECT model, last_count, job_id, job_error FROM watch_status WHERE model = 'watched';
SELECT version FROM train('watched', 'history', 'y', features => '{a,b}', task => 'classification', alias => 'champion');
BEGIN;
SELECT job_id IS NOT NULL AS queued FROM request_retrain('{"model": "watched"}') AS job_id;
SELECT job_state, job_error FROM watch_status WHERE model = 'watched';
ROLLBACK;
BEGIN;
INSERT INTO history SELECT 2000 + i, i, i, true FROM generate_series(1, 8) AS i;
SELECT last_count, job_state, job_error FROM watch_status WHERE model = 'watched';
ROLLBACK;

-- 12. A table that is dropped or renamed while it is watched.
ALTER TABLE counted RENAME TO renamed;
INSERT INTO renamed SELECT generate_series(1, 11);
SELECT payload ->> 'table' AS table FROM announced('renamed') OFFSET 7;
DROP TABLE renamed;
SELECT count(*) FROM check_watches() AS c WHERE NOT EXISTS (SELECT FROM pg_class AS r WHERE r.oid = c.relation);

-- 13. Indexes that the owner of the tables adds are kept right.
CREATE INDEX by_day ON data_statistics (date_trunc('day', "timestamp" AT TIME ZONE 'UTC'));
CREATE INDEX large ON data_statistics (event_id) WHERE row_count > 100;
CREATE INDEX by_key ON data_statistics USING gin (feature_stats);
INSERT INTO sales (id, value) SELECT i, 7 FROM generate_series(5000, 5200) AS i;
SET enable_seqscan = off;
SET plan_cache_mode = force_custom_plan;
SELECT count(*) FROM data_statistics WHERE row_count > 100 AND event_id = (SELECT max(event_id) FROM data_statistics);
SELECT count(*) FROM data_statistics WHERE feature_stats @> '{"value": {"mean": 7, "count": 201}}';
SELECT count(*) > 0 AS found FROM data_statistics WHERE date_trunc('day', "timestamp" AT TIME ZONE 'UTC') = date_trunc('day', now() AT TIME ZONE 'UTC') AND row_count = 201;

-- 14. What was written is what PostgreSQL makes of the same JSON, to the byte.
DO $$
DECLARE number float8;
BEGIN
    FOR number IN SELECT s * m * 10.0::float8 ^ e FROM generate_series(-300, 300) AS e, unnest('{1,-1}'::int[]) AS s, unnest('{1,9.999999999999999,1.2345678901234567}'::float8[]) AS m LOOP
        INSERT INTO work.numbers (a) VALUES (number);
        IF (work.statistics('a', 'max'))::float8 IS DISTINCT FROM number THEN RAISE WARNING '% is written %', number, work.statistics('a', 'max'); END IF;
    END LOOP;
END $$;
CREATE TEMPORARY TABLE again AS SELECT event_id, feature_stats::text::jsonb AS made FROM data_statistics;
SELECT count(*) > 3600 AS many, count(*) FILTER (WHERE d.feature_stats <> a.made OR d.feature_stats::text <> a.made::text OR pg_column_size(d.feature_stats) <> pg_column_size(a.made)) AS different
  FROM data_statistics AS d JOIN again AS a USING (event_id);

-- Whoever owns the extension need not be a superuser, and may alter its tables: no value is taken for one of
-- another type.
CREATE TABLE altered (i int);
SELECT ml.watch('altered', threshold => 0) IS NOT NULL AS made;
BEGIN;
ALTER TABLE ml.watches ALTER COLUMN columns TYPE bigint USING 4242;
INSERT INTO altered VALUES (1);
SELECT count(*) FROM ml.data_statistics WHERE relid::oid = 'altered'::regclass;
ROLLBACK;
BEGIN;
ALTER TABLE ml.data_statistics ALTER COLUMN table_name TYPE bigint USING 4242;
CALL tests.refused($$INSERT INTO altered VALUES (1)$$);
ROLLBACK;
BEGIN;
DROP INDEX ml.announcements_latest;
CREATE INDEX announcements_latest ON altered (i);
CALL tests.refused($$INSERT INTO altered VALUES (1)$$);
ROLLBACK;
BEGIN;
DROP INDEX ml.announcements_latest;
CREATE INDEX announcements_latest ON ml.announcements USING brin (watch_id, relation, announcement_id);
CALL tests.refused($$INSERT INTO altered VALUES (1)$$);
ROLLBACK;
INSERT INTO altered VALUES (1);
SELECT last_count FROM ml.watch_status WHERE relation = 'altered'::regclass;
