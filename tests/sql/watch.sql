-- Watches: which relations take part in the loop, on every level of a tree of partitions; what is refused, and why.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;
CREATE VIEW triggers AS
SELECT tgrelid::regclass AS relation, string_agg(replace(tgname, 'pglearn_watch_', ''), ' ' ORDER BY tgname) AS triggers
  FROM pg_trigger WHERE tgname LIKE 'pglearn\_watch\_%' GROUP BY tgrelid ORDER BY tgrelid::regclass::text COLLATE "C";
CREATE VIEW status AS SELECT relation, model, threshold, pending, last_event IS NOT NULL AS events, last_count FROM watch_status ORDER BY watch_id;
CREATE TABLE history AS
SELECT k AS id, ((k * 37) % 61)::int AS tenure, ((k * 53) % 97)::float8 AS charges, ((k * 37) % 61) + ((k * 13) % 29) < 40 AS churned,
       3 * ((k * 37) % 61) + (k * 17 % 5) AS revenue
  FROM generate_series(1, 300) AS k;
SELECT version FROM train('churn', 'history', 'churned', features => '{tenure,charges}');
SELECT version FROM train('revenue', 'history', 'revenue', features => '{tenure,charges}', algorithm => 'linear_regression');
SET client_min_messages = notice;

-- The call of the documentation: a row, four triggers, the beginning of the count.
CREATE TABLE customers (id int PRIMARY KEY, tenure int, charges float8, churned boolean);
INSERT INTO customers VALUES (1, 1, 1, true), (2, 2, 2, false);
SELECT watch('customers', 'churn', threshold => 10, columns => '{tenure,charges}', gate => '{"metric": "roc_auc", "guardrails": {"log_loss": 0.1}}') AS watch_id \gset
SELECT relation, model, threshold, columns, channel, min_interval, gate, owner::oid = current_user::regrole AS mine FROM watches;
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'customers'::regclass ORDER BY oid;
SELECT row_count, channel, payload, job_id, event_id FROM announcements WHERE watch_id = :watch_id;
SELECT * FROM status;

-- What changes is counted; what was there is not, and what is undone is not.
INSERT INTO customers VALUES (3, 3, 3, true), (4, 4, 4, false);
UPDATE customers SET charges = 5 WHERE id < 3;
DELETE FROM customers WHERE id = 4;
INSERT INTO customers SELECT 5, 5, 5, true WHERE false;
BEGIN; DELETE FROM customers; SELECT pending FROM status; ROLLBACK;
BEGIN; SAVEPOINT s; DELETE FROM customers; ROLLBACK TO s; SELECT pending FROM status; COMMIT;
SELECT * FROM status;
SELECT watch_id = :watch_id AS this, relation, model, pending, announced, job_id FROM check_watches();

-- Again for the same table and model: other settings, the same watch, and the count goes on. Defaults are defaults again.
SELECT watch('customers', 'churn', threshold => 20, channel => 'elsewhere', min_interval => '1 mon -3 days 0.5 s') = :watch_id AS same;
SELECT threshold, columns, channel, min_interval, gate FROM watches;
SELECT watch('customers', 'churn') = :watch_id AS same;
SELECT threshold, columns, channel, min_interval, gate FROM watches;
SELECT watch('customers', 'churn', NULL, NULL, NULL, NULL, NULL) = :watch_id AS same;
SET intervalstyle = sql_standard;
SELECT watch('customers', 'churn', min_interval => '1 mon 2 days -3 hours') = :watch_id AS same;
SELECT watch('customers', 'churn', min_interval => interval '-1 days' + interval '25 hours') = :watch_id AS same;
RESET intervalstyle;
SELECT min_interval FROM watches;
SELECT pending FROM status;
-- Another model, and none: watches of their own.
SELECT watch('customers', 'revenue', gate => '{"archive_existing_versions": true}') <> :watch_id AS other, watch('customers') <> :watch_id AS another;
SELECT watch('customers') = max(watch_id) AS same FROM watches;
INSERT INTO customers VALUES (6, 6, 6, true);
SELECT * FROM status;
SELECT * FROM triggers;

-- The end: all of them for the owner of the table, and then nothing is counted any more.
SELECT unwatch('customers');
SELECT * FROM triggers;
SELECT count(*) FROM watches;
INSERT INTO customers VALUES (7, 7, 7, true);
SELECT unwatch('customers');

-- An announcement: more than the threshold, once, and the count begins anew.
SELECT watch('customers', threshold => 2) AS watch_id \gset
INSERT INTO customers VALUES (8, 8, 8, true), (9, 9, 9, true);
SELECT pending, last_count FROM status;
INSERT INTO customers VALUES (10, 10, 10, true);
SELECT pending, last_count FROM status;
SELECT row_count, channel, payload::jsonb - 'event_id' AS payload FROM announcements WHERE watch_id = :watch_id ORDER BY announcement_id;
DELETE FROM customers WHERE id = 10;
SELECT pending, last_count FROM status;
SELECT pending, announced FROM check_watches();
-- What waits may be enough by a lower threshold; by an update of the table, it is for whoever looks.
SELECT watch('customers', threshold => 0) = :watch_id AS same;
SELECT pending, last_count FROM status;
SELECT watch('customers', threshold => 2) = :watch_id AS same;
DELETE FROM customers WHERE id IN (8, 9);
UPDATE watches SET threshold = 1;
SELECT pending, announced, job_id FROM check_watches();
SELECT pending, announced, job_id FROM check_watches();
TRUNCATE customers;
SELECT pending, last_count FROM status;
-- In a transaction: the beginning and the end are undone with it.
SELECT unwatch('customers');
BEGIN; SELECT watch('customers') IS NOT NULL AS made; INSERT INTO customers VALUES (1); SELECT pending FROM status; ROLLBACK;
SELECT * FROM status;
SELECT * FROM triggers;
BEGIN; SELECT watch('customers') IS NOT NULL AS made; SAVEPOINT s; SELECT unwatch('customers'); ROLLBACK TO s; INSERT INTO customers VALUES (1), (2); SELECT pending FROM status; COMMIT;
SELECT * FROM status;
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT watch('customers', 'revenue') IS NOT NULL AS made; INSERT INTO customers VALUES (3); SELECT pending FROM status; COMMIT;
SELECT * FROM status;
-- Altered, renamed: it goes on. Dropped: it is forgotten.
ALTER TABLE customers DROP COLUMN charges, ADD COLUMN note text;
ALTER TABLE customers RENAME TO clients;
INSERT INTO clients (id, note) VALUES (4, 'x');
SELECT * FROM status;
DROP TABLE clients;
SELECT count(*) FROM check_watches();
SELECT count(*) FROM watches;

-- Partitions: triggers on every level; a statement counts for the relation it names and for all above.
CREATE TABLE parts (id int, v float8) PARTITION BY RANGE (id);
CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE high PARTITION OF parts FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
CREATE TABLE high_first PARTITION OF high FOR VALUES FROM (100) TO (150);
SELECT watch('parts') IS NOT NULL AS made;
SELECT watch('high') IS NOT NULL AS made;
SELECT * FROM triggers;
INSERT INTO parts VALUES (1, 1), (101, 1);
SELECT relation, pending FROM status;
INSERT INTO low VALUES (2, 2);
INSERT INTO high_first VALUES (102, 2), (103, 3), (104, 4);
SELECT relation, pending FROM status;
INSERT INTO high VALUES (105, 5);
SELECT relation, pending FROM status;
-- Made, attached, nested, default: watched from the next sweep on.
CREATE TABLE others PARTITION OF parts DEFAULT;
CREATE TABLE high_second (v float8, id int);
ALTER TABLE high ATTACH PARTITION high_second FOR VALUES FROM (150) TO (200);
CREATE TABLE far (id int, v float8) PARTITION BY RANGE (id);
CREATE TABLE far_first PARTITION OF far FOR VALUES FROM (1000) TO (1100);
ALTER TABLE parts ATTACH PARTITION far FOR VALUES FROM (1000) TO (2000);
SELECT relation, pending FROM check_watches();
SELECT * FROM triggers;
INSERT INTO others VALUES (-1, 1);
INSERT INTO high_second VALUES (6, 151);
INSERT INTO far_first VALUES (1001, 7);
SELECT relation, pending FROM status;
-- Rows that move between partitions are one UPDATE.
UPDATE parts SET id = 3 WHERE id = 101;
SELECT relation, pending FROM status;
-- Detached: what is written to it counts no more.
ALTER TABLE parts DETACH PARTITION low;
INSERT INTO low VALUES (4, 4);
SELECT relation, pending FROM status;
SELECT unwatch('low');
SELECT relation FROM triggers WHERE relation = 'low'::regclass;
-- The end of the watch on the root leaves the one below it alone.
SELECT unwatch('parts');
SELECT * FROM triggers;
INSERT INTO high_first VALUES (110, 1);
SELECT relation, pending FROM status;
SELECT unwatch('high');
SELECT * FROM triggers;
-- Nor can a table with parts elsewhere: writing to them through it would fail.
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE remote PARTITION OF parts FOR VALUES FROM (5000) TO (6000) SERVER nowhere;
CALL tests.refused($$SELECT watch('parts')$$);
DROP FOREIGN TABLE remote;
CREATE TABLE family (id int);
CREATE FOREIGN TABLE remote () INHERITS (family) SERVER nowhere;
CALL tests.refused($$SELECT watch('family')$$);
ALTER FOREIGN TABLE remote NO INHERIT family;
DROP TABLE family;

-- A partition that is detached is not counted any more; what is left on it does nothing, and goes. Children that are no
-- partitions count for statements that name the parent.
CREATE TABLE whole (id int, v int) PARTITION BY LIST (id);
CREATE TABLE piece PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
SELECT watch('whole') IS NOT NULL AND watch('parent') IS NOT NULL AS made;
INSERT INTO piece VALUES (1, 1);
ALTER TABLE whole DETACH PARTITION piece;
INSERT INTO piece VALUES (1, 2);
INSERT INTO child VALUES (1), (2), (3);
INSERT INTO parent VALUES (4);
UPDATE parent SET id = id;
SELECT relation, pending FROM watch_status WHERE relation IN ('whole'::regclass, 'parent'::regclass) ORDER BY relation::text;
SELECT table_name, operation, row_count FROM data_statistics WHERE table_name IN ('piece', 'child', 'parent') ORDER BY event_id;
SELECT unwatch('whole'), unwatch('piece'), unwatch('parent');
SELECT * FROM triggers WHERE relation IN ('whole'::regclass, 'piece'::regclass, 'parent'::regclass);
DROP TABLE whole, piece, parent, child;

-- Nor is counted what disabled triggers would.
CREATE TABLE quiet (id int);
SELECT watch('quiet') IS NOT NULL AS made;
ALTER TABLE quiet DISABLE TRIGGER pglearn_watch_delete;
SELECT watch('quiet') IS NOT NULL AS made;
ALTER TABLE quiet ENABLE TRIGGER pglearn_watch_delete;
SELECT watch('quiet') IS NOT NULL AS made;
SELECT unwatch('quiet');
DROP TABLE quiet;

-- What cannot be watched.
CREATE VIEW clients AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW summary AS SELECT 1 AS id;
CREATE TEMP TABLE passing (id int);
CREATE SEQUENCE numbers;
CALL tests.refused($$SELECT watch('clients')$$);
CALL tests.refused($$SELECT watch('summary', 'churn')$$);
CALL tests.refused($$SELECT watch('remote', 'churn')$$);
CALL tests.refused($$SELECT watch('passing')$$);
CALL tests.refused($$SELECT watch('numbers')$$);
CALL tests.refused($$SELECT watch('pg_class')$$);
CALL tests.refused($$SELECT watch('watches')$$);
CALL tests.refused($$SELECT watch('watch_status')$$);
CALL tests.refused($$SELECT watch(1::oid::regclass)$$);
CALL tests.refused($$SELECT watch('history', 'chum')$$);
CALL tests.refused($$SELECT watch('history', '')$$);
CALL tests.refused($$SELECT watch('history', columns => '{tenure,charge}')$$);
CALL tests.refused($$SELECT watch('history', columns => '{tenure,NULL}')$$);
CALL tests.refused($$SELECT watch('history', columns => '{xxxxxxxxxxxx}')$$);
CALL tests.refused($$SELECT watch('history', threshold => -1)$$);
CALL tests.refused($$SELECT watch('history', channel => '')$$);
CALL tests.refused($$SELECT watch('history', channel => repeat('é', 32))$$);
CALL tests.refused($$SELECT watch('history', min_interval => '-1 second')$$);
CALL tests.refused($$SELECT watch('history', min_interval => '1 mon -31 days')$$);
CALL tests.refused($$SELECT watch('history', min_interval => '1000 years 1 microsecond')$$);
CALL tests.refused($$SELECT watch('history', gate => '{}')$$);
CALL tests.refused($$SELECT watch('history', 'churn', gate => '{"metrics": 1}')$$);
CALL tests.refused($$SELECT watch('history', 'churn', gate => '{"metric": "rmse"}')$$);
CALL tests.refused($$SELECT watch('history', 'revenue', gate => '{"guardrails": {"roc_auc": 0}}')$$);
CALL tests.refused($$SELECT watch(NULL)$$);
CALL tests.refused($$SELECT unwatch(NULL)$$);
CALL tests.refused($$SELECT unwatch(1::oid::regclass)$$);
-- A model that nothing says how to train.
SELECT drop_version('revenue', 1);
CALL tests.refused($$SELECT watch('history', 'revenue')$$);
SET client_min_messages = warning;
SELECT linregr_train('history', 'lin', 'revenue', 'ARRAY[1, tenure]');
SELECT register_model('registered', 'lin');
SET client_min_messages = notice;
CALL tests.refused($$SELECT watch('history', 'registered')$$);
-- Nor one that no background worker could train again as things are.
CREATE TEMP TABLE passing_history AS SELECT * FROM history;
CREATE TABLE leaving AS SELECT * FROM history;
SET client_min_messages = warning;
SELECT version FROM train('of_all', 'history', 'churned', features => '{tenure,charges}', split => '{"method": "none"}');
SELECT version FROM train('of_passing', 'passing_history', 'churned', features => '{tenure,charges}');
SELECT version FROM train('of_leaving', 'leaving', 'churned', features => '{tenure,charges}');
DROP TABLE leaving;
SET client_min_messages = notice;
CALL tests.refused($$SELECT watch('history', 'of_all')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "of_all"}')$$);
CALL tests.refused($$SELECT watch('history', 'of_passing')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "of_passing"}')$$);
CALL tests.refused($$SELECT watch('history', 'of_leaving')$$);
CALL tests.refused($$SELECT request_retrain('{"model": "of_leaving"}')$$);
-- A name of ours that is somebody else's.
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER pglearn_watch_update AFTER UPDATE ON history FOR EACH STATEMENT EXECUTE FUNCTION nothing();
CALL tests.refused($$SELECT watch('history')$$);
DROP TRIGGER pglearn_watch_update ON history;
-- Nothing came of all these.
SELECT count(*) FROM watches;
SELECT * FROM triggers;
BEGIN READ ONLY;
CALL tests.refused($$SELECT watch('history')$$);
CALL tests.refused($$SELECT unwatch('history')$$);
CALL tests.refused($$SELECT check_watches()$$);
ROLLBACK;
-- A table that Citus has distributed: its catalog says so.
SET allow_system_table_mods = on;
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
INSERT INTO pg_catalog.pg_dist_partition VALUES ('history');
CALL tests.refused($$SELECT watch('history', 'churn')$$);
TRUNCATE pg_catalog.pg_dist_partition;
SELECT watch('history', 'churn') IS NOT NULL AS made;
DROP TABLE pg_catalog.pg_dist_partition;
RESET allow_system_table_mods;
SELECT unwatch('history');
-- Names that need quotes.
CREATE SCHEMA "Sales ""2024""";
CREATE TABLE "Sales ""2024"""."it's {ml}" ("Total €" int) PARTITION BY RANGE ("Total €");
CREATE TABLE "Sales ""2024"""."part one" PARTITION OF "Sales ""2024"""."it's {ml}" DEFAULT;
SELECT watch($$"Sales ""2024"""."it's {ml}"$$, columns => '{Total €}', channel => 'Ä "b"', threshold => 0) IS NOT NULL AS made;
INSERT INTO "Sales ""2024"""."part one" VALUES (1);
SELECT channel, payload::jsonb - 'event_id' AS payload FROM announcements WHERE row_count > 0 ORDER BY announcement_id DESC LIMIT 1;
SELECT unwatch($$"Sales ""2024"""."it's {ml}"$$);
SELECT * FROM triggers;

-- A trigger written by hand: what concurrent transactions left is announced for it too, by the least of its thresholds.
CREATE TABLE plain (id int);
CREATE TRIGGER counting AFTER INSERT ON plain REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION monitor_new_data('5');
INSERT INTO plain SELECT generate_series(1, 4);
CREATE OR REPLACE TRIGGER counting AFTER INSERT ON plain REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION monitor_new_data('3');
SELECT count(*) FROM check_watches();
SELECT row_count, payload::jsonb - 'event_id' AS payload FROM announcements WHERE watch_id = 0;

-- What has been counted is deleted, also where all tables of the database are published.
TRUNCATE announcements, change_log;
CREATE TABLE published (id int);
SELECT watch('published', threshold => 2) IS NOT NULL AS made;
INSERT INTO published SELECT generate_series(1, 3);
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
\c
SET search_path = work, ml;
SELECT pending FROM check_watches() WHERE relation = 'published'::regclass;
SELECT count(*) FROM change_log WHERE relation = 'published'::regclass;
DROP PUBLICATION everything;
-- What fails for one watch keeps no other one from being announced.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no %', NEW.model; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT watch('history', 'churn', threshold => 1000) IS NOT NULL AND watch('published', threshold => 1000) IS NOT NULL AS made;
INSERT INTO published SELECT generate_series(1, 5);
INSERT INTO history SELECT * FROM history LIMIT 5;
UPDATE watches SET threshold = 3 WHERE relation IN ('published'::regclass, 'history'::regclass);
SELECT relation, pending, announced FROM check_watches() WHERE relation IN ('published'::regclass, 'history'::regclass) ORDER BY relation::text;
DROP TRIGGER refuse ON jobs;
\set VERBOSITY terse
INSERT INTO watches (relation, threshold, channel, min_interval, owner) VALUES ('history'::regclass, 1, 'c', '300000 years', current_user::regrole);
\set VERBOSITY default
SELECT relation, pending, announced FROM check_watches() WHERE relation IN ('published'::regclass, 'history'::regclass) ORDER BY relation::text;

-- A long log is added up in one row; nothing is lost by that, neither in a session that has counted the long one nor in a new one.
CREATE TABLE trickle (id int);
SELECT watch('trickle', threshold => 10020) IS NOT NULL AS made;
DO $$ BEGIN FOR i IN 1 .. 10005 LOOP INSERT INTO work.trickle VALUES (i); END LOOP; END $$;
CREATE VIEW trickling AS
SELECT s.pending, s.last_count, (SELECT count(*) FROM ml.change_log AS c WHERE c.watch_id = s.watch_id) AS log,
       (SELECT count(*) FROM ml.announcements AS a WHERE a.watch_id = s.watch_id) AS marks
  FROM ml.watch_status AS s WHERE s.relation = 'trickle'::regclass;
SELECT * FROM trickling;
SELECT pending, announced FROM check_watches() WHERE relation = 'trickle'::regclass;
SELECT pending, last_count, marks FROM trickling;
INSERT INTO trickle SELECT generate_series(1, 5);
\c
SET search_path = work, ml;
SELECT pending, announced FROM check_watches() WHERE relation = 'trickle'::regclass;
SELECT * FROM trickling;
BEGIN;
INSERT INTO trickle SELECT generate_series(1, 10);
SELECT * FROM trickling;
SAVEPOINT a;
INSERT INTO trickle VALUES (0);
SELECT pending, last_count FROM trickling;
ROLLBACK TO a;
INSERT INTO trickle SELECT generate_series(1, 7);
COMMIT;
SELECT pending, last_count FROM trickling;

-- What a model learns from is what the version that serves learned from, not the newest one.
CREATE TABLE copied AS SELECT * FROM history;
SET client_min_messages = warning;
SELECT version, status FROM train('two_sources', 'history', 'churned', alias => 'champion');
SELECT version, status FROM train('two_sources', 'copied', 'churned');
RESET client_min_messages;
SELECT watch('history', 'two_sources') IS NOT NULL AS made;
SELECT watch('copied', 'two_sources') IS NOT NULL AS made;
