-- The trigger function of watches, and of triggers that are written by hand.

CREATE FUNCTION monitor_new_data() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pglearn_monitor_new_data';
COMMENT ON FUNCTION monitor_new_data() IS
    'trigger function of watch; also for CREATE TRIGGER … AFTER INSERT ON … REFERENCING NEW TABLE AS n FOR EACH STATEMENT, with the threshold as its argument';
