-- Watches: what sessions remember of them, what is seen of them, what a dump carries over, and how far
-- logical replication has been counted.

-- A session remembers the watches of the relations it writes to until it is told of a change.
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON watches
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();

-- A dump carries over what no announcement has counted. Announcements stay behind, as transactions have other
-- numbers elsewhere: what is restored counts as changed by the transaction that restores it.
CREATE FUNCTION is_uncounted(change change_log) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = is_uncounted.change.relation::oid)
           AND (is_uncounted.change.watch_id = 0::bigint
                OR EXISTS (SELECT FROM watches AS w WHERE w.watch_id = is_uncounted.change.watch_id))
           AND COALESCE((SELECT CASE WHEN is_uncounted.change.xid = a.xid
                                     THEN is_uncounted.change.event_id > COALESCE(a.event_id, 0::bigint)
                                     ELSE NOT pg_catalog.pg_visible_in_snapshot(is_uncounted.change.xid, a.snapshot) END
                           FROM announcements AS a
                          WHERE a.watch_id = is_uncounted.change.watch_id
                            AND a.relation::oid = is_uncounted.change.relation::oid
                          ORDER BY a.announcement_id DESC LIMIT 1), true);
    END;
COMMENT ON FUNCTION is_uncounted(change_log) IS 'whether the next announcement will count a row of change_log: what a dump carries over';
-- The condition of a dump is text: by a cast it names no schema, which might be renamed.
CREATE CAST (change_log AS boolean) WITH FUNCTION is_uncounted(change_log);
SELECT pg_catalog.pg_extension_config_dump('change_log', 'WHERE change_log::pg_catalog.bool');

CREATE FUNCTION restored_change() RETURNS trigger
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pglearn_restored_change';
COMMENT ON FUNCTION restored_change() IS
    'trigger of change_log: a row that a dump brings counts as changed by the transaction that restores it';
REVOKE ALL ON FUNCTION restored_change() FROM PUBLIC;
CREATE TRIGGER restored_change BEFORE INSERT ON change_log FOR EACH ROW EXECUTE FUNCTION restored_change();

-- Up to where the changes have been counted that logical replication applies to a watched relation: it fires
-- no triggers. The server's statistics say how many rows were changed, data_statistics how many of them
-- by statements.
CREATE TABLE polls (
    relation      relation_reference PRIMARY KEY,
    changed       jsonb NOT NULL,
    logged        bigint NOT NULL,
    mark          bigint NOT NULL,
    surplus       bigint NOT NULL,
    horizon_event bigint NOT NULL,
    horizon       xid8 NOT NULL,
    polled_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
ALTER TABLE polls OWNER TO @extowner@;
ALTER TABLE polls ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE polls IS 'watched relations that logical replication writes to, and up to where their changes have been counted; means nothing elsewhere, so a dump leaves it out';
COMMENT ON COLUMN polls.relation IS 'the watched relation';
COMMENT ON COLUMN polls.changed IS 'of each table of its tree, the rows changed as the statistics of the server counted them at the last poll';
COMMENT ON COLUMN polls.logged IS 'rows that statements had changed, in events later than mark that were committed at the last poll';
COMMENT ON COLUMN polls.mark IS 'an event: those up to it were committed or undone long before the last poll';
COMMENT ON COLUMN polls.surplus IS 'rows that statements have changed and the statistics of the server do not show yet';
COMMENT ON COLUMN polls.horizon_event IS 'the last event whose number was given out at some poll: the next mark';
COMMENT ON COLUMN polls.horizon IS 'when no transaction before this one runs any more, it is';
COMMENT ON COLUMN polls.polled_at IS 'when that was';

-- The numbers are those of the counting: see retraining.sql.
CREATE VIEW watch_status WITH (security_barrier) AS
SELECT w.watch_id,
       w.relation::oid::regclass AS relation,
       w.model,
       w.threshold,
       COALESCE(p.pending, 0::numeric)::bigint AS pending,
       e."timestamp" AS last_event,
       r.announced_at AS last_announcement,
       r.row_count AS last_count,
       j.job_id,
       j.state AS job_state,
       j.status AS job_status,
       CASE WHEN j.created_at > r.announced_at THEN j.error ELSE COALESCE(r.error, j.error) END AS job_error,
       w.owner::oid::regrole AS owner
  FROM watches AS w
  LEFT JOIN LATERAL (
       SELECT n.xid, n.event_id, n.snapshot FROM announcements AS n
        WHERE n.watch_id = w.watch_id AND n.relation::oid = w.relation::oid
        ORDER BY n.announcement_id DESC LIMIT 1) AS a ON true
  LEFT JOIN LATERAL (
       SELECT n.row_count, n.announced_at, n.error FROM announcements AS n
        WHERE n.watch_id = w.watch_id AND n.relation::oid = w.relation::oid AND n.channel IS NOT NULL
        ORDER BY n.announcement_id DESC LIMIT 1) AS r ON true
  LEFT JOIN LATERAL (
       SELECT pg_catalog.sum(c.row_count) FILTER (
                  WHERE CASE WHEN a.xid IS NULL THEN true
                             WHEN c.xid = a.xid THEN c.event_id > COALESCE(a.event_id, 0::bigint)
                             ELSE NOT pg_catalog.pg_visible_in_snapshot(c.xid, a.snapshot) END) AS pending,
              pg_catalog.max(c.event_id) AS event_id
         FROM change_log AS c
        WHERE c.watch_id = w.watch_id AND c.relation::oid = w.relation::oid) AS p ON true
  LEFT JOIN data_statistics AS e ON e.event_id = GREATEST(p.event_id, a.event_id)
  LEFT JOIN LATERAL (
       SELECT q.job_id, q.state, q.status, q.error, q.created_at FROM jobs AS q
        WHERE q.model = w.model AND q.kind = 'retrain'::text AND pg_catalog.pg_has_role(q.run_as::oid, 'USAGE')
        ORDER BY q.job_id DESC LIMIT 1) AS j ON true
 WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = w.relation::oid
                  AND (pg_catalog.pg_has_role(w.owner::oid, 'USAGE') OR pg_catalog.pg_has_role(c.relowner, 'USAGE')));
ALTER VIEW watch_status OWNER TO @extowner@;
GRANT SELECT ON watch_status TO PUBLIC;
COMMENT ON VIEW watch_status IS 'watches that the current role made or that are on its relations: how many rows wait to be announced, what the last announcement was and what became of the last retraining of the model';
COMMENT ON COLUMN watch_status.watch_id IS 'number of the watch';
COMMENT ON COLUMN watch_status.relation IS 'the relation';
COMMENT ON COLUMN watch_status.model IS 'the model';
COMMENT ON COLUMN watch_status.threshold IS 'an announcement is made when more rows than this are pending';
COMMENT ON COLUMN watch_status.pending IS 'rows changed since the last announcement';
COMMENT ON COLUMN watch_status.last_event IS 'when a statement changed rows for the last time, as far as its statistics are kept';
COMMENT ON COLUMN watch_status.last_announcement IS 'when the last announcement was made';
COMMENT ON COLUMN watch_status.last_count IS 'how many rows it counted';
COMMENT ON COLUMN watch_status.job_id IS 'the last job that retrains the model, if the current role may see it';
COMMENT ON COLUMN watch_status.job_state IS 'its state';
COMMENT ON COLUMN watch_status.job_status IS 'what became of the version it made: promoted, or refused by the gate';
COMMENT ON COLUMN watch_status.job_error IS 'message of its last error, or why the last announcement could not queue a job';
COMMENT ON COLUMN watch_status.owner IS 'who made the watch';

COMMENT ON FUNCTION watch(regclass, text, bigint, text[], text, interval, jsonb) IS
    'from now on counts the rows that INSERT, UPDATE, DELETE, MERGE and COPY change in a table and its partitions, keeps statistics of them, and each time that more than threshold have changed since the last time notifies a channel and has the model retrained; again for the same table and model it changes the settings; returns the number of the watch. Rows that logical replication applies fire no triggers: check_watches counts them';
COMMENT ON FUNCTION unwatch(regclass) IS
    'ends the watches of a table: all of them for its owner, else those of the caller; returns how many there were';
COMMENT ON FUNCTION check_watches() IS
    'does at once what the background worker does in between: announces what is due of watches of the caller''s or on its tables, sends the notifications of prepared transactions, watches partitions that were attached, counts rows that logical replication applied (as the statistics of the server know them: a second or more behind, and with the rows of transactions that were rolled back); returns the watches that the caller may see, with the rows of an announcement made by this call and the job it queued';
