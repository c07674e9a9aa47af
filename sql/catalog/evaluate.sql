-- How good a model is, and what it says of every row of a source.

CREATE FUNCTION roc_curve(model text, source text DEFAULT NULL)
    RETURNS TABLE (threshold double precision, fpr double precision, tpr double precision,
                   "precision" double precision, recall double precision, f1 double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pglearn_roc_curve';
CREATE FUNCTION predict_batch(model text, source text, key text)
    RETURNS TABLE (key text, prediction double precision, class text, probability double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_batch';

COMMENT ON FUNCTION evaluate(text, text, double precision, text) IS
    'metrics of a model by their scikit-learn names, on the rows of a source (a relation or a SELECT with the inputs and the target) or on the stored hold-out; group by group of a column of the source';
COMMENT ON FUNCTION confusion_matrix(text, text) IS
    'how often a model predicted each class for each observed class, on a source or on the stored hold-out';
COMMENT ON FUNCTION roc_curve(text, text) IS
    'ROC and precision-recall curves of a model of two classes, one row a distinct score, on a source or on the stored hold-out';
COMMENT ON FUNCTION calibration_curve(text, text) IS
    'share of positive rows against the mean predicted probability in ten bins, on a source or on the stored hold-out';
COMMENT ON FUNCTION predict_batch(text, text, text) IS
    'predictions for every row of a source: its key as text, the prediction as a number, the class, and the probability of the second of two classes or else of the class predicted';
COMMENT ON FUNCTION compare(text, integer, integer, text) IS
    'metrics of two versions on the same rows: those of a source, or those of the stored source as it is now that neither version learned from; improvement is positive where version2 is better';
COMMENT ON FUNCTION promote(text, integer, text, jsonb, text, boolean) IS
    'lets an alias stand for a version, if the gate passes: {"metric", "min_delta", "guardrails", "archive_existing_versions"}; false where it does not; force accepts other inputs than before';
COMMENT ON FUNCTION global_explain(text, text) IS
    'what matters to a model: permutation (how much its metric worsens on held-out rows of its source, as they are now, with an input shuffled; for its owner) or coefficients (standardised, or t statistics; needs no rows)';
