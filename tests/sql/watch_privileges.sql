-- Who may watch, who sees what of it, in whose name it happens: a writer needs no rights, and gets none.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP ROLE IF EXISTS tests_watcher, tests_writer, tests_reader, tests_analyst, tests_other, tests_gone;
CREATE ROLE tests_watcher; CREATE ROLE tests_writer; CREATE ROLE tests_reader; CREATE ROLE tests_analyst; CREATE ROLE tests_other; CREATE ROLE tests_gone;
CREATE SCHEMA work;
GRANT USAGE, CREATE ON SCHEMA work TO tests_watcher, tests_analyst, tests_other, tests_gone;
GRANT USAGE ON SCHEMA work TO PUBLIC;
GRANT USAGE ON SCHEMA ml TO tests_watcher, tests_reader, tests_analyst, tests_other, tests_gone;
SET search_path = work, ml;
CREATE FUNCTION status() RETURNS TABLE (relation regclass, model text, pending bigint, owner regrole) LANGUAGE sql SECURITY INVOKER AS
$$ SELECT relation, model, pending, owner FROM ml.watch_status ORDER BY watch_id $$;

-- The owner of a table and of a model.
SET ROLE tests_watcher;
CREATE TABLE orders AS SELECT k AS id, ((k * 37) % 61)::int AS tenure, ((k * 37) % 61) + ((k * 13) % 29) < 40 AS churned FROM generate_series(1, 200) AS k;
SELECT version FROM train('churn', 'orders', 'churned', features => '{tenure}');
SELECT watch('orders', 'churn', threshold => 100) IS NOT NULL AS made;
GRANT INSERT, UPDATE, DELETE, TRUNCATE, SELECT (id) ON orders TO tests_writer;
-- A writer without any right on the extension, its schema included.
SET ROLE tests_writer;
INSERT INTO work.orders VALUES (201, 1, true), (202, 2, false);
UPDATE work.orders SET tenure = 3 WHERE id = 201;
DELETE FROM work.orders WHERE id = 202;
CALL tests.refused($$SELECT count(*) FROM ml.watches$$);
CALL tests.refused($$SELECT ml.watch('work.orders')$$);
SET ROLE tests_watcher;
SELECT * FROM status();
SELECT table_name, operation, row_count FROM data_statistics ORDER BY event_id;

-- Statistics tell of all rows: only who may read all rows sees them.
SET ROLE tests_reader;
SELECT (SELECT count(*) FROM data_statistics) AS statistics, (SELECT count(*) FROM watches) AS watches, (SELECT count(*) FROM announcements) AS announcements, (SELECT count(*) FROM watch_status) AS status,
       (SELECT count(*) FROM check_watches()) AS checked;
CALL tests.refused($$SELECT count(*) FROM change_log$$);
CALL tests.refused($$SELECT count(*) FROM outbox$$);
CALL tests.refused($$SELECT count(*) FROM polls$$);
SET ROLE tests_watcher;
GRANT SELECT ON orders TO tests_reader;
SET ROLE tests_reader;
SELECT (SELECT count(*) FROM data_statistics) AS statistics, (SELECT count(*) FROM watches) AS watches, (SELECT count(*) FROM watch_status) AS status;
SET ROLE tests_watcher;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (id < 10) WITH CHECK (true);
SET ROLE tests_reader;
SELECT count(*) FROM data_statistics;
SET ROLE tests_watcher;
SELECT count(*) FROM data_statistics;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON orders FROM tests_reader;
GRANT SELECT (id) ON orders TO tests_reader;
SET ROLE tests_reader;
SELECT count(*) FROM data_statistics;

-- To watch takes TRIGGER on the table, and the model.
SET ROLE tests_analyst;
CALL tests.refused($$SELECT watch('orders')$$);
SET ROLE tests_watcher; GRANT TRIGGER ON orders TO tests_analyst; SELECT grant_model('churn', 'tests_analyst'); SET ROLE tests_analyst;
CALL tests.refused($$SELECT watch('orders', 'churn')$$);
SELECT watch('orders', channel => 'analysts') IS NOT NULL AS made;
SELECT * FROM status();
-- Counts are known to who watches, statistics not.
SET ROLE tests_writer; INSERT INTO work.orders VALUES (203, 1, true); SET ROLE tests_analyst;
SELECT * FROM status();
SELECT count(*) FROM data_statistics;
-- The other way round: a model of one's own, a table of another.
CREATE TABLE mine AS SELECT (k * 37 % 11)::float8 AS x, 2.0 * (k * 37 % 11) + k % 3 AS y FROM generate_series(1, 50) AS k;
SELECT version FROM train('line', 'mine', 'y', algorithm => 'linear_regression');
SELECT watch('orders', 'line', threshold => 50) IS NOT NULL AS made;
-- Others' watches cannot be changed, nor seen, nor made in their name, nor under a number of one's choice.
SET ROLE tests_other;
SELECT * FROM status();
CALL tests.refused($$SELECT watch('orders')$$);
CALL tests.refused($$SELECT unwatch('orders')$$);
SET ROLE tests_watcher; GRANT TRIGGER ON orders TO tests_other; SET ROLE tests_other;
CALL tests.refused($$SELECT watch('orders')$$);
CALL tests.refused($$INSERT INTO watches (relation, threshold, channel, min_interval, owner) VALUES ('mine', 1, 'c', '0', 'tests_other')$$);
CALL tests.refused($$INSERT INTO watches (relation, model, threshold, channel, min_interval, owner) VALUES ('orders', 'm', 1, 'c', '0', 'tests_analyst')$$);
CALL tests.refused($$INSERT INTO watches (watch_id, relation, model, threshold, channel, min_interval, owner) OVERRIDING SYSTEM VALUE VALUES (9, 'orders', 'm', 1, 'c', '0', 'tests_other')$$);
CALL tests.refused($$UPDATE watches SET owner = 'tests_other'$$);
CALL tests.refused($$INSERT INTO change_log VALUES (1, 'orders', '1', 1, 1000000)$$);
CALL tests.refused($$INSERT INTO data_statistics (table_name, relid, operation) VALUES ('orders', 'orders', 'INSERT')$$);
CALL tests.refused($$INSERT INTO announcements (watch_id, relation, row_count, xid, snapshot) VALUES (1, 'orders', 1, '1', '1:1:')$$);
CALL tests.refused($$INSERT INTO outbox (channel, payload) VALUES ('a', 'b')$$);
UPDATE watches SET threshold = 0;
DELETE FROM watches;
CALL tests.refused($$CREATE TRIGGER t BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION restored_change()$$);
-- A watch written by hand for a model that its owner may not train announces, and queues nothing.
CALL tests.refused($$INSERT INTO watches (relation, model, threshold, channel, min_interval, owner) VALUES ('orders', 'churn', 0, 'c', '0', 'tests_other')$$);
SET ROLE tests_watcher; DELETE FROM watches WHERE model = 'churn'; SET ROLE tests_other;
INSERT INTO watches (relation, model, threshold, channel, min_interval, owner) VALUES ('orders', 'churn', 0, 'c', '0', 'tests_other');
SET ROLE tests_writer; INSERT INTO work.orders VALUES (204, 1, true); SET ROLE tests_other;
SELECT row_count, channel, job_id, error FROM announcements ORDER BY announcement_id;
SELECT count(*) FROM jobs;
SELECT unwatch('orders');
SET ROLE tests_watcher; SELECT watch('orders', 'churn', threshold => 100) IS NOT NULL AS made;
-- Who watches may end it; what is left of it belongs to the owner of the table, who sees all and may end all.
SET client_min_messages = notice;
SET ROLE tests_analyst;
SELECT unwatch('orders');
CALL tests.refused($$SELECT unwatch('orders')$$);
SET ROLE tests_watcher;
SELECT * FROM status();
SELECT unwatch('orders');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SET ROLE tests_analyst;
SELECT watch('orders', 'line') IS NOT NULL AS made;
SELECT unwatch('orders');
SET ROLE tests_writer; INSERT INTO work.orders VALUES (205, 1, true);
SET ROLE tests_watcher;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SELECT unwatch('orders');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'orders'::regclass;
SET client_min_messages = warning;

-- Partitions of others: refused before anything is made; attached later, a warning.
CREATE TABLE parts (id int) PARTITION BY RANGE (id);
CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (10);
RESET ROLE;
CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (10) TO (20);
SET ROLE tests_watcher;
CALL tests.refused($$SELECT watch('parts')$$);
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('parts'::regclass, 'parts_a'::regclass);
RESET ROLE; ALTER TABLE parts DETACH PARTITION parts_b; SET ROLE tests_watcher;
SELECT watch('parts') IS NOT NULL AS made;
RESET ROLE; ALTER TABLE parts ATTACH PARTITION parts_b FOR VALUES FROM (10) TO (20); SET ROLE tests_other;
\set VERBOSITY default
-- A stranger could keep the locks: what is others' is left to them and to the worker.
SELECT count(*) FROM check_watches();
SET ROLE tests_watcher;
SELECT count(*) FROM check_watches();
SELECT count(*) FROM check_watches();
RESET ROLE; GRANT TRIGGER ON parts_b TO tests_watcher; SET ROLE tests_watcher;
SELECT count(*) FROM check_watches();
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'pglearn\_watch\_%' GROUP BY 1 ORDER BY 1;
-- Their owner is not the one of the table.
SET client_min_messages = notice;
SET ROLE tests_watcher;
SELECT unwatch('parts');
SET client_min_messages = warning;
RESET ROLE; DROP TABLE parts;

-- The owner of a watched table loses what he had: writers go on, and who looks learns why.
SET ROLE tests_watcher;
SELECT watch('orders', 'churn', threshold => 1) IS NOT NULL AS made;
RESET ROLE;
REVOKE USAGE ON SCHEMA ml FROM tests_watcher;
-- Rolled back, so that no worker comes: what it would say, the server test watches/owner_without_rights shows.
BEGIN;
SET ROLE tests_writer; INSERT INTO work.orders VALUES (301, 1, true), (302, 2, false); RESET ROLE;
SELECT a.row_count, j.run_as, j.model, a.job_id = j.job_id AS queued FROM announcements AS a JOIN jobs AS j USING (job_id);
UPDATE models SET owner = 'tests_other' WHERE name = 'churn';
DELETE FROM jobs;
SET ROLE tests_writer; INSERT INTO work.orders VALUES (303, 1, true), (304, 2, false); RESET ROLE;
SELECT row_count, job_id IS NULL AS nothing_queued, error FROM announcements ORDER BY announcement_id DESC LIMIT 1;
ROLLBACK;
-- A role that is gone: nobody's watch, which counts on; its owner cannot be anybody by chance.
SET ROLE tests_gone;
CREATE TABLE left_behind (id int);
GRANT INSERT ON left_behind TO tests_writer;
SELECT watch('left_behind', threshold => 1) IS NOT NULL AS made;
RESET ROLE;
REASSIGN OWNED BY tests_gone TO tests_other; DROP OWNED BY tests_gone; DROP ROLE tests_gone;
SET ROLE tests_writer; INSERT INTO work.left_behind VALUES (1), (2); SET ROLE tests_other;
SELECT relation, pending FROM watch_status;
CALL tests.refused($$SELECT watch('left_behind')$$);
SELECT unwatch('left_behind');
SELECT watch('left_behind') IS NOT NULL AS made;
RESET ROLE;

-- Nothing of a user's runs with the rights of those who sweep.
SET ROLE tests_other;
CREATE TABLE trap (id int);
CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'as %', current_user; RETURN NULL; END $$;
SELECT watch('trap', threshold => 0, channel => 'x''); DROP TABLE trap; --') IS NOT NULL AS made;
INSERT INTO trap VALUES (1);
SELECT count(*) > 0 AS checked FROM check_watches();
SELECT channel FROM announcements WHERE relation::oid = 'trap'::regclass AND row_count > 0;
CALL tests.refused($$CREATE TRIGGER t AFTER INSERT ON announcements EXECUTE FUNCTION steal()$$);
RESET ROLE;
REASSIGN OWNED BY tests_watcher, tests_writer, tests_reader, tests_analyst, tests_other TO CURRENT_USER;
DROP OWNED BY tests_watcher, tests_writer, tests_reader, tests_analyst, tests_other;

-- A watch that was merely written down, in whatever name, brings no trigger to a table: its owner has not made one.
RESET ROLE;
CREATE TABLE work.secret (k int) PARTITION BY RANGE (k);
CREATE TABLE work.secret_a PARTITION OF work.secret DEFAULT;
INSERT INTO ml.watches (relation, threshold, channel, min_interval, owner) VALUES ('work.secret'::regclass, 1, 'c', '0', 'postgres'::regrole);
SELECT count(*) > 0 AS checked FROM ml.check_watches();
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'work.secret_a'::regclass;
SELECT ml.unwatch('work.secret');
