-- Scoring on insert: a statement's new rows, one batch, the same transaction, in the name of who installed it.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA work;
SET search_path = work, ml;
CREATE TABLE history AS
SELECT k, ((k * 37) % 61)::int AS tenure, ((k * 53) % 97)::float8 AS charges, (ARRAY['monthly', 'yearly', 'other'])[1 + k * 7 % 3] AS contract,
       ((k * 37) % 61) + ((k * 13) % 29) < 40 AS churned, (ARRAY['low', 'mid', 'high'])[1 + ((k * 37) % 61) / 25] AS worth,
       ((k * 37) % 61) / 25 AS level, 3 * ((k * 37) % 61) + ((k * 53) % 97) + ((k * 17) % 5) AS revenue
  FROM generate_series(1, 500) AS k;
SELECT version FROM train('churn', 'history', 'churned', features => '{tenure,charges,contract}');
SELECT version FROM train('worth', 'history', 'worth', features => '{tenure,charges}');
SELECT version FROM train('level', 'history', 'level', features => '{tenure,charges}', task => 'classification');
SELECT version FROM train('revenue', 'history', 'revenue', features => '{charges,tenure}');

-- The call of the documentation; the table is made for the model.
CREATE TABLE customers (customer_id int PRIMARY KEY, note text, contract varchar(20), charges numeric, tenure smallint);
SELECT score_on_insert('customers', 'churn', 'customer_id');
\d customer_predictions
SELECT relation, model, key_column, into_table, on_error, installer::oid = current_user::regrole AS mine FROM scorings;
INSERT INTO customers (customer_id, contract, charges, tenure) VALUES (1, 'monthly', 10, 3), (2, 'yearly', 90.5, 60), (3, NULL, NULL, NULL), (4, 'unheard of', 1e3, 30);
SELECT p.customer_id, p.prediction, p.model_version, p.prediction_date = now() AS now, round((probability_false + probability_true)::numeric, 12) AS sum,
       p.probability_true = predict_proba('churn', c) AS as_predict, p.prediction = (predict('churn', c) = 1) AS as_class
  FROM customer_predictions AS p JOIN customers AS c USING (customer_id) ORDER BY 1;
-- Nothing inserted, nothing written; UPDATE and DELETE are not covered.
INSERT INTO customers SELECT 5 WHERE false;
UPDATE customers SET tenure = 60 WHERE customer_id = 1;
DELETE FROM customers WHERE customer_id = 4;
SELECT count(*) FROM customer_predictions;
-- ON CONFLICT: rows that are inserted are scored, those that are updated are not; a key that comes back replaces its prediction.
INSERT INTO customers (customer_id, tenure) VALUES (1, 9), (4, 1), (5, 2) ON CONFLICT (customer_id) DO UPDATE SET tenure = excluded.tenure;
SELECT p.customer_id, p.probability_true = predict_proba('churn', c) AS as_predict FROM customer_predictions AS p JOIN customers AS c USING (customer_id) ORDER BY 1;
INSERT INTO customers (customer_id) VALUES (1) ON CONFLICT DO NOTHING;
-- COPY, CTEs and MERGE.
COPY customers FROM stdin;
6	\N	monthly	12.5	7
7	\N	yearly	70	50
\.
WITH arrived AS (INSERT INTO customers VALUES (8, 'x', 'monthly', 1, 1) RETURNING customer_id) SELECT customer_id FROM arrived;
MERGE INTO customers AS c USING (VALUES (8, 3), (9, 4)) AS n (id, t) ON n.id = c.customer_id
 WHEN MATCHED THEN UPDATE SET tenure = n.t WHEN NOT MATCHED THEN INSERT (customer_id, tenure) VALUES (n.id, n.t);
SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM customer_predictions;
-- The same transaction: gone with it, there before its end.
BEGIN;
INSERT INTO customers (customer_id) VALUES (10);
SELECT count(*) FROM customer_predictions WHERE customer_id = 10;
ROLLBACK;
SELECT count(*) FROM customer_predictions WHERE customer_id = 10;
-- Another version, once it serves.
SELECT version FROM train('churn', 'history', 'churned', features => '{tenure,contract}');
SELECT promote('churn', 1);
INSERT INTO customers (customer_id) VALUES (11);
SELECT promote('churn', 2, force => true);
INSERT INTO customers (customer_id) VALUES (12);
SELECT customer_id, model_version FROM customer_predictions WHERE customer_id > 10 ORDER BY 1;

-- All kinds of predictions; keys of other types, several keys alike in one statement, a column that was dropped, a second scoring of one table.
CREATE DOMAIN reference AS text CHECK (VALUE <> 'never');
CREATE TABLE visits (gone int, "Visit ""no""" reference, tenure bigint, charges float4);
ALTER TABLE visits DROP COLUMN gone;
SELECT score_on_insert('visits', 'worth', 'Visit "no"', 'visit_worth', 'error');
SELECT score_on_insert('visits', 'level', 'Visit "no"', 'visit_level', 'error');
SELECT score_on_insert('visits', 'revenue', 'Visit "no"', '"Revenue"', 'error');
\d visit_worth
\d "Revenue"
INSERT INTO visits VALUES ('a', 3, 10), ('b', 60, 20), ('a', 30, 90), ('c', NULL, 'NaN'), ('a', 55, 90);
SELECT w."Visit ""no""", w.prediction, l.prediction, round(r.prediction::numeric, 3) AS revenue, tests.short(ARRAY[w.probability_high, w.probability_low, w.probability_mid]),
       tests.short(ARRAY[l.probability_0, l.probability_1, l.probability_2]), w.prediction = predict_class('worth', v) AS as_predict
  FROM visit_worth AS w JOIN visit_level AS l USING ("Visit ""no""") JOIN "Revenue" AS r USING ("Visit ""no""")
  JOIN (VALUES ('a', 55, 90::float4), ('b', 60, 20), ('c', NULL, 'NaN')) AS v ("no", tenure, charges) ON v."no" = w."Visit ""no""" ORDER BY 1;
-- Failures under error: the statement fails whole.
CALL tests.refused($$INSERT INTO visits VALUES ('d', 1, 1), (NULL, 1, 1)$$);
CALL tests.refused($$INSERT INTO visits VALUES ('d', 1, 'Infinity')$$);
SELECT count(*) FROM visits WHERE "Visit ""no""" = 'd';
SELECT unscore_on_insert('visits');
INSERT INTO visits VALUES ('d', 1, 1);
SELECT (SELECT count(*) FROM visit_worth) AS worth, (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'visits'::regclass) AS triggers, count(*) AS consents FROM scorings WHERE relation::oid = 'visits'::regclass;
SELECT unscore_on_insert('visits');

-- A table that is there already: other types, further columns, a prediction where only text fits all.
CREATE TABLE mine (seen timestamptz DEFAULT now(), prediction text, probability_true float8, probability_false float8, probability_old float8, prediction_date timestamptz,
                   model_version int, customer_id int UNIQUE);
INSERT INTO mine (customer_id, probability_old) VALUES (100, 0.5);
SELECT score_on_insert('customers', 'churn@1', 'customer_id', 'mine');
INSERT INTO customers (customer_id, tenure) VALUES (100, 3);
SELECT prediction, model_version, probability_old, seen IS NOT NULL AS seen FROM mine;
SELECT count(*) FROM customer_predictions WHERE customer_id = 100;

-- Failures under warn: the rows are inserted, a WARNING says why there are no predictions, nothing of them is left.
CREATE TABLE warned (id int PRIMARY KEY, tenure int, charges float8);
SELECT score_on_insert('warned', 'worth', 'id', 'warned_scores');
INSERT INTO warned VALUES (1, 1, 'Infinity');
ALTER TABLE warned_scores ADD CHECK (id <> 2);
\set VERBOSITY terse
INSERT INTO warned VALUES (2, 1, 1), (3, 1, 1);
\set VERBOSITY default
ALTER TABLE warned_scores DROP COLUMN probability_mid;
INSERT INTO warned VALUES (4, 1, 1);
ALTER TABLE warned_scores ADD probability_mid float8;
INSERT INTO warned VALUES (5, 1, 1);
ALTER TABLE warned RENAME id TO number;
INSERT INTO warned VALUES (6, 1, 1);
ALTER TABLE warned RENAME number TO id;
ALTER TABLE warned RENAME tenure TO months;
INSERT INTO warned VALUES (7, 1, 1);
ALTER TABLE warned RENAME months TO tenure;
ALTER TABLE warned ALTER tenure TYPE text;
INSERT INTO warned VALUES (8, '1', 1);
ALTER TABLE warned ALTER tenure TYPE int USING tenure::int;
ALTER TABLE warned ALTER id TYPE bigint;
INSERT INTO warned VALUES (9, 1, 1);
ALTER TABLE warned ALTER id TYPE int;
SELECT drop_model('worth');
INSERT INTO warned VALUES (10, 1, 1);
-- A version with other classes, and one that predicts something else.
SELECT version FROM train('worth', 'SELECT *, worth || ''!'' AS class FROM history', 'class', features => '{tenure,charges}');
INSERT INTO warned VALUES (11, 1, 1);
SELECT version FROM train('worth', 'SELECT *, revenue AS class FROM history', 'class', features => '{tenure,charges}');
INSERT INTO warned VALUES (12, 1, 1);
ALTER TABLE warned_scores RENAME TO renamed_scores;
SELECT version FROM train('worth', 'SELECT *, CASE worth WHEN ''low'' THEN ''mid'' ELSE worth END AS class FROM history', 'class', features => '{tenure,charges}');
INSERT INTO warned VALUES (13, 1, 1);
DROP TABLE renamed_scores;
INSERT INTO warned VALUES (14, 1, 1);
SELECT count(*) FROM warned;
SELECT unscore_on_insert('warned');
INSERT INTO warned VALUES (15, 1, 1);

-- Partitions: rows that come through the root are scored; a partition named directly has no trigger.
CREATE TABLE parts (id int, tenure int, charges float8) PARTITION BY RANGE (id);
CREATE TABLE parts_low (charges float8, id int, tenure int);
ALTER TABLE parts ATTACH PARTITION parts_low FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (100) TO (200);
SELECT score_on_insert('parts', 'revenue', 'id', 'part_scores', 'error');
INSERT INTO parts VALUES (1, 2, 3), (101, 4, 5);
INSERT INTO parts_high VALUES (102, 4, 5);
SELECT s.id, round(s.prediction::numeric, 4) AS prediction, s.prediction = predict('revenue', p) AS as_predict FROM part_scores AS s JOIN parts AS p USING (id) ORDER BY 1;

-- Arguments.
CALL tests.refused($$SELECT score_on_insert(NULL, 'churn', 'customer_id')$$);
CALL tests.refused($$SELECT score_on_insert('customers', NULL, 'customer_id')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', NULL)$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', on_error => 'ignore')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'chum', 'customer_id')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn@9', 'customer_id')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'customers')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'no such schema.t')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'nowhere.t')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'pg_temp.t')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'revenue', 'customer_id', 'mine')$$);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'note', 'mine')$$);
CALL tests.refused($$SELECT score_on_insert('history', 'churn', 'k', 'mine')$$);
CALL tests.refused($$SELECT score_on_insert('parts', 'churn', 'id', 'parts_scores')$$);
CREATE TABLE no_key (customer_id int, prediction bool, probability_true float8, probability_false float8, prediction_date timestamptz, model_version int);
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'no_key')$$);
ALTER TABLE no_key ALTER model_version TYPE text;
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'no_key')$$);
ALTER TABLE no_key DROP probability_false;
CALL tests.refused($$SELECT score_on_insert('customers', 'churn', 'customer_id', 'no_key')$$);
CREATE VIEW seen AS SELECT * FROM customers;
CALL tests.refused($$SELECT score_on_insert('seen', 'churn', 'customer_id', 'scores')$$);
CREATE TEMP TABLE passing AS SELECT * FROM customers;
CALL tests.refused($$SELECT score_on_insert('passing', 'churn', 'customer_id', 'scores')$$);
CREATE TABLE odd_key (prediction int, tenure int, charges float8, tags text[], shape point, total int);
CALL tests.refused($$SELECT score_on_insert('odd_key', 'revenue', 'prediction', 'scores')$$);
CALL tests.refused($$SELECT score_on_insert('odd_key', 'revenue', 'shape', 'scores')$$);
SELECT score_on_insert('odd_key', 'revenue', 'tags', 'tag_scores');
INSERT INTO odd_key VALUES (1, 2, 3, '{a,b}'), (1, 2, 4, '{a,b}');
SELECT tags FROM tag_scores;
CALL tests.refused($$SELECT unscore_on_insert(NULL)$$);
CALL tests.refused($$SELECT unscore_on_insert(1)$$);
CALL tests.refused($$SELECT score_on_insert(1, 'churn', 'customer_id')$$);
-- The trigger function is for triggers, of the right kind; a trigger by hand does nothing.
CALL tests.refused($$SELECT score_inserted_rows()$$);
CREATE TRIGGER by_hand AFTER INSERT ON odd_key REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION score_inserted_rows('1');
INSERT INTO odd_key VALUES (1, 2, 3, '{c}');
DROP TRIGGER by_hand ON odd_key;
CREATE TRIGGER by_hand AFTER INSERT ON odd_key FOR EACH ROW EXECUTE FUNCTION score_inserted_rows('1');
CALL tests.refused($$INSERT INTO odd_key VALUES (1, 2, 3, '{d}')$$);
DROP TRIGGER by_hand ON odd_key;
CREATE TRIGGER by_hand AFTER UPDATE ON odd_key REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION score_inserted_rows();
CALL tests.refused($$UPDATE odd_key SET total = 1$$);
DROP TRIGGER by_hand ON odd_key;
DROP TABLE odd_key;
SELECT score_on_insert('history', 'churn', 'k', 'history_scores');
SELECT count(*) FROM scorings AS s WHERE NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = s.relation::oid);
