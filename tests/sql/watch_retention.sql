-- What is thrown away, and what is kept although it is old: what has still to be counted, what counting goes by.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;
CREATE TABLE t (id int);
CREATE TABLE dropped (id int);
SELECT watch('t', threshold => 3, min_interval => '60 days') AS watch_id \gset
SELECT watch('dropped') AS dropped_id \gset
CREATE FUNCTION kept() RETURNS TABLE (what text, kept text) LANGUAGE sql AS $$
SELECT 'statistics', string_agg(table_name || ' ' || row_count, ', ' ORDER BY event_id) FROM data_statistics
UNION ALL SELECT 'changes', string_agg(coalesce(to_regclass(relation::oid::regclass::text)::text, 'gone') || ' ' || row_count, ', ' ORDER BY event_id) FROM change_log
UNION ALL SELECT 'announcements', string_agg(row_count::text, ', ' ORDER BY announcement_id) FROM announcements
UNION ALL SELECT 'jobs', string_agg(model, ', ' ORDER BY job_id) FROM jobs
UNION ALL SELECT 'outbox', string_agg(channel, ', ' ORDER BY outbox_id) FROM outbox $$;
INSERT INTO t VALUES (1), (2);
INSERT INTO t VALUES (3), (4);
INSERT INTO dropped SELECT generate_series(1, 7);
INSERT INTO t VALUES (5);
DROP TABLE dropped;
UPDATE data_statistics SET "timestamp" = now() - interval '31 days';
UPDATE announcements SET announced_at = now() - interval '31 days';
INSERT INTO t VALUES (6), (7);
INSERT INTO jobs (model, kind, state, run_as, watch_id, started_at, finished_at, not_before) VALUES
    ('old of the watch', 'retrain', 'done', 'postgres', :watch_id, now() - interval '61 days', now() - interval '61 days', 'infinity'),
    ('last of the watch', 'retrain', 'dead', 'postgres', :watch_id, now() - interval '31 days', now() - interval '31 days', 'infinity'),
    ('last of a watch that ended', 'retrain', 'done', 'postgres', :dropped_id, now() - interval '31 days', now() - interval '31 days', 'infinity'),
    ('old failed', 'train', 'failed', 'postgres', NULL, NULL, now() - interval '31 days', 'infinity'),
    ('old cancelled', 'train', 'cancelled', 'postgres', NULL, NULL, now() - interval '31 days', 'infinity'),
    ('recent', 'train', 'done', 'postgres', NULL, NULL, now() - interval '29 days', 'infinity'),
    ('waits', 'train', 'queued', 'postgres', NULL, NULL, NULL, 'infinity');
INSERT INTO outbox (channel, payload) VALUES ('prepared', '{}');
SELECT * FROM kept();
SELECT pending FROM watch_status;
-- Under REPEATABLE READ nothing is thrown away: somebody else may be doing so.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM check_watches();
SELECT * FROM kept();
COMMIT;
\c -
SET search_path = work, ml;
SELECT pending, announced FROM check_watches();
SELECT * FROM kept();
SELECT count(*) FROM watches;
-- A row of the log that is restored, or written by hand, is of the transaction that writes it.
BEGIN;
INSERT INTO change_log VALUES (:watch_id, 't', '3', 1, 10);
SELECT xid = pg_current_xact_id() AS own, row_count FROM change_log WHERE row_count = 10;
SELECT pending FROM watch_status;
ROLLBACK;
CALL tests.refused($$CREATE TABLE c (xid xid8); CREATE TRIGGER c AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION restored_change(); INSERT INTO c VALUES ('1')$$);
CALL tests.refused($$CREATE TABLE c (x int); CREATE TRIGGER c BEFORE INSERT ON c FOR EACH ROW EXECUTE FUNCTION restored_change(); INSERT INTO c VALUES (1)$$);
