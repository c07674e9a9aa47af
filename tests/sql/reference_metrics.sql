-- Metrics on 10,000 rows by formula (tests/reference/datasets.py, `scores`): 64 distinct scores, so nearly every
-- row is tied; against scikit-learn.
\set VERBOSITY terse
CREATE TABLE reference_scores AS
SELECT (a >> 14) / 64.0::float8 AS score, (a + b > 1048576)::integer AS label, observed, observed + ((c >> 16) - 8) / 4.0::float8 AS predicted
  FROM (SELECT *, (1 + (a >> 16)) * CASE WHEN b & 1 = 1 THEN -1 ELSE 1 END::float8 AS observed
          FROM (SELECT reference.draw(4 * i) AS a, reference.draw(4 * i + 1) AS b, reference.draw(4 * i + 2) AS c
                  FROM generate_series(1, 10000::bigint) AS i) AS h) AS o;

SELECT ml.area_under_roc('reference_scores', 'reference_scores_auc', 'score', 'label');
SELECT c.* FROM reference_scores_auc m, reference.compare(to_jsonb(m), reference.part('metrics', 'ranking')) c;

-- All 64 rows of counts, exactly; the rates follow from the counts.
SELECT ml.binary_classifier('reference_scores', 'reference_scores_thresholds', 'score', 'label');
SELECT count(*) AS thresholds, bool_and(ARRAY[t.threshold, t.tp, t.fp, t.fn, t.tn]::float8[] = reference.numbers(r.counts)) AS counts
  FROM (SELECT *, row_number() OVER (ORDER BY threshold DESC) AS n FROM reference_scores_thresholds) AS t
  FULL JOIN jsonb_array_elements(reference.part('metrics', 'thresholds', 'counts')) WITH ORDINALITY AS r(counts, n) USING (n);
SELECT reference.verdict(array_agg(tpr ORDER BY threshold), array_agg((tp / (tp + fn))::float8 ORDER BY threshold), 1e-14) AS tpr,
       reference.verdict(array_agg(fpr ORDER BY threshold), array_agg((fp / (fp + tn))::float8 ORDER BY threshold), 1e-14) AS fpr,
       reference.verdict(array_agg(ppv ORDER BY threshold), array_agg((tp / (tp + fp))::float8 ORDER BY threshold), 1e-14) AS ppv,
       reference.verdict(array_agg(acc ORDER BY threshold), array_agg(((tp + tn) / 10000)::float8 ORDER BY threshold), 1e-14) AS acc,
       reference.verdict(array_agg(f1::float8 ORDER BY threshold), array_agg((2 * tp / (2 * tp + fp + fn))::float8 ORDER BY threshold), 1e-14) AS f1
  FROM reference_scores_thresholds;
SELECT reference.verdict(acc, reference.part('metrics', 'ranking', 'accuracy_at_half')) AS accuracy,
       reference.verdict(f1::float8, reference.part('metrics', 'ranking', 'f1_at_half')) AS f1
  FROM reference_scores_thresholds WHERE threshold = 0.5;
SELECT count(*) AS rows, reference.verdict(min(auc)::float8, reference.part('metrics', 'ranking', 'area_under_roc')) AS auc, min(auc) = max(auc) AS one_auc
  FROM ml.binary_classifier_auc('reference_scores', 'reference_scores_curve', 'score', 'label');

SELECT ml.r2_score('reference_scores', 'reference_scores_r2', 'predicted', 'observed');
SELECT ml.mean_abs_error('reference_scores', 'reference_scores_mae', 'predicted', 'observed');
SELECT ml.mean_squared_error('reference_scores', 'reference_scores_mse', 'predicted', 'observed');
SELECT ml.mean_abs_perc_error('reference_scores', 'reference_scores_mape', 'predicted', 'observed');
SELECT ml.mean_perc_error('reference_scores', 'reference_scores_mpe', 'predicted', 'observed');
SELECT c.* FROM reference_scores_r2 m, reference.compare(to_jsonb(m), reference.part('metrics', 'regression')) c;
SELECT c.* FROM reference_scores_mae m, reference.compare(to_jsonb(m), reference.part('metrics', 'regression')) c;
SELECT c.* FROM reference_scores_mse m, reference.compare(to_jsonb(m), reference.part('metrics', 'regression')) c;
SELECT c.* FROM reference_scores_mape m, reference.compare(to_jsonb(m), reference.part('metrics', 'regression')) c;
SELECT c.* FROM reference_scores_mpe m, reference.compare(to_jsonb(m), reference.part('metrics', 'regression')) c;

-- The confusion matrix at one half: rows are observed, columns predicted.
CREATE VIEW reference_scores_classes AS SELECT label, (score >= 0.5)::integer AS class_at_half FROM reference_scores;
SELECT ml.confusion_matrix('reference_scores_classes', 'reference_scores_confusion', 'class_at_half', 'label');
SELECT m.class, m.confusion_arr::float8[] = CASE m.class WHEN '0' THEN ARRAY[tn, fp] ELSE ARRAY[fn, tp] END::float8[] AS counts
  FROM reference_scores_confusion m, reference_scores_thresholds t WHERE t.threshold = 0.5 ORDER BY m.row_id;

DROP VIEW reference_scores_classes;
DROP TABLE reference_scores, reference_scores_auc, reference_scores_thresholds, reference_scores_curve, reference_scores_r2, reference_scores_mae,
           reference_scores_mse, reference_scores_mape, reference_scores_mpe, reference_scores_confusion;
