-- The view of running trainings. A source that looks at the view sees the training it belongs to.
\set SHOW_CONTEXT never
SET search_path = public, ml;
SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'ml' AND table_name = 'progress' ORDER BY ordinal_position;
SELECT count(*) AS running FROM progress;
CREATE TABLE seen (k integer, job_id bigint, mine boolean, model text, relation regclass, phase text, done bigint, started boolean);
CREATE FUNCTION look(k integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO seen SELECT look.k, p.job_id, p.pid = pg_backend_pid(), p.model, p.relation, p.phase, p.done, p.started_at <= clock_timestamp() FROM progress p;
    RETURN k;
END $$;
CREATE TABLE watched AS SELECT k, (k % 7)::float8 AS a, (k * 7) % 5 < 2 AS y FROM generate_series(1, 20000) AS k;
SELECT linregr_train('watched', 'watched_model', 'CASE WHEN k % 19990 = 0 THEN look(k) ELSE k END', 'ARRAY[1, a]');
SELECT * FROM seen;
TRUNCATE seen;
SELECT logregr_train('SELECT CASE WHEN k = 1 THEN look(k) ELSE k END AS k, a, y FROM watched OFFSET 0', '"A model with a name of more bytes than the view has room for, ä"', 'y', 'ARRAY[1, a, k]');
SELECT k, mine, model, relation, phase FROM seen;
TRUNCATE seen;
SELECT area_under_roc('watched', 'watched_auc', 'CASE WHEN k = 1 THEN look(k) ELSE k END', 'y');
SELECT mean_abs_error('watched', 'watched_mae', 'CASE WHEN k = 1 THEN look(k) ELSE k END', 'a');
SELECT mine, model, relation, phase FROM seen;
-- Nothing is left when a training ends, whichever way.
SELECT count(*) AS running FROM progress;
CALL tests.refused($$SELECT linregr_train('watched', 'broken', 'a', 'ARRAY[1, 1 / (k - 500)]')$$);
SELECT count(*) AS running FROM progress;
-- Readable for everybody who may use the schema.
SELECT has_table_privilege('public', 'ml.progress', 'SELECT') AS "everybody";
