-- The aggregate linregr(y, x[]) and the comments of the training functions.

CREATE TYPE linregr_result AS (
    coef double precision[],
    r2 double precision,
    std_err double precision[],
    t_stats double precision[],
    p_values double precision[],
    condition_no double precision,
    num_processed bigint,
    vcov double precision[]
);
COMMENT ON TYPE linregr_result IS 'a linear regression as the aggregate linregr returns it';

CREATE FUNCTION linregr_transition(state bytea, y double precision, x double precision[])
    RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_linregr_transition';
COMMENT ON FUNCTION linregr_transition(bytea, double precision, double precision[]) IS
    'takes one row into the state of the aggregate linregr';

CREATE FUNCTION linregr_merge_states(state1 bytea, state2 bytea)
    RETURNS bytea
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_linregr_merge_states';
COMMENT ON FUNCTION linregr_merge_states(bytea, bytea) IS
    'joins two states of the aggregate linregr';

CREATE FUNCTION linregr_final(state bytea)
    RETURNS linregr_result
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'pglearn_linregr_final';
COMMENT ON FUNCTION linregr_final(bytea) IS
    'coefficients and inference from the state of the aggregate linregr';

CREATE AGGREGATE linregr(y double precision, x double precision[]) (
    SFUNC = linregr_transition,
    STYPE = bytea,
    COMBINEFUNC = linregr_merge_states,
    FINALFUNC = linregr_final,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE linregr(double precision, double precision[]) IS
    'ordinary least squares of y on the elements of x; rows with NULLs are skipped; no constant is added';

COMMENT ON FUNCTION logregr_train(text, text, text, text, text, integer, text, double precision, boolean) IS
    'trains a logistic regression with inference and writes a model table and its summary; SELECT @extschema@.logregr_train() explains it';
COMMENT ON FUNCTION logregr_train() IS 'explains logregr_train';
COMMENT ON FUNCTION logregr_train(text) IS 'explains logregr_train: ''usage'' or ''example''';
COMMENT ON FUNCTION linregr_train(text, text, text, text, text, boolean) IS
    'trains a linear regression by ordinary least squares and writes a model table and its summary; SELECT @extschema@.linregr_train() explains it';
COMMENT ON FUNCTION linregr_train() IS 'explains linregr_train';
COMMENT ON FUNCTION linregr_train(text) IS 'explains linregr_train: ''usage'' or ''example''';
