-- Refuses to live in schema public, where names as plain as "train" or "predict" would shadow or be
-- shadowed by the users' own.
DO $refuse$
BEGIN
    IF '@extschema@' = 'public' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_schema_name',
            MESSAGE = 'pglearn cannot be installed in schema "public"',
            DETAIL = 'Its functions have short names and belong in a schema of their own.',
            HINT = 'CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml;';
    END IF;
END
$refuse$;
