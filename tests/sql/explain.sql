-- explain_predict(): what each value adds.
\set VERBOSITY terse
SELECT tests.plant('everything', 'everything'), tests.plant('churn', 'churn'), tests.plant('strict', 'strict'), tests.plant('grade', 'grade');

-- By hand. The means of all features are 0.25: base 0.5 + (-1.25 + 0.04 + 0.75 - 0.75) / 4; tenure 1.25 * (0.25 - (10 - 30) / 20),
-- charge 0.04 * (100 - 0.25), contract 0.75 * 0.75 + 0.75 * 0.25.
SELECT feature, value, round(attribution::numeric, 12) AS attribution FROM ml.explain_predict('churn', 10, 100::float8, 'monthly');
-- A missing value is what stands for it.
SELECT feature, value, round(attribution::numeric, 12) AS attribution FROM ml.explain_predict('churn', '{"tenure": null}'::jsonb || '{"charge": "NaN", "contract": null}');

-- Every kind of value.
CREATE TABLE shoppers (age integer, "x""; DROP TABLE t; --" text, "Mood" tests."My Mood", code float8, vip boolean, flag boolean, tiny float8,
    ratio real, price numeric(12,2), wait interval, opens time, signup timestamptz, seen timestamp, born date, x real[], other text);
INSERT INTO shoppers VALUES
    (40, 'it''s', 'happy', 1, true, false, 1e-300, 0.5, 10, '2 hours', '08:30', '2024-02-29 23:30+00', '2001-01-01 05:00:00.25', '0044-03-15 BC', '{1,NULL,3}', 'x'),
    (NULL, '{ml}', 'sad', 2.5, false, true, 1e20, 'NaN', 'NaN', '1 day', '00:00', '0001-06-01 12:00+00 BC', 'infinity', '1980-05-05', NULL, 'x');
SELECT e.feature, e.value, round(e.attribution::numeric, 9) AS attribution
  FROM shoppers AS s, ml.explain_predict('everything', s) AS e WHERE age = 40;
SELECT e.feature, e.value, round(e.attribution::numeric, 9) AS attribution
  FROM shoppers AS s, ml.explain_predict('everything', s) AS e WHERE age IS NULL;

-- They sum to the margin: of a regression the prediction, of two classes the log odds.
SELECT abs(sum(e.attribution) - ml.predict('everything', s)) <= 1e-12 * sum(abs(e.attribution)) AS sums
  FROM shoppers AS s, ml.explain_predict('everything', s) AS e GROUP BY s.*;
SELECT count(*), bool_and(abs(margin - ln(p / (1 - p))) < 1e-9) AS sums
  FROM (SELECT t, c, (SELECT sum(attribution) FROM ml.explain_predict('churn', t, c::float8, 'yearly')) AS margin,
               ml.predict_proba('churn', t, c::float8, 'yearly') AS p
          FROM generate_series(-100, 100, 50) AS t, generate_series(-100, 100, 40) AS c) AS s;
-- Of three classes the score of the predicted one, against the others' by softmax.
SELECT x, max(value) FILTER (WHERE feature = '(base)') AS class, round(sum(attribution)::numeric, 12) AS score, ml.predict('grade', x, 'b') AS predicted
  FROM unnest('{-5,0,5}'::float8[]) AS x, ml.explain_predict('grade', x, 'b') GROUP BY x ORDER BY x;

-- No prediction, no explanation.
SELECT * FROM ml.explain_predict('strict', NULL::float8, 1::smallint, 'u');
SELECT * FROM ml.explain_predict('strict', NULL::jsonb);
SELECT count(*) FROM (SELECT ml.explain_predict('strict', 1::float8, 1::smallint, 'u')) AS in_a_select_list;

CALL tests.refused($$SELECT * FROM ml.explain_predict('churn', 10, 'Infinity'::float8, 'monthly')$$);
CALL tests.refused($$SELECT * FROM ml.explain_predict('churn', 10, 1::float8, 'weekly')$$);
CALL tests.refused($$SELECT * FROM ml.explain_predict('churn', 10, 1::float8)$$);
CALL tests.refused($$SELECT * FROM ml.explain_predict(NULL, 10, 1::float8)$$);
CREATE ROLE curious;
GRANT USAGE ON SCHEMA ml TO curious;
SET ROLE curious;
CALL tests.refused($$SELECT * FROM ml.explain_predict('churn', 10, 1::float8, 'monthly')$$);
RESET ROLE;
