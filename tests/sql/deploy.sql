-- deploy(): a model as a function with typed parameters.
\set VERBOSITY terse
SELECT tests.plant('everything', 'everything'), tests.plant('churn', 'churn'), tests.plant('strict', 'strict'),
       tests.plant('grade', 'grade'), tests.plant('wide', 'wide100'), tests.plant('wider', 'wide101');

SELECT ml.deploy('everything', 'predict_spend');
SELECT ml.deploy('churn', 'predict_churn');
SELECT ml.deploy('strict@1', 'public."Strict; --"');
SELECT ml.deploy('grade', 'predict_grade');
SELECT ml.deploy('wide', 'predict_wide') AS wide \gset

-- What was made.
SELECT p.oid::regproc AS function, p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.prorows, pg_get_function_arguments(p.oid),
       pg_get_function_result(p.oid), obj_description(p.oid, 'pg_proc')
  FROM pg_proc p WHERE p.proname ~ '^(predict_(spend|churn|grade)|Strict; --)$' AND pronamespace = 'public'::regnamespace
 ORDER BY p.proname COLLATE "C";

-- Called by place and by name.
SELECT prediction, round(probability::numeric, 12) AS probability FROM predict_churn(10, 100, 'monthly');
SELECT prediction, round(probability::numeric, 12) AS probability FROM predict_churn(contract => NULL, charge => 'NaN', tenure => 70);
SELECT prediction, round(probability::numeric, 12) AS probability FROM "Strict; --"(1, 1::smallint, 'v');
SELECT * FROM "Strict; --"(1, NULL, 'v');
SELECT prediction, pg_typeof(prediction), round(probability::numeric, 12) AS probability FROM predict_grade(-0.5, 'b');
SELECT prediction, pg_typeof(prediction), probability FROM predict_wide(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99,100);

-- As predict() says, bit for bit, in a LATERAL join.
CREATE TABLE shoppers (age integer, "x""; DROP TABLE t; --" text, "Mood" tests."My Mood", code float8, vip boolean, flag boolean, tiny float8,
    ratio real, price numeric(12,2), wait interval, opens time, signup timestamptz, seen timestamp, born date, x real[]);
INSERT INTO shoppers VALUES
    (40, 'it''s', 'happy', 1, true, false, 1e-300, 0.5, 10, '2 hours', '08:30', '2024-02-29 23:30+00', '2001-01-01 05:00:00.25', '0044-03-15 BC', '{1,NULL,3}'),
    (NULL, '{ml}', 'sad', 2.5, false, true, 1e20, 'NaN', 'NaN', '1 day', '00:00', '0001-06-01 12:00+00 BC', 'infinity', '1980-05-05', NULL);
SELECT p.prediction = ml.predict('everything', s) AS same, p.probability
  FROM shoppers AS s, predict_spend(age, "x""; DROP TABLE t; --", "Mood", code, vip, flag, tiny, ratio, price, wait, opens, signup, seen, born, x) AS p;
SELECT count(*), bool_and(p.prediction = ml.predict_class('churn', t, c::float8, k)) AS same_class,
       bool_and(p.probability = ml.predict_proba('churn', t, c::float8, k)) AS same_probability
  FROM generate_series(-100, 100, 20) AS t, generate_series(-100, 100, 40) AS c, unnest('{monthly,yearly,NULL}'::text[]) AS k, predict_churn(t, c, k) AS p;
SELECT count(*), bool_and(p.prediction::float8 = ml.predict('grade', x, k)) AS same_class,
       bool_and(p.probability = (SELECT max(q) FROM unnest(ml.predict_probas('grade', x, k)) AS q)) AS same_probability
  FROM (SELECT i / 2.0::float8 FROM generate_series(-10, 10) AS i) AS s(x), unnest('{a,b,c,NULL}'::text[]) AS k, predict_grade(x, k) AS p;
SELECT prediction, class, round(probability::numeric, 12) AS probability FROM ml.predict_record('churn', 10, 100::float8, 'monthly');
SELECT round((r).prediction::numeric, 9), (r).class, (r).probability FROM (SELECT ml.predict_record('everything', s) AS r FROM shoppers AS s) AS q;
SELECT ml.predict_record('strict', NULL::float8, 1::smallint, 'u') IS NULL AS none;

-- The planner writes it in place, and scores once a row.
CREATE TABLE lines (tenure integer, charge float8, contract text);
EXPLAIN (VERBOSE, COSTS OFF) SELECT p.* FROM lines AS l, predict_churn(l.tenure, l.charge, l.contract) AS p;

-- A later version that reads the same inputs in another order is given them in that order.
SELECT tests.plant('churn', 'churn_turned');
SELECT prediction, round(probability::numeric, 12) AS probability FROM predict_churn(10, 100, 'monthly');
SELECT round(ml.predict_proba('churn', 'monthly', 10, 100::float8)::numeric, 12) AS probability;

-- A pinned version gets its inputs by place, as far as there is room for them.
EXPLAIN (VERBOSE, COSTS OFF) SELECT p.* FROM lines AS l, "Strict; --"(l.charge, l.tenure::smallint, l.contract) AS p;
SELECT ml.deploy('wide@1', 'predict_pinned') AS pinned \gset
SELECT pronargs FROM pg_proc WHERE oid = 'predict_pinned'::regproc;

-- It follows the model, and finds inputs by name; a pinned one does not move.
SELECT tests.plant('moving', 'strict');
SELECT ml.deploy('moving', 'predict_moving');
SELECT ml.deploy('moving@1', 'predict_first');
SELECT prediction, pg_typeof(prediction), probability FROM predict_moving(0, 0::smallint, 'w');
SELECT tests.plant('moving', 'churn');
CALL tests.refused($$SELECT * FROM predict_moving(0, 0::smallint, 'w')$$);
SELECT * FROM predict_first(0, 0::smallint, 'w');
SELECT ml.promote('moving', 1, force => true);
SELECT * FROM predict_moving(0, 0::smallint, 'w');
BEGIN;
SELECT ml.promote('moving', 2, force => true);
CALL tests.refused($$SELECT * FROM predict_moving(0, 0::smallint, 'w')$$);
ROLLBACK;
SELECT * FROM predict_moving(0, 0::smallint, 'w');
SELECT ml.promote('moving', 2, alias => 'Staging', force => true);
SELECT ml.deploy('moving@staging', 'predict_staging');

-- Replaced where it was ours, left alone where not.
SELECT ml.deploy('strict', 'predict_moving') = 'predict_moving'::regproc::oid AS replaced;
CREATE FUNCTION mine(a float8, b smallint, c text) RETURNS TABLE (prediction boolean, probability float8) LANGUAGE sql BEGIN ATOMIC SELECT true, 1; END;
CALL tests.refused($$SELECT ml.deploy('strict', 'mine')$$);
SELECT * FROM mine(1, 1::smallint, '');

-- Inputs named like the result have no name; names that could be mistaken are quoted.
SELECT pg_get_function_arguments('predict_grade'::regproc);

CALL tests.refused($$SELECT ml.deploy('wider', 'predict_wider')$$);
CALL tests.refused($$SELECT ml.deploy('strict', 'nowhere.f')$$);
CALL tests.refused($$SELECT ml.deploy('strict', 'f(integer)')$$);
CALL tests.refused($$SELECT ml.deploy('strict', NULL)$$);
CALL tests.refused($$SELECT ml.deploy('missing', 'f')$$);
CALL tests.refused($$SELECT * FROM predict_churn(10, 100, 'weekly')$$);

-- Whoever calls it needs the right to use the model; whoever makes it owns it.
CREATE ROLE deployer;
CREATE ROLE caller;
GRANT USAGE ON SCHEMA ml TO deployer, caller;
CREATE SCHEMA apps AUTHORIZATION deployer;
GRANT USAGE ON SCHEMA apps TO caller;
UPDATE ml.models SET owner = 'deployer' WHERE name = 'grade';
SET ROLE deployer;
CALL tests.refused($$SELECT ml.deploy('churn', 'apps.f')$$);
CALL tests.refused($$SELECT ml.deploy('grade', 'ml.f')$$);
SELECT ml.deploy('grade', 'apps.predict_grade');
SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid = 'apps.predict_grade'::regproc;
SELECT prediction FROM apps.predict_grade(1, 'a');
SET ROLE caller;
CALL tests.refused($$SELECT prediction FROM apps.predict_grade(1, 'a')$$);
SET ROLE deployer;
SELECT ml.grant_model('grade', 'caller');
SET ROLE caller;
SELECT prediction FROM apps.predict_grade(1, 'a');
RESET ROLE;

-- A trained model: columns of many types, a type of a schema that is not on the search_path when it is deployed.
CREATE SCHEMA shop;
CREATE TYPE shop.plan AS ENUM ('basic', 'plus', 'pro');
CREATE DOMAIN shop.money AS numeric(10,2) CHECK (VALUE >= 0);
CREATE TABLE shop.customers AS
SELECT g AS id, g * 37 % 72 AS tenure_months, ((g * 7919 % 10000) / 100.0)::shop.money AS monthly_charges,
       CASE g % 3 WHEN 0 THEN 'Month-to-month' WHEN 1 THEN 'One year' ELSE 'Two year' END AS contract_type,
       (enum_range(NULL::shop.plan))[1 + g % 3 * (g % 2)] AS plan, nullif(g * 31 % 100, 7)::float8 AS score, date '2020-01-01' + g * 13 % 900 AS joined,
       timestamptz '2023-01-01 00:00+00' + g * 17 % 5000 * interval '1 hour' AS seen, g % 5 = 0 AS paperless,
       reference.draw(g) % 100 < 60 - g * 37 % 72 + CASE g % 3 WHEN 0 THEN 20 ELSE 0 END AS churn
  FROM generate_series(1, 3000) AS g;
SET search_path = shop;
SELECT status FROM ml.train('leaving', 'customers', 'churn', exclude => '{id}', split => '{"key": "id"}');
RESET search_path;
SELECT ml.deploy('leaving', 'predict_leaving'), ml.compile('leaving', 'leaving_probability');
SELECT count(*), bool_and(p.prediction = (ml.predict('leaving', c) = 1)) AS same_class, bool_and(p.probability = ml.predict_proba('leaving', c)) AS same_probability,
       max(abs(leaving_probability(tenure_months, monthly_charges, contract_type, plan, score, joined, seen, paperless) / p.probability - 1)) < 1e-12 AS compiled_agrees
  FROM shop.customers AS c, predict_leaving(tenure_months, monthly_charges, contract_type, plan, score, joined, seen, paperless) AS p;
SELECT bool_and(abs(margin - ln(p / (1 - p))) < 1e-9) AS explanations_sum
  FROM shop.customers AS c, ml.predict_proba('leaving', c) AS p, LATERAL (SELECT sum(attribution) FROM ml.explain_predict('leaving', c)) AS e(margin) WHERE id <= 200;

-- What a domain of the model's owner checks does not run as whoever calls the function.
CREATE SCHEMA lair;
CREATE FUNCTION lair.spy(float8) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'spied on %', current_user; RETURN true; END $$;
CREATE DOMAIN lair.watched AS float8;
CREATE TABLE lair.data AS SELECT (g % 7)::lair.watched AS a, ARRAY[g % 5, g % 3]::lair.watched[] AS b, (g % 7 + g % 5 + g % 11)::float8 AS y FROM generate_series(1, 200) AS g;
SELECT status FROM ml.train('bait', 'lair.data', 'y');
ALTER DOMAIN lair.watched ADD CHECK (lair.spy(VALUE)) NOT VALID;
SELECT ml.deploy('bait', 'predict_bait'), ml.compile('bait', 'bait_value');
SELECT bait_value(1, '{2,1}') / prediction BETWEEN 0.999999 AND 1.000001 AS agrees FROM predict_bait(1, '{2,1}');
