-- Predictions by named models.
--
-- STABLE: within one statement a model reference means one version. The functions are not STRICT, because a
-- missing value is what the model's own rule says, and NULL as a model is an error.

CREATE FUNCTION predict(model text, VARIADIC "any") RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict';
COMMENT ON FUNCTION predict(text, "any") IS
    'prediction of a named model (''model'', ''model@alias'', ''model@3''): the value of a regression, a numeric or boolean class as a number; the row is a composite value or a jsonb by name, an array or scalars in the order of training; in a jsonb a number for an interval or a time is seconds, and a nested object is refused';

CREATE FUNCTION predict_class(model text, VARIADIC "any") RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_class';
COMMENT ON FUNCTION predict_class(text, "any") IS
    'class predicted by a named model, as text; the row as in predict';

CREATE FUNCTION predict_proba(model text, VARIADIC "any") RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_proba';
COMMENT ON FUNCTION predict_proba(text, "any") IS
    'probability of the positive class (the second of two) by a named model; the row as in predict';

CREATE FUNCTION predict_probas(model text, VARIADIC "any") RETURNS double precision[]
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_probas';
COMMENT ON FUNCTION predict_probas(text, "any") IS
    'probabilities of all classes by a named model, in the order of its classes; the row as in predict';

CREATE FUNCTION predict_json(model text, input jsonb) RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict';
COMMENT ON FUNCTION predict_json(text, jsonb) IS
    'predict for a jsonb object: for drivers that send parameters without a type';

CREATE FUNCTION predict_class_json(model text, input jsonb) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_class';
COMMENT ON FUNCTION predict_class_json(text, jsonb) IS
    'predict_class for a jsonb object: for drivers that send parameters without a type';

CREATE FUNCTION predict_proba_json(model text, input jsonb) RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_proba';
COMMENT ON FUNCTION predict_proba_json(text, jsonb) IS
    'predict_proba for a jsonb object: for drivers that send parameters without a type';

CREATE FUNCTION predict_record(model text, VARIADIC "any",
        OUT prediction double precision, OUT class text, OUT probability double precision)
    LANGUAGE c STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_predict_record';
COMMENT ON FUNCTION predict_record(text, "any") IS
    'prediction, class and probability by a named model, scored once: the value of a regression or a numeric or boolean class as a number; the class as text; the probability of the second of two classes, of the predicted one of more; the row as in predict';
