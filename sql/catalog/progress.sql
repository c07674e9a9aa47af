-- Running trainings, in the manner of pg_stat_progress_*.

CREATE VIEW progress AS
    SELECT job_id, pid, model, relation::regclass AS relation, phase, done, total, percent, loss, started_at
      FROM training_progress();
COMMENT ON VIEW progress IS 'running trainings of this database: one row per session that trains';
GRANT SELECT ON progress TO PUBLIC;
