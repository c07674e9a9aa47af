-- MADlib's example of logregr_train (its manual, logistic regression) against statsmodels and against the
-- numbers MADlib prints.
\set VERBOSITY terse
CREATE TABLE reference_patients (id integer, second_attack integer, treatment integer, trait_anxiety integer);
INSERT INTO reference_patients VALUES
 (1,1,1,70), (3,1,1,50), (5,1,0,40), (7,1,0,75), (9,1,0,70), (11,0,1,65), (13,0,1,45), (15,0,1,40), (17,0,0,55), (19,0,0,50),
 (2,1,1,80), (4,1,0,60), (6,1,0,65), (8,1,0,80), (10,1,0,60), (12,0,1,50), (14,0,1,35), (16,0,1,50), (18,0,0,45), (20,0,0,60);

-- The whole table. Everything belongs to the final coefficients.
SELECT ml.logregr_train('reference_patients', 'reference_patients_model', 'second_attack', 'ARRAY[1, treatment, trait_anxiety]', NULL, 20, 'irls');
SELECT c.* FROM reference_patients_model m, reference.compare(to_jsonb(m), reference.part('patients', 'logistic')) c;

-- MADlib's own print-out: coef is at the optimum to 1e-10; std_err and the rest belong to the
-- coefficients before, so that they differ by what the last step changed (up to 1.3e-5).
SELECT reference.verdict(coef, reference.numbers(reference.part('patients', 'madlib', 'coef')), 1e-9) AS coef,
       reference.verdict(odds_ratios, reference.numbers(reference.part('patients', 'madlib', 'odds_ratios')), 1e-9) AS odds_ratios,
       reference.verdict(log_likelihood, reference.part('patients', 'madlib', 'log_likelihood'), 1e-9) AS log_likelihood
  FROM reference_patients_model;
SELECT c.* FROM reference_patients_model m, reference.compare(to_jsonb(m), reference.part('patients', 'madlib'), 2e-5) c;

-- One model per treatment.
SELECT ml.logregr_train('reference_patients', 'reference_patients_by_treatment', 'second_attack', 'ARRAY[1, trait_anxiety]', 'treatment', 20, 'irls');
SELECT m.treatment, c.*
  FROM reference_patients_by_treatment m, reference.compare(to_jsonb(m), reference.part('patients', 'by_treatment', m.treatment::text)) c
 ORDER BY m.treatment, c.quantity COLLATE "C";

-- Without the constant the intercept is added: the same model.
SET client_min_messages = warning;
SELECT ml.logregr_train('reference_patients', 'reference_patients_added', 'second_attack', 'ARRAY[treatment, trait_anxiety]');
RESET client_min_messages;
SELECT c.* FROM reference_patients_added m, reference.compare(to_jsonb(m), reference.part('patients', 'logistic')) c;

-- Predictions: probability by its definition, both forms.
SELECT count(*) AS rows,
       bool_and(abs(ml.logregr_predict_prob(m.coef, x) - p) <= 1e-14) AS probability,
       bool_and(ml.logregr_predict(m.coef, x) = (p > 0.5)) AS class,
       bool_and(ml.logregr_predict(m.coef, 0, x) = (p > 0.5)::integer) AS class_with_intercept,
       bool_and(ml.logregr_predict_prob(m.coef, 0, x)::float8 = ml.logregr_predict_prob(m.coef, x)) AS probability_with_intercept
  FROM reference_patients t, reference_patients_model m,
       LATERAL (SELECT ARRAY[1, t.treatment, t.trait_anxiety]::float8[]) AS f(x),
       LATERAL (SELECT 1 / (1 + exp(-(m.coef[1] + m.coef[2] * t.treatment + m.coef[3] * t.trait_anxiety)))) AS q(p);

DROP TABLE reference_patients, reference_patients_model, reference_patients_model_summary,
           reference_patients_by_treatment, reference_patients_by_treatment_summary,
           reference_patients_added, reference_patients_added_summary;
