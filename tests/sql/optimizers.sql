-- optimizer 'cg' and 'igd': the optimum of 'irls' within tolerance, or a WARNING that it was not reached.
\set SHOW_CONTEXT never
SET search_path = public, ml;
CREATE TABLE d AS
SELECT k AS id, ((k * 37) % 11)::float8 AS a, ((k * 53) % 7)::float8 AS b, k % 3 AS g, (k * 7 + k / 9) % 5 < 2 AS y FROM generate_series(1, 900) AS k;
SELECT logregr_train('d', 'given', 'y', 'ARRAY[1, a, b]');


SELECT logregr_train('d', 'by_cg', 'y', 'ARRAY[1, a, b]', NULL, 100, 'cg', 1e-10);
SELECT logregr_train('d', 'by_igd', 'y', 'ARRAY[1, a, b]', NULL, 1000, 'igd', 1e-10);
SELECT reference.verdict(c.coef, g.coef, 1e-4) AS cg, reference.verdict(i.coef, g.coef, 1e-4) AS igd FROM by_cg c, by_igd i, given g;
SET client_min_messages = error;
SELECT logregr_train('d', 'cg_short', 'y', 'ARRAY[1, a, b]', NULL, 1, 'cg', 1e-10);
SELECT logregr_train('d', 'igd_short', 'y', 'ARRAY[1, a, b]', NULL, 1, 'igd', 1e-10);
RESET client_min_messages;
SELECT c.status, cardinality(c.warnings) AS warnings, i.status, cardinality(i.warnings) AS warnings FROM cg_short_summary c, igd_short_summary i;
-- The intercept rule, groups, collinear columns and separation are those of 'irls'.
SET client_min_messages = notice;
SELECT logregr_train('d', 'added_cg', 'y', 'ARRAY[a, b]', NULL, 100, 'cg', 1e-10);
SELECT logregr_train('d', 'added_igd', 'y', 'ARRAY[a, b]', NULL, 1000, 'igd', 1e-10);
SELECT cardinality(c.coef), cardinality(i.coef), c.intercept = c.coef[1] AS cg, i.intercept = i.coef[1] AS igd FROM added_cg c, added_igd i;
SELECT logregr_train('d', 'grouped_irls', 'y', 'ARRAY[1, a, b]', 'g');
SELECT logregr_train('d', 'grouped_cg', 'y', 'ARRAY[1, a, b]', 'g', 100, 'cg', 1e-10);
SELECT logregr_train('d', 'grouped_igd', 'y', 'ARRAY[1, a, b]', 'g', 1000, 'igd', 1e-10);
SELECT g, max(abs(c - n) / s) < 1e-4 AS cg, max(abs(i - n) / s) < 1e-4 AS igd
  FROM grouped_irls r JOIN grouped_cg q USING (g) JOIN grouped_igd p USING (g), LATERAL unnest(r.coef, r.std_err, q.coef, p.coef) AS u(n, s, c, i) GROUP BY g ORDER BY g;
SELECT logregr_train('d', 'collinear_cg', 'y', 'ARRAY[1, a, b, 2 * a - b]', NULL, 100, 'cg', 1e-10);
SELECT logregr_train('d', 'collinear_igd', 'y', 'ARRAY[1, a, b, 2 * a - b]', NULL, 1000, 'igd', 1e-10);
SELECT reference.verdict(ARRAY[c.coef[2] + 2 * c.coef[4], c.coef[3] - c.coef[4]], g.coef[2:3], 1e-4) AS cg,
       reference.verdict(ARRAY[i.coef[2] + 2 * i.coef[4], i.coef[3] - i.coef[4]], g.coef[2:3], 1e-4) AS igd FROM collinear_cg c, collinear_igd i, given g;
SELECT logregr_train('d', 'separated_cg', 'a > 5', 'ARRAY[1, a, b]', NULL, 100, 'cg');
SELECT logregr_train('d', 'separated_igd', 'a > 5', 'ARRAY[1, a, b]', NULL, 100, 'igd');
SELECT c.status AS cg, i.status AS igd FROM separated_cg_summary c, separated_igd_summary i;
-- The same call gives the same bits.
SELECT logregr_train('d', 'igd_again', 'y', 'ARRAY[a, b]', NULL, 1000, 'igd', 1e-10);
SELECT a.coef = i.coef AS same FROM igd_again a, added_igd i;
-- Inference belongs to the final coefficients.
SELECT abs(i.log_likelihood - (SELECT sum(ln(CASE WHEN y THEN p ELSE 1 - p END)) FROM (SELECT y, logregr_predict_prob(i.coef, ARRAY[a, b]) AS p FROM d) AS q)) < 1e-8 AS likelihood FROM added_igd i;
