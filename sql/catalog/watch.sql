-- Watches: what sessions remember of them, what their owners and the owners of the relations see of them.

-- A session remembers the watches of the relations it writes to until it is told of a change.
CREATE TRIGGER catalog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON watches
    FOR EACH STATEMENT EXECUTE FUNCTION catalog_changed();
