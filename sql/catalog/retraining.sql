-- The retraining loop: who watches which relation, what its statements did, which trainings wait or run.
--
-- Counting without contention. Every statement on a watched relation appends a row to data_statistics (for
-- people) and one to change_log for each watch (for counting). No row is ever updated to count. An
-- announcement keeps the snapshot under which rows were counted; what that snapshot does not see is counted
-- by the next one: each row once, whatever the order in which transactions commit.

CREATE TABLE watches (
    watch_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relation     relation_reference NOT NULL,
    model        text COLLATE "C",
    threshold    bigint NOT NULL CHECK (threshold >= 0),
    columns      text[] COLLATE "C",
    channel      text COLLATE "C" NOT NULL CHECK (octet_length(channel) BETWEEN 1 AND 63),
    min_interval interval NOT NULL CHECK (min_interval BETWEEN '0'::interval AND '1000 years'::interval),
    gate         jsonb,
    owner        role_reference NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE NULLS NOT DISTINCT (relation, model)
);

CREATE TABLE data_statistics (
    event_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "timestamp"   timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name    text COLLATE "C" NOT NULL,
    relid         relation_reference NOT NULL,
    operation     text COLLATE "C" NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'POLL')),
    row_count     bigint CHECK (row_count >= 0),
    feature_stats jsonb
);

-- The transaction of a row is that of the writer; of a restored row the one that restores it.
CREATE TABLE change_log (
    watch_id  bigint NOT NULL,
    relation  relation_reference NOT NULL,
    xid       xid8 NOT NULL,
    event_id  bigint NOT NULL,
    row_count bigint NOT NULL
);
-- What is counted is deleted, also in a database all of whose tables are published.
ALTER TABLE change_log REPLICA IDENTITY FULL;
CREATE INDEX change_log_counting ON change_log (watch_id, relation, xid, event_id);

-- watch_id 0: a trigger that was written by hand, on a relation that nobody watches.
CREATE TABLE announcements (
    announcement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watch_id        bigint NOT NULL,
    relation        relation_reference NOT NULL,
    event_id        bigint,
    row_count       bigint NOT NULL,
    xid             xid8 NOT NULL,
    snapshot        pg_snapshot NOT NULL,
    channel         text COLLATE "C",
    payload         text,
    job_id          bigint,
    error           text,
    announced_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX announcements_latest ON announcements (watch_id, relation, announcement_id);

-- Notifications of prepared transactions, which cannot send any.
CREATE TABLE outbox (
    outbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel   text COLLATE "C" NOT NULL,
    payload   text NOT NULL
);

-- The database in which a job was queued: jobs that come from a dump wait for resume_jobs().
CREATE FUNCTION job_home() RETURNS bigint
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pglearn_job_home';
COMMENT ON FUNCTION job_home() IS 'identifies this database among all databases of all servers';

CREATE TABLE jobs (
    job_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model            text COLLATE "C" NOT NULL,
    kind             text COLLATE "C" NOT NULL CHECK (kind IN ('train', 'retrain')),
    state            text COLLATE "C" NOT NULL DEFAULT 'queued'
                     CHECK (state IN ('queued', 'running', 'done', 'failed', 'dead', 'cancelled')),
    attempts         integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    max_attempts     integer NOT NULL DEFAULT 3 CHECK (max_attempts BETWEEN 1 AND 100),
    run_as           role_reference NOT NULL,
    payload          jsonb NOT NULL DEFAULT '{}',
    watch_id         bigint,
    not_before       timestamptz NOT NULL DEFAULT clock_timestamp(),
    timeout          interval,
    max_memory       bigint,
    cancel_requested boolean NOT NULL DEFAULT false,
    worker_pid       integer,
    version          integer,
    status           text COLLATE "C",
    metrics          jsonb,
    error            text,
    detail           text,
    hint             text,
    sqlstate         text COLLATE "C",
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    finished_at      timestamptz,
    home             bigint NOT NULL DEFAULT job_home()
);
CREATE INDEX jobs_by_state ON jobs (state, not_before);
CREATE INDEX jobs_by_model ON jobs (model, state);
CREATE INDEX jobs_by_watch ON jobs (watch_id, started_at);

ALTER TABLE watches OWNER TO @extowner@;
ALTER TABLE data_statistics OWNER TO @extowner@;
ALTER TABLE change_log OWNER TO @extowner@;
ALTER TABLE announcements OWNER TO @extowner@;
ALTER TABLE outbox OWNER TO @extowner@;
ALTER TABLE jobs OWNER TO @extowner@;

SELECT pg_catalog.pg_extension_config_dump('watches',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::pg_catalog.oid)');
SELECT pg_catalog.pg_extension_config_dump('watches_watch_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('data_statistics', '');
SELECT pg_catalog.pg_extension_config_dump('data_statistics_event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('jobs', '');
SELECT pg_catalog.pg_extension_config_dump('jobs_job_id_seq', '');

ALTER TABLE watches ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_statistics ENABLE ROW LEVEL SECURITY;
ALTER TABLE change_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE announcements ENABLE ROW LEVEL SECURITY;
ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;

-- A watch belongs to who made it; the owner of the relation sees it and may end it.
CREATE POLICY usable ON watches FOR SELECT USING (
    pg_catalog.pg_has_role(owner::oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));
CREATE POLICY made ON watches FOR INSERT WITH CHECK (
    pg_catalog.pg_has_role(owner::oid, 'USAGE') AND pg_catalog.has_table_privilege(relation::oid, 'TRIGGER'));
CREATE POLICY changed ON watches FOR UPDATE
    USING (pg_catalog.pg_has_role(owner::oid, 'USAGE')) WITH CHECK (pg_catalog.pg_has_role(owner::oid, 'USAGE'));
CREATE POLICY dropped ON watches FOR DELETE USING (
    pg_catalog.pg_has_role(owner::oid, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));

-- Statistics tell of all rows: they are for those who may read all rows.
CREATE POLICY usable ON data_statistics FOR SELECT USING (EXISTS (
    SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relid::oid
       AND (pg_catalog.pg_has_role(c.relowner, 'USAGE')
            OR pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT c.relrowsecurity)));
CREATE POLICY usable ON announcements FOR SELECT USING (
    EXISTS (SELECT FROM watches AS w WHERE w.watch_id = announcements.watch_id)
    OR EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = relation::oid AND pg_catalog.pg_has_role(c.relowner, 'USAGE')));

-- Nobody but the owner of the tables writes to jobs: the functions do, after they have checked what the caller may.
CREATE POLICY usable ON jobs FOR SELECT USING (pg_catalog.pg_has_role(run_as::oid, 'USAGE'));

GRANT SELECT, DELETE ON watches TO PUBLIC;
GRANT INSERT (relation, model, threshold, columns, channel, min_interval, gate, owner) ON watches TO PUBLIC;
GRANT UPDATE (threshold, columns, channel, min_interval, gate) ON watches TO PUBLIC;
GRANT SELECT ON data_statistics TO PUBLIC;
GRANT SELECT ON announcements TO PUBLIC;
GRANT SELECT ON jobs TO PUBLIC;

COMMENT ON TABLE watches IS 'relations whose changes are counted, and what happens when there are enough of them: by watch';
COMMENT ON COLUMN watches.watch_id IS 'number of the watch';
COMMENT ON COLUMN watches.relation IS 'the table that is watched, with its partitions';
COMMENT ON COLUMN watches.model IS 'the model that is retrained; NULL: listeners are notified, nothing else';
COMMENT ON COLUMN watches.threshold IS 'an announcement is made when more rows than this have changed since the last one';
COMMENT ON COLUMN watches.columns IS 'columns that statistics are made of; NULL: all';
COMMENT ON COLUMN watches.channel IS 'where the announcement is sent: LISTEN to it';
COMMENT ON COLUMN watches.min_interval IS 'the least time between the start of one retraining and the next';
COMMENT ON COLUMN watches.gate IS 'on which conditions the new version serves; NULL: when it is not worse than the champion';
COMMENT ON COLUMN watches.owner IS 'who made it; jobs run with the rights of this role';
COMMENT ON COLUMN watches.created_at IS 'when it was made';
COMMENT ON TABLE data_statistics IS 'one row for each statement that changed a watched relation: how many rows, and what they were like';
COMMENT ON COLUMN data_statistics.event_id IS 'number of the event';
COMMENT ON COLUMN data_statistics."timestamp" IS 'when the statement ended';
COMMENT ON COLUMN data_statistics.table_name IS 'bare name of the table that the statement named';
COMMENT ON COLUMN data_statistics.relid IS 'that table';
COMMENT ON COLUMN data_statistics.operation IS 'INSERT, UPDATE, DELETE, TRUNCATE, or POLL for rows that check_watches found';
COMMENT ON COLUMN data_statistics.row_count IS 'rows changed; NULL for TRUNCATE, which does not count them';
COMMENT ON COLUMN data_statistics.feature_stats IS 'by column: mean, std, min, max, count, nulls of numbers (nan and infinite ones apart); counts of the most frequent categories, and of others; first and last of times';
COMMENT ON TABLE change_log IS 'what the next announcement of each watch will count; written by triggers only';
COMMENT ON COLUMN change_log.watch_id IS 'the watch, 0 for a trigger written by hand';
COMMENT ON COLUMN change_log.relation IS 'the watched relation';
COMMENT ON COLUMN change_log.xid IS 'the transaction that changed it';
COMMENT ON COLUMN change_log.event_id IS 'the event';
COMMENT ON COLUMN change_log.row_count IS 'rows changed';
COMMENT ON TABLE announcements IS 'each time that more rows than the threshold had changed: what was counted, sent and queued';
COMMENT ON COLUMN announcements.announcement_id IS 'number of the announcement';
COMMENT ON COLUMN announcements.watch_id IS 'the watch, 0 for a trigger written by hand';
COMMENT ON COLUMN announcements.relation IS 'the watched relation';
COMMENT ON COLUMN announcements.event_id IS 'the last event of its own transaction that it counts';
COMMENT ON COLUMN announcements.row_count IS 'rows changed since the announcement before; 0: counting began, or many changes were added up in one row of change_log';
COMMENT ON COLUMN announcements.xid IS 'the transaction that made it';
COMMENT ON COLUMN announcements.snapshot IS 'what it counted: the changes that this snapshot sees';
COMMENT ON COLUMN announcements.channel IS 'where it was sent';
COMMENT ON COLUMN announcements.payload IS 'what was sent';
COMMENT ON COLUMN announcements.job_id IS 'the job that was queued; NULL where none was needed, one was queued already, or none could be: error says why';
COMMENT ON COLUMN announcements.error IS 'why none was, where the model of the watch cannot be retrained';
COMMENT ON COLUMN announcements.announced_at IS 'when';
COMMENT ON TABLE outbox IS 'notifications of transactions that were prepared: sent by the next worker, check_watches or run_pending';
COMMENT ON COLUMN outbox.outbox_id IS 'their order';
COMMENT ON COLUMN outbox.channel IS 'where to';
COMMENT ON COLUMN outbox.payload IS 'what';
COMMENT ON TABLE jobs IS 'trainings that wait for the background worker, run in it, or have ended';
COMMENT ON COLUMN jobs.job_id IS 'number of the job';
COMMENT ON COLUMN jobs.model IS 'name of the model';
COMMENT ON COLUMN jobs.kind IS 'train (a call of train with its arguments) or retrain (the stored recipe on current data)';
COMMENT ON COLUMN jobs.state IS 'queued; running; done; failed: an error that trying again would not mend; dead: given up after max_attempts; cancelled';
COMMENT ON COLUMN jobs.attempts IS 'how often it was begun; who finishes it must be the last one who began';
COMMENT ON COLUMN jobs.max_attempts IS 'how often it is begun at the most';
COMMENT ON COLUMN jobs.run_as IS 'the role whose rights it has';
COMMENT ON COLUMN jobs.payload IS 'arguments';
COMMENT ON COLUMN jobs.watch_id IS 'the watch that asked for it';
COMMENT ON COLUMN jobs.not_before IS 'it is not begun before this time';
COMMENT ON COLUMN jobs.timeout IS 'an attempt that takes longer is cancelled; NULL: pglearn.job_timeout';
COMMENT ON COLUMN jobs.max_memory IS 'kB that it may use for its rows, where that is less than pglearn.max_memory';
COMMENT ON COLUMN jobs.cancel_requested IS 'set by cancel_job; who runs it looks several times a second';
COMMENT ON COLUMN jobs.worker_pid IS 'the process that began it last';
COMMENT ON COLUMN jobs.version IS 'the version that it made';
COMMENT ON COLUMN jobs.status IS 'what became of the version: ready, promoted, refused';
COMMENT ON COLUMN jobs.metrics IS 'its metrics on the hold-out';
COMMENT ON COLUMN jobs.error IS 'message of the last error; why the version was refused';
COMMENT ON COLUMN jobs.detail IS 'its DETAIL';
COMMENT ON COLUMN jobs.hint IS 'its HINT';
COMMENT ON COLUMN jobs.sqlstate IS 'its SQLSTATE';
COMMENT ON COLUMN jobs.created_at IS 'when it was queued';
COMMENT ON COLUMN jobs.started_at IS 'when the last attempt began';
COMMENT ON COLUMN jobs.finished_at IS 'when it ended';
COMMENT ON COLUMN jobs.home IS 'the database it was queued in; a job restored elsewhere is paused until resume_jobs()';
COMMENT ON SEQUENCE watches_watch_id_seq IS 'numbers of watches';
COMMENT ON SEQUENCE data_statistics_event_id_seq IS 'numbers of events';
COMMENT ON SEQUENCE announcements_announcement_id_seq IS 'numbers of announcements';
COMMENT ON SEQUENCE outbox_outbox_id_seq IS 'order of the outbox';
COMMENT ON SEQUENCE jobs_job_id_seq IS 'numbers of jobs';
