-- Running trainings, in the manner of pg_stat_progress_*.

CREATE VIEW progress AS
    SELECT job_id, pid, model, relation::regclass AS relation, phase, done, total, percent, loss, started_at
      FROM training_progress();
COMMENT ON VIEW progress IS 'running trainings of this database: one row per session that trains';
GRANT SELECT ON progress TO PUBLIC;
COMMENT ON COLUMN progress.job_id IS 'the job that it is done for; NULL for a training of a session';
COMMENT ON COLUMN progress.pid IS 'process that trains';
COMMENT ON COLUMN progress.model IS 'the model, or the table that is to hold it';
COMMENT ON COLUMN progress.relation IS 'the relation whose rows are read; NULL for those of a query';
COMMENT ON COLUMN progress.phase IS 'what it is at: reading rows, iteration, scoring the hold-out, …';
COMMENT ON COLUMN progress.done IS 'rows, iterations or other steps of the phase that are done';
COMMENT ON COLUMN progress.total IS 'how many there are, or may be; NULL where nobody knows';
COMMENT ON COLUMN progress.percent IS 'done of total';
COMMENT ON COLUMN progress.loss IS 'what is being minimised, as it was after the last iteration';
COMMENT ON COLUMN progress.started_at IS 'when the training began';
