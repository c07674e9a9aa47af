-- compile(): a model as immutable SQL arithmetic.
\set VERBOSITY terse
SET TimeZone = 'Asia/Tokyo';

SELECT tests.plant('everything', 'everything'), tests.plant('churn', 'churn'), tests.plant('strict', 'strict'),
       tests.plant('grade', 'grade'), tests.plant('wide', 'wide100'), tests.plant('wider', 'wide101');

SELECT ml.compile('everything', 'spend');
SELECT ml.compile('churn', 'churn_probability');
SELECT ml.compile('strict@1', 'public."Strict; --"');
SELECT ml.compile('wide', 'wide') AS wide \gset
SELECT pronargs FROM pg_proc WHERE oid = 'wide'::regproc;

-- What was made.
SELECT p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, l.lanname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
       obj_description(p.oid, 'pg_proc')
  FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
 WHERE p.proname IN ('spend', 'churn_probability', 'Strict; --') ORDER BY p.proname COLLATE "C";
SELECT DISTINCT refclassid::regclass, deptype, pg_describe_object(refclassid, refobjid, 0) AS depends_on
  FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid IN (SELECT oid FROM pg_proc WHERE proname IN ('spend', 'churn_probability'))
 ORDER BY 3;

-- Rows of every kind: usual, missing, at the limits.
CREATE TABLE shoppers (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    age integer, "x""; DROP TABLE t; --" text, "Mood" tests."My Mood", code float8, vip boolean, flag boolean, tiny float8, ratio real,
    price numeric(12,2), wait interval, opens time, signup timestamptz, seen timestamp, born date, x real[]);
INSERT INTO shoppers (age, "x""; DROP TABLE t; --", "Mood", code, vip, flag, tiny, ratio, price, wait, opens, signup, seen, born, x) VALUES
    (40, 'it''s', 'happy', 1, true, false, 1, 0.5, 10, '2 hours', '08:30', '2024-02-29 23:30+00', '2001-01-01 05:00', '1980-05-05', '{1,2,3}'),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (0, '{ml}', 'sad', 2.5, false, true, 1e-200, 'NaN', 'NaN', '-1 mon 3 days 00:00:00.000001', '00:00', '0001-06-01 12:00+00 BC', 'infinity', '0044-03-15 BC', '{NULL,NaN,-5}'),
    (-2147483648, 'back\slash', 'ok', -3, true, true, -5e-324, 1e30, -1e9, '0', '23:59:59.999999', '294276-12-31 23:59:59+00', '-infinity', '-infinity', '{1e-45,0,0}'),
    (17, 'Ünïcode', 'happy', 7, NULL, NULL, 1e308, 1e-45, 0.01, '400 years', '12:00', '2024-06-15 00:15+00', '1999-12-31 23:59:59', 'infinity', '{3,2,1}'),
    (18, '$1', 'sad', 'NaN', true, false, 'NaN', 0.51, 3.33, NULL, NULL, '1600-02-29 00:00+00', NULL, '2000-02-29', '{0,0,0}'),
    (19, '', 'ok', -0.0, true, false, -0.0, 0.49, 3.34, '1 day', '00:00:01', 'infinity', '2020-02-20 20:20', '1999-12-31', '{-0,-0,-0}'),
    (20, 'IT''S', NULL, 1, true, false, 0, 0.5, NULL, '1 day', '00:00:01', '2020-02-20 20:20+00', '2020-02-20 20:20', '1999-12-31', '{1,1,1}'),
    (21, 'it''s ', NULL, 1, true, false, 0, 0.5, NULL, '1 day', '00:00:01', '2020-02-20 20:20+00', '2020-02-20 20:20', '1999-12-31', '{1,1,1}');

-- By hand: 100 + 2.5 * 0 + 1 + 0.5 - 1 + 3 + 0 + 1e-200 + 0 - 0.1 + 42 + 0.85 + signup + 0.05 + (0 + 0.1) + (0 - 10)
-- with signup = 1.5 * 2 - 0.5 * (2 - 6.5) / 3.5 + 0.25 * 14 / 9 + 0.125 * 0 - 2 * 11 / 7
SELECT spend(age, "x""; DROP TABLE t; --", "Mood", code, vip, flag, tiny, ratio, price, wait, opens, signup, seen, born, x)
       - (100 + 1 + 0.5 - 1 + 3 - 0.1 + 42 + 0.85 + (3 + 2.25 / 3.5 + 3.5 / 9 - 22 / 7.0) + 0.05 + 0.1 - 10) AS off_by
  FROM shoppers WHERE id = 1;

-- As predict() says, to 1e-12.
CREATE FUNCTION agree(a float8, b float8) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN a IS NOT DISTINCT FROM b OR abs(a - b) <= 1e-12 * (abs(a) + abs(b)) THEN 'agree' ELSE a || ' is not ' || b END $$;
SELECT s.id, agree(spend(age, "x""; DROP TABLE t; --", "Mood", code, vip, flag, tiny, ratio, price, wait, opens, signup, seen, born, x),
             ml.predict('everything', s)) AS verdict
  FROM shoppers AS s ORDER BY id;
SELECT count(*), agree(min(churn_probability(t, c, k)), min(p)) AS least, agree(max(churn_probability(t, c, k)), max(p)) AS greatest,
       string_agg(DISTINCT agree(churn_probability(t, c, k), p), ', ') AS verdict
  FROM (SELECT *, ml.predict_proba('churn', t, c, k) AS p
          FROM generate_series(-8, 15) AS e, generate_series(-1, 1) AS s,
               LATERAL (VALUES ((10 ^ (e / 2.0) * s)::integer, s * 10.0::float8 ^ (e - 4), 'monthly'), (NULL, NULL, 'yearly'), (1, 'NaN', NULL)) AS v(t, c, k)
         WHERE abs(s * 10.0 ^ (e - 4) * 0.04) < 700) AS rows;
SELECT string_agg(DISTINCT agree("Strict; --"(a, b, c), ml.predict_proba('strict', a, b, c)), ', ') AS verdict, count("Strict; --"(a, b, c)), count(*)
  FROM unnest('{0.3,-2,NaN,NULL}'::float8[]) AS a, unnest('{1,NULL}'::smallint[]) AS b, unnest('{u,v,w,NULL}'::text[]) AS c;

-- Neither exp nor a product overflows or underflows; a sum beyond all doubles is refused by both.
SELECT churn_probability(30, -1e9, 'monthly') BETWEEN 1e-308 AND 2e-308 AS certainly_not, churn_probability(30, 1e9, 'yearly') AS certainly,
       churn_probability(30, 5e-324, 'yearly') - churn_probability(30, 0, 'yearly') AS nothing;
CALL tests.refused($$SELECT churn_probability(30, 1.7e308, 'monthly') / 0$$);
CALL tests.refused($$SELECT ml.predict('wide', VARIADIC array_fill(1.7e308::float8, ARRAY[100]))$$);

-- What predict() refuses is refused here too, with the column named.
CALL tests.refused($$SELECT churn_probability(30, 'Infinity', 'monthly')$$);
CALL tests.refused($$SELECT churn_probability(30, 1, 'it''s new')$$);
CALL tests.refused($$SELECT churn_probability(a, 1, b) FROM (VALUES (1, 'monthly'), (2, 'other')) AS v(a, b)$$);
CALL tests.refused($$SELECT spend(1, '', NULL, 1, true, true, 1, 1, 1, '1 s', '0:00', 'now', 'now', 'now', '{1,2}')$$);
CALL tests.refused($$SELECT spend(1, '', NULL, 1, true, true, 1, 1, 1, '1 s', '0:00', 'now', 'now', 'now', '[0:2]={1,2,3}')$$);
CALL tests.refused($$SELECT spend(1, '', NULL, 1, true, true, 1, 1, 1, '1 s', '0:00', 'now', 'now', 'now', '{}')$$);
CALL tests.refused($$SELECT spend(1, '', NULL, '-Infinity', true, true, 1, 1, 1, '1 s', '0:00', 'now', 'now', 'now', NULL)$$);
CALL tests.refused($$SELECT spend(1, '', NULL, 1, true, true, 1, 'Infinity', 1, '1 s', '0:00', 'now', 'now', 'now', NULL)$$);

CREATE FUNCTION tests.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS
$$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || statement; END $$;

-- The planner puts the expression where the call stood.
EXPLAIN (VERBOSE, COSTS OFF) SELECT "Strict; --"(tiny, id::smallint, "x""; DROP TABLE t; --") FROM shoppers;
SELECT count(*) AS calls_left FROM (SELECT 1 FROM tests.plan($$SELECT spend(age, "x""; DROP TABLE t; --", "Mood", code, vip, flag, tiny, ratio, price,
    wait, opens, signup, seen, born, x) FROM shoppers$$) AS line WHERE line ~ 'spend\(') AS s;

-- Generated columns, CHECK constraints, indexes.
CREATE TABLE accounts (tenure integer, charge float8, contract varchar(20),
    risk float8 GENERATED ALWAYS AS (churn_probability(tenure, charge, contract)) STORED,
    CONSTRAINT not_lost CHECK (churn_probability(tenure, charge, contract) < 0.999999));
INSERT INTO accounts SELECT g % 70, g % 90, CASE WHEN g % 2 = 0 THEN 'monthly' ELSE 'yearly' END FROM generate_series(1, 5000) AS g;
SELECT count(*), string_agg(DISTINCT agree(risk, ml.predict_proba('churn', a)), ', ') AS verdict FROM accounts AS a;
CALL tests.refused($$INSERT INTO accounts VALUES (0, 1000, 'monthly')$$);
CALL tests.refused($$INSERT INTO accounts VALUES (0, 10, 'weekly')$$);
CREATE INDEX riskiest ON accounts (churn_probability(tenure, charge, contract));
ANALYZE accounts;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM accounts ORDER BY churn_probability(tenure, charge, contract) DESC LIMIT 3;
RESET enable_seqscan;

-- Not replaced while something was computed by it; replaced otherwise. A function of somebody else's is left alone.
CALL tests.refused($$SELECT ml.compile('churn', 'churn_probability')$$);
DROP TABLE accounts;
SELECT ml.compile('churn', 'churn_probability') = 'churn_probability'::regproc::oid AS replaced;
CREATE FUNCTION mine(a float8, b smallint, c text) RETURNS float8 LANGUAGE sql RETURN 1;
CALL tests.refused($$SELECT ml.compile('strict', 'mine')$$);
SELECT mine(1, 1::smallint, '');

-- It needs neither the model nor the extension.
SELECT ml.drop_model('churn');
SELECT churn_probability(1, 2, 'monthly') > 0.5 AS likely;

-- Refused: more than two classes, more than 100 inputs, names that are none, types that are gone.
CALL tests.refused($$SELECT ml.compile('grade', 'grade')$$);
CALL tests.refused($$SELECT ml.compile('wider', 'wider')$$);
CALL tests.refused($$SELECT ml.compile('strict', 'f(integer)')$$);
CALL tests.refused($$SELECT ml.compile('strict', 'nowhere.f')$$);
CALL tests.refused($$SELECT ml.compile('strict', NULL)$$);
CALL tests.refused($$SELECT ml.compile(NULL, 'f')$$);
CALL tests.refused($$SELECT ml.compile('stricter', 'f')$$);
BEGIN READ ONLY;
CALL tests.refused($$SELECT ml.compile('strict', 'f')$$);
ROLLBACK;
ALTER TYPE tests."My Mood" RENAME TO moods;
CALL tests.refused($$SELECT ml.compile('everything', 'f')$$);

-- As a role of its own: its function, its rights.
CREATE ROLE compiler;
GRANT USAGE ON SCHEMA ml TO compiler;
CREATE SCHEMA owned AUTHORIZATION compiler;
SELECT tests.plant('own', 'strict');
UPDATE ml.models SET owner = 'compiler' WHERE name = 'own';
SET ROLE compiler;
CALL tests.refused($$SELECT ml.compile('strict', 'owned.f')$$);
CALL tests.refused($$SELECT ml.compile('own', 'ml.f')$$);
SELECT ml.compile('own', 'owned.f');
SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid = 'owned.f'::regproc;
-- A search_path of somebody else's making leads nowhere.
CREATE FUNCTION owned.exp(float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN 0;
CREATE FUNCTION owned.times(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE RETURN 7;
CREATE OPERATOR owned.* (FUNCTION = owned.times, LEFTARG = float8, RIGHTARG = float8);
CREATE DOMAIN owned.float8 AS text;
SET search_path = owned, pg_catalog;
SELECT ml.compile('own', 'g');
RESET search_path;
SELECT owned.g(0, 1::smallint, 'w') AS half;
RESET ROLE;
