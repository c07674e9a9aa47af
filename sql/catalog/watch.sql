-- Watches: what sessions remember of them, what their owners and the owners of the relations see of them.

-- A session remembers the watches of the relations it writes to until it is told of a change.
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON watches
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();

COMMENT ON FUNCTION watch(regclass, text, bigint, text[], text, interval, jsonb) IS
    'from now on counts the rows that INSERT, UPDATE, DELETE, MERGE and COPY change in a table and its partitions, keeps statistics of them, and each time that more than threshold have changed since the last time notifies a channel and has the model retrained; again for the same table and model it changes the settings; returns the number of the watch. Rows that logical replication applies are counted by check_watches';
COMMENT ON FUNCTION unwatch(regclass) IS
    'ends the watches of a table: all of them for its owner, else those of the caller; returns how many there were';
