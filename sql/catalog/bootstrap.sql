-- Refuses to live in schema public, where names as plain as "train" or "predict" would shadow or be
-- shadowed by the users' own.
DO $refuse$
BEGIN
    -- A database owner may have made operators in the schema, which the search_path of this script finds and
    -- which would run here as a superuser: every operator is named with its schema.
    IF '@extschema@'::pg_catalog.text OPERATOR(pg_catalog.=) 'public'::pg_catalog.text THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_schema_name',
            MESSAGE = 'pglearn cannot be installed in schema "public"',
            DETAIL = 'Its functions have short names and belong in a schema of their own.',
            HINT = 'CREATE SCHEMA ml; CREATE EXTENSION pglearn SCHEMA ml;';
    END IF;
    -- Names, labels and expressions pass through as UTF-8; bytes of another encoding would be damaged.
    IF pg_catalog.getdatabaseencoding()::pg_catalog.text OPERATOR(pg_catalog.<>) ALL ('{UTF8,SQL_ASCII}'::pg_catalog.text[]) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'pglearn needs a database in encoding UTF8',
            DETAIL = pg_catalog.concat('This one is in ', pg_catalog.getdatabaseencoding(), '.'),
            HINT = 'CREATE DATABASE learning ENCODING ''UTF8'' TEMPLATE template0;';
    END IF;
END
$refuse$;
