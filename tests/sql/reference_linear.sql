-- MADlib's example of linregr_train (its manual, linear regression) against statsmodels and against the numbers
-- MADlib prints.
\set VERBOSITY terse
CREATE TABLE reference_houses (id integer, tax integer, bedroom integer, bath float8, price integer, size integer, lot integer);
INSERT INTO reference_houses VALUES
 (1,590,2,1,50000,770,22100), (2,1050,3,2,85000,1410,12000), (3,20,3,1,22500,1060,3500), (4,870,2,2,90000,1300,17500),
 (5,1320,3,2,133000,1500,30000), (6,1350,2,1,90500,820,25700), (7,2790,3,2.5,260000,2130,25000), (8,680,2,1,142500,1170,22000),
 (9,1840,3,2,160000,1500,19000), (10,3680,4,2,240000,2790,20000), (11,1660,3,1,87000,1030,17500), (12,1620,3,2,118600,1250,20000),
 (13,3100,3,2,140000,1760,38000), (14,2070,2,3,148000,1550,14000), (15,650,3,1.5,65000,1450,12000);

SELECT ml.linregr_train('reference_houses', 'reference_houses_model', 'price', 'ARRAY[1, tax, bath, size]', NULL, true);
SELECT c.* FROM reference_houses_model m, reference.compare(to_jsonb(m), reference.part('houses', 'linear')) c;
SELECT reference.verdict(bp_stats, reference.part('houses', 'linear', 'bp_koenker')) AS bp_stats,
       reference.verdict(bp_p_value, reference.part('houses', 'linear', 'bp_koenker_p')) AS bp_p_value
  FROM reference_houses_model;
SELECT c.* FROM reference_houses_model m, reference.compare(to_jsonb(m), reference.part('houses', 'madlib'), 1e-8) c;

-- One model per number of bedrooms; the single house with 4 leaves nothing to estimate the errors from.
SET client_min_messages = error;
SELECT ml.linregr_train('reference_houses', 'reference_houses_by_bedroom', 'price', 'ARRAY[1, tax, bath, size]', 'bedroom');
RESET client_min_messages;
SELECT m.bedroom, c.*
  FROM reference_houses_by_bedroom m, reference.compare(to_jsonb(m), reference.part('houses', 'by_bedroom', m.bedroom::text)) c
 ORDER BY m.bedroom, c.quantity COLLATE "C";
SELECT bedroom, num_rows_processed, p_values IS NULL AS no_p_values FROM reference_houses_by_bedroom ORDER BY bedroom;

-- Without a constant none is added: strict MADlib.
SELECT ml.linregr_train('reference_houses', 'reference_houses_plain', 'price', 'ARRAY[tax, bath, size]');
SELECT cardinality(coef) AS coefficients FROM reference_houses_plain;

-- Predictions are the plain product.
SELECT count(*) AS rows, bool_and(abs(ml.linregr_predict(m.coef, ARRAY[1, tax, bath, size])
                                      - (m.coef[1] + m.coef[2] * tax + m.coef[3] * bath + m.coef[4] * size)) <= 1e-9) AS product
  FROM reference_houses, reference_houses_model m;

DROP TABLE reference_houses, reference_houses_model, reference_houses_model_summary, reference_houses_by_bedroom,
           reference_houses_by_bedroom_summary, reference_houses_plain, reference_houses_plain_summary;
