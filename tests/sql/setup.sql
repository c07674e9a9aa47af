-- Runs once, before every other suite: the extension, and the reference numbers of tests/reference with
-- the functions that compare a model with them.
\set VERBOSITY terse
CREATE SCHEMA ml;
CREATE EXTENSION pglearn SCHEMA ml;

CREATE SCHEMA reference;
CREATE TABLE reference.documents (name text PRIMARY KEY, document jsonb NOT NULL);

-- pg_regress exports PG_ABS_SRCDIR, the folder that holds sql/, expected/ and reference/
\set document `cat "$PG_ABS_SRCDIR/reference/patients.json"`
INSERT INTO reference.documents VALUES ('patients', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/houses.json"`
INSERT INTO reference.documents VALUES ('houses', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/wine.json"`
INSERT INTO reference.documents VALUES ('wine', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/telco.json"`
INSERT INTO reference.documents VALUES ('telco', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/synthetic.json"`
INSERT INTO reference.documents VALUES ('synthetic', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/metrics.json"`
INSERT INTO reference.documents VALUES ('metrics', :'document');
\set document `cat "$PG_ABS_SRCDIR/reference/models.json"`
INSERT INTO reference.documents VALUES ('models', :'document');
\unset document

-- The part of a document at a path.
CREATE FUNCTION reference.part(name text, VARIADIC path text[]) RETURNS jsonb LANGUAGE sql STABLE AS
$$ SELECT d.document #> part.path FROM reference.documents d WHERE d.name = part.name $$;

-- The numbers of a JSON number, array or matrix, row by row.
CREATE FUNCTION reference.numbers(value jsonb) RETURNS float8[] LANGUAGE sql IMMUTABLE AS
$$ SELECT array_agg((v #>> '{}')::float8 ORDER BY n)
     FROM jsonb_path_query(value, 'lax $[*][*]') WITH ORDINALITY AS q(v, n) $$;

-- The largest relative difference; infinite where a number is absent. Numbers below 1e-290 count as zero.
CREATE FUNCTION reference.difference(got float8[], want float8[]) RETURNS float8 LANGUAGE sql IMMUTABLE AS
$$ SELECT coalesce(max(CASE WHEN g = w OR abs(g) < 1e-290 AND abs(w) < 1e-290 THEN 0
                            WHEN g IS NULL OR w IS NULL OR w = 0 THEN 'Infinity'
                            ELSE abs(g - w) / greatest(abs(w), 1e-290) END), 'Infinity')
     FROM unnest(got, want) AS v(g, w) $$;

CREATE FUNCTION reference.verdict(got float8[], want float8[], tolerance float8 DEFAULT 1e-8) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN d <= tolerance THEN 'within ' || tolerance ELSE 'OFF BY ' || d END
     FROM reference.difference(got, want) AS d $$;

CREATE FUNCTION reference.verdict(got float8, want jsonb, tolerance float8 DEFAULT 1e-8) RETURNS text
LANGUAGE sql IMMUTABLE AS
$$ SELECT reference.verdict(ARRAY[got], reference.numbers(want), tolerance) $$;

-- A model row (to_jsonb of it) against a document: one line for each quantity both have.
CREATE FUNCTION reference.compare(got jsonb, want jsonb, tolerance float8 DEFAULT 1e-8)
RETURNS TABLE(quantity text, verdict text) LANGUAGE sql IMMUTABLE AS
$$ SELECT key, reference.verdict(reference.numbers(got -> key), reference.numbers(value), tolerance)
     FROM jsonb_each(want) WHERE got ? key ORDER BY key COLLATE "C" $$;

-- 20 hashed bits of a natural number: the formula of tests/reference/datasets.py, for data that SQL, Rust and
-- numpy make alike.
CREATE FUNCTION reference.draw(n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ((((n * 1664525) & 2147483647) * ((n * 1664525) & 2147483647)) >> 21) & 1048575 $$;

-- The comparison itself finds what is wrong.
SELECT name, document -> 'provenance' ? 'statsmodels' AS provenance FROM reference.documents ORDER BY name;
SELECT * FROM reference.compare('{"a": [1, 2], "b": [[1, 2], [3, 4]], "c": 1.00000002, "d": [1], "e": null, "f": 0, "g": "NaN"}',
                                '{"a": [1, 2], "b": [1, 2, 3, 4], "c": 1, "d": [1, 2], "e": 1, "f": 1e-300, "g": 1}');

-- For suites about errors: runs a statement that must fail and shows all that a user sees of the error.
CREATE SCHEMA tests;
GRANT USAGE ON SCHEMA tests TO PUBLIC;
CREATE PROCEDURE tests.refused(statement text) LANGUAGE plpgsql AS $refused$
DECLARE
    message text;
    detail text;
    hint text;
BEGIN
    BEGIN
        EXECUTE statement;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RAISE INFO USING MESSAGE = concat(SQLSTATE, ' ', message, E'\nDETAIL:  ' || nullif(detail, ''), E'\nHINT:  ' || nullif(hint, ''));
        RETURN;
    END;
    RAISE EXCEPTION 'was not refused';
END $refused$;

-- Numbers short enough to be the same on every machine.
CREATE FUNCTION tests.short(numbers float8[], digits integer DEFAULT 4) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT string_agg(CASE WHEN v = 'Infinity' OR v = '-Infinity' OR v = 'NaN' THEN v::text
                          ELSE trim_scale(round(v::numeric, digits))::text END, ' ' ORDER BY n)
     FROM unnest(numbers) WITH ORDINALITY AS q(v, n) $$;

-- A hand-made model of the document "models" as a new version of a model; for superusers.
CREATE TYPE tests."My Mood" AS ENUM ('sad', 'ok', 'happy');
CREATE FUNCTION tests.plant(model text, document text) RETURNS integer LANGUAGE plpgsql SET search_path = pg_catalog AS $plant$
DECLARE
    made jsonb := reference.part('models', document);
    number integer;
BEGIN
    INSERT INTO ml.models (name, owner, seed, last_version) VALUES (model, current_user::regrole, 1, 0) ON CONFLICT DO NOTHING;
    UPDATE ml.models SET last_version = last_version + 1 WHERE name = model RETURNING last_version INTO number;
    INSERT INTO ml.model_versions (model_id, version, algorithm, task, target, classes, signature, recipe, artifact)
    SELECT m.model_id, number, made ->> 'algorithm', made ->> 'task', made ->> 'target',
           CASE WHEN made -> 'classes' <> 'null' THEN ARRAY(SELECT jsonb_array_elements_text(made -> 'classes')) END,
           ARRAY(SELECT jsonb_array_elements_text(made -> 'signature')), '{}', decode(made ->> 'artifact', 'hex')
      FROM ml.models AS m WHERE m.name = model;
    RETURN number;
END $plant$;
